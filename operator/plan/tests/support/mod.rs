//! A Kubernetes in memory for tests of the plan: it applies actions as an API server does, and makes pods and claims as the
//! controller of stateful sets does. It knows nothing of the plan's reasons.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::path::Path as FilePath;

use ottla_crds::{Kafka, KafkaNodePool, KafkaTopic, Step};
use ottla_plan::{Action, Object, ObjectKey, ObjectKind, Plan, Settings, World, plan_kafka};
use ottla_vocabulary::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// A fixed time: 2026-01-01T00:00:00Z.
pub const NOW: Timestamp = Timestamp(1_767_225_600_000);
/// The uid of every Kafka resource here.
pub const UID: &str = "6f1c2c1e-7c55-4c0e-9d0f-2f6f0a3c9b11";

/// The resources of a file or a folder of files.
#[derive(Default)]
pub struct Resources {
    pub kafkas: Vec<Kafka>,
    pub pools: Vec<KafkaNodePool>,
    pub topics: Vec<KafkaTopic>,
    pub others: Vec<Value>,
}

impl Resources {
    /// Reads documents of YAML as an API server would hand them out after they were applied.
    pub fn read(text: &str) -> Resources {
        let mut resources = Resources::default();
        for document in serde_yaml::Deserializer::from_str(text) {
            let mut value = Value::deserialize(document).expect("the manifest is YAML");
            if value.is_null() {
                continue;
            }
            if value["metadata"]["namespace"].is_null() {
                value["metadata"]["namespace"] = json!("streams");
            }
            value["metadata"]["uid"] = json!(UID);
            value["metadata"]["generation"] = json!(1);
            let read = |value| serde_json::from_value(value).expect("any document can be read");
            let kind = value["kind"].as_str().map(str::to_owned);
            match kind.as_deref() {
                Some("Kafka") => resources.kafkas.push(read(value)),
                Some("KafkaNodePool") => resources.pools.push(serde_json::from_value(value).expect("likewise")),
                Some("KafkaTopic") => resources.topics.push(serde_json::from_value(value).expect("likewise")),
                _ => resources.others.push(value),
            }
        }
        resources
    }

    /// Reads all YAML files of a folder but `world.yaml`.
    pub fn of_folder(folder: &FilePath) -> Resources {
        let mut files: Vec<_> = std::fs::read_dir(folder).expect("the folder is there").flatten().collect();
        files.sort_by_key(|file| file.path());
        let is_resource = |path: &FilePath| {
            path.extension().is_some_and(|end| end == "yaml")
                && path.file_name().is_none_or(|name| name != "world.yaml")
        };
        let texts = files.iter().filter(|file| is_resource(&file.path()));
        let texts: Vec<String> =
            texts.map(|file| std::fs::read_to_string(file.path()).expect("it can be read")).collect();
        Resources::read(&texts.join("\n---\n"))
    }
}

/// The smallest cluster that is right.
pub fn smallest() -> Kafka {
    let spec = json!({"kafka": {
        "replicas": 1,
        "listeners": [{"name": "plain", "port": 9092, "type": "internal", "tls": false}],
        "storage": {"type": "persistent-claim", "size": "10Gi"},
    }});
    let mut kafka = Kafka::new("streams", "my-cluster", spec);
    kafka.metadata.uid = Some(UID.to_owned());
    kafka.metadata.generation = Some(1);
    kafka
}

/// A resource with one value of its spec changed, and its generation with it.
pub fn with(kafka: &Kafka, pointer: &str, value: Value) -> Kafka {
    let mut kafka = kafka.clone();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer into the spec");
    let place = kafka.spec.pointer_mut(parent).expect("the parent is there");
    place[name] = value;
    kafka.metadata.generation = kafka.metadata.generation.map(|generation| generation + 1);
    kafka
}

