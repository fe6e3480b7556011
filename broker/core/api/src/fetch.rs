//! Fetch: records of several partitions, from an offset on.
//!
//! Needs Read on each topic; a follower, and whoever reads the metadata log, needs ClusterAction on the cluster. Sessions
//! (KIP-227) and waiting for enough bytes are the node's matter, as both outlive a request: this file reads the request
//! into a [`Task`], says of each partition whether it may be read ([`resolve`]), and makes the answer of what was read.

use std::borrow::Cow;
use std::sync::Arc;

use ottla_metadata::image::Topic;
use ottla_vocabulary::{Duration, LeaderEpoch, NodeId, Offset, PartitionIndex, TopicId, Uuid};
use ottla_wire::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
    SnapshotId,
};
use ottla_wire::{Budget, ErrorCode, FetchRequest, FetchResponse, Records, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::Context;
use crate::list_offsets::Isolation;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics;

/// From this version on answers say who leads, where a follower's log parts from the leader's, and which snapshot to take.
const LEADERS: i16 = 12;
/// From this version on answers say where leaders are reached.
const ENDPOINTS: i16 = 16;

/// What to fetch. It outlives the request's frame, as a fetch may wait.
#[derive(Clone, Debug)]
pub struct Task {
    /// The follower that asks; `None` for a consumer.
    pub replica: Option<NodeId>,
    /// The directory of that follower.
    pub cluster_id: Option<String>,
    /// Which records the reader wants to see.
    pub isolation: Isolation,
    /// How long to wait for `bytes_min`.
    pub wait_max: Duration,
    /// From how many bytes on the answer goes out at once.
    pub bytes_min: u64,
    /// The most that all partitions may give.
    pub bytes_max: u32,
    /// The session that the request continues.
    pub session_id: i32,
    /// Where in the session it is: 0 begins one, −1 ends it.
    pub session_epoch: i32,
    /// Whether topics are named by id.
    pub by_id: bool,
    /// The partitions that the request names.
    pub asked: Vec<Wish>,
    /// The partitions that the session shall forget.
    pub forgotten: Vec<Place>,
}

/// A partition as a request names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The topic.
    pub topic: TopicKey,
    /// The partition of it.
    pub partition: PartitionIndex,
}

/// A topic as a request names it: by id from version 13 on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicKey {
    /// By its id.
    Id(Uuid),
    /// By its name.
    Name(Arc<str>),
}

/// What is wanted of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Which partition.
    pub place: Place,
    /// From where on.
    pub offset: Offset,
    /// The most that it may give.
    pub bytes_max: u32,
    /// The leader epoch that the client knows; −1 for none.
    pub current_epoch: LeaderEpoch,
    /// The epoch of the last record that it has; −1 for none.
    pub last_fetched_epoch: LeaderEpoch,
}

/// What was read of one partition.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// Why nothing was.
    pub code: ErrorCode,
    /// Up to where all in-sync replicas have the log.
    pub high_watermark: Offset,
    /// Up to where the outcome of all transactions is known.
    pub last_stable: Offset,
    /// Where the log begins.
    pub log_start: Offset,
    /// Where the reader's history parts from the log's.
    pub diverging: Option<(LeaderEpoch, Offset)>,
    /// A snapshot that is to be fetched first.
    pub snapshot: Option<(LeaderEpoch, Offset)>,
    /// Who leads, when it is not this node or no longer under the epoch that the client knows.
    pub leader: Option<(NodeId, LeaderEpoch)>,
    /// The aborted transactions among the records, for a reader of committed ones: producer id and first offset.
    pub aborted: Option<Vec<(i64, Offset)>>,
    /// How many bytes of records.
    pub length: u32,
    /// By which the caller knows those bytes when the answer names the places where they belong.
    pub tag: u32,
}

impl Read {
    /// Nothing, for a reason.
    pub fn failed(code: ErrorCode) -> Read {
        let none = Offset::NONE;
        Read { code, high_watermark: none, last_stable: none, log_start: none, ..Read::default() }
    }
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &FetchRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let by_id = context.version() >= 13;
    let mut asked = Vec::new();
    for topic in &request.topics {
        budget.charge::<Wish>(topic.partitions.len())?;
        let key = key_of(by_id, topic.topic_id, &topic.topic);
        asked.extend(topic.partitions.iter().map(|partition| Wish {
            place: Place { topic: key.clone(), partition: PartitionIndex(partition.partition) },
            offset: Offset(partition.fetch_offset),
            bytes_max: u32::try_from(partition.partition_max_bytes).unwrap_or(0),
            current_epoch: LeaderEpoch(partition.current_leader_epoch),
            last_fetched_epoch: LeaderEpoch(partition.last_fetched_epoch),
        }));
    }
    // One named twice is read once; so it is by Kafka, which takes the last of the two.
    let asked = topics::once(asked, |one: &Wish, other| one.place.cmp(&other.place), budget)?;
    let mut forgotten = Vec::new();
    for topic in &request.forgotten_topics_data {
        budget.charge::<Place>(topic.partitions.len())?;
        let key = key_of(by_id, topic.topic_id, &topic.topic);
        forgotten.extend(
            topic.partitions.iter().map(|index| Place { topic: key.clone(), partition: PartitionIndex(index) }),
        );
    }
    let replica = if context.version() >= 15 { request.replica_state.replica_id } else { request.replica_id };
    let bytes_max = u32::try_from(request.max_bytes).unwrap_or(0);
    let bytes_max = bytes_max.min(context.view.config.network.fetch_bytes_max);
    let task = Task {
        replica: (0 <= replica).then_some(NodeId(replica)),
        cluster_id: request.cluster_id.as_deref().map(str::to_owned),
        isolation: Isolation::of(request.isolation_level),
        wait_max: Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)),
        bytes_min: u64::try_from(request.min_bytes).unwrap_or(0).min(u64::from(bytes_max)),
        bytes_max,
        session_id: request.session_id,
        session_epoch: request.session_epoch,
        by_id,
        asked,
        forgotten,
    };
    if !context.is_at_controller() {
        return Ok(Outcome::Fetch(task));
    }
    if !context.allows(Operation::ClusterAction, Resource::Cluster) {
        return Ok(Outcome::Reply(refuse(context, ErrorCode::ClusterAuthorizationFailed)?));
    }
    Ok(Outcome::Controller(crate::command::Command::FetchMetadata(task)))
}

