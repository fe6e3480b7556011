//! Laws of the road from a plan to a world: it ends, it ends in the same world from wherever it is broken off, and a plan
//! from an older world never breaks what a newer one holds.

mod support;

use ottla_crds::Kafka;
use ottla_plan::roll::RestartReason;
use ottla_plan::{Action, ObjectKind, World};
use serde_json::{Value, json};
use support::{Namespace, built, labelled, messages, pool, pooled, shown, smallest, state, with, write};

/// Roads that differ in how much they have to change: each is a world to begin with and the resource that is then wanted.
fn roads() -> Vec<(&'static str, Kafka, Kafka)> {
    let base = smallest();
    let jbod = with(
        &base,
        "/kafka/storage",
        json!({"type": "jbod", "volumes": [{"id": 0, "type": "persistent-claim", "size": "1Gi"}]}),
    );
    let jbod_wider = with(
        &jbod,
        "/kafka/storage",
        json!({"type": "jbod", "volumes": [
            {"id": 0, "type": "persistent-claim", "size": "2Gi"},
            {"id": 1, "type": "persistent-claim", "size": "1Gi", "deleteClaim": true},
        ]}),
    );
    let labelled = labelled(&base, &[("team", "a"), ("tier", "b")]);
    let claims = json!({"metadata": {"labels": {"a": "b", "c": "d"}, "annotations": {"e": "f"}}});
    let labelled_claims = with(&base, "/kafka/template", json!({"persistentVolumeClaim": claims}));
    vec![
        ("nothing changes", base.clone(), base.clone()),
        ("a setting changes", base.clone(), with(&base, "/kafka/config", json!({"num.partitions": 3}))),
        (
            "a listener is added",
            base.clone(),
            with(
                &base,
                "/kafka/listeners",
                json!([
                    {"name": "plain", "port": 9092, "type": "internal", "tls": false},
                    {"name": "other", "port": 9095, "type": "internal", "tls": false},
                ]),
            ),
        ),
        (
            "claims grow",
            base.clone(),
            with(&base, "/kafka/storage", json!({"type": "persistent-claim", "size": "20Gi"})),
        ),
        ("a volume is added", jbod, jbod_wider),
        (
            "labels of claims change",
            base.clone(),
            with(&base, "/kafka/template", json!({"persistentVolumeClaim": {"metadata": {"labels": {"a": "b"}}}})),
        ),
        (
            "the template of pods changes",
            base.clone(),
            with(&base, "/kafka/template", json!({"pod": {"priorityClassName": "high"}})),
        ),
        (
            "quantities finer than Kubernetes counts",
            base.clone(),
            with(
                &base,
                "/kafka/resources",
                json!({"requests": {"cpu": 0.0625, "memory": "0.1Gi"}, "limits": {"cpu": "0.33333", "memory": "1.3Gi"}}),
            ),
        ),
        ("labels and annotations of claims go", labelled_claims, base.clone()),
        ("a label of the resource is added", base.clone(), labelled.clone()),
        ("a label of the resource goes", labelled, base.clone()),
        ("all listeners close", base.clone(), with(&base, "/kafka/authorization", json!({"type": "simple"}))),
    ]
}

#[test]
fn every_road_ends_with_nothing_left_to_do_and_says_so() {
    for (name, before, after) in roads() {
        let (mut namespace, mut kafka) = built(&before);
        assert_eq!(state(&kafka.status), "Ready", "{name}");
        write(&mut kafka, &after);
        let plans = namespace.converge(&mut kafka, &mut []);
        let last = plans.last().unwrap();
        assert!(last.is_settled(), "{name}");
        let again = namespace.plan(&kafka, &[]);
        assert!(again.is_settled(), "{name}: {again}");
        assert_eq!(again.status, kafka.status, "{name}: an unchanged world has an unchanged status");
        assert_eq!(kafka.status["observedGeneration"], json!(after.metadata.generation), "{name}");
        let expected = if name == "all listeners close" { "NotReady ListenerNotOpened" } else { "Ready" };
        assert_eq!(state(&kafka.status), expected, "{name}");
    }
}

