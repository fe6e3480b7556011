//! A node driven by one thread without a server: the tests hand in frames and the time, and do what the effects ask for.

#![expect(clippy::unwrap_used, reason = "a test may fail by it")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ottla_api::{AllowAll, FixedLoggers, Listener, ListenerRole, NoQuotas, Peer};
use ottla_commit_log::Descriptor;
use ottla_config::{BrokerConfig, Properties};
use ottla_disk::Disk;
use ottla_node::{BootError, Close, DescriptorOf, Handled, Node, Reply, Setup, Stage, Token, format_if_new};
use ottla_records::{BatchBuilder, BatchOptions, batches};
use ottla_vocabulary::{Duration, Instant, Now, Principal, ProducerEpoch, ProducerId, Sequence, Timestamp, Uuid};
use ottla_wire::create_topics_request::CreatableTopic;
use ottla_wire::fetch_request::{FetchPartition, FetchTopic};
use ottla_wire::frame::request_frame;
use ottla_wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ottla_wire::produce_request::{PartitionProduceData, TopicProduceData};
use ottla_wire::{
    ApiKey, CreateTopicsRequest, CreateTopicsResponse, ErrorCode, FetchRequest, FetchResponse, InitProducerIdRequest,
    InitProducerIdResponse, ListOffsetsRequest, ListOffsetsResponse, Message, MetadataRequest, MetadataResponse,
    ProduceRequest, ProduceResponse, Reader, Records, ResponseHeader,
};

/// One node, its clock, and who asks.
struct World {
    node: Node<Disk>,
    now: Now,
    peer: Peer,
    next_token: u64,
}

/// What became of a request.
enum Came {
    Reply(Vec<u8>),
    Later(Token),
    Silent,
    Close(Close),
}

fn config(folder: &Path, more: &str) -> BrokerConfig {
    let text = format!(
        "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n\
         controller.listener.names=CONTROLLER\ncontroller.quorum.bootstrap.servers=127.0.0.1:9093\nlog.dirs={}\n\
         offsets.topic.replication.factor=1\n{more}\n",
        folder.display()
    );
    BrokerConfig::load(&Properties::parse(&text).unwrap()).unwrap().0
}

fn at(millis: u64) -> Now {
    Now { instant: Instant::from_millis(millis), wall: Timestamp(1_700_000_000_000 + millis as i64) }
}

fn open(folder: &Path, more: &str, now: Now) -> Result<Node<Disk>, BootError> {
    let (files, config) = (Disk::new(64), config(folder, more));
    format_if_new(&files, &config, 7, now)?;
    let (authorizer, quotas, loggers) = (Box::new(AllowAll), Box::new(NoQuotas), Box::new(FixedLoggers));
    // Every life of a process draws another incarnation.
    static LIVES: AtomicU64 = AtomicU64::new(8);
    let seed = LIVES.fetch_add(1, Ordering::Relaxed);
    Node::open(Setup { files, config, seed, authorizer, quotas, loggers }, now)
}

impl World {
    fn new(folder: &Path, more: &str) -> World {
        let listener = Listener { name: "PLAINTEXT".to_owned(), role: ListenerRole::Broker };
        let peer = Peer {
            principal: Principal::anonymous(),
            address: ([127, 0, 0, 1], 40_000).into(),
            listener: Arc::new(listener),
        };
        World { node: open(folder, more, at(1000)).unwrap(), now: at(1000), peer, next_token: 1 }
    }

    fn send<'a, M: Message<'a>>(&mut self, request: &M, version: i16) -> Came {
        let frame = request_frame(request, version, 5, Some("test")).unwrap().into_bytes();
        self.send_frame(&frame[4..])
    }

    fn send_frame(&mut self, frame: &[u8]) -> Came {
        let token = Token(self.next_token);
        self.next_token += 1;
        match self.node.handle(self.now, &self.peer, token, frame) {
            Handled::Reply(reply) => Came::Reply(whole(&reply)),
            Handled::Later => Came::Later(token),
            Handled::Silent => Came::Silent,
            Handled::Close(close) => Came::Close(close),
        }
    }

