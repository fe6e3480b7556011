//! The APIs on configurations: describing, altering and listing them. What a key means and which values it takes is the
//! crate `config`'s matter, how a change becomes records `metadata`'s.

pub mod alter;
pub mod describe;
pub mod list;

use ottla_config::BrokerConfig;
use ottla_metadata::image::ResourceType;
use ottla_wire::ErrorCode;

use crate::authorizer::{Operation, Resource};
use crate::context::Context;

/// The levels of a process' loggers, which the shell keeps.
pub trait Loggers: Send + Sync {
    /// Every logger with its level, in Kafka's words, sorted by name.
    fn levels(&self) -> Vec<(String, &'static str)>;

    /// Whether a logger's level can be set to this, or with `None` given back to its parent's.
    ///
    /// # Errors
    /// Says what is wrong with the logger's or the level's name.
    fn check(&self, logger: &str, level: Option<&str>) -> Result<(), String>;

    /// Sets a logger's level, or with `None` gives it back to its parent's.
    ///
    /// # Errors
    /// As [`Loggers::check`], and when it cannot be done.
    fn set(&self, logger: &str, level: Option<&str>) -> Result<(), String>;
}

/// A process whose log levels do not change, such as a simulated one.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedLoggers;

impl Loggers for FixedLoggers {
    fn levels(&self) -> Vec<(String, &'static str)> {
        Vec::new()
    }

    fn check(&self, logger: &str, _level: Option<&str>) -> Result<(), String> {
        Err(format!("Logger {logger} does not exist!"))
    }

    fn set(&self, logger: &str, level: Option<&str>) -> Result<(), String> {
        self.check(logger, level)
    }
}

/// Whether a node listens, and tells others of it, by one configuration as by the other. Its sockets are opened once, at
/// the start, so nothing else can come into force while it runs.
pub fn keeps_listeners(one: &BrokerConfig, other: &BrokerConfig) -> bool {
    let (one, other) = (&one.listeners, &other.listeners);
    one.all == other.all
        && one.advertised_broker == other.advertised_broker
        && one.advertised_controller == other.advertised_controller
}

/// Whether the peer may do this to a resource's configuration.
fn check_right(context: &Context<'_>, operation: Operation, kind: ResourceType, name: &str) -> Result<(), ErrorCode> {
    let (resource, code) = match kind {
        ResourceType::TOPIC => (Resource::Topic(name), ErrorCode::TopicAuthorizationFailed),
        ResourceType::GROUP => (Resource::Group(name), ErrorCode::GroupAuthorizationFailed),
        _ => (Resource::Cluster, ErrorCode::ClusterAuthorizationFailed),
    };
    if context.allows(operation, resource) { Ok(()) } else { Err(code) }
}

/// A broker's log levels belong to the node that is asked.
fn is_own_id(context: &Context<'_>, name: &str) -> bool {
    name.parse() == Ok(context.view.node_id.0)
}
