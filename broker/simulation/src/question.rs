//! The requests of a world's clients: what they mean, and their frames.

use std::fmt;

use ottla_wire::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use ottla_wire::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use ottla_wire::delete_topics_request::DeleteTopicState;
use ottla_wire::fetch_request::{FetchPartition, FetchTopic};
use ottla_wire::join_group_request::JoinGroupRequestProtocol;
use ottla_wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ottla_wire::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use ottla_wire::offset_fetch_request::OffsetFetchRequestTopic;
use ottla_wire::produce_request::{PartitionProduceData, TopicProduceData};
use ottla_wire::sync_group_request::SyncGroupRequestAssignment;
use ottla_wire::{
    CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest, FetchRequest, FindCoordinatorRequest,
    HeartbeatRequest, InitProducerIdRequest, JoinGroupRequest, ListOffsetsRequest, MetadataRequest,
    OffsetCommitRequest, OffsetFetchRequest, ProduceRequest, Records, SyncGroupRequest,
};

use ottla_vocabulary::Uuid;

use crate::asking::frame;
use crate::scenario::Topic;
use crate::workload::{GROUP, Place};

/// The versions in which clients ask: each speaks of topics by name, and of one group at a time.
pub mod version {
    /// CreateTopics.
    pub const CREATE_TOPICS: i16 = 7;
    /// Metadata.
    pub const METADATA: i16 = 12;
    /// DeleteTopics.
    pub const DELETE_TOPICS: i16 = 6;
    /// DeleteRecords.
    pub const DELETE_RECORDS: i16 = 2;
    /// InitProducerId.
    pub const INIT_PRODUCER_ID: i16 = 4;
    /// Produce.
    pub const PRODUCE: i16 = 11;
    /// ListOffsets.
    pub const LIST_OFFSETS: i16 = 7;
    /// Fetch.
    pub const FETCH: i16 = 12;
    /// FindCoordinator.
    pub const FIND_COORDINATOR: i16 = 3;
    /// JoinGroup.
    pub const JOIN: i16 = 7;
    /// SyncGroup.
    pub const SYNC: i16 = 5;
    /// Heartbeat.
    pub const HEARTBEAT: i16 = 4;
    /// OffsetCommit.
    pub const COMMIT: i16 = 8;
    /// OffsetFetch.
    pub const OFFSET_FETCH: i16 = 7;
}

/// How long a request lets the broker work at it.
pub const TIMEOUT_MS: i32 = 5000;

/// How a batch is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// For the first time.
    New,
    /// Once more.
    Again(usize),
    /// With sequences that do not come next.
    Gap,
}

/// A request.
#[derive(Clone, Debug)]
pub enum Question {
    /// CreateTopics; with the topic's place in the scenario.
    CreateTopic(Topic, usize),
    /// DeleteTopics.
    DeleteTopic {
        /// Its name.
        name: String,
        /// Its place in the scenario.
        topic: usize,
        /// Whether that was asked before.
        is_again: bool,
    },
    /// Metadata of all topics.
    Metadata,
    /// DeleteRecords.
    DeleteRecords {
        /// Of which partition.
        partition: Place,
        /// Before which offset.
        before: i64,
    },
    /// InitProducerId.
    InitProducerId,
    /// Produce.
    Produce {
        /// To which partition.
        partition: Place,
        /// The number of the batch.
        batch: usize,
        /// How it is sent.
        write: Write,
        /// Who must have it.
        acks: i16,
        /// The batch.
        bytes: Vec<u8>,
    },
    /// ListOffsets.
    ListOffset {
        /// Of which partition.
        partition: Place,
        /// The end, or the beginning.
        is_latest: bool,
    },
    /// Fetch.
    Fetch {
        /// From which partition.
        partition: Place,
        /// From which offset on.
        offset: i64,
        /// How long to wait for records.
        wait_ms: i32,
        /// How much.
        bytes_max: i32,
    },
    /// FindCoordinator of the group.
    FindCoordinator,
    /// JoinGroup.
    Join {
        /// The member's id, or nothing.
        member: String,
    },
    /// SyncGroup.
    Sync {
        /// The member's id.
        member: String,
        /// Its generation.
        generation: i32,
        /// All members' ids, when it is the leader.
        leads: Vec<String>,
    },
    /// Heartbeat.
    Heartbeat {
        /// The member's id.
        member: String,
        /// Its generation.
        generation: i32,
    },
    /// OffsetCommit.
    Commit {
        /// The member's id.
        member: String,
        /// The generation that it says.
        generation: i32,
        /// Of which partition.
        partition: Place,
        /// What.
        offset: i64,
        /// Whether the generation is over, so that it must be refused.
        is_old: bool,
    },
    /// OffsetFetch.
    OffsetFetch(Vec<Place>),
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Question::CreateTopic(topic, _) => write!(f, "create {} (flushed: {})", topic.name, topic.is_flushed),
            Question::DeleteTopic { name, is_again, .. } => write!(f, "delete {name} (again: {is_again})"),
            Question::Metadata => f.write_str("metadata"),
            Question::DeleteRecords { partition, before } => write!(f, "delete records of {partition} before {before}"),
            Question::InitProducerId => f.write_str("a producer id"),
            Question::Produce { partition, batch, write, acks, .. } => {
                write!(f, "produce batch {batch} to {partition} ({write:?}, acks {acks})")
            }
            Question::ListOffset { partition, is_latest } => write!(f, "list {partition} (latest: {is_latest})"),
            Question::Fetch { partition, offset, wait_ms, bytes_max } => {
                write!(f, "fetch {partition} from {offset} ({bytes_max} bytes, {wait_ms} ms)")
            }
            Question::FindCoordinator => f.write_str("the coordinator"),
            Question::Join { member } => write!(f, "join as {member:?}"),
            Question::Sync { generation, leads, .. } => write!(f, "sync {generation} (leads {})", leads.len()),
            Question::Heartbeat { generation, .. } => write!(f, "heartbeat {generation}"),
            Question::Commit { generation, partition, offset, is_old, .. } => {
                write!(f, "commit {offset} of {partition} in {generation} (old: {is_old})")
            }
            Question::OffsetFetch(_) => f.write_str("the committed offsets"),
        }
    }
}

