//! Client libraries of five families behind one small interface: [`Client::produce`] and [`Client::consume`]. The programs
//! themselves, one for each library, lie beside this crate; README.md says how they are called.
//!
//! Reading order: [`client`], [`follow`], [`install`], [`record`], [`broker`], [`place`], [`tool`], [`dump`].

pub mod broker;
pub mod client;
pub mod dump;
pub mod follow;
pub mod install;
pub mod place;
pub mod record;
pub mod tool;

pub use broker::Broker;
pub use client::Client;
pub use follow::Follower;
pub use place::Place;
pub use record::Record;
