//! One file for each Kafka API: authorize, check, and say what must happen.
//!
//! [`receive`] takes a frame and what the broker knows ([`View`]) and gives an [`Outcome`]: the answer, or what the node
//! must do for it. Where the node must do something, the API's file also makes the answer of what came of it. All of it
//! is pure: no clock, no file, no lock. Deliberately not here: doing the work (`node`), reading and writing messages
//! (`wire`), deciding what becomes of the cluster (`metadata`).
//!
//! To add an API: a file like its neighbours, a line in [`served`], a line in the dispatch of [`request`].
//!
//! Reading order: [`request`] the way in, [`context`] what every API is given, [`outcome`] what it can say,
//! [`response`] the way out; [`metadata`] is an answer from the image, [`produce`] is work for partitions,
//! [`create_topics`] a command for the controller.

pub mod authorizer;
pub mod command;
pub mod context;
pub mod outcome;
pub mod peer;
pub mod quotas;
pub mod request;
pub mod response;
pub mod served;
mod topics;
pub mod work;

mod api_versions;
pub mod configs;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_records;
pub mod delete_topics;
mod describe_cluster;
pub mod describe_log_dirs;
pub mod describe_producers;
pub mod describe_quorum;
mod describe_topic_partitions;
pub mod fetch;
mod find_coordinator;
pub mod group;
pub mod init_producer_id;
pub mod list_offsets;
mod metadata;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod registration;
pub mod update_features;

pub use authorizer::{AllowAll, Authorizer};
pub use configs::{FixedLoggers, Loggers};
pub use context::{Context, Late, View};
pub use outcome::Outcome;
pub use peer::{Listener, ListenerRole, Peer};
pub use quotas::{NoQuotas, Quotas};
pub use request::{Unanswerable, receive};
pub use response::{Encoded, Head};
