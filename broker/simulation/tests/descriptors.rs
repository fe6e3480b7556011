//! A node whose process has too many files open for a while.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::sync::Arc;

use ottla_api::{AllowAll, FixedLoggers, Listener, ListenerRole, NoQuotas, Peer};
use ottla_config::{BrokerConfig, Properties};
use ottla_node::{Handled, Node, Setup, Token, format_if_new};
use ottla_records::{BatchBuilder, BatchOptions};
use ottla_simulation::SimulatedDisk;
use ottla_simulation::disk::SimulatedDescriptor;
use ottla_vocabulary::{Instant, Now, Principal, ProducerEpoch, ProducerId, Sequence, Timestamp};
use ottla_wire::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use ottla_wire::fetch_request::{FetchPartition, FetchTopic};
use ottla_wire::frame::request_frame;
use ottla_wire::produce_request::{PartitionProduceData, TopicProduceData};
use ottla_wire::{
    ApiKey, CreateTopicsRequest, ErrorCode, FetchRequest, Message, ProduceRequest, ProduceResponse, Reader, Records,
    ResponseHeader,
};

const CONFIG: &str = "process.roles=broker,controller\nnode.id=1\nlog.dirs=/data\n\
    listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\ncontroller.listener.names=CONTROLLER\n\
    controller.quorum.bootstrap.servers=127.0.0.1:9093\n";

fn at(millis: u64) -> Now {
    Now { instant: Instant::from_millis(millis), wall: Timestamp(1_700_000_000_000 + millis as i64) }
}

fn open(disk: &SimulatedDisk) -> Node<SimulatedDisk> {
    let config = BrokerConfig::load(&Properties::parse(CONFIG).unwrap()).unwrap().0;
    format_if_new(disk, &config, 7, at(0)).unwrap();
    let (authorizer, quotas, loggers) = (Box::new(AllowAll), Box::new(NoQuotas), Box::new(FixedLoggers));
    Node::open(Setup { files: disk.clone(), config, seed: 8, authorizer, quotas, loggers }, at(0)).unwrap()
}

fn send<'a, M: Message<'a>>(
    node: &Node<SimulatedDisk>,
    now: Now,
    token: u64,
    request: &M,
    version: i16,
) -> Handled<SimulatedDescriptor> {
    let listener = Arc::new(Listener { name: "PLAINTEXT".to_owned(), role: ListenerRole::Broker });
    let peer = Peer { principal: Principal::anonymous(), address: ([127, 0, 0, 1], 40_000).into(), listener };
    let frame = request_frame(request, version, 5, None).unwrap().into_bytes();
    node.handle(now, &peer, Token(token), &frame[4..])
}

/// Sends a request to make a topic that is synced with every record; its answer comes under the token.
fn create(node: &Node<SimulatedDisk>, now: Now, token: u64, name: &str) {
    let config = CreatableTopicConfig { name: "flush.messages".into(), value: Some("1".into()) };
    let topic = CreatableTopic {
        name: name.to_owned().into(),
        num_partitions: 1,
        replication_factor: 1,
        configs: vec![config].into(),
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: 60_000, validate_only: false };
    let handled = send(node, now, token, &request, 7);
    assert!(matches!(handled, Handled::Later), "{name}: {handled:?}");
}

/// Does what the effects ask for; answers who is replied to. A sync that cannot be made is asked for a few times at most.
fn settle(node: &Node<SimulatedDisk>, now: Now) -> Vec<u64> {
    let mut replied = Vec::new();
    for _ in 0..10 {
        let Some(effects) = node.effects() else { return replied };
        replied.extend(effects.replies.iter().map(|(token, _)| token.0));
        if effects.sync_metadata {
            node.sync_metadata(now);
        }
    }
    panic!("the sync is tried without a pause");
}

#[test]
fn a_controller_goes_on_when_there_are_descriptors_again() {
    let disk = SimulatedDisk::new(1);
    let node = open(&disk);
    settle(&node, at(0));
    // Appended while there are descriptors, and to be synced when there are none.
    create(&node, at(100), 1, "flights");
    disk.set_unopenable(Some(""));
    assert_eq!(settle(&node, at(100)), Vec::<u64>::new(), "nobody is told of what is not on disk");
    // What cannot be appended is refused.
    create(&node, at(120), 2, "trains");
    assert_eq!(settle(&node, at(120)), [2]);
    let due = node.next_deadline().unwrap();
    assert!(due <= at(250).instant, "the sync is tried again soon");
    disk.set_unopenable(None);
    node.tick(at(250));
    assert_eq!(settle(&node, at(250)), [1]);
    create(&node, at(300), 3, "trains");
    assert_eq!(settle(&node, at(300)), [3]);
    let image = node.image();
    assert!(image.topics.by_text("flights").is_some() && image.topics.by_text("trains").is_some());
}

#[test]
fn a_batch_that_was_not_synced_is_synced_and_shown_when_it_is_repeated() {
    let disk = SimulatedDisk::new(1);
    let node = open(&disk);
    create(&node, at(0), 1, "flights");
    assert_eq!(settle(&node, at(0)), [1]);
    let topic_id = node.image().topics.by_text("flights").unwrap().id.0;
    let options = BatchOptions {
        producer_id: ProducerId(7),
        producer_epoch: ProducerEpoch(0),
        base_sequence: Sequence(0),
        ..BatchOptions::default()
    };
    let mut builder = BatchBuilder::new(options);
    builder.push(at(0).wall, None, Some(b"a"), &[]);
    let batch = builder.finish().unwrap();
    let produce = || {
        let partition = PartitionProduceData { index: 0, records: Some(Records::Bytes(&batch)) };
        let topic =
            TopicProduceData { topic_id, partition_data: vec![partition].into(), ..TopicProduceData::default() };
        let request = ProduceRequest { acks: -1, topic_data: vec![topic].into(), ..ProduceRequest::default() };
        let Handled::Reply(reply) = send(&node, at(100), 2, &request, 13) else { panic!("a produce is answered") };
        let mut reader = Reader::new(&reply.bytes[4..]);
        ResponseHeader::read_frame(&mut reader, ApiKey::Produce, 13).unwrap();
        let response = ProduceResponse::read(&mut reader, 13).unwrap();
        let partition = response.responses.iter().next().unwrap().partition_responses.iter().next().unwrap();
        ErrorCode::from_code(partition.error_code)
    };
    let partition = FetchPartition { partition_max_bytes: 1000, ..FetchPartition::default() };
    let topic = FetchTopic { topic_id, partitions: vec![partition].into(), ..FetchTopic::default() };
    let fetch = FetchRequest {
        max_wait_ms: 10_000,
        min_bytes: 1,
        max_bytes: 1000,
        session_epoch: -1,
        topics: vec![topic].into(),
        ..FetchRequest::default()
    };
    assert!(matches!(send(&node, at(50), 3, &fetch, 17), Handled::Later));
    // The folder of a new log is synced with its first records.
    disk.set_unopenable(Some("flights-0"));
    assert_eq!(produce(), ErrorCode::KafkaStorageError);
    assert_eq!(produce(), ErrorCode::KafkaStorageError, "it is in the log, and still not on the disk");
    assert_eq!(settle(&node, at(100)), Vec::<u64>::new(), "it is not shown");
    disk.set_unopenable(None);
    assert_eq!(produce(), ErrorCode::None);
    assert_eq!(settle(&node, at(100)), [3], "it is shown to who waited");
    drop(node);
    assert!(open(&disk.after_power_loss(1)).measure().partitions.iter().all(|partition| partition.log_end.0 == 1));
}
