//! The operator against a real API server, with the rights of the chart and no others: which namespaces it serves, who of
//! two works, whose objects it leaves alone, what it takes away again, what it says of itself.
//!
//! No node is there, so no pod ever runs; what needs one is in `tests/end-to-end`.

use std::path::Path;
use std::process::Command;
use std::sync::{PoisonError, RwLock};

use ottla_test_kubernetes::operator::{Operator, binary, eventually, service_account};
use ottla_test_kubernetes::{Kubectl, api_server, checkout, documents};
use serde_json::{Value, json};

const ALONE: [(&str, &str); 1] = [("STRIMZI_LEADER_ELECTION_ENABLED", "false")];

/// A cluster of one node, as the example has it.
fn apply_cluster(server: &Kubectl, namespace: &str) {
    for mut document in documents(&checkout().join("deploy/examples/kafka-ephemeral.yaml")) {
        document["metadata"]["namespace"] = json!(namespace);
        server.apply(&document);
    }
}

fn status(server: &Kubectl, namespace: &str) -> Value {
    server.get(namespace, "kafka", "my-cluster")["status"].clone()
}

/// The first condition of the cluster, once there is one.
fn judged(server: &Kubectl, namespace: &str) -> Value {
    let mut condition = Value::Null;
    eventually("the cluster has a condition", || {
        condition = status(server, namespace)["conditions"][0].clone();
        !condition.is_null()
    });
    condition
}

fn names(server: &Kubectl, namespace: &str, kind: &str) -> String {
    server.run(&["--namespace", namespace, "get", kind, "--output=name"])
}

fn start(kubeconfig: &Path, home: &str, namespaces: &str, more: &[(&str, &str)]) -> Operator {
    let own = [("STRIMZI_NAMESPACE", namespaces), ("STRIMZI_OPERATOR_NAMESPACE", home)];
    Operator::start(kubeconfig, home, &[&own[..], more].concat())
}

/// Serves one namespace, several or all, and gives the operator and the namespaces: those it is told of, and another.
fn scope(name: &str, count: usize, is_all: bool) -> (Operator, Vec<String>, String) {
    let server = api_server();
    let served: Vec<String> = (0..count).map(|index| server.namespace(&format!("{name}-{index}"))).collect();
    let other = server.namespace(&format!("{name}-other"));
    served.iter().chain([&other]).for_each(|namespace| apply_cluster(server, namespace));
    let list: Vec<&str> = served.iter().map(String::as_str).collect();
    let kubeconfig = service_account(server, &served[0], (!is_all).then_some(&list[..]));
    let namespaces = if is_all { "*".to_owned() } else { list.join(",") };
    let operator = start(&kubeconfig, &served[0], &namespaces, &ALONE);
    for namespace in &served {
        assert_eq!(judged(server, namespace)["reason"], "Creating");
        eventually("the stateful set is there", || names(server, namespace, "statefulsets").contains("dual-role"));
    }
    let log = operator.log();
    assert!(!log.contains("orbidden"), "{log}");
    (operator, served, other)
}

/// An operator that serves all namespaces serves those of the tests beside it too, which would look as if theirs did.
static NAMESPACES: RwLock<()> = RwLock::new(());

#[test]
fn with_the_rights_of_the_chart_it_serves_one_namespace() {
    let _shared = NAMESPACES.read().unwrap_or_else(PoisonError::into_inner);
    let (operator, served, other) = scope("one", 1, false);
    assert_eq!(status(api_server(), &other), Value::Null, "what it was not told of is left alone");
    let figures = operator.get("/metrics");
    let line = format!("strimzi_resources{{kind=\"Kafka\",namespace=\"{}\"}} 1", served[0]);
    assert!(figures.contains(&line), "{figures}");
    assert!(operator.get("/healthy").contains(" 200 ") && operator.get("/nothing").contains(" 404 "));
    let account = format!("--as=system:serviceaccount:{}:operator", served[0]);
    let may = |act: &str, kind: &str| {
        let arguments = ["--namespace", &served[0], "auth", "can-i", act, kind, &account];
        api_server().try_run(&arguments, "").is_ok_and(|said| said.trim() == "yes")
    };
    assert!(may("get", "secrets") && !may("list", "secrets"), "whoever lists Secrets reads them");
}

