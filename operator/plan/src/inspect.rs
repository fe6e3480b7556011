//! A linter for our own output, run over every plan before anything of it is done: what Kubernetes would refuse, or would
//! take and never make work, becomes a refusal with words instead.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::{Object, ObjectKind};

/// Names that become part of host names, and values of labels.
const LABEL_LENGTH_MAX: usize = 63;
/// A stateful set's name with a hash behind it is the value of a label of its pods.
const STATEFUL_SET_LENGTH_MAX: usize = 52;
/// Names of ports.
const PORT_NAME_LENGTH_MAX: usize = 15;

/// Everything that is wrong with the objects of a plan.
pub fn inspect(objects: &[Object]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut keys = BTreeSet::new();
    for object in objects {
        let key = &object.key;
        if !keys.insert(key) {
            faults.push(format!("{key} is planned twice"));
        }
        check_names(object, &mut faults);
        check_labels(object, &mut faults);
        match key.kind {
            ObjectKind::Service => check_service(object, objects, &mut faults),
            ObjectKind::StatefulSet => check_stateful_set(object, objects, &mut faults),
            ObjectKind::NetworkPolicy => check_selects(object, "podSelector", objects, &mut faults),
            ObjectKind::PodDisruptionBudget => check_selects(object, "selector", objects, &mut faults),
            _ => {}
        }
    }
    faults
}

fn check_names(object: &Object, faults: &mut Vec<String>) {
    let most = match object.key.kind {
        ObjectKind::StatefulSet => STATEFUL_SET_LENGTH_MAX,
        ObjectKind::Service => LABEL_LENGTH_MAX,
        _ => 253,
    };
    if most < object.key.name.len() {
        faults.push(format!("the name of {} has more than {most} characters", object.key));
    }
}

fn check_labels(object: &Object, faults: &mut Vec<String>) {
    let of_pods = &object.body["spec"]["template"]["metadata"]["labels"];
    for labels in [&object.body["metadata"]["labels"], of_pods] {
        for (key, value) in labels.as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            let is_inner = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
            let is_outer = |letter: char| letter.is_ascii_alphanumeric();
            let ends = value.starts_with(is_outer) && value.ends_with(is_outer);
            if !value.is_empty() && (LABEL_LENGTH_MAX < value.len() || !value.chars().all(is_inner) || !ends) {
                faults.push(format!("the label {key} of {} cannot have the value {value}", object.key));
            }
        }
    }
}

fn check_service(object: &Object, objects: &[Object], faults: &mut Vec<String>) {
    check_selects(object, "selector", objects, faults);
    let ports = object.body["spec"]["ports"].as_array().into_iter().flatten();
    check_ports(object, ports.map(|port| (&port["name"], &port["port"])), faults);
}

fn check_stateful_set(object: &Object, objects: &[Object], faults: &mut Vec<String>) {
    let spec = &object.body["spec"];
    let template = &spec["template"];
    if !selects(&spec["selector"]["matchLabels"], &template["metadata"]["labels"]) {
        faults.push(format!("{} does not select its own pods", object.key));
    }
    let is_planned = |kind: ObjectKind, name: &Value| {
        objects.iter().any(|object| object.key.kind == kind && Some(object.key.name.as_str()) == name.as_str())
    };
    if !is_planned(ObjectKind::Service, &spec["serviceName"]) {
        faults.push(format!("{} names a service that is not planned", object.key));
    }
    let pod = &template["spec"];
    if !is_planned(ObjectKind::ServiceAccount, &pod["serviceAccountName"]) {
        faults.push(format!("{} names a service account that is not planned", object.key));
    }
    let own = pod["volumes"].as_array().into_iter().flatten();
    let mut volumes = BTreeSet::new();
    for volume in own.clone().chain(spec["volumeClaimTemplates"].as_array().into_iter().flatten()) {
        let name = volume["name"].as_str().or(volume["metadata"]["name"].as_str()).unwrap_or_default();
        if !volumes.insert(name) {
            faults.push(format!("{} has two volumes named {name}", object.key));
        }
    }
    let maps = own.filter(|volume| volume["name"] == "kafka-config").map(|volume| &volume["configMap"]["name"]);
    if maps.into_iter().any(|name| !is_planned(ObjectKind::ConfigMap, name)) {
        faults.push(format!("{} mounts a configuration that is not planned", object.key));
    }
    for container in ["initContainers", "containers"].iter().filter_map(|list| pod[*list].as_array()).flatten() {
        check_mounts(object, container, &volumes, faults);
        let ports = container["ports"].as_array().into_iter().flatten();
        check_ports(object, ports.map(|port| (&port["name"], &port["containerPort"])), faults);
    }
}

