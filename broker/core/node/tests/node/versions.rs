//! The law of versions: whatever a client asks in whatever version that is served, it is answered, in that version; who
//! may nothing is answered too; and every API asks for Kafka's rights.
//!
//! Each API is asked for something that is there and for something that is not, so that answers carry all that they can:
//! a field that is filled in a version that has none would end the connection instead.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use ottla_api::authorizer::{Asker, Authorizer, Operation, Resource};
use ottla_api::served::{SERVED, is_version_served};
use ottla_api::{Listener, ListenerRole};
use ottla_records::{BatchBuilder, BatchOptions};
use ottla_vocabulary::{Timestamp, Uuid};
use ottla_wire::alter_configs_request as alter;
use ottla_wire::create_partitions_request::CreatePartitionsTopic;
use ottla_wire::create_topics_request::CreatableTopic;
use ottla_wire::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use ottla_wire::delete_topics_request::DeleteTopicState;
use ottla_wire::describe_configs_request::DescribeConfigsResource;
use ottla_wire::describe_producers_request::TopicRequest as ProducersTopic;
use ottla_wire::describe_quorum_request as quorum;
use ottla_wire::describe_topic_partitions_request::{Cursor, TopicRequest as PartitionsTopic};
use ottla_wire::fetch_request::{FetchPartition, FetchTopic};
use ottla_wire::incremental_alter_configs_request as incremental;
use ottla_wire::join_group_request::JoinGroupRequestProtocol;
use ottla_wire::leave_group_request::MemberIdentity;
use ottla_wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ottla_wire::metadata_request::MetadataRequestTopic;
use ottla_wire::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use ottla_wire::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use ottla_wire::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics};
use ottla_wire::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use ottla_wire::produce_request::{PartitionProduceData, TopicProduceData};
use ottla_wire::sync_group_request::SyncGroupRequestAssignment;
use ottla_wire::update_features_request::FeatureUpdateKey;
use ottla_wire::*;

use crate::world::{Came, HELD_MS, World, batch, read};

/// A topic that is there, and one that is not.
const NAMES: [&str; 2] = ["flights", "nowhere"];

/// Allows everything or nothing, and notes who was asked for what by which API.
#[derive(Debug)]
struct Guard {
    allows: AtomicBool,
    asked: Mutex<BTreeMap<&'static str, BTreeSet<String>>>,
}

impl Guard {
    fn note(&self, asker: &Asker<'_>, operation: Operation, resource: &str) -> bool {
        let mut asked = self.asked.lock().unwrap();
        asked.entry(asker.request).or_default().insert(format!("{operation:?} {resource}"));
        self.allows.load(Ordering::Relaxed)
    }
}

/// The node's part of a guard.
struct Guarded(Arc<Guard>);

impl Authorizer for Guarded {
    fn allows(&self, asker: &Asker<'_>, operation: Operation, resource: Resource<'_>) -> bool {
        let kind = match resource {
            Resource::Topic(_) => "topic",
            Resource::Group(_) => "group",
            Resource::Cluster => "cluster",
            Resource::TransactionalId(_) => "transactional id",
        };
        self.0.note(asker, operation, kind)
    }

    fn allows_on_any_topic(&self, asker: &Asker<'_>, operation: Operation) -> bool {
        self.0.note(asker, operation, "any topic")
    }
}

/// A node with a topic of some records, and what of it requests name.
struct Law {
    world: World,
    guard: Arc<Guard>,
    ids: [Uuid; 2],
    asked: Vec<ApiKey>,
}

impl Law {
    fn begin(folder: &Path) -> Law {
        let config = "auto.create.topics.enable=false\ngroup.initial.rebalance.delay.ms=0";
        let mut world = World::new(folder, config);
        assert_eq!(world.create("flights", 2), 0);
        world.produce("flights", &batch(&["a", "b"], Some((5, 0))), -1).unwrap();
        // After a crash the leader's epoch is another, and a client that knows the former one is told so.
        drop(world);
        let guard = Arc::new(Guard { allows: AtomicBool::new(true), asked: Mutex::default() });
        let mut world = World::guarded(folder, config, Box::new(Guarded(Arc::clone(&guard))));
        let ids = [world.topic_id("flights"), Uuid([7; 16])];
        Law { world, guard, ids, asked: Vec::new() }
    }

