//! The group coordinator: who is in a group, the hand-over of assignments between its members, and how far each group has
//! committed. One [`Shard`] is the coordinator of the groups in one partition of `__consumer_offsets`.
//!
//! A shard is given requests as [`request`] types, replayed records, commits' failures and the time; it gives [`Action`]s:
//! replies, and records to append whose replies wait until they are committed. What is kept for ever (generations,
//! assignments, offsets) changes by replay of records only. Who is joining right now, and until when a member may be
//! silent, is of this coordinator alone: when it loses its partition the shard is dropped, and members join its successor.
//!
//! Deliberately not here: the log, authorization, topic names and ids that do not exist (`api` checks those), and the
//! assignment itself, which a member of a classic group computes.
//!
//! The rules are those of Kafka's classic protocol, with static members (KIP-345), member ids asked for first (KIP-394),
//! and cooperative rebalancing, which is the members' own affair (KIP-429).
//!
//! Reading order: [`request`], [`shard`], [`group`], `classic` (join, rebalance, sync, heartbeat, leave), `offsets`
//! (commit, fetch, delete, expire), [`describe`], [`record`], [`settings`].

mod classic;
pub mod describe;
pub mod group;
mod member;
mod offsets;
pub mod record;
pub mod request;
pub mod settings;
pub mod shard;
mod timers;

pub use record::Record;
pub use request::{Reply, Request};
pub use settings::Settings;
pub use shard::{Action, Shard};
