//! SyncGroup: the leader hands over what each member gets, and each member gets it. Needs Read on the group.

use ottla_groups::request::{Identity, Sync, Synced};
use ottla_groups::{Reply, Request};
use ottla_vocabulary::{GroupId, MemberId};
use ottla_wire::{Budget, ErrorCode, SyncGroupRequest, SyncGroupResponse, WireError};

use super::{Answer, Task, Told, may, only};
use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &SyncGroupRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    // KIP-559: from version 5 on a member says what it believes the group to be.
    let lacks_protocol = 5 <= context.version() && (request.protocol_type.is_none() || request.protocol_name.is_none());
    let refusal = if lacks_protocol {
        Err(ErrorCode::InconsistentGroupProtocol)
    } else {
        may(context, Operation::Read, &request.group_id)
    };
    if let Err(code) = refusal {
        return Ok(Outcome::Reply(answer(context, vec![Err(code)])?));
    }
    budget.charge::<(MemberId, Vec<u8>)>(request.assignments.len())?;
    let group = GroupId::new(&request.group_id);
    let assignments = request.assignments.iter();
    let assignments = assignments.map(|one| (MemberId::new(&one.member_id), one.assignment.into_owned()));
    let sync = Sync {
        who: Identity {
            group: group.clone(),
            member: MemberId::new(&request.member_id),
            instance: request.group_instance_id.as_deref().map(str::to_owned),
            generation: request.generation_id,
        },
        protocol_type: request.protocol_type.as_deref().map(str::to_owned),
        protocol_name: request.protocol_name.as_deref().map(str::to_owned),
        assignments: assignments.collect(),
    };
    Ok(Outcome::Group(Task::one(group, Request::Sync(sync), Answer::Sync)))
}

pub(super) fn answer(context: &Context<'_>, told: Vec<Told>) -> Result<Encoded, WireError> {
    let synced = match only(told) {
        Ok(Reply::Sync(synced)) => synced,
        Ok(_) => Synced::refused(ErrorCode::UnknownServerError),
        Err(code) => Synced::refused(code),
    };
    context.head.encode(&SyncGroupResponse {
        throttle_time_ms: context.head.throttle(),
        error_code: synced.error.code(),
        protocol_type: synced.protocol_type.map(Into::into),
        protocol_name: synced.protocol_name.map(Into::into),
        assignment: synced.assignment.into(),
    })
}