fn check_mounts(object: &Object, container: &Value, volumes: &BTreeSet<&str>, faults: &mut Vec<String>) {
    let mut paths = BTreeSet::new();
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        let (name, path) =
            (mount["name"].as_str().unwrap_or_default(), mount["mountPath"].as_str().unwrap_or_default());
        let container = container["name"].as_str().unwrap_or_default();
        if !volumes.contains(name) {
            faults.push(format!("container {container} of {} mounts {name}, and no volume has that name", object.key));
        }
        if !paths.insert(path) {
            faults.push(format!("container {container} of {} mounts two volumes at {path}", object.key));
        }
    }
}

fn check_ports<'a>(object: &Object, ports: impl Iterator<Item = (&'a Value, &'a Value)>, faults: &mut Vec<String>) {
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for (name, number) in ports {
        let name = name.as_str().unwrap_or_default();
        if PORT_NAME_LENGTH_MAX < name.len() {
            faults.push(format!(
                "the port name {name} of {} has more than {PORT_NAME_LENGTH_MAX} characters",
                object.key
            ));
        }
        if !names.insert(name) || !numbers.insert(number.as_i64()) {
            faults.push(format!("{} has the port {name} ({number}) twice", object.key));
        }
    }
}

/// Whether an object that selects pods selects any that is planned.
fn check_selects(object: &Object, field: &str, objects: &[Object], faults: &mut Vec<String>) {
    let selector = &object.body["spec"][field];
    let labels = if selector["matchLabels"].is_object() { &selector["matchLabels"] } else { selector };
    let mut sets = objects.iter().filter(|object| object.key.kind == ObjectKind::StatefulSet);
    if !sets.any(|set| selects(labels, &set.body["spec"]["template"]["metadata"]["labels"])) {
        faults.push(format!("{} selects no planned pod", object.key));
    }
}

fn selects(selector: &Value, labels: &Value) -> bool {
    selector.as_object().is_some_and(|selector| {
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(kind: ObjectKind, name: &str, spec: &Value) -> Object {
        Object { key: kind.named(name), body: json!({"metadata": {"name": name}, "spec": spec}) }
    }

    #[test]
    fn what_would_never_work_is_found() {
        let set = object(
            ObjectKind::StatefulSet,
            &"s".repeat(60),
            &json!({
                "selector": {"matchLabels": {"a": "b"}},
                "serviceName": "absent",
                "template": {
                    "metadata": {"labels": {"a": "c", "long": "x".repeat(64)}},
                    "spec": {
                        "serviceAccountName": "absent",
                        "volumes": [{"name": "v"}, {"name": "v"}],
                        "containers": [{
                            "name": "kafka",
                            "volumeMounts": [{"name": "w", "mountPath": "/a"}, {"name": "v", "mountPath": "/a"}],
                            "ports": [{"name": "p", "containerPort": 1}, {"name": "p", "containerPort": 2}],
                        }],
                    },
                },
            }),
        );
        let service = object(
            ObjectKind::Service,
            "service",
            &json!({"selector": {"a": "d"}, "ports": [{"name": "sixteen-letters-", "port": 1}]}),
        );
        let faults = inspect(&[set.clone(), service, set]).join("\n");
        for expected in [
            "is planned twice",
            "has more than 52 characters",
            "the label long of",
            "does not select its own pods",
            "names a service that is not planned",
            "names a service account that is not planned",
            "has two volumes named v",
            "mounts w, and no volume has that name",
            "mounts two volumes at /a",
            "has the port p (2) twice",
            "the port name sixteen-letters- of Service service has more than 15 characters",
            "Service service selects no planned pod",
        ] {
            assert!(faults.contains(expected), "{expected} is missing in\n{faults}");
        }
    }
}
