//! Kafka's own command-line tools, 4.3.1: newer ones are not published.

use std::process::Command;

use anyhow::Result;
use ottla_harness::java::{self, Jars};

/// The tools by the names of Kafka's scripts (`kafka-topics.sh` is `topics`), and their main classes.
const TOOLS: [(&str, &str); 13] = [
    ("topics", "org.apache.kafka.tools.TopicCommand"),
    ("configs", "kafka.admin.ConfigCommand"),
    ("consumer-groups", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"),
    ("get-offsets", "org.apache.kafka.tools.GetOffsetShell"),
    ("delete-records", "org.apache.kafka.tools.DeleteRecordsCommand"),
    ("log-dirs", "org.apache.kafka.tools.LogDirsCommand"),
    ("metadata-quorum", "org.apache.kafka.tools.MetadataQuorumCommand"),
    ("features", "org.apache.kafka.tools.FeatureCommand"),
    ("cluster", "org.apache.kafka.tools.ClusterTool"),
    ("broker-api-versions", "org.apache.kafka.tools.BrokerApiVersionsCommand"),
    ("console-producer", "org.apache.kafka.tools.ConsoleProducer"),
    ("console-consumer", "org.apache.kafka.tools.consumer.ConsoleConsumer"),
    ("dump-log", "org.apache.kafka.tools.DumpLogSegments"),
];

/// A tool, ready for its arguments.
///
/// # Errors
/// When the jars cannot be had.
///
/// # Panics
/// When there is no tool of this name here.
pub fn tool(name: &str) -> Result<Command> {
    let (_, class) = TOOLS.iter().find(|(known, _)| *known == name).expect("a tool that is listed above");
    let mut command = java::java(Jars::Tools)?;
    command.arg(class);
    Ok(command)
}
