//! What becomes of single requests.

use std::sync::Arc;

use ottla_api::{Listener, ListenerRole};
use ottla_node::{BootError, Close, Handled, Stage, Token};
use ottla_records::{BatchBuilder, BatchOptions};
use ottla_vocabulary::{Duration, ProducerEpoch, ProducerId, Sequence};
use ottla_wire::create_topics_request::CreatableTopic;
use ottla_wire::fetch_request::{FetchPartition, FetchTopic};
use ottla_wire::frame::request_frame;
use ottla_wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ottla_wire::produce_request::{PartitionProduceData, TopicProduceData};
use ottla_wire::{
    BrokerHeartbeatRequest, CreateTopicsRequest, CreateTopicsResponse, ErrorCode, FetchRequest, FetchResponse,
    FindCoordinatorRequest, FindCoordinatorResponse, InitProducerIdRequest, InitProducerIdResponse, ListOffsetsRequest,
    ListOffsetsResponse, MetadataRequest, MetadataResponse, ProduceRequest, ProduceResponse, Records,
};

use crate::world::{Came, World, at, batch, later, open, read, reply, values};

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
fn a_fetch_that_waits_is_told_at_once_that_its_partition_is_led_here_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    world.create("flights", 1);
    let token = later(&world.fetch("flights", 0, (0, -1), 10_000));
    let epoch = world.node.image().cluster.brokers.values().next().unwrap().epoch;
    let fence = BrokerHeartbeatRequest { broker_id: 1, broker_epoch: epoch.0, want_fence: true, ..Default::default() };
    let listener = Listener { name: "CONTROLLER".to_owned(), role: ListenerRole::Controller };
    world.peer.listener = Arc::new(listener);
    assert!(matches!(world.send(&fence, 1), Came::Later(_)));
    let answer = world.late(token).expect("the partition has no leader");
    assert_eq!(values(&answer), Err(ErrorCode::NotLeaderOrFollower));
}

#[test]
fn a_fetch_that_is_answered_while_it_begins_to_wait_leaves_nothing_behind() {
    const PARTITIONS: i32 = 300;
    const ROUNDS: u32 = 400;
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    world.create("flights", PARTITIONS);
    let topic_id = world.topic_id("flights");
    let produce = {
        let batch = batch(&["a"], None);
        let partition = PartitionProduceData { index: 0, records: Some(Records::Bytes(&batch)) };
        let topic =
            TopicProduceData { topic_id, partition_data: vec![partition].into(), ..TopicProduceData::default() };
        let request =
            ProduceRequest { acks: 1, timeout_ms: 1000, topic_data: vec![topic].into(), ..ProduceRequest::default() };
        request_frame(&request, 13, 5, None).unwrap().into_bytes()
    };
    let fetch = |offset: u32| {
        let partitions = (0..PARTITIONS).map(|partition| FetchPartition {
            partition,
            fetch_offset: if partition == 0 { i64::from(offset) } else { 0 },
            partition_max_bytes: 1 << 20,
            ..FetchPartition::default()
        });
        let topic = FetchTopic { topic_id, partitions: partitions.collect(), ..FetchTopic::default() };
        let request = FetchRequest {
            max_wait_ms: 1000,
            min_bytes: 1,
            max_bytes: 1 << 20,
            session_epoch: -1,
            topics: vec![topic].into(),
            ..FetchRequest::default()
        };
        request_frame(&request, 17, 5, None).unwrap().into_bytes()
    };
    let (node, peer, now) = (&world.node, &world.peer, world.now);
    let start = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                start.wait();
                // At another point of the other's request each time.
                (0..round * 200).for_each(|_| std::hint::spin_loop());
                let handled = node.handle(now, peer, Token(1 << 40), &produce[4..]);
                assert!(matches!(handled, Handled::Reply(_)));
            }
        });
        for round in 0..ROUNDS {
            let frame = fetch(round);
            start.wait();
            node.handle(now, peer, Token(u64::from(round)), &frame[4..]);
        }
    });
    assert_eq!(world.node.measure().waiting_fetches, 0, "each was answered");
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
fn who_wants_a_transaction_is_told_at_once_that_there_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    for version in 1..=6 {
        // Java's producer ends by the one and shows the text, librdkafka by the other.
        let ending =
            if 4 <= version { ErrorCode::InvalidRequest } else { ErrorCode::TransactionalIdAuthorizationFailed };
        let mut request = FindCoordinatorRequest { key_type: 1, ..Default::default() };
        if 4 <= version {
            request.coordinator_keys = vec!["transfers".into()].into();
        } else {
            request.key = "transfers".into();
        }
        let bytes = reply(world.send(&request, version));
        let answer = read::<FindCoordinatorResponse<'_>>(&bytes, version);
        let (code, text) = match answer.coordinators.iter().next() {
            Some(found) => (found.error_code, found.error_message),
            None => (answer.error_code, answer.error_message),
        };
        assert_eq!(ErrorCode::from_code(code), ending, "version {version}");
        assert!(text.unwrap().contains("does not serve transactions"), "version {version}");
    }
    world.late(Token(0));
    let image = world.node.image();
    assert!(image.topics.by_text("__transaction_state").is_none(), "no topic is made for what is not served");
    let request = InitProducerIdRequest {
        transactional_id: Some("transfers".into()),
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    let bytes = reply(world.send(&request, 5));
    let code = read::<InitProducerIdResponse>(&bytes, 5).error_code;
    assert_eq!(ErrorCode::from_code(code), ErrorCode::TransactionalIdAuthorizationFailed);
}

