//! The law that nothing is ignored in silence: every leaf of the schema, set by itself, changes the plan or is named by a
//! condition.

mod support;

use ottla_config::key::{Honoured, Key};
use ottla_config::{Properties, catalogue};
use ottla_crds::{Kafka, KafkaNodePool, KafkaTopic, Kind, Leaf, Path, Step};
use ottla_plan::topics::plan_topic;
use ottla_plan::{Object, ObjectKind, Plan, Settings, World, plan_kafka};
use serde_json::{Value, json};
use support::{NOW, Namespace, messages, set, smallest};

/// The paths above a leaf that are narrow enough to tell a person where to look: below the first section.
fn narrow_paths(leaf: &Leaf) -> Vec<String> {
    let mut paths = Vec::new();
    let mut path = Path::root();
    for step in leaf.path.steps() {
        path = match step {
            Step::Field(name) => path.field(name),
            Step::Element(index) => path.element(*index),
        };
        let text = path.to_string();
        if text != "spec" && text != "spec.kafka" {
            paths.push(text);
        }
    }
    paths
}

fn names(message: &str, path: &str) -> bool {
    message.match_indices(path).any(|(start, _)| {
        let before = message[..start].chars().next_back().is_none_or(char::is_whitespace);
        let after = message[start + path.len()..].chars().next();
        before && after.is_none_or(|letter| letter.is_whitespace() || matches!(letter, ':' | ',' | '[' | '.'))
    })
}

fn all_messages(plan: &Plan) -> Vec<String> {
    let mut all = messages(&plan.status);
    plan.pool_statuses.values().for_each(|status| all.extend(messages(status)));
    all
}

/// The objects without what means nothing: keys that brokers do not honour, and fingerprints of the rest.
fn effective(plan: &Plan) -> Vec<Object> {
    let is_honoured = |key: &str| {
        let base = ottla_config::layers::listener_key(key).map_or(key, |(_, base)| base);
        catalogue::broker_key(base).is_some_and(|row| matches!(row.honoured, Honoured::By(_)))
    };
    let mut objects = plan.objects.clone();
    for object in &mut objects {
        let body = &mut object.body;
        if object.key.kind == ObjectKind::ConfigMap {
            for (_, text) in body["data"].as_object_mut().expect("a configuration has entries") {
                let properties = Properties::parse(text.as_str().expect("it is a text")).expect("it can be read");
                let kept = properties.iter().filter(|(key, _)| is_honoured(key));
                *text = kept.map(|(key, value)| format!("{key}={value}\n")).collect::<String>().into();
            }
        }
        for place in ["/metadata/annotations", "/spec/template/metadata/annotations"] {
            if let Some(annotations) = body.pointer_mut(place).and_then(Value::as_object_mut) {
                let derived = ["ottla.io/applied", "strimzi.io/configuration-hash", "strimzi.io/revision"];
                annotations.retain(|key, _| !derived.contains(&key.as_str()));
            }
        }
    }
    objects
}

/// Whether a plan shows that something was wanted that the base did not want.
fn shows(plan: &Plan, base: &Plan, leaf: &Leaf) -> bool {
    let has_changed = !plan.objects.is_empty()
        && (effective(plan) != effective(base)
            || plan.topics != base.topics
            || plan.operator_bootstrap != base.operator_bootstrap);
    let before = all_messages(base);
    let new = all_messages(plan).into_iter().filter(|message| !before.contains(message));
    let paths = narrow_paths(leaf);
    has_changed || new.into_iter().any(|message| paths.iter().any(|path| names(&message, path)))
}

/// Leaves that say of the base what holds anyway: the only volume holds the metadata log.
const HOLDS_ANYWAY: [&str; 2] = ["spec.kafka.storage.kraftMetadata", "spec.storage.kraftMetadata"];

/// The leaves of a kind's spec for which `is_shown` fails, found on all cores.
fn silent(kind: Kind, is_shown: impl Fn(&Leaf) -> bool + Sync) -> Vec<String> {
    let is_of_spec = |leaf: &Leaf| leaf.path.steps()[0] == Step::Field("spec".to_owned());
    let leaves: Vec<Leaf> = kind.schema().leaves().into_iter().filter(is_of_spec).collect();
    let least = if kind == Kind::KafkaTopic { 4 } else { 70 };
    assert!(least <= leaves.len(), "{} leaves are no whole schema", leaves.len());
    let check = |leaves: &[Leaf]| -> Vec<String> {
        let paths = leaves.iter().filter(|leaf| !is_shown(leaf)).map(|leaf| leaf.path.to_string());
        paths.filter(|path| !HOLDS_ANYWAY.contains(&path.as_str())).collect()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let parts = leaves.chunks(leaves.len().div_ceil(threads));
        let running: Vec<_> = parts.map(|part| scope.spawn(|| check(part))).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("no plan panics")).collect()
    })
}

