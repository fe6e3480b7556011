//! JoinGroup: a member comes, or comes back. Needs Read on the group.

use ottla_groups::request::{Join, Joined, Protocol};
use ottla_groups::{Reply, Request};
use ottla_vocabulary::{GroupId, MemberId};
use ottla_wire::join_group_response::JoinGroupResponseMember;
use ottla_wire::{Budget, ErrorCode, JoinGroupRequest, JoinGroupResponse, WireError};

use super::{Task, Told, may, millis, only};
use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;

/// What the answer needs besides the reply.
#[derive(Clone, Debug)]
pub struct Answer {
    member: MemberId,
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &JoinGroupRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let member = MemberId::new(&request.member_id);
    let answer = Answer { member: member.clone() };
    if let Err(code) = may(context, Operation::Read, &request.group_id) {
        return Ok(Outcome::Reply(answer.encode(context, vec![Err(code)])?));
    }
    budget.charge::<Protocol>(request.protocols.len())?;
    let protocols = request.protocols.iter();
    let protocols = protocols.map(|one| Protocol { name: one.name.into_owned(), metadata: one.metadata.into_owned() });
    // Version 0 had one time for both.
    let rebalance_timeout =
        if context.version() == 0 { request.session_timeout_ms } else { request.rebalance_timeout_ms };
    let group = GroupId::new(&request.group_id);
    let instance = request.group_instance_id.as_deref().map(str::to_owned);
    let join = Join {
        group: group.clone(),
        member,
        asks_for_id_first: 4 <= context.version() && instance.is_none(),
        instance,
        client_id: context.client_id.unwrap_or_default().to_owned(),
        client_host: format!("/{}", context.peer.address.ip()),
        protocol_type: request.protocol_type.to_string(),
        protocols: protocols.collect(),
        session_timeout: millis(request.session_timeout_ms),
        rebalance_timeout: millis(rebalance_timeout),
        can_skip_assignment: 9 <= context.version(),
        unique: String::new(), // random: the node draws it
    };
    Ok(Outcome::Group(Task::one(group, Request::Join(join), super::Answer::Join(answer))))
}

impl Answer {
    pub(super) fn encode(self, context: &Context<'_>, told: Vec<Told>) -> Result<Encoded, WireError> {
        let joined = match only(told) {
            Ok(Reply::Join(joined)) => joined,
            Ok(_) => Joined::refused(self.member, ErrorCode::UnknownServerError),
            Err(code) => Joined::refused(self.member, code),
        };
        let member_id = joined.member.to_string();
        let leader = joined.leader.to_string();
        let members = joined.members.into_iter().map(|member| JoinGroupResponseMember {
            member_id: member.member.to_string().into(),
            group_instance_id: member.instance.map(Into::into),
            metadata: member.metadata.into(),
        });
        // Null has been allowed since version 7 only.
        let protocol_name = joined.protocol_name.or((context.version() < 7).then(String::new));
        context.head.encode(&JoinGroupResponse {
            throttle_time_ms: context.head.throttle(),
            error_code: joined.error.code(),
            generation_id: joined.generation,
            protocol_type: joined.protocol_type.map(Into::into),
            protocol_name: protocol_name.map(Into::into),
            leader: leader.into(),
            skip_assignment: joined.skip_assignment,
            member_id: member_id.into(),
            members: members.collect(),
        })
    }
}
