//! What is asked of the controller: the closed list of commands, authorized and read, that the node hands to it.
//!
//! A command's reply may have to wait until what it saw is committed, so each comes with the answer for when that fails.

use ottla_wire::{AllocateProducerIdsRequest, BrokerHeartbeatRequest, BrokerRegistrationRequest, ErrorCode, WireError};

use crate::response::Encoded;
use crate::{configs, create_partitions, create_topics, delete_topics, describe_quorum, fetch, update_features};

/// One command.
#[derive(Debug)]
pub enum Command<'a> {
    /// Make topics.
    CreateTopics(create_topics::Task<'a>),
    /// Delete topics.
    DeleteTopics(delete_topics::Task),
    /// Let topics grow.
    CreatePartitions(create_partitions::Task<'a>),
    /// Change configurations.
    AlterConfigs(configs::alter::Task),
    /// Change finalized features.
    UpdateFeatures(update_features::Task),
    /// Register a broker.
    Register(BrokerRegistrationRequest<'a>),
    /// Hear that a broker lives.
    Heartbeat(BrokerHeartbeatRequest<'a>),
    /// Give a broker a block of producer ids.
    AllocateProducerIds(AllocateProducerIdsRequest),
    /// Tell of the quorum.
    DescribeQuorum(describe_quorum::Task),
    /// Read the metadata log.
    FetchMetadata(fetch::Task),
}

/// The answer to a command, whatever comes of it.
pub struct Answers {
    /// When what it saw is committed.
    pub committed: Encoded,
    /// When that does not happen in time, or never will.
    pub failed: Box<dyn FnOnce(ErrorCode) -> Result<Encoded, WireError> + Send>,
}

impl core::fmt::Debug for Answers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Answers").field("committed", &self.committed).finish_non_exhaustive()
    }
}
