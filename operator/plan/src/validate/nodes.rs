//! Pools and nodes: which pools belong to a cluster, which ids and ordinals their nodes have, and whether so many nodes can
//! be run.
//!
//! A cluster without pools is one pool named `kafka` in both roles. A pod's ordinal is its node's id; the pods of a pool
//! have consecutive ordinals, as stateful sets count, so a pool takes the first free run of ids that is long enough.

use std::collections::BTreeSet;

use ottla_crds::{Kafka, KafkaNodePool};
use ottla_vocabulary::NodeId;
use serde_json::Value;

use super::{inherited, storage, template, unread};
use crate::document::{Document, Place};
use crate::finding::{Findings, Reason, Subject};
use crate::model::{Node, Pool};
use crate::names;
use crate::object::ObjectKind;
use crate::settings::Settings;
use crate::world::{self, World};

/// How many nodes a cluster may have: a broker and the controller of its metadata in one process.
const NODES_MAX: i64 = 1;

/// More nodes than any pool has; a range of all numbers must not fill memory.
const IDS_MAX: usize = 1000;

/// The pools of a cluster among all that are given, in the order of their names.
pub(crate) fn pools_of<'a>(kafka: &Kafka, pools: &'a [KafkaNodePool]) -> Vec<&'a KafkaNodePool> {
    let is_of = |pool: &&KafkaNodePool| {
        pool.label(names::CLUSTER) == Some(kafka.name())
            && pool.namespace() == kafka.namespace()
            && pool.metadata.deletion_timestamp.is_none()
    };
    let mut pools: Vec<&KafkaNodePool> = pools.iter().filter(is_of).collect();
    pools.sort_by_key(|pool| pool.name());
    pools
}

/// How many brokers are asked for, whether or not so many can be run.
pub(super) fn broker_count(part: &Place<'_>, pools: &[&KafkaNodePool]) -> usize {
    let count = match pools {
        [] => part.field("replicas").peek().and_then(Value::as_i64).unwrap_or(0),
        pools => total(pools.iter().copied().filter(|pool| has_role(pool, "broker"))),
    };
    usize::try_from(count).unwrap_or(0)
}

/// Names of objects and values of labels are made of the names of a cluster and its pools, and have to fit.
pub(super) fn check_names(cluster: &str, pools: &[&KafkaNodePool], findings: &mut Findings) -> bool {
    /// A service's name has 63 characters, and the longest ends in `-kafka-bootstrap`.
    const CLUSTER_LENGTH_MAX: usize = 63 - "-kafka-bootstrap".len();
    /// A stateful set's name with a hash of eleven behind it is the value of a label.
    const POOL_LENGTH_MAX: usize = 52;
    let is_inner = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let mut refuse =
        |subject: Subject, why: String| findings.refuse(&subject, &super::field(&["metadata", "name"]), why);
    let mut is_right = true;
    if CLUSTER_LENGTH_MAX < cluster.len() {
        refuse(Subject::Kafka, format!("is {cluster}, and may have {CLUSTER_LENGTH_MAX} characters"));
        is_right = false;
    }
    if !cluster.chars().all(is_inner) || !cluster.starts_with(|letter: char| letter.is_ascii_lowercase()) {
        refuse(
            Subject::Kafka,
            format!("is {cluster}, and services are named after it: a letter, then letters, digits and -"),
        );
        is_right = false;
    }
    for pool in pools {
        let name = names::pool(cluster, pool.name());
        if POOL_LENGTH_MAX < name.len() || !name.chars().all(is_inner) {
            let why = format!(
                "of KafkaNodePool {} makes the name {name}, which may have {POOL_LENGTH_MAX} letters, digits and -",
                pool.name()
            );
            refuse(Subject::Pool(pool.name().to_owned()), why);
            is_right = false;
        }
    }
    is_right
}

/// A cluster whose nodes are left to pools waits for the first: manifests are applied one by one, and those of the age
/// when pools were new carry replicas and storage beside, of which nodes of another name would be made.
pub(super) fn check_pools(kafka: &Kafka, pools: &[&KafkaNodePool], findings: &mut Findings) -> bool {
    let is_right = !pools.is_empty() || kafka.annotation(names::NODE_POOLS) != Some("enabled");
    if !is_right {
        let message =
            format!("the annotation {} is enabled, and the cluster has no KafkaNodePool yet", names::NODE_POOLS);
        findings.refuse_as(&Subject::Kafka, Reason::InvalidResource, message);
    }
    is_right
}

