//! DescribeLogDirs: what lies in this broker's log directories, and how large it is.
//!
//! Needs Describe on the cluster; who has it not is given an empty list.

use std::collections::BTreeSet;

use ottla_vocabulary::{PartitionIndex, TopicName};
use ottla_wire::describe_log_dirs_response::{DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic};
use ottla_wire::{Budget, DescribeLogDirsRequest, DescribeLogDirsResponse, ErrorCode, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;

/// Which partitions to tell of: all, or these.
pub type Task = Option<BTreeSet<(TopicName, PartitionIndex)>>;

/// A log directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it is.
    pub path: String,
    /// Whether it can be used.
    pub code: ErrorCode,
    /// What lies in it, by topic.
    pub logs: Vec<(TopicName, Vec<Log>)>,
    /// The size of its volume and what of it is free, where the shell can tell.
    pub volume: Option<(u64, u64)>,
    /// Whether it gets no new replicas.
    pub is_cordoned: bool,
}

/// A partition's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// Which partition.
    pub index: PartitionIndex,
    /// Bytes of its segments.
    pub bytes: u64,
    /// By how much it is behind the high watermark.
    pub lag: u64,
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &DescribeLogDirsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    if !context.allows(Operation::Describe, Resource::Cluster) {
        let refused = DescribeLogDirsResponse {
            throttle_time_ms: context.head.throttle(),
            // Version 3 made the refusal sayable.
            error_code: if context.version() < 3 { 0 } else { ErrorCode::ClusterAuthorizationFailed.code() },
            ..DescribeLogDirsResponse::default()
        };
        return Ok(Outcome::Reply(context.head.encode(&refused)?));
    }
    let Some(topics) = &request.topics else { return Ok(Outcome::DescribeLogDirs(None)) };
    let mut asked = BTreeSet::new();
    for topic in topics {
        budget.charge::<[(TopicName, PartitionIndex); 2]>(topic.partitions.len())?;
        if let Ok(name) = TopicName::new(&topic.topic) {
            asked.extend(topic.partitions.iter().map(|index| (name.clone(), PartitionIndex(index))));
        }
    }
    Ok(Outcome::DescribeLogDirs(Some(asked)))
}

/// The answer.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(context: &Context<'_>, directories: Vec<Directory>) -> Result<Encoded, WireError> {
    let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let results = directories.into_iter().map(|directory| {
        let topics = directory.logs.into_iter().map(|(name, logs)| {
            let partitions = logs.into_iter().map(|log| DescribeLogDirsPartition {
                partition_index: log.index.0,
                partition_size: signed(log.bytes),
                offset_lag: signed(log.lag),
                is_future_key: false,
            });
            DescribeLogDirsTopic { name: name.as_str().to_owned().into(), partitions: partitions.collect() }
        });
        DescribeLogDirsResult {
            error_code: directory.code.code(),
            log_dir: directory.path.into(),
            topics: topics.collect(),
            total_bytes: directory.volume.map_or(-1, |(total, _)| signed(total)),
            usable_bytes: directory.volume.map_or(-1, |(_, usable)| signed(usable)),
            is_cordoned: directory.is_cordoned,
        }
    });
    let throttle_time_ms = context.head.throttle();
    let error_code = ErrorCode::None.code();
    context.head.encode(&DescribeLogDirsResponse { throttle_time_ms, error_code, results: results.collect() })
}
