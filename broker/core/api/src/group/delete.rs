//! DeleteGroups: an administrator forgets groups without members. Needs Delete on each group.

use ottla_groups::Reply;
use ottla_vocabulary::GroupId;
use ottla_wire::delete_groups_response::DeletableGroupResult;
use ottla_wire::{Budget, DeleteGroupsRequest, DeleteGroupsResponse, ErrorCode, WireError};

use super::{Ask, Task, Told, may};
use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics;

/// The request's groups, each refused here or to be deleted.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    groups: Vec<(String, Option<ErrorCode>)>,
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &DeleteGroupsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let mut answer = Answer::default();
    let mut asks = Vec::new();
    budget.charge::<(String, Ask)>(request.groups_names.len())?;
    // Kafka too deletes a group once that is named twice.
    for id in topics::once(request.groups_names.collect(budget)?, Ord::cmp, budget)? {
        let refusal = may(context, Operation::Delete, &id).err();
        if refusal.is_none() {
            asks.push(Ask::Delete(GroupId::new(&id)));
        }
        answer.groups.push((id.into_owned(), refusal));
    }
    if asks.is_empty() {
        return Ok(Outcome::Reply(answer.encode(context, Vec::new())?));
    }
    Ok(Outcome::Group(Task { asks, answer: super::Answer::Delete(answer) }))
}

impl Answer {
    pub(super) fn encode(self, context: &Context<'_>, told: Vec<Told>) -> Result<Encoded, WireError> {
        let mut told = told.into_iter();
        let results = self.groups.into_iter().map(|(id, refusal)| {
            let code = refusal.unwrap_or_else(|| match told.next() {
                Some(Ok(Reply::Delete(code)) | Err(code)) => code,
                _ => ErrorCode::UnknownServerError,
            });
            DeletableGroupResult { group_id: id.into(), error_code: code.code(), error_message: None }
        });
        let results = results.collect();
        context.head.encode(&DeleteGroupsResponse { throttle_time_ms: context.head.throttle(), results })
    }
}
