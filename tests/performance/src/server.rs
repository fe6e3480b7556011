//! The two servers under measurement, started the same way: one combined node on loopback, its data in the same file system,
//! Kafka with its own defaults and the JVM settings of its start script.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use ottla_harness::apache_kafka::Setup;
use ottla_harness::ottla_broker::{peak_resident_bytes, processor_time, resident_bytes};
use ottla_harness::{ApacheKafka, OttlaBroker};

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// Apache Kafka 4.4.0.
    Kafka,
    /// Ours.
    Ottla,
}

impl std::fmt::Display for Whose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Whose::Kafka => "Apache Kafka",
            Whose::Ottla => "Ottla",
        })
    }
}

/// A running server.
pub enum Server {
    /// Apache Kafka 4.4.0.
    Kafka(ApacheKafka),
    /// Ours.
    Ottla(OttlaBroker),
}

impl Server {
    /// Starts it in an empty folder (Kafka's is formatted before the clock runs; ours formats itself), and says how long it
    /// took until its port was open.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(whose: Whose, folder: &Path) -> Result<(Server, Duration)> {
        Ok(match whose {
            Whose::Kafka => {
                let setup = Setup { heap: None, measured: true, ..Setup::default() };
                // The first start formats; a stop and a second start leave only what a restart takes.
                let formatted = ApacheKafka::format(folder, &setup)?;
                let began = Instant::now();
                let server = ApacheKafka::start_formatted(folder, &setup, formatted)?;
                (Server::Kafka(server), began.elapsed())
            }
            Whose::Ottla => {
                let began = Instant::now();
                let server = OttlaBroker::start_configured(folder, &[])?;
                (Server::Ottla(server), began.elapsed())
            }
        })
    }

    /// Where clients connect.
    pub fn bootstrap(&self) -> &str {
        match self {
            Server::Kafka(server) => &server.bootstrap,
            Server::Ottla(server) => &server.bootstrap,
        }
    }

    fn process_id(&self) -> u32 {
        match self {
            Server::Kafka(server) => server.process.id(),
            Server::Ottla(server) => server.process.id(),
        }
    }

    /// Resident memory now, in bytes.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn resident_bytes(&self) -> Result<u64> {
        resident_bytes(self.process_id())
    }

    /// The most that was ever resident, in bytes.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn peak_resident_bytes(&self) -> Result<u64> {
        peak_resident_bytes(self.process_id())
    }

    /// Processor time used so far.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn processor_time(&self) -> Result<Duration> {
        processor_time(self.process_id())
    }
}
