//! What a real API server says of our definitions, of the manifests of every age, and of what the operator plans.

use ottla_crds::{Kafka, KafkaNodePool, Kind};
use ottla_plan::{Action, Object, Plan, Settings, World, plan_kafka};
use ottla_test_kubernetes::{Kubectl, api_server, checkout, documents, manifests};
use ottla_vocabulary::Timestamp;
use serde_json::{Value, json};

/// A document without its nulls, which say nothing and which the API server drops.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(elements) => elements.iter().map(without_nulls).collect(),
        plain => plain.clone(),
    }
}

fn kind_of(document: &Value) -> Kind {
    Kind::from_name(document["kind"].as_str().unwrap_or_default()).expect("the manifests hold our kinds only")
}

#[test]
fn every_manifest_is_accepted_strictly_and_comes_back_whole_in_every_version() {
    let server = api_server();
    let mut read = 0;
    for file in manifests() {
        let namespace = server.namespace(&format!("age-{}", file.file_stem().unwrap_or_default().to_string_lossy()));
        let path = file.to_string_lossy();
        server.run(&["--namespace", &namespace, "apply", "--validate=strict", "-f", &path]);
        for document in documents(&file) {
            let kind = kind_of(&document);
            let name = document["metadata"]["name"].as_str().expect("it has a name");
            for version in kind.versions() {
                let resource = format!("{}.{version}.kafka.strimzi.io", kind.plural());
                let present = server.get(&namespace, &resource, name);
                assert_eq!(present["apiVersion"], format!("kafka.strimzi.io/{version}"));
                assert_eq!(present["spec"], without_nulls(&document["spec"]), "{path} read as {version}");
                read += 1;
            }
        }
    }
    assert!(60 < read, "{read} readings are not all");
}

#[test]
fn strict_validation_catches_what_no_age_had() {
    let server = api_server();
    let namespace = server.namespace("typos");
    let kafka = |part: Value| json!({"kafka": part});
    let plain = json!([{"name": "plain", "port": 9092, "type": "internal", "tls": false}]);
    for (kind, spec, complaint) in [
        ("Kafka", kafka(json!({"listeners": plain, "replicsa": 1})), "unknown field \"spec.kafka.replicsa\""),
        (
            "Kafka",
            kafka(json!({"listeners": plain, "template": {"pod": {"affinity": {"nodeAfinity": {}}}}})),
            "nodeAfinity",
        ),
        ("Kafka", kafka(json!({"listeners": plain, "storage": {"type": "tape"}})), "spec.kafka.storage.type"),
        ("Kafka", kafka(json!({"replicas": 1})), "spec.kafka.listeners: Required value"),
        ("Kafka", kafka(json!({"listeners": plain, "replicas": "1"})), "spec.kafka.replicas"),
        ("KafkaNodePool", json!({"replicas": 1, "roles": ["king"], "storage": {"type": "ephemeral"}}), "spec.roles[0]"),
        ("KafkaTopic", json!({"partitions": 0}), "spec.partitions"),
        (
            "KafkaUser",
            json!({"authorization": {"type": "simple", "acls": [{"resource": {"type": "topic"}, "operation": "Sing"}]}}),
            "spec.authorization.acls[0].operation",
        ),
    ] {
        let document =
            json!({"apiVersion": "kafka.strimzi.io/v1beta2", "kind": kind, "metadata": {"name": "typo"}, "spec": spec});
        let arguments = ["--namespace", &namespace, "apply", "--validate=strict", "-f", "-"];
        let error = server.try_run(&arguments, &document.to_string()).expect_err(complaint);
        assert!(error.contains(complaint), "{complaint} is not said: {error}");
    }
}

#[test]
fn a_status_written_in_one_version_is_whole_in_every_other() {
    let server = api_server();
    let namespace = server.namespace("statuses");
    let file = checkout().join("tests/manifests/v1alpha1-kafka.yaml");
    server.run(&["--namespace", &namespace, "apply", "-f", &file.to_string_lossy()]);
    let status = json!({"status": {
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        "observedGeneration": 1,
        "clusterId": "abc",
        "listeners": [{"name": "plain", "addresses": [{"host": "a", "port": 1}], "bootstrapServers": "a:1"}],
        "registeredNodeIds": [0],
    }});
    let patch = status.to_string();
    let resource = "kafkas.v1.kafka.strimzi.io";
    server.run(&[
        "--namespace",
        &namespace,
        "patch",
        resource,
        "eldest",
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ]);
    for version in Kind::Kafka.versions() {
        let present = server.get(&namespace, &format!("kafkas.{version}.kafka.strimzi.io"), "eldest");
        assert_eq!(present["status"], status["status"], "{version}");
    }
    // What people wait for in scripts.
    server.run(&["--namespace", &namespace, "wait", "kafka/eldest", "--for=condition=Ready", "--timeout=5s"]);
}

#[test]
fn a_pool_is_scaled_by_kubectl() {
    let server = api_server();
    let namespace = server.namespace("scales");
    let file = checkout().join("tests/manifests/v1-kafka.yaml");
    server.run(&["--namespace", &namespace, "apply", "-f", &file.to_string_lossy()]);
    server.run(&["--namespace", &namespace, "scale", "knp/dual-role", "--replicas=2"]);
    assert_eq!(server.get(&namespace, "kafkanodepools", "dual-role")["spec"]["replicas"], 2);
}

