//! DescribeGroups: who is in groups. Needs Describe on each group.

use ottla_groups::Reply;
use ottla_groups::describe::Description;
use ottla_vocabulary::GroupId;
use ottla_wire::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use ottla_wire::{Budget, DescribeGroupsRequest, DescribeGroupsResponse, ErrorCode, WireError};

use super::{Ask, Task, Told, may};
use crate::authorizer::{Operation, Resource};
use crate::context::{Context, OPERATIONS_NOT_ASKED};
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics;

/// From here on a group that is not there is an error; before, it was a dead group.
const GROUP_NOT_FOUND: i16 = 6;

/// The request's groups, each refused here or asked about.
#[derive(Clone, Debug)]
pub struct Answer {
    groups: Vec<(String, Option<ErrorCode>)>,
    operations: bool,
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &DescribeGroupsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let mut answer = Answer { groups: Vec::new(), operations: request.include_authorized_operations };
    let mut asks = Vec::new();
    budget.charge::<(String, Ask)>(request.groups.len())?;
    // A group that is named twice is answered once: its members may be many.
    for id in topics::once(request.groups.collect(budget)?, Ord::cmp, budget)? {
        let refusal = may(context, Operation::Describe, &id).err();
        if refusal.is_none() {
            asks.push(Ask::Describe(GroupId::new(&id)));
        }
        answer.groups.push((id.into_owned(), refusal));
    }
    if asks.is_empty() {
        return Ok(Outcome::Reply(answer.encode(context, Vec::new())?));
    }
    Ok(Outcome::Group(Task { asks, answer: super::Answer::Describe(answer) }))
}

impl Answer {
    pub(super) fn encode(self, context: &Context<'_>, told: Vec<Told>) -> Result<Encoded, WireError> {
        let mut told = told.into_iter();
        let mut groups = Vec::with_capacity(self.groups.len());
        for (id, refusal) in self.groups {
            let reply = match refusal {
                Some(code) => Err(code),
                None => match told.next() {
                    Some(Ok(Reply::Describe(description))) => Ok(description),
                    Some(Err(code)) => Err(code),
                    _ => Err(ErrorCode::UnknownServerError),
                },
            };
            groups.push(describe(context, id, self.operations, reply));
        }
        let groups = groups.into();
        context.head.encode(&DescribeGroupsResponse { throttle_time_ms: context.head.throttle(), groups })
    }
}

fn describe<'a>(
    context: &Context<'_>,
    id: String,
    operations: bool,
    reply: Result<Description, ErrorCode>,
) -> DescribedGroup<'a> {
    let found = match reply {
        Ok(found) => found,
        Err(code) => {
            let (group_id, authorized_operations) = (id.into(), OPERATIONS_NOT_ASKED);
            return DescribedGroup { error_code: code.code(), group_id, authorized_operations, ..Default::default() };
        }
    };
    let is_missing = found.error == ErrorCode::GroupIdNotFound;
    let tells_missing = is_missing && GROUP_NOT_FOUND <= context.version();
    let error = if is_missing && !tells_missing { ErrorCode::None } else { found.error };
    let members = found.members.into_iter().map(|member| DescribedGroupMember {
        member_id: member.member.to_string().into(),
        group_instance_id: member.instance.map(Into::into),
        client_id: member.client_id.into(),
        client_host: member.client_host.into(),
        member_metadata: member.metadata.into(),
        member_assignment: member.assignment.into(),
    });
    let authorized_operations =
        if operations { context.operations_on(Resource::Group(&id)) } else { OPERATIONS_NOT_ASKED };
    DescribedGroup {
        error_code: error.code(),
        error_message: tells_missing.then(|| format!("Group {id} not found.").into()),
        group_state: found.state.into(),
        protocol_type: found.protocol_type.into(),
        protocol_data: found.protocol.into(),
        members: members.collect(),
        authorized_operations,
        group_id: id.into(),
    }
}
