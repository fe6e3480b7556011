//! The administrator's client against a real broker: ours, or with `OTTLA_TEST_AGAINST=apache-kafka` Apache Kafka.

// A test: what goes wrong is a failure.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use ottla_client::{Admin, ClientError, ConfigChange, ConfigSource, NewTopic};
use ottla_test_clients::Broker;
use ottla_wire::ErrorCode;

#[tokio::test]
async fn a_topic_is_made_grown_configured_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(folder.path()).unwrap();
    let bootstrap = ["127.0.0.1:1".to_owned(), broker.bootstrap().to_owned()];
    let mut admin = Admin::connect(&bootstrap, Default::default()).await.unwrap();
    let cluster = admin.cluster().await.unwrap();
    assert_eq!(cluster.brokers.len(), 1);
    assert_eq!(cluster.controller, cluster.brokers[0]);

    let config = BTreeMap::from([("retention.ms".to_owned(), "3600000".to_owned())]);
    let topic = NewTopic { name: "flights".to_owned(), partitions: Some(2), replication_factor: Some(1), config };
    admin.create_topic(&topic).await.unwrap();
    let again = admin.create_topic(&topic).await.unwrap_err();
    assert!(matches!(again, ClientError::Refused { code: ErrorCode::TopicAlreadyExists, .. }), "{again}");
    assert!(!again.is_retriable());

    let found = admin.topic("flights").await.unwrap().unwrap();
    assert_eq!((found.partitions.len(), found.is_internal, found.id.0.is_zero()), (2, false, false));
    admin.create_partitions("flights", 5).await.unwrap();
    let fewer = admin.create_partitions("flights", 3).await.unwrap_err();
    assert!(matches!(fewer, ClientError::Refused { code: ErrorCode::InvalidPartitions, .. }), "{fewer}");

    let changes = BTreeMap::from([
        ("retention.ms".to_owned(), ConfigChange::Delete),
        ("max.message.bytes".to_owned(), ConfigChange::Set("2000000".to_owned())),
    ]);
    admin.alter_topic_config("flights", &changes).await.unwrap();
    let config = admin.topic_config("flights").await.unwrap();
    let own: Vec<_> = config.iter().filter(|(_, entry)| entry.source == ConfigSource::Topic).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(config["max.message.bytes"].value.as_deref(), Some("2000000"));
    assert_eq!(config["retention.ms"].value.as_deref(), Some("604800000"));
    let wrong = BTreeMap::from([("retention.ms".to_owned(), ConfigChange::Set("soon".to_owned()))]);
    let refused = admin.alter_topic_config("flights", &wrong).await.unwrap_err();
    assert!(matches!(refused, ClientError::Refused { code: ErrorCode::InvalidConfig, .. }), "{refused}");

    let names: Vec<_> =
        admin.topics().await.unwrap().into_iter().map(|topic| (topic.name, topic.partitions.len())).collect();
    assert_eq!(names, [("flights".to_owned(), 5)]);
    admin.delete_topic("flights").await.unwrap();
    assert_eq!(admin.topic("flights").await.unwrap(), None);
    let gone = admin.delete_topic("flights").await.unwrap_err();
    assert!(matches!(gone, ClientError::Refused { code: ErrorCode::UnknownTopicOrPartition, .. }), "{gone}");
}

#[tokio::test]
async fn nobody_at_any_address_is_told_with_the_last_one() {
    let error = Admin::connect(&["127.0.0.1:1".to_owned()], Default::default()).await.unwrap_err();
    assert!(error.is_retriable());
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
}
