//! Decisions: what a request makes of the image. One file each, each a pure function of the image, the broker's
//! configuration, the request and, where it needs them, time and random numbers.
//!
//! Authorization is the caller's: what reaches a decision may be done, and where an answer must hide something the
//! caller hands over what may be shown. Codes and messages are Kafka's, for tools print them.

pub mod activate;
pub mod assign_directories;
pub mod configs;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_topics;
pub mod effective;
pub mod elect;
pub mod features;
pub mod fence;
mod group_settings;
pub mod heartbeat;
pub mod leadership;
pub mod place;
pub mod producer_ids;
pub mod register;
mod subscription;
pub mod unregister;

use std::borrow::Cow;

use ottla_config::BrokerConfig;
use ottla_vocabulary::{BrokerEpoch, NodeId};
use ottla_wire::{ErrorCode, MetadataRecord};

use crate::image::{Broker, Image, MetadataVersion};

/// A record that a decision makes.
pub type Record = MetadataRecord<'static>;
/// Records and a reply.
pub type Decision<Reply> = ottla_replicated::Decision<Record, Reply>;
/// Records and a reply, or Kafka's refusal. A refusal too may have seen what is not committed, and waits like a reply.
pub type Outcome<Reply> = Decision<Result<Reply, Refusal>>;

/// What every decision looks at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The cluster, with everything that was decided before.
    pub image: &'a Image,
    /// This node's configuration.
    pub config: &'a BrokerConfig,
    /// The cluster's id.
    pub cluster_id: &'a str,
    /// The finalized kraft.version, which the quorum knows.
    pub kraft_version: i16,
}

impl<'a> Context<'a> {
    /// metadata.version.
    pub fn metadata_version(&self) -> MetadataVersion {
        self.image.features.metadata_version()
    }

    /// The registration that a request of a broker is made under.
    fn broker_in_epoch(&self, id: NodeId, epoch: BrokerEpoch) -> Result<&'a Broker, Refusal> {
        let broker = self.image.cluster.broker(id);
        let broker = broker.ok_or_else(|| {
            Refusal::new(ErrorCode::StaleBrokerEpoch, format!("No broker registration found for broker id {id}"))
        })?;
        if broker.epoch != epoch {
            let message = format!("Expected broker epoch {}, but got broker epoch {}", broker.epoch.0, epoch.0);
            return Err(Refusal::new(ErrorCode::StaleBrokerEpoch, message));
        }
        Ok(broker)
    }
}

/// Kafka's answer to what cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: ErrorCode,
    /// The text that tools show; without one they show the code's own.
    pub message: Option<Cow<'static, str>>,
}

impl Refusal {
    /// With a text.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { code, message: Some(message.into()) }
    }

    /// With the code's own text.
    pub fn of(code: ErrorCode) -> Refusal {
        Refusal { code, message: Some(code.message().into()) }
    }

    /// Without a text.
    pub fn silent(code: ErrorCode) -> Refusal {
        Refusal { code, message: None }
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.code.name()),
            None => f.write_str(self.code.name()),
        }
    }
}

/// How many records one decision may make: they are appended as one batch of at most 8 MiB.
pub const RECORDS_MAX: usize = 10_000;

/// Joins the two ends of a decision: records and a reply, or a refusal without records.
fn outcome<Reply>(decided: Result<(Vec<Record>, Reply), Refusal>) -> Outcome<Reply> {
    match decided {
        Ok((records, reply)) => Decision::new(records, Ok(reply)),
        Err(refusal) => Decision::reply(Err(refusal)),
    }
}
