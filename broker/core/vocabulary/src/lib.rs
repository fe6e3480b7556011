//! The words of Kafka as types: names, ids, offsets, epochs and times, each with its rules and its unit, so that two
//! of them cannot be swapped by accident.
//!
//! Deliberately not here: anything about bytes on a wire (`wire`), in a file (`commit-log`) or in a configuration
//! (`config`).
//!
//! Reading order: [`time`], [`uuid`], [`topic`], [`partition`], [`node`], [`offset`], [`producer`], [`group`],
//! [`principal`], [`collections`].
//!
//! ```
//! use ottla_vocabulary::{PartitionIndex, TopicName, TopicPartition};
//! let flights = TopicPartition::new(TopicName::new("flights").unwrap(), PartitionIndex(3));
//! assert_eq!(flights.to_string(), "flights-3");
//! ```

pub mod collections;
pub mod group;
pub mod node;
pub mod offset;
pub mod partition;
pub mod principal;
pub mod producer;
pub mod time;
pub mod topic;
pub mod uuid;

pub use collections::{Map, Set};
pub use group::{GroupId, MemberId};
pub use node::{BrokerEpoch, NodeId};
pub use offset::{LeaderEpoch, Offset};
pub use partition::{PartitionIndex, TopicPartition};
pub use principal::Principal;
pub use producer::{ProducerEpoch, ProducerId, Sequence};
pub use time::{Duration, Instant, Now, Timestamp};
pub use topic::{TopicId, TopicName, TopicNameError};
pub use uuid::Uuid;
