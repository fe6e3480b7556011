//! Honest requests that name very many things are answered: what reading them may take is twice their frame and a
//! mebibyte, and that is enough.

use ottla_wire::alter_configs_request as alter;
use ottla_wire::create_partitions_request::CreatePartitionsTopic;
use ottla_wire::create_topics_request::CreatableTopic;
use ottla_wire::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use ottla_wire::delete_topics_request::DeleteTopicState;
use ottla_wire::describe_configs_request::DescribeConfigsResource;
use ottla_wire::describe_log_dirs_request::DescribableLogDirTopic;
use ottla_wire::describe_producers_request::TopicRequest as ProducersTopic;
use ottla_wire::describe_topic_partitions_request::TopicRequest as PartitionsTopic;
use ottla_wire::fetch_request::{FetchPartition, FetchTopic};
use ottla_wire::incremental_alter_configs_request as incremental;
use ottla_wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ottla_wire::metadata_request::MetadataRequestTopic;
use ottla_wire::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use ottla_wire::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use ottla_wire::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use ottla_wire::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use ottla_wire::produce_request::{PartitionProduceData, TopicProduceData};
use ottla_wire::*;

use crate::world::{Came, World, batch, read, reply};

const MANY: usize = 10_000;

fn names() -> impl Iterator<Item = std::borrow::Cow<'static, str>> {
    (0..MANY).map(|place| format!("topic-{place}").into())
}

/// Sends one request in the version that spends the fewest bytes for a name, the newest with names.
fn answered<'q, M: Message<'q>>(world: &mut World, request: &M, version: i16) {
    let came = world.send(request, version);
    let is_answered = match came {
        Came::Reply(_) => true,
        Came::Later(token) => {
            let at_once = world.late(token).is_some();
            world.pass(60_000);
            at_once || world.late(token).is_some()
        }
        Came::Silent => false,
        Came::Close(close) => panic!("{} version {version}: {close}", M::NAME),
    };
    assert!(is_answered, "{} version {version}", M::NAME);
}

#[test]
fn ten_thousand_topics_are_read_by_every_api() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "auto.create.topics.enable=false");
    let world = &mut world;
    assert_eq!(world.create("flights", 1), 0);

    let topic = |name| MetadataRequestTopic { name: Some(name), ..Default::default() };
    let topics = names().map(topic).collect::<Vec<_>>();
    answered(world, &MetadataRequest { topics: Some(topics.into()), ..Default::default() }, 13);

    let one = batch(&["a"], None);
    let partition = PartitionProduceData { index: 0, records: Some(Records::Bytes(&one)) };
    let topic = |name| TopicProduceData { name, partition_data: vec![partition.clone()].into(), ..Default::default() };
    let topic_data = names().map(topic).collect();
    answered(world, &ProduceRequest { acks: 1, timeout_ms: 1, topic_data, ..Default::default() }, 12);

    let topic =
        |name| FetchTopic { topic: name, partitions: vec![FetchPartition::default()].into(), ..Default::default() };
    let topics: Array<'_, FetchTopic<'_>> = names().map(topic).collect();
    for (session_epoch, version) in [(-1, 12), (0, 12), (-1, 4)] {
        let session_epoch = if version < 7 { -1 } else { session_epoch };
        answered(world, &FetchRequest { topics: topics.clone(), session_epoch, ..Default::default() }, version);
    }

    let topic = |name| ListOffsetsTopic { name, partitions: vec![ListOffsetsPartition::default()].into() };
    answered(world, &ListOffsetsRequest { topics: names().map(topic).collect(), ..Default::default() }, 10);

    let topic = |topic| OffsetForLeaderTopic { topic, partitions: vec![OffsetForLeaderPartition::default()].into() };
    let request = OffsetForLeaderEpochRequest { replica_id: -1, topics: names().map(topic).collect() };
    answered(world, &request, 4);

    let topic = |name| DeleteRecordsTopic { name, partitions: vec![DeleteRecordsPartition::default()].into() };
    answered(world, &DeleteRecordsRequest { topics: names().map(topic).collect(), timeout_ms: 1 }, 2);

    let topic = |name| ProducersTopic { name, partition_indexes: vec![0].into() };
    answered(world, &DescribeProducersRequest { topics: names().map(topic).collect() }, 0);

    let topic = |name| PartitionsTopic { name };
    let request = DescribeTopicPartitionsRequest { topics: names().map(topic).collect(), ..Default::default() };
    answered(world, &request, 0);

    let topic = |topic| DescribableLogDirTopic { topic, partitions: vec![0].into() };
    answered(world, &DescribeLogDirsRequest { topics: Some(names().map(topic).collect()) }, 4);

    let topic = |name| CreatableTopic { name, num_partitions: 1, replication_factor: 1, ..Default::default() };
    let topics = names().map(topic).collect();
    answered(world, &CreateTopicsRequest { topics, timeout_ms: 1000, validate_only: true }, 7);

    let topic = |name| CreatePartitionsTopic { name, count: 2, assignments: None };
    let topics = names().map(topic).collect();
    answered(world, &CreatePartitionsRequest { topics, timeout_ms: 1000, validate_only: true }, 3);

    let topic = |name| DeleteTopicState { name: Some(name), ..Default::default() };
    let topics = names().map(topic).collect();
    answered(world, &DeleteTopicsRequest { topics, timeout_ms: 1000, ..Default::default() }, 6);
    let request = DeleteTopicsRequest { topic_names: names().collect(), timeout_ms: 1000, ..Default::default() };
    answered(world, &request, 5);
}

