//! Every version of every API that a broker advertises is answered, also where the answer is an error: a client of any age
//! gets an answer that it can read. What an answer says is other tests' matter; here only that the errors are not
//! "the server failed".

// A test: what goes wrong is a failure.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpStream;

use ottla_client::exchange::Exchange;
use ottla_test_clients::Broker;
use ottla_vocabulary::Uuid;
use ottla_wire::*;

struct Peer {
    address: String,
    stream: TcpStream,
    exchange: Exchange,
    asked: Vec<(i16, i16)>,
}

impl Peer {
    fn new(address: &str) -> Peer {
        let mut exchange = Exchange::new("every-version");
        let mut stream = TcpStream::connect(address).unwrap();
        let (frame, asked) = exchange.introduce().unwrap();
        let answer = round(&mut stream, &frame).unwrap();
        exchange.introduced(&answer, asked).unwrap();
        Peer { address: address.to_owned(), stream, exchange, asked: Vec::new() }
    }

    /// Sends the request in every advertised version and reads each answer.
    fn every<'a, Request: Message<'a>, Response: for<'b> Read1<'b>>(&mut self, request: impl Fn(i16) -> Request) {
        let (least, most) =
            self.exchange.served(Request::KEY).unwrap_or_else(|| panic!("{} is advertised", Request::NAME));
        // Produce is advertised from 0 for librdkafka's sake and served from 3 (KAFKA-18659).
        for version in least.max(Request::VERSION_MIN)..=most {
            let (frame, asked) = self.exchange.frame(&request(version), version).unwrap();
            let answer = round(&mut self.stream, &frame);
            let answer = answer.unwrap_or_else(|error| panic!("{} {version} is answered: {error}", Request::NAME));
            Response::check(&self.exchange, &answer, asked, Request::NAME, version);
            self.asked.push((Request::KEY, version));
        }
    }
}

/// A response type, named without its lifetime.
trait Read1<'b> {
    fn check(exchange: &Exchange, answer: &'b [u8], asked: ottla_client::exchange::Asked, name: &str, version: i16);
}

macro_rules! responses {
    ($($marker:ident: $response:ident),* $(,)?) => { $(
        struct $marker;
        impl<'b> Read1<'b> for $marker {
            fn check(exchange: &Exchange, answer: &'b [u8], asked: ottla_client::exchange::Asked, name: &str, version: i16) {
                let read = exchange.read::<$response>(answer, asked);
                let read = read.unwrap_or_else(|error| panic!("the answer to {name} {version} can be read: {error}"));
                let text = format!("{read:?}");
                assert!(!text.contains("error_code: -1"), "{name} {version}: {text}");
            }
        }
    )* };
}

responses! {
    OfProduce: ProduceResponse, OfFetch: FetchResponse, OfListOffsets: ListOffsetsResponse, OfMetadata: MetadataResponse,
    OfOffsetCommit: OffsetCommitResponse, OfOffsetFetch: OffsetFetchResponse, OfFindCoordinator: FindCoordinatorResponse,
    OfJoinGroup: JoinGroupResponse, OfHeartbeat: HeartbeatResponse, OfLeaveGroup: LeaveGroupResponse,
    OfSyncGroup: SyncGroupResponse, OfDescribeGroups: DescribeGroupsResponse, OfListGroups: ListGroupsResponse,
    OfCreateTopics: CreateTopicsResponse, OfDeleteTopics: DeleteTopicsResponse, OfDeleteRecords: DeleteRecordsResponse,
    OfInitProducerId: InitProducerIdResponse, OfOffsetForLeaderEpoch: OffsetForLeaderEpochResponse,
    OfDescribeConfigs: DescribeConfigsResponse, OfAlterConfigs: AlterConfigsResponse, OfDescribeLogDirs: DescribeLogDirsResponse,
    OfCreatePartitions: CreatePartitionsResponse, OfDeleteGroups: DeleteGroupsResponse,
    OfIncrementalAlterConfigs: IncrementalAlterConfigsResponse, OfOffsetDelete: OffsetDeleteResponse,
    OfDescribeQuorum: DescribeQuorumResponse, OfUpdateFeatures: UpdateFeaturesResponse,
    OfDescribeCluster: DescribeClusterResponse, OfDescribeProducers: DescribeProducersResponse,
    OfListConfigResources: ListConfigResourcesResponse, OfDescribeTopicPartitions: DescribeTopicPartitionsResponse,
    OfApiVersions: ApiVersionsResponse,
}