    /// The late reply under a token, if it has come; syncs the metadata log when that is asked for.
    fn late(&mut self, token: Token) -> Option<Vec<u8>> {
        let mut found = None;
        while let Some(effects) = self.node.effects() {
            if effects.sync_metadata {
                self.node.sync_metadata(self.now);
            }
            let own = effects.replies.into_iter().find(|(other, _)| *other == token);
            found = found.or(own.map(|(_, reply)| whole(&reply)));
        }
        found
    }

    /// Sends a request and waits for its reply, syncing as needed.
    fn ask<'a, M: Message<'a>>(&mut self, request: &M, version: i16) -> Vec<u8> {
        match self.send(request, version) {
            Came::Reply(bytes) => bytes,
            Came::Later(token) => self.late(token).expect("the reply comes once the disk has synced"),
            Came::Silent | Came::Close(_) => panic!("no reply"),
        }
    }

    fn pass(&mut self, millis: u64) {
        self.now = at(self.now.instant.as_millis() + millis);
        self.node.tick(self.now);
    }

    fn create(&mut self, name: &str, partitions: i32) -> i16 {
        let topic = CreatableTopic {
            name: name.to_owned().into(),
            num_partitions: partitions,
            replication_factor: 1,
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: 1000, validate_only: false };
        let bytes = self.ask(&request, 7);
        read::<CreateTopicsResponse<'_>>(&bytes, 7).topics.iter().next().unwrap().error_code
    }

    fn topic_id(&mut self, name: &str) -> Uuid {
        self.node.image().topics.by_text(name).unwrap().id.0
    }

    /// Produces to partition 0; answers code and base offset.
    fn produce(&mut self, name: &str, batch: &[u8], acks: i16) -> Option<(ErrorCode, i64)> {
        let topic_id = self.topic_id(name);
        let partition = PartitionProduceData { index: 0, records: Some(Records::Bytes(batch)) };
        let topic =
            TopicProduceData { topic_id, partition_data: vec![partition].into(), ..TopicProduceData::default() };
        let request =
            ProduceRequest { acks, timeout_ms: 1000, topic_data: vec![topic].into(), ..ProduceRequest::default() };
        match self.send(&request, 13) {
            Came::Reply(bytes) => {
                let response = read::<ProduceResponse<'_>>(&bytes, 13);
                let topic = response.responses.iter().next().unwrap();
                let partition = topic.partition_responses.iter().next().unwrap();
                Some((ErrorCode::from_code(partition.error_code), partition.base_offset))
            }
            Came::Silent => None,
            Came::Later(_) | Came::Close(_) => panic!("a produce is answered at once"),
        }
    }

