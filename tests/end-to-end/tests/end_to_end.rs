//! What a user does, on a real Kubernetes: examples of every age, topics, mistakes, restarts. Each test has a namespace of
//! its own.

#![allow(clippy::unwrap_used)] // a failed test may panic anywhere

use ottla_test_clients::Record;
use ottla_test_end_to_end::Namespace;
use ottla_test_end_to_end::kubernetes::{OPERATOR_NAMESPACE, kubernetes};
use ottla_test_end_to_end::namespace::{CLUSTER, condition};
use serde_json::{Value, json};

fn records() -> Vec<Record> {
    let record = |number: u32| Record {
        key: Some(format!("key-{}", number % 7)),
        value: Some(format!("value {number} äöü")),
        headers: vec![("number".to_owned(), number.to_string())],
        ..Record::default()
    };
    (0..300).map(record).collect()
}

fn values(records: &[Record]) -> Vec<Option<&str>> {
    let mut values: Vec<_> = records.iter().map(|record| record.value.as_deref()).collect();
    values.sort_unstable();
    values
}

fn kafka() -> String {
    format!("kafka/{CLUSTER}")
}

/// A cluster of this example serves records, and leaves nothing that runs when it is deleted.
fn serves(example: &str, name: &str) {
    let namespace = Namespace::new(name);
    let bootstrap = namespace.cluster(example).unwrap();
    namespace.produce(&bootstrap, "my-topic", &records()).unwrap();
    let read = namespace.consume(&bootstrap, "my-topic", "readers", 300).unwrap();
    assert_eq!(values(&read), values(&records()));

    namespace.ask(&["delete", "kafkatopic/my-topic", &kafka(), "--wait=true"]).unwrap();
    let kinds = "statefulsets,services,configmaps,poddisruptionbudgets,networkpolicies,serviceaccounts,pods";
    namespace
        .wait(kinds, "without anything of the cluster", |found| {
            let mut items = found["items"].as_array().into_iter().flatten();
            items.all(|item| item["metadata"]["labels"]["strimzi.io/cluster"] != CLUSTER)
        })
        .unwrap();
    namespace.remove().unwrap();
}

#[test]
fn an_ephemeral_cluster_serves() {
    serves("kafka-ephemeral.yaml", "ephemeral");
}

#[test]
fn a_persistent_cluster_serves() {
    serves("kafka-persistent.yaml", "persistent");
}

#[test]
fn a_cluster_on_two_volumes_serves() {
    serves("kafka-jbod.yaml", "jbod");
}

#[test]
fn a_cluster_written_in_v1beta2_serves() {
    serves("kafka-v1beta2.yaml", "v1beta2");
}

#[test]
fn a_cluster_written_in_v1beta1_serves() {
    serves("kafka-v1beta1.yaml", "v1beta1");
}

#[test]
fn a_killed_broker_comes_back_with_every_record_and_every_offset() {
    let namespace = Namespace::new("killed");
    let bootstrap = namespace.cluster("kafka-persistent.yaml").unwrap();
    namespace.produce(&bootstrap, "my-topic", &records()).unwrap();
    namespace.consume(&bootstrap, "my-topic", "before", 300).unwrap();
    let pod = namespace.pod().unwrap();
    let (name, uid) = (pod["metadata"]["name"].as_str().unwrap(), &pod["metadata"]["uid"]);
    namespace.ask(&["delete", "pod", name, "--grace-period=0", "--force"]).unwrap();
    namespace
        .wait(&format!("pod/{name}"), "another and ready", |found| {
            !found.is_null()
                && found["metadata"]["uid"] != *uid
                && condition(found, "Ready").is_some_and(|ready| ready["status"] == "True")
        })
        .unwrap();
    let read = namespace.consume(&bootstrap, "my-topic", "after", 300).unwrap();
    assert_eq!(values(&read), values(&records()));
    let again = namespace.consume(&bootstrap, "my-topic", "before", 0).unwrap();
    assert_eq!(values(&again), Vec::<Option<&str>>::new(), "what was committed is not read again");
    namespace.remove().unwrap();
}

#[test]
fn a_wrong_field_is_named_and_the_running_cluster_stays_as_it_was() {
    let namespace = Namespace::new("wrong-field");
    let bootstrap = namespace.cluster("kafka-ephemeral.yaml").unwrap();
    let before = namespace.pod().unwrap();
    let listeners = |port: i32| json!([{"name": "plain", "port": port, "type": "internal", "tls": false}]);
    namespace.patch(&kafka(), &json!({"spec": {"kafka": {"listeners": listeners(80)}}})).unwrap();
    let refused = namespace
        .wait(&kafka(), "refused", |found| condition(found, "NotReady").is_some_and(|state| state["status"] == "True"))
        .unwrap();
    let message = condition(&refused, "NotReady").unwrap()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("spec.kafka.listeners"), "{message}");
    assert_eq!(namespace.pod().unwrap()["metadata"]["uid"], before["metadata"]["uid"]);
    namespace.produce(&bootstrap, "my-topic", &records()).unwrap();

    namespace.patch(&kafka(), &json!({"spec": {"kafka": {"listeners": listeners(9092)}}})).unwrap();
    namespace.wait_ready(&kafka()).unwrap();
    assert_eq!(namespace.pod().unwrap()["metadata"]["uid"], before["metadata"]["uid"]);
    namespace.remove().unwrap();
}

