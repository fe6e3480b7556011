//! The client programs, each by its library.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use ottla_harness::java::{self, Jars};

use crate::{Record, install};

/// A client library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// kafka-clients 4.4.0.
    Java,
    /// confluent-kafka for Python, which is librdkafka.
    Librdkafka,
    /// kafka-python.
    KafkaPython,
    /// aiokafka.
    Aiokafka,
    /// kafkajs.
    Kafkajs,
    /// franz-go.
    Franz,
    /// sarama.
    Sarama,
}

/// All of them.
pub const ALL: [Client; 7] = [
    Client::Java,
    Client::Librdkafka,
    Client::KafkaPython,
    Client::Aiokafka,
    Client::Kafkajs,
    Client::Franz,
    Client::Sarama,
];

impl Client {
    /// The codecs that the library brings along.
    pub fn codecs(self) -> &'static [&'static str] {
        match self {
            Client::Kafkajs => &["none", "gzip", "snappy"],
            _ => &["none", "gzip", "snappy", "lz4", "zstd"],
        }
    }

    /// The program, ready for the arguments that README.md lists; installed on first use.
    ///
    /// # Errors
    /// When its language or library cannot be had.
    pub fn command(self) -> Result<Command> {
        let script = |interpreter, file: &str| {
            let mut command = Command::new(interpreter);
            command.arg(install::sources().join(file));
            command
        };
        Ok(match self {
            Client::Java => java::compiled(Jars::Kafka, &[install::sources().join("java/Client.java")], "Client")?,
            Client::Librdkafka => script(install::python()?, "python/librdkafka.py"),
            Client::KafkaPython => script(install::python()?, "python/kafka_python.py"),
            Client::Aiokafka => script(install::python()?, "python/aiokafka_client.py"),
            Client::Kafkajs => {
                let modules = install::javascript()?.join("node_modules");
                let mut command = script("node".into(), "javascript/kafkajs.js");
                command.env("NODE_PATH", modules);
                command
            }
            Client::Franz => Command::new(install::go()?.join("franz")),
            Client::Sarama => Command::new(install::go()?.join("sarama")),
        })
    }

    /// The program that follows topics, ready for the arguments that README.md lists; installed on first use.
    ///
    /// # Errors
    /// When its language or library cannot be had, or the library has no such program.
    pub fn follower(self) -> Result<Command> {
        match self {
            Client::KafkaPython => {
                let mut command = Command::new(install::python()?);
                command.arg(install::sources().join("python/kafka_python_follow.py"));
                Ok(command)
            }
            Client::Sarama => Ok(Command::new(install::go()?.join("follow"))),
            _ => bail!("{self:?} has no program that follows topics"),
        }
    }

    /// Produces these records and waits for every acknowledgement.
    ///
    /// # Errors
    /// When a record is refused or not all are acknowledged; with what the program said.
    pub fn produce(self, bootstrap: &str, topic: &str, codec: &str, records: &[Record]) -> Result<()> {
        let mut command = self.command()?;
        command.args(["produce", bootstrap, topic, codec]).stdin(Stdio::piped());
        let mut child = start(&mut command)?;
        let mut input = child.stdin.take().context("open the program's standard input")?;
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        // A program that ends early closes its input: what it said about that is the error to show.
        let written = input.write_all(&lines);
        drop(input);
        let said = finish(child, &command)?;
        written.context("write the records to the program")?;
        let answer: serde_json::Value = serde_json::from_str(said.trim()).with_context(|| format!("read `{said}`"))?;
        ensure!(answer["acknowledged"] == records.len(), "{self:?} sent {} records and said {said}", records.len());
        Ok(())
    }

    /// Reads `count` records as a member of `group` (0: until two seconds pass without one), commits, and leaves.
    ///
    /// # Errors
    /// When the program fails or gives up; with what it said.
    pub fn consume(self, bootstrap: &str, topic: &str, group: &str, count: usize) -> Result<Vec<Record>> {
        let mut command = self.command()?;
        command.args(["consume", bootstrap, topic, group, &count.to_string()]).stdin(Stdio::null());
        let said = finish(start(&mut command)?, &command)?;
        said.lines().map(|line| serde_json::from_str(line).with_context(|| format!("read `{line}`"))).collect()
    }
}

fn start(command: &mut Command) -> Result<Child> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().with_context(|| format!("start {command:?}"))
}

fn finish(child: Child, command: &Command) -> Result<String> {
    let output = child.wait_with_output().with_context(|| format!("wait for {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).context("read what the program printed")
}