    fn fetch(&mut self, name: &str, offset: i64, session: (i32, i32), wait_ms: i32) -> Came {
        let topic_id = self.topic_id(name);
        let partition =
            FetchPartition { partition: 0, fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
        let topic = FetchTopic { topic_id, partitions: vec![partition].into(), ..FetchTopic::default() };
        let request = FetchRequest {
            max_wait_ms: wait_ms,
            min_bytes: 1,
            max_bytes: 1 << 20,
            session_id: session.0,
            session_epoch: session.1,
            topics: vec![topic].into(),
            ..FetchRequest::default()
        };
        self.send(&request, 17)
    }
}

fn whole(reply: &Reply<DescriptorOf<Disk>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sent = 0;
    for splice in &reply.splices {
        bytes.extend_from_slice(&reply.bytes[sent..splice.at]);
        sent = splice.at;
        let mut span = vec![0; splice.length as usize];
        assert_eq!(splice.descriptor.read_at(splice.position, &mut span).unwrap(), span.len());
        bytes.extend(span);
    }
    bytes.extend_from_slice(&reply.bytes[sent..]);
    let announced = u32::from_be_bytes(*bytes.first_chunk().unwrap()) as usize;
    assert_eq!(announced, bytes.len() - 4, "a reply is as long as it says");
    bytes
}

fn read<'a, M: Message<'a>>(bytes: &'a [u8], version: i16) -> M {
    let api = ApiKey::from_key(M::KEY).unwrap();
    let mut reader = Reader::new(&bytes[4..]);
    assert_eq!(ResponseHeader::read_frame(&mut reader, api, version).unwrap().correlation_id, 5);
    let message = M::read(&mut reader, version).unwrap();
    reader.finish().unwrap();
    message
}

fn batch(values: &[&str], producer: Option<(i64, i32)>) -> Vec<u8> {
    let (id, sequence) = producer.unwrap_or((-1, -1));
    let options = BatchOptions {
        producer_id: ProducerId(id),
        producer_epoch: ProducerEpoch(if id < 0 { -1 } else { 0 }),
        base_sequence: Sequence(sequence),
        ..BatchOptions::default()
    };
    let mut builder = BatchBuilder::new(options);
    for value in values {
        builder.push(Timestamp(1_700_000_000_000), Some(b"key"), Some(value.as_bytes()), &[]);
    }
    builder.finish().unwrap()
}

/// The values that a fetch's answer brings, or its partition's error.
fn values(bytes: &[u8]) -> Result<Vec<String>, ErrorCode> {
    let response = read::<FetchResponse<'_>>(bytes, 17);
    let mut found = Vec::new();
    for topic in &response.responses {
        for partition in &topic.partitions {
            if partition.error_code != 0 {
                return Err(ErrorCode::from_code(partition.error_code));
            }
            let Some(Records::Bytes(records)) = partition.records else { continue };
            for batch in batches(records) {
                let mut decompressor = ottla_records::Decompressor::new();
                let batch = batch.unwrap();
                for record in batch.records(&mut decompressor, 1 << 20).unwrap() {
                    found.push(String::from_utf8(record.unwrap().value.unwrap().to_vec()).unwrap());
                }
            }
        }
    }
    Ok(found)
}

fn reply(came: Came) -> Vec<u8> {
    match came {
        Came::Reply(bytes) => bytes,
        _ => panic!("no reply at once"),
    }
}

fn later(came: &Came) -> Token {
    match came {
        Came::Later(token) => *token,
        _ => panic!("answered at once"),
    }
}

#[test]
fn an_empty_directory_becomes_a_cluster_that_serves() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path(), "");
    assert_eq!(world.node.stage(), Stage::Running);
    let image = world.node.image();
    let broker = image.cluster.brokers.values().next().unwrap();
    assert!(!broker.fenced && image.cluster.controllers.len() == 1);
}

#[test]
fn a_topic_is_told_of_when_the_log_is_on_disk_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    let topic = CreatableTopic {
        name: "flights".into(),
        num_partitions: 2,
        replication_factor: 1,
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: 1000, validate_only: false };
    let token = later(&world.send(&request, 7));
    let effects = world.node.effects().unwrap();
    assert!(effects.sync_metadata && effects.replies.is_empty());
    assert!(world.node.image().topics.is_empty(), "what is not committed is not shown");
    world.node.sync_metadata(world.now);
    let bytes = world.late(token).unwrap();
    assert_eq!(read::<CreateTopicsResponse<'_>>(&bytes, 7).topics.iter().next().unwrap().num_partitions, 2);
    assert_eq!(world.node.image().topics.partition_count(), 2);
    assert_eq!(world.create("flights", 1), ErrorCode::TopicAlreadyExists.code());
}

#[test]
fn records_come_back_and_survive_a_stop_clean_or_not() {
    let folder = tempfile::tempdir().unwrap();
    for (round, clean) in [(0i64, true), (1, false), (2, true)] {
        let mut world = World::new(folder.path(), "");
        if round == 0 {
            assert_eq!(world.create("flights", 1), 0);
        }
        assert_eq!(world.produce("flights", &batch(&["a", "b"], None), -1), Some((ErrorCode::None, round * 2)));
        let bytes = reply(world.fetch("flights", 0, (0, -1), 0));
        assert_eq!(values(&bytes).unwrap().len() as i64, 2 * round + 2);
        if clean {
            world.node.begin_shutdown(world.now);
            for _ in 0..3 {
                world.late(Token(0));
                world.pass(20);
            }
            assert!(world.node.may_close());
            world.node.close(world.now).unwrap();
        }
    }
}

#[test]
fn a_fetch_waits_for_records_and_no_longer_than_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    world.create("flights", 1);
    let token = later(&world.fetch("flights", 0, (0, -1), 500));
    assert_eq!(world.late(token), None);
    world.produce("flights", &batch(&["a"], None), 1);
    assert_eq!(values(&world.late(token).unwrap()).unwrap(), ["a"]);

    let token = later(&world.fetch("flights", 1, (0, -1), 500));
    world.pass(499);
    assert_eq!(world.late(token), None);
    world.pass(1);
    assert_eq!(values(&world.late(token).unwrap()).unwrap(), Vec::<String>::new());

    let token = later(&world.fetch("flights", 1, (0, -1), 500));
    world.node.disconnected(token);
    world.produce("flights", &batch(&["b"], None), 1);
    assert_eq!(world.late(token), None, "nobody waits any more");
}

