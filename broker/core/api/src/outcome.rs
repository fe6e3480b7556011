//! What a request comes to: the closed list of what a node is asked to do for an API.

use ottla_config::BrokerConfig;
use ottla_vocabulary::TopicName;

use crate::response::Encoded;
use crate::{
    command, delete_records, describe_log_dirs, describe_producers, fetch, group, list_offsets,
    offset_for_leader_epoch, produce,
};

/// What must happen for a request to be answered.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// The answer was in the image.
    Reply(Encoded),
    /// The answer was in the image, and topics that it misses are to be made: the client will ask again.
    CreateAndReply {
        /// What to make.
        topics: Vec<NewTopic>,
        /// The answer.
        reply: Encoded,
    },
    /// Work for the leaders of partitions.
    Produce(produce::Task<'a>),
    /// Work for the leaders of partitions, which may wait.
    Fetch(fetch::Task),
    /// Work for the leaders of partitions.
    ListOffsets(list_offsets::Task<'a>),
    /// Work for the leaders of partitions.
    DeleteRecords(delete_records::Task<'a>),
    /// Work for the leaders of partitions.
    OffsetForLeaderEpoch(offset_for_leader_epoch::Task<'a>),
    /// Work for the leaders of partitions.
    DescribeProducers(describe_producers::Task<'a>),
    /// Work for the log directories.
    DescribeLogDirs(describe_log_dirs::Task),
    /// A producer id is to be given out of this broker's block.
    InitProducerId,
    /// Questions to the coordinators of groups.
    Group(group::Task),
    /// A command or question for the controller.
    Controller(command::Command<'a>),
}

/// A topic that is made on the way of another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: TopicName,
    /// How many partitions.
    pub partitions: i32,
    /// How many replicas of each.
    pub replication_factor: i16,
    /// What is set for it.
    pub configs: Vec<(&'static str, String)>,
}

impl NewTopic {
    /// As Kafka makes a topic that a client asked for: internal ones by their own settings, others by the defaults.
    pub fn on_the_way(config: &BrokerConfig, name: TopicName) -> NewTopic {
        match name.as_str() {
            OFFSETS => NewTopic {
                name,
                partitions: config.offsets.partitions as i32,
                replication_factor: config.offsets.replication_factor,
                configs: vec![
                    ("cleanup.policy", "compact".to_owned()),
                    ("segment.bytes", config.offsets.segment_bytes.to_string()),
                    ("compression.type", "producer".to_owned()),
                ],
            },
            TRANSACTIONS => NewTopic {
                name,
                partitions: config.transactions.partitions as i32,
                replication_factor: config.transactions.replication_factor,
                configs: vec![
                    ("unclean.leader.election.enable", "false".to_owned()),
                    ("compression.type", "uncompressed".to_owned()),
                    ("cleanup.policy", "compact".to_owned()),
                    ("min.insync.replicas", config.transactions.in_sync_replicas_min.to_string()),
                    ("segment.bytes", config.transactions.segment_bytes.to_string()),
                ],
            },
            _ => NewTopic {
                name,
                partitions: config.topics.partitions as i32,
                replication_factor: config.topics.replication_factor,
                configs: Vec::new(),
            },
        }
    }
}

/// The topic in which groups are kept.
pub const OFFSETS: &str = "__consumer_offsets";
/// The topic in which transactions are kept.
pub const TRANSACTIONS: &str = "__transaction_state";
