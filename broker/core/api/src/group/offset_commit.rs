//! OffsetCommit: how far a group has read. Needs Read on the group, and Read on each topic.

use ottla_groups::request::{Commit, Identity, OffsetCommit, Partition};
use ottla_groups::{Reply, Request};
use ottla_vocabulary::{Duration, GroupId, LeaderEpoch, MemberId, Offset, PartitionIndex, TopicId, Uuid};
use ottla_wire::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use ottla_wire::{Budget, ErrorCode, OffsetCommitRequest, OffsetCommitResponse, WireError};

use super::{Task, Told, may, only};
use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics;

/// From here on topics are named by their ids.
const BY_ID: i16 = 10;
/// From here on a group that is not there has a code of its own.
const GROUP_NOT_FOUND: i16 = 9;

/// The request's topics with what is known of each partition without the coordinator.
#[derive(Clone, Debug)]
pub struct Answer {
    topics: Vec<Topic>,
}

#[derive(Clone, Debug)]
struct Topic {
    name: String,
    id: Uuid,
    /// Refused here, or to be told by the shard in the order in which they were asked.
    partitions: Vec<(PartitionIndex, Option<ErrorCode>)>,
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &OffsetCommitRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let allowed = may(context, Operation::Read, &request.group_id);
    let mut answer = Answer { topics: Vec::new() };
    let mut offsets = Vec::new();
    for topic in &request.topics {
        let found = if BY_ID <= context.version() {
            topics::of_id(context, Operation::Read, TopicId(topic.topic_id))
        } else {
            topics::of_name(context, Operation::Read, &topic.name)
        };
        budget.charge::<Topic>(1)?;
        budget.charge::<(PartitionIndex, Option<ErrorCode>, Partition, Commit)>(topic.partitions.len())?;
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let index = PartitionIndex(partition.partition_index);
            let known = allowed.and(found).and_then(|topic| topics::has_partition(topic, index).map(|()| topic));
            partitions.push((index, known.err()));
            if let Ok(topic) = known {
                // Only clients that know the topic's id can have meant this very topic.
                let topic_id = if BY_ID <= context.version() { topic.id } else { TopicId::default() };
                let commit = Commit {
                    offset: Offset(partition.committed_offset),
                    leader_epoch: LeaderEpoch(partition.committed_leader_epoch),
                    metadata: partition.committed_metadata.unwrap_or_default().into_owned(),
                };
                offsets.push((Partition { topic: topic.name.clone(), topic_id, partition: index }, commit));
            }
        }
        answer.topics.push(Topic { name: topic.name.into_owned(), id: topic.topic_id, partitions });
    }
    if offsets.is_empty() {
        return Ok(Outcome::Reply(answer.encode(context, vec![Ok(Reply::OffsetCommit(Vec::new()))])?));
    }
    let group = GroupId::new(&request.group_id);
    let commit = OffsetCommit {
        who: Identity {
            group: group.clone(),
            member: MemberId::new(&request.member_id),
            instance: request.group_instance_id.as_deref().map(str::to_owned),
            generation: request.generation_id_or_member_epoch,
        },
        retention: retention(request.retention_time_ms),
        knows_group_not_found: GROUP_NOT_FOUND <= context.version(),
        offsets,
    };
    Ok(Outcome::Group(Task::one(group, Request::OffsetCommit(commit), super::Answer::OffsetCommit(answer))))
}

/// How long the offsets are to be kept; what is negative leaves it to the broker.
fn retention(millis: i64) -> Option<Duration> {
    u64::try_from(millis).ok().map(Duration::from_millis)
}

impl Answer {
    pub(super) fn encode(self, context: &Context<'_>, told: Vec<Told>) -> Result<Encoded, WireError> {
        let (mut codes, otherwise) = match only(told) {
            Ok(Reply::OffsetCommit(answers)) => (answers.into_iter(), ErrorCode::UnknownServerError),
            Ok(_) => (Vec::new().into_iter(), ErrorCode::UnknownServerError),
            Err(code) => (Vec::new().into_iter(), code),
        };
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.into_iter().map(|(index, refusal)| {
                let code = refusal.unwrap_or_else(|| codes.next().map_or(otherwise, |(_, code)| code));
                OffsetCommitResponsePartition { partition_index: index.0, error_code: code.code() }
            });
            let partitions = partitions.collect();
            OffsetCommitResponseTopic { name: topic.name.into(), topic_id: topic.id, partitions }
        });
        let topics = topics.collect();
        context.head.encode(&OffsetCommitResponse { throttle_time_ms: context.head.throttle(), topics })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_may_be_kept_for_years() {
        assert_eq!(retention(-1), None);
        assert_eq!(retention(0), Some(Duration::from_millis(0)));
        assert_eq!(retention(31_536_000_000), Some(Duration::from_secs(365 * 24 * 60 * 60)));
        assert_eq!(retention(i64::MAX), Some(Duration::from_millis(i64::MAX as u64)));
    }
}
