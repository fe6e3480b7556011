//! What the suites that start processes share: Apache Kafka and brokers of ours as processes, Java class paths, free
//! ports, and the cache in which everything downloaded or built for tests is kept.
//!
//! Deliberately not here: Kubernetes (a chore of `xtask`) and the clients' own programs (`tests/clients`).
//!
//! A prerequisite that is missing is an error with the way to mend it; nothing here lets a test skip itself.
//!
//! Reading order: [`cache`], [`ports`], [`process`], [`java`], [`apache_kafka`], [`ottla_broker`].

pub mod apache_kafka;
pub mod cache;
pub mod java;
pub mod ottla_broker;
pub mod ports;
pub mod process;

pub use apache_kafka::ApacheKafka;
pub use ottla_broker::OttlaBroker;