#[test]
fn with_the_rights_of_the_chart_it_serves_several_namespaces() {
    let _shared = NAMESPACES.read().unwrap_or_else(PoisonError::into_inner);
    let (_operator, _, other) = scope("several", 2, false);
    assert_eq!(status(api_server(), &other), Value::Null, "what it was not told of is left alone");
}

#[test]
fn with_the_rights_of_the_chart_it_serves_all_namespaces() {
    let _alone = NAMESPACES.write().unwrap_or_else(PoisonError::into_inner);
    let server = api_server();
    let (operator, _, other) = scope("all", 1, true);
    assert_eq!(judged(server, &other)["reason"], "Creating");
    let late = server.namespace("all-late");
    apply_cluster(server, &late);
    assert_eq!(judged(server, &late)["reason"], "Creating", "{}", operator.log());
}

#[test]
fn rights_that_come_late_are_found_soon() {
    let server = api_server();
    let (home, late) = (server.namespace("late-home"), server.namespace("late"));
    let kubeconfig = service_account(server, &home, Some(&[&home]));
    let operator = start(&kubeconfig, &home, &format!("{home},{late}"), &ALONE);
    eventually("every watch was refused", || 10 < operator.log().matches("a watch broke").count());
    apply_cluster(server, &late);
    for role in ["watched", "namespaced"] {
        let role = format!("--clusterrole=ottla-cluster-operator-{role}");
        let account = format!("--serviceaccount={home}:operator");
        server.run(&["--namespace", &late, "create", "rolebinding", &role[14..], &role, &account]);
    }
    assert_eq!(judged(server, &late)["reason"], "Creating");
}

#[test]
fn of_two_one_works_and_the_other_takes_over_when_it_ends_or_hangs() {
    let server = api_server();
    let namespace = server.namespace("leaders");
    let kubeconfig = service_account(server, &namespace, Some(&[&namespace]));
    let start = |name: &str| {
        let quick = [
            ("STRIMZI_NAMESPACE", namespace.as_str()),
            ("STRIMZI_LEADER_ELECTION_LEASE_DURATION_MS", "3000"),
            ("STRIMZI_LEADER_ELECTION_RENEW_DEADLINE_MS", "2000"),
            ("STRIMZI_LEADER_ELECTION_RETRY_PERIOD_MS", "200"),
        ];
        Operator::start(&kubeconfig, &format!("{namespace}-{name}"), &quick)
    };
    let holder = || {
        let lease = server.get(&namespace, "lease", "ottla-cluster-operator");
        let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
        holder.strip_prefix(&format!("{namespace}-")).unwrap_or(holder).to_owned()
    };
    let mut first = start("first");
    eventually("the first leads", || holder() == "first");
    let mut second = start("second");
    assert!(!second.log().contains(" leads "), "one that stands by does not work");

    first.signal("TERM");
    assert!(first.ended(), "it was told to stop");
    eventually("the second leads", || second.log().contains(" leads ") && holder() == "second");

    let third = start("third");
    second.signal("STOP");
    eventually("the third leads", || third.log().contains(" leads ") && holder() == "third");
    second.signal("CONT");
    assert!(!second.ended(), "one that lost its lease ends, and not well");
    apply_cluster(server, &namespace);
    assert_eq!(judged(server, &namespace)["reason"], "Creating");
    assert!(third.log().contains("apply    StatefulSet") && !second.log().contains("apply    "));
}

/// Strimzi's own kind, as far as it matters here.
fn define_pod_sets(server: &Kubectl) {
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    server.apply(&json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "strimzipodsets.core.strimzi.io"},
        "spec": {
            "group": "core.strimzi.io",
            "scope": "Namespaced",
            "names": {"kind": "StrimziPodSet", "plural": "strimzipodsets", "singular": "strimzipodset"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
        },
    }));
    server.await_definitions();
}