fn round(stream: &mut TcpStream, frame: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20)))?;
    stream.write_all(frame)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// A batch of one record, as a producer without idempotence sends it.
fn batch() -> Vec<u8> {
    let mut builder = ottla_records::BatchBuilder::new(ottla_records::BatchOptions::default());
    builder.push(ottla_vocabulary::Timestamp(1_700_000_000_000), Some(b"key"), Some(b"value"), &[]);
    builder.finish().unwrap()
}

/// The topic by the version's own way of naming it.
fn named(version: i16, by_id: i16, name: &str, id: Uuid) -> (&str, Uuid) {
    if by_id <= version { ("", id) } else { (name, Uuid::ZERO) }
}

#[test]
fn every_advertised_version_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(folder.path()).unwrap();
    let mut peer = Peer::new(broker.bootstrap());
    let batch = batch();

    peer.every::<_, OfCreateTopics>(|version| {
        let topic = |name: String| create_topics_request::CreatableTopic {
            name: name.into(),
            num_partitions: 1,
            replication_factor: 1,
            ..Default::default()
        };
        let topics = vec![topic(format!("made-{version}")), topic("not allowed".to_owned())];
        CreateTopicsRequest { topics: topics.into(), timeout_ms: 10_000, ..Default::default() }
    });
    // The coordinators' topic is made when the first client looks for its coordinator, and is there some time later.
    peer.every::<_, OfFindCoordinator>(|version| {
        if version < 4 {
            FindCoordinatorRequest { key: "group".into(), ..Default::default() }
        } else {
            FindCoordinatorRequest { coordinator_keys: vec!["group".into()].into(), ..Default::default() }
        }
    });
    let id = topic_id(&mut peer, "made-7");
    for (name, id) in [("made-7", id), ("missing", Uuid([7; 16]))] {
        peer.every::<_, OfMetadata>(|version| {
            let topic = metadata_request::MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
            MetadataRequest {
                topics: Some(vec![topic].into()),
                allow_auto_topic_creation: version < 4,
                ..Default::default()
            }
        });
        peer.every::<_, OfProduce>(|version| {
            let (name, topic_id) = named(version, 13, name, id);
            let records = Some(Records::Bytes(&batch));
            let data = produce_request::PartitionProduceData { index: 0, records };
            let partition_data = vec![data].into();
            let topic = produce_request::TopicProduceData { name: name.into(), topic_id, partition_data };
            ProduceRequest { acks: -1, timeout_ms: 1000, topic_data: vec![topic].into(), ..Default::default() }
        });
        peer.every::<_, OfFetch>(|version| {
            let (topic, topic_id) = named(version, 13, name, id);
            let partition = fetch_request::FetchPartition { partition_max_bytes: 1000, ..Default::default() };
            let topic = fetch_request::FetchTopic { topic: topic.into(), topic_id, partitions: vec![partition].into() };
            let replica_id = -1;
            FetchRequest { replica_id, max_wait_ms: 1, min_bytes: 1, topics: vec![topic].into(), ..Default::default() }
        });
        peer.every::<_, OfListOffsets>(|_| {
            let partition = list_offsets_request::ListOffsetsPartition { timestamp: -1, ..Default::default() };
            let topic =
                list_offsets_request::ListOffsetsTopic { name: name.into(), partitions: vec![partition].into() };
            ListOffsetsRequest { replica_id: -1, topics: vec![topic].into(), ..Default::default() }
        });
        peer.every::<_, OfOffsetForLeaderEpoch>(|_| {
            let partition = offset_for_leader_epoch_request::OffsetForLeaderPartition::default();
            let partitions = vec![partition].into();
            let topic = offset_for_leader_epoch_request::OffsetForLeaderTopic { topic: name.into(), partitions };
            OffsetForLeaderEpochRequest { replica_id: -1, topics: vec![topic].into() }
        });
        peer.every::<_, OfOffsetCommit>(|version| {
            let (name, topic_id) = named(version, 10, name, id);
            let partition = offset_commit_request::OffsetCommitRequestPartition::default();
            let partitions = vec![partition].into();
            let topic = offset_commit_request::OffsetCommitRequestTopic { name: name.into(), topic_id, partitions };
            OffsetCommitRequest { group_id: "group".into(), topics: vec![topic].into(), ..Default::default() }
        });
        peer.every::<_, OfOffsetFetch>(|version| {
            if version < 8 {
                let partition_indexes = vec![0, 1].into();
                let topic = offset_fetch_request::OffsetFetchRequestTopic { name: name.into(), partition_indexes };
                let topics = Some(vec![topic].into());
                return OffsetFetchRequest { group_id: "group".into(), topics, ..Default::default() };
            }
            let (name, topic_id) = named(version, 10, name, id);
            let partition_indexes = vec![0, 1].into();
            let topic =
                offset_fetch_request::OffsetFetchRequestTopics { name: name.into(), topic_id, partition_indexes };
            let topics = Some(vec![topic].into());
            let group = offset_fetch_request::OffsetFetchRequestGroup {
                group_id: "group".into(),
                topics,
                ..Default::default()
            };
            let all = offset_fetch_request::OffsetFetchRequestGroup { topics: None, ..group.clone() };
            OffsetFetchRequest { groups: vec![group, all].into(), ..Default::default() }
        });
        peer.every::<_, OfDeleteRecords>(|_| {
            let partition = delete_records_request::DeleteRecordsPartition { partition_index: 0, offset: 0 };
            let topic =
                delete_records_request::DeleteRecordsTopic { name: name.into(), partitions: vec![partition].into() };
            DeleteRecordsRequest { topics: vec![topic].into(), timeout_ms: 1000 }
        });
        peer.every::<_, OfDescribeProducers>(|_| {
            let topic =
                describe_producers_request::TopicRequest { name: name.into(), partition_indexes: vec![0].into() };
            DescribeProducersRequest { topics: vec![topic].into() }
        });
        peer.every::<_, OfDescribeConfigs>(|_| {
            let resource = |kind, name: &str| describe_configs_request::DescribeConfigsResource {
                resource_type: kind,
                resource_name: name.to_owned().into(),
                configuration_keys: None,
            };
            let resources = vec![resource(2, name), resource(4, "1"), resource(8, "1"), resource(4, "")];
            DescribeConfigsRequest { resources: resources.into(), ..Default::default() }
        });
        peer.every::<_, OfAlterConfigs>(|_| {
            let config =
                alter_configs_request::AlterableConfig { name: "retention.ms".into(), value: Some("1000".into()) };
            let configs = vec![config].into();
            let resource =
                alter_configs_request::AlterConfigsResource { resource_type: 2, resource_name: name.into(), configs };
            AlterConfigsRequest { resources: vec![resource].into(), validate_only: false }
        });
        peer.every::<_, OfIncrementalAlterConfigs>(|_| {
            let config = incremental_alter_configs_request::AlterableConfig {
                name: "retention.ms".into(),
                config_operation: 0,
                value: Some("2000".into()),
            };
            let configs = vec![config].into();
            let resource = incremental_alter_configs_request::AlterConfigsResource {
                resource_type: 2,
                resource_name: name.into(),
                configs,
            };
            IncrementalAlterConfigsRequest { resources: vec![resource].into(), validate_only: false }
        });
        peer.every::<_, OfCreatePartitions>(|version| {
            let count = i32::from(version) + 2;
            let topic =
                create_partitions_request::CreatePartitionsTopic { name: name.into(), count, assignments: None };
            CreatePartitionsRequest { topics: vec![topic].into(), timeout_ms: 10_000, validate_only: false }
        });
        peer.every::<_, OfDescribeTopicPartitions>(|_| {
            let topic = describe_topic_partitions_request::TopicRequest { name: name.into() };
            DescribeTopicPartitionsRequest { topics: vec![topic].into(), ..Default::default() }
        });
        peer.every::<_, OfDescribeLogDirs>(|_| {
            let topic =
                describe_log_dirs_request::DescribableLogDirTopic { topic: name.into(), partitions: vec![0].into() };
            DescribeLogDirsRequest { topics: Some(vec![topic].into()) }
        });
        peer.every::<_, OfOffsetDelete>(|_| {
            let partition = offset_delete_request::OffsetDeleteRequestPartition { partition_index: 0 };
            let topic = offset_delete_request::OffsetDeleteRequestTopic {
                name: name.into(),
                partitions: vec![partition].into(),
            };
            OffsetDeleteRequest { group_id: "group".into(), topics: vec![topic].into() }
        });
    }
    for group in ["group", "missing", ""] {
        peer.every::<_, OfJoinGroup>(|_| {
            let protocol =
                join_group_request::JoinGroupRequestProtocol { name: "range".into(), metadata: vec![0].into() };
            JoinGroupRequest {
                group_id: group.into(),
                session_timeout_ms: 10_000,
                rebalance_timeout_ms: 10_000,
                member_id: "stranger".into(),
                protocol_type: "consumer".into(),
                protocols: vec![protocol].into(),
                ..Default::default()
            }
        });
        peer.every::<_, OfSyncGroup>(|_| SyncGroupRequest { group_id: group.into(), ..Default::default() });
        peer.every::<_, OfHeartbeat>(|_| HeartbeatRequest { group_id: group.into(), ..Default::default() });
        peer.every::<_, OfLeaveGroup>(|version| {
            let member_id = if version < 3 { "stranger" } else { "" };
            let members = match version {
                0..3 => vec![],
                _ => vec![leave_group_request::MemberIdentity { member_id: "stranger".into(), ..Default::default() }],
            };
            LeaveGroupRequest { group_id: group.into(), member_id: member_id.into(), members: members.into() }
        });
        peer.every::<_, OfDescribeGroups>(|_| DescribeGroupsRequest {
            groups: vec![group.into()].into(),
            ..Default::default()
        });
        peer.every::<_, OfDeleteGroups>(|_| DeleteGroupsRequest { groups_names: vec![group.into()].into() });
    }
    peer.every::<_, OfListGroups>(|_| ListGroupsRequest::default());
    peer.every::<_, OfInitProducerId>(|_| InitProducerIdRequest { transactional_id: None, ..Default::default() });
    peer.every::<_, OfDescribeQuorum>(|_| {
        let partition = describe_quorum_request::PartitionData { partition_index: 0 };
        let topic_name = "__cluster_metadata".into();
        let topic = describe_quorum_request::TopicData { topic_name, partitions: vec![partition].into() };
        DescribeQuorumRequest { topics: vec![topic].into() }
    });
    peer.every::<_, OfUpdateFeatures>(|_| {
        let update = update_features_request::FeatureUpdateKey {
            feature: "no.such".into(),
            max_version_level: 1,
            ..Default::default()
        };
        UpdateFeaturesRequest { feature_updates: vec![update].into(), ..Default::default() }
    });
    peer.every::<_, OfDescribeCluster>(|_| DescribeClusterRequest::default());
    peer.every::<_, OfListConfigResources>(|_| ListConfigResourcesRequest::default());
    peer.every::<_, OfApiVersions>(|version| match version {
        0..3 => ApiVersionsRequest::default(),
        _ => ApiVersionsRequest {
            client_software_name: "test".into(),
            client_software_version: "1".into(),
            ..Default::default()
        },
    });
    peer.every::<_, OfDeleteTopics>(|version| {
        let name = format!("made-{}", version + 1);
        if version < 6 {
            let topic_names = vec![name.into(), "missing".into()].into();
            return DeleteTopicsRequest { topic_names, timeout_ms: 10_000, ..Default::default() };
        }
        let topic =
            |name: String| delete_topics_request::DeleteTopicState { name: Some(name.into()), topic_id: Uuid::ZERO };
        let topics = vec![topic(name), topic("missing".to_owned())].into();
        DeleteTopicsRequest { topics, timeout_ms: 10_000, ..Default::default() }
    });

    if let Broker::Ottla(_) = &broker {
        every_advertised_version_was_asked(&peer);
        let log = broker.log();
        let errors: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
        assert_eq!(errors, Vec::<&str>::new());
    }
}

/// An API that is advertised and not asked here is not known to be answered.
fn every_advertised_version_was_asked(peer: &Peer) {
    let mut fresh = Peer::new(&peer.address);
    let mut missing = Vec::new();
    for api in ApiKey::ALL {
        let Some((least, most)) = fresh.exchange.served(api.key()) else { continue };
        let least = if api == ApiKey::Produce { 3 } else { least };
        missing.extend(
            (least..=most)
                .filter(|version| !peer.asked.contains(&(api.key(), *version)))
                .map(|version| (api.name(), version)),
        );
    }
    assert_eq!(missing, []);
    fresh.asked.clear();
}

fn topic_id(peer: &mut Peer, name: &str) -> Uuid {
    let topic = metadata_request::MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
    let request = MetadataRequest { topics: Some(vec![topic].into()), ..Default::default() };
    let (frame, asked) = peer.exchange.frame(&request, 12).unwrap();
    let answer = round(&mut peer.stream, &frame).unwrap();
    let response: MetadataResponse<'_> = peer.exchange.read(&answer, asked).unwrap();
    response.topics.iter().next().unwrap().topic_id
}