#[test]
fn a_crash_after_any_action_changes_nothing_of_where_it_ends() {
    for (name, before, after) in roads() {
        let (start, kafka) = built(&before);
        let mut wanted = kafka;
        write(&mut wanted, &after);
        let (mut whole, mut kafka) = (start.clone(), wanted.clone());
        let plans = whole.converge(&mut kafka, &mut []);
        let expected = shown(&whole.world);
        for stop in 0..plans.len() {
            for actions_done in 0..=plans[stop].actions.len() {
                let (mut namespace, mut kafka) = (start.clone(), wanted.clone());
                for plan in &plans[..stop] {
                    plan.actions.iter().for_each(|action| namespace.act(action));
                    namespace.settle();
                }
                plans[stop].actions[..actions_done].iter().for_each(|action| namespace.act(action));
                // The operator is gone and comes back with no memory and with the last status that was written.
                namespace.converge(&mut kafka, &mut []);
                assert_eq!(
                    shown(&namespace.world),
                    expected,
                    "{name}: crash in plan {stop} after {actions_done} actions"
                );
            }
        }
    }
}

#[test]
fn a_plan_of_an_older_world_restarts_no_pod_that_is_new_already() {
    let (mut namespace, mut kafka) = built(&smallest());
    kafka.spec = with(&smallest(), "/kafka/config", json!({"num.partitions": 3})).spec;
    let plan = namespace.plan(&kafka, &[]);
    plan.actions.iter().for_each(|action| namespace.act(action));
    namespace.settle();
    let old = namespace.clone();
    namespace.converge(&mut kafka, &mut []);
    let stale = old.plan(&kafka, &[]);
    let Some(Action::RestartPod { pod, uid, .. }) = stale.actions.first() else { panic!("{stale}") };
    let present = namespace.world.named(ObjectKind::Pod, pod).unwrap();
    assert_ne!(present["metadata"]["uid"], json!(uid), "the precondition keeps the new pod alive");
}

#[test]
fn a_pod_is_restarted_only_after_its_stateful_set_was_seen_and_with_its_reason() {
    let (mut namespace, mut kafka) = built(&smallest());
    kafka.spec = with(&smallest(), "/kafka/config", json!({"num.partitions": 3})).spec;
    let plan = namespace.plan(&kafka, &[]);
    assert!(plan.actions.iter().all(|action| matches!(action, Action::Apply(_))), "{plan}");
    plan.actions.iter().for_each(|action| namespace.act(action));
    let waiting = namespace.plan(&kafka, &[]);
    assert!(waiting.actions.is_empty(), "the controller has not seen the change: {waiting}");
    namespace.settle();
    let plan = namespace.plan(&kafka, &[]);
    let [Action::RestartPod { reasons, .. }] = plan.actions.as_slice() else { panic!("{plan}") };
    assert_eq!(*reasons, [RestartReason::ConfigChangeRequiresRestart]);
}

#[test]
fn a_request_to_restart_a_stateful_set_restarts_its_pod_once() {
    let (mut namespace, mut kafka) = built(&smallest());
    let key = ObjectKind::StatefulSet.named("my-cluster-kafka");
    let annotation = "strimzi.io/manual-rolling-update";
    namespace.act(&Action::Annotate { key, annotation, value: Some("true".to_owned()) });
    let plans = namespace.converge(&mut kafka, &mut []);
    let restarts =
        plans.iter().flat_map(|plan| &plan.actions).filter(|action| matches!(action, Action::RestartPod { .. }));
    let reasons: Vec<_> = restarts.map(ToString::to_string).collect();
    assert_eq!(reasons, ["restart  Pod my-cluster-kafka-0: an annotation asks for it"]);
}

#[test]
fn a_wrong_change_leaves_everything_as_it_is() {
    let (mut namespace, mut kafka) = built(&smallest());
    let before = shown(&namespace.world);
    for (pointer, value, path) in [
        (
            "/kafka/replicas",
            json!("three"),
            "spec.kafka.replicas must be a whole number of at least 1, and is \"three\"",
        ),
        ("/kafka/replicas", json!(3), "spec.kafka.replicas is 3"),
        ("/kafka/config", json!({"num.partitions": "many"}), "spec.kafka.config[\"num.partitions\"]"),
        (
            "/kafka/config",
            json!({"default.replication.factor": 2}),
            "spec.kafka.config[\"default.replication.factor\"]",
        ),
        (
            "/kafka/listeners",
            json!([{"name": "plain", "port": 9404, "type": "internal", "tls": false}]),
            "spec.kafka.listeners[0].port",
        ),
        ("/kafka/listeners", json!([]), "spec.kafka.listeners"),
        ("/kafka/storage", json!({"type": "persistent-claim"}), "spec.kafka.storage.size"),
        ("/kafka/resources", json!({"limits": {"cpu": "much"}}), "spec.kafka.resources.limits.cpu"),
        (
            "/kafka/template",
            json!({"pod": {"metadata": {"labels": {"strimzi.io/name": "x"}}}}),
            "spec.kafka.template.pod.metadata.labels[\"strimzi.io/name\"]",
        ),
        (
            "/kafka/template",
            json!({"kafkaContainer": {"volumeMounts": [{"name": "x", "mountPath": "/mnt/x"}]}}),
            "mounts x",
        ),
        (
            "/kafka/template",
            json!({"kafkaContainer": {"volumeMounts": [{"name": "x", "mountPath": "/etc/x"}]}}),
            "spec.kafka.template.kafkaContainer.volumeMounts[0].mountPath",
        ),
    ] {
        let kafka_before = kafka.clone();
        kafka.spec = with(&smallest(), pointer, value).spec;
        namespace.converge(&mut kafka, &mut []);
        assert_eq!(shown(&namespace.world), before, "{path}");
        assert!(state(&kafka.status).starts_with("NotReady"), "{path}");
        assert!(messages(&kafka.status).iter().any(|message| message.contains(path)), "{path}: {:#}", kafka.status);
        assert_eq!(kafka.status["clusterId"], kafka_before.status["clusterId"], "what was known stays known");
        kafka = kafka_before;
    }
}