#[test]
fn a_topic_grows_changes_its_configuration_and_never_shrinks() {
    let namespace = Namespace::new("topic");
    let bootstrap = namespace.cluster("kafka-ephemeral.yaml").unwrap();
    let topic = "kafkatopic/my-topic";
    let describe = || {
        let arguments = ["--bootstrap-server", &bootstrap, "--describe", "--topic", "my-topic"];
        namespace.kafka_tool("org.apache.kafka.tools.TopicCommand", &arguments)
    };
    let described = describe().unwrap();
    assert!(described.contains("PartitionCount: 3") && described.contains("retention.ms=7200000"), "{described}");

    namespace.patch(topic, &json!({"spec": {"partitions": 5, "config": {"retention.ms": 3_600_000}}})).unwrap();
    namespace.wait_ready(topic).unwrap();
    let described = describe().unwrap();
    assert!(described.contains("PartitionCount: 5") && described.contains("retention.ms=3600000"), "{described}");

    namespace.patch(topic, &json!({"spec": {"partitions": 2}})).unwrap();
    let refused = namespace
        .wait(topic, "refused", |found| condition(found, "Ready").is_some_and(|ready| ready["status"] == "False"))
        .unwrap();
    assert_eq!(condition(&refused, "Ready").unwrap()["reason"], "NotSupported");
    assert!(describe().unwrap().contains("PartitionCount: 5"));

    namespace.ask(&["delete", topic, "--wait=true", "--timeout=60s"]).unwrap();
    assert!(describe().is_err(), "the topic is gone");
    namespace.remove().unwrap();
}

#[test]
fn a_setting_that_needs_a_restart_restarts_the_broker_and_says_why() {
    let namespace = Namespace::new("restart");
    namespace.cluster("kafka-persistent.yaml").unwrap();
    let before = namespace.pod().unwrap();
    // Kafka reads this one at its start only.
    namespace.patch(&kafka(), &json!({"spec": {"kafka": {"config": {"num.partitions": 4}}}})).unwrap();
    let name = before["metadata"]["name"].as_str().unwrap();
    namespace
        .wait(&format!("pod/{name}"), "another", |found| {
            !found.is_null() && found["metadata"]["uid"] != before["metadata"]["uid"]
        })
        .unwrap();
    namespace.wait_ready(&kafka()).unwrap();
    let events = namespace.ask(&["get", "events", "--output=jsonpath={.items[*].reason}"]).unwrap();
    assert!(events.contains("ConfigChangeRequiresRestart") || events.contains("PodHasOldRevision"), "{events}");
    namespace.remove().unwrap();
}

#[test]
fn what_another_operator_runs_is_not_touched() {
    let namespace = Namespace::new("stranger");
    namespace
        .apply(&format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {CLUSTER}-kafka-brokers}}\nspec: {{clusterIP: None, ports: [{{port: 1}}]}}\n"
        ))
        .unwrap();
    let stranger = format!("service/{CLUSTER}-kafka-brokers");
    let before = namespace.get(&stranger).unwrap();
    namespace.apply_example("kafka-ephemeral.yaml").unwrap();
    let refused = namespace.wait(&kafka(), "refused", |found| condition(found, "NotReady").is_some()).unwrap();
    let message = condition(&refused, "NotReady").unwrap()["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("{CLUSTER}-kafka-brokers")), "{message}");
    assert_eq!(namespace.get(&stranger).unwrap()["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
    assert_eq!(
        namespace.ask(&["get", "statefulsets,serviceaccounts,pods", "--output=name"]).unwrap().trim(),
        "serviceaccount/default"
    );
    namespace.remove().unwrap();
}

#[test]
fn a_paused_cluster_is_left_alone_until_it_is_not() {
    let namespace = Namespace::new("paused");
    namespace.cluster("kafka-ephemeral.yaml").unwrap();
    let pause = |value: Value| json!({"metadata": {"annotations": {"strimzi.io/pause-reconciliation": value}}});
    namespace.patch(&kafka(), &pause(json!("true"))).unwrap();
    namespace.wait(&kafka(), "paused", |found| condition(found, "ReconciliationPaused").is_some()).unwrap();
    namespace.patch(&kafka(), &pause(Value::Null)).unwrap();
    namespace.wait_ready(&kafka()).unwrap();
    namespace.remove().unwrap();
}

#[test]
fn a_new_operator_takes_over_from_a_killed_one() {
    let namespace = Namespace::new("takeover");
    namespace.cluster("kafka-ephemeral.yaml").unwrap();
    let before = namespace.pod().unwrap();
    let mut kill = kubernetes().command("kubectl");
    kill.args(["--namespace", OPERATOR_NAMESPACE, "delete", "pod", "--grace-period=0", "--force"]);
    ottla_test_end_to_end::kubernetes::run(kill.args(["--selector", "strimzi.io/kind=cluster-operator"])).unwrap();
    namespace.patch("kafkatopic/my-topic", &json!({"spec": {"partitions": 4}})).unwrap();
    namespace.wait_ready("kafkatopic/my-topic").unwrap();
    assert_eq!(namespace.pod().unwrap()["metadata"]["uid"], before["metadata"]["uid"], "nothing restarts for that");
    namespace.remove().unwrap();
}
