//! An answer grows with what there is to tell, not with how often a request names it: a name is a few bytes, what is told
//! of it may be thousands. What is named twice is told once, and where names need not exist an answer has an end.

use ottla_records::{BatchBuilder, BatchOptions, Codec, Compression};
use ottla_vocabulary::Timestamp;
use ottla_wire::create_topics_request::CreatableTopic;
use ottla_wire::delete_groups_response::DeletableGroupResult;
use ottla_wire::describe_configs_request::DescribeConfigsResource;
use ottla_wire::describe_producers_request::TopicRequest;
use ottla_wire::describe_quorum_request as quorum;
use ottla_wire::fetch_request::{FetchPartition, FetchTopic};
use ottla_wire::metadata_request::MetadataRequestTopic;
use ottla_wire::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use ottla_wire::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use ottla_wire::produce_request::{PartitionProduceData, TopicProduceData};
use ottla_wire::*;

use crate::world::{Came, World, batch, read};

/// The reply to a request that coordinators may answer later.
fn told<'q, M: Message<'q>>(world: &mut World, request: &M, version: i16) -> Vec<u8> {
    match world.send(request, version) {
        Came::Reply(bytes) => bytes,
        Came::Later(token) => world.late(token).unwrap(),
        Came::Silent => panic!("no reply"),
        Came::Close(close) => panic!("{close}"),
    }
}

#[test]
fn metadata_of_a_topic_that_is_named_again_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    assert_eq!((world.create("flights", 50), world.create("ports", 1)), (0, 0));
    let named = |name: &'static str| MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
    let mut topics = vec![named("ports"); 3000];
    topics.extend(vec![named("flights"); 3000]);
    topics.extend(vec![named("nowhere"); 500]);
    let request =
        MetadataRequest { topics: Some(topics.into()), allow_auto_topic_creation: false, ..Default::default() };
    for version in [1, 4, 12, 13] {
        let request = MetadataRequest { allow_auto_topic_creation: version < 4, ..request.clone() };
        let bytes = told(&mut world, &request, version);
        let answer = read::<MetadataResponse<'_>>(&bytes, version);
        let found: Vec<_> = answer.topics.iter().map(|topic| (topic.name.unwrap(), topic.partitions.len())).collect();
        assert_eq!(found[..2], [("ports".into(), 1), ("flights".into(), 50)], "version {version}");
        assert_eq!(found[2].0, "nowhere");
        assert_eq!(found.len(), 3);
    }
    let of_id = MetadataRequestTopic { topic_id: world.topic_id("flights"), name: None };
    let request = MetadataRequest { topics: Some(vec![of_id; 3000].into()), ..Default::default() };
    let bytes = told(&mut world, &request, 13);
    assert_eq!(read::<MetadataResponse<'_>>(&bytes, 13).topics.len(), 1);
}

#[test]
fn configurations_are_told_until_their_texts_are_too_many() {
    const TOPICS: usize = 1000;
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    let names = || (0..TOPICS).map(|place| std::borrow::Cow::from(format!("topic-{place}")));
    let topic = |name| CreatableTopic { name, num_partitions: 1, replication_factor: 1, ..Default::default() };
    let request =
        CreateTopicsRequest { topics: names().map(topic).collect(), timeout_ms: 60_000, ..Default::default() };
    told(&mut world, &request, 7);
    let resource = |resource_type: i8, resource_name| DescribeConfigsResource {
        resource_type,
        resource_name,
        configuration_keys: None,
    };
    let everything = |resources: Vec<DescribeConfigsResource<'static>>| DescribeConfigsRequest {
        resources: resources.into(),
        include_synonyms: true,
        include_documentation: true,
    };
    let honest = everything(names().map(|name| resource(2, name)).collect());
    let bytes = told(&mut world, &honest, 4);
    let answer = read::<DescribeConfigsResponse<'_>>(&bytes, 4);
    assert_eq!(answer.results.iter().filter(|result| 30 < result.configs.len()).count(), TOPICS);
    let twice = everything(vec![resource(4, "1".into()), resource(4, "1".into())]);
    let bytes = told(&mut world, &twice, 4);
    assert_eq!(read::<DescribeConfigsResponse<'_>>(&bytes, 4).results.len(), 2, "as in Kafka");

    let groups = |count: usize| (0..count).map(|place| resource(32, format!("group-{place}").into())).collect();
    told(&mut world, &everything(groups(1000)), 4);

    let again = vec![resource(4, "1".into()); 10_000];
    let topic_again = vec![resource(2, "topic-0".into()); 10_000];
    for resources in [again, topic_again, groups(10_000)] {
        match world.send(&everything(resources), 4) {
            Came::Close(close) => assert!(close.to_string().contains("DescribeConfigs"), "{close}"),
            _ => panic!("an answer without an end"),
        }
    }
}

