//! Who is at the other end of a connection, and over which listener.

use std::net::SocketAddr;
use std::sync::Arc;

use ottla_vocabulary::Principal;

/// A party that sends requests.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Whom its requests are authorized as.
    pub principal: Principal,
    /// Where it connects from.
    pub address: SocketAddr,
    /// Over which listener.
    pub listener: Arc<Listener>,
}

/// A listener of this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its name, `PLAINTEXT` or what the configuration gave: answers name the endpoints of the same name.
    pub name: String,
    /// What it serves.
    pub role: ListenerRole,
}

/// What a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListenerRole {
    /// Clients and other brokers.
    Broker,
    /// Brokers and other controllers.
    Controller,
}
