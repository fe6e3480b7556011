//! The unchanged Kafka clients of the demonstration, as programs of this machine that see the cluster's names: Java's
//! console producer, librdkafka and kafkajs write; kafka-python and sarama read in one group; Java's tools look after it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ottla_harness::java::{self, Jars};
use ottla_test_clients::{Client, Follower, Record, install};

use crate::kubernetes::Names;
use crate::program;

/// Who writes a data set.
#[derive(Clone, Copy, Debug)]
pub enum Producer {
    /// Java's `kafka-console-producer`.
    JavaConsole,
    /// librdkafka, from Python.
    Librdkafka,
    /// kafkajs.
    Kafkajs,
}

impl Producer {
    /// As a table names it.
    pub fn name(self) -> &'static str {
        match self {
            Producer::JavaConsole => "Java's console producer",
            Producer::Librdkafka => "librdkafka",
            Producer::Kafkajs => "kafkajs",
        }
    }
}

/// Clients bound to one cluster.
pub struct Clients {
    /// How they see its names.
    pub names: Names,
    /// Where they bootstrap.
    pub bootstrap: String,
}

/// Downloads and compiles every client that is not in the cache yet, and gives the folder of the data sets.
pub fn install() -> Result<PathBuf> {
    install::python().context("install the Python clients")?;
    install::go().context("compile the Go clients")?;
    java::java(Jars::Tools).context("fetch Kafka's tools")?;
    let modules = install::javascript().context("install the JavaScript clients")?;
    Ok(modules.join("node_modules/vega-datasets/data"))
}

impl Clients {
    /// Writes `records` and waits until all are acknowledged.
    pub fn produce(&self, who: Producer, topic: &str, records: &[Record]) -> Result<()> {
        let client = match who {
            Producer::JavaConsole => return self.produce_by_console(topic, records),
            Producer::Librdkafka => Client::Librdkafka,
            Producer::Kafkajs => Client::Kafkajs,
        };
        let mut lines = String::new();
        for record in records {
            lines.push_str(&serde_json::to_string(record).context("write a record as JSON")?);
            lines.push('\n');
        }
        let mut command = self.names.seen_by(client.command()?.args(["produce", &self.bootstrap, topic, "gzip"]));
        program::feed(&mut command, &lines).map(drop)
    }

    fn produce_by_console(&self, topic: &str, records: &[Record]) -> Result<()> {
        let mut lines = String::new();
        for record in records {
            let headers: Vec<String> = record.headers.iter().map(|(name, text)| format!("{name}:{text}")).collect();
            let key = record.key.as_deref().unwrap_or_default();
            let value = record.value.as_deref().unwrap_or_default();
            lines.push_str(&format!("{}\t{key}\t{value}\n", headers.join(",")));
        }
        let mut command = java::java(Jars::Tools)?;
        command
            .arg("org.apache.kafka.tools.ConsoleProducer")
            .args(["--bootstrap-server", &self.bootstrap, "--topic", topic])
            .args(["--reader-property", "parse.key=true", "--reader-property", "parse.headers=true"]);
        program::feed(&mut self.names.seen_by(&command), &lines).map(drop)
    }

    /// Reads a topic of `count` records from its beginning, with a library that none of the others is.
    pub fn read_all(&self, topic: &str, group: &str, count: usize) -> Result<Vec<Record>> {
        let mut command = Client::Franz.command()?;
        command.args(["consume", &self.bootstrap, topic, group, &count.to_string()]);
        let said = program::output(&mut self.names.seen_by(&command))?;
        said.lines().map(|line| serde_json::from_str(line).with_context(|| format!("understand {line}"))).collect()
    }

    /// Starts a member of `group`.
    pub fn follow(&self, who: Client, name: &str, topics: &[&str], group: &str) -> Result<Follower> {
        Follower::start(name, self.names.seen_by(&who.follower()?), &self.bootstrap, topics, group)
    }

    /// How many records `group` has not committed yet, by Java's own tool.
    pub fn lag(&self, group: &str) -> Result<u64> {
        let mut command = java::java(Jars::Tools)?;
        command.arg("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand").args([
            "--bootstrap-server",
            &self.bootstrap,
            "--describe",
            "--group",
            group,
        ]);
        sum_of_lag(&program::output(&mut self.names.seen_by(&command))?)
    }
}

/// Adds the column LAG of what `kafka-consumer-groups --describe` prints. Where nothing was committed it prints a dash, and
/// the whole partition is behind; for an empty one that is nothing.
fn sum_of_lag(table: &str) -> Result<u64> {
    let mut columns = None;
    let mut sum = 0;
    for row in table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
        if row.first() == Some(&"GROUP") {
            let column = |name| row.iter().position(|heading| *heading == name);
            columns = column("LAG").zip(column("LOG-END-OFFSET"));
        } else if let (Some((lag, end)), false) = (columns, row.is_empty()) {
            let number = |column: usize| row.get(column).and_then(|cell| cell.parse::<u64>().ok());
            sum +=
                number(lag).or_else(|| number(end)).with_context(|| format!("no lag in the row {}", row.join(" ")))?;
        }
    }
    columns.map(|_| sum).with_context(|| format!("no lag in:\n{table}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_of_all_partitions_is_added() {
        let table = "\nGROUP  TOPIC  PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG  CONSUMER-ID\n\
                     demo   flights  0  10  12  2  x\ndemo flights 1 5 5 0 y\n";
        assert_eq!(sum_of_lag(table).unwrap(), 2);
        assert_eq!(
            sum_of_lag("GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG\ndemo flights 0 - 5 -\n").unwrap(),
            5
        );
        assert!(sum_of_lag("Error: no such group\n").is_err());
    }
}