/// A pool of the smallest cluster.
pub fn pool(name: &str, replicas: i64, roles: &Value) -> KafkaNodePool {
    let spec = json!({"replicas": replicas, "roles": roles, "storage": {"type": "persistent-claim", "size": "1Gi"}});
    let mut pool = KafkaNodePool::new("streams", name, spec);
    pool.metadata.labels = Some([("strimzi.io/cluster".to_owned(), "my-cluster".to_owned())].into());
    pool.metadata.generation = Some(1);
    pool
}

/// The smallest cluster, whose nodes are left to pools.
pub fn pooled() -> Kafka {
    let mut kafka = smallest();
    let part = kafka.spec["kafka"].as_object_mut().expect("it is an object");
    part.remove("replicas");
    part.remove("storage");
    kafka
}

/// Sets a value at a path below the spec, making what is missing on the way.
pub fn set(spec: &mut Value, path: &ottla_crds::Path, value: Value) {
    let mut place = spec;
    for step in &path.steps()[1..] {
        place = match step {
            Step::Field(name) => {
                if !place.is_object() {
                    *place = json!({});
                }
                &mut place[name.as_str()]
            }
            Step::Element(index) => {
                if !place.is_array() {
                    *place = json!([]);
                }
                let elements = place.as_array_mut().expect("it is a list by now");
                while elements.len() <= *index {
                    elements.push(Value::Null);
                }
                &mut elements[*index]
            }
        };
    }
    *place = value;
}

/// A resource with labels of the user's.
pub fn labelled(kafka: &Kafka, labels: &[(&str, &str)]) -> Kafka {
    let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut kafka = kafka.clone();
    kafka.metadata.labels = Some(labels.collect());
    kafka
}

/// A user writes the resource anew.
pub fn write(kafka: &mut Kafka, wanted: &Kafka) {
    kafka.spec = wanted.spec.clone();
    kafka.metadata.generation = wanted.metadata.generation;
    kafka.metadata.labels = wanted.metadata.labels.clone();
}

/// The world without what differs from one road to another: uids and generations.
pub fn shown(world: &World) -> String {
    let mut text = String::new();
    for (key, body) in world.iter() {
        let mut body = body.clone();
        for field in ["uid", "generation", "ownerReferences"] {
            body["metadata"][field] = Value::Null;
        }
        body["status"] = Value::Null;
        text.push_str(&format!("{key} {body}\n"));
    }
    text
}

/// A cluster that stands, and its resource.
pub fn built(kafka: &Kafka) -> (Namespace, Kafka) {
    let (mut namespace, mut kafka) = (Namespace::default(), kafka.clone());
    namespace.converge(&mut kafka, &mut []);
    (namespace, kafka)
}

/// A cluster's namespace.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    pub world: World,
    pub settings: Settings,
    uids: u64,
    /// What was applied to each object, by which server-side apply knows what is no longer applied.
    applied: BTreeMap<ObjectKey, Value>,
}

impl Namespace {
    /// Plans for this world.
    pub fn plan(&self, kafka: &Kafka, pools: &[KafkaNodePool]) -> Plan {
        plan_kafka(kafka, pools, &self.world, &self.settings, NOW)
    }

    /// Does one action, as the API server and its garbage collector do.
    pub fn act(&mut self, action: &Action) {
        match action {
            Action::Apply(object) => self.apply(object),
            Action::Delete { key, uid } => {
                assert_eq!(self.uid(key), *uid, "a precondition fails on {key}");
                self.world.remove(key);
            }
            Action::Replace { key, uid, .. } => {
                assert_eq!(self.uid(key), *uid, "a precondition fails on {key}");
                self.world.remove(key);
                self.orphan(uid);
            }
            Action::Annotate { key, annotation, value } => {
                let mut body = self.world.get(key).expect("it is there").clone();
                match value {
                    Some(value) => body["metadata"]["annotations"][*annotation] = json!(value),
                    None => drop(body["metadata"]["annotations"].as_object_mut().map(|all| all.remove(*annotation))),
                }
                self.world.insert(Object { key: key.clone(), body });
            }
            Action::RestartPod { pod, uid, reasons } => {
                assert!(!reasons.is_empty(), "no pod is restarted without a reason");
                let key = ObjectKind::Pod.named(pod);
                assert_eq!(self.uid(&key), *uid, "a precondition fails on {key}");
                self.world.remove(&key);
            }
        }
    }

