//! ListOffsets: the offset of a point in time, or of an end of the log.
//!
//! Needs Describe on each topic.

use ottla_vocabulary::{LeaderEpoch, Offset, PartitionIndex, Timestamp};
use ottla_wire::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use ottla_wire::{Budget, ErrorCode, ListOffsetsRequest, ListOffsetsResponse, WireError};

use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics;
use crate::work::{Job, PartitionWork, TopicWork};

/// From here on answers tell the epoch of what is found.
const EPOCHS: i16 = 4;

/// Offsets to look up.
#[derive(Debug)]
pub struct Task<'a> {
    /// Whether only committed transactions count.
    pub isolation: Isolation,
    /// What is asked.
    pub topics: Vec<TopicWork<'a, Job<Question>>>,
}

/// Which records a reader wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Everything below the high watermark.
    ReadUncommitted,
    /// Everything below the first open transaction.
    ReadCommitted,
}

impl Isolation {
    /// By its number; what is not known reads everything, as in Kafka.
    pub fn of(level: i8) -> Isolation {
        if level == 1 { Isolation::ReadCommitted } else { Isolation::ReadUncommitted }
    }
}

/// What is asked of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The leader epoch that the client knows; −1 for none.
    pub current_epoch: LeaderEpoch,
    /// Which offset.
    pub target: Target,
}

/// Which offset is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Of the first record with this timestamp or a later one.
    Time(Timestamp),
    /// The end of what the reader may see.
    Latest,
    /// The start of the log.
    Earliest,
    /// Of the record with the greatest timestamp.
    MaxTimestamp,
    /// The start of what is on local disks: without tiers, of the log.
    EarliestLocal,
    /// The end of what is in another tier: nothing.
    LatestTiered,
    /// The start of what has still to go to another tier: without tiers, unknown.
    EarliestPendingUpload,
}

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The offset.
    pub offset: Offset,
    /// The record's timestamp, where the question was about one.
    pub timestamp: Timestamp,
    /// The epoch in which that record was written.
    pub epoch: LeaderEpoch,
}

impl Found {
    /// Nothing, which is no error.
    pub const NOTHING: Found = Found { offset: Offset::NONE, timestamp: Timestamp::NONE, epoch: LeaderEpoch::NONE };
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &ListOffsetsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let mut topics = Vec::new();
    for topic in &request.topics {
        budget.charge::<TopicWork<'_, ()>>(1)?;
        budget.charge::<PartitionWork<Job<Question>>>(topic.partitions.len())?;
        let known = topics::of_name(context, Operation::Describe, &topic.name);
        let mut seen = std::collections::BTreeSet::new();
        budget.charge::<(i32, [usize; 3])>(topic.partitions.len())?;
        let duplicates: std::collections::BTreeSet<i32> =
            topic.partitions.iter().map(|one| one.partition_index).filter(|index| !seen.insert(*index)).collect();
        let partitions = topic.partitions.iter().map(|partition| {
            let index = PartitionIndex(partition.partition_index);
            let question = if duplicates.contains(&partition.partition_index) {
                Err(ErrorCode::InvalidRequest)
            } else {
                known.and_then(|found| topics::has_partition(found, index)).and_then(|()| {
                    let target = target(context.version(), partition.timestamp)?;
                    Ok(Question { current_epoch: LeaderEpoch(partition.current_leader_epoch), target })
                })
            };
            PartitionWork { index, work: question }
        });
        let partitions = partitions.collect();
        topics.push(TopicWork {
            name: topic.name.clone(),
            id: known.map(|found| found.id).unwrap_or_default(),
            partitions,
        });
    }
    Ok(Outcome::ListOffsets(Task { isolation: Isolation::of(request.isolation_level), topics }))
}

/// Negative numbers have meanings from certain versions on; another one, or one too early, is refused.
fn target(version: i16, timestamp: i64) -> Result<Target, ErrorCode> {
    let (target, since) = match timestamp {
        -1 => (Target::Latest, 0),
        -2 => (Target::Earliest, 0),
        -3 => (Target::MaxTimestamp, 7),
        -4 => (Target::EarliestLocal, 8),
        -5 => (Target::LatestTiered, 9),
        -6 => (Target::EarliestPendingUpload, 11),
        time if 0 <= time => (Target::Time(Timestamp(time)), 0),
        _ => return Err(ErrorCode::UnsupportedVersion),
    };
    if since <= version { Ok(target) } else { Err(ErrorCode::UnsupportedVersion) }
}

/// The answer.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(context: &Context<'_>, topics: Vec<TopicWork<'_, Job<Found>>>) -> Result<Encoded, WireError> {
    let topics = topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            let (code, found) = match partition.work {
                Ok(found) => (ErrorCode::None, found),
                Err(code) => (code, Found::NOTHING),
            };
            ListOffsetsPartitionResponse {
                partition_index: partition.index.0,
                error_code: code.code(),
                timestamp: found.timestamp.0,
                offset: found.offset.0,
                leader_epoch: if EPOCHS <= context.version() { found.epoch.0 } else { LeaderEpoch::NONE.0 },
            }
        });
        ListOffsetsTopicResponse { name: topic.name, partitions: partitions.collect() }
    });
    context.head.encode(&ListOffsetsResponse { throttle_time_ms: context.head.throttle(), topics: topics.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_timestamps_come_with_their_versions() {
        assert_eq!(target(1, -1), Ok(Target::Latest));
        assert_eq!(target(6, -3), Err(ErrorCode::UnsupportedVersion));
        assert_eq!(target(7, -3), Ok(Target::MaxTimestamp));
        assert_eq!(target(11, -6), Ok(Target::EarliestPendingUpload));
        assert_eq!(target(11, -7), Err(ErrorCode::UnsupportedVersion));
        assert_eq!(target(1, 5), Ok(Target::Time(Timestamp(5))));
    }
}