#[test]
fn a_batch_of_a_transaction_is_refused_and_holds_no_reader_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    world.create("flights", 2);
    let topic_id = world.topic_id("flights");
    let options = BatchOptions {
        producer_id: ProducerId(7),
        producer_epoch: ProducerEpoch(0),
        base_sequence: Sequence(0),
        is_transactional: true,
        ..BatchOptions::default()
    };
    let mut builder = BatchBuilder::new(options);
    builder.push(world.now.wall, None, Some(b"a"), &[]);
    let (transactional, plain) = (builder.finish().unwrap(), batch(&["b"], None));
    let mut produce = |transactional_id: Option<&str>| {
        let partition = |index, batch| PartitionProduceData { index, records: Some(Records::Bytes(batch)) };
        let partition_data = vec![partition(0, transactional.as_slice()), partition(1, plain.as_slice())].into();
        let topic = TopicProduceData { topic_id, partition_data, ..TopicProduceData::default() };
        let transactional_id = transactional_id.map(|id| id.to_owned().into());
        let request =
            ProduceRequest { transactional_id, acks: -1, topic_data: vec![topic].into(), ..Default::default() };
        let bytes = world.ask(&request, 13);
        let topic = read::<ProduceResponse<'_>>(&bytes, 13).responses.iter().next().unwrap().clone();
        topic.partition_responses.iter().map(|partition| ErrorCode::from_code(partition.error_code)).collect::<Vec<_>>()
    };
    assert_eq!(produce(None), [ErrorCode::TransactionalIdAuthorizationFailed; 2], "all of the request, as in Kafka");
    assert_eq!(produce(Some("payments")), [ErrorCode::InvalidProducerIdMapping, ErrorCode::None]);
    world.produce("flights", &plain, -1);
    let bytes = reply(world.fetch("flights", 0, (0, -1), 0));
    let response = read::<FetchResponse<'_>>(&bytes, 17);
    let partition = response.responses.iter().next().unwrap().partitions.iter().next().unwrap();
    assert_eq!((partition.high_watermark, partition.last_stable_offset), (1, 1));
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
fn a_node_does_not_take_its_own_broker_for_silent() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "broker.session.timeout.ms=9000\nbroker.heartbeat.interval.ms=2000");
    let fenced = |world: &World| world.node.measure().quorum.timed_out_heartbeats;
    // The process stood still; afterwards everything is due at once.
    world.now.instant = world.now.instant + Duration::from_secs(60);
    world.node.tick(world.now);
    world.late(Token(0));
    assert_eq!(fenced(&world), 0);
    // The disk stands still: answers to heartbeats wait for the topic before them.
    let topic =
        CreatableTopic { name: "flights".into(), num_partitions: 1, replication_factor: 1, ..Default::default() };
    let request =
        CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: 60_000, ..CreateTopicsRequest::default() };
    let token = later(&world.send(&request, 7));
    for _ in 0..10 {
        world.pass(2000);
    }
    assert!(world.late(token).is_some());
    assert_eq!(fenced(&world), 0);
    assert!(!world.node.image().cluster.brokers.values().next().unwrap().fenced);
}

#[test]
fn a_node_that_is_closed_opens_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    world.create("flights", 1);
    drop(world);
    let segment = folder.path().join("flights-0/00000000000000000000.log");
    let segment = std::fs::OpenOptions::new().write(true).open(segment).unwrap();
    // No segment can be as long, so its log is not opened, and could be later.
    segment.set_len(3 << 30).unwrap();
    let mut world = World::new(folder.path(), "");
    segment.set_len(0).unwrap();
    world.node.close(world.now).unwrap();
    world.pass(60_000);
    world.node.upkeep(world.now);
    assert!(world.node.measure().partitions.is_empty());
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
