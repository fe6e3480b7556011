//! DeleteRecords: moves the start of partitions up. Needs Delete on each topic.

use ottla_vocabulary::{Offset, PartitionIndex};
use ottla_wire::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use ottla_wire::{Budget, DeleteRecordsRequest, DeleteRecordsResponse, ErrorCode, WireError};

use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics;
use crate::work::{Job, PartitionWork, TopicWork};

/// Up to which offset to delete; −1 is the high watermark.
pub type Task<'a> = Vec<TopicWork<'a, Job<Offset>>>;

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &DeleteRecordsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let mut topics = Vec::new();
    for topic in &request.topics {
        budget.charge::<TopicWork<'_, ()>>(1)?;
        budget.charge::<PartitionWork<Job<Offset>>>(topic.partitions.len())?;
        let known = topics::of_name(context, Operation::Delete, &topic.name);
        let partitions = topic.partitions.iter().map(|partition| {
            let index = PartitionIndex(partition.partition_index);
            let work = known.and_then(|found| {
                topics::has_partition(found, index)?;
                // Kafka keeps people from cutting what coordinators still need; the operator's way is the topic's own.
                if found.name.is_internal() {
                    Err(ErrorCode::InvalidTopicException)
                } else {
                    Ok(Offset(partition.offset))
                }
            });
            PartitionWork { index, work }
        });
        let partitions = partitions.collect();
        topics.push(TopicWork {
            name: topic.name.clone(),
            id: known.map(|found| found.id).unwrap_or_default(),
            partitions,
        });
    }
    Ok(Outcome::DeleteRecords(topics))
}

/// The answer: the new start of each log.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(context: &Context<'_>, topics: Vec<TopicWork<'_, Job<Offset>>>) -> Result<Encoded, WireError> {
    let topics = topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| DeleteRecordsPartitionResult {
            partition_index: partition.index.0,
            low_watermark: partition.work.map_or(-1, |start| start.0),
            error_code: partition.work.err().unwrap_or(ErrorCode::None).code(),
        });
        DeleteRecordsTopicResult { name: topic.name, partitions: partitions.collect() }
    });
    context.head.encode(&DeleteRecordsResponse { throttle_time_ms: context.head.throttle(), topics: topics.collect() })
}
