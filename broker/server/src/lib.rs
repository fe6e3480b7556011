//! The broker process: sockets, timers, signals, metrics around a node.
//!
//! Everything that a broker decides is in `ottla_node` and below; here is what needs an operating system. Deliberately
//! not here: real files (`ottla_disk`).
//!
//! Reading order: [`options`] and [`settings`] what is asked for, [`boot`] the order of the start, `shell` what tasks
//! share; `listener`, `connection`, `frames`, `send`, `replies` the way of a request; `http` and `metrics` what is seen
//! from outside; [`logging`], `security`, [`format`] beside them.

pub mod boot;
mod connection;
pub mod format;
mod frames;
mod http;
mod listener;
pub mod logging;
mod metrics;
pub mod options;
mod replies;
mod security;
mod send;
pub mod settings;
mod shell;
