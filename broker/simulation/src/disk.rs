//! A disk in memory that behaves as badly as disks may: what was not synced can be lost at a loss of power, in part and in
//! any order; a sync can fail and what it should have written is then gone without another error; the disk can fill
//! up, refuse, and return other bits than were written.
//!
//! Given a seed and a list of faults by operation, it does the same in every run. [`SimulatedDisk`] implements
//! `commit-log`'s `Files`, so the log that runs on it is the one that runs on real disks.
//!
//! Reading order: [`image`] what is on the disk and what of it is durable, [`fault`] what goes wrong when,
//! [`files`](self::files) the seam.

pub mod fault;
pub mod files;
pub mod image;

pub use fault::{DishonestSyncs, Fault};
pub use files::{SimulatedDescriptor, SimulatedDisk, SimulatedFile};
