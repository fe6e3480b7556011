//! The cluster of the demonstration: the operator by its chart, one Kafka resource of one broker, a KafkaTopic for each data
//! set, and the death of the broker's pod. When something does not come up, the error carries what Kubernetes says of it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::forward::Forward;
use crate::images::{Image, Repository};
use crate::kubernetes::{self, Access, Names};
use crate::{place, program};

/// Where operator and cluster live.
pub const NAMESPACE: &str = "kafka";
/// The cluster, as `deploy/examples/` calls it.
pub const CLUSTER: &str = "my-cluster";
/// The manifest of the cluster.
pub const MANIFEST: &str = "deploy/examples/kafka-persistent.yaml";
/// Partitions of each topic: three for each of the two consumers.
pub const PARTITIONS: usize = 6;

/// Everything is ready within seconds; a machine that compiles meanwhile may need minutes.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks.
const GLANCE: Duration = Duration::from_millis(200);

/// The cluster behind an access.
pub struct Cluster {
    access: Access,
}

impl Cluster {
    /// Not yet installed.
    pub fn new(access: Access) -> Self {
        Self { access }
    }

    /// Installs or upgrades definitions and operator, from images that nodes find in this place.
    pub fn install(&self, images: &Repository, operator: &Image, broker: &Image) -> Result<()> {
        let namespace = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}, labels: {{pod-security.kubernetes.io/enforce: restricted}}}}\n"
        );
        self.access.apply(&namespace).context("make the namespace")?;
        let chart = place::checkout().join("charts/ottla");
        program::run(
            self.access.kubectl().args(["apply", "--server-side", "--force-conflicts", "-f"]).arg(chart.join("crds")),
        )
        .context("install the definitions of the custom resources")?;
        let mut helm = self.access.helm()?;
        helm.args(["upgrade", "--install", "ottla"]).arg(&chart).args(["--namespace", NAMESPACE, "--skip-crds"]);
        for (value, is) in [
            ("defaultImageRegistry", &images.registry),
            ("defaultImageRepository", &images.repository),
            ("image.name", &operator.name),
            ("image.tag", &operator.tag),
            ("kafka.image.name", &broker.name),
            ("kafka.image.tag", &broker.tag),
        ] {
            helm.arg("--set-string").arg(format!("{value}={is}"));
        }
        program::run(&mut helm).context("install the operator by its chart")?;
        let waiting = ["rollout", "status", "deployment/ottla-cluster-operator", "--timeout=180s"];
        self.ask(&waiting).map(drop).with_context(|| self.diagnosis("the operator does not come up"))
    }

    /// Applies the Kafka resource and waits until it is ready. Gives the address at which clients bootstrap.
    pub fn apply_kafka(&self) -> Result<String> {
        let manifest = place::checkout().join(MANIFEST);
        program::run(self.access.kubectl().args(["--namespace", NAMESPACE, "apply", "-f"]).arg(&manifest))?;
        self.wait_ready(&format!("kafka/{CLUSTER}"))?;
        let path = "--output=jsonpath={.status.listeners[?(@.name=='plain')].bootstrapServers}";
        let bootstrap = self.ask(&["get", "kafka", CLUSTER, path])?;
        if bootstrap.is_empty() {
            bail!("the status of kafka/{CLUSTER} names no address of its listener");
        }
        Ok(bootstrap)
    }

    /// Applies a KafkaTopic for each of `topics` and waits until they are ready.
    pub fn apply_topics(&self, topics: &[&str]) -> Result<()> {
        for topic in topics {
            self.access.apply(&format!(
                "apiVersion: kafka.strimzi.io/v1\n\
                 kind: KafkaTopic\n\
                 metadata: {{name: {topic}, namespace: {NAMESPACE}, labels: {{strimzi.io/cluster: {CLUSTER}}}}}\n\
                 spec: {{partitions: {PARTITIONS}, replicas: 1}}\n"
            ))?;
        }
        topics.iter().try_for_each(|topic| self.wait_ready(&format!("kafkatopic/{topic}")))
    }

    /// Removes the cluster and its records, if there are any, so that counts begin at nothing.
    pub fn clear(&self, topics: &[&str]) -> Result<()> {
        let delete = ["delete", "--ignore-not-found", "--wait=true", "--timeout=60s"];
        for topic in topics {
            self.ask(&[&delete[..], &["kafkatopic", topic]].concat())?;
        }
        self.ask(&[&delete[..], &["kafka", CLUSTER]].concat())?;
        self.ask(&[&delete[..], &["kafkanodepool", "--selector", &format!("strimzi.io/cluster={CLUSTER}")]].concat())?;
        let deadline = Instant::now() + PATIENCE;
        while !self
            .ask(&["get", "pods", "--selector", &format!("strimzi.io/cluster={CLUSTER}"), "--output=name"])?
            .is_empty()
        {
            if Instant::now() > deadline {
                return Err(anyhow::anyhow!(self.diagnosis("the pods of an earlier cluster do not end")));
            }
            sleep(GLANCE);
        }
        self.ask(&[&delete[..], &["pvc", "--selector", &format!("strimzi.io/cluster={CLUSTER}")]].concat())?;
        Ok(())
    }

    /// Whether there is a cluster already.
    pub fn is_there(&self) -> Result<bool> {
        Ok(!self.ask(&["get", "kafka", CLUSTER, "--ignore-not-found", "--output=name"])?.is_empty())
    }

    /// How programs of this machine see the cluster's names, and what must live as long as they do: nothing for the local
    /// cluster, whose addresses are reachable; a forwarded port for any other.
    pub fn names(&self, bootstrap: &str) -> Result<(Names, Option<Forward>)> {
        if self.access.named_context().is_none() {
            return Ok((kubernetes::names()?, None));
        }
        let (host, port) = bootstrap.rsplit_once(':').with_context(|| format!("{bootstrap} has no port"))?;
        let port: u16 = port.parse().with_context(|| format!("the port of {bootstrap} is no number"))?;
        let pod = self.broker_pod()?;
        let advertised = format!("{pod}.{CLUSTER}-kafka-brokers.{NAMESPACE}.svc");
        let names = Names::forwarded(&[host.to_owned(), advertised])?;
        Ok((names, Some(Forward::start(self.access.clone(), NAMESPACE, pod, port))))
    }

    fn broker_pod(&self) -> Result<String> {
        self.ask(&["get", "pods", "--selector", &broker_selector(), "--output=jsonpath={.items[0].metadata.name}"])
    }

    /// Kills the broker's pod without a word and waits until another has taken its place and is ready. Gives its name.
    pub fn kill_broker(&self) -> Result<String> {
        let name = self.broker_pod()?;
        let uid =
            |name: &str| self.ask(&["get", "pod", name, "--ignore-not-found", "--output=jsonpath={.metadata.uid}"]);
        let before = uid(&name)?;
        self.ask(&["delete", "pod", &name, "--grace-period=0", "--force"])?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = uid(&name)?;
            let ready = "--output=jsonpath={.status.conditions[?(@.type=='Ready')].status}";
            if !now.is_empty()
                && now != before
                && self.ask(&["get", "pod", &name, "--ignore-not-found", ready])? == "True"
            {
                return Ok(name);
            }
            if Instant::now() > deadline {
                bail!("{}", self.diagnosis(&format!("the pod {name} does not come back")));
            }
            sleep(GLANCE);
        }
    }

    /// Runs kubectl in the namespace.
    pub fn ask(&self, arguments: &[&str]) -> Result<String> {
        self.access.ask(&[&["--namespace", NAMESPACE], arguments].concat())
    }

    fn wait_ready(&self, resource: &str) -> Result<()> {
        let timeout = format!("--timeout={}s", PATIENCE.as_secs());
        self.ask(&["wait", "--for=condition=Ready", &timeout, resource])
            .map(drop)
            .with_context(|| self.diagnosis(&format!("{resource} does not become ready")))
    }

    /// `what`, and all that helps to see why.
    fn diagnosis(&self, what: &str) -> String {
        let mut story = what.to_owned();
        for question in [
            &["get", "kafka,kafkanodepool,kafkatopic,statefulset,pod,pvc"][..],
            &["get", "kafka", CLUSTER, "--ignore-not-found", "--output=jsonpath={.status.conditions}"],
            &["get", "events", "--sort-by=.lastTimestamp"],
            &["logs", "--selector", "strimzi.io/kind=cluster-operator", "--tail=20"],
            &["logs", "--selector", &broker_selector(), "--tail=20"],
        ] {
            let answer = self.ask(question).unwrap_or_else(|error| format!("{error:#}"));
            story.push_str(&format!("\n── kubectl {}\n{}", question.join(" "), program::last_lines(&answer)));
        }
        story
    }
}

fn broker_selector() -> String {
    format!("strimzi.io/cluster={CLUSTER},strimzi.io/broker-role=true")
}
