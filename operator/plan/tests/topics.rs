//! KafkaTopics against topics in memory: what the brokers are asked, and what the status says in the end.

mod support;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff;
use ottla_crds::KafkaTopic;
use ottla_plan::topics::{
    FinalizerChange, ObservedTopic, TopicCommand, TopicPlan, plan_topic, topic_failed, topic_name,
};
use ottla_vocabulary::Uuid;
use serde_json::{Value, json};
use support::{NOW, messages};

const FINALIZER: &str = "strimzi.io/topic-operator";

/// Topics as brokers keep them: commands change them as brokers would.
#[derive(Clone, Default)]
struct Brokers(BTreeMap<String, ObservedTopic>);

impl Brokers {
    fn with(name: &str, partitions: i32, copies: i32, config: &[(&str, &str)]) -> Brokers {
        let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let topic = ObservedTopic { id: Uuid::ONE, partitions, replication_factor: copies, config };
        Brokers(BTreeMap::from([(name.to_owned(), topic)]))
    }

    fn obey(&mut self, name: &str, command: &TopicCommand) {
        match command {
            TopicCommand::Create { partitions, replication_factor, config } => {
                let topic = ObservedTopic {
                    id: Uuid([7; 16]),
                    partitions: partitions.unwrap_or(1),
                    replication_factor: i32::from(replication_factor.unwrap_or(1)),
                    config: config.clone(),
                };
                assert!(self.0.insert(name.to_owned(), topic).is_none(), "{name} is created twice");
            }
            TopicCommand::Grow { partitions } => {
                let topic = self.0.get_mut(name).expect("it is there");
                assert!(topic.partitions < *partitions, "brokers refuse to take partitions away");
                topic.partitions = *partitions;
            }
            TopicCommand::Configure { set, remove } => {
                let topic = self.0.get_mut(name).expect("it is there");
                topic.config.retain(|key, _| !remove.contains(key));
                topic.config.extend(set.clone());
            }
            TopicCommand::Delete => drop(self.0.remove(name).expect("it is there")),
        }
    }
}

fn resource(name: &str, spec: Value) -> KafkaTopic {
    let mut topic = KafkaTopic::new("streams", name, spec);
    topic.metadata.generation = Some(3);
    topic.metadata.creation_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
    topic.metadata.labels = Some([("strimzi.io/cluster".to_owned(), "my-cluster".to_owned())].into());
    topic
}

/// Plans and obeys until nothing is left to do; every command on the way, as text.
fn run(resource: &mut KafkaTopic, siblings: &[KafkaTopic], brokers: &mut Brokers) -> Vec<String> {
    let mut said = Vec::new();
    for _ in 0..10 {
        let name = topic_name(resource).to_owned();
        let plan = plan_topic(resource, siblings, brokers.0.get(&name), NOW);
        let finalizers = resource.metadata.finalizers.get_or_insert_default();
        match plan.finalizer {
            FinalizerChange::Keep => {}
            FinalizerChange::Add => finalizers.push(FINALIZER.to_owned()),
            FinalizerChange::Remove => finalizers.retain(|finalizer| finalizer != FINALIZER),
        }
        if plan.finalizer != FinalizerChange::Keep {
            said.push(format!("finalizer {:?}", plan.finalizer));
        }
        for command in &plan.commands {
            said.push(format!("{command:?}"));
            brokers.obey(&name, command);
        }
        resource.status = plan.status.unwrap_or_else(|| resource.status.clone());
        if plan.commands.is_empty() && plan.finalizer == FinalizerChange::Keep {
            return said;
        }
    }
    panic!("it never ends: {said:#?}");
}

fn condition(topic: &KafkaTopic) -> String {
    let condition = &topic.status["conditions"][0];
    let text = |name: &str| condition[name].as_str().unwrap_or_default();
    [text("type"), text("status"), text("reason")].join(" ").trim_end().to_owned()
}

#[test]
fn a_topic_is_created_with_its_finalizer_and_becomes_ready() {
    let mut topic = resource(
        "my-topic",
        json!({"partitions": 3, "replicas": 1, "config": {"retention.ms": 7_200_000, "cleanup.policy": ["compact", "delete"]}}),
    );
    let mut brokers = Brokers::default();
    let said = run(&mut topic, &[], &mut brokers);
    assert_eq!(
        said,
        [
            "finalizer Add",
            "Create { partitions: Some(3), replication_factor: Some(1), config: {\"cleanup.policy\": \"compact,delete\", \"retention.ms\": \"7200000\"} }"
        ]
    );
    assert_eq!(condition(&topic), "Ready True");
    assert_eq!(topic.status["topicName"], "my-topic");
    assert_eq!(topic.status["topicId"], json!(Uuid([7; 16]).to_string()));
    assert_eq!(topic.status["observedGeneration"], 3);
}

#[test]
fn what_the_resource_leaves_open_is_the_brokers_choice_and_stays() {
    let mut topic = resource("open", Value::Null);
    let mut brokers = Brokers::with("open", 5, 1, &[]);
    assert_eq!(run(&mut topic, &[], &mut brokers), ["finalizer Add"]);
    assert_eq!(condition(&topic), "Ready True");
}

