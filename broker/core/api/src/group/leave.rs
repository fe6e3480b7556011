//! LeaveGroup: members go, or are removed by an administrator. Needs Read on the group.

use ottla_groups::request::Leaving;
use ottla_groups::{Reply, Request};
use ottla_vocabulary::{GroupId, MemberId};
use ottla_wire::leave_group_response::MemberResponse;
use ottla_wire::{Budget, ErrorCode, LeaveGroupRequest, LeaveGroupResponse, WireError};

use super::{Answer, Task, Told, may, only};
use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;

/// From here on a request names many members, and each has its own answer.
const MANY_MEMBERS: i16 = 3;

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &LeaveGroupRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    if let Err(code) = may(context, Operation::Read, &request.group_id) {
        return Ok(Outcome::Reply(answer(context, vec![Err(code)])?));
    }
    let members = if context.version() < MANY_MEMBERS {
        vec![Leaving { member: MemberId::new(&request.member_id), instance: None }]
    } else {
        budget.charge::<Leaving>(request.members.len())?;
        let members = request.members.iter().map(|one| Leaving {
            member: MemberId::new(&one.member_id),
            instance: one.group_instance_id.map(|instance| instance.into_owned()),
        });
        members.collect()
    };
    let group = GroupId::new(&request.group_id);
    Ok(Outcome::Group(Task::one(group.clone(), Request::Leave { group, members }, Answer::Leave)))
}

pub(super) fn answer(context: &Context<'_>, told: Vec<Told>) -> Result<Encoded, WireError> {
    let (mut code, members) = match only(told) {
        Ok(Reply::Leave(Ok(members))) => (ErrorCode::None, members),
        Ok(Reply::Leave(Err(code))) | Err(code) => (code, Vec::new()),
        Ok(_) => (ErrorCode::UnknownServerError, Vec::new()),
    };
    if context.version() < MANY_MEMBERS && code == ErrorCode::None {
        code = members.first().map_or(ErrorCode::None, |(_, code)| *code);
    }
    let members =
        members.into_iter().filter(|_| MANY_MEMBERS <= context.version()).map(|(leaving, code)| MemberResponse {
            member_id: leaving.member.to_string().into(),
            group_instance_id: leaving.instance.map(Into::into),
            error_code: code.code(),
        });
    context.head.encode(&LeaveGroupResponse {
        throttle_time_ms: context.head.throttle(),
        error_code: code.code(),
        members: members.collect(),
    })
}