#[test]
fn a_paused_resource_is_left_alone() {
    let mut namespace = Namespace::default();
    let mut kafka = smallest();
    kafka.metadata.annotations = Some([("strimzi.io/pause-reconciliation".to_owned(), "true".to_owned())].into());
    let plan = namespace.plan(&kafka, &[]);
    assert!(plan.is_settled() && plan.objects.is_empty());
    assert_eq!(state(&plan.status), "ReconciliationPaused");
    kafka.metadata.annotations = None;
    namespace.converge(&mut kafka, &mut []);
    assert_eq!(state(&kafka.status), "Ready");
}

#[test]
fn nothing_is_written_where_somebody_elses_object_stands() {
    let (built, _) = built(&smallest());
    let mut keys: Vec<_> = built.world.iter().map(|(key, _)| key.clone()).collect();
    keys.push(ObjectKind::StrimziPodSet.named("my-cluster-kafka"));
    keys.push(ObjectKind::StatefulSet.named("my-cluster-zookeeper"));
    keys.push(ObjectKind::Secret.named("my-cluster-cluster-ca"));
    keys.push(ObjectKind::Secret.named("my-cluster-clients-ca-cert"));
    assert!(
        keys.iter().any(|key| key.kind == ObjectKind::Pod)
            && keys.iter().any(|key| key.kind == ObjectKind::PersistentVolumeClaim)
    );
    for key in keys {
        let mut namespace = Namespace::default();
        let body = json!({"metadata": {"name": key.name, "uid": "u", "labels": {"strimzi.io/cluster": "my-cluster", "app.kubernetes.io/managed-by": "strimzi-cluster-operator"}}});
        namespace.world.insert(ottla_plan::Object { key: key.clone(), body });
        let plan = namespace.plan(&smallest(), &[]);
        assert!(plan.actions.is_empty(), "{key}: {plan}");
        assert_eq!(state(&plan.status), "NotReady ForeignObject", "{key}");
        assert!(messages(&plan.status)[0].starts_with(&key.to_string()), "{key}: {:#}", plan.status);
    }
}

/// What would stop a plan has to be asked for, even if it carries no label by which it would be listed.
#[test]
fn everything_that_can_stand_in_the_way_is_asked_for_by_name() {
    let (built, _) = built(&smallest());
    let asked = ottla_plan::expected(&smallest(), &[], &World::default(), &ottla_plan::Settings::default());
    for (key, _) in built.world.iter() {
        assert!(asked.contains(key), "{key} is not asked for: {asked:?}");
    }
    assert!(asked.contains(&ObjectKind::StrimziPodSet.named("my-cluster-kafka")));
    assert!(asked.contains(&ObjectKind::Secret.named("my-cluster-cluster-ca")));
}

#[test]
fn secrets_of_an_authority_that_the_user_brings_stand_in_nobodys_way() {
    let mut namespace = Namespace::default();
    let key = ObjectKind::Secret.named("my-cluster-cluster-ca");
    namespace.world.insert(ottla_plan::Object { key, body: json!({"metadata": {"name": "my-cluster-cluster-ca"}}) });
    let kafka = with(&smallest(), "/clusterCa", json!({"generateCertificateAuthority": false}));
    assert_ne!(state(&namespace.plan(&kafka, &[]).status), "NotReady ForeignObject");
}