    /// Asks for everything.
    fn run(&mut self) {
        records(self);
        groups(self);
        cluster(self);
        topics(self);
        configs(self);
        let listener = Listener { name: "CONTROLLER".to_owned(), role: ListenerRole::Controller };
        self.world.peer.listener = Arc::new(listener);
        controller(self);
    }

    /// Asks in each version that is served; each request must be answered within a minute by something of its version.
    fn holds<'q, Q: Message<'q>>(&mut self, check: fn(&[u8], i16), requests: impl Fn(&Law, i16) -> Vec<Q>) {
        let api = ApiKey::from_key(Q::KEY).unwrap();
        self.asked.push(api);
        let versions = Q::VERSION_MIN..=Q::VERSION_MAX;
        for version in versions.filter(|version| is_version_served(api, *version)) {
            for request in requests(self, version) {
                let answer = self.answer(&request, version);
                let answer =
                    answer.unwrap_or_else(|why| panic!("{} version {version}: {why}: {request:?}", api.name()));
                check(&answer, version);
            }
        }
    }

    fn answer<'q, Q: Message<'q>>(&mut self, request: &Q, version: i16) -> Result<Vec<u8>, String> {
        match self.world.send(request, version) {
            Came::Reply(bytes) => Ok(bytes),
            Came::Silent => Err("no answer".to_owned()),
            Came::Close(close) => Err(close.to_string()),
            Came::Later(token) => {
                for _ in 0..60 {
                    if let Some(bytes) = self.world.late(token) {
                        return Ok(bytes);
                    }
                    self.world.pass(1000);
                }
                Err("no answer within a minute".to_owned())
            }
        }
    }
}

/// That a message of this kind and version is all that there is.
macro_rules! is {
    ($answer:ident) => {
        |bytes, version| {
            read::<$answer>(bytes, version);
        }
    };
}

#[test]
fn whatever_is_asked_is_answered_in_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let mut law = Law::begin(folder.path());
    law.run();
    let missing: Vec<_> = SERVED.iter().filter(|api| !law.asked.contains(api)).collect();
    assert!(missing.is_empty(), "served and not asked: {missing:?}");
}