    /// Lets the controllers of Kubernetes do their work to the end; pods become ready.
    pub fn settle(&mut self) {
        let sets: Vec<(String, Value)> =
            self.world.of_kind(ObjectKind::StatefulSet).map(|(name, body)| (name.to_owned(), body.clone())).collect();
        for (name, mut set) in sets {
            set["status"]["observedGeneration"] = set["metadata"]["generation"].clone();
            let start = set["spec"]["ordinals"]["start"].as_i64().unwrap_or(0);
            let count = set["spec"]["replicas"].as_i64().unwrap_or(1);
            for ordinal in start..start + count {
                self.make_node(&name, &set, ordinal);
            }
            self.world.insert(Object { key: ObjectKind::StatefulSet.named(name), body: set });
        }
    }

    /// Plans, acts and settles until nothing is left to do; the plans on the way.
    pub fn converge(&mut self, kafka: &mut Kafka, pools: &mut [KafkaNodePool]) -> Vec<Plan> {
        let mut plans = Vec::new();
        loop {
            let plan = self.plan(kafka, pools);
            report(kafka, pools, &plan);
            plan.actions.iter().for_each(|action| self.act(action));
            self.settle();
            let is_settled = plan.is_settled();
            plans.push(plan);
            if is_settled {
                return plans;
            }
            assert!(plans.len() < 30, "it never ends:\n{}", plans.last().expect("there is one"));
        }
    }

    fn uid(&self, key: &ObjectKey) -> String {
        let body = self.world.get(key).unwrap_or_else(|| panic!("{key} is not there"));
        body["metadata"]["uid"].as_str().expect("every object has a uid").to_owned()
    }

    fn next_uid(&mut self) -> String {
        self.uids += 1;
        format!("uid-{}", self.uids)
    }

    fn apply(&mut self, object: &Object) {
        let mut body = object.body.clone();
        round_up(&mut body);
        match self.world.get(&object.key) {
            Some(old) => {
                if object.key.kind == ObjectKind::PersistentVolumeClaim {
                    // Only what is or was applied changes; the rest of a claim is the stateful set's.
                    let mut merged = old.clone();
                    if let Some(before) = self.applied.get(&object.key) {
                        withdraw(&mut merged, before, &body);
                    }
                    merge(&mut merged, &body);
                    body = merged;
                }
                if object.key.kind == ObjectKind::StatefulSet {
                    for field in ["serviceName", "podManagementPolicy", "selector", "volumeClaimTemplates"] {
                        let (old, new) = (&old["spec"][field], &body["spec"][field]);
                        assert_eq!(old, new, "422: updates to spec.{field} of {} are forbidden", object.key);
                    }
                }
                let has_changed = old["spec"] != body["spec"];
                let generation = old["metadata"]["generation"].as_i64().unwrap_or(1) + i64::from(has_changed);
                body["metadata"]["uid"] = old["metadata"]["uid"].clone();
                body["metadata"]["generation"] = json!(generation);
                body["status"] = old["status"].clone();
                // Other managers' annotations stay.
                for (key, value) in old["metadata"]["annotations"].as_object().into_iter().flatten() {
                    if key == "strimzi.io/manual-rolling-update" {
                        body["metadata"]["annotations"][key] = value.clone();
                    }
                }
            }
            None => {
                body["metadata"]["uid"] = json!(self.next_uid());
                body["metadata"]["generation"] = json!(1);
            }
        }
        self.applied.insert(object.key.clone(), object.body.clone());
        self.world.insert(Object { key: object.key.clone(), body });
    }

