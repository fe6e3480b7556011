//! The status of a Kafka resource and of its pools, from what was found, what is planned and what is awaited.
//!
//! Scripts wait for `Ready` with `observedGeneration` equal to the generation, so both are only said together of a cluster
//! on which nothing is left to be done.

use std::collections::BTreeMap;

use k8s_openapi::jiff;
use ottla_crds::{Kafka, KafkaNodePool};
use ottla_vocabulary::Timestamp;
use serde_json::{Map, Value, json};

use crate::finding::{Finding, Findings, Reason, Subject};
use crate::model::{Cluster, Pool};
use crate::names;
use crate::plan::Wait;
use crate::validate::{KAFKA_VERSION, METADATA_VERSION};

/// What a status is made from.
pub(crate) struct Report<'a> {
    /// The resource, with its last status.
    pub(crate) kafka: &'a Kafka,
    /// The checked cluster, where there is one.
    pub(crate) cluster: Option<&'a Cluster>,
    /// What was found.
    pub(crate) findings: &'a Findings,
    /// What is awaited.
    pub(crate) waits: &'a [Wait],
    /// Whether anything is to be done.
    pub(crate) has_actions: bool,
    /// The operator's version.
    pub(crate) operator_version: &'a str,
    /// The time of changed conditions.
    pub(crate) now: Timestamp,
}

/// The state of a resource, before it is written as a condition.
struct State {
    is_ready: bool,
    reason: String,
    message: String,
}

/// The status of the Kafka resource.
pub(crate) fn of_kafka(report: &Report<'_>) -> Value {
    let old = &report.kafka.status;
    let mut status = old.as_object().cloned().unwrap_or_default();
    let state = state(report);
    let keeps_generation = state.is_ready && report.has_actions;
    let mut conditions = vec![state_condition(&state)];
    let of_warnings = warnings(&report.findings.warnings, &Subject::Kafka);
    // What makes the cluster unready needs no warning beside.
    conditions.extend(of_warnings.into_iter().filter(|warning| warning["reason"] != json!(state.reason)));
    if !keeps_generation {
        status.insert("observedGeneration".to_owned(), json!(report.kafka.metadata.generation.unwrap_or(0)));
    }
    if let Some(cluster) = report.cluster {
        describe(cluster, report, &mut status);
        if state.is_ready && !report.has_actions {
            status.insert("operatorLastSuccessfulVersion".to_owned(), json!(report.operator_version));
        }
    }
    status.insert("conditions".to_owned(), dated(conditions, old, report.now));
    Value::Object(status)
}

/// The statuses of the pools, by name.
pub(crate) fn of_pools(report: &Report<'_>, pools: &[&KafkaNodePool]) -> BTreeMap<String, Value> {
    let of_pool = |pool: &&KafkaNodePool| {
        let subject = Subject::Pool(pool.name().to_owned());
        let mut status = pool.status.as_object().cloned().unwrap_or_default();
        let refusals: Vec<&Finding> =
            report.findings.refusals.iter().filter(|finding| finding.subject == subject).collect();
        let state = match refusals.first() {
            Some(first) => refused(first, &refusals),
            None => state(report),
        };
        let mut conditions = vec![state_condition(&state)];
        conditions.extend(warnings(&report.findings.warnings, &subject));
        status.insert("conditions".to_owned(), dated(conditions, &pool.status, report.now));
        status.insert("observedGeneration".to_owned(), json!(pool.metadata.generation.unwrap_or(0)));
        let checked = report.cluster.and_then(|cluster| {
            cluster.pools.iter().find(|checked| checked.name == pool.name()).map(|checked| (cluster, checked))
        });
        if let Some((cluster, checked)) = checked {
            describe_pool(cluster, checked, &mut status);
        }
        (pool.name().to_owned(), Value::Object(status))
    };
    pools.iter().map(of_pool).collect()
}

/// The status of a resource on which nothing is done.
pub(crate) fn paused(kafka: &Kafka, now: Timestamp) -> Value {
    let mut status = kafka.status.as_object().cloned().unwrap_or_default();
    let condition = json!({"type": "ReconciliationPaused", "status": "True"});
    status.insert("conditions".to_owned(), dated(vec![condition], &kafka.status, now));
    status.insert("observedGeneration".to_owned(), json!(kafka.metadata.generation.unwrap_or(0)));
    Value::Object(status)
}

/// Gives conditions their times: an unchanged one keeps its own, so that an unchanged status is written as it was.
pub(crate) fn dated(conditions: Vec<Value>, old: &Value, now: Timestamp) -> Value {
    let now = jiff::Timestamp::from_millisecond(now.0).map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let now = now.unwrap_or_default();
    let old: Vec<&Value> = old["conditions"].as_array().into_iter().flatten().collect();
    let same = |old: &Value, new: &Value| {
        ["type", "status", "reason", "message"].iter().all(|field| old[*field] == new[*field])
    };
    let date = |mut condition: Value| {
        let before = old.iter().find(|old| same(old, &condition)).map(|old| old["lastTransitionTime"].clone());
        condition["lastTransitionTime"] = before.filter(Value::is_string).unwrap_or_else(|| json!(now));
        condition
    };
    Value::Array(conditions.into_iter().map(date).collect())
}

