//! BrokerRegistration, BrokerHeartbeat and AllocateProducerIds: what brokers ask of the controller. All need
//! ClusterAction on the cluster. A node's own broker asks its own controller by the same commands, in process.

use ottla_metadata::decide::Refusal;
use ottla_metadata::decide::heartbeat::HeartbeatReply;
use ottla_metadata::decide::producer_ids::ProducerIdBlock;
use ottla_vocabulary::BrokerEpoch;
use ottla_wire::{
    AllocateProducerIdsRequest, AllocateProducerIdsResponse, BrokerHeartbeatRequest, BrokerHeartbeatResponse,
    BrokerRegistrationRequest, BrokerRegistrationResponse, ErrorCode, WireError,
};

use crate::authorizer::{Operation, Resource};
use crate::command::Command;
use crate::context::Context;
use crate::outcome::Outcome;

pub(crate) fn register<'a>(
    context: &Context<'a>,
    request: BrokerRegistrationRequest<'a>,
) -> Result<Outcome<'a>, WireError> {
    if is_broker(context) {
        return Ok(Outcome::Controller(Command::Register(request)));
    }
    let refusal = Refusal::of(ErrorCode::ClusterAuthorizationFailed);
    Ok(Outcome::Reply(context.head.encode(&registered(Err(refusal)))?))
}

pub(crate) fn heartbeat<'a>(
    context: &Context<'a>,
    request: BrokerHeartbeatRequest<'a>,
) -> Result<Outcome<'a>, WireError> {
    if is_broker(context) {
        return Ok(Outcome::Controller(Command::Heartbeat(request)));
    }
    let refusal = Refusal::of(ErrorCode::ClusterAuthorizationFailed);
    Ok(Outcome::Reply(context.head.encode(&heard(Err(refusal)))?))
}

pub(crate) fn allocate_producer_ids<'a>(
    context: &Context<'a>,
    request: AllocateProducerIdsRequest,
) -> Result<Outcome<'a>, WireError> {
    if is_broker(context) {
        return Ok(Outcome::Controller(Command::AllocateProducerIds(request)));
    }
    let refusal = Refusal::of(ErrorCode::ClusterAuthorizationFailed);
    Ok(Outcome::Reply(context.head.encode(&allocated(Err(refusal)))?))
}

fn is_broker(context: &Context<'_>) -> bool {
    context.allows(Operation::ClusterAction, Resource::Cluster)
}

/// The answer to a registration.
pub fn registered(decided: Result<BrokerEpoch, Refusal>) -> BrokerRegistrationResponse {
    match decided {
        Ok(epoch) => BrokerRegistrationResponse { broker_epoch: epoch.0, ..BrokerRegistrationResponse::default() },
        Err(refusal) => BrokerRegistrationResponse {
            error_code: refusal.code.code(),
            broker_epoch: -1,
            ..BrokerRegistrationResponse::default()
        },
    }
}

/// The answer to a heartbeat.
pub fn heard(decided: Result<HeartbeatReply, Refusal>) -> BrokerHeartbeatResponse {
    match decided {
        Ok(reply) => BrokerHeartbeatResponse {
            is_caught_up: reply.is_caught_up,
            is_fenced: reply.is_fenced,
            should_shut_down: reply.should_shut_down,
            ..BrokerHeartbeatResponse::default()
        },
        Err(refusal) => {
            BrokerHeartbeatResponse { error_code: refusal.code.code(), ..BrokerHeartbeatResponse::default() }
        }
    }
}

/// The answer to a wish for producer ids.
pub fn allocated(decided: Result<ProducerIdBlock, Refusal>) -> AllocateProducerIdsResponse {
    match decided {
        Ok(block) => AllocateProducerIdsResponse {
            producer_id_start: block.first.0,
            producer_id_len: block.count,
            ..AllocateProducerIdsResponse::default()
        },
        Err(refusal) => {
            AllocateProducerIdsResponse { error_code: refusal.code.code(), ..AllocateProducerIdsResponse::default() }
        }
    }
}
