//! One broker and controller without an operating system.
//!
//! A [`Node`] is given frames, the time and a disk ([`ottla_commit_log::Files`]), and gives replies and [`Effects`]. The
//! server puts sockets, clocks and threads around it; the simulator puts one queue around several. Deliberately not
//! here: what an API means (`api`), what a decision is (`metadata`), how a log is kept (`commit-log`). What is here is
//! the wiring, and the state that outlives a request.
//!
//! Partitions are locks that the calling task takes; whoever waits is parked with a deadline and answered through the
//! effects.
//!
//! Reading order: [`node`](crate::Node) the way of a request; [`boot`] how a node begins and ends, [`format()`] before
//! that; `partition`, `produce`, `fetch` with `fetch_session` and `parked` the data path; `coordinator` the groups;
//! `controller` with `metadata_log`, `snapshot`, `follow`, `reconfigure` and `broker` the cluster; `upkeep` the slow work,
//! `directory_health` the disks that fail; [`measure`] what can be seen from outside.

mod alter_configs;
pub mod boot;
pub mod broker;
mod controller;
mod coordinator;
pub mod counts;
mod directory_health;
mod entropy;
mod fetch;
mod fetch_session;
mod follow;
pub mod format;
pub mod measure;
mod metadata_log;
mod node;
mod parked;
mod partition;
mod produce;
mod producer_ids;
mod reconfigure;
mod reply;
mod settings;
mod snapshot;
mod upkeep;

pub use boot::{BootError, Setup};
pub use broker::Stage;
pub use format::{Format, InitialVoter, InitialVoters, format, format_if_new, metadata_version_of, release_of};
pub use measure::Measures;
pub use node::{Identity, Node, Volumes};
pub use reply::{Close, DescriptorOf, Effects, Handled, Reply, Splice, Token};
