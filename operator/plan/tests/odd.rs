//! The law that no resource stops the operator for everybody: whatever stands anywhere in it, a plan comes out.

mod support;

use std::collections::BTreeSet;

use ottla_crds::{Kafka, KafkaNodePool, KafkaTopic, Kind, Path, Step};
use ottla_plan::topics::plan_topic;
use ottla_plan::{Object, Settings, World, plan_kafka};
use serde_json::{Value, json};
use support::{NOW, Namespace, messages, pool, pooled, set, smallest, state};

/// What no schema of ours asks for, and what the largest types of ours cannot hold.
fn odd_values() -> Vec<Value> {
    let numbers = [i64::MIN, -1, 0, 9404, 65_536, 2_147_483_648, i64::MAX].map(Value::from);
    let others = [
        json!(u64::MAX),
        json!(1e300),
        json!(-0.5),
        json!(null),
        json!([]),
        json!([null, {}, [], 2_147_483_648_i64]),
        json!({}),
        json!({"": {"a": [null]}}),
        json!(""),
        json!("[2147483647]\u{0}\n\\u{{}}\u{1F980}"),
        json!("x".repeat(10_000)),
        json!(true),
    ];
    numbers.into_iter().chain(others).collect()
}

/// Every place of a kind's spec: leaves, and the sections that they are in.
fn places(kind: Kind) -> Vec<Path> {
    let mut places = BTreeSet::new();
    for leaf in kind.schema().leaves().into_iter().filter(|leaf| leaf.path.steps()[0] == Step::Field("spec".into())) {
        let mut path = Path::root();
        for step in leaf.path.steps() {
            path = match step {
                Step::Field(name) => path.field(name),
                Step::Element(index) => path.element(*index),
            };
            places.insert(path.clone());
        }
    }
    places.into_iter().collect()
}

/// Runs a check for every place of a kind with odd values there, on all cores. The sections of what is not built are many
/// and are read by nobody, so there the values take turns.
fn everywhere(kind: Kind, check: impl Fn(&Path, Value) + Sync) {
    const UNBUILT: [&str; 4] = ["spec.zookeeper", "spec.cruiseControl", "spec.kafkaExporter", "spec.jmxTrans"];
    let is_unbuilt = |text: &str| UNBUILT.iter().any(|section| text.starts_with(section));
    let cases: Vec<(Path, Value)> = places(kind)
        .into_iter()
        .enumerate()
        .flat_map(|(place, path)| {
            let (values, text) = (odd_values(), path.to_string());
            let step = if is_unbuilt(&text) || text.contains(".template.") { values.len() / 4 } else { 1 };
            let values = values.into_iter().skip(if step == 1 { 0 } else { place % step }).step_by(step);
            values.map(move |value| (path.clone(), value))
        })
        .collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for part in cases.chunks(cases.len().div_ceil(threads)) {
            scope.spawn(|| part.iter().for_each(|(path, value)| check(path, value.clone())));
        }
    });
}

#[test]
fn no_value_in_a_kafka_stops_the_operator() {
    let bases = [json!(smallest().spec["kafka"]["listeners"]), json!({"plain": {}})];
    everywhere(Kind::Kafka, |path, value| {
        let mut kafka = smallest();
        kafka.spec["kafka"]["listeners"] =
            bases[usize::from(path.to_string().starts_with("spec.kafka.listeners."))].clone();
        set(&mut kafka.spec, path, value);
        plan_kafka(&kafka, &[], &World::default(), &Settings::default(), NOW);
    });
}

#[test]
fn no_value_in_a_pool_stops_the_operator() {
    everywhere(Kind::KafkaNodePool, |path, value| {
        let mut pools = [pool("dual", 1, &json!(["controller", "broker"])), pool("more", 1, &json!(["broker"]))];
        set(&mut pools[0].spec, path, value.clone());
        set(&mut pools[1].spec, path, value);
        plan_kafka(&pooled(), &pools, &World::default(), &Settings::default(), NOW);
    });
}

