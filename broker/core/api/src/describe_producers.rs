//! DescribeProducers: who writes to partitions with idempotence or transactions. Needs Read on each topic.
//!
//! A partition that is named twice is answered once: a few bytes would else bring all of its producers each time.

use std::borrow::Cow;

use ottla_wire::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
use ottla_wire::{Budget, DescribeProducersRequest, DescribeProducersResponse, ErrorCode, WireError};

use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics::{self, Asked};
use crate::work::{Job, PartitionWork, TopicWork};

/// Partitions to ask.
pub type Task<'a> = Vec<TopicWork<'a, Job<()>>>;

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &DescribeProducersRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    budget.charge::<Cow<'_, str>>(request.topics.len())?;
    let names: Vec<Cow<'a, str>> = request.topics.iter().map(|topic| topic.name).collect();
    let count = request.topics.iter().map(|topic| topic.partition_indexes.len()).sum();
    let mut asked = Asked::with_capacity(count, budget)?;
    request.topics.iter().enumerate().for_each(|(place, topic)| asked.add(place, &topic.partition_indexes));
    let mut partitions = asked.once(|one, other| names[one].cmp(&names[other]), budget)?;
    let mut topics = Vec::new();
    budget.charge::<PartitionWork<Job<()>>>(count)?;
    for (place, name) in names.into_iter().enumerate() {
        budget.charge::<TopicWork<'_, ()>>(1)?;
        let known = topics::of_name(context, Operation::Read, &name);
        let works = partitions.of_topic(place).map(|index| {
            let work = known.and_then(|found| topics::has_partition(found, index));
            PartitionWork { index, work }
        });
        let works = works.collect();
        topics.push(TopicWork { name, id: known.map(|found| found.id).unwrap_or_default(), partitions: works });
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
