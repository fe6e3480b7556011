//! The law that nothing is ignored in silence: every leaf of the schema, set by itself, changes the plan or is named by a
//! condition.

mod support;

use ottla_crds::{Kafka, KafkaNodePool, Kind, Leaf, Path, Step};
use ottla_plan::{Plan, Settings, World, plan_kafka};
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

/// Whether a plan shows that something was wanted that the base did not want.
fn shows(plan: &Plan, base: &Plan, leaf: &Leaf) -> bool {
    let has_changed = !plan.objects.is_empty()
        && (plan.objects != base.objects
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
    assert!(70 < leaves.len(), "{} leaves are no whole schema", leaves.len());
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