#[test]
fn so_many_topics_are_made_in_one_request_and_not_all_of_their_configurations_told() {
    const TOPICS: usize = 1200;
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    let topic = |place| CreatableTopic {
        name: format!("topic-{place}").into(),
        num_partitions: 1,
        replication_factor: 1,
        ..Default::default()
    };
    let topics = (0..TOPICS).map(topic).collect();
    let bytes = told(&mut world, &CreateTopicsRequest { topics, timeout_ms: 60_000, validate_only: false }, 7);
    let answer = read::<CreateTopicsResponse<'_>>(&bytes, 7);
    assert!(answer.topics.iter().all(|topic| topic.error_code == 0));
    assert_eq!(world.node.image().topics.len(), TOPICS);
    let (described, others): (Vec<_>, Vec<_>) =
        answer.topics.iter().partition(|topic| topic.topic_config_error_code == 0);
    assert!(described.iter().all(|topic| topic.configs.as_ref().is_some_and(|configs| 30 < configs.len())));
    assert_eq!((described.len(), others.len()), (1000, 200));
    let policy = ErrorCode::PolicyViolation.code();
    assert!(
        others
            .iter()
            .all(|topic| topic.configs.as_ref().unwrap().is_empty() && topic.topic_config_error_code == policy)
    );
}

#[test]
fn what_is_wrong_with_each_record_is_told_of_a_thousand() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    assert_eq!(world.create_with("latest", 3, &[("cleanup.policy", "compact")]), 0);
    let compression = Compression::new(Codec::Zstd);
    let mut builder = BatchBuilder::new(BatchOptions { compression, ..BatchOptions::default() });
    for _ in 0..600 {
        builder.push(Timestamp(1_700_000_000_000), None, Some(b"a"), &[]);
    }
    let keyless = builder.finish().unwrap();
    assert!(keyless.len() < 1000, "600 records in {} bytes", keyless.len());
    let partition = |index| PartitionProduceData { index, records: Some(Records::Bytes(&keyless)) };
    let topic_id = world.topic_id("latest");
    let topic = TopicProduceData { topic_id, partition_data: (0..3).map(partition).collect(), ..Default::default() };
    let request = ProduceRequest { acks: -1, timeout_ms: 1000, topic_data: vec![topic].into(), ..Default::default() };
    let bytes = told(&mut world, &request, 13);
    let answer = read::<ProduceResponse<'_>>(&bytes, 13);
    let partitions = answer.responses.iter().next().unwrap().partition_responses;
    let found: Vec<_> = partitions.iter().map(|one| (one.error_code, one.record_errors.len())).collect();
    let code = ErrorCode::InvalidRecord.code();
    assert_eq!(found, [(code, 600), (code, 400), (code, 0)]);
    assert!(partitions.iter().all(|one| one.error_message.unwrap().contains("600 record errors")));
}

#[test]
fn producers_of_a_partition_that_is_named_again_are_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    assert_eq!(world.create("flights", 2), 0);
    assert_eq!(world.produce("flights", &batch(&["a"], Some((7, 0))), -1), Some((ErrorCode::None, 0)));
    let topic =
        |partitions: &[i32]| TopicRequest { name: "flights".into(), partition_indexes: partitions.to_vec().into() };
    let request = DescribeProducersRequest { topics: vec![topic(&[0, 0, 1, 0]), topic(&[1, 0, 2])].into() };
    let bytes = told(&mut world, &request, 0);
    let answer = read::<DescribeProducersResponse<'_>>(&bytes, 0);
    let found: Vec<Vec<_>> = answer
        .topics
        .iter()
        .map(|topic| topic.partitions.iter().map(|one| (one.partition_index, one.active_producers.len())).collect())
        .collect();
    assert_eq!(found, [vec![(0, 1), (1, 0)], vec![(2, 0)]]);
}