fn state(report: &Report<'_>) -> State {
    let refusals: Vec<&Finding> = report.findings.refusals.iter().collect();
    if let Some(first) = refusals.first() {
        return refused(first, &refusals);
    }
    let has_listener = report.cluster.is_some_and(|cluster| !cluster.listeners.is_empty());
    if !has_listener {
        let closed = report.findings.warnings.iter().filter(|finding| finding.reason == Reason::ListenerNotOpened);
        let message = closed.map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ");
        return State { is_ready: false, reason: Reason::ListenerNotOpened.name().to_owned(), message };
    }
    let was_ready = is_ready(&report.kafka.status);
    if report.waits.is_empty() && (!report.has_actions || was_ready) {
        return State { is_ready: true, reason: String::new(), message: String::new() };
    }
    let has_been_ready = report.kafka.status["operatorLastSuccessfulVersion"].is_string();
    let waits: Vec<String> = report.waits.iter().map(ToString::to_string).collect();
    let (reason, what) =
        if has_been_ready { ("Updating", "is being updated") } else { ("Creating", "is being deployed") };
    let message = match waits.is_empty() {
        true => format!("Kafka cluster {what}"),
        false => format!("Kafka cluster {what}: {}", waits.join("; ")),
    };
    State { is_ready: false, reason: reason.to_owned(), message }
}

fn refused(first: &Finding, refusals: &[&Finding]) -> State {
    let message = refusals.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join("; ");
    State { is_ready: false, reason: first.reason.name().to_owned(), message }
}

fn is_ready(status: &Value) -> bool {
    let conditions = status["conditions"].as_array();
    conditions.is_some_and(|conditions| conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"))
}

/// Strimzi says `NotReady=True`, not `Ready=False`.
fn state_condition(state: &State) -> Value {
    match state.is_ready {
        true => json!({"type": "Ready", "status": "True"}),
        false => json!({"type": "NotReady", "status": "True", "reason": state.reason, "message": state.message}),
    }
}

/// One condition for each sort of warning, with all its messages.
fn warnings(warnings: &[Finding], subject: &Subject) -> Vec<Value> {
    let mut by_reason: BTreeMap<Reason, Vec<&str>> = BTreeMap::new();
    for finding in warnings.iter().filter(|finding| finding.subject == *subject) {
        by_reason.entry(finding.reason).or_default().push(&finding.message);
    }
    let condition = |(reason, messages): (Reason, Vec<&str>)| json!({"type": "Warning", "status": "True", "reason": reason.name(), "message": messages.join("; ")});
    by_reason.into_iter().map(condition).collect()
}

fn describe(cluster: &Cluster, report: &Report<'_>, status: &mut Map<String, Value>) {
    let host = format!("{}.{}.svc", names::bootstrap_service(&cluster.name), cluster.namespace);
    let listener = |listener: &crate::model::Listener| {
        json!({
            "name": listener.name,
            "addresses": [{"host": host, "port": listener.port}],
            "bootstrapServers": format!("{host}:{}", listener.port),
        })
    };
    status.insert("listeners".to_owned(), cluster.listeners.iter().map(listener).collect());
    status.insert("clusterId".to_owned(), json!(cluster.cluster_id.to_string()));
    status.insert("kafkaVersion".to_owned(), json!(KAFKA_VERSION));
    status.insert("kafkaMetadataVersion".to_owned(), json!(METADATA_VERSION));
    let is_virtual = report.kafka.spec["kafka"]["replicas"].is_number()
        && cluster.pools.len() == 1
        && cluster.pools[0].name == names::VIRTUAL_POOL;
    let pools: Vec<Value> = cluster.pools.iter().map(|pool| json!({"name": pool.name})).collect();
    match is_virtual {
        true => drop(status.remove("kafkaNodePools")),
        false => drop(status.insert("kafkaNodePools".to_owned(), Value::Array(pools))),
    }
    let ids: Vec<i32> = cluster.pools.iter().flat_map(|pool| pool.nodes.iter().map(|node| node.id.0)).collect();
    status.insert("registeredNodeIds".to_owned(), json!(ids));
}

fn describe_pool(cluster: &Cluster, pool: &Pool, status: &mut Map<String, Value>) {
    let ids: Vec<i32> = pool.nodes.iter().map(|node| node.id.0).collect();
    let roles = [("controller", pool.is_controller), ("broker", pool.is_broker)];
    let roles: Vec<&str> = roles.into_iter().filter_map(|(role, has)| has.then_some(role)).collect();
    status.insert("nodeIds".to_owned(), json!(ids));
    status.insert("clusterId".to_owned(), json!(cluster.cluster_id.to_string()));
    status.insert("roles".to_owned(), json!(roles));
    status.insert("replicas".to_owned(), json!(pool.nodes.len()));
    let selector = names::selector_text(&names::pool_selector(&cluster.name, &pool.name));
    status.insert("labelSelector".to_owned(), json!(selector));
}
