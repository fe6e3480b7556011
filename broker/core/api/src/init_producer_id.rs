//! InitProducerId: an id for an idempotent producer.
//!
//! Needs IdempotentWrite on the cluster, or Write on any topic. Transactional ids are not served yet, and whoever has
//! one is told as by FindCoordinator.

use ottla_vocabulary::ProducerId;
use ottla_wire::{ErrorCode, InitProducerIdRequest, InitProducerIdResponse, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::{Encoded, Head};

pub(crate) fn handle<'a>(context: &Context<'a>, request: &InitProducerIdRequest<'a>) -> Result<Outcome<'a>, WireError> {
    let refusal = match request.transactional_id.as_deref() {
        Some(id) if !context.allows(Operation::Write, Resource::TransactionalId(id)) => {
            Some(ErrorCode::TransactionalIdAuthorizationFailed)
        }
        Some("") => Some(ErrorCode::InvalidRequest),
        Some(_) => Some(ErrorCode::TransactionalIdAuthorizationFailed),
        None if !may_write(context) => Some(ErrorCode::ClusterAuthorizationFailed),
        // Both or neither, and only together with a transactional id do they mean anything.
        None if (request.producer_id == -1) != (request.producer_epoch == -1) => Some(ErrorCode::InvalidRequest),
        None => None,
    };
    match refusal {
        Some(code) => Ok(Outcome::Reply(answer(context.head, Err(code))?)),
        None => Ok(Outcome::InitProducerId),
    }
}

fn may_write(context: &Context<'_>) -> bool {
    context.allows(Operation::IdempotentWrite, Resource::Cluster) || context.allows_on_any_topic(Operation::Write)
}

/// The answer: a new id, in its first epoch.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(head: Head, id: Result<ProducerId, ErrorCode>) -> Result<Encoded, WireError> {
    let throttle_time_ms = head.throttle();
    head.encode(&match id {
        Ok(id) => InitProducerIdResponse {
            throttle_time_ms,
            error_code: ErrorCode::None.code(),
            producer_id: id.0,
            producer_epoch: 0,
            ..InitProducerIdResponse::default()
        },
        Err(code) => InitProducerIdResponse {
            throttle_time_ms,
            error_code: code.code(),
            producer_id: -1,
            producer_epoch: -1,
            ..InitProducerIdResponse::default()
        },
    })
}
