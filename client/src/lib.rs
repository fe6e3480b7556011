//! A Kafka client for the programs of this project: the operator manages topics with it, the command line will too.
//!
//! The core is pure: [`exchange`] turns requests into frames and frames into responses, and chooses versions. Around it,
//! [`socket`] is one TCP connection and [`admin`] the operations that people ask for.
//!
//! Deliberately not here: producing and consuming, until something of ours needs them; TLS and SASL, until a listener of
//! ours offers them.
//!
//! A broker is not trusted more than any stranger: its frames are bounded and its arrays read lazily.
//!
//! Reading order: [`admin`], [`exchange`], [`socket`], [`error`].
//!
//! ```no_run
//! # async fn example() -> Result<(), ottla_client::ClientError> {
//! let mut admin = ottla_client::Admin::connect(&["127.0.0.1:9092".to_owned()], Default::default()).await?;
//! for topic in admin.topics().await? {
//!     println!("{}: {} partitions", topic.name, topic.partitions.len());
//! }
//! # Ok(())
//! # }
//! ```

pub mod admin;
pub mod error;
pub mod exchange;
pub mod socket;

pub use admin::{Admin, ConfigChange, ConfigEntry, ConfigSource, NewTopic, Partition, Settings, Topic};
pub use error::ClientError;
