//! What a user does, on a real Kubernetes: examples of every age, topics, mistakes, restarts. Each test has a namespace of
//! its own.

#![allow(clippy::unwrap_used)] // a failed test may panic anywhere

use ottla_test_clients::Record;
use ottla_test_end_to_end::Namespace;
use ottla_test_end_to_end::kubernetes::{OPERATOR_NAMESPACE, kubernetes, run};
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
    let reasons = || namespace.ask(&["get", "events", "--output=jsonpath={.items[*].reason}"]).unwrap();
    assert!(reasons().contains("ConfigChangeRequiresRestart"), "{}", reasons());

    let before = namespace.pod().unwrap();
    namespace.ask(&["annotate", "pod", name, "strimzi.io/manual-rolling-update=true"]).unwrap();
    namespace
        .wait(&format!("pod/{name}"), "another", |found| {
            !found.is_null() && found["metadata"]["uid"] != before["metadata"]["uid"]
        })
        .unwrap();
    namespace.wait_ready(&kafka()).unwrap();
    assert!(reasons().contains("ManualRollingUpdate"), "{}", reasons());
    let log = kubernetes().operator_log().unwrap();
    assert!(!log.contains("is forbidden: User"), "the chart gives the rights that are needed:\n{log}");
    namespace.remove().unwrap();
}

/// A topic resource of this name, for this topic.
fn topic(name: &str, topic: &str, annotation: &str, partitions: u32) -> String {
    format!(
        "apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\n\
         metadata: {{name: {name}, labels: {{strimzi.io/cluster: {CLUSTER}}}, annotations: {{{annotation}}}}}\n\
         spec: {{topicName: {topic}, partitions: {partitions}, replicas: 1}}\n"
    )
}

#[test]
fn topics_are_adopted_have_one_owner_and_stay_when_they_are_let_go() {
    let namespace = Namespace::new("topics");
    let bootstrap = namespace.cluster("kafka-ephemeral.yaml").unwrap();
    let tool = |arguments: &[&str]| {
        let arguments = [&["--bootstrap-server", &bootstrap], arguments].concat();
        namespace.kafka_tool("org.apache.kafka.tools.TopicCommand", &arguments)
    };
    tool(&["--create", "--topic", "by_hand", "--partitions", "2"]).unwrap();
    namespace.apply(&topic("first", "by_hand", "", 3)).unwrap();
    namespace.wait_ready("kafkatopic/first").unwrap();
    assert!(tool(&["--describe", "--topic", "by_hand"]).unwrap().contains("PartitionCount: 3"), "adopted, and grown");

    namespace.apply(&topic("second", "by_hand", "", 5)).unwrap();
    let reason = |name: &str, reason: &str| {
        let is_so = |found: &Value| condition(found, "Ready").is_some_and(|ready| ready["reason"] == reason);
        namespace.wait(&format!("kafkatopic/{name}"), reason, is_so).unwrap();
    };
    reason("second", "ResourceConflict");
    namespace.ask(&["delete", "kafkatopic/second", "--timeout=60s"]).unwrap();
    namespace.patch("kafkatopic/first", &json!({"spec": {"topicName": "other"}})).unwrap();
    reason("first", "NotSupported");
    namespace.patch("kafkatopic/first", &json!({"spec": {"topicName": "by_hand"}})).unwrap();
    namespace.wait_ready("kafkatopic/first").unwrap();

    let annotate =
        |annotation: &str| namespace.ask(&["annotate", "--overwrite", "kafkatopic/first", annotation]).unwrap();
    annotate("strimzi.io/pause-reconciliation=true");
    let has = |kind: &'static str| {
        namespace.wait("kafkatopic/first", kind, |found| condition(found, kind).is_some()).unwrap();
    };
    has("ReconciliationPaused");
    annotate("strimzi.io/pause-reconciliation-");
    annotate("strimzi.io/managed=false");
    has("Unmanaged");
    namespace.ask(&["delete", "kafkatopic/first", "--timeout=60s"]).unwrap();
    assert!(tool(&["--describe", "--topic", "by_hand"]).unwrap().contains("PartitionCount: 3"), "nobody deleted it");
    namespace.remove().unwrap();
}