/// One answer of each way: of the image, at once, of the coordinators, of the controller, of the partitions.
#[test]
fn answers_tell_how_long_their_client_is_held_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut law = Law::begin(folder.path());
    let metadata = law.answer(&MetadataRequest::default(), 12).unwrap();
    assert_eq!(read::<MetadataResponse<'_>>(&metadata, 12).throttle_time_ms, HELD_MS as i32);
    let versions = law.answer(&ApiVersionsRequest::default(), 2).unwrap();
    assert_eq!(read::<ApiVersionsResponse<'_>>(&versions, 2).throttle_time_ms, HELD_MS as i32);
    let groups = law.answer(&ListGroupsRequest::default(), 5).unwrap();
    assert_eq!(read::<ListGroupsResponse<'_>>(&groups, 5).throttle_time_ms, HELD_MS as i32);
    let request = CreateTopicsRequest { timeout_ms: 1000, ..Default::default() };
    let topics = law.answer(&request, 7).unwrap();
    assert_eq!(read::<CreateTopicsResponse<'_>>(&topics, 7).throttle_time_ms, HELD_MS as i32);
    let fetched = law.answer(&FetchRequest { max_wait_ms: 0, ..Default::default() }, 17).unwrap();
    assert_eq!(read::<FetchResponse<'_>>(&fetched, 17).throttle_time_ms, HELD_MS as i32);
}

#[test]
fn who_may_nothing_is_answered_too_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut law = Law::begin(folder.path());
    law.guard.allows.store(false, Ordering::Relaxed);
    let before = law.world.node.image();
    let stored = law.world.node.measure().all;
    law.run();
    let after = law.world.node.image();
    assert_eq!((after.topics.len(), after.topics.partition_count()), (1, 2));
    assert_eq!(after.topics.by_text("flights"), before.topics.by_text("flights"));
    assert_eq!(after.cluster.brokers.len(), 1);
    let now = law.world.node.measure().all;
    assert_eq!((now.bytes_in, now.bytes_out), (stored.bytes_in, stored.bytes_out));
}

/// The rights that Kafka's handlers ask for; of two that suffice, the one that is asked for first. What an API asks for beyond these only adds to its answer.
const RIGHTS: &[(&str, &[&str])] = &[
    ("Produce", &["Write topic", "Write transactional id"]),
    ("Fetch", &["Read topic", "ClusterAction cluster"]),
    ("ListOffsets", &["Describe topic"]),
    ("Metadata", &["Describe topic"]),
    ("OffsetCommit", &["Read group", "Read topic"]),
    ("OffsetFetch", &["Describe group", "Describe topic"]),
    ("FindCoordinator", &["Describe group", "Describe transactional id"]),
    ("JoinGroup", &["Read group"]),
    ("Heartbeat", &["Read group"]),
    ("LeaveGroup", &["Read group"]),
    ("SyncGroup", &["Read group"]),
    ("DescribeGroups", &["Describe group"]),
    ("ListGroups", &["Describe cluster"]),
    ("CreateTopics", &["Create cluster", "DescribeConfigs topic"]),
    ("DeleteTopics", &["Delete cluster"]),
    ("DeleteRecords", &["Delete topic"]),
    ("InitProducerId", &["IdempotentWrite cluster", "Write transactional id"]),
    ("OffsetForLeaderEpoch", &["ClusterAction cluster"]),
    ("DescribeConfigs", &["DescribeConfigs topic", "DescribeConfigs group", "DescribeConfigs cluster"]),
    ("AlterConfigs", &["AlterConfigs topic", "AlterConfigs cluster"]),
    ("IncrementalAlterConfigs", &["AlterConfigs topic", "AlterConfigs group", "AlterConfigs cluster"]),
    ("DescribeLogDirs", &["Describe cluster"]),
    ("CreatePartitions", &["Alter topic"]),
    ("DeleteGroups", &["Delete group"]),
    ("OffsetDelete", &["Delete group", "Read topic"]),
    ("DescribeQuorum", &["Describe cluster"]),
    ("UpdateFeatures", &["Alter cluster"]),
    ("DescribeCluster", &["Describe cluster"]),
    ("DescribeProducers", &["Read topic"]),
    ("BrokerRegistration", &["ClusterAction cluster"]),
    ("BrokerHeartbeat", &["ClusterAction cluster"]),
    ("AllocateProducerIds", &["ClusterAction cluster"]),
    ("ListConfigResources", &["DescribeConfigs cluster"]),
    ("DescribeTopicPartitions", &["Describe topic"]),
    ("ApiVersions", &[]),
];

#[test]
fn every_api_asks_the_authorizer_for_kafkas_rights() {
    let folder = tempfile::tempdir().unwrap();
    let mut law = Law::begin(folder.path());
    law.run();
    let asked = law.guard.asked.lock().unwrap();
    for api in SERVED {
        let name = api.name();
        let (_, rights) =
            RIGHTS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name} has no line"));
        for right in *rights {
            assert!(asked.get(name).is_some_and(|asked| asked.contains(*right)), "{name} does not ask for {right}");
        }
    }
}

fn records(law: &mut Law) {
    let (good, mut bad) = (batch(&["c"], None), batch(&["d"], None));
    bad[20] ^= 1;
    let gap = batch(&["e"], Some((5, 9)));
    let (good, bad, gap): (&[u8], &[u8], &[u8]) = (good.leak(), bad.leak(), gap.leak());
    let batches = [good, bad, gap];
    let options = BatchOptions { is_transactional: true, ..BatchOptions::default() };
    let mut transactional = BatchBuilder::new(options);
    transactional.push(Timestamp::NONE, None, Some(b"e"), &[]);
    let transactional: &[u8] = transactional.finish().unwrap().leak();
    law.holds(is!(ProduceResponse), |law, _| {
        let produce = |place: usize, index: i32, records: &'static [u8], acks: i16| {
            let partition = PartitionProduceData { index, records: Some(Records::Bytes(records)) };
            let topic = TopicProduceData {
                name: NAMES[place].into(),
                topic_id: law.ids[place],
                partition_data: vec![partition].into(),
            };
            ProduceRequest { acks, timeout_ms: 100, topic_data: vec![topic].into(), ..ProduceRequest::default() }
        };
        let mut all: Vec<_> = batches.iter().map(|records| produce(0, 0, records, -1)).collect();
        all.push(ProduceRequest { transactional_id: Some("payments".into()), ..produce(0, 0, transactional, -1) });
        all.extend([produce(0, 9, good, 1), produce(1, 0, good, 1), produce(0, 0, good, 7)]);
        all
    });
    law.holds(is!(FetchResponse), |law, version| {
        let fetch = |place: usize, offset: i64, epoch: i32, isolation: i8, fetched: i32, session: (i32, i32)| {
            let partition = FetchPartition {
                fetch_offset: offset,
                partition_max_bytes: 1 << 20,
                current_leader_epoch: epoch,
                last_fetched_epoch: if 12 <= version { fetched } else { -1 },
                ..FetchPartition::default()
            };
            let topic =
                FetchTopic { topic: NAMES[place].into(), topic_id: law.ids[place], partitions: vec![partition].into() };
            FetchRequest {
                max_wait_ms: 10,
                min_bytes: 1,
                isolation_level: isolation,
                session_id: session.0,
                session_epoch: session.1,
                topics: vec![topic].into(),
                ..FetchRequest::default()
            }
        };
        let none = (0, -1);
        vec![
            fetch(0, 0, -1, 0, -1, none),
            fetch(0, 0, 0, 1, -1, (0, 0)),
            fetch(0, 1 << 40, -1, 0, -1, none),
            fetch(0, 0, 99, 0, -1, none),
            fetch(0, 0, -1, 0, 7, none),
            fetch(1, 0, -1, 0, -1, none),
            fetch(0, 0, -1, 0, -1, (77, 3)),
        ]
    });
    law.holds(is!(ListOffsetsResponse), |_, version| {
        let ask = |place: usize, timestamp: i64, current_leader_epoch: i32, isolation: i8| {
            let partition = ListOffsetsPartition { partition_index: 0, current_leader_epoch, timestamp };
            let topic = ListOffsetsTopic { name: NAMES[place].into(), partitions: vec![partition].into() };
            let isolation_level = if 2 <= version { isolation } else { 0 };
            ListOffsetsRequest { replica_id: -1, isolation_level, topics: vec![topic].into(), timeout_ms: 9 }
        };
        let mut all: Vec<_> = (-6..=0).map(|timestamp| ask(0, timestamp, -1, 1)).collect();
        all.extend([ask(0, -1, 99, 0), ask(1, -1, -1, 0)]);
        all
    });
    law.holds(is!(OffsetForLeaderEpochResponse), |_, _| {
        let ask = |place: usize, current_leader_epoch: i32, leader_epoch: i32| {
            let partition = OffsetForLeaderPartition { partition: 0, current_leader_epoch, leader_epoch };
            let topic = OffsetForLeaderTopic { topic: NAMES[place].into(), partitions: vec![partition].into() };
            OffsetForLeaderEpochRequest { replica_id: -1, topics: vec![topic].into() }
        };
        vec![ask(0, -1, 0), ask(0, 9, 0), ask(0, -1, 9), ask(1, -1, 0)]
    });
    law.holds(is!(DescribeProducersResponse), |_, _| {
        let topics = NAMES.map(|name| ProducersTopic { name: name.into(), partition_indexes: vec![0, 9].into() });
        vec![DescribeProducersRequest { topics: topics.to_vec().into() }]
    });
    law.holds(is!(InitProducerIdResponse), |_, _| {
        let ask = |transactional_id: Option<&'static str>| InitProducerIdRequest {
            transactional_id: transactional_id.map(Into::into),
            transaction_timeout_ms: 1000,
            ..InitProducerIdRequest::default()
        };
        vec![ask(None), ask(Some("payments"))]
    });
    law.holds(is!(DeleteRecordsResponse), |_, _| {
        let ask = |place: usize, offset: i64| {
            let partition = DeleteRecordsPartition { partition_index: 0, offset };
            let topic = DeleteRecordsTopic { name: NAMES[place].into(), partitions: vec![partition].into() };
            DeleteRecordsRequest { topics: vec![topic].into(), timeout_ms: 1000 }
        };
        vec![ask(0, 1), ask(0, -1), ask(0, 1 << 40), ask(1, 0)]
    });
}

