//! FindCoordinator: which broker keeps a group, a transactional id or a share group's partition.
//!
//! Needs Describe on the group or transactional id. The coordinators' topics are made on the way when the first client
//! asks.

use std::borrow::Cow;

use ottla_vocabulary::TopicName;
use ottla_vocabulary::group::coordinator_partition;
use ottla_wire::find_coordinator_response::Coordinator;
use ottla_wire::{Budget, ErrorCode, FindCoordinatorRequest, FindCoordinatorResponse, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::Context;
use crate::outcome::{NewTopic, OFFSETS, Outcome, TRANSACTIONS};
use crate::topics;

/// Kafka's numbers of what is looked for.
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
/// Not served yet.
const SHARE: i8 = 2;

/// From this version on one request asks for many.
const MANY: i16 = 4;

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &FindCoordinatorRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let mut missing = Vec::new();
    let throttle_time_ms = context.head.throttle();
    let answer = if context.version() < MANY {
        let found = find(context, request.key_type, &request.key, &mut missing);
        FindCoordinatorResponse {
            throttle_time_ms,
            error_code: found.error_code,
            error_message: found.error_message,
            node_id: found.node_id,
            host: found.host,
            port: found.port,
            ..FindCoordinatorResponse::default()
        }
    } else {
        budget.charge::<Coordinator<'_>>(request.coordinator_keys.len())?;
        let found = request
            .coordinator_keys
            .iter()
            .map(|key| Coordinator { key: key.clone(), ..find(context, request.key_type, &key, &mut missing) });
        FindCoordinatorResponse {
            throttle_time_ms,
            coordinators: found.collect(),
            ..FindCoordinatorResponse::default()
        }
    };
    let reply = context.head.encode(&answer)?;
    Ok(if missing.is_empty() { Outcome::Reply(reply) } else { Outcome::CreateAndReply { topics: missing, reply } })
}

fn find<'a>(context: &Context<'a>, key_type: i8, key: &str, missing: &mut Vec<NewTopic>) -> Coordinator<'a> {
    let refuse = |code: ErrorCode| Coordinator {
        node_id: -1,
        port: -1,
        error_code: code.code(),
        // Where many are asked for, Kafka leaves the text out, unless the type is none.
        error_message: Some(Cow::Borrowed(if context.version() < MANY || !(GROUP..=SHARE).contains(&key_type) {
            code.message()
        } else {
            ""
        })),
        ..Coordinator::default()
    };
    let (resource, refusal, topic) = match key_type {
        GROUP => (Resource::Group(key), ErrorCode::GroupAuthorizationFailed, OFFSETS),
        TRANSACTION => (Resource::TransactionalId(key), ErrorCode::TransactionalIdAuthorizationFailed, TRANSACTIONS),
        _ => return refuse(ErrorCode::InvalidRequest),
    };
    if !context.allows(Operation::Describe, resource) {
        return refuse(refusal);
    }
    let Some(found) = context.view.image.topics.by_text(topic) else {
        if let (true, Ok(name)) = (missing.is_empty(), TopicName::new(topic)) {
            missing.push(NewTopic::on_the_way(context.view.config, name));
        }
        return refuse(ErrorCode::CoordinatorNotAvailable);
    };
    let count = i32::try_from(found.partitions.len()).unwrap_or(i32::MAX).max(1);
    let leader = found.partition(coordinator_partition(key, count)).and_then(|partition| partition.leader);
    match leader.and_then(|leader| topics::endpoint(context, leader)) {
        Some(broker) => Coordinator {
            node_id: broker.node.0,
            host: Cow::Borrowed(broker.host),
            port: broker.port,
            error_code: ErrorCode::None.code(),
            error_message: Some(Cow::Borrowed(if context.version() < MANY { "NONE" } else { "" })),
            ..Coordinator::default()
        },
        None => refuse(ErrorCode::CoordinatorNotAvailable),
    }
}