#[test]
fn a_session_is_told_only_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    world.create("flights", 1);
    world.produce("flights", &batch(&["a"], None), 1);
    let bytes = reply(world.fetch("flights", 0, (0, 0), 0));
    let session = read::<FetchResponse<'_>>(&bytes, 17).session_id;
    assert!(session != 0 && values(&bytes).unwrap() == ["a"]);
    let bytes = reply(world.fetch("flights", 1, (session, 1), 0));
    assert_eq!(read::<FetchResponse<'_>>(&bytes, 17).responses.len(), 0, "nothing changed");
    let bytes = reply(world.fetch("flights", 1, (session, 1), 0));
    let code = read::<FetchResponse<'_>>(&bytes, 17).error_code;
    assert_eq!(code, ErrorCode::InvalidFetchSessionEpoch.code());
}

#[test]
fn epochs_and_offsets_that_are_not_the_partitions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    world.create("flights", 1);
    assert_eq!(values(&reply(world.fetch("flights", 99, (0, -1), 500))), Err(ErrorCode::OffsetOutOfRange));
    let mut list = |epoch: i32, timestamp: i64| {
        let partition = ListOffsetsPartition { partition_index: 0, current_leader_epoch: epoch, timestamp };
        let topic = ListOffsetsTopic { name: "flights".into(), partitions: vec![partition].into() };
        let request = ListOffsetsRequest { topics: vec![topic].into(), ..ListOffsetsRequest::default() };
        let bytes = world.ask(&request, 8);
        let response = read::<ListOffsetsResponse<'_>>(&bytes, 8);
        let partition = response.topics.iter().next().unwrap().partitions.iter().next().unwrap();
        (ErrorCode::from_code(partition.error_code), partition.offset)
    };
    assert_eq!(list(0, -1), (ErrorCode::None, 0));
    assert_eq!(list(1, -1), (ErrorCode::UnknownLeaderEpoch, -1));
    assert_eq!(list(-1, -2), (ErrorCode::None, 0));
    assert_eq!(list(-1, 5), (ErrorCode::None, -1), "no record is that late");
}

#[test]
fn a_repeated_batch_is_kept_once_and_a_gap_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    world.create("flights", 1);
    let bytes = world.ask(
        &InitProducerIdRequest { transactional_id: None, producer_id: -1, producer_epoch: -1, ..Default::default() },
        5,
    );
    let response = read::<InitProducerIdResponse>(&bytes, 5);
    assert_eq!((response.error_code, response.producer_epoch), (0, 0));
    let id = response.producer_id;
    let first = batch(&["a", "b"], Some((id, 0)));
    assert_eq!(world.produce("flights", &first, -1), Some((ErrorCode::None, 0)));
    assert_eq!(world.produce("flights", &first, -1), Some((ErrorCode::None, 0)), "the same offset again");
    let gap = batch(&["d"], Some((id, 3)));
    assert_eq!(world.produce("flights", &gap, -1), Some((ErrorCode::OutOfOrderSequenceNumber, -1)));
    assert_eq!(world.produce("flights", &batch(&["c"], Some((id, 2))), -1), Some((ErrorCode::None, 2)));
}

#[test]
fn a_produce_without_acknowledgement_is_silent_or_ends_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    world.create("flights", 1);
    assert_eq!(world.produce("flights", &batch(&["a"], None), 0), None);
    let partition = PartitionProduceData { index: 0, records: Some(Records::Bytes(b"nonsense")) };
    let topic =
        TopicProduceData { name: "flights".into(), partition_data: vec![partition].into(), ..Default::default() };
    let request = ProduceRequest { acks: 0, timeout_ms: 1, topic_data: vec![topic].into(), ..Default::default() };
    assert!(matches!(world.send(&request, 9), Came::Close(Close::UnacknowledgedProduce)));
    let bytes = reply(world.send(&ProduceRequest { acks: 5, ..request }, 9));
    let response = read::<ProduceResponse<'_>>(&bytes, 9);
    let code = response.responses.iter().next().unwrap().partition_responses.iter().next().unwrap().error_code;
    assert_eq!(code, ErrorCode::InvalidRequiredAcks.code());
}