fn groups(law: &mut Law) {
    law.holds(is!(FindCoordinatorResponse), |_, version| {
        let ask = |key_type: i8, key: &'static str| FindCoordinatorRequest {
            key: if version < 4 { key.into() } else { "".into() },
            key_type,
            coordinator_keys: if version < 4 { Vec::new() } else { vec![key.into(), "other".into()] }.into(),
        };
        let types = if version < 1 { 0..1 } else { 0..4 };
        types.map(|key_type| ask(key_type, "readers")).collect()
    });
    // The coordinator's topic is made on the way of the first; its log is loaded in the background.
    law.world.late(ottla_node::Token(0));
    law.world.node.upkeep(law.world.now);
    law.world.late(ottla_node::Token(0));
    let join = |group: &'static str, member: &'static str| JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 1000,
        member_id: member.into(),
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol { name: "range".into(), metadata: b"me"[..].into() }].into(),
        ..JoinGroupRequest::default()
    };
    law.holds(is!(JoinGroupResponse), |_, version| {
        let group: &'static str = Box::leak(format!("joined-{version}").into_boxed_str());
        vec![join(group, ""), join(group, "nobody"), join("", "")]
    });
    law.holds(is!(SyncGroupResponse), |_, _| {
        let ask = |group: &'static str, generation_id: i32| SyncGroupRequest {
            group_id: group.into(),
            generation_id,
            member_id: "nobody".into(),
            assignments: vec![SyncGroupRequestAssignment { member_id: "nobody".into(), assignment: b"all"[..].into() }]
                .into(),
            ..SyncGroupRequest::default()
        };
        vec![ask("joined-0", 1), ask("none", 1), ask("", 1)]
    });
    law.holds(is!(HeartbeatResponse), |_, _| {
        let ask = |group: &'static str| HeartbeatRequest {
            group_id: group.into(),
            generation_id: 1,
            member_id: "nobody".into(),
            ..HeartbeatRequest::default()
        };
        vec![ask("joined-0"), ask("none"), ask("")]
    });
    law.holds(is!(OffsetCommitResponse), |law, _| {
        let ask = |group: &'static str, place: usize, generation: i32, metadata: Option<&'static str>| {
            let partition = OffsetCommitRequestPartition {
                partition_index: 0,
                committed_offset: 1,
                committed_leader_epoch: 0,
                committed_metadata: metadata.map(Into::into),
            };
            let topic = OffsetCommitRequestTopic {
                name: NAMES[place].into(),
                topic_id: law.ids[place],
                partitions: vec![partition].into(),
            };
            OffsetCommitRequest {
                group_id: group.into(),
                generation_id_or_member_epoch: generation,
                topics: vec![topic].into(),
                ..OffsetCommitRequest::default()
            }
        };
        vec![
            ask("readers", 0, -1, Some("here")),
            ask("readers", 0, -1, None),
            ask("readers", 1, -1, None),
            ask("readers", 0, 9, None),
        ]
    });
    law.holds(is!(OffsetFetchResponse), |law, version| {
        let ask = |group: &'static str, place: Option<usize>| {
            let indexes = vec![0, 1, 9];
            let topics = |place: usize| {
                vec![OffsetFetchRequestTopic { name: NAMES[place].into(), partition_indexes: indexes.clone().into() }]
            };
            let grouped = |place: usize| {
                vec![OffsetFetchRequestTopics {
                    name: NAMES[place].into(),
                    topic_id: law.ids[place],
                    partition_indexes: indexes.clone().into(),
                }]
            };
            if version < 8 {
                OffsetFetchRequest {
                    group_id: group.into(),
                    topics: if version < 2 {
                        Some(topics(place.unwrap_or(0)).into())
                    } else {
                        place.map(|place| topics(place).into())
                    },
                    ..OffsetFetchRequest::default()
                }
            } else {
                let topics = place.map(|place| grouped(place).into());
                let group = OffsetFetchRequestGroup { group_id: group.into(), topics, ..Default::default() };
                OffsetFetchRequest { groups: vec![group].into(), topics: Some(Array::default()), ..Default::default() }
            }
        };
        vec![
            ask("readers", Some(0)),
            ask("readers", Some(1)),
            ask("readers", None),
            ask("none", Some(0)),
            ask("", Some(0)),
        ]
    });
    law.holds(is!(DescribeGroupsResponse), |_, version| {
        let groups = ["readers", "joined-3", "none", ""].map(Into::into).to_vec();
        vec![DescribeGroupsRequest { groups: groups.into(), include_authorized_operations: 3 <= version }]
    });
    law.holds(is!(ListGroupsResponse), |_, version| {
        let filter = |since: i16, word: &'static str| if since <= version { vec![word.into()] } else { Vec::new() };
        vec![
            ListGroupsRequest::default(),
            ListGroupsRequest { states_filter: filter(4, "Stable").into(), types_filter: filter(5, "Classic").into() },
        ]
    });
    law.holds(is!(LeaveGroupResponse), |_, version| {
        let ask = |group: &'static str| {
            let member = MemberIdentity { member_id: "nobody".into(), ..MemberIdentity::default() };
            LeaveGroupRequest {
                group_id: group.into(),
                member_id: if version < 3 { "nobody".into() } else { "".into() },
                members: if version < 3 { Vec::new() } else { vec![member] }.into(),
            }
        };
        vec![ask("joined-1"), ask("none"), ask("")]
    });
    law.holds(is!(OffsetDeleteResponse), |_, _| {
        let ask = |group: &'static str| {
            let topics = NAMES.map(|name| OffsetDeleteRequestTopic {
                name: name.into(),
                partitions: vec![OffsetDeleteRequestPartition { partition_index: 0 }].into(),
            });
            OffsetDeleteRequest { group_id: group.into(), topics: topics.to_vec().into() }
        };
        vec![ask("readers"), ask("none")]
    });
    law.holds(is!(DeleteGroupsResponse), |_, _| {
        vec![DeleteGroupsRequest { groups_names: ["none", "joined-9", "readers", ""].map(Into::into).to_vec().into() }]
    });
}

