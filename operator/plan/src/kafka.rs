//! From a Kafka resource, its pools and the world to the [`Plan`]: validate, render, inspect, compare, decide the next
//! restart, report. This is the order in which everything else in this crate is used.

use ottla_crds::{Kafka, KafkaNodePool};
use ottla_vocabulary::Timestamp;

use crate::difference;
use crate::finding::{Findings, Reason, Subject};
use crate::inspect::inspect;
use crate::model::Cluster;
use crate::names;
use crate::object::{Object, ObjectKey, ObjectKind};
use crate::ownership;
use crate::plan::{Action, Plan, Wait};
use crate::render;
use crate::roll;
use crate::settings::Settings;
use crate::status::{self, Report};
use crate::validate;
use crate::world::{self, World};

/// How many nodes that would be removed are named. Whoever scales a stateful set by hand may write any number, and a
/// status has to stay readable.
const REMOVED_NAMED_MAX: usize = 10;

/// Plans for one Kafka resource. `pools` may hold the pools of other clusters too.
pub fn plan_kafka(kafka: &Kafka, pools: &[KafkaNodePool], world: &World, settings: &Settings, now: Timestamp) -> Plan {
    let pools = validate::pools_of(kafka, pools);
    if kafka.annotation(names::PAUSE) == Some("true") {
        return Plan { status: status::paused(kafka, now), ..Plan::default() };
    }
    let (cluster, mut findings) = validate::validate(kafka, &pools, world, settings);
    // Run in full even after a refusal, so that everything that is wrong is said at once.
    let (objects, mut actions, mut waits) = match &cluster {
        Some(cluster) => decide(kafka, cluster, world, settings, &mut findings),
        None => Default::default(),
    };
    if !findings.refusals.is_empty() {
        // What runs goes on as it is.
        actions.clear();
        waits.clear();
    }
    let cluster = cluster.filter(|_| findings.refusals.is_empty());
    let report = Report {
        kafka,
        cluster: cluster.as_ref(),
        findings: &findings,
        waits: &waits,
        has_actions: !actions.is_empty(),
        operator_version: &settings.operator_version,
        now,
    };
    let status = status::of_kafka(&report);
    let pool_statuses = status::of_pools(&report, &pools);
    let open = cluster.as_ref().filter(|cluster| cluster.is_open());
    Plan {
        objects: if cluster.is_some() { objects } else { Vec::new() },
        actions,
        waits,
        status,
        pool_statuses,
        operator_bootstrap: open.map(operator_bootstrap),
        topics: cluster.and_then(|cluster| cluster.topics),
    }
}

/// The keys that the shell asks for by name before it plans, given the world that it has listed by the cluster's label so
/// far: what stands under them without being ours stops the plan, with or without the label. A Kubernetes need not know
/// `ObjectKind::StrimziPodSet`.
pub fn expected(kafka: &Kafka, pools: &[KafkaNodePool], listed: &World, settings: &Settings) -> Vec<ObjectKey> {
    let pools = validate::pools_of(kafka, pools);
    let names: Vec<&str> =
        if pools.is_empty() { vec![names::VIRTUAL_POOL] } else { pools.iter().map(|pool| pool.name()).collect() };
    let mut keys = ownership::expected(kafka.name(), &names);
    // The names of nodes follow from their ids, which follow from what is listed.
    let (cluster, _) = validate::validate(kafka, &pools, listed, settings);
    keys.extend(cluster.iter().flat_map(ownership::of_nodes));
    keys
}

fn decide(
    kafka: &Kafka,
    cluster: &Cluster,
    world: &World,
    settings: &Settings,
    findings: &mut Findings,
) -> (Vec<Object>, Vec<Action>, Vec<Wait>) {
    refuse_foreign(kafka, cluster, world, findings);
    refuse_removal(cluster, world, findings);
    for (pool, node) in cluster.pools.iter().filter_map(|pool| Some((pool, pool.nodes.first()?))) {
        let text = render::properties_of_node(cluster, pool, node);
        validate::judge(&text, &kafka.spec["kafka"]["config"], findings);
    }
    let objects = render::objects(cluster, world, settings);
    for fault in inspect(&objects) {
        findings.refuse_as(&Subject::Kafka, Reason::InvalidResource, fault);
    }
    let stateful_sets: Vec<&Object> =
        objects.iter().filter(|object| object.key.kind == ObjectKind::StatefulSet).collect();
    let changes = difference::changes(&objects, world);
    let (mut actions, mut waits) = (changes.actions, changes.waits);
    actions.extend(difference::prune(&objects, &cluster.name, &cluster.owner.uid, world));
    actions.extend(roll::hand_on_requests(cluster, &stateful_sets, world));
    // Nodes are restarted from what stands; so first everything has to stand.
    let roll = roll::decide_step(cluster, &stateful_sets, world);
    if actions.is_empty() && waits.is_empty() {
        actions.extend(roll.step);
        waits.extend(roll.waits);
    } else {
        let is_of_pod = |wait: &Wait| !matches!(wait, Wait::StatefulSetObserved(_));
        waits.extend(roll.waits.into_iter().filter(is_of_pod));
    }
    (objects, actions, waits)
}

/// Two operators over one set of nodes would be worse than none.
fn refuse_foreign(kafka: &Kafka, cluster: &Cluster, world: &World, findings: &mut Findings) {
    // Whoever brings an authority of their own makes its Secrets themselves.
    let is_brought = |authority: &str| kafka.spec[authority]["generateCertificateAuthority"] == false;
    let brought = [("clusterCa", "cluster-ca"), ("clientsCa", "clients-ca")];
    let brought = brought.into_iter().filter(|(authority, _)| is_brought(authority));
    let secrets: Vec<String> =
        brought.flat_map(|(_, secret)| ["", "-cert"].map(|part| format!("{}-{secret}{part}", kafka.name()))).collect();
    for key in ownership::foreign(cluster, &secrets, world) {
        let message =
            format!("{key} exists and is not of this resource's making: nothing is changed while it is there");
        findings.refuse_as(&Subject::Kafka, Reason::ForeignObject, message);
    }
}

/// Nodes hold data. None is removed until moving it away is built.
fn refuse_removal(cluster: &Cluster, world: &World, findings: &mut Findings) {
    let wanted: Vec<&str> =
        cluster.pools.iter().flat_map(|pool| pool.nodes.iter().map(|node| node.pod.as_str())).collect();
    for (name, body) in world.of_kind(ObjectKind::StatefulSet) {
        if !world::is_owned_by(body, &cluster.owner.uid) {
            continue;
        }
        let start = body["spec"]["ordinals"]["start"].as_i64().unwrap_or(0);
        let count = body["spec"]["replicas"].as_i64().unwrap_or(0);
        let pods = (start..start.saturating_add(count)).map(|ordinal| format!("{name}-{ordinal}"));
        for pod in pods.filter(|pod| !wanted.contains(&pod.as_str())).take(REMOVED_NAMED_MAX) {
            let message = format!("node {pod} would be removed with its data: removing nodes is not built yet");
            findings.refuse_as(&Subject::Kafka, Reason::NotSupported, message);
        }
    }
}

fn operator_bootstrap(cluster: &Cluster) -> String {
    let service = names::bootstrap_service(&cluster.name);
    format!("{service}.{}.svc:{}", cluster.namespace, names::REPLICATION_PORT)
}