#[test]
fn a_topic_is_made_on_the_way_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "num.partitions=3");
    let request = |allow: bool| {
        let topic =
            ottla_wire::metadata_request::MetadataRequestTopic { name: Some("new".into()), ..Default::default() };
        MetadataRequest { topics: Some(vec![topic].into()), allow_auto_topic_creation: allow, ..Default::default() }
    };
    let code = |world: &mut World, allow| {
        let bytes = world.ask(&request(allow), 12);
        let token = Token(0);
        world.late(token);
        let response = read::<MetadataResponse<'_>>(&bytes, 12);
        let topic = response.topics.iter().next().unwrap();
        (ErrorCode::from_code(topic.error_code), topic.partitions.len())
    };
    assert_eq!(code(&mut world, false), (ErrorCode::UnknownTopicOrPartition, 0));
    assert_eq!(code(&mut world, false), (ErrorCode::UnknownTopicOrPartition, 0), "nobody wanted it");
    assert_eq!(code(&mut world, true), (ErrorCode::UnknownTopicOrPartition, 0));
    assert_eq!(code(&mut world, false), (ErrorCode::None, 3));
}

#[test]
fn what_cannot_be_read_or_is_not_served_ends_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    for (frame, what) in [
        (&[][..], "nothing"),
        (&[0, 3], "half a header"),
        (&[0, 99, 0, 0, 0, 0, 0, 5, 0xff, 0xff], "an unknown API"),
        (&[0, 3, 0, 99, 0, 0, 0, 5, 0xff, 0xff, 0], "an unknown version"),
        (&[0, 62, 0, 4, 0, 0, 0, 5, 0xff, 0xff, 0], "an API of the controller's listener"),
        (&[0, 3, 0, 0, 0, 0, 0, 5, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0, 1], "an array of 2^31 elements"),
    ] {
        assert!(matches!(world.send_frame(frame), Came::Close(_)), "{what}");
    }
    // The one API that answers an unknown version: in version 0, with error 35.
    let bytes = reply(world.send_frame(&[0, 18, 0, 99, 0, 0, 0, 5, 0xff, 0xff, 0]));
    assert_eq!(bytes[4..10], [0, 0, 0, 5, 0, 35]);
}

#[test]
fn a_broker_that_is_silent_is_fenced_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "broker.session.timeout.ms=9000");
    let is_fenced = |world: &World| world.node.image().cluster.brokers.values().next().unwrap().fenced;
    // Its own timers stand still as long as nobody ticks; then everything is due at once.
    world.now.instant = world.now.instant + Duration::from_secs(60);
    world.node.tick(world.now);
    world.late(Token(0));
    assert_eq!(world.node.measure().quorum.timed_out_heartbeats, 1);
    world.pass(2000);
    world.late(Token(0));
    assert!(!is_fenced(&world));
}

#[test]
fn a_directory_of_another_node_or_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path(), "");
    assert!(matches!(open(folder.path(), "", at(5)), Err(BootError::Directory(_))), "it is locked");
    drop(world);
    assert!(matches!(open(folder.path(), "node.id=2", at(5)), Err(BootError::Foreign { .. })));
}

#[test]
fn a_snapshot_of_the_metadata_stands_in_for_the_log_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = || {
        let names = std::fs::read_dir(folder.path().join("__cluster_metadata-0")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".checkpoint")).count()
    };
    let hour = 3_600_000;
    {
        let mut world = World::new(folder.path(), "");
        for round in 1..=3 {
            assert_eq!(world.create(&format!("topic-{round}"), 1), 0);
            world.node.upkeep(at(1000 + round * (hour + 1)));
        }
        assert_eq!(snapshots(), 3, "the one of the formatting, and the latest two");
        world.node.upkeep(at(1000 + 9 * hour));
        assert_eq!(snapshots(), 3, "nothing is new");
        assert_eq!(world.create("topic-4", 1), 0);
    }
    let world = World::new(folder.path(), "");
    assert_eq!(world.node.image().topics.len(), 4);
}
