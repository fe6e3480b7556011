//! Kafka's own command-line tools, 4.3.1 (newer ones are not published), run one after the other in one Java machine:
//! its start is most of a tool's time. `java/Tools.java` is the other side.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use ottla_harness::java::{self, Jars};
use serde::{Deserialize, Serialize};

use crate::install;

/// The tools by the names of Kafka's scripts (`kafka-topics.sh` is `topics`), and their main classes.
const TOOLS: [(&str, &str); 21] = [
    ("topics", "org.apache.kafka.tools.TopicCommand"),
    ("configs", "kafka.admin.ConfigCommand"),
    ("groups", "org.apache.kafka.tools.GroupsCommand"),
    ("consumer-groups", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"),
    ("share-groups", "org.apache.kafka.tools.consumer.group.ShareGroupCommand"),
    ("console-share-consumer", "org.apache.kafka.tools.consumer.ConsoleShareConsumer"),
    ("get-offsets", "org.apache.kafka.tools.GetOffsetShell"),
    ("delete-records", "org.apache.kafka.tools.DeleteRecordsCommand"),
    ("log-dirs", "org.apache.kafka.tools.LogDirsCommand"),
    ("metadata-quorum", "org.apache.kafka.tools.MetadataQuorumCommand"),
    ("features", "org.apache.kafka.tools.FeatureCommand"),
    ("cluster", "org.apache.kafka.tools.ClusterTool"),
    ("broker-api-versions", "org.apache.kafka.tools.BrokerApiVersionsCommand"),
    ("transactions", "org.apache.kafka.tools.TransactionsCommand"),
    ("console-producer", "org.apache.kafka.tools.ConsoleProducer"),
    ("console-consumer", "org.apache.kafka.tools.consumer.ConsoleConsumer"),
    ("producer-perf-test", "org.apache.kafka.tools.ProducerPerformance"),
    ("consumer-perf-test", "org.apache.kafka.tools.ConsumerPerformance"),
    ("verifiable-producer", "org.apache.kafka.tools.VerifiableProducer"),
    ("verifiable-consumer", "org.apache.kafka.tools.VerifiableConsumer"),
    ("dump-log", "org.apache.kafka.tools.DumpLogSegments"),
];

/// Tools that do their last work when the Java machine ends, so that each needs one of its own.
const ALONE: [&str; 2] = ["verifiable-producer", "verifiable-consumer"];

/// A Java machine that runs one tool after the other. Dropping it ends it.
#[derive(Debug)]
pub struct Tools {
    machine: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What a tool did.
#[derive(Clone, Debug, Deserialize)]
pub struct Ran {
    /// Its exit status.
    pub status: i32,
    /// What it printed.
    pub output: String,
    /// What it complained of.
    pub errors: String,
}

#[derive(Serialize)]
struct Question<'a> {
    main: &'a str,
    arguments: &'a [&'a str],
    input: Option<&'a str>,
}

/// A tool in a Java machine of its own, for one that goes on while others run.
///
/// # Errors
/// When there is no such tool, or the jars cannot be had.
pub fn alone(tool: &str, arguments: &[&str]) -> Result<Command> {
    let mut command = java::java(Jars::Tools)?;
    command.arg(main_of(tool)?).args(arguments);
    Ok(command)
}

fn main_of(tool: &str) -> Result<&'static str> {
    let known = TOOLS.iter().find(|(name, _)| *name == tool);
    known.map(|(_, main)| *main).with_context(|| format!("find the tool {tool}"))
}

impl Tools {
    /// Starts the machine.
    ///
    /// # Errors
    /// When the jars or a compiler cannot be had.
    pub fn start() -> Result<Tools> {
        let mut command = java::compiled(Jars::Tools, &[install::sources().join("java/Tools.java")], "Tools")?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut machine = command.spawn().with_context(|| format!("start {command:?}"))?;
        let questions = machine.stdin.take().context("open the machine's input")?;
        let answers = BufReader::new(machine.stdout.take().context("open the machine's output")?);
        Ok(Tools { machine, questions, answers })
    }

    /// Runs a tool with this input to its end, however it ends.
    ///
    /// # Errors
    /// When there is no such tool, or the machine has ended.
    pub fn run(&mut self, tool: &str, arguments: &[&str], input: Option<&str>) -> Result<Ran> {
        if ALONE.contains(&tool) {
            let output = alone(tool, arguments)?.stdin(Stdio::null()).output();
            let output = output.with_context(|| format!("run {tool} {arguments:?}"))?;
            let [said, errors] =
                [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            return Ok(Ran { status: output.status.code().unwrap_or(-1), output: said, errors });
        }
        let main = main_of(tool)?;
        let question = serde_json::to_string(&Question { main, arguments, input })?;
        writeln!(self.questions, "{question}").context("ask the tools' Java machine")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).context("hear the tools' Java machine")?;
        serde_json::from_str(&answer).with_context(|| format!("read what {tool} {arguments:?} did: `{answer}`"))
    }

    /// Runs a tool that is to succeed, and gives what it printed.
    ///
    /// # Errors
    /// When it fails; with all that it said.
    pub fn said(&mut self, tool: &str, arguments: &[&str]) -> Result<String> {
        let ran = self.run(tool, arguments, None)?;
        ensure!(ran.status == 0, "{tool} {arguments:?} ended with {}:\n{}{}", ran.status, ran.output, ran.errors);
        Ok(ran.output)
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        // Both fail when it has ended, which is what is wanted.
        let _ = self.machine.kill();
        let _ = self.machine.wait();
    }
}