fn plan(kafka: &Kafka, pools: &[KafkaNodePool]) -> Plan {
    plan_in(&World::default(), kafka, pools)
}

fn plan_in(world: &World, kafka: &Kafka, pools: &[KafkaNodePool]) -> Plan {
    plan_kafka(kafka, pools, world, &Settings::default(), NOW)
}

/// The world in which a cluster stands: some fields show only there, such as labels of claims.
fn standing(kafka: &Kafka, pools: &[KafkaNodePool]) -> World {
    let mut namespace = Namespace::default();
    namespace.converge(&mut kafka.clone(), &mut pools.to_vec());
    namespace.world
}

#[test]
fn no_field_of_a_kafka_is_ignored_in_silence() {
    let base = smallest();
    // The two forms of listeners are bases of their own.
    let mut by_kind = base.clone();
    by_kind.spec["kafka"]["listeners"] = json!({"plain": {}});
    let worlds = [World::default(), standing(&base, &[])];
    let plans = [&base, &by_kind].map(|kafka| worlds.each_ref().map(|world| plan_in(world, kafka, &[])));
    let silent = silent(Kind::Kafka, |leaf| {
        let form = usize::from(leaf.path.to_string().starts_with("spec.kafka.listeners."));
        leaf.samples.iter().any(|sample| {
            let mut kafka = [&base, &by_kind][form].clone();
            set(&mut kafka.spec, &leaf.path, sample.clone());
            let mut views = worlds.iter().zip(&plans[form]);
            views.any(|(world, base)| shows(&plan_in(world, &kafka, &[]), base, leaf))
        })
    });
    assert!(silent.is_empty(), "{} are ignored in silence:\n{}", silent.len(), silent.join("\n"));
}

#[test]
fn no_field_of_a_pool_is_ignored_in_silence() {
    let mut kafka = smallest();
    let part = kafka.spec["kafka"].as_object_mut().unwrap();
    part.remove("replicas");
    part.remove("storage");
    let spec = json!({"replicas": 1, "roles": ["controller", "broker"], "storage": {"type": "persistent-claim", "size": "1Gi"}});
    let mut base = KafkaNodePool::new("streams", "dual", spec);
    base.metadata.labels = Some([("strimzi.io/cluster".to_owned(), "my-cluster".to_owned())].into());
    let pools = std::slice::from_ref(&base);
    let worlds = [World::default(), standing(&kafka, pools)];
    let unchanged = worlds.each_ref().map(|world| plan_in(world, &kafka, pools));
    let silent = silent(Kind::KafkaNodePool, |leaf| {
        leaf.samples.iter().any(|sample| {
            let mut pool = base.clone();
            set(&mut pool.spec, &leaf.path, sample.clone());
            let mut views = worlds.iter().zip(&unchanged);
            views.any(|(world, unchanged)| shows(&plan_in(world, &kafka, std::slice::from_ref(&pool)), unchanged, leaf))
        })
    });
    assert!(silent.is_empty(), "{} are ignored in silence:\n{}", silent.len(), silent.join("\n"));
}

#[test]
fn no_field_of_a_topic_is_ignored_in_silence() {
    let base = KafkaTopic::new("streams", "my-topic", json!({"partitions": 1}));
    let unchanged = plan_topic(&base, &[], None, NOW);
    let silent = silent(Kind::KafkaTopic, |leaf| {
        leaf.samples.iter().any(|sample| {
            let mut topic = base.clone();
            set(&mut topic.spec, &leaf.path, sample.clone());
            let plan = plan_topic(&topic, &[], None, NOW);
            plan.commands != unchanged.commands || plan.topic != unchanged.topic
        })
    });
    assert!(silent.is_empty(), "{} are ignored in silence:\n{}", silent.len(), silent.join("\n"));
}