#[test]
fn a_partition_that_is_named_again_is_fetched_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    assert_eq!(world.create("flights", 1), 0);
    world.produce("flights", &batch(&["a"], None), -1).unwrap();
    let partition = FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() };
    let topic_id = world.topic_id("flights");
    let topic = FetchTopic { topic_id, partitions: vec![partition; 5].into(), ..Default::default() };
    let request = FetchRequest {
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![topic.clone(), topic].into(),
        ..Default::default()
    };
    let bytes = told(&mut world, &request, 17);
    let answer = read::<FetchResponse<'_>>(&bytes, 17);
    assert_eq!(answer.responses.iter().map(|topic| topic.partitions.len()).sum::<usize>(), 1);
}

#[test]
fn only_who_asks_for_just_the_metadata_log_is_told_of_the_quorum() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    let mut codes = |partitions: usize| -> Vec<i16> {
        let topic = quorum::TopicData {
            topic_name: "__cluster_metadata".into(),
            partitions: vec![quorum::PartitionData::default(); partitions].into(),
        };
        let bytes = told(&mut world, &DescribeQuorumRequest { topics: vec![topic].into() }, 2);
        let answer = read::<DescribeQuorumResponse<'_>>(&bytes, 2);
        answer.topics.iter().next().unwrap().partitions.iter().map(|partition| partition.error_code).collect()
    };
    assert_eq!(codes(1), [0]);
    assert_eq!(codes(3), [ErrorCode::UnknownTopicOrPartition.code(); 3]);
}

#[test]
fn a_group_that_is_named_again_is_told_of_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "offsets.topic.num.partitions=1");
    assert_eq!(world.create("flights", 2), 0);
    let find = FindCoordinatorRequest { coordinator_keys: vec!["readers".into()].into(), ..Default::default() };
    told(&mut world, &find, 6);
    world.late(ottla_node::Token(0));

    let partition = OffsetCommitRequestPartition { committed_offset: 5, ..Default::default() };
    let topic = OffsetCommitRequestTopic {
        name: "flights".into(),
        partitions: vec![OffsetCommitRequestPartition { committed_metadata: Some("text".into()), ..partition }].into(),
        ..Default::default()
    };
    let commit = OffsetCommitRequest {
        group_id: "readers".into(),
        generation_id_or_member_epoch: -1,
        topics: vec![topic].into(),
        ..Default::default()
    };
    let bytes = told(&mut world, &commit, 9);
    let codes = read::<OffsetCommitResponse<'_>>(&bytes, 9);
    assert_eq!(codes.topics.iter().next().unwrap().partitions.iter().next().unwrap().error_code, 0);

    let topic = |partitions: &[i32]| OffsetFetchRequestTopics {
        name: "flights".into(),
        partition_indexes: partitions.to_vec().into(),
        ..Default::default()
    };
    let group = OffsetFetchRequestGroup {
        group_id: "readers".into(),
        topics: Some(vec![topic(&[0, 0, 1]), topic(&[0, 2])].into()),
        ..Default::default()
    };
    let request = OffsetFetchRequest { groups: vec![group; 3].into(), ..Default::default() };
    let bytes = told(&mut world, &request, 9);
    let answer = read::<OffsetFetchResponse<'_>>(&bytes, 9);
    assert_eq!(answer.groups.len(), 1);
    let topics = answer.groups.iter().next().unwrap().topics;
    let offsets = |topic: offset_fetch_response::OffsetFetchResponseTopics<'_>| {
        topic.partitions.iter().map(|one| (one.partition_index, one.committed_offset)).collect::<Vec<_>>()
    };
    assert_eq!(topics.iter().map(offsets).collect::<Vec<_>>(), [vec![(0, 5), (1, -1)], vec![(2, -1)]]);

    let groups = || vec!["readers".into(); 4].into();
    let bytes = told(&mut world, &DescribeGroupsRequest { groups: groups(), ..Default::default() }, 5);
    assert_eq!(read::<DescribeGroupsResponse<'_>>(&bytes, 5).groups.len(), 1);
    let bytes = told(&mut world, &DeleteGroupsRequest { groups_names: groups() }, 2);
    let results: Vec<DeletableGroupResult<'_>> = read::<DeleteGroupsResponse<'_>>(&bytes, 2).results.iter().collect();
    assert_eq!(results.iter().map(|one| one.error_code).collect::<Vec<_>>(), [0], "deleted, and not missed afterwards");
}