fn cluster(law: &mut Law) {
    law.holds(is!(ApiVersionsResponse), |_, version| {
        let named = |name: &'static str| ApiVersionsRequest {
            client_software_name: name.into(),
            client_software_version: "1".into(),
            ..ApiVersionsRequest::default()
        };
        let mut all = vec![named("test"), named("!")];
        if 5 <= version {
            all.push(ApiVersionsRequest { cluster_id: Some("another".into()), node_id: 99, ..named("test") });
        }
        all
    });
    law.holds(is!(MetadataResponse), |law, version| {
        let ask = |topics: Option<Vec<MetadataRequestTopic<'static>>>| MetadataRequest {
            topics: topics.map(Into::into),
            include_cluster_authorized_operations: (8..=10).contains(&version),
            include_topic_authorized_operations: 8 <= version,
            ..MetadataRequest::default()
        };
        let named = NAMES.map(|name| MetadataRequestTopic { name: Some(name.into()), ..Default::default() }).to_vec();
        let mut all = vec![ask(Some(named)), ask(Some(Vec::new()))];
        if 1 <= version {
            all.push(ask(None));
        }
        if 10 <= version {
            let by_id = law.ids.map(|topic_id| MetadataRequestTopic { topic_id, name: None });
            all.extend(by_id.map(|topic| ask(Some(vec![topic]))));
        }
        all
    });
    law.holds(is!(DescribeClusterResponse), |_, version| {
        let ask = |endpoint_type: i8| DescribeClusterRequest {
            include_cluster_authorized_operations: true,
            endpoint_type,
            include_fenced_brokers: 2 <= version,
        };
        let mut all = vec![ask(1)];
        if 1 <= version {
            all.extend([ask(2), ask(9)]);
        }
        all
    });
    law.holds(is!(DescribeTopicPartitionsResponse), |_, _| {
        let ask = |cursor: Option<Cursor<'static>>| DescribeTopicPartitionsRequest {
            topics: NAMES.map(|name| PartitionsTopic { name: name.into() }).to_vec().into(),
            response_partition_limit: 1,
            cursor,
        };
        vec![ask(None), ask(Some(Cursor { topic_name: "flights".into(), partition_index: 1 }))]
    });
    law.holds(is!(DescribeLogDirsResponse), |_, _| vec![DescribeLogDirsRequest { topics: None }]);
    law.holds(is!(DescribeQuorumResponse), |_, _| {
        let ask = |name: &'static str| {
            let partitions = vec![quorum::PartitionData { partition_index: 0 }].into();
            DescribeQuorumRequest { topics: vec![quorum::TopicData { topic_name: name.into(), partitions }].into() }
        };
        vec![ask("__cluster_metadata"), ask("flights")]
    });
    law.holds(is!(UpdateFeaturesResponse), |_, version| {
        let ask = |feature: &'static str, level: i16| UpdateFeaturesRequest {
            feature_updates: vec![FeatureUpdateKey {
                feature: feature.into(),
                max_version_level: level,
                ..Default::default()
            }]
            .into(),
            validate_only: 1 <= version,
            ..UpdateFeaturesRequest::default()
        };
        vec![ask("metadata.version", 999), ask("nothing", 1), ask("metadata.version", 0)]
    });
}

