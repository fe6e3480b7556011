//! What was set dynamically: texts by resource and name, as the records say them.
//!
//! What holds for a topic or a broker is made of these by `config` (`TopicConfig`, `Layers`). A name that the table does
//! not know is kept too: it may come from another version.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_config::Properties;
use ottla_vocabulary::NodeId;

use super::shards::{Sharded, Shards, spread};

/// What kind of thing has configurations: Kafka's number in requests and records.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceType(pub i8);

impl ResourceType {
    /// A topic.
    pub const TOPIC: ResourceType = ResourceType(2);
    /// A broker, or with an empty name all of them.
    pub const BROKER: ResourceType = ResourceType(4);
    /// The log levels of a broker; never in the metadata log.
    pub const BROKER_LOGGER: ResourceType = ResourceType(8);
    /// A subscription to clients' metrics.
    pub const CLIENT_METRICS: ResourceType = ResourceType(16);
    /// A group.
    pub const GROUP: ResourceType = ResourceType(32);

    /// Kafka's name, as messages show it; UNKNOWN for numbers without one.
    pub fn name(self) -> &'static str {
        match self {
            ResourceType::TOPIC => "TOPIC",
            ResourceType::BROKER => "BROKER",
            ResourceType::BROKER_LOGGER => "BROKER_LOGGER",
            ResourceType::CLIENT_METRICS => "CLIENT_METRICS",
            ResourceType::GROUP => "GROUP",
            _ => "UNKNOWN",
        }
    }
}

impl core::fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.name() {
            "UNKNOWN" => write!(f, "UNKNOWN({})", self.0),
            name => f.write_str(name),
        }
    }
}

/// A thing that has configurations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    /// Of what kind.
    pub kind: ResourceType,
    /// Which one; empty for the default of all brokers.
    pub name: String,
}

impl Resource {
    /// Puts the two together.
    pub fn new(kind: ResourceType, name: impl Into<String>) -> Resource {
        Resource { kind, name: name.into() }
    }

    /// A topic.
    pub fn topic(name: impl Into<String>) -> Resource {
        Resource::new(ResourceType::TOPIC, name)
    }

    /// A broker.
    pub fn broker(id: NodeId) -> Resource {
        Resource::new(ResourceType::BROKER, id.to_string())
    }

    /// The default of all brokers.
    pub fn all_brokers() -> Resource {
        Resource::new(ResourceType::BROKER, "")
    }
}

impl Sharded for Resource {
    fn shard(&self) -> u64 {
        spread(self.name.as_bytes())
    }
}

/// What one resource sets.
pub type Settings = BTreeMap<String, String>;

/// What every resource sets. A copy is cheap and does not see what comes later.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configs {
    by_resource: Shards<Resource, Arc<Settings>>,
}

impl Configs {
    /// What a resource sets; `None` when it sets nothing.
    pub fn get(&self, resource: &Resource) -> Option<&Arc<Settings>> {
        self.by_resource.get(resource)
    }

    /// One value of a resource.
    pub fn value(&self, resource: &Resource, name: &str) -> Option<&str> {
        self.get(resource)?.get(name).map(String::as_str)
    }

    /// What a resource sets, in the form that `config` takes.
    pub fn properties(&self, resource: &Resource) -> Properties {
        let mut properties = Properties::new();
        for (name, value) in self.get(resource).into_iter().flat_map(|settings| settings.iter()) {
            properties.set(name, value);
        }
        properties
    }

    /// Every resource that sets something, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&Resource, &Arc<Settings>)> {
        self.by_resource.iter()
    }

    /// The resources that may differ from `former`, as resource, then, now.
    pub(crate) fn differing<'a>(
        &'a self,
        former: &'a Configs,
    ) -> impl Iterator<Item = (&'a Resource, Option<&'a Arc<Settings>>, Option<&'a Arc<Settings>>)> {
        self.by_resource.differing(&former.by_resource)
    }

    // What follows is for replay alone.

    pub(crate) fn set(&mut self, resource: Resource, name: String, value: Option<String>) {
        match (self.by_resource.get_mut(&resource), value) {
            (Some(settings), Some(value)) => drop(Arc::make_mut(settings).insert(name, value)),
            (None, Some(value)) => drop(self.by_resource.insert(resource, Arc::new(Settings::from([(name, value)])))),
            (Some(settings), None) => {
                let settings = Arc::make_mut(settings);
                settings.remove(&name);
                if settings.is_empty() {
                    self.by_resource.remove(&resource);
                }
            }
            (None, None) => {}
        }
    }

    pub(crate) fn forget(&mut self, resource: &Resource) {
        self.by_resource.remove(resource);
    }
}
