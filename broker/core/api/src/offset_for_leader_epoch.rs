//! OffsetForLeaderEpoch: where an epoch ended, by which a consumer or a follower notices that the log was truncated.
//!
//! Needs ClusterAction on the cluster, or Describe on each topic.

use ottla_vocabulary::{LeaderEpoch, Offset, PartitionIndex};
use ottla_wire::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use ottla_wire::{Budget, ErrorCode, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics;
use crate::work::{Job, PartitionWork, TopicWork};

/// What is asked of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The leader epoch that the client knows; −1 for none.
    pub current_epoch: LeaderEpoch,
    /// The epoch whose end is asked for.
    pub epoch: LeaderEpoch,
}

/// The questions.
pub type Task<'a> = Vec<TopicWork<'a, Job<Question>>>;

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &OffsetForLeaderEpochRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let is_broker = context.allows(Operation::ClusterAction, Resource::Cluster);
    let mut topics = Vec::new();
    for topic in &request.topics {
        budget.charge::<TopicWork<'_, ()>>(1)?;
        budget.charge::<PartitionWork<Job<Question>>>(topic.partitions.len())?;
        let known = if is_broker {
            topics::find(context, &topic.topic)
        } else {
            topics::of_name(context, Operation::Describe, &topic.topic)
        };
        let partitions = topic.partitions.iter().map(|partition| {
            let index = PartitionIndex(partition.partition);
            let question = Question {
                current_epoch: LeaderEpoch(partition.current_leader_epoch),
                epoch: LeaderEpoch(partition.leader_epoch),
            };
            PartitionWork {
                index,
                work: known.and_then(|found| topics::has_partition(found, index)).map(|()| question),
            }
        });
        let partitions = partitions.collect();
        topics.push(TopicWork {
            name: topic.topic.clone(),
            id: known.map(|found| found.id).unwrap_or_default(),
            partitions,
        });
    }
    Ok(Outcome::OffsetForLeaderEpoch(topics))
}

/// Where an epoch ended, and which one it really was.
pub type EpochEnd = Option<(LeaderEpoch, Offset)>;

/// The answer: the largest epoch that is not above the one asked for, and where it ended; nothing for an epoch before all.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(context: &Context<'_>, topics: Vec<TopicWork<'_, Job<EpochEnd>>>) -> Result<Encoded, WireError> {
    let topics = topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            let (code, end) = match partition.work {
                Ok(end) => (ErrorCode::None, end),
                Err(code) => (code, None),
            };
            let (epoch, offset) = end.unwrap_or((LeaderEpoch::NONE, Offset::NONE));
            EpochEndOffset {
                error_code: code.code(),
                partition: partition.index.0,
                leader_epoch: epoch.0,
                end_offset: offset.0,
            }
        });
        OffsetForLeaderTopicResult { topic: topic.name, partitions: partitions.collect() }
    });
    let throttle_time_ms = context.head.throttle();
    context.head.encode(&OffsetForLeaderEpochResponse { throttle_time_ms, topics: topics.collect() })
}
