//! Heartbeat: a member is still here. Needs Read on the group.

use ottla_groups::request::Identity;
use ottla_groups::{Reply, Request};
use ottla_vocabulary::{GroupId, MemberId};
use ottla_wire::{ErrorCode, HeartbeatRequest, HeartbeatResponse, WireError};

use super::{Answer, Task, Told, may};
use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;

pub(crate) fn handle<'a>(context: &Context<'a>, request: &HeartbeatRequest<'a>) -> Result<Outcome<'a>, WireError> {
    if let Err(code) = may(context, Operation::Read, &request.group_id) {
        return Ok(Outcome::Reply(answer(context, &[Err(code)])?));
    }
    let group = GroupId::new(&request.group_id);
    let who = Identity {
        group: group.clone(),
        member: MemberId::new(&request.member_id),
        instance: request.group_instance_id.as_deref().map(str::to_owned),
        generation: request.generation_id,
    };
    Ok(Outcome::Group(Task::one(group, Request::Heartbeat(who), Answer::Heartbeat)))
}

pub(super) fn answer(context: &Context<'_>, told: &[Told]) -> Result<Encoded, WireError> {
    let code = match told.first() {
        Some(Ok(Reply::Heartbeat(code)) | Err(code)) => *code,
        _ => ErrorCode::UnknownServerError,
    };
    context.head.encode(&HeartbeatResponse { throttle_time_ms: context.head.throttle(), error_code: code.code() })
}