#[test]
fn what_another_operator_runs_is_left_alone_whatever_kind_it_is() {
    let server = api_server();
    define_pod_sets(server);
    let pod = json!({"containers": [{"name": "a", "image": "b"}]});
    let claim = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    for (index, (version, kind, name, spec)) in [
        ("core.strimzi.io/v1", "StrimziPodSet", "my-cluster-dual-role", json!({})),
        ("core.strimzi.io/v1", "StrimziPodSet", "my-cluster-kafka", json!({})),
        ("v1", "Pod", "my-cluster-dual-role-0", pod),
        ("v1", "PersistentVolumeClaim", "data-my-cluster-dual-role-0", claim),
        ("v1", "Secret", "my-cluster-cluster-ca", Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        let namespace = server.namespace(&format!("stranger-{index}"));
        // Pods of others need not be admissible here.
        server.run(&["label", "namespace", &namespace, "pod-security.kubernetes.io/enforce-"]);
        let metadata = json!({"name": name, "namespace": namespace});
        let mut stranger = json!({"apiVersion": version, "kind": kind, "metadata": metadata});
        if !spec.is_null() {
            stranger["spec"] = spec;
        }
        if kind == "Pod" {
            // Without controllers nobody makes the account that pods have by default.
            server.run(&["--namespace", &namespace, "create", "serviceaccount", "default"]);
        }
        server.apply(&stranger);
        let resource = if kind == "StrimziPodSet" { "strimzipodsets.core.strimzi.io" } else { kind };
        let before = server.get(&namespace, resource, name)["metadata"]["resourceVersion"].clone();
        for mut document in documents(&checkout().join("deploy/examples/kafka-persistent.yaml")) {
            document["metadata"]["namespace"] = json!(namespace);
            server.apply(&document);
        }
        let kubeconfig = service_account(server, &namespace, Some(&[&namespace]));
        let operator = start(&kubeconfig, &namespace, &namespace, &ALONE);
        let condition = judged(server, &namespace);
        assert_eq!(condition["type"], "NotReady");
        let message = condition["message"].as_str().unwrap_or_default();
        assert!(message.contains(&format!("{kind} {name} ")), "{kind} {name}: {message}");
        assert_eq!(server.get(&namespace, resource, name)["metadata"]["resourceVersion"], before);
        for kind in ["statefulsets", "services", "configmaps", "networkpolicies", "poddisruptionbudgets"] {
            assert_eq!(names(server, &namespace, kind), "", "{kind} were made:\n{}", operator.log());
        }
    }
}

#[test]
fn what_is_no_longer_wanted_is_taken_away_and_what_was_changed_by_hand_is_changed_back() {
    let server = api_server();
    let namespace = server.namespace("prune");
    apply_cluster(server, &namespace);
    let kubeconfig = service_account(server, &namespace, Some(&[&namespace]));
    let operator = start(&kubeconfig, &namespace, &namespace, &ALONE);
    let policies = || names(server, &namespace, "networkpolicies");
    eventually("the policy is there", || policies().contains("my-cluster-network-policy-kafka"));
    let service = || server.get(&namespace, "service", "my-cluster-kafka-bootstrap");
    eventually("the service is there", || names(server, &namespace, "services").contains("kafka-bootstrap"));
    let ports = service()["spec"]["ports"].clone();
    let patch = json!([{"op": "replace", "path": "/spec/ports/0/port", "value": 7}]).to_string();
    let target = "service/my-cluster-kafka-bootstrap";
    server.run(&["--namespace", &namespace, "patch", target, "--type=json", "--patch", &patch]);
    eventually("the port is as it was", || service()["spec"]["ports"] == ports);
    // Server-side apply alone would leave what others add to lists.
    let port = json!([{"op": "add", "path": "/spec/ports/-", "value": {"name": "more", "port": 8}}]).to_string();
    server.run(&["--namespace", &namespace, "patch", target, "--type=json", "--patch", &port]);
    eventually("the port is gone", || service()["spec"]["ports"] == ports);
    drop(operator);

    let stranger = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "not-ours", "namespace": namespace, "labels": {"strimzi.io/cluster": "my-cluster"}},
        "spec": {"podSelector": {}},
    });
    server.apply(&stranger);
    let off = [ALONE[0], ("STRIMZI_NETWORK_POLICY_GENERATION", "false")];
    let _operator = start(&kubeconfig, &namespace, &namespace, &off);
    eventually("our policy is gone", || !policies().contains("my-cluster-network-policy-kafka"));
    assert!(policies().contains("not-ours"), "what is not ours stays");
}

