//! Restarting nodes, which nothing else ever does: which pods must be restarted and why, and whether one may be now.
//!
//! Given the checked cluster and the world, it gives at most one restart, and what is awaited otherwise. The stateful sets
//! use `OnDelete`, so a pod is made from the present template only after it was deleted here.

use core::fmt;

use serde_json::Value;

use crate::model::{Cluster, Node};
use crate::names;
use crate::object::{Object, ObjectKind};
use crate::plan::{Action, Wait};
use crate::world::{self, World};

/// Why a pod is restarted; the names are those of Strimzi's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestartReason {
    /// Its configuration has changed.
    ConfigChangeRequiresRestart,
    /// It was made from an older template.
    PodHasOldRevision,
    /// A user asked for it by annotation.
    ManualRollingUpdate,
}

impl RestartReason {
    /// The reason of the event that announces the restart.
    pub const fn name(self) -> &'static str {
        match self {
            RestartReason::ConfigChangeRequiresRestart => "ConfigChangeRequiresRestart",
            RestartReason::PodHasOldRevision => "PodHasOldRevision",
            RestartReason::ManualRollingUpdate => "ManualRollingUpdate",
        }
    }
}

impl fmt::Display for RestartReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RestartReason::ConfigChangeRequiresRestart => "its configuration has changed",
            RestartReason::PodHasOldRevision => "it was made from an older template",
            RestartReason::ManualRollingUpdate => "an annotation asks for it",
        })
    }
}

/// What the nodes need next.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Roll {
    /// The one restart that may be done now.
    pub(crate) step: Option<Action>,
    /// What is awaited.
    pub(crate) waits: Vec<Wait>,
}

/// Decides about the next restart. `stateful_sets` are those that ought to be; they are in the world as they ought to be,
/// or the plan applies them first and asks again.
pub(crate) fn decide_step(cluster: &Cluster, stateful_sets: &[&Object], world: &World) -> Roll {
    let mut roll = Roll::default();
    let mut due = Vec::new();
    for (pool, wanted) in cluster.pools.iter().zip(stateful_sets) {
        let observed = world.get(&wanted.key);
        if !observed.is_some_and(is_observed) {
            roll.waits.push(Wait::StatefulSetObserved(wanted.key.name.clone()));
            continue;
        }
        for node in &pool.nodes {
            match world.named(ObjectKind::Pod, &node.pod) {
                None => roll.waits.push(Wait::PodCreated(node.pod.clone())),
                Some(pod) if world::is_terminating(pod) => roll.waits.push(Wait::PodGone(node.pod.clone())),
                Some(pod) => {
                    let reasons = restart_reasons(&wanted.body, pod);
                    if !world::is_ready(pod) {
                        roll.waits.push(Wait::PodReady(node.pod.clone(), why_not_ready(pod)));
                    }
                    if !reasons.is_empty() {
                        due.push((node, pod, reasons));
                    }
                }
            }
        }
    }
    // One at a time, and a node that is down first: restarting it takes nothing away from anybody.
    due.sort_by_key(|(node, pod, _)| (world::is_ready(pod), node.id));
    let next = due.into_iter().find(|(node, pod, _)| may_restart(node, pod, &roll.waits));
    if let Some((node, pod, reasons)) = next {
        // What it is restarted for may be what keeps it from being ready, so its readiness is not awaited.
        roll.waits.retain(|wait| !matches!(wait, Wait::PodReady(name, _) if *name == node.pod));
        roll.step = Some(Action::RestartPod { pod: node.pod.clone(), uid: world::uid(pod).to_owned(), reasons });
    }
    roll
}

/// A request to restart a whole pool is handed on to its pods and then taken back: a pod's request goes with the pod, so
/// that each is restarted once, however often the operator itself is.
pub(crate) fn hand_on_requests(cluster: &Cluster, stateful_sets: &[&Object], world: &World) -> Vec<Action> {
    let mut actions = Vec::new();
    for (pool, wanted) in cluster.pools.iter().zip(stateful_sets) {
        if !world.get(&wanted.key).is_some_and(asks_for_restart) {
            continue;
        }
        let pods = pool.nodes.iter().map(|node| ObjectKind::Pod.named(&node.pod));
        let pods = pods.filter(|key| world.get(key).is_some_and(|pod| !asks_for_restart(pod)));
        let annotation = names::MANUAL_ROLLING_UPDATE;
        actions.extend(pods.map(|key| Action::Annotate { key, annotation, value: Some("true".to_owned()) }));
        actions.push(Action::Annotate { key: wanted.key.clone(), annotation, value: None });
    }
    actions
}

fn asks_for_restart(object: &Value) -> bool {
    world::annotation(object, names::MANUAL_ROLLING_UPDATE) == Some("true")
}

/// A pod that is ready may be restarted only while every other node is up: a cluster of one node has no others, and
/// its partitions have no second copy that could be kept available. One that is down may always be.
fn may_restart(node: &Node, pod: &Value, waits: &[Wait]) -> bool {
    let is_about_other = |wait: &Wait| !matches!(wait, Wait::PodReady(name, _) if *name == node.pod);
    !world::is_ready(pod) || !waits.iter().any(is_about_other)
}

/// The controller of stateful sets makes pods from the template that it has seen last.
fn is_observed(stateful_set: &Value) -> bool {
    let generation = stateful_set["metadata"]["generation"].as_i64().unwrap_or(0);
    generation <= stateful_set["status"]["observedGeneration"].as_i64().unwrap_or(-1)
}

fn restart_reasons(wanted: &Value, pod: &Value) -> Vec<RestartReason> {
    let template = &wanted["spec"]["template"];
    let differs = |key: &str| world::annotation(template, key) != world::annotation(pod, key);
    let mut reasons = Vec::new();
    if differs(names::CONFIGURATION_HASH) {
        reasons.push(RestartReason::ConfigChangeRequiresRestart);
    } else if differs(names::REVISION) {
        reasons.push(RestartReason::PodHasOldRevision);
    }
    if asks_for_restart(pod) {
        reasons.push(RestartReason::ManualRollingUpdate);
    }
    reasons
}

/// What Kubernetes says of a pod that is not ready: that it cannot be scheduled, or what its containers wait for.
pub(crate) fn why_not_ready(pod: &Value) -> String {
    let status = &pod["status"];
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let unscheduled = conditions.into_iter().find(|c| c["type"] == "PodScheduled" && c["status"] == "False");
    if let Some(condition) = unscheduled {
        return said(&condition["reason"], &condition["message"]);
    }
    let containers = ["initContainerStatuses", "containerStatuses"];
    let mut containers = containers.iter().filter_map(|name| status[*name].as_array()).flatten();
    let waiting = containers.find_map(|container| container["state"].get("waiting"));
    waiting.map(|waiting| said(&waiting["reason"], &waiting["message"])).unwrap_or_default()
}

fn said(reason: &Value, message: &Value) -> String {
    let parts: Vec<&str> = [reason, message].iter().filter_map(|part| part.as_str()).collect();
    parts.join(": ")
}
