//! OffsetFetch: how far groups have read. Needs Describe on each group, and Describe on each topic; when all of a group's
//! offsets are asked for, those of other topics are left out.

use std::borrow::Cow;

use ottla_groups::request::{Committed, Partition};
use ottla_groups::{Reply, Request};
use ottla_vocabulary::{GroupId, PartitionIndex, TopicId, TopicName, Uuid};
use ottla_wire::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use ottla_wire::{Array, Budget, ErrorCode, OffsetFetchRequest, OffsetFetchResponse, WireError};

use super::{Ask, Place, Task, Told, may};
use crate::authorizer::{Operation, Resource};
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics::{self, Asked};

/// From here on an answer has a place for what is wrong as a whole.
const TOP_LEVEL_ERROR: i16 = 2;
/// From here on a request names many groups.
const MANY_GROUPS: i16 = 8;
/// From here on topics are named by their ids.
const BY_ID: i16 = 10;
/// Kafka's offset for "nothing is committed".
const NOTHING: i64 = -1;

/// The request's groups with what is known of each without the coordinator.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    groups: Vec<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    id: String,
    /// Why the group is not asked about; none when a reply is to come.
    refusal: Option<ErrorCode>,
    /// What was asked for; none for everything.
    topics: Option<Vec<Topic>>,
}

#[derive(Clone, Debug)]
struct Topic {
    name: String,
    id: Uuid,
    refusal: Option<ErrorCode>,
    partitions: Vec<PartitionIndex>,
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &OffsetFetchRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let mut asks = Vec::new();
    let mut answer = Answer::default();
    if context.version() < MANY_GROUPS {
        let named = request.topics.as_ref();
        let named = named.map(|named| named.iter().map(|topic| (topic.name, Uuid::ZERO, topic.partition_indexes)));
        budget.charge::<Group>(1)?;
        ask(context, &request.group_id, named, &mut asks, &mut answer, budget)?;
    } else {
        budget.charge::<Cow<'_, str>>(request.groups.len())?;
        let ids: Vec<Cow<'_, str>> = request.groups.iter().map(|group| group.group_id).collect();
        // A group that is named twice is answered once: what it has committed may be much.
        let is_again = topics::repeated(&ids, Ord::cmp, budget)?;
        for (group, is_again) in request.groups.iter().zip(is_again) {
            if is_again {
                continue;
            }
            budget.charge::<(Group, Ask)>(1)?;
            let named = group.topics.as_ref();
            let named =
                named.map(|named| named.iter().map(|topic| (topic.name, topic.topic_id, topic.partition_indexes)));
            ask(context, &group.group_id, named, &mut asks, &mut answer, budget)?;
        }
    }
    if asks.is_empty() {
        return Ok(Outcome::Reply(answer.encode(context, Vec::new())?));
    }
    Ok(Outcome::Group(Task { asks, answer: super::Answer::OffsetFetch(answer) }))
}

