//! FindCoordinator: which broker keeps a group. Needs Describe on the group or transactional id. The topic that groups are
//! kept in is made on the way when the first client asks.
//!
//! Nobody keeps transactional ids or the partitions of share groups yet. Who asks for the former is told so by an error that
//! clients do not try again.

use std::borrow::Cow;

use ottla_vocabulary::TopicName;
use ottla_vocabulary::group::coordinator_partition;
use ottla_wire::find_coordinator_response::Coordinator;
use ottla_wire::{Budget, ErrorCode, FindCoordinatorRequest, FindCoordinatorResponse, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::Context;
use crate::outcome::{NewTopic, OFFSETS, Outcome};
use crate::topics;

/// Kafka's numbers of what is looked for.
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
/// Not served yet.
const SHARE: i8 = 2;

/// Why a transactional id has no coordinator. Producers show this text to their user.
const NO_TRANSACTIONS: &str = "This broker does not serve transactions yet: leave transactional.id unset.";

/// The error that ends a producer at once, where others have it ask again until its time is over. Java's ends by any that
/// cannot be tried again and shows our text unless it is one of authorization; librdkafka, which speaks older versions,
/// ends only by those.
fn no_transactions(version: i16) -> ErrorCode {
    if MANY <= version { ErrorCode::InvalidRequest } else { ErrorCode::TransactionalIdAuthorizationFailed }
}

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
    match key_type {
        GROUP if !context.allows(Operation::Describe, Resource::Group(key)) => {
            return refuse(ErrorCode::GroupAuthorizationFailed);
        }
        GROUP => {}
        TRANSACTION if !context.allows(Operation::Describe, Resource::TransactionalId(key)) => {
            return refuse(ErrorCode::TransactionalIdAuthorizationFailed);
        }
        TRANSACTION => {
            let refused = refuse(no_transactions(context.version()));
            return Coordinator { error_message: Some(Cow::Borrowed(NO_TRANSACTIONS)), ..refused };
        }
        _ => return refuse(ErrorCode::InvalidRequest),
    }
    let Some(found) = context.view.image.topics.by_text(OFFSETS) else {
        if let (true, Ok(name)) = (missing.is_empty(), TopicName::new(OFFSETS)) {
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
