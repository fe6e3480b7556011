//! The cluster as the metadata log describes it at one offset.
//!
//! An [`Image`] is read freely and copied for next to nothing; a copy does not see what comes later. Only replay
//! changes one.

pub mod cluster;
pub mod configs;
pub mod features;
pub mod kept;
pub mod partition;
pub mod shards;
pub mod topics;

use std::sync::Arc;

use ottla_vocabulary::{LeaderEpoch, Offset, ProducerId};

pub use cluster::{Broker, Cluster, Controller, Endpoint, LevelRange};
pub use configs::{Configs, Resource, ResourceType, Settings};
pub use features::{Features, MetadataVersion};
pub use kept::Kept;
pub use partition::{LeaderRecovery, Partition, directory};
pub use topics::{Topic, Topics};

/// The cluster at one offset of the metadata log.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// The offset after the last record that is in it.
    pub end: Offset,
    /// The epoch of the leader that wrote that record.
    pub epoch: LeaderEpoch,
    /// Brokers and controllers.
    pub cluster: Arc<Cluster>,
    /// Topics and partitions.
    pub topics: Topics,
    /// Dynamic configurations.
    pub configs: Configs,
    /// Finalized features.
    pub features: Arc<Features>,
    /// The first producer id that no block has given out yet; `None` before the first block.
    pub next_producer_id: Option<ProducerId>,
    /// What is kept for its records alone.
    pub kept: Arc<Kept>,
}

impl Default for Image {
    fn default() -> Image {
        Image {
            end: Offset::ZERO,
            epoch: LeaderEpoch(0),
            cluster: Arc::default(),
            topics: Topics::default(),
            configs: Configs::default(),
            features: Arc::default(),
            next_producer_id: None,
            kept: Arc::default(),
        }
    }
}