#[test]
fn what_cannot_be_served_safely_is_not_opened() {
    let namespace = Namespace::new("closed");
    let example = |kafka: &str| {
        format!(
            "apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nmetadata: {{name: {CLUSTER}}}\nspec: {{kafka: {kafka}}}\n---\n\
             apiVersion: kafka.strimzi.io/v1\nkind: KafkaNodePool\n\
             metadata: {{name: dual-role, labels: {{strimzi.io/cluster: {CLUSTER}}}}}\n\
             spec: {{replicas: 1, roles: [controller, broker], storage: {{type: ephemeral}}}}\n"
        )
    };
    let plain = "{name: plain, port: 9092, type: internal, tls: false}";
    let tls = "{name: tls, port: 9093, type: internal, tls: true}";
    let unready = |what: &str| {
        let is_so = |found: &Value| {
            condition(found, "NotReady")
                .is_some_and(|state| state["message"].as_str().unwrap_or_default().contains(what))
        };
        namespace.wait(&kafka(), what, is_so).unwrap();
    };
    // A cluster of several nodes is not built yet: nothing of it is started.
    namespace.apply(&example(&format!("{{listeners: [{plain}]}}")).replace("replicas: 1", "replicas: 3")).unwrap();
    unready("replicas");
    assert_eq!(namespace.ask(&["get", "statefulsets,pods", "--output=name"]).unwrap(), "");
    // Of two listeners the one with TLS stays closed.
    namespace.apply(&example(&format!("{{listeners: [{plain}, {tls}]}}"))).unwrap();
    let ready = namespace.wait_ready(&kafka()).unwrap();
    let open = ready["status"]["listeners"].as_array().unwrap();
    assert!(open.len() == 1 && open[0]["name"] == "plain", "{open:?}");
    let warning = condition(&ready, "Warning").unwrap()["message"].as_str().unwrap().to_owned();
    assert!(warning.contains("spec.kafka.listeners[1]"), "{warning}");
    let ports = namespace.get(&format!("service/{CLUSTER}-kafka-bootstrap")).unwrap()["spec"]["ports"].to_string();
    assert!(ports.contains("9092") && !ports.contains("9093"), "{ports}");
    // Rules that nobody would enforce close all.
    namespace.apply(&example(&format!("{{listeners: [{plain}], authorization: {{type: simple}}}}"))).unwrap();
    unready("authorization");
    let service = format!("service/{CLUSTER}-kafka-bootstrap");
    namespace
        .wait(&service, "without clients' port", |found| !found["spec"]["ports"].to_string().contains("9092"))
        .unwrap();
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
    let before = namespace.pod().unwrap();
    let pod = format!("pod/{}", before["metadata"]["name"].as_str().unwrap());
    let uid = before["metadata"]["uid"].clone();
    let pause = |value: Value| json!({"metadata": {"annotations": {"strimzi.io/pause-reconciliation": value}}});
    namespace.patch(&kafka(), &pause(json!("true"))).unwrap();
    namespace.wait(&kafka(), "paused", |found| condition(found, "ReconciliationPaused").is_some()).unwrap();

    // Kafka reads this one at its start only.
    namespace.patch(&kafka(), &json!({"spec": {"kafka": {"config": {"num.partitions": 4}}}})).unwrap();
    // The operator has seen the change once its status speaks of it, and what it makes of it, it makes before.
    let is_seen = |found: &Value| found["status"]["observedGeneration"] == found["metadata"]["generation"];
    let seen = namespace.wait(&kafka(), "seen as it is", is_seen).unwrap();
    assert!(condition(&seen, "ReconciliationPaused").is_some(), "{}", seen["status"]);
    let config = || namespace.ask(&["get", "configmaps", "--output=yaml"]).unwrap();
    assert!(!config().contains("num.partitions=4"), "nothing is written:\n{}", config());
    assert_eq!(namespace.get(&pod).unwrap()["metadata"]["uid"], uid, "nothing is restarted");

    namespace.patch(&kafka(), &pause(Value::Null)).unwrap();
    let is_another = |found: &Value| !found.is_null() && found["metadata"]["uid"] != uid;
    namespace.wait(&pod, "another", is_another).unwrap();
    namespace.wait_ready(&kafka()).unwrap();
    assert!(config().contains("num.partitions=4"), "{}", config());
    namespace.remove().unwrap();
}

#[test]
fn a_new_operator_takes_over_from_a_killed_one() {
    let namespace = Namespace::new("takeover");
    namespace.cluster("kafka-ephemeral.yaml").unwrap();
    let before = namespace.pod().unwrap();
    let mut kill = kubernetes().command("kubectl");
    kill.args(["--namespace", OPERATOR_NAMESPACE, "delete", "pod", "--grace-period=0", "--force"]);
    run(kill.args(["--selector", "strimzi.io/kind=cluster-operator"])).unwrap();
    namespace.patch("kafkatopic/my-topic", &json!({"spec": {"partitions": 4}})).unwrap();
    namespace.wait_ready("kafkatopic/my-topic").unwrap();
    assert_eq!(namespace.pod().unwrap()["metadata"]["uid"], before["metadata"]["uid"], "nothing restarts for that");
    namespace.remove().unwrap();
}

#[test]
fn names_are_resolved_inside_the_brokers_image() {
    let namespace = Namespace::new("names");
    let path = r#"--output=jsonpath={.spec.template.spec.containers[0].env[?(@.name=="OTTLA_BROKER_IMAGE")].value}"#;
    let mut kubectl = kubernetes().command("kubectl");
    kubectl.args(["--namespace", OPERATOR_NAMESPACE, "get", "deployment/ottla-cluster-operator", path]);
    let image = run(kubectl).unwrap();
    // It binds its listener to the address that its own name has, which only the cluster's DNS knows.
    let name = format!("alone.brokers.{}.svc", namespace.name());
    let listeners = format!("listeners=PLAINTEXT://{name}:9092,CONTROLLER://127.0.0.1:9093");
    let labels = json!({"app": "alone"});
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "brokers"},
        "spec": {"clusterIP": "None", "publishNotReadyAddresses": true, "selector": labels, "ports": [{"port": 9092}]},
    });
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "alone", "labels": labels},
        "spec": {
            "hostname": "alone",
            "subdomain": "brokers",
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": [{"name": "data", "emptyDir": {}}],
            "containers": [{
                "name": "broker",
                "image": image.trim(),
                "args": ["--dev", "--data-dir", "/data/log", "--override", listeners, "--metrics", "0.0.0.0:9404"],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                "readinessProbe": {"httpGet": {"path": "/readyz", "port": 9404}, "periodSeconds": 1},
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    });
    namespace.apply(&service.to_string()).unwrap();
    namespace.apply(&pod.to_string()).unwrap();
    namespace.wait_ready("pod/alone").unwrap();
    namespace.produce(&format!("{name}:9092"), "my-topic", &records()).unwrap();
    let log = namespace.ask(&["logs", "alone"]).unwrap();
    let address = namespace.get("pod/alone").unwrap()["status"]["podIP"].as_str().unwrap().to_owned();
    assert!(log.contains(&format!("address={address}:9092")), "{log}");
    namespace.remove().unwrap();
}
