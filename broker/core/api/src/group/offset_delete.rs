//! OffsetDelete: an administrator forgets how far a group has read. Needs Delete on the group, and Read on each topic.

use ottla_groups::request::Partition;
use ottla_groups::{Reply, Request};
use ottla_vocabulary::{GroupId, PartitionIndex, TopicId};
use ottla_wire::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use ottla_wire::{Budget, ErrorCode, OffsetDeleteRequest, OffsetDeleteResponse, WireError};

use super::{Task, Told, may, only};
use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics;

/// The request's topics with what is known of each partition without the coordinator.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    topics: Vec<(String, Partitions)>,
}

type Partitions = Vec<(PartitionIndex, Option<ErrorCode>)>;

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &OffsetDeleteRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let mut answer = Answer::default();
    if let Err(code) = may(context, Operation::Delete, &request.group_id) {
        return Ok(Outcome::Reply(answer.encode(context, vec![Err(code)])?));
    }
    let mut wanted = Vec::new();
    for topic in &request.topics {
        budget.charge::<(String, Vec<u8>)>(1)?;
        budget.charge::<(PartitionIndex, Option<ErrorCode>, Partition)>(topic.partitions.len())?;
        let found = topics::of_name(context, Operation::Read, &topic.name);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let index = PartitionIndex(partition.partition_index);
            let known = found.and_then(|topic| topics::has_partition(topic, index).map(|()| topic));
            partitions.push((index, known.err()));
            if let Ok(topic) = known {
                wanted.push(Partition { topic: topic.name.clone(), topic_id: TopicId::default(), partition: index });
            }
        }
        answer.topics.push((topic.name.into_owned(), partitions));
    }
    let group = GroupId::new(&request.group_id);
    let request = Request::OffsetDelete { group: group.clone(), partitions: wanted };
    Ok(Outcome::Group(Task::one(group, request, super::Answer::OffsetDelete(answer))))
}

impl Answer {
    pub(super) fn encode(self, context: &Context<'_>, told: Vec<Told>) -> Result<Encoded, WireError> {
        let (code, answers) = match only(told) {
            Ok(Reply::OffsetDelete(Ok(answers))) => (ErrorCode::None, answers),
            Ok(Reply::OffsetDelete(Err(code))) | Err(code) => (code, Vec::new()),
            Ok(_) => (ErrorCode::UnknownServerError, Vec::new()),
        };
        let mut codes = answers.into_iter().map(|(_, code)| code);
        // A refusal as a whole names no topics.
        let topics = self.topics.into_iter().filter(|_| code == ErrorCode::None).map(|(name, partitions)| {
            let partitions = partitions.into_iter().map(|(index, refusal)| {
                let code = refusal.unwrap_or_else(|| codes.next().unwrap_or(ErrorCode::UnknownServerError));
                OffsetDeleteResponsePartition { partition_index: index.0, error_code: code.code() }
            });
            OffsetDeleteResponseTopic { name: name.into(), partitions: partitions.collect() }
        });
        let topics = topics.collect();
        let throttle_time_ms = context.head.throttle();
        context.head.encode(&OffsetDeleteResponse { error_code: code.code(), throttle_time_ms, topics })
    }
}