/// Every setting of a topic and of a broker either does something in our brokers or is named by a condition.
#[test]
fn no_setting_without_effect_is_taken_in_silence() {
    let names = ["7", "0.7", "true", "false", "uncompressed", "compact", "a:1", "x"];
    let other = |key: &Key| {
        let values =
            names.iter().copied().filter(|text| key.parse(text).is_ok_and(|value| value != key.default_value()));
        values.collect::<Vec<_>>().first().copied()
    };
    let mut judged = 0;
    for row in catalogue::broker_keys() {
        let base = |name: &str| catalogue::topic_key(name);
        let is_idle = |row: &Key| !matches!(row.honoured, Honoured::By(_));
        if let (true, Some(text)) = (is_idle(row), other(row)) {
            let kafka = support::with(&smallest(), "/kafka/config", json!({row.name: text}));
            let plan = plan(&kafka, &[]);
            let said = all_messages(&plan);
            let path = Path::root().field("spec").field("kafka").field("config").field(row.name).to_string();
            // Some values contradict another key's, which is then what the refusal begins with.
            let is_about = |message: &String| {
                message.starts_with(&path) || (plan.objects.is_empty() && message.contains(row.name))
            };
            assert!(said.iter().any(is_about), "{path}={text}: {said:#?}");
            judged += 1;
        }
        let topic_row = base(row.name).or_else(|| base(row.name.strip_prefix("log.").unwrap_or_default()));
        if let Some((row, text)) = topic_row.filter(|row| is_idle(row)).and_then(|row| Some((row, other(row)?))) {
            if row.name.ends_with("throttled.replicas") {
                continue;
            }
            let topic = KafkaTopic::new("streams", "my-topic", json!({"config": {row.name: text}}));
            let observed = ottla_plan::topics::ObservedTopic {
                id: ottla_vocabulary::Uuid::ONE,
                partitions: 1,
                replication_factor: 1,
                config: [(row.name.to_owned(), text.to_owned())].into(),
            };
            let said = messages(&plan_topic(&topic, &[], Some(&observed), NOW).status.unwrap());
            let path = Path::root().field("spec").field("config").field(row.name).to_string();
            assert!(said.iter().any(|message| message.starts_with(&path)), "{path}={text}: {said:#?}");
        }
    }
    assert!(50 < judged, "{judged} keys are not all");
}

#[test]
fn values_and_limits_that_brokers_do_not_act_on_are_named() {
    let kafka =
        support::with(&smallest(), "/kafka/config", json!({"log.cleanup.policy": "compact", "max.connections": 5}));
    let mut kafka = kafka;
    kafka.spec["kafka"]["listeners"][0]["configuration"] = json!({"maxConnections": 9, "maxConnectionCreationRate": 7});
    let said = messages(&plan(&kafka, &[]).status);
    let is_said = |path: &str| said.iter().any(|message| message.starts_with(path));
    assert!(is_said("spec.kafka.config[\"log.cleanup.policy\"] has no effect yet as to compact"), "{said:#?}");
    assert!(is_said("spec.kafka.listeners[0].configuration.maxConnectionCreationRate has no effect yet"), "{said:#?}");
    assert!(!said.iter().any(|message| message.contains("maxConnections ") || message.contains("max.connections")));
    kafka.spec["kafka"]["listeners"][0]["configuration"] = json!({"maxConnections": -1});
    let refused = plan(&kafka, &[]);
    assert!(refused.objects.is_empty());
    let path = "spec.kafka.listeners[0].configuration.maxConnections is refused by brokers";
    assert!(messages(&refused.status).iter().any(|message| message.starts_with(path)), "{:#}", refused.status);
}

