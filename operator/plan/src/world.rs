//! What was observed: the objects that stand in the namespace of a cluster, as the shell read them.
//!
//! The shell lists every [`ObjectKind`] by the label `strimzi.io/cluster`, and asks by name for what
//! [`crate::expected`] names; a plan made from a world that is somewhat old stays safe.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::names;
use crate::object::{Object, ObjectKey, ObjectKind};

/// The observed objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    objects: BTreeMap<ObjectKey, Value>,
}

impl World {
    /// Adds or replaces an object.
    pub fn insert(&mut self, object: Object) {
        self.objects.insert(object.key, object.body);
    }

    /// Takes an object away.
    pub fn remove(&mut self, key: &ObjectKey) -> Option<Value> {
        self.objects.remove(key)
    }

    /// The object of a key.
    pub fn get(&self, key: &ObjectKey) -> Option<&Value> {
        self.objects.get(key)
    }

    /// An object of a kind and name.
    pub fn named(&self, kind: ObjectKind, name: &str) -> Option<&Value> {
        self.objects.get(&kind.named(name))
    }

    /// All objects in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectKey, &Value)> {
        self.objects.iter()
    }

    /// The objects of one kind.
    pub fn of_kind(&self, kind: ObjectKind) -> impl Iterator<Item = (&str, &Value)> {
        self.objects.iter().filter(move |(key, _)| key.kind == kind).map(|(key, body)| (key.name.as_str(), body))
    }
}

/// The uid of an observed object.
pub fn uid(body: &Value) -> &str {
    body["metadata"]["uid"].as_str().unwrap_or_default()
}

/// A label of an observed object.
pub fn label<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body["metadata"]["labels"][key].as_str()
}

/// An annotation of an observed object.
pub fn annotation<'a>(body: &'a Value, key: &str) -> Option<&'a str> {
    body["metadata"]["annotations"][key].as_str()
}

/// How much a claim asks for; nothing when it is no claim.
pub fn claimed(claim: &Value) -> Option<&str> {
    claim["spec"]["resources"]["requests"]["storage"].as_str()
}

/// Whether an object is being deleted.
pub fn is_terminating(body: &Value) -> bool {
    body["metadata"]["deletionTimestamp"].is_string()
}

/// Whether the object carries the uid as an owner's.
pub fn is_owned_by(body: &Value, owner: &str) -> bool {
    let owners = body["metadata"]["ownerReferences"].as_array();
    !owner.is_empty() && owners.is_some_and(|owners| owners.iter().any(|reference| reference["uid"] == owner))
}

/// Whether the object says that it is ours and of this cluster, and nobody else owns it: so are claims, and pods whose
/// stateful set is being replaced.
pub fn is_marked_ours(body: &Value, cluster: &str) -> bool {
    label(body, names::MANAGED_BY) == Some(names::OPERATOR) && label(body, names::CLUSTER) == Some(cluster)
}

/// Whether a pod is ready.
pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions.is_some_and(|conditions| {
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    })
}