    fn orphan(&mut self, owner: &str) {
        let owned: Vec<(ObjectKey, Value)> = self
            .world
            .iter()
            .filter(|(_, body)| body["metadata"]["ownerReferences"][0]["uid"] == owner)
            .map(|(key, body)| (key.clone(), body.clone()))
            .collect();
        for (key, mut body) in owned {
            body["metadata"]["ownerReferences"] = json!([]);
            self.world.insert(Object { key, body });
        }
    }

    fn make_node(&mut self, set_name: &str, set: &Value, ordinal: i64) {
        let pod = format!("{set_name}-{ordinal}");
        for template in set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
            let name = format!("{}-{pod}", template["metadata"]["name"].as_str().expect("templates have names"));
            let key = ObjectKind::PersistentVolumeClaim.named(&name);
            if self.world.get(&key).is_none() {
                let mut body = template.clone();
                body["metadata"]["name"] = json!(name);
                body["metadata"]["uid"] = json!(self.next_uid());
                self.world.insert(Object { key, body });
            }
        }
        let key = ObjectKind::Pod.named(&pod);
        let owner =
            json!([{"kind": "StatefulSet", "name": set_name, "uid": set["metadata"]["uid"], "controller": true}]);
        match self.world.get(&key).cloned() {
            Some(mut body) => {
                body["metadata"]["ownerReferences"] = owner;
                self.world.insert(Object { key, body });
            }
            None => {
                let mut body = set["spec"]["template"].clone();
                body["metadata"]["name"] = json!(pod);
                body["metadata"]["uid"] = json!(self.next_uid());
                body["metadata"]["ownerReferences"] = owner;
                body["status"] = json!({"conditions": [{"type": "Ready", "status": "True"}]});
                self.world.insert(Object { key, body });
            }
        }
    }
}

/// Writes the statuses of a plan into its resources, as the shell does.
pub fn report(kafka: &mut Kafka, pools: &mut [KafkaNodePool], plan: &Plan) {
    kafka.status = plan.status.clone();
    for pool in pools {
        if let Some(status) = plan.pool_statuses.get(pool.name()) {
            pool.status = status.clone();
        }
    }
}

/// All messages of a status' conditions, one by one.
pub fn messages(status: &Value) -> Vec<String> {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let messages = conditions.filter_map(|condition| condition["message"].as_str());
    messages.flat_map(|message| message.split("; ")).map(str::to_owned).collect()
}

/// `type reason` of the first condition.
pub fn state(status: &Value) -> String {
    let condition = &status["conditions"][0];
    let text = |name: &str| condition[name].as_str().unwrap_or_default();
    format!("{} {}", text("type"), text("reason")).trim_end().to_owned()
}

/// Rounds what containers and claims ask for up to thousandths, as the API server does.
fn round_up(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else {
        return value.as_array_mut().into_iter().flatten().for_each(round_up);
    };
    for (name, value) in fields {
        match value.as_object_mut().filter(|_| matches!(name.as_str(), "requests" | "limits")) {
            Some(quantities) => {
                for quantity in quantities.values_mut() {
                    let number = quantity.as_str().and_then(|text| text.parse::<f64>().ok());
                    if let Some(number) = number.filter(|number| number.fract() != 0.0) {
                        *quantity = json!(format!("{:.0}m", (number * 1000.0).ceil()));
                    }
                }
            }
            None => round_up(value),
        }
    }
}

/// Takes away what was applied before and is not applied now.
fn withdraw(present: &mut Value, before: &Value, now: &Value) {
    let (Some(present), Some(before)) = (present.as_object_mut(), before.as_object()) else { return };
    for (key, before) in before {
        match (present.get_mut(key), now.get(key)) {
            (Some(present), Some(now)) => withdraw(present, before, now),
            (Some(_), None) => drop(present.remove(key)),
            (None, _) => {}
        }
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}