fn topics(law: &mut Law) {
    law.holds(is!(CreateTopicsResponse), |_, version| {
        let ask =
            |name: String, num_partitions: i32, replication_factor: i16, validate_only: bool| CreateTopicsRequest {
                topics: vec![CreatableTopic {
                    name: name.into(),
                    num_partitions,
                    replication_factor,
                    ..Default::default()
                }]
                .into(),
                timeout_ms: 1000,
                validate_only,
            };
        vec![
            ask(format!("made-{version}"), 1, 1, false),
            ask("flights".to_owned(), 1, 1, false),
            ask("wide".to_owned(), 1, 9, true),
            ask("in valid".to_owned(), -1, -1, true),
        ]
    });
    law.holds(is!(CreatePartitionsResponse), |_, version| {
        let ask = |name: &'static str, count: i32| CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic { name: name.into(), count, assignments: None }].into(),
            timeout_ms: 1000,
            validate_only: false,
        };
        vec![ask("flights", 3 + i32::from(version)), ask("flights", 1), ask("nowhere", 3)]
    });
    law.holds(is!(DeleteTopicsResponse), |law, version| {
        let made = format!("made-{}", version + 1);
        if version < 6 {
            let topic_names = vec![made.into(), "nowhere".into()].into();
            return vec![DeleteTopicsRequest { topic_names, timeout_ms: 1000, ..Default::default() }];
        }
        let by_name = |name: String| DeleteTopicState { name: Some(name.into()), topic_id: Uuid::ZERO };
        let by_id = DeleteTopicState { name: None, topic_id: law.ids[1] };
        let topics = vec![by_name(made), by_name("nowhere".to_owned()), by_id].into();
        vec![DeleteTopicsRequest { topics, timeout_ms: 1000, ..Default::default() }]
    });
}

