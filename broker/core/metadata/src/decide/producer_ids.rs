//! AllocateProducerIds: blocks of producer ids, each given out once.

use ottla_vocabulary::{BrokerEpoch, NodeId, ProducerId};
use ottla_wire::{ErrorCode, ProducerIdsRecord};

use super::{Context, Outcome, Record, Refusal, outcome};

/// How many ids are in a block. A broker that restarts loses what it had not given out; Kafka's number.
pub const BLOCK_IDS: i32 = 1000;

/// A block of producer ids: `first` and those after it, [`BLOCK_IDS`] in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// The first of them.
    pub first: ProducerId,
    /// How many.
    pub count: i32,
}

/// Gives a broker the next block.
pub fn decide_allocate_producer_ids(
    context: Context<'_>,
    broker: NodeId,
    epoch: BrokerEpoch,
) -> Outcome<ProducerIdBlock> {
    outcome(allocate(context, broker, epoch))
}

fn allocate(
    context: Context<'_>,
    broker: NodeId,
    epoch: BrokerEpoch,
) -> Result<(Vec<Record>, ProducerIdBlock), Refusal> {
    context.broker_in_epoch(broker, epoch)?;
    let first = context.image.next_producer_id.map_or(0, |id| id.0);
    let next = first.checked_add(i64::from(BLOCK_IDS)).ok_or_else(|| {
        Refusal::new(
            ErrorCode::UnknownServerError,
            "Exhausted all producerIds as the next block's end producerId has exceeded the int64 type limit",
        )
    })?;
    let record = ProducerIdsRecord { broker_id: broker.0, broker_epoch: epoch.0, next_producer_id: next };
    Ok((vec![record.into()], ProducerIdBlock { first: ProducerId(first), count: BLOCK_IDS }))
}