/// Adds what is asked about one group to the questions and to the answer.
fn ask<'a>(
    context: &Context<'_>,
    id: &str,
    named: Option<impl Iterator<Item = (Cow<'a, str>, Uuid, Array<'a, i32>)> + Clone>,
    asks: &mut Vec<Ask>,
    answer: &mut Answer,
    budget: &mut Budget,
) -> Result<(), WireError> {
    let refusal = may(context, Operation::Describe, id).err();
    let is_everything = named.is_none();
    let count = named.iter().flat_map(Clone::clone).map(|(_, _, partitions)| partitions.len()).sum();
    let mut asked = Asked::with_capacity(count, budget)?;
    let mut topics = Vec::new();
    for (place, (name, id, partitions)) in named.into_iter().flatten().enumerate() {
        budget.charge::<Topic>(1)?;
        asked.add(place, &partitions);
        topics.push(Topic { name: name.into_owned(), id, refusal: None, partitions: Vec::new() });
    }
    // What is committed for a partition can be a thousand times the bytes that name it: it is told once.
    let by_topic = |one: usize, other: usize| {
        let (one, other): (&Topic, &Topic) = (&topics[one], &topics[other]);
        (one.id, &one.name).cmp(&(other.id, &other.name))
    };
    let mut places = asked.once(by_topic, budget)?;
    budget.charge::<(Partition, PartitionIndex)>(count)?;
    let mut wanted = Vec::new();
    for (place, asked) in topics.iter_mut().enumerate() {
        asked.partitions.extend(places.of_topic(place));
        match find(context, &asked.name, asked.id) {
            Ok((topic, topic_id)) => {
                let places = asked.partitions.iter();
                wanted.extend(places.map(|index| Partition { topic: topic.clone(), topic_id, partition: *index }));
            }
            Err(code) => asked.refusal = Some(code),
        }
    }
    if refusal.is_none() {
        let group = GroupId::new(id);
        asks.push(if is_everything {
            Ask::AllOffsets(group)
        } else {
            budget.charge::<(Place, Request)>(1)?;
            let request = Request::OffsetFetch { group: group.clone(), partitions: Some(wanted) };
            Ask::any(Place::Group(group), request)
        });
    }
    answer.groups.push(Group { id: id.to_owned(), refusal, topics: (!is_everything).then_some(topics) });
    Ok(())
}

/// The topic that a request means. A name need not exist: offsets may be there of a topic that is gone.
fn find(context: &Context<'_>, name: &str, id: Uuid) -> Result<(TopicName, TopicId), ErrorCode> {
    if BY_ID <= context.version() {
        let topic = topics::of_id(context, Operation::Describe, TopicId(id))?;
        return Ok((topic.name.clone(), topic.id));
    }
    if !context.allows(Operation::Describe, Resource::Topic(name)) {
        return Err(ErrorCode::TopicAuthorizationFailed);
    }
    let name = TopicName::new(name).map_err(|_| ErrorCode::UnknownTopicOrPartition)?;
    Ok((name, TopicId::default()))
}

/// One partition of the answer, whatever the version calls it.
struct ToldPartition {
    index: PartitionIndex,
    committed: Option<Committed>,
    code: ErrorCode,
}

/// One topic of the answer.
struct ToldTopic {
    name: String,
    id: Uuid,
    partitions: Vec<ToldPartition>,
}

impl Answer {
    pub(super) fn encode(self, context: &Context<'_>, told: Vec<Told>) -> Result<Encoded, WireError> {
        let mut told = told.into_iter();
        let mut groups = Vec::with_capacity(self.groups.len());
        for group in self.groups {
            let reply = match group.refusal {
                Some(code) => Err(code),
                None => match told.next() {
                    Some(Ok(Reply::OffsetFetch(offsets))) => offsets,
                    Some(Err(code)) => Err(code),
                    _ => Err(ErrorCode::UnknownServerError),
                },
            };
            let told = match reply {
                Err(code) if context.version() < TOP_LEVEL_ERROR => Ok(refuse_each(group.topics, code)),
                reply => tell(context, group.topics, reply),
            };
            groups.push((group.id, told));
        }
        let throttle_time_ms = context.head.throttle();
        if MANY_GROUPS <= context.version() {
            let groups = groups.into_iter().map(|(id, told)| group_response(id, told));
            let groups = groups.collect();
            return context.head.encode(&OffsetFetchResponse { throttle_time_ms, groups, ..Default::default() });
        }
        let (code, topics) = match groups.pop() {
            Some((_, Ok(topics))) => (ErrorCode::None, topics),
            Some((_, Err(code))) => (code, Vec::new()),
            None => (ErrorCode::UnknownServerError, Vec::new()),
        };
        let topics = topics.into_iter().map(topic_response).collect();
        context.head.encode(&OffsetFetchResponse {
            throttle_time_ms,
            topics,
            error_code: code.code(),
            ..Default::default()
        })
    }
}

