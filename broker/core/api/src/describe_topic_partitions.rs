//! DescribeTopicPartitions: topics with their partitions in pages, so that a client with many topics needs no memory for
//! all. Needs Describe on each topic.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ottla_metadata::image::Topic;
use ottla_vocabulary::{NodeId, TopicName};
use ottla_wire::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use ottla_wire::{Budget, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, ErrorCode, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::{Context, OPERATIONS_NOT_ASKED};
use crate::metadata::{ids, offline};
use crate::outcome::Outcome;
use crate::topics;

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &DescribeTopicPartitionsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let asks_all = request.topics.is_empty();
    let mut names: BTreeSet<Cow<'a, str>> = BTreeSet::new();
    if asks_all {
        let all = context.view.image.topics.iter().map(|topic| topic.name.as_str());
        names.extend(all.filter(|name| may_see(context, name)).map(Cow::Borrowed));
    } else {
        budget.charge::<[Cow<'_, str>; 2]>(request.topics.len())?;
        names.extend(request.topics.iter().map(|topic| topic.name));
    }
    let (from_topic, from_partition) = match &request.cursor {
        Some(cursor) => (cursor.topic_name.as_ref(), cursor.partition_index),
        None => ("", 0),
    };
    if from_partition < 0 {
        let code = ErrorCode::InvalidRequest;
        return Ok(Outcome::Reply(refuse(context, code, &names)?));
    }
    // Kafka's bound on a page: `max.request.partition.size.limit`.
    let limit_max = context.view.config.network.request_partitions_max.max(1) as usize;
    let limit = usize::try_from(request.response_partition_limit).unwrap_or(0).clamp(1, limit_max);
    let mut left = limit;
    let mut topics = Vec::new();
    let mut next_cursor = None;
    for name in names.iter().skip_while(|name| name.as_ref() < from_topic) {
        if left == 0 {
            next_cursor = Some(Cursor { topic_name: name.clone(), partition_index: 0 });
            break;
        }
        let first = if name.as_ref() == from_topic { from_partition } else { 0 };
        match topics::of_name(context, Operation::Describe, name) {
            Ok(topic) => {
                let (told, next) = describe(context, topic, first, left);
                left -= told.partitions.len().min(left);
                topics.push(told);
                if let Some(next) = next {
                    next_cursor = Some(Cursor { topic_name: name.clone(), partition_index: next });
                    break;
                }
            }
            Err(code) => topics.push(failed(code, name)),
        }
    }
    let throttle_time_ms = context.head.throttle();
    let answer = DescribeTopicPartitionsResponse { throttle_time_ms, topics: topics.into(), next_cursor };
    Ok(Outcome::Reply(context.head.encode(&answer)?))
}

fn may_see(context: &Context<'_>, name: &str) -> bool {
    context.allows(Operation::Describe, Resource::Topic(name))
}

fn refuse(
    context: &Context<'_>,
    code: ErrorCode,
    names: &BTreeSet<Cow<'_, str>>,
) -> Result<crate::response::Encoded, WireError> {
    let topics = names.iter().map(|name| failed(code, name)).collect();
    let throttle_time_ms = context.head.throttle();
    context.head.encode(&DescribeTopicPartitionsResponse { throttle_time_ms, topics, next_cursor: None })
}

fn failed<'a>(code: ErrorCode, name: &Cow<'a, str>) -> DescribeTopicPartitionsResponseTopic<'a> {
    let valid = TopicName::new(name);
    let code = if code == ErrorCode::UnknownTopicOrPartition && valid.is_err() {
        ErrorCode::InvalidTopicException
    } else {
        code
    };
    DescribeTopicPartitionsResponseTopic {
        error_code: code.code(),
        name: Some(name.clone()),
        is_internal: valid.is_ok_and(|name| name.is_internal()),
        topic_authorized_operations: OPERATIONS_NOT_ASKED,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

/// A topic from a partition on, at most so many of them, and which comes next.
fn describe<'a>(
    context: &Context<'a>,
    topic: &'a Topic,
    first: i32,
    count_max: usize,
) -> (DescribeTopicPartitionsResponseTopic<'a>, Option<i32>) {
    let mut rest = topic.partitions.range(ottla_vocabulary::PartitionIndex(first)..);
    let mut partitions = Vec::new();
    for (index, partition) in rest.by_ref().take(count_max) {
        let leader = partition.leader.filter(|leader| topics::endpoint(context, *leader).is_some());
        let code = if leader.is_some() { ErrorCode::None } else { ErrorCode::LeaderNotAvailable };
        partitions.push(DescribeTopicPartitionsResponsePartition {
            error_code: code.code(),
            partition_index: index.0,
            leader_id: leader.unwrap_or(NodeId::NONE).0,
            leader_epoch: partition.leader_epoch.0,
            replica_nodes: ids(&partition.replicas),
            isr_nodes: ids(&partition.isr),
            eligible_leader_replicas: Some(ids(&partition.elr)),
            last_known_elr: Some(ids(&partition.last_known_elr)),
            offline_replicas: offline(context, partition),
        });
    }
    let next = rest.next().map(|(index, _)| index.0);
    let name = topic.name.as_str();
    let told = DescribeTopicPartitionsResponseTopic {
        error_code: ErrorCode::None.code(),
        name: Some(Cow::Borrowed(name)),
        topic_id: topic.id.0,
        is_internal: topic.name.is_internal(),
        partitions: partitions.into(),
        topic_authorized_operations: context.operations_on(Resource::Topic(name)),
    };
    (told, next)
}