/// Labels by which the operator knows its own are not given away, neither to templates nor to what the resource hands on.
#[test]
fn our_labels_are_ours_whatever_users_write() {
    let label = "app.kubernetes.io/managed-by";
    let metadata = json!({"metadata": {"labels": {label: "Helm", "team": "a"}}});
    let parts = ["pod", "persistentVolumeClaim", "statefulset", "bootstrapService", "brokersService", "serviceAccount"];
    let template: serde_json::Map<String, Value> =
        parts.into_iter().map(|part| (part.to_owned(), metadata.clone())).collect();
    let kafka = with(&smallest(), "/kafka/template", Value::Object(template));
    let mut kafka = labelled(&kafka, &[(label, "Helm"), ("app.kubernetes.io/instance", "other")]);
    let mut namespace = Namespace::default();
    // Whoever says what is not handed on may well not think of these.
    namespace.settings.labels_exclusion = ottla_plan::settings::KeyPattern::read("nothing").unwrap();
    namespace.converge(&mut kafka, &mut []);
    assert_eq!(state(&kafka.status), "Ready");
    for (key, body) in namespace.world.iter() {
        assert_eq!(body["metadata"]["labels"][label], "ottla-operator", "{key}");
        assert_eq!(body["metadata"]["labels"]["app.kubernetes.io/instance"], "my-cluster", "{key}");
    }
    for (kind, name) in
        [(ObjectKind::Pod, "my-cluster-kafka-0"), (ObjectKind::PersistentVolumeClaim, "data-my-cluster-kafka-0")]
    {
        assert_eq!(namespace.world.named(kind, name).unwrap()["metadata"]["labels"]["team"], "a");
    }
    for part in parts {
        let path = format!("spec.kafka.template.{part}.metadata.labels[\"{label}\"] has no effect");
        assert!(messages(&kafka.status).iter().any(|message| message.starts_with(&path)), "{path}: {:#}", kafka.status);
    }
}

#[test]
fn a_cluster_that_is_left_to_pools_waits_for_the_first() {
    let mut kafka = smallest();
    kafka.metadata.annotations = Some([("strimzi.io/node-pools".to_owned(), "enabled".to_owned())].into());
    let mut namespace = Namespace::default();
    let plan = namespace.plan(&kafka, &[]);
    assert!(plan.actions.is_empty() && plan.objects.is_empty(), "{plan}");
    assert_eq!(
        messages(&plan.status),
        ["the annotation strimzi.io/node-pools is enabled, and the cluster has no KafkaNodePool yet"]
    );
    namespace.converge(&mut kafka, &mut [pool("dual", 1, &json!(["controller", "broker"]))]);
    assert_eq!(state(&kafka.status), "Ready");
    let pods: Vec<&str> = namespace.world.of_kind(ObjectKind::Pod).map(|(name, _)| name).collect();
    assert_eq!(pods, ["my-cluster-dual-0"]);
    let before = shown(&namespace.world);
    namespace.converge(&mut kafka, &mut []);
    assert_eq!(shown(&namespace.world), before, "and when the last pool goes, its nodes stay");
}

#[test]
fn topics_of_other_namespaces_are_served_only_where_the_operator_is_told_to() {
    for section in ["/entityOperator", "/topicOperator"] {
        let watched = json!({"watchedNamespace": "b"});
        let asked = if section == "/entityOperator" { json!({"topicOperator": watched}) } else { watched };
        let kafka = with(&smallest(), section, asked);
        let mut namespace = Namespace::default();
        let plan = namespace.plan(&kafka, &[]);
        assert_eq!(plan.topics.unwrap().namespace, "streams");
        let said = messages(&plan.status);
        let is_said = |message: &String| {
            message.contains("watchedNamespace has no effect")
                && message.contains("STRIMZI_ENTITY_OPERATOR_WATCHED_NAMESPACE_ENABLED")
        };
        assert!(said.iter().any(is_said), "{said:#?}");
        namespace.settings.watched_namespaces = true;
        let plan = namespace.plan(&kafka, &[]);
        assert_eq!(plan.topics.unwrap().namespace, "b");
        assert!(!messages(&plan.status).iter().any(is_said));
    }
}

#[test]
fn a_pool_gives_its_nodes_their_names_and_ids() {
    let mut pools = [pool("dual", 1, &json!(["controller", "broker"])), pool("spare", 0, &json!(["broker"]))];
    pools[0].metadata.annotations = Some([("strimzi.io/next-node-ids".to_owned(), "[7-9]".to_owned())].into());
    let (mut namespace, mut kafka) = (Namespace::default(), pooled());
    namespace.converge(&mut kafka, &mut pools);
    assert_eq!(state(&kafka.status), "Ready", "{:#}", kafka.status);
    assert!(namespace.world.named(ObjectKind::Pod, "my-cluster-dual-7").is_some());
    assert!(namespace.world.named(ObjectKind::PersistentVolumeClaim, "data-my-cluster-dual-7").is_some());
    assert_eq!(pools[0].status["nodeIds"], json!([7]));
    assert_eq!(pools[1].status["replicas"], json!(0));
    assert_eq!(kafka.status["kafkaNodePools"], json!([{"name": "dual"}, {"name": "spare"}]));
    // The annotation is about further nodes; those that are there keep their ids.
    pools[0].metadata.annotations = None;
    assert!(namespace.plan(&kafka, &pools).is_settled());
}

