//! A namespace for one test, under Pod Security *restricted*: what is admitted there is admitted anywhere. It is removed
//! with all that is in it when the test passes, and left for a look when it fails.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ottla_test_clients::{Client, Record};
use serde_json::Value;

use crate::kubernetes::{Kubernetes, checkout, feed, kubernetes, run};

/// Everything happens within seconds on an idle machine; one that compiles meanwhile may need minutes.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks.
const GLANCE: Duration = Duration::from_millis(200);

/// The cluster that the examples make.
pub const CLUSTER: &str = "my-cluster";

/// A test's own namespace.
#[derive(Debug)]
pub struct Namespace {
    kubernetes: &'static Kubernetes,
    name: String,
}

impl Namespace {
    /// An empty namespace; what an earlier run left of it goes first.
    ///
    /// # Panics
    /// When there is no Kubernetes, or it does not obey.
    #[must_use]
    pub fn new(name: &str) -> Namespace {
        let namespace = Namespace { kubernetes: kubernetes(), name: format!("test-{name}") };
        namespace.remove().expect("remove what an earlier run left");
        let manifest = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {}, labels: {{pod-security.kubernetes.io/enforce: restricted}}}}\n",
            namespace.name
        );
        feed(namespace.kubernetes.command("kubectl").args(["apply", "-f", "-"]), &manifest)
            .expect("make the namespace");
        namespace
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs kubectl in the namespace.
    ///
    /// # Errors
    /// When it fails.
    pub fn ask(&self, arguments: &[&str]) -> Result<String> {
        run(self.kubernetes.command("kubectl").args(["--namespace", &self.name]).args(arguments))
    }

    /// Applies a manifest.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub fn apply(&self, manifest: &str) -> Result<()> {
        let mut kubectl = self.kubernetes.command("kubectl");
        kubectl.args(["--namespace", &self.name, "apply", "--validate=strict", "-f", "-"]);
        feed(&mut kubectl, manifest).map(drop)
    }

    /// Applies a file of `deploy/examples/`.
    ///
    /// # Errors
    /// When it cannot be read or is refused.
    pub fn apply_example(&self, file: &str) -> Result<()> {
        let path = checkout().join("deploy/examples").join(file);
        self.apply(&std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?)
    }

    /// Merges `patch` into a resource.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub fn patch(&self, resource: &str, patch: &Value) -> Result<()> {
        self.ask(&["patch", resource, "--type=merge", "--patch", &patch.to_string()]).map(drop)
    }

    /// A resource as it is now; null when it is not there.
    ///
    /// # Errors
    /// When kubectl cannot say.
    pub fn get(&self, resource: &str) -> Result<Value> {
        let text = self.ask(&["get", resource, "--ignore-not-found", "--output=json"])?;
        if text.trim().is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text).context("read JSON") }
    }

    /// Waits until a resource is as `is_so` wants it, and gives it.
    ///
    /// # Errors
    /// When time runs out, with the resource and what else may tell why.
    pub fn wait(&self, resource: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.get(resource)?;
            if is_so(&found) {
                return Ok(found);
            }
            ensure!(Instant::now() < deadline, "{resource} is not {what} in time: {found:#}\n{}", self.diagnosis());
            std::thread::sleep(GLANCE);
        }
    }

    /// Waits until a resource is ready at its latest generation.
    ///
    /// # Errors
    /// When time runs out.
    pub fn wait_ready(&self, resource: &str) -> Result<Value> {
        self.wait(resource, "ready", |found| {
            condition(found, "Ready").is_some_and(|ready| ready["status"] == "True")
                && found["status"]["observedGeneration"] == found["metadata"]["generation"]
        })
    }

    /// Applies an example of a cluster and of a topic, waits for both, and gives the address of the cluster.
    ///
    /// # Errors
    /// When one of them does not become ready.
    pub fn cluster(&self, example: &str) -> Result<String> {
        self.apply_example(example)?;
        let kafka = self.wait_ready(&format!("kafka/{CLUSTER}"))?;
        self.apply_example("topic.yaml")?;
        self.wait_ready("kafkatopic/my-topic")?;
        let bootstrap = kafka["status"]["listeners"][0]["bootstrapServers"].as_str();
        Ok(bootstrap.context("the status names no address")?.to_owned())
    }

    /// The one pod of the cluster.
    ///
    /// # Errors
    /// When there is none or more.
    pub fn pod(&self) -> Result<Value> {
        let text =
            self.ask(&["get", "pods", "--selector", &format!("strimzi.io/cluster={CLUSTER}"), "--output=json"])?;
        let mut pods: Value = serde_json::from_str(&text).context("read JSON")?;
        let pods = pods["items"].as_array_mut().context("a list has items")?;
        ensure!(pods.len() == 1, "one pod is expected, not {}", pods.len());
        Ok(pods.remove(0))
    }

    /// Writes records with librdkafka.
    ///
    /// # Errors
    /// When one is refused.
    pub fn produce(&self, bootstrap: &str, topic: &str, records: &[Record]) -> Result<()> {
        let mut lines = String::new();
        for record in records {
            lines.push_str(&serde_json::to_string(record).context("write a record as JSON")?);
            lines.push('\n');
        }
        let mut client = Client::Librdkafka.command()?;
        client.args(["produce", bootstrap, topic, "none"]);
        feed(&mut self.kubernetes.within(&client), &lines).map(drop)
    }

    /// Reads `count` records with franz-go, in a group of its own name.
    ///
    /// # Errors
    /// When they do not come.
    pub fn consume(&self, bootstrap: &str, topic: &str, group: &str, count: usize) -> Result<Vec<Record>> {
        let mut client = Client::Franz.command()?;
        client.args(["consume", bootstrap, topic, group, &count.to_string()]);
        let said = run(self.kubernetes.within(&client))?;
        said.lines().map(|line| serde_json::from_str(line).with_context(|| format!("read {line}"))).collect()
    }

    /// A command of Kafka's own tools.
    ///
    /// # Errors
    /// When it fails.
    pub fn kafka_tool(&self, main: &str, arguments: &[&str]) -> Result<String> {
        let mut tool = ottla_harness::java::java(ottla_harness::java::Jars::Tools)?;
        tool.arg(main).args(arguments);
        run(self.kubernetes.within(&tool))
    }

    /// Removes the namespace. Topics first: their finalizers want a cluster to be removed from.
    ///
    /// # Errors
    /// When it does not go.
    pub fn remove(&self) -> Result<()> {
        if run(self.kubernetes.command("kubectl").args(["get", "namespace", &self.name, "--ignore-not-found"]))?
            .is_empty()
        {
            return Ok(());
        }
        self.ask(&["delete", "kafkatopic", "--all", "--timeout=60s"])?;
        run(self.kubernetes.command("kubectl").args(["delete", "namespace", &self.name, "--timeout=120s"])).map(drop)
    }

    fn diagnosis(&self) -> String {
        let questions: [&[&str]; 4] = [
            &["get", "kafka,kafkanodepool,kafkatopic,statefulset,pod,pvc"],
            &["get", "events", "--sort-by=.lastTimestamp"],
            &["logs", "--selector", "strimzi.io/broker-role=true", "--all-containers", "--tail=20"],
            &["--namespace", "kafka", "logs", "--selector", "strimzi.io/kind=cluster-operator", "--tail=20"],
        ];
        let answers = questions.map(|question| {
            let answer = self.ask(question).unwrap_or_else(|error| format!("{error:#}"));
            format!("── kubectl {}\n{answer}", question.join(" "))
        });
        answers.join("\n")
    }
}

/// The condition of this type in a resource's status.
#[must_use]
pub fn condition<'r>(resource: &'r Value, kind: &str) -> Option<&'r Value> {
    resource["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}