/// Has the API server change every bootstrap service of a namespace on its way, as a webhook would.
fn rewrite_services(server: &Kubectl, namespace: &str) {
    let kind = |kind: &str, spec: &Value| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": namespace},
            "spec": spec,
        })
    };
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["services"]});
    let patch = "[JSONPatch{op: 'replace', path: '/metadata/labels/app.kubernetes.io~1part-of', value: 'another'}]";
    server.apply(&kind(
        "MutatingAdmissionPolicy",
        &json!({
            "matchConstraints": {
                "resourceRules": [rule],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            },
            "matchConditions": [{"name": "name", "expression": "object.metadata.name.endsWith('-bootstrap')"}],
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
        }),
    ));
    server.apply(&kind("MutatingAdmissionPolicyBinding", &json!({"policyName": namespace})));
}

#[test]
fn what_is_rewritten_on_its_way_is_named_and_not_written_again_and_again() {
    let server = api_server();
    let namespace = server.namespace("rewritten");
    rewrite_services(server, &namespace);
    eventually("services are rewritten", || {
        let service = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "a-bootstrap", "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "a"}},
            "spec": {"ports": [{"port": 1}]},
        });
        let arguments = ["create", "--dry-run=server", "--output=json", "-f", "-"];
        server.try_run(&arguments, &service.to_string()).is_ok_and(|created| created.contains("another"))
    });
    apply_cluster(server, &namespace);
    let kubeconfig = service_account(server, &namespace, Some(&[&namespace]));
    let operator = start(&kubeconfig, &namespace, &namespace, &ALONE);
    eventually("the field is named", || {
        let condition = status(server, &namespace)["conditions"][0].clone();
        let message = condition["message"].as_str().unwrap_or_default();
        condition["type"] == "NotReady"
            && message.contains("Service my-cluster-kafka-bootstrap")
            && message.contains("metadata.labels.app.kubernetes.io/part-of")
    });
    assert_eq!(status(server, &namespace)["observedGeneration"], 1);
    let service = || server.get(&namespace, "service", "my-cluster-kafka-bootstrap");
    // Each try is three writes; with a wait of 1, 2 and 4 seconds there are four tries at most.
    let before = service()["metadata"]["resourceVersion"].to_string();
    let mut versions = std::collections::BTreeSet::from([before]);
    let begin = std::time::Instant::now();
    while begin.elapsed().as_secs() < 5 {
        versions.insert(service()["metadata"]["resourceVersion"].to_string());
    }
    assert!(versions.len() <= 12, "{} versions within 5 s:\n{}", versions.len(), operator.log());
    for kind in ["mutatingadmissionpolicybinding", "mutatingadmissionpolicy"] {
        server.run(&["delete", kind, &namespace]);
    }
    eventually("it is as it ought to be", || {
        service()["metadata"]["labels"]["app.kubernetes.io/part-of"] == "strimzi-my-cluster"
            && names(server, &namespace, "statefulsets").contains("dual-role")
    });
}

#[test]
fn a_topic_whose_cluster_is_gone_is_let_go() {
    let server = api_server();
    let namespace = server.namespace("orphan");
    server.apply(&json!({
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaTopic",
        "metadata": {
            "name": "orphan",
            "namespace": namespace,
            "labels": {"strimzi.io/cluster": "gone"},
            "finalizers": ["strimzi.io/topic-operator"],
        },
        "spec": {"partitions": 1, "replicas": 1},
    }));
    server.run(&["--namespace", &namespace, "delete", "kafkatopic/orphan", "--wait=false"]);
    let kubeconfig = service_account(server, &namespace, Some(&[&namespace]));
    let operator = start(&kubeconfig, &namespace, &namespace, &ALONE);
    eventually("the topic is gone", || names(server, &namespace, "kafkatopics").is_empty());
    assert!(!operator.log().contains("orbidden"), "{}", operator.log());
}