/// Reads the nodes of a cluster.
pub(super) fn read(
    kafka: &Kafka,
    pools: &[&KafkaNodePool],
    part: &Place<'_>,
    world: &World,
    settings: &Settings,
    findings: &mut Findings,
) -> Vec<Pool> {
    let ours = |kind| world.of_kind(kind).filter(|(_, body)| world::is_marked_ours(body, kafka.name()));
    let mut taken: BTreeSet<i32> = ours(ObjectKind::ConfigMap).flat_map(|(_, config)| bound_ids(config)).collect();
    taken.extend(ours(ObjectKind::StatefulSet).flat_map(|(_, set)| made_ids(set)));
    if pools.is_empty() {
        return vec![read_virtual(kafka, part, &mut taken, world, settings, findings)];
    }
    let read = pools.iter().map(|pool| read_pool(kafka, pool, part, &mut taken, world, settings, findings)).collect();
    check_count(pools, findings);
    read
}

fn read_virtual(
    kafka: &Kafka,
    part: &Place<'_>,
    taken: &mut BTreeSet<i32>,
    world: &World,
    settings: &Settings,
    findings: &mut Findings,
) -> Pool {
    let subject = Subject::Kafka;
    let (replicas, storage_place) = (part.field("replicas"), part.field("storage"));
    for place in [&replicas, &storage_place] {
        if !place.is_present() {
            findings.refuse(
                &subject,
                place.path(),
                "is missing, and the cluster has no KafkaNodePool that would say it",
            );
        }
    }
    let count = replicas.whole().unwrap_or(0);
    if NODES_MAX < count {
        let message = format!("{} is {count}: clusters of more than one node are not built yet", replicas.path());
        findings.refuse_as(&subject, Reason::NotSupported, message);
    }
    let storage = storage::read(&storage_place, &subject, world, kafka.name(), names::VIRTUAL_POOL, findings);
    let template = part.field("template");
    let pool = Pool {
        name: names::VIRTUAL_POOL.to_owned(),
        inherited_labels: inherited(&kafka.metadata, settings),
        is_broker: true,
        is_controller: true,
        nodes: nodes(kafka.name(), names::VIRTUAL_POOL, count.min(NODES_MAX), &[], taken, world),
        storage: storage.unwrap_or_else(storage::none),
        resources: template::resources(&part.field("resources"), &subject, findings),
        templates: template::of_pool(&template, None, part, &subject, findings),
    };
    storage::warn_of_larger(&pool, &storage_place, &subject, world, findings);
    pool
}

fn read_pool(
    kafka: &Kafka,
    resource: &KafkaNodePool,
    part: &Place<'_>,
    taken: &mut BTreeSet<i32>,
    world: &World,
    settings: &Settings,
    findings: &mut Findings,
) -> Pool {
    let name = resource.name();
    let subject = Subject::Pool(name.to_owned());
    let document = Document::new("spec", &resource.spec);
    let spec = document.place();
    let roles: Vec<&str> = spec.field("roles").elements().iter().filter_map(Place::text).collect();
    if roles.is_empty() {
        findings.refuse(&subject, spec.field("roles").path(), "names no role");
    }
    let count = spec.field("replicas").whole().unwrap_or(0);
    let storage = storage::read(&spec.field("storage"), &subject, world, kafka.name(), name, findings);
    let wanted_ids = next_ids(resource, &subject, findings);
    let mut labels = inherited(&kafka.metadata, settings);
    labels.extend(inherited(&resource.metadata, settings));
    let pool = Pool {
        name: name.to_owned(),
        inherited_labels: labels,
        is_broker: roles.contains(&"broker"),
        is_controller: roles.contains(&"controller"),
        nodes: nodes(kafka.name(), name, count.min(NODES_MAX), &wanted_ids, taken, world),
        storage: storage.unwrap_or_else(storage::none),
        resources: template::resources(&spec.field("resources"), &subject, findings),
        templates: template::of_pool(
            &part.field("template"),
            Some(&spec.field("template").enter()),
            part,
            &subject,
            findings,
        ),
    };
    storage::warn_of_larger(&pool, &spec.field("storage"), &subject, world, findings);
    unread::report(&document, &subject, findings);
    pool
}

/// One node in both roles is what a process of ours can be so far; anything else is named where it is asked for.
fn check_count(pools: &[&KafkaNodePool], findings: &mut Findings) {
    let total = total(pools.iter().copied());
    for role in ["broker", "controller"] {
        if !pools.iter().any(|pool| has_role(pool, role) && 0 < replicas(pool)) {
            let message = format!("no KafkaNodePool has a node with the role {role}, by spec.roles and spec.replicas");
            findings.refuse_as(&Subject::Kafka, Reason::InvalidResource, message);
        }
    }
    if total <= NODES_MAX {
        return;
    }
    for pool in pools.iter().filter(|pool| 0 < replicas(pool)) {
        let message = format!(
            "spec.replicas of KafkaNodePool {} is {}, and the cluster has {total} nodes: clusters of more than one node are not built yet",
            pool.name(),
            replicas(pool)
        );
        findings.refuse_as(&Subject::Pool(pool.name().to_owned()), Reason::NotSupported, message);
    }
}