impl Question {
    /// Of which partition it is, if it is of one.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Question::DeleteRecords { partition, .. }
            | Question::Produce { partition, .. }
            | Question::ListOffset { partition, .. }
            | Question::Fetch { partition, .. }
            | Question::Commit { partition, .. } => Some(partition),
            _ => None,
        }
    }

    /// The request's frame, without its length.
    pub fn frame(&self, correlation: i32) -> Vec<u8> {
        match self {
            Question::CreateTopic(topic, _) => frame(&create(topic), version::CREATE_TOPICS, correlation),
            Question::DeleteTopic { name, .. } => {
                let topic = DeleteTopicState { name: Some(name.as_str().into()), topic_id: Uuid::ZERO };
                let topics = vec![topic].into();
                let request = DeleteTopicsRequest { topics, timeout_ms: TIMEOUT_MS, ..Default::default() };
                frame(&request, version::DELETE_TOPICS, correlation)
            }
            Question::Metadata => {
                let request = MetadataRequest { topics: None, ..MetadataRequest::default() };
                frame(&request, version::METADATA, correlation)
            }
            Question::DeleteRecords { partition, before } => {
                let asked = DeleteRecordsPartition { partition_index: partition.index, offset: *before };
                let name = partition.topic.as_str().into();
                let topic = DeleteRecordsTopic { name, partitions: vec![asked].into() };
                let request = DeleteRecordsRequest { topics: vec![topic].into(), timeout_ms: TIMEOUT_MS };
                frame(&request, version::DELETE_RECORDS, correlation)
            }
            Question::InitProducerId => {
                let request = InitProducerIdRequest {
                    transactional_id: None,
                    transaction_timeout_ms: 60_000,
                    producer_id: -1,
                    producer_epoch: -1,
                    ..InitProducerIdRequest::default()
                };
                frame(&request, version::INIT_PRODUCER_ID, correlation)
            }
            Question::Produce { partition, acks, bytes, .. } => {
                let records = Some(Records::Bytes(bytes));
                let data = PartitionProduceData { index: partition.index, records };
                let name = partition.topic.as_str().into();
                let topic = TopicProduceData { name, partition_data: vec![data].into(), ..Default::default() };
                let topic_data = vec![topic].into();
                let request = ProduceRequest { acks: *acks, timeout_ms: TIMEOUT_MS, topic_data, ..Default::default() };
                frame(&request, version::PRODUCE, correlation)
            }
            Question::ListOffset { partition, is_latest } => {
                let timestamp = if *is_latest { -1 } else { -2 };
                let index = partition.index;
                let asked = ListOffsetsPartition { partition_index: index, current_leader_epoch: -1, timestamp };
                let topic = ListOffsetsTopic { name: partition.topic.as_str().into(), partitions: vec![asked].into() };
                let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic].into(), ..Default::default() };
                frame(&request, version::LIST_OFFSETS, correlation)
            }
            Question::Fetch { partition, offset, wait_ms, bytes_max } => {
                frame(&fetch(partition, *offset, *wait_ms, *bytes_max), version::FETCH, correlation)
            }
            Question::FindCoordinator => {
                let request = FindCoordinatorRequest { key: GROUP.into(), key_type: 0, ..Default::default() };
                frame(&request, version::FIND_COORDINATOR, correlation)
            }
            Question::Join { member } => {
                let protocol = JoinGroupRequestProtocol { name: "range".into(), metadata: b"all".as_slice().into() };
                let request = JoinGroupRequest {
                    group_id: GROUP.into(),
                    session_timeout_ms: 10_000,
                    rebalance_timeout_ms: 10_000,
                    member_id: member.as_str().into(),
                    protocol_type: "consumer".into(),
                    protocols: vec![protocol].into(),
                    ..JoinGroupRequest::default()
                };
                frame(&request, version::JOIN, correlation)
            }
            Question::Sync { member, generation, leads } => {
                let assignments = leads.iter().map(|member| SyncGroupRequestAssignment {
                    member_id: member.as_str().into(),
                    assignment: member.as_bytes().into(),
                });
                let request = SyncGroupRequest {
                    group_id: GROUP.into(),
                    generation_id: *generation,
                    member_id: member.as_str().into(),
                    protocol_type: Some("consumer".into()),
                    protocol_name: Some("range".into()),
                    assignments: assignments.collect::<Vec<_>>().into(),
                    ..SyncGroupRequest::default()
                };
                frame(&request, version::SYNC, correlation)
            }
            Question::Heartbeat { member, generation } => {
                let request = HeartbeatRequest {
                    group_id: GROUP.into(),
                    generation_id: *generation,
                    member_id: member.as_str().into(),
                    ..HeartbeatRequest::default()
                };
                frame(&request, version::HEARTBEAT, correlation)
            }
            Question::Commit { member, generation, partition, offset, .. } => {
                let asked = OffsetCommitRequestPartition {
                    partition_index: partition.index,
                    committed_offset: *offset,
                    committed_leader_epoch: -1,
                    committed_metadata: Some("".into()),
                };
                let name = partition.topic.as_str().into();
                let topic = OffsetCommitRequestTopic { name, partitions: vec![asked].into(), ..Default::default() };
                let request = OffsetCommitRequest {
                    group_id: GROUP.into(),
                    generation_id_or_member_epoch: *generation,
                    member_id: member.as_str().into(),
                    topics: vec![topic].into(),
                    ..OffsetCommitRequest::default()
                };
                frame(&request, version::COMMIT, correlation)
            }
            Question::OffsetFetch(places) => {
                let topics = places.iter().map(|place| OffsetFetchRequestTopic {
                    name: place.topic.as_str().into(),
                    partition_indexes: vec![place.index].into(),
                });
                let topics = Some(topics.collect::<Vec<_>>().into());
                let request = OffsetFetchRequest { group_id: GROUP.into(), topics, ..OffsetFetchRequest::default() };
                frame(&request, version::OFFSET_FETCH, correlation)
            }
        }
    }
}

