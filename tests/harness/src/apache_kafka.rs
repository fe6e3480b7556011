//! Apache Kafka 4.4 as a process: a combined node, formatted and started, to be compared with.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::java::{self, Jars};
use crate::ports;
use crate::process::Process;

/// The cluster id that test directories are formatted with.
pub const CLUSTER_ID: &str = "vPeOCWypqUOSepEvx0cbog";

/// How a node is set up before it starts.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Lines added to `server.properties`; a later line wins over an earlier one.
    pub properties: Vec<String>,
    /// Further arguments of the storage tool's `format`.
    pub format_arguments: Vec<String>,
    /// The whole Kafka to run: 4.4.0, or 4.3.1 where it must match the tools.
    pub jars: Jars,
    /// The Java heap, Kafka's own default of 1 GiB if none.
    pub heap: Option<String>,
    /// The JVM's remaining arguments: Kafka's own when measured (G1), a quick start when compared with.
    pub measured: bool,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            properties: Vec::new(),
            format_arguments: Vec::new(),
            jars: Jars::Kafka,
            heap: Some("512m".to_owned()),
            measured: false,
        }
    }
}

/// A running Apache Kafka. Dropping it kills it; its directory is the caller's.
#[derive(Debug)]
pub struct ApacheKafka {
    /// Where clients bootstrap: `127.0.0.1:port`.
    pub bootstrap: String,
    /// The controller listener's address.
    pub controller: String,
    /// `log.dirs`, one directory.
    pub data: PathBuf,
    /// The process.
    pub process: Process,
}

impl ApacheKafka {
    /// Formats `folder/data` unless it is, and starts a combined node on it; returns once it is serving.
    ///
    /// # Errors
    /// When Java or a jar is missing, or Kafka refuses; with the end of its log.
    pub fn start(folder: &Path, setup: &Setup) -> Result<ApacheKafka> {
        let formatted = ApacheKafka::format(folder, setup)?;
        ApacheKafka::start_formatted(folder, setup, formatted)
    }

    /// Writes `server.properties` and formats `folder/data` unless it is.
    ///
    /// # Errors
    /// When Java or a jar is missing, or the storage tool refuses.
    pub fn format(folder: &Path, setup: &Setup) -> Result<Formatted> {
        let [broker, controller] = ports::free()?;
        let data = folder.join("data");
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let properties = folder.join("server.properties");
        std::fs::write(&properties, render_properties(broker, controller, &data, setup))
            .with_context(|| format!("write {}", properties.display()))?;
        if !data.join("meta.properties").exists() {
            run_storage_tool(&properties, setup)?;
        }
        Ok(Formatted { broker, controller, data, properties })
    }

    /// Starts a node on a formatted directory; returns once it is serving.
    ///
    /// # Errors
    /// When Java or a jar is missing, or Kafka refuses; with the end of its log.
    pub fn start_formatted(folder: &Path, setup: &Setup, formatted: Formatted) -> Result<ApacheKafka> {
        let Formatted { broker, controller, data, properties } = formatted;
        let mut command = server(setup)?;
        command.arg("kafka.Kafka").arg(&properties);
        let mut process = Process::start("Apache Kafka", &mut command, &folder.join("kafka.log"))?;
        process.wait_for_port(broker, Duration::from_secs(60))?;
        Ok(ApacheKafka {
            bootstrap: format!("127.0.0.1:{broker}"),
            controller: format!("127.0.0.1:{controller}"),
            data,
            process,
        })
    }

    /// Ends it cleanly, so that its directory is that of a controlled shutdown.
    ///
    /// # Errors
    /// When it takes longer than a minute.
    pub fn stop(mut self) -> Result<PathBuf> {
        self.process.terminate(Duration::from_secs(60))?;
        Ok(self.data.clone())
    }
}

/// A formatted directory and the ports that its configuration names.
#[derive(Debug)]
pub struct Formatted {
    broker: u16,
    controller: u16,
    data: PathBuf,
    properties: PathBuf,
}

/// `server.properties` of a combined node on loopback whose internal topics have one replica.
pub fn render_properties(broker: u16, controller: u16, data: &Path, setup: &Setup) -> String {
    let mut lines = vec![
        "process.roles=broker,controller".to_owned(),
        "node.id=1".to_owned(),
        format!("listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}"),
        "controller.listener.names=CONTROLLER".to_owned(),
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        format!("controller.quorum.bootstrap.servers=127.0.0.1:{controller}"),
        format!("log.dirs={}", data.display()),
        "offsets.topic.replication.factor=1".to_owned(),
        "transaction.state.log.replication.factor=1".to_owned(),
        "transaction.state.log.min.isr=1".to_owned(),
        "share.coordinator.state.topic.replication.factor=1".to_owned(),
        "share.coordinator.state.topic.min.isr=1".to_owned(),
    ];
    lines.extend(setup.properties.iter().cloned());
    lines.join("\n") + "\n"
}

fn server(setup: &Setup) -> Result<Command> {
    if !setup.measured {
        let mut command = java::java(setup.jars)?;
        command.args(setup.heap.iter().map(|heap| format!("-Xmx{heap}")));
        return Ok(command);
    }
    // As bin/kafka-server-start.sh runs it.
    let mut command = Command::new("java");
    let heap = setup.heap.as_deref().unwrap_or("1G");
    command
        .args([&format!("-Xmx{heap}"), &format!("-Xms{heap}")])
        .args(["-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35"])
        .args(["-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true"])
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        .args(["-cp", &setup.jars.class_path()?]);
    Ok(command)
}

fn run_storage_tool(properties: &Path, setup: &Setup) -> Result<()> {
    let output = java::java(setup.jars)?
        .arg("kafka.tools.StorageTool")
        .args(["format", "--standalone", "-t", CLUSTER_ID, "-c"])
        .arg(properties)
        .args(&setup.format_arguments)
        .output()
        .context("run Kafka's storage tool; install Java with: apt-get install default-jdk-headless")?;
    if !output.status.success() {
        bail!(
            "Kafka's storage tool refused:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
