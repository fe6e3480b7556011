//! What is to be done for a cluster: a plan leaves no choices, and says why of every step and every wait.
//!
//! The shell carries out [`Plan::actions`] in their order, stops at the first that fails, writes the statuses, and plans
//! again when the world has changed. An empty list of actions means that nothing is to be done now; [`Plan::waits`] say
//! what for, if anything is awaited.

use core::fmt;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::{Object, ObjectKey};
use crate::roll::RestartReason;

/// What is to be done for one Kafka resource and its pools.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Every object that ought to be, whether or not it is there already.
    pub objects: Vec<Object>,
    /// What to do now, in this order.
    pub actions: Vec<Action>,
    /// What is awaited.
    pub waits: Vec<Wait>,
    /// The status of the Kafka resource.
    pub status: Value,
    /// The statuses of its pools, by their names.
    pub pool_statuses: BTreeMap<String, Value>,
    /// Where the operator itself reaches the brokers, when they can be reached.
    pub operator_bootstrap: Option<String>,
    /// The controller of topics, where one is asked for.
    pub topics: Option<crate::model::TopicController>,
}

/// One change of the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Server-side apply of a whole object, taking fields from other managers.
    Apply(Object),
    /// Delete what is ours and no longer wanted.
    Delete {
        /// Which object.
        key: ObjectKey,
        /// The uid that was seen: a precondition.
        uid: String,
    },
    /// Delete a stateful set and leave its pods and claims: fields of it cannot be changed, so it is made anew.
    Replace {
        /// Which object.
        key: ObjectKey,
        /// The uid that was seen: a precondition.
        uid: String,
        /// The fields that cannot be changed.
        because: String,
    },
    /// Set an annotation of an object, or take it away; nothing else of the object is touched.
    Annotate {
        /// Which object.
        key: ObjectKey,
        /// The annotation.
        annotation: &'static str,
        /// Its value; `None` takes it away.
        value: Option<String>,
    },
    /// Delete one pod, so that its stateful set makes it anew from the present template.
    RestartPod {
        /// The pod.
        pod: String,
        /// The uid that was seen: a precondition.
        uid: String,
        /// Why; never empty.
        reasons: Vec<RestartReason>,
    },
}

/// Something that has to happen before the plan can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The stateful set controller has not seen the latest change.
    StatefulSetObserved(String),
    /// The object is being deleted and will be made anew.
    Gone(ObjectKey),
    /// The pod does not exist yet.
    PodCreated(String),
    /// The pod is being deleted.
    PodGone(String),
    /// The pod is not ready, and why as far as Kubernetes says.
    PodReady(String, String),
}

impl Plan {
    /// Whether nothing is to be done and nothing is awaited.
    pub fn is_settled(&self) -> bool {
        self.actions.is_empty() && self.waits.is_empty()
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::StatefulSetObserved(name) => write!(f, "stateful set {name} is to be seen by its controller"),
            Wait::Gone(key) => write!(f, "{key} is to be gone before it is made anew"),
            Wait::PodCreated(pod) => write!(f, "pod {pod} is to be created"),
            Wait::PodGone(pod) => write!(f, "pod {pod} is to be gone"),
            Wait::PodReady(pod, why) if why.is_empty() => write!(f, "pod {pod} is to be ready"),
            Wait::PodReady(pod, why) => write!(f, "pod {pod} is to be ready: {why}"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Apply(object) => write!(f, "apply    {}", object.key),
            Action::Delete { key, .. } => write!(f, "delete   {key}: no longer wanted"),
            Action::Replace { key, because, .. } => write!(f, "replace  {key}, leaving its pods: {because}"),
            Action::Annotate { key, annotation, value: Some(value) } => {
                write!(f, "annotate {key}: {annotation}={value}")
            }
            Action::Annotate { key, annotation, value: None } => write!(f, "annotate {key}: no {annotation}"),
            Action::RestartPod { pod, reasons, .. } => {
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                write!(f, "restart  Pod {pod}: {}", reasons.join("; "))
            }
        }
    }
}

/// A summary for people, then the objects as YAML.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Conditions")?;
        for condition in self.status["conditions"].as_array().into_iter().flatten() {
            let text = |name: &str| condition[name].as_str().unwrap_or_default().to_owned();
            writeln!(f, "#   {}={} {} {}", text("type"), text("status"), text("reason"), text("message"))?;
        }
        writeln!(f, "# Actions")?;
        for action in &self.actions {
            writeln!(f, "#   {action}")?;
        }
        if !self.waits.is_empty() {
            writeln!(f, "# Waits")?;
        }
        for wait in &self.waits {
            writeln!(f, "#   {wait}")?;
        }
        for object in &self.objects {
            let yaml = serde_yaml::to_string(&object.body).map_err(|_| fmt::Error)?;
            write!(f, "---\n{yaml}")?;
        }
        Ok(())
    }
}