#[test]
fn no_value_in_a_topic_stops_the_operator() {
    everywhere(Kind::KafkaTopic, |path, value| {
        for spec in [json!({"partitions": 1}), json!({"partitions": 1, "config": {"retention.ms": value}})] {
            let mut topic = KafkaTopic::new("streams", "my-topic", spec);
            plan_topic(&topic, &[], None, NOW);
            set(&mut topic.spec, path, value.clone());
            plan_topic(&topic, &[], None, NOW);
        }
    });
}

/// Whoever may write to a namespace may write what they like into the objects there.
#[test]
fn no_value_in_what_stands_stops_the_operator() {
    fn pointers(value: &Value, pointer: &str, all: &mut Vec<String>) {
        let below: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields.iter().map(|(key, value)| (key.replace('/', "~1"), value)).collect(),
            Value::Array(elements) => elements.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (key, value) in below {
            let pointer = format!("{pointer}/{key}");
            pointers(value, &pointer, all);
            all.push(pointer);
        }
    }
    let mut namespace = Namespace::default();
    namespace.converge(&mut smallest(), &mut []);
    let ids = ["{\"a\":2147483647}", "{\"a\":-1}", "{\"volumes\":[],\"metadata\":0}"].map(Value::from);
    let values: Vec<Value> = odd_values().into_iter().chain(ids).collect();
    let objects: Vec<_> = namespace.world.iter().map(|(key, body)| (key.clone(), body.clone())).collect();
    let mut planned = 0;
    for (key, body) in objects {
        let mut places = Vec::new();
        pointers(&body, "", &mut places);
        for (at, place) in places.iter().enumerate() {
            // What we read of an object is in its metadata and in numbers; elsewhere the values take turns.
            let step = if place.contains("annotations") || place.contains("replicas") { 1 } else { 7 };
            for value in values.iter().skip(at % step).step_by(step) {
                let mut odd = body.clone();
                *odd.pointer_mut(place).unwrap() = value.clone();
                let mut world = namespace.world.clone();
                world.insert(Object { key: key.clone(), body: odd });
                plan_kafka(&smallest(), &[], &world, &Settings::default(), NOW);
                planned += 1;
            }
        }
    }
    assert!(1000 < planned, "{planned} worlds are not all");
}

#[test]
fn a_port_that_is_none_is_refused_with_its_bounds() {
    for (port, why) in [
        (json!(2_147_483_648_i64), "must be a whole number from 9092 to 65535, and is 2147483648"),
        (json!(65_536), "must be a whole number from 9092 to 65535, and is 65536"),
        (json!(9999), "must be from 9092 to 65535, and neither 9404 nor 9999, and is 9999"),
    ] {
        let mut kafka: Kafka = smallest();
        kafka.spec["kafka"]["listeners"][0]["port"] = port;
        let plan = plan_kafka(&kafka, &[] as &[KafkaNodePool], &World::default(), &Settings::default(), NOW);
        assert!(plan.actions.is_empty() && plan.objects.is_empty(), "{why}");
        assert_eq!(state(&plan.status), "NotReady InvalidResourceException");
        assert_eq!(messages(&plan.status), [format!("spec.kafka.listeners[0].port {why}")]);
    }
}

#[test]
fn numbers_of_nodes_and_ids_stop_at_what_a_node_id_can_be() {
    let plan = |pools: &[KafkaNodePool]| plan_kafka(&pooled(), pools, &World::default(), &Settings::default(), NOW);
    let pools = ["a", "b"].map(|name| pool(name, i64::MAX, &json!(["controller", "broker"])));
    let most = plan(&pools);
    assert_eq!(state(&most.status), "NotReady NotSupported", "{:#}", most.status);
    for (ids, node) in [("[2147483647]", 0), ("[2147483646]", 2_147_483_646), ("[-1]", 0), ("[5-2147483647]", 0)] {
        let mut one = pool("a", 1, &json!(["controller", "broker"]));
        one.metadata.annotations = Some([("strimzi.io/next-node-ids".to_owned(), ids.to_owned())].into());
        let plan = plan(&[one]);
        assert_eq!(plan.pool_statuses["a"]["nodeIds"], json!([node]), "{ids}");
        let is_said = messages(&plan.pool_statuses["a"]).iter().any(|message| message.contains(ids));
        assert_eq!(is_said, node == 0, "{ids}: {:#}", plan.pool_statuses["a"]);
    }
}