#[test]
fn ten_thousand_topics_and_groups_are_read_by_the_coordinators() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "auto.create.topics.enable=false\noffsets.topic.num.partitions=1");
    let world = &mut world;
    let coordinator_keys = || vec!["readers".into()].into();
    answered(world, &FindCoordinatorRequest { coordinator_keys: coordinator_keys(), ..Default::default() }, 6);
    world.late(ottla_node::Token(0));
    answered(world, &FindCoordinatorRequest { coordinator_keys: names().collect(), ..Default::default() }, 6);

    let partition = OffsetCommitRequestPartition { committed_metadata: None, ..Default::default() };
    let topic =
        |name| OffsetCommitRequestTopic { name, partitions: vec![partition.clone()].into(), ..Default::default() };
    let topics = names().map(topic).collect();
    answered(world, &OffsetCommitRequest { group_id: "readers".into(), topics, ..Default::default() }, 9);

    let topic = |name| OffsetFetchRequestTopics { name, partition_indexes: vec![0].into(), ..Default::default() };
    let topics = Some(names().map(topic).collect());
    let group = OffsetFetchRequestGroup { group_id: "readers".into(), topics, ..Default::default() };
    let groups = vec![group].into();
    answered(world, &OffsetFetchRequest { groups, topics: Some(Array::default()), ..Default::default() }, 9);
    let group = |group_id| OffsetFetchRequestGroup { group_id, topics: None, ..Default::default() };
    let groups = names().map(group).collect();
    answered(world, &OffsetFetchRequest { groups, topics: Some(Array::default()), ..Default::default() }, 9);

    let partitions = || vec![OffsetDeleteRequestPartition::default()].into();
    let topics = names().map(|name| OffsetDeleteRequestTopic { name, partitions: partitions() }).collect();
    answered(world, &OffsetDeleteRequest { group_id: "readers".into(), topics }, 0);
    answered(world, &DescribeGroupsRequest { groups: names().collect(), ..Default::default() }, 6);
    answered(world, &DeleteGroupsRequest { groups_names: names().collect() }, 2);
}

#[test]
fn ten_thousand_configurations_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    let world = &mut world;
    let resource =
        |resource_name| DescribeConfigsResource { resource_type: 2, resource_name, configuration_keys: None };
    answered(world, &DescribeConfigsRequest { resources: names().map(resource).collect(), ..Default::default() }, 4);
    let config = || alter::AlterableConfig { name: "retention.ms".into(), value: Some("1".into()) };
    let resource =
        |resource_name| alter::AlterConfigsResource { resource_type: 2, resource_name, configs: vec![config()].into() };
    answered(world, &AlterConfigsRequest { resources: names().map(resource).collect(), validate_only: true }, 2);
    let config =
        || incremental::AlterableConfig { name: "retention.ms".into(), config_operation: 0, value: Some("1".into()) };
    let resource = |resource_name| incremental::AlterConfigsResource {
        resource_type: 2,
        resource_name,
        configs: vec![config()].into(),
    };
    let resources = names().map(resource).collect();
    answered(world, &IncrementalAlterConfigsRequest { resources, validate_only: true }, 1);
}

#[test]
fn an_answer_keeps_a_bounded_number_of_files_open_and_the_next_ones_bring_the_others() {
    const PARTITIONS: i32 = 600;
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    assert_eq!(world.create("flights", PARTITIONS), 0);
    let topic_id = world.topic_id("flights");
    let one = batch(&["a"], None);
    let partition = |index| PartitionProduceData { index, records: Some(Records::Bytes(&one)) };
    let data =
        TopicProduceData { topic_id, partition_data: (0..PARTITIONS).map(partition).collect(), ..Default::default() };
    answered(
        &mut world,
        &ProduceRequest { acks: 1, timeout_ms: 1, topic_data: vec![data].into(), ..Default::default() },
        13,
    );

    let mut asked: Vec<(i32, i64)> = (0..PARTITIONS).map(|partition| (partition, 0)).collect();
    let (mut session_id, mut brought) = (0, Vec::new());
    for session_epoch in 0..3 {
        let wish = |(partition, fetch_offset)| FetchPartition {
            partition,
            fetch_offset,
            partition_max_bytes: 1 << 20,
            ..Default::default()
        };
        let topic = FetchTopic { topic_id, partitions: asked.drain(..).map(wish).collect(), ..Default::default() };
        // However many bytes it waits for: an answer that may bring no more is not held back.
        let request = FetchRequest {
            max_wait_ms: if session_epoch < 2 { 10_000 } else { 0 },
            min_bytes: 1 << 20,
            max_bytes: 1 << 20,
            session_id,
            session_epoch,
            topics: vec![topic].into(),
            ..Default::default()
        };
        let bytes = reply(world.send(&request, 17));
        let response = read::<FetchResponse<'_>>(&bytes, 17);
        session_id = response.session_id;
        let partitions = response.responses.iter().flat_map(|topic| topic.partitions.iter().collect::<Vec<_>>());
        let with_records =
            partitions.filter(|partition| partition.records.as_ref().is_some_and(|records| !records.is_empty()));
        asked = with_records.map(|partition| (partition.partition_index, 1)).collect();
        assert!(asked.len() <= 256, "{} spans", asked.len());
        brought.extend(asked.iter().map(|(partition, _)| *partition));
    }
    brought.sort_unstable();
    assert!(brought.into_iter().eq(0..PARTITIONS), "each partition once");
}
