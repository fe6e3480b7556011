//! The controller: decisions that make metadata records, and the image that replay builds from them.
//!
//! A request is decided into records and a reply ([`decide`]); only replay of records changes the [`Image`]
//! ([`replay`]). Kafka 4.4's controller is the model: its records, its codes, its words.
//!
//! Deliberately not here: who leads the log (`quorum`), its files (`commit-log`), authorization and the wire form of
//! answers (`api`), and timers: whoever drives this asks [`Sessions`] when to look at it again.
//!
//! Reading order: [`image`] the cluster at one offset, [`replay`] how records make it, [`delta`] what changed,
//! [`decide`] one decision a file, [`sessions`] what is known beside the log, [`versions`] and
//! [`log`] how records become bytes, [`snapshot`] the image as a file, [`bootstrap`] how a log begins.

pub mod bootstrap;
pub mod decide;
pub mod delta;
pub mod image;
pub mod log;
pub mod replay;
pub mod sessions;
pub mod snapshot;
pub mod versions;

pub use decide::{Context, Decision, Outcome, Record, Refusal};
pub use delta::Delta;
pub use image::Image;
pub use replay::{Metadata, ReplayError};
pub use sessions::Sessions;
pub use snapshot::SnapshotId;
pub use versions::{record_bytes, record_version};
