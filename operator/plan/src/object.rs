//! An object of Kubernetes as the plan writes it and as the world shows it: a key and a document.
//!
//! Documents are untyped here so that one comparison, one printer and one apply serve all kinds; `render` builds them from
//! Kubernetes' own types, so that no field name is spelled by hand.

use core::fmt;

use serde::Serialize;
use serde_json::Value;

/// The kinds that the operator makes, or looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// Whom pods are.
    ServiceAccount,
    /// Configuration.
    ConfigMap,
    /// Only looked at, and only whether it is there and whose it is.
    Secret,
    /// Names and addresses.
    Service,
    /// Who may connect.
    NetworkPolicy,
    /// How many nodes may be down.
    PodDisruptionBudget,
    /// Storage; made by the stateful set, grown and labelled by us.
    PersistentVolumeClaim,
    /// The nodes of a pool.
    StatefulSet,
    /// Made by the stateful set, deleted by us to restart it.
    Pod,
    /// Only looked at: Strimzi's own kind of stateful set.
    StrimziPodSet,
}

/// An object within the namespace of the resource that it was made for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
}

/// A whole object.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Which one.
    pub key: ObjectKey,
    /// All of it.
    pub body: Value,
}

impl ObjectKind {
    /// All kinds, in the order in which a plan applies them: what a pod needs comes before what makes pods.
    pub const ALL: [ObjectKind; 10] = [
        ObjectKind::ServiceAccount,
        ObjectKind::ConfigMap,
        ObjectKind::Secret,
        ObjectKind::Service,
        ObjectKind::NetworkPolicy,
        ObjectKind::PodDisruptionBudget,
        ObjectKind::PersistentVolumeClaim,
        ObjectKind::StatefulSet,
        ObjectKind::Pod,
        ObjectKind::StrimziPodSet,
    ];

    /// The kind's name.
    pub const fn name(self) -> &'static str {
        match self {
            ObjectKind::ServiceAccount => "ServiceAccount",
            ObjectKind::ConfigMap => "ConfigMap",
            ObjectKind::Secret => "Secret",
            ObjectKind::Service => "Service",
            ObjectKind::NetworkPolicy => "NetworkPolicy",
            ObjectKind::PodDisruptionBudget => "PodDisruptionBudget",
            ObjectKind::PersistentVolumeClaim => "PersistentVolumeClaim",
            ObjectKind::StatefulSet => "StatefulSet",
            ObjectKind::Pod => "Pod",
            ObjectKind::StrimziPodSet => "StrimziPodSet",
        }
    }

    /// Group and version in which the plan writes and reads the kind.
    pub const fn api_version(self) -> &'static str {
        match self {
            ObjectKind::NetworkPolicy => "networking.k8s.io/v1",
            ObjectKind::PodDisruptionBudget => "policy/v1",
            ObjectKind::StatefulSet => "apps/v1",
            // The one version that every release since 0.28 up to 0.51 served; 1.0 serves v1 alone, so both are asked for.
            ObjectKind::StrimziPodSet => "core.strimzi.io/v1beta2",
            _ => "v1",
        }
    }

    /// The plural that URLs carry.
    pub const fn plural(self) -> &'static str {
        match self {
            ObjectKind::ServiceAccount => "serviceaccounts",
            ObjectKind::ConfigMap => "configmaps",
            ObjectKind::Secret => "secrets",
            ObjectKind::Service => "services",
            ObjectKind::NetworkPolicy => "networkpolicies",
            ObjectKind::PodDisruptionBudget => "poddisruptionbudgets",
            ObjectKind::PersistentVolumeClaim => "persistentvolumeclaims",
            ObjectKind::StatefulSet => "statefulsets",
            ObjectKind::Pod => "pods",
            ObjectKind::StrimziPodSet => "strimzipodsets",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<ObjectKind> {
        ObjectKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The key of an object of this kind.
    pub fn named(self, name: impl Into<String>) -> ObjectKey {
        ObjectKey { kind: self, name: name.into() }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)
    }
}

impl Object {
    /// An object of one of Kubernetes' own types.
    pub fn new(kind: ObjectKind, typed: &impl Serialize) -> Object {
        let mut body = serde_json::to_value(typed).expect("Kubernetes' types are trees of plain values");
        body["apiVersion"] = kind.api_version().into();
        body["kind"] = kind.name().into();
        let name = body["metadata"]["name"].as_str().expect("whoever renders an object names it").to_owned();
        Object { key: kind.named(name), body }
    }

    /// A document that an API server gave, if it is of a kind that we know. Items of lists lack the kind, so it may be
    /// given beside it.
    pub fn observed(body: Value) -> Option<Object> {
        let kind = ObjectKind::from_name(body["kind"].as_str()?)?;
        let name = body["metadata"]["name"].as_str()?.to_owned();
        Some(Object { key: kind.named(name), body })
    }
}