#[test]
fn a_user_is_told_that_users_are_not_served_and_a_cluster_of_too_long_a_name_what_is_wrong() {
    let server = api_server();
    let namespace = server.namespace("told");
    apply_cluster(server, &namespace);
    let user = |name: &str, cluster: &str| {
        server.apply(&json!({
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaUser",
            "metadata": {"name": name, "namespace": namespace, "labels": {"strimzi.io/cluster": cluster}},
            "spec": {"authentication": {"type": "scram-sha-512"}},
        }));
    };
    user("ours", "my-cluster");
    user("of-another", "another-cluster");
    let long = "a".repeat(100);
    let listener = json!({"name": "plain", "port": 9092, "type": "internal", "tls": false});
    server.apply(&json!({
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "Kafka",
        "metadata": {"name": long, "namespace": namespace},
        "spec": {"kafka": {"listeners": [listener]}},
    }));
    let kubeconfig = service_account(server, &namespace, Some(&[&namespace]));
    let operator = start(&kubeconfig, &namespace, &namespace, &ALONE);
    let status = |kind: &str, name: &str| server.get(&namespace, kind, name)["status"].clone();
    eventually("the user has a condition", || !status("kafkauser", "ours").is_null());
    let told = status("kafkauser", "ours");
    let condition = &told["conditions"][0];
    assert_eq!((&condition["type"], &condition["status"]), (&json!("NotReady"), &json!("True")), "{told}");
    assert!(condition["reason"] == "NotSupported" && told["observedGeneration"] == 1, "{told}");
    eventually("the long name is named", || {
        let condition = status("kafka", &long)["conditions"][0].clone();
        condition["type"] == "NotReady" && condition["message"].as_str().unwrap_or_default().contains("47 characters")
    });
    assert_eq!(status("kafkauser", "of-another"), Value::Null);
    assert_eq!(names(server, &namespace, "secrets"), "");
    assert!(!operator.log().contains("orbidden"), "{}", operator.log());
}

/// A topic of the example's cluster.
fn topic(namespace: &str, name: &str, more: &Value) -> Value {
    let mut topic = json!({
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaTopic",
        "metadata": {"name": name, "namespace": namespace, "labels": {"strimzi.io/cluster": "my-cluster"}},
        "spec": {"partitions": 1, "replicas": 1},
    });
    let metadata = more.as_object().into_iter().flatten();
    metadata.for_each(|(field, value)| topic["metadata"][field] = value.clone());
    topic
}

/// Waits until a topic says why it is not ready, in these words.
fn await_reason(server: &Kubectl, namespace: &str, name: &str, words: &str) {
    eventually(words, || {
        let condition = server.get(namespace, "kafkatopic", name)["status"]["conditions"][0].clone();
        condition["status"] == "False" && condition["message"].as_str().unwrap_or_default().contains(words)
    });
}

#[test]
fn a_topic_that_cannot_be_served_says_why_and_what_cannot_be_read_stops_no_other() {
    let server = api_server();
    let namespace = server.namespace("unserved");
    // Deeper than a parser follows, and yet nothing that the definition forbids.
    let deep = (0..300).fold(json!(1), |deep, _| json!({"a": deep}));
    let mut unreadable = topic(&namespace, "unreadable", &Value::Null);
    unreadable["spec"]["config"] = json!({"deep": deep});
    server.apply(&unreadable);
    server.apply(&json!({
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "Kafka",
        "metadata": {"name": "unreadable", "namespace": namespace},
        "spec": {"kafka": {"listeners": [], "config": {"deep": deep}}},
    }));
    server.apply(&topic(&namespace, "early", &Value::Null));
    let kubeconfig = service_account(server, &namespace, Some(&[&namespace]));
    let operator = start(&kubeconfig, &namespace, &namespace, &ALONE);
    eventually("the unreadable topic is told of", || operator.log().contains("a KafkaTopic cannot be read"));
    await_reason(server, &namespace, "early", "there is no Kafka my-cluster");

    apply_cluster(server, &namespace);
    await_reason(server, &namespace, "early", "my-cluster-kafka-bootstrap");
    let closed = json!({"spec": {"kafka": {"authorization": {"type": "simple"}}}}).to_string();
    server.run(&["--namespace", &namespace, "patch", "kafka/my-cluster", "--type=merge", "--patch", &closed]);
    await_reason(server, &namespace, "early", "no open listener");
    let log = operator.log();
    assert!(!log.contains("orbidden") && !log.contains("a watch broke"), "{log}");
}

