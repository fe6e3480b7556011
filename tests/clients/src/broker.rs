//! The broker that the clients are tried against: ours, or, to prove the tests themselves, Apache Kafka.

use std::path::Path;

use anyhow::Result;
use ottla_harness::apache_kafka::Setup;
use ottla_harness::{ApacheKafka, OttlaBroker};

/// A running broker.
#[derive(Debug)]
pub enum Broker {
    /// Ours.
    Ottla(OttlaBroker),
    /// Apache Kafka, when `OTTLA_TEST_AGAINST` is `apache-kafka`.
    Apache(ApacheKafka),
}

impl Broker {
    /// Starts the broker under test in this folder.
    ///
    /// # Errors
    /// When it cannot be started; with the end of its log.
    pub fn start(folder: &Path) -> Result<Broker> {
        Broker::start_configured(folder, &[])
    }

    /// Starts it with further properties.
    ///
    /// # Errors
    /// When it cannot be started; with the end of its log.
    pub fn start_configured(folder: &Path, properties: &[String]) -> Result<Broker> {
        let mut properties = properties.to_vec();
        properties.push("group.initial.rebalance.delay.ms=0".to_owned());
        if std::env::var("OTTLA_TEST_AGAINST").is_ok_and(|whom| whom == "apache-kafka") {
            let setup = Setup { properties, format_arguments: features(), ..Setup::default() };
            return Ok(Broker::Apache(ApacheKafka::start(folder, &setup)?));
        }
        Ok(Broker::Ottla(OttlaBroker::start_configured(folder, &properties)?))
    }

    /// Where clients bootstrap.
    pub fn bootstrap(&self) -> &str {
        match self {
            Broker::Ottla(broker) => &broker.bootstrap,
            Broker::Apache(broker) => &broker.bootstrap,
        }
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        match self {
            Broker::Ottla(broker) => broker.process.output(),
            Broker::Apache(broker) => broker.process.output(),
        }
    }
}

/// Apache Kafka with the features that ours serves: what they change must not make the two differ.
fn features() -> Vec<String> {
    let not_served = ["transaction", "group", "eligible.leader.replicas", "share", "streams"];
    not_served.iter().flat_map(|feature| ["--feature".to_owned(), format!("{feature}.version=0")]).collect()
}