/// Kinds of resources: topics, brokers, loggers, subscriptions, groups, and one that there is not.
const RESOURCES: [(i8, &str); 9] =
    [(2, "flights"), (2, "nowhere"), (4, "1"), (4, ""), (4, "9"), (8, "1"), (16, "all"), (32, "readers"), (77, "x")];

fn configs(law: &mut Law) {
    law.holds(is!(DescribeConfigsResponse), |_, version| {
        let ask = |(resource_type, name): (i8, &'static str)| DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type,
                resource_name: name.into(),
                configuration_keys: None,
            }]
            .into(),
            include_synonyms: true,
            include_documentation: 3 <= version,
        };
        RESOURCES.map(ask).to_vec()
    });
    law.holds(is!(AlterConfigsResponse), |_, _| {
        let ask = |(resource_type, name): (i8, &'static str)| AlterConfigsRequest {
            resources: vec![alter::AlterConfigsResource {
                resource_type,
                resource_name: name.into(),
                configs: vec![alter::AlterableConfig { name: "retention.ms".into(), value: Some("5".into()) }].into(),
            }]
            .into(),
            validate_only: false,
        };
        RESOURCES.map(ask).to_vec()
    });
    law.holds(is!(IncrementalAlterConfigsResponse), |_, _| {
        let ask = |(resource_type, name): (i8, &'static str)| IncrementalAlterConfigsRequest {
            resources: vec![incremental::AlterConfigsResource {
                resource_type,
                resource_name: name.into(),
                configs: vec![incremental::AlterableConfig {
                    name: "retention.ms".into(),
                    config_operation: 0,
                    value: Some("many".into()),
                }]
                .into(),
            }]
            .into(),
            validate_only: false,
        };
        RESOURCES.map(ask).to_vec()
    });
    law.holds(is!(ListConfigResourcesResponse), |_, version| {
        let ask = |resource_types: Vec<i8>| ListConfigResourcesRequest { resource_types: resource_types.into() };
        if version == 0 {
            vec![ask(Vec::new())]
        } else {
            vec![ask(Vec::new()), ask(vec![2, 4, 8, 16, 32]), ask(vec![99])]
        }
    });
}

