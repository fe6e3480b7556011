//! A deterministic world for the broker's cores: everything that a machine can do to them, chosen by a seed, so that what
//! went wrong once goes wrong again.
//!
//! Reading order: [`random`] where all choices come from, [`disk`] a disk that loses, tears, fills up and fails.

pub mod disk;
pub mod random;

pub use disk::{Fault, SimulatedDisk};
pub use random::Random;
