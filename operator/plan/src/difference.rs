//! What of the wanted objects the world does not show yet: what must be applied, what must be made anew because Kubernetes
//! lets nobody change it, and what is no longer wanted.
//!
//! The API server adds defaults and rewrites quantities, so an object is as it ought to be when everything that is wanted
//! of it stands there, and when its mark says that nothing more was ever applied.

use serde_json::Value;

use crate::names;
use crate::object::{Object, ObjectKind};
use crate::plan::{Action, Wait};
use crate::quantity;
use crate::render::FIXED;
use crate::world::{self, World};

/// What is to be done about the wanted objects, in their order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// What to do.
    pub(crate) actions: Vec<Action>,
    /// What is awaited.
    pub(crate) waits: Vec<Wait>,
}

/// Compares wanted and observed objects.
pub(crate) fn changes(objects: &[Object], world: &World) -> Changes {
    let mut changes = Changes::default();
    for object in objects {
        let observed = world.get(&object.key);
        match observed {
            // An object that is on its way out takes changes with it.
            Some(observed) if world::is_terminating(observed) => changes.waits.push(Wait::Gone(object.key.clone())),
            Some(observed) => match fixed_difference(object, observed) {
                Some(because) => {
                    let uid = world::uid(observed).to_owned();
                    changes.actions.push(Action::Replace { key: object.key.clone(), uid, because });
                }
                None if is_as_wanted(object, observed) => {}
                None => changes.actions.push(Action::Apply(object.clone())),
            },
            None => changes.actions.push(Action::Apply(object.clone())),
        }
    }
    changes
}

/// What is ours, is owned by this resource, and is not wanted any more. Claims hold data and are never pruned; pods go
/// with their stateful sets.
pub(crate) fn prune(objects: &[Object], cluster: &str, owner: &str, world: &World) -> Vec<Action> {
    let is_pruned = |kind: ObjectKind| {
        !matches!(
            kind,
            ObjectKind::PersistentVolumeClaim | ObjectKind::Pod | ObjectKind::StrimziPodSet | ObjectKind::Secret
        )
    };
    let observed = world.iter().filter(|(key, body)| {
        is_pruned(key.kind)
            && world::is_marked_ours(body, cluster)
            && world::is_owned_by(body, owner)
            && !world::is_terminating(body)
            && objects.iter().all(|object| object.key != **key)
    });
    observed.map(|(key, body)| Action::Delete { key: key.clone(), uid: world::uid(body).to_owned() }).collect()
}

/// Why a stateful set has to be made anew: it lacks something that cannot be added to it any more, or it was made with
/// something that is not wanted any more. The latter cannot be told from what the API server added, so the fingerprint of
/// what it was made with tells; one without a fingerprint was made by an operator that put more into it.
fn fixed_difference(object: &Object, observed: &Value) -> Option<String> {
    if object.key.kind != ObjectKind::StatefulSet {
        return None;
    }
    let differs = |field: &&&str| {
        let (wanted, present) = (&object.body["spec"][**field], &observed["spec"][**field]);
        !contains(present, wanted) || (wanted.is_null() && !present.is_null())
    };
    let fields: Vec<&str> = FIXED.iter().filter(differs).copied().collect();
    if !fields.is_empty() {
        return Some(format!("spec.{} cannot be changed", fields.join(", spec.")));
    }
    let made_with = world::annotation(observed, names::FIXED);
    (made_with != world::annotation(&object.body, names::FIXED))
        .then(|| format!("of spec.{} something is not wanted any more", FIXED.join(", spec.")))
}

/// Whether an observed object is as it ought to be.
pub fn is_as_wanted(object: &Object, observed: &Value) -> bool {
    world::annotation(&object.body, names::APPLIED) == world::annotation(observed, names::APPLIED)
        && contains(observed, &object.body)
}

/// Whether everything that is wanted stands in what is present. Kubernetes drops what is empty.
fn contains(present: &Value, wanted: &Value) -> bool {
    match (present, wanted) {
        (Value::Object(present), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| {
                let present = present.get(key).unwrap_or(&Value::Null);
                // Others may own an object beside us.
                if key == "ownerReferences" { contains_each(present, wanted) } else { contains(present, wanted) }
            })
        }
        (Value::Array(present), Value::Array(wanted)) => {
            present.len() == wanted.len()
                && present.iter().zip(wanted).all(|(present, wanted)| contains(present, wanted))
        }
        (Value::Null, wanted) => is_empty(wanted),
        (Value::String(present), Value::String(wanted)) => present == wanted || quantity::same(present, wanted),
        (present, wanted) => present == wanted,
    }
}

/// Whether each element that is wanted is among those that are present.
fn contains_each(present: &Value, wanted: &Value) -> bool {
    let present = || present.as_array().into_iter().flatten();
    wanted.as_array().into_iter().flatten().all(|wanted| present().any(|present| contains(present, wanted)))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        // An object of nothing but empty things is itself dropped by some types and kept by others.
        Value::Object(fields) => fields.values().all(is_empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_of_the_server_are_no_difference() {
        let wanted = json!({"spec": {"ports": [{"port": 9092}], "cpu": "1000m", "empty": {}, "none": false}});
        let present = json!({"spec": {"ports": [{"port": 9092, "protocol": "TCP"}], "cpu": "1", "type": "ClusterIP"}});
        assert!(contains(&present, &wanted));
        let owned = |owners: &[&str]| json!({"metadata": {"ownerReferences": owners}});
        assert!(contains(&owned(&["other", "ours"]), &owned(&["ours"])));
        assert!(!contains(&owned(&["other"]), &owned(&["ours"])));
        for other in [
            json!({"spec": {"ports": [{"port": 9093}]}}),
            json!({"spec": {"ports": []}}),
            json!({"spec": {"cpu": "2"}}),
            json!({"spec": {"new": 1}}),
        ] {
            assert!(!contains(&present, &other), "{other}");
        }
    }
}