fn key_of(by_id: bool, id: Uuid, name: &str) -> TopicKey {
    if by_id { TopicKey::Id(id) } else { TopicKey::Name(name.into()) }
}

/// The topic of a place, for who may read it.
///
/// # Errors
/// When there is none, or it is not for this reader.
pub fn resolve<'a>(context: &Context<'a>, task: &Task, place: &Place) -> Result<&'a Arc<Topic>, ErrorCode> {
    let topic = match (&place.topic, task.replica) {
        (key, Some(_)) => {
            if !context.allows(Operation::ClusterAction, Resource::Cluster) {
                return Err(ErrorCode::TopicAuthorizationFailed);
            }
            match key {
                TopicKey::Id(id) => context.view.image.topics.get(TopicId(*id)).ok_or(ErrorCode::UnknownTopicId),
                TopicKey::Name(name) => topics::find(context, name),
            }
        }
        (TopicKey::Id(id), None) => topics::of_id(context, Operation::Read, TopicId(*id)),
        (TopicKey::Name(name), None) => topics::of_name(context, Operation::Read, name),
    }?;
    topics::has_partition(topic, place.partition)?;
    Ok(topic)
}

/// The answer. `read` is in the order in which it is to be told; neighbours of one topic are told together.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(
    context: &Context<'_>,
    session_id: i32,
    read: impl IntoIterator<Item = (Place, Read)>,
) -> Result<Encoded, WireError> {
    let mut leaders: Vec<NodeId> = Vec::new();
    let mut responses: Vec<(TopicKey, Vec<PartitionData<'static>>)> = Vec::new();
    for (place, read) in read {
        if let Some((leader, _)) = read.leader
            && !leaders.contains(&leader)
        {
            leaders.push(leader);
        }
        let data = partition_data(context.version(), place.partition, read);
        match responses.last_mut() {
            Some((topic, partitions)) if *topic == place.topic => partitions.push(data),
            _ => responses.push((place.topic, vec![data])),
        }
    }
    let responses = responses.into_iter().map(|(topic, partitions)| {
        let (topic, topic_id) = match topic {
            TopicKey::Id(id) => (String::new(), id),
            TopicKey::Name(name) => (name.as_ref().to_owned(), Uuid::ZERO),
        };
        FetchableTopicResponse { topic: topic.into(), topic_id, partitions: partitions.into() }
    });
    let leaders = leaders.into_iter().filter(|_| ENDPOINTS <= context.version());
    let endpoints = leaders.filter_map(|leader| topics::endpoint(context, leader));
    let node_endpoints = endpoints.map(|endpoint| NodeEndpoint {
        node_id: endpoint.node.0,
        host: Cow::Borrowed(endpoint.host),
        port: endpoint.port,
        rack: endpoint.rack.map(Cow::Borrowed),
    });
    context.head.encode(&FetchResponse {
        throttle_time_ms: context.head.throttle(),
        error_code: ErrorCode::None.code(),
        session_id,
        responses: responses.collect(),
        node_endpoints: node_endpoints.collect(),
    })
}

/// The answer to a request that is wrong as a whole.
///
/// # Errors
/// When it cannot be encoded.
pub fn refuse(context: &Context<'_>, code: ErrorCode) -> Result<Encoded, WireError> {
    let throttle_time_ms = context.head.throttle();
    context.head.encode(&FetchResponse { throttle_time_ms, error_code: code.code(), ..FetchResponse::default() })
}

fn partition_data(version: i16, index: PartitionIndex, read: Read) -> PartitionData<'static> {
    let epoch_end = |(epoch, offset): (LeaderEpoch, Offset)| EpochEndOffset { epoch: epoch.0, end_offset: offset.0 };
    let knows_leaders = LEADERS <= version;
    let leader = read.leader.filter(|_| knows_leaders);
    let (diverging, snapshot) = (read.diverging.filter(|_| knows_leaders), read.snapshot.filter(|_| knows_leaders));
    let aborted = read.aborted.map(|aborted| {
        let told =
            aborted.into_iter().map(|(producer_id, first)| AbortedTransaction { producer_id, first_offset: first.0 });
        told.collect()
    });
    PartitionData {
        partition_index: index.0,
        error_code: read.code.code(),
        high_watermark: read.high_watermark.0,
        last_stable_offset: read.last_stable.0,
        log_start_offset: read.log_start.0,
        diverging_epoch: diverging.map_or_else(EpochEndOffset::default, epoch_end),
        current_leader: leader.map_or_else(LeaderIdAndEpoch::default, |(node, epoch)| LeaderIdAndEpoch {
            leader_id: node.0,
            leader_epoch: epoch.0,
        }),
        snapshot_id: snapshot
            .map_or_else(SnapshotId::default, |(epoch, offset)| SnapshotId { end_offset: offset.0, epoch: epoch.0 }),
        aborted_transactions: aborted,
        preferred_read_replica: -1,
        // Empty, never null: librdkafka takes null for an error.
        records: Some(match read.length {
            0 => Records::Bytes(&[]),
            length => Records::Elsewhere { length, tag: read.tag },
        }),
    }
}