#[test]
fn nodes_keep_their_ids_whatever_is_lost_of_what_remembers_them() {
    let mut pools = [pool("dual", 1, &json!(["controller", "broker"]))];
    pools[0].metadata.annotations = Some([("strimzi.io/next-node-ids".to_owned(), "[7-9]".to_owned())].into());
    let (mut namespace, mut kafka) = (Namespace::default(), pooled());
    namespace.converge(&mut kafka, &mut pools);
    pools[0].metadata.annotations = None;
    let before = shown(&namespace.world);
    for lost in
        [ObjectKind::ConfigMap.named("my-cluster-dual-config"), ObjectKind::StatefulSet.named("my-cluster-dual")]
    {
        namespace.world.remove(&lost).expect("it was there");
        namespace.converge(&mut kafka, &mut pools);
        assert_eq!(state(&kafka.status), "Ready", "{lost}: {:#}", kafka.status);
        assert_eq!(shown(&namespace.world), before, "{lost}");
    }
    // A number of pods that somebody wrote by hand neither fills memory nor overflows.
    let key = ObjectKind::StatefulSet.named("my-cluster-dual");
    let mut set = namespace.world.get(&key).unwrap().clone();
    set["spec"]["replicas"] = json!(i32::MAX);
    namespace.world.insert(ottla_plan::Object { key, body: set });
    let plan = namespace.plan(&kafka, &pools);
    assert_eq!(state(&plan.status), "NotReady NotSupported");
    assert_eq!(messages(&plan.status).len(), 10);
}

#[test]
fn more_than_one_node_is_said_where_it_is_asked_for_and_starts_nothing() {
    for pools in [
        vec![pool("a", 1, &json!(["controller"])), pool("b", 1, &json!(["broker"]))],
        vec![pool("a", 3, &json!(["controller", "broker"]))],
    ] {
        let plan = Namespace::default().plan(&pooled(), &pools);
        assert!(plan.actions.is_empty());
        assert_eq!(state(&plan.status), "NotReady NotSupported");
        assert!(messages(&plan.status)[0].starts_with("spec.replicas of KafkaNodePool a is"), "{:#}", plan.status);
        assert_eq!(state(&plan.pool_statuses["a"]), "NotReady NotSupported");
    }
    let plan = Namespace::default().plan(&pooled(), &[pool("a", 1, &json!(["controller"]))]);
    assert_eq!(state(&plan.status), "NotReady InvalidResourceException");
    assert!(messages(&plan.status)[0].contains("role broker"), "{:#}", plan.status);
}

#[test]
fn a_node_is_never_taken_away_with_its_pool() {
    let mut pools = [pool("dual", 1, &json!(["controller", "broker"]))];
    let (mut namespace, mut kafka) = (Namespace::default(), pooled());
    namespace.converge(&mut kafka, &mut pools);
    let before = shown(&namespace.world);
    let mut others = [pool("other", 1, &json!(["controller", "broker"]))];
    namespace.converge(&mut kafka, &mut others);
    assert_eq!(shown(&namespace.world), before);
    assert_eq!(state(&kafka.status), "NotReady NotSupported");
    assert!(messages(&kafka.status)[0].contains("node my-cluster-dual-0 would be removed"), "{:#}", kafka.status);
}

#[test]
fn an_unready_pod_is_named_with_what_kubernetes_says() {
    let (mut namespace, mut kafka) = built(&smallest());
    let key = ObjectKind::Pod.named("my-cluster-kafka-0");
    let mut body = namespace.world.get(&key).unwrap().clone();
    body["status"] = json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient memory."}]});
    namespace.world.insert(ottla_plan::Object { key, body });
    let plan = namespace.plan(&kafka, &[]);
    kafka.status = plan.status;
    assert_eq!(state(&kafka.status), "NotReady Updating");
    assert!(messages(&kafka.status)[0].ends_with(
        "pod my-cluster-kafka-0 is to be ready: Unschedulable: 0/1 nodes are available: 1 Insufficient memory."
    ));
}