#[test]
fn an_existing_topic_is_adopted_grown_and_its_settings_made_to_match() {
    let mut topic =
        resource("my-topic", json!({"partitions": 6, "config": {"retention.ms": "5", "segment.bytes": 1_073_741_824}}));
    let mut brokers = Brokers::with(
        "my-topic",
        3,
        1,
        &[
            ("retention.ms", "9"),
            ("segment.bytes", "1073741824"),
            ("min.insync.replicas", "2"),
            ("leader.replication.throttled.replicas", "*"),
        ],
    );
    let said = run(&mut topic, &[], &mut brokers);
    assert_eq!(
        said,
        [
            "finalizer Add",
            "Grow { partitions: 6 }",
            "Configure { set: {\"retention.ms\": \"5\"}, remove: {\"min.insync.replicas\"} }"
        ]
    );
    assert_eq!(condition(&topic), "Ready True");
}

#[test]
fn what_cannot_be_done_is_said_and_the_rest_is_done() {
    let mut topic = resource("my-topic", json!({"partitions": 2, "replicas": 3, "config": {"retention.ms": 5}}));
    let mut brokers = Brokers::with("my-topic", 3, 1, &[]);
    let said = run(&mut topic, &[], &mut brokers);
    assert_eq!(said[1], "Configure { set: {\"retention.ms\": \"5\"}, remove: {} }");
    assert_eq!(condition(&topic), "Ready False NotSupported");
    let all = messages(&topic.status).join("\n");
    assert!(all.contains("spec.partitions is 2 and the topic has 3: decreasing partitions is not supported"), "{all}");
    assert!(
        all.contains("spec.replicas is 3 and the topic has 1: replication factor change is not supported"),
        "{all}"
    );
}

#[test]
fn a_changed_name_is_refused_and_touches_neither_topic() {
    let mut topic = resource("my-topic", json!({"topicName": "before"}));
    let mut brokers = Brokers::default();
    run(&mut topic, &[], &mut brokers);
    topic.spec = json!({"topicName": "after"});
    let before = brokers.0.clone();
    assert!(run(&mut topic, &[], &mut brokers).is_empty());
    assert_eq!(condition(&topic), "Ready False NotSupported");
    assert_eq!(brokers.0, before);
    topic.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
    assert_eq!(run(&mut topic, &[], &mut brokers), ["finalizer Remove"]);
    assert_eq!(brokers.0, before, "which of the two would have been meant is anybody's guess");
}

#[test]
fn the_oldest_of_two_resources_has_the_say() {
    let old = resource("old", json!({"topicName": "shared", "partitions": 2}));
    let mut young = resource("young", json!({"topicName": "shared", "partitions": 9}));
    young.metadata.creation_timestamp = Some(Time(jiff::Timestamp::from_second(60).unwrap()));
    let siblings = [old.clone(), young.clone()];
    let mut brokers = Brokers::with("shared", 2, 1, &[]);
    assert!(run(&mut young, &siblings, &mut brokers).is_empty());
    assert_eq!(condition(&young), "Ready False ResourceConflict");
    assert!(messages(&young.status)[0].contains("streams/old"), "{:#}", young.status);
    let mut winner = old;
    run(&mut winner, &siblings, &mut brokers);
    assert_eq!(condition(&winner), "Ready True");
    // The loser goes without the topic, and the winner leaves the topic to its heir.
    for mut deleted in [young, winner] {
        deleted.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
        deleted.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(run(&mut deleted, &siblings, &mut brokers), ["finalizer Remove"]);
        assert!(brokers.0.contains_key("shared"));
    }
}

#[test]
fn a_deleted_resource_takes_its_topic_along_and_then_goes() {
    let mut topic = resource("my-topic", Value::Null);
    topic.metadata.finalizers = Some(vec![FINALIZER.to_owned(), "other/finalizer".to_owned()]);
    topic.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
    let mut brokers = Brokers::with("my-topic", 1, 1, &[]);
    assert_eq!(run(&mut topic, &[], &mut brokers), ["Delete", "finalizer Remove"]);
    assert!(brokers.0.is_empty());
    assert_eq!(topic.metadata.finalizers.unwrap(), ["other/finalizer"]);
}

#[test]
fn an_unmanaged_or_paused_topic_is_left_alone() {
    for (annotation, value, expected, after) in [
        ("strimzi.io/managed", "false", "Unmanaged True", vec!["finalizer Remove".to_owned()]),
        ("strimzi.io/pause-reconciliation", "true", "ReconciliationPaused True", Vec::new()),
    ] {
        let mut topic = resource("my-topic", json!({"partitions": 9}));
        topic.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
        topic.metadata.annotations = Some([(annotation.to_owned(), value.to_owned())].into());
        let mut brokers = Brokers::with("my-topic", 1, 1, &[]);
        assert_eq!(run(&mut topic, &[], &mut brokers), after);
        assert_eq!(condition(&topic), expected);
        topic.metadata.deletion_timestamp = Some(Time(jiff::Timestamp::UNIX_EPOCH));
        run(&mut topic, &[], &mut brokers);
        assert!(brokers.0.contains_key("my-topic"), "{annotation}");
    }
}