fn controller(law: &mut Law) {
    let cluster_id = law.world.node.identity().cluster_id.clone();
    law.holds(is!(BrokerRegistrationResponse), |_, _| {
        let ask = |broker_id: i32, cluster_id: &str| BrokerRegistrationRequest {
            broker_id,
            cluster_id: cluster_id.to_owned().into(),
            incarnation_id: Uuid([3; 16]),
            log_dirs: vec![Uuid([4; 16])].into(),
            ..BrokerRegistrationRequest::default()
        };
        vec![ask(2, &cluster_id), ask(2, "another")]
    });
    law.holds(is!(BrokerHeartbeatResponse), |_, _| {
        let ask = |broker_id: i32, broker_epoch: i64| BrokerHeartbeatRequest {
            broker_id,
            broker_epoch,
            want_fence: true,
            ..BrokerHeartbeatRequest::default()
        };
        vec![ask(1, 0), ask(9, 0)]
    });
    law.holds(is!(AllocateProducerIdsResponse), |_, _| {
        vec![
            AllocateProducerIdsRequest { broker_id: 1, broker_epoch: 0 },
            AllocateProducerIdsRequest { broker_id: 9, broker_epoch: 0 },
        ]
    });
    // The metadata log is fetched here, from its middle, with an epoch that never was.
    law.holds(is!(FetchResponse), |_, version| {
        let ask = |fetch_offset: i64, last_fetched_epoch: i32, current_leader_epoch: i32| {
            let partition = FetchPartition {
                fetch_offset,
                last_fetched_epoch: if 12 <= version { last_fetched_epoch } else { -1 },
                current_leader_epoch,
                partition_max_bytes: 1 << 20,
                ..FetchPartition::default()
            };
            let topic = FetchTopic {
                topic: "__cluster_metadata".into(),
                topic_id: Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
                partitions: vec![partition].into(),
            };
            FetchRequest { max_bytes: 1 << 20, topics: vec![topic].into(), ..FetchRequest::default() }
        };
        vec![ask(0, -1, -1), ask(1 << 40, 1, -1), ask(5, 0, -1), ask(0, -1, 99), ask(0, -1, 0)]
    });
}
