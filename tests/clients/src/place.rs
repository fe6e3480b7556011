//! A node's place: one directory, one `server.properties` and one set of ports, on which ours and Apache Kafka are started
//! in turn, stopped and killed. (`ottla_harness` draws other ports at every start, which a client would not find again.)

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use ottla_harness::apache_kafka::{CLUSTER_ID, Setup, render_properties};
use ottla_harness::java::{self, Jars};
use ottla_harness::process::Process;
use ottla_harness::{OttlaBroker, ports};

/// How long a start may take; the machine may be busy.
const START_MAX: Duration = Duration::from_secs(60);

/// A directory with its configuration; nothing runs there until it is started.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    broker: u16,
    http: u16,
    quorum: Quorum,
}

/// How the configuration names the voters of the metadata log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// `controller.quorum.bootstrap.servers`; the voters are in the log, as Kafka formats by default now.
    InTheLog,
    /// `controller.quorum.voters`, as before KIP-853; the log says nothing of voters, and kraft.version is 0.
    Static,
}

impl Place {
    /// Writes the configuration of a combined node whose data lie in `folder/data`.
    ///
    /// # Errors
    /// When the folder cannot be written or no ports are free.
    pub fn new(folder: &Path, properties: &[&str]) -> Result<Place> {
        Place::over(folder, &folder.join("data"), properties)
    }

    /// The same with a static quorum.
    ///
    /// # Errors
    /// When the folder cannot be written or no ports are free.
    pub fn with_static_voters(folder: &Path, properties: &[&str]) -> Result<Place> {
        let mut place = Place::new(folder, properties)?;
        let path = place.properties();
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let lines = text.lines().map(|line| match line.strip_prefix("controller.quorum.bootstrap.servers=") {
            Some(address) => format!("controller.quorum.voters=1@{address}\n"),
            None => format!("{line}\n"),
        });
        std::fs::write(&path, lines.collect::<String>()).with_context(|| format!("write {}", path.display()))?;
        place.quorum = Quorum::Static;
        Ok(place)
    }

    /// The same with the data of another place: what must not run beside it.
    ///
    /// # Errors
    /// When the folder cannot be written or no ports are free.
    pub fn over(folder: &Path, data: &Path, properties: &[&str]) -> Result<Place> {
        let [broker, controller, http] = ports::free()?;
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let mut properties: Vec<String> = properties.iter().map(|&line| line.to_owned()).collect();
        properties.push("group.initial.rebalance.delay.ms=0".to_owned());
        let setup = Setup { properties, ..Setup::default() };
        let place = Place { folder: folder.to_owned(), broker, http, quorum: Quorum::InTheLog };
        std::fs::write(place.properties(), render_properties(broker, controller, data, &setup))
            .with_context(|| format!("write {}", place.properties().display()))?;
        Ok(place)
    }

    /// Where clients bootstrap.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.broker)
    }

    /// The address of ours for health and metrics.
    pub fn http(&self) -> String {
        format!("127.0.0.1:{}", self.http)
    }

    /// The configuration's file.
    pub fn properties(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    /// The data directory of [`Place::new`].
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts ours; it serves when this returns.
    ///
    /// # Errors
    /// When it does not; with the end of its log.
    pub fn start_ottla(&self) -> Result<Process> {
        let mut process = Process::start("ottla-broker", &mut self.ottla()?, &self.folder.join("ottla.log"))?;
        process.wait_for_port(self.broker, START_MAX)?;
        Ok(process)
    }

    /// Starts Apache Kafka 4.4; it serves when this returns.
    ///
    /// # Errors
    /// When it does not; with the end of its log.
    pub fn start_kafka(&self) -> Result<Process> {
        let mut process = Process::start("Apache Kafka", &mut self.kafka()?, &self.folder.join("kafka.log"))?;
        process.wait_for_port(self.broker, START_MAX)?;
        Ok(process)
    }

    /// Runs ours where it must refuse to start, and gives what it said.
    ///
    /// # Errors
    /// When it cannot be started, or starts.
    pub fn refused_ottla(&self) -> Result<Output> {
        refused(&mut self.ottla()?)
    }

    /// The same with Apache Kafka.
    ///
    /// # Errors
    /// When it cannot be started, or starts.
    pub fn refused_kafka(&self) -> Result<Output> {
        refused(&mut self.kafka()?)
    }

    /// Formats the directory by Kafka's storage tool, with further arguments.
    ///
    /// # Errors
    /// When it refuses; with its words.
    pub fn format_by_kafka(&self, arguments: &[&str]) -> Result<()> {
        let mut tool = java::java(Jars::Kafka)?;
        tool.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID]);
        if self.quorum == Quorum::InTheLog {
            tool.arg("--standalone");
        }
        tool.arg("-c");
        said(tool.arg(self.properties()).args(arguments)).map(drop)
    }

    fn ottla(&self) -> Result<Command> {
        let mut command = Command::new(OttlaBroker::binary()?);
        command.arg("--config").arg(self.properties()).args(["--metrics", &self.http()]);
        Ok(command)
    }

    fn kafka(&self) -> Result<Command> {
        let mut command = java::java(Jars::Kafka)?;
        command.args(["-Xmx512m", "kafka.Kafka"]).arg(self.properties());
        Ok(command)
    }
}

/// Runs a program to its end and gives its standard output.
///
/// # Errors
/// When it fails; with all that it said.
pub fn said(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("run {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{command:?} ended with {}:\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}

fn refused(command: &mut Command) -> Result<Output> {
    // One that starts after all must not hold the test for ever: `timeout` ends it, with status 124.
    let mut limited = Command::new("timeout");
    limited.arg(START_MAX.as_secs().to_string()).arg(command.get_program()).args(command.get_args());
    let output = limited.stdin(Stdio::null()).output().with_context(|| format!("run {limited:?}"))?;
    if output.status.success() || output.status.code() == Some(124) {
        bail!("{command:?} was to refuse to start, and ended with {}", output.status);
    }
    Ok(output)
}
