//! A deterministic world for the broker's cores: everything that a machine can do to them, chosen by a seed, so that what
//! went wrong once goes wrong again.
//!
//! Reading order: [`random`] where all choices come from, [`disk`] a disk that loses, tears, fills up and fails;
//! [`scenario`] what a seed's world is like, [`run`](crate::run::run) a run of it, [`world`] its steps and faults;
//! [`workload`] what clients do, by [`question`] and `asking`; [`model`] what they know, which `check` holds every answer
//! against and `restart` every new process; [`trace`] the story of it all.

mod asking;
mod check;
pub mod disk;
pub mod model;
pub mod question;
pub mod random;
mod restart;
pub mod run;
pub mod scenario;
pub mod trace;
pub mod workload;
pub mod world;

pub use disk::{Fault, SimulatedDisk};
pub use random::Random;