fn create(topic: &Topic) -> CreateTopicsRequest<'_> {
    let config =
        |name: &'static str, value: String| CreatableTopicConfig { name: name.into(), value: Some(value.into()) };
    let mut configs = vec![config("segment.ms", topic.segment_ms.to_string())];
    if topic.is_flushed {
        configs.push(config("flush.messages", "1".to_owned()));
    }
    let topic = CreatableTopic {
        name: topic.name.as_str().into(),
        num_partitions: topic.partitions,
        replication_factor: 1,
        configs: configs.into(),
        ..CreatableTopic::default()
    };
    CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: TIMEOUT_MS, validate_only: false }
}

/// A fetch of one partition without a session.
pub fn fetch(partition: &Place, offset: i64, wait_ms: i32, bytes_max: i32) -> FetchRequest<'_> {
    let asked = FetchPartition {
        partition: partition.index,
        current_leader_epoch: -1,
        fetch_offset: offset,
        last_fetched_epoch: -1,
        log_start_offset: -1,
        partition_max_bytes: bytes_max,
        ..FetchPartition::default()
    };
    let name = partition.topic.as_str().into();
    let topic = FetchTopic { topic: name, partitions: vec![asked].into(), ..FetchTopic::default() };
    FetchRequest {
        max_wait_ms: wait_ms,
        min_bytes: 1,
        max_bytes: bytes_max,
        session_epoch: -1,
        topics: vec![topic].into(),
        ..FetchRequest::default()
    }
}