/// Applies a plan as the operator does: server-side, under one field manager.
fn apply(server: &Kubectl, plan: &Plan) {
    for action in &plan.actions {
        let Action::Apply(object) = action else { panic!("nothing stands yet, and yet: {action}") };
        let arguments = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=ottla-operator",
            "--validate=strict",
            "-f",
            "-",
        ];
        server.try_run(&arguments, &object.body.to_string()).unwrap_or_else(|error| panic!("{}: {error}", object.key));
    }
}

/// The objects of a plan as the API server has them.
fn observe(server: &Kubectl, namespace: &str, plan: &Plan) -> World {
    let mut world = World::default();
    for object in &plan.objects {
        let body = server.get(namespace, object.key.kind.plural(), &object.key.name);
        world.insert(Object::observed(body).expect("it is of a kind that the plan knows"));
    }
    world
}

/// Defaults, rewritten quantities and dropped empty fields must not look like differences, or the operator would write for
/// ever; and what it writes must be admitted where only restricted pods are.
#[test]
fn what_is_planned_is_admitted_and_nothing_is_left_to_be_written_afterwards() {
    let server = api_server();
    let cases = std::fs::read_dir(checkout().join("operator/plan/tests/cases")).expect("the cases are there").flatten();
    let mut files: Vec<_> = cases.map(|case| case.path().join("kafka.yaml")).collect();
    files.extend(manifests());
    let mut applied = 0;
    for file in files {
        let (mut kafka, mut pools) = (None, Vec::new());
        let stem = file.with_extension("").to_string_lossy().replace(['/', '.', '_'], "-");
        let short = format!("plan{}", &stem[stem.len().saturating_sub(40)..]).replace("--", "-");
        let namespace = server.namespace(&short);
        for mut document in documents(&file) {
            document["metadata"]["namespace"] = json!(namespace);
            document["metadata"]["uid"] = json!("6f1c2c1e-7c55-4c0e-9d0f-2f6f0a3c9b11");
            match document["kind"].as_str() {
                Some("Kafka") => kafka = Some(serde_json::from_value::<Kafka>(document).expect("any can be read")),
                Some("KafkaNodePool") => {
                    pools.push(serde_json::from_value::<KafkaNodePool>(document).expect("any can be read"));
                }
                _ => {}
            }
        }
        let Some(kafka) = kafka else { continue };
        let plan = |world: &World| plan_kafka(&kafka, &pools, world, &Settings::default(), Timestamp(0));
        let first = plan(&World::default());
        if first.actions.is_empty() {
            continue;
        }
        apply(server, &first);
        let again = plan(&observe(server, &namespace, &first));
        assert!(again.actions.is_empty(), "{}: {:#?}", file.display(), again.actions);
        admit_pod(server, &namespace, &first);
        applied += 1;
    }
    assert!(10 < applied, "{applied} plans are not all");
}

/// A pod as the stateful set would make it.
fn admit_pod(server: &Kubectl, namespace: &str, plan: &Plan) {
    let set = plan.objects.iter().find(|object| object.key.kind == ottla_plan::ObjectKind::StatefulSet);
    let set = &set.expect("a plan has a stateful set").body;
    let mut pod = set["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("admitted");
    // The classes that templates name are not there, and are not what is asked about.
    pod["spec"].as_object_mut().expect("it is an object").remove("priorityClassName");
    let claims = set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
    for claim in claims {
        let name = &claim["metadata"]["name"];
        let volume = json!({"name": name, "persistentVolumeClaim": {"claimName": name}});
        pod["spec"]["volumes"].as_array_mut().expect("it is a list").push(volume);
    }
    let arguments = ["--namespace", namespace, "create", "--dry-run=server", "--validate=strict", "-f", "-"];
    server.try_run(&arguments, &pod.to_string()).unwrap_or_else(|error| panic!("{namespace}: {error}\n{pod:#}"));
}

#[test]
fn the_plain_yaml_and_its_examples_are_taken_strictly_and_the_operators_pod_is_admitted() {
    let server = api_server();
    let deploy = checkout().join("deploy");
    // Its namespace is a fixed one, and may stand from an earlier run.
    let namespace = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "kafka", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    });
    server.apply(&namespace);
    let plain = deploy.join("ottla.yaml");
    let apply = ["apply", "--server-side", "--force-conflicts", "--validate=strict", "-f"];
    server.run(&[&apply[..], &[&plain.to_string_lossy()]].concat());
    let deployment = documents(&plain).into_iter().find(|document| document["kind"] == "Deployment");
    let mut pod = deployment.expect("the operator is a deployment")["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("admitted");
    let create = ["--namespace", "kafka", "create", "--dry-run=server", "--validate=strict", "-f", "-"];
    server.try_run(&create, &pod.to_string()).unwrap_or_else(|error| panic!("{error}\n{pod:#}"));

    let examples = std::fs::read_dir(deploy.join("examples")).expect("the examples are there").flatten();
    for example in examples {
        let path = example.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let namespace = server.namespace(&format!("example-{stem}"));
        server.run(&["--namespace", &namespace, "apply", "--validate=strict", "-f", &path.to_string_lossy()]);
    }
}
