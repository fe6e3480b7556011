//! ListGroups: which groups there are. Whoever may Describe the cluster sees all, others those that they may Describe.

use ottla_groups::{Reply, Request};
use ottla_wire::list_groups_response::ListedGroup;
use ottla_wire::{Budget, ErrorCode, ListGroupsRequest, ListGroupsResponse, WireError};

use super::{Ask, Place, Task, Told, may};
use crate::authorizer::{Operation, Resource};
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;

/// What Kafka calls the groups that we serve.
const CLASSIC: &str = "classic";

/// What the list is filtered by, in lower case; empty for no filter.
#[derive(Clone, Debug)]
pub struct Answer {
    states: Vec<String>,
    types: Vec<String>,
}

pub(crate) fn handle<'a>(
    _context: &Context<'a>,
    request: &ListGroupsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    budget.charge::<String>(request.states_filter.len() + request.types_filter.len())?;
    let answer = Answer {
        states: request.states_filter.iter().map(|state| state.to_lowercase()).collect(),
        types: request.types_filter.iter().map(|kind| kind.to_lowercase()).collect(),
    };
    let asks = vec![Ask::any(Place::EveryShard, Request::List)];
    Ok(Outcome::Group(Task { asks, answer: super::Answer::List(answer) }))
}

impl Answer {
    pub(super) fn encode(self, context: &Context<'_>, told: Vec<Told>) -> Result<Encoded, WireError> {
        let sees_all = context.allows(Operation::Describe, Resource::Cluster);
        let mut error = ErrorCode::None;
        let mut groups = Vec::new();
        for reply in told {
            match reply {
                Ok(Reply::List(listed)) => groups.extend(listed),
                // Its groups are elsewhere by now, where they are listed too.
                Err(ErrorCode::NotCoordinator) => {}
                Ok(_) => error = ErrorCode::UnknownServerError,
                Err(code) => error = code,
            }
        }
        let passes = |filter: &[String], value: &str| filter.is_empty() || filter.contains(&value.to_lowercase());
        groups.retain(|one| passes(&self.states, one.state) && passes(&self.types, CLASSIC));
        groups.retain(|one| sees_all || may(context, Operation::Describe, one.group.as_str()).is_ok());
        let groups = groups.into_iter().filter(|_| error == ErrorCode::None).map(|one| ListedGroup {
            group_id: one.group.to_string().into(),
            protocol_type: one.protocol_type.into(),
            group_state: one.state.into(),
            group_type: CLASSIC.into(),
        });
        let (throttle_time_ms, error_code) = (context.head.throttle(), error.code());
        context.head.encode(&ListGroupsResponse { throttle_time_ms, error_code, groups: groups.collect() })
    }
}