/// What a user asks for in the name of security is either given or nothing is opened.
#[test]
fn security_fails_closed() {
    let base = smallest();
    let closed = |kafka: &Kafka, path: &str| {
        let plan = plan(kafka, &[]);
        let text = plan.objects.iter().find(|object| object.key.to_string() == "ConfigMap my-cluster-kafka-config");
        let text = text.unwrap().body["data"]["my-cluster-kafka-0.properties"].as_str().unwrap().to_owned();
        let listeners = text.lines().find(|line| line.starts_with("listeners=")).unwrap().to_owned();
        assert_eq!(
            listeners, "listeners=CONTROLPLANE-9090://127.0.0.1:9090,REPLICATION-9091://127.0.0.1:9091",
            "{path}"
        );
        assert!(messages(&plan.status).iter().any(|message| message.contains(path)), "{path}: {:#}", plan.status);
        assert_eq!(support::state(&plan.status), "NotReady ListenerNotOpened");
        assert_eq!(plan.operator_bootstrap, None);
    };
    let mut kafka = base.clone();
    kafka.spec["kafka"]["listeners"][0]["tls"] = json!(true);
    closed(&kafka, "spec.kafka.listeners[0].tls");
    let mut kafka = base.clone();
    kafka.spec["kafka"]["listeners"][0]["authentication"] = json!({"type": "scram-sha-512"});
    closed(&kafka, "spec.kafka.listeners[0].authentication");
    let mut kafka = base.clone();
    kafka.spec["kafka"]["authorization"] = json!({"type": "simple"});
    closed(&kafka, "spec.kafka.authorization");
    let mut kafka = base.clone();
    kafka.spec["kafka"]["listeners"][0]["type"] = json!("nodeport");
    closed(&kafka, "spec.kafka.listeners[0].type");
    for (name, path) in [("tls", "spec.kafka.listeners.tls.tls"), ("external", "spec.kafka.listeners.external.type")] {
        let mut kafka = base.clone();
        kafka.spec["kafka"]["listeners"] = json!({name: {"type": "route"}});
        if name == "tls" {
            kafka.spec["kafka"]["listeners"] = json!({"tls": {}});
        }
        closed(&kafka, path);
    }
}

/// What was meant to guard a listener and is not understood leaves nothing open: nothing is built, and what runs stays.
#[test]
fn what_is_not_understood_of_a_listener_opens_nothing() {
    let list = |more: &Value| {
        let mut kafka = smallest();
        let listener = kafka.spec["kafka"]["listeners"][0].as_object_mut().unwrap();
        listener.extend(more.as_object().unwrap().clone());
        kafka
    };
    let by_kind = |more: &Value| {
        let mut kafka = smallest();
        kafka.spec["kafka"]["listeners"] = json!({"plain": more});
        kafka
    };
    let peers = |peer: Value| json!({"networkPolicyPeers": [{"podSelector": {}}, peer]});
    for (field, complaint) in [
        (
            json!({"authentcation": {"type": "scram-sha-512"}}),
            ".authentcation is not a field of Kafka: did you mean authentication?",
        ),
        (
            json!({"Authentication": {"type": "tls"}}),
            ".Authentication is not a field of Kafka: did you mean authentication?",
        ),
        (json!({"tls2": true}), ".tls2 is not a field of Kafka"),
        (
            json!({"networkPolicyPeer": []}),
            ".networkPolicyPeer is not a field of Kafka: did you mean networkPolicyPeers?",
        ),
        (
            peers(json!({"podSelector": {"matchLabel": {"app": "x"}}})),
            ".networkPolicyPeers[1].podSelector.matchLabel is not a field of Kafka: did you mean matchLabels?",
        ),
        (peers(json!({})), ".networkPolicyPeers[1] names nobody"),
        (peers(json!({"podSelector": null})), ".networkPolicyPeers[1] names nobody"),
        (peers(json!({"ipBlock": {}})), ".networkPolicyPeers[1] has an ipBlock without a cidr"),
        (
            peers(json!({"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}})),
            ".networkPolicyPeers[1] has an ipBlock beside",
        ),
        (
            peers(json!({"podSelector": {"matchLabels": {"app": null}}})),
            ".networkPolicyPeers[1] is no peer of a network policy",
        ),
    ] {
        for (kafka, place) in
            [(list(&field), "spec.kafka.listeners[0]"), (by_kind(&field), "spec.kafka.listeners.plain")]
        {
            let plan = plan(&kafka, &[]);
            assert!(plan.actions.is_empty() && plan.objects.is_empty(), "{field}");
            assert_eq!(support::state(&plan.status), "NotReady InvalidResourceException", "{field}");
            let complaint = format!("{place}{complaint}");
            let said = messages(&plan.status);
            assert!(said.iter().any(|message| message.starts_with(&complaint)), "{complaint}: {said:#?}");
        }
    }
    let mut kafka = smallest();
    kafka.spec["kafka"]["authorisation"] = json!({"type": "simple"});
    let refused = plan(&kafka, &[]);
    assert!(refused.objects.is_empty());
    assert_eq!(
        messages(&refused.status),
        ["spec.kafka.authorisation is not a field of Kafka: did you mean authorization?"]
    );
}