/// What is answered about one group: the topics as they were asked for, or all that there are.
fn tell(
    context: &Context<'_>,
    asked: Option<Vec<Topic>>,
    reply: Result<Vec<(Partition, Option<Committed>)>, ErrorCode>,
) -> Result<Vec<ToldTopic>, ErrorCode> {
    let offsets = reply?;
    let Some(asked) = asked else { return Ok(tell_everything(context, offsets)) };
    let mut offsets = offsets.into_iter();
    let topics = asked.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|index| match topic.refusal {
            Some(code) => ToldPartition { index, committed: None, code },
            None => ToldPartition {
                index,
                committed: offsets.next().and_then(|(_, committed)| committed),
                code: ErrorCode::None,
            },
        });
        ToldTopic { name: topic.name, id: topic.id, partitions: partitions.collect() }
    });
    Ok(topics.collect())
}

/// What is wrong as a whole, said of every partition: else an old client would take it for "nothing is committed".
fn refuse_each(asked: Option<Vec<Topic>>, code: ErrorCode) -> Vec<ToldTopic> {
    let topics = asked.into_iter().flatten().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|index| ToldPartition { index, committed: None, code });
        ToldTopic { name: topic.name, id: topic.id, partitions: partitions.collect() }
    });
    topics.collect()
}

fn tell_everything(context: &Context<'_>, offsets: Vec<(Partition, Option<Committed>)>) -> Vec<ToldTopic> {
    let mut topics: Vec<ToldTopic> = Vec::new();
    for (partition, committed) in offsets {
        let name = partition.topic.as_str();
        if !context.allows(Operation::Describe, Resource::Topic(name)) {
            continue;
        }
        let known = context.view.image.topics.by_text(name).map(|topic| topic.id.0);
        // A topic that is gone has no id to be named by.
        if BY_ID <= context.version() && known.is_none() {
            continue;
        }
        if topics.last().is_none_or(|last| last.name != name) {
            topics.push(ToldTopic { name: name.to_owned(), id: known.unwrap_or_default(), partitions: Vec::new() });
        }
        if let Some(topic) = topics.last_mut() {
            topic.partitions.push(ToldPartition { index: partition.partition, committed, code: ErrorCode::None });
        }
    }
    topics
}

fn group_response<'a>(id: String, told: Result<Vec<ToldTopic>, ErrorCode>) -> OffsetFetchResponseGroup<'a> {
    let (error_code, topics) = match told {
        Ok(topics) => (ErrorCode::None.code(), topics),
        Err(code) => (code.code(), Vec::new()),
    };
    let topics = topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            let (offset, epoch, metadata) = parts(partition.committed);
            OffsetFetchResponsePartitions {
                partition_index: partition.index.0,
                committed_offset: offset,
                committed_leader_epoch: epoch,
                metadata: Some(metadata.into()),
                error_code: partition.code.code(),
            }
        });
        OffsetFetchResponseTopics { name: topic.name.into(), topic_id: topic.id, partitions: partitions.collect() }
    });
    OffsetFetchResponseGroup { group_id: id.into(), topics: topics.collect(), error_code }
}

fn topic_response<'a>(topic: ToldTopic) -> OffsetFetchResponseTopic<'a> {
    let partitions = topic.partitions.into_iter().map(|partition| {
        let (offset, epoch, metadata) = parts(partition.committed);
        OffsetFetchResponsePartition {
            partition_index: partition.index.0,
            committed_offset: offset,
            committed_leader_epoch: epoch,
            metadata: Some(metadata.into()),
            error_code: partition.code.code(),
        }
    });
    OffsetFetchResponseTopic { name: topic.name.into(), partitions: partitions.collect() }
}

fn parts(committed: Option<Committed>) -> (i64, i32, String) {
    committed.map_or((NOTHING, -1, String::new()), |one| (one.offset.0, one.leader_epoch.0, one.metadata))
}
