//! DescribeProducers: who writes to partitions with idempotence or transactions. Needs Read on each topic.

use std::borrow::Cow;

use ottla_vocabulary::PartitionIndex;
use ottla_wire::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
use ottla_wire::{Budget, DescribeProducersRequest, DescribeProducersResponse, ErrorCode, WireError};

use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics;
use crate::work::{Job, PartitionWork, TopicWork};

/// Partitions to ask.
pub type Task<'a> = Vec<TopicWork<'a, Job<()>>>;

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &DescribeProducersRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let mut topics = Vec::new();
    for topic in &request.topics {
        budget.charge::<TopicWork<'_, ()>>(1)?;
        budget.charge::<PartitionWork<Job<()>>>(topic.partition_indexes.len())?;
        let known = topics::of_name(context, Operation::Read, &topic.name);
        let partitions = topic.partition_indexes.iter().map(PartitionIndex).map(|index| {
            let work = known.and_then(|found| topics::has_partition(found, index));
            PartitionWork { index, work }
        });
        let partitions = partitions.collect();
        topics.push(TopicWork {
            name: topic.name.clone(),
            id: known.map(|found| found.id).unwrap_or_default(),
            partitions,
        });
    }
    Ok(Outcome::DescribeProducers(topics))
}

/// The answer.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(
    context: &Context<'_>,
    topics: Vec<TopicWork<'_, Job<Vec<ProducerState>>>>,
) -> Result<Encoded, WireError> {
    let topics = topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            let code = partition.work.as_ref().err().copied().unwrap_or(ErrorCode::None);
            PartitionResponse {
                partition_index: partition.index.0,
                error_code: code.code(),
                error_message: (code != ErrorCode::None).then(|| Cow::Borrowed(code.message())),
                active_producers: partition.work.unwrap_or_default().into(),
            }
        });
        TopicResponse { name: topic.name, partitions: partitions.collect() }
    });
    let throttle_time_ms = context.head.throttle();
    context.head.encode(&DescribeProducersResponse { throttle_time_ms, topics: topics.collect() })
}
