//! A node driven by one thread without a server: the tests hand in frames and the time, and do what the effects ask for.

#![expect(clippy::unwrap_used, reason = "a test may fail by it")]

mod answers;
mod configs;
mod controller;
mod disk;
mod large;
mod late;
mod requests;
mod versions;
mod world;