#[test]
fn a_new_operator_serves_topics_of_a_paused_and_of_a_refused_cluster() {
    let server = api_server();
    for (name, patch) in [
        ("paused", json!({"metadata": {"annotations": {"strimzi.io/pause-reconciliation": "true"}}})),
        ("refused", json!({"spec": {"kafka": {"listeners": []}}})),
    ] {
        let namespace = server.namespace(&format!("restart-{name}"));
        apply_cluster(server, &namespace);
        let kubeconfig = service_account(server, &namespace, Some(&[&namespace]));
        let operator = start(&kubeconfig, &namespace, &namespace, &ALONE);
        eventually("the service is there", || names(server, &namespace, "services").contains("kafka-bootstrap"));
        drop(operator);
        let patch = patch.to_string();
        server.run(&["--namespace", &namespace, "patch", "kafka/my-cluster", "--type=merge", "--patch", &patch]);
        let _operator = start(&kubeconfig, &namespace, &namespace, &ALONE);
        server.apply(&topic(&namespace, "late", &Value::Null));
        // Nobody listens there, as no pod ever runs; that it was tried is what is asked about.
        await_reason(server, &namespace, "late", "my-cluster-kafka-bootstrap");
    }
}

#[test]
fn a_topic_goes_where_nobody_could_delete_anything() {
    let server = api_server();
    let namespace = server.namespace("let-go");
    apply_cluster(server, &namespace);
    let held = json!(["strimzi.io/topic-operator"]);
    let mut misnamed = topic(&namespace, "misnamed", &json!({"finalizers": held}));
    misnamed["spec"]["topicName"] = json!("no name!");
    server.apply(&misnamed);
    server.apply(&topic(&namespace, "unlabelled", &json!({"finalizers": held, "labels": {}})));
    let unmanaged = json!({"finalizers": held, "annotations": {"strimzi.io/managed": "false"}});
    server.apply(&topic(&namespace, "unmanaged", &unmanaged));
    let kubeconfig = service_account(server, &namespace, Some(&[&namespace]));
    let operator = start(&kubeconfig, &namespace, &namespace, &ALONE);
    eventually("the service is there", || names(server, &namespace, "services").contains("kafka-bootstrap"));
    server.run(&["--namespace", &namespace, "delete", "kafkatopics", "--all", "--wait=false"]);
    eventually("the topics are gone", || names(server, &namespace, "kafkatopics").is_empty());
    assert!(!operator.log().contains("control the topic"), "no broker is there to be asked:\n{}", operator.log());
}

#[test]
fn a_plan_is_shown_without_any_cluster() {
    let plan = |file: &str| {
        let mut command = Command::new(binary());
        command.env_clear().args(["plan", "-f"]).arg(checkout().join(file));
        let output = command.output().expect("the operator starts");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (is_planned, text) = plan("deploy/examples/kafka-persistent.yaml");
    assert!(is_planned && text.contains("apply    StatefulSet my-cluster-dual-role"), "{text}");
    assert!(text.contains("\nkind: StatefulSet\n"), "{text}");
    let (is_planned, text) = plan("operator/plan/tests/cases/wrong/kafka.yaml");
    assert!(!is_planned && text.contains("NotReady=True"), "{text}");
}