#[test]
fn a_wrong_resource_names_the_field_and_asks_nothing() {
    for (name, spec, path) in [
        ("a", json!({"partitions": 0}), "spec.partitions must be a whole number of at least 1, and is 0"),
        ("a", json!({"config": {"retention.ms": {"a": 1}}}), "spec.config[\"retention.ms\"] must be a plain value"),
        ("a", json!({"topicName": "a b"}), "spec.topicName cannot name a topic"),
        (
            "a",
            json!({"partitions": 2_147_483_648_i64}),
            "spec.partitions must be at most 2147483647, and is 2147483648",
        ),
        (
            "a",
            json!({"config": {"retention.ms": "two days"}}),
            "spec.config[\"retention.ms\"] is refused by brokers: Invalid value two days for configuration retention.ms: \
             Not a number of type LONG (allowed: a whole number of 64 bits",
        ),
        (
            "a",
            json!({"config": {"cleanup.policy": "shrink"}}),
            "spec.config[\"cleanup.policy\"] is refused by brokers: Invalid value shrink for configuration cleanup.policy",
        ),
    ] {
        let plan = plan_topic(&resource(name, spec), &[], None, NOW);
        let TopicPlan { commands, status: Some(status), finalizer: FinalizerChange::Keep, .. } = plan else {
            panic!("{path}")
        };
        assert!(commands.is_empty());
        assert_eq!(status["conditions"][0]["reason"], "InvalidResourceException");
        assert!(messages(&status).iter().any(|message| message.starts_with(path)), "{status:#}");
    }
}

#[test]
fn unknown_fields_and_throttles_are_warned_of() {
    let spec = json!({"retention": 5, "config": {"leader.replication.throttled.replicas": "*"}});
    let mut topic = resource("my-topic", spec);
    run(&mut topic, &[], &mut Brokers::default());
    assert_eq!(condition(&topic), "Ready True");
    let all = messages(&topic.status).join("\n");
    assert!(
        all.contains("spec.retention is not a field") && all.contains("spec.config sets leader.replication"),
        "{all}"
    );
}

#[test]
fn a_broker_that_refuses_is_quoted() {
    let topic = resource("my-topic", Value::Null);
    let status = topic_failed(&topic, "Topic deletion is disabled.", NOW);
    assert_eq!(status["conditions"][0]["reason"], "KafkaError");
    assert_eq!(status["conditions"][0]["message"], "Topic deletion is disabled.");
    assert_eq!(status["conditions"][0]["lastTransitionTime"], "2026-01-01T00:00:00Z");
}

/// Brokers answer settings in Kafka's own form, which need not be the user's.
#[test]
fn a_setting_is_the_same_however_it_is_written() {
    for (key, wanted, answered) in [
        ("min.cleanable.dirty.ratio", json!(1), "1.0"),
        ("min.cleanable.dirty.ratio", json!("0.50"), "0.5"),
        ("min.cleanable.dirty.ratio", json!(0.5), "0.5"),
        ("unclean.leader.election.enable", json!("False"), "false"),
        ("cleanup.policy", json!("delete, compact"), "delete,compact"),
        ("cleanup.policy", json!(["delete", "compact"]), "delete,compact"),
        ("retention.ms", json!(" 5 "), "5"),
    ] {
        let mut topic = resource("my-topic", json!({"config": {key: wanted}}));
        let mut brokers = Brokers::with("my-topic", 1, 1, &[(key, answered)]);
        assert_eq!(run(&mut topic, &[], &mut brokers), ["finalizer Add"], "{key}: {wanted}");
        assert_eq!(condition(&topic), "Ready True", "{key}: {wanted}");
    }
    let mut topic = resource("my-topic", json!({"config": {"min.cleanable.dirty.ratio": "0.7"}}));
    let mut brokers = Brokers::with("my-topic", 1, 1, &[("min.cleanable.dirty.ratio", "0.5")]);
    assert!(run(&mut topic, &[], &mut brokers)[1].starts_with("Configure"));
}

#[test]
fn a_setting_that_changes_nothing_is_warned_of() {
    let config = json!({"min.cleanable.dirty.ratio": 0.7, "cleanup.policy": "compact", "retention.ms": 5, "min.compaction.lag.ms": 0});
    let mut topic = resource("my-topic", json!({"config": config}));
    run(&mut topic, &[], &mut Brokers::default());
    assert_eq!(condition(&topic), "Ready True");
    let said = messages(&topic.status);
    let [policy, ratio] = said.as_slice() else { panic!("{said:#?}") };
    assert!(policy.starts_with("spec.config[\"cleanup.policy\"] has no effect yet as to compact"), "{policy}");
    assert!(ratio.starts_with("spec.config[\"min.cleanable.dirty.ratio\"] has no effect yet"), "{ratio}");
    assert_eq!(topic.status["conditions"][1]["reason"], "KafkaConfiguration");
}