/// How many nodes pools ask for. Each may ask for as many as a number holds, so the sum stops there.
fn total<'a>(pools: impl Iterator<Item = &'a KafkaNodePool>) -> i64 {
    pools.map(replicas).fold(0, i64::saturating_add)
}

fn replicas(pool: &KafkaNodePool) -> i64 {
    pool.spec["replicas"].as_i64().unwrap_or(0)
}

fn has_role(pool: &KafkaNodePool, role: &str) -> bool {
    pool.spec["roles"].as_array().is_some_and(|roles| roles.iter().any(|name| name == role))
}

/// The nodes of a pool: those that it has, and further ones with the first free ids.
fn nodes(cluster: &str, pool: &str, count: i64, wanted: &[i32], taken: &mut BTreeSet<i32>, world: &World) -> Vec<Node> {
    let named = |kind, name: &str| world.named(kind, name).filter(|body| world::is_marked_ours(body, cluster));
    let mut present =
        named(ObjectKind::ConfigMap, &names::pool_config(cluster, pool)).map(bound_ids).unwrap_or_default();
    if present.is_empty() {
        // Somebody deleted the configuration, and the nodes are there all the same.
        present = named(ObjectKind::StatefulSet, &names::pool(cluster, pool)).map(made_ids).unwrap_or_default();
    }
    let count = i32::try_from(count).unwrap_or(0);
    let run = |start: i32| start..start.saturating_add(count);
    let is_free = |id: i32| present.contains(&id) || !taken.contains(&id);
    let fits = |start: i32| start <= i32::MAX - count && run(start).all(is_free);
    // What a pool has, it keeps: a run of ids begins where its present one does.
    let start = match present.first() {
        Some(first) => *first,
        None => wanted.iter().copied().chain(0..).find(|start| fits(*start)).unwrap_or(0),
    };
    let ids = run(start);
    taken.extend(ids.clone());
    ids.map(|id| Node { id: NodeId(id), ordinal: id, pod: names::pod(cluster, pool, id) }).collect()
}

/// The ids that a pool's configuration binds to pods.
fn bound_ids(config: &Value) -> BTreeSet<i32> {
    let bound = world::annotation(config, names::NODE_IDS).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let ids = bound.as_ref().and_then(Value::as_object).into_iter().flatten();
    ids.filter_map(|(_, id)| i32::try_from(id.as_i64()?).ok().filter(|id| 0 <= *id)).collect()
}

/// The ids of the pods that a stateful set makes: their ordinals.
fn made_ids(set: &Value) -> BTreeSet<i32> {
    let number =
        |value: &Value| value.as_i64().and_then(|number| i32::try_from(number).ok()).filter(|number| 0 <= *number);
    let start = number(&set["spec"]["ordinals"]["start"]).unwrap_or(0);
    let count = number(&set["spec"]["replicas"]).unwrap_or(0);
    (start..start.saturating_add(count)).take(IDS_MAX).collect()
}

/// The ids that a pool's annotation asks for, such as `[0, 1, 10-15]`.
fn next_ids(pool: &KafkaNodePool, subject: &Subject, findings: &mut Findings) -> Vec<i32> {
    let Some(text) = pool.annotation(names::NEXT_NODE_IDS) else { return Vec::new() };
    let inner = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    // A run of ids that begins here has to end within what a node id can be.
    let last = i32::MAX.saturating_sub(i32::try_from(replicas(pool)).unwrap_or(i32::MAX));
    let number = |text: &str| text.trim().parse::<i32>().ok().filter(|id| (0..=last).contains(id));
    let range = |part: &str| match part.split_once('-') {
        Some((first, last)) => Some(number(first)?..=number(last)?),
        None => number(part).map(|id| id..=id),
    };
    let ranges: Option<Vec<_>> = inner.map(|inner| inner.split(',').map(range).collect()).unwrap_or_default();
    match ranges {
        Some(ranges) => ranges.into_iter().flatten().take(IDS_MAX).collect(),
        None => {
            let message = format!(
                "the annotation {} of KafkaNodePool {} is {text}: a list such as [0, 1, 10-15] of ids up to {last} is right",
                names::NEXT_NODE_IDS,
                pool.name()
            );
            findings.warn(subject, Reason::InvalidAnnotation, message);
            Vec::new()
        }
    }
}
