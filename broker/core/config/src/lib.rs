//! Every broker and topic configuration of Kafka 4.4 in one table, and what comes from it: reading `server.properties`,
//! typed settings for the rest of the product, checks and answers for the APIs that describe and alter configurations,
//! the operator's checks, and the documentation.
//!
//! Text in, values out. Deliberately not here: reading files and environment variables (the shell's), the records of
//! dynamic configurations (`metadata`), and the wire form of an answer (`api`).
//!
//! Reading order: [`key`] is a row, [`catalogue`] the table, [`value`] and [`bounds`] what a row says of a text;
//! [`properties`] and [`layers`] where texts come from; [`broker`] and [`topic`] what is built of them; [`explain`] and
//! [`describe`] what is answered about them; [`document`] the pages of `docs/configuration/`.
//!
//! ```
//! use ottla_config::{BrokerConfig, Properties};
//! let file = Properties::parse(
//!     "process.roles=broker,controller
//!      node.id=1
//!      listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
//!      controller.listener.names=CONTROLLER
//!      controller.quorum.bootstrap.servers=127.0.0.1:9093
//!      log.retention.hours=24",
//! )?;
//! let (config, warnings) = BrokerConfig::load(&file)?;
//! assert!(warnings.is_empty());
//! assert_eq!(config.topic_defaults.retention_ms, 24 * 3_600_000);
//!
//! let (flights, _) = config.topic_defaults.with_overrides(&Properties::parse("retention.ms=1000")?);
//! assert_eq!(flights.retention_ms, 1000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bounds;
pub mod broker;
pub mod catalogue;
pub mod describe;
pub mod document;
pub mod dynamic;
pub mod endpoint;
pub mod error;
pub mod explain;
pub mod key;
pub mod layers;
pub mod ottla;
pub mod properties;
pub mod removed;
pub mod topic;
pub mod value;
pub mod values;

pub use broker::{BrokerConfig, Roles};
pub use endpoint::{Endpoint, HostPort, SecurityProtocol, Voter};
pub use error::{Complaint, ConfigErrors, Warning, Warnings};
pub use layers::Layers;
pub use properties::Properties;
pub use topic::validate::validate_topic_configs;
pub use topic::{CompressionType, TimestampType, TopicConfig};
pub use values::Values;
