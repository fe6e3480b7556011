//! What one node is told to be: `server.properties` and the dynamic layers, checked as a whole and typed.
//!
//! Built once at the start by [`BrokerConfig::load`] and anew by [`BrokerConfig::with_dynamic`] when dynamic values
//! change; nothing else in the product parses a broker key.

mod limits;
pub mod listeners;
mod rules;
pub mod sections;

use std::collections::BTreeSet;

use ottla_vocabulary::NodeId;

use crate::catalogue;
use crate::error::{Complaint, ConfigErrors, Warning, Warnings};
use crate::key::Honoured;
use crate::layers::{Layers, listener_key};
use crate::ottla::OttlaConfig;
use crate::properties::Properties;
use crate::removed;
use crate::topic::TopicConfig;
use crate::values::Values;

use listeners::Listeners;
use sections::{
    GroupConfig, LogConfig, NetworkConfig, OffsetsConfig, ProducerConfig, QuorumConfig, QuotaConfig, ReplicationConfig,
    SessionConfig, TopicCreation, TransactionConfig,
};

/// The typed configuration of one node.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// `node.id`, or `broker.id`, its old name.
    pub node_id: NodeId,
    /// `process.roles`.
    pub roles: Roles,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Where it listens, what it tells others, and how each listener is spoken to.
    pub listeners: Listeners,
    /// The metadata quorum, its log and its snapshots.
    pub quorum: QuorumConfig,
    /// Registration and heartbeats with the controller.
    pub session: SessionConfig,
    /// Sockets, connections and requests.
    pub network: NetworkConfig,
    /// Directories and background work of the log.
    pub log: LogConfig,
    /// What holds for a topic that sets nothing itself.
    pub topic_defaults: TopicConfig,
    /// How topics come and go.
    pub topics: TopicCreation,
    /// Replication between brokers.
    pub replication: ReplicationConfig,
    /// Classic and consumer groups.
    pub groups: GroupConfig,
    /// The offsets topic and what is kept in it.
    pub offsets: OffsetsConfig,
    /// Transactions and their topic.
    pub transactions: TransactionConfig,
    /// Producer ids.
    pub producers: ProducerConfig,
    /// Windows in which quotas are measured.
    pub quotas: QuotaConfig,
    /// What Kafka has no key for.
    pub ottla: OttlaConfig,
    /// Every value by name, for what has no field above.
    pub values: Values,
    /// Where the values come from, for descriptions.
    pub layers: Layers,
    /// The layers laid over each other, as text.
    pub merged: Properties,
}

/// What a process does in a cluster: at least one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// It keeps partitions and serves clients.
    pub broker: bool,
    /// It votes on metadata.
    pub controller: bool,
}

impl BrokerConfig {
    /// Reads a `server.properties`.
    ///
    /// # Errors
    /// All that is wrong with it at once: values, and keys that contradict each other.
    pub fn load(file: &Properties) -> Result<(BrokerConfig, Warnings), ConfigErrors> {
        BrokerConfig::of_layers(Layers::of_file(file.clone()))
    }

    /// The same node with these dynamic settings in place of those it had.
    ///
    /// # Errors
    /// When together they contradict each other; the old configuration then stays in force.
    pub fn with_dynamic(
        &self,
        cluster: Properties,
        broker: Properties,
    ) -> Result<(BrokerConfig, Warnings), ConfigErrors> {
        BrokerConfig::of_layers(Layers { file: self.layers.file.clone(), cluster, broker })
    }

    fn of_layers(mut layers: Layers) -> Result<(BrokerConfig, Warnings), ConfigErrors> {
        same_node_id(&mut layers.file);
        let (merged, mut warnings) = layers.merged();
        let (values, mut complaints) = Values::parse(&merged);
        warnings.extend(warn_of_keys(&layers.file));
        complaints.extend(check_listener_keys(&layers.file));
        let ottla = OttlaConfig::read(&merged, &mut complaints);

        // A wrong value stands here as its default: the keys that describe the node's place are only held against each
        // other when each is right by itself, or every complaint would bring others along.
        let wrong: BTreeSet<&str> = complaints.iter().map(|complaint| complaint.key.as_str()).collect();
        let roles = Roles::read(&values);
        let place = if rules::PLACE_KEYS.iter().any(|key| wrong.contains(key)) {
            Err(Vec::new())
        } else {
            Listeners::read(&values).and_then(|listeners| {
                let broken = rules::place(&values, roles, &listeners, &mut warnings);
                if broken.is_empty() { Ok(listeners) } else { Err(broken) }
            })
        };
        complaints.extend(rules::numbers(&values));
        complaints.extend(limits::check(&values));
        let listeners = match place {
            Ok(listeners) if complaints.is_empty() => listeners,
            Ok(_) => return Err(ConfigErrors(complaints)),
            Err(broken) => {
                complaints.extend(broken);
                return Err(ConfigErrors(complaints));
            }
        };
        warnings.sort_by(|a, b| a.key.cmp(&b.key));
        let config = BrokerConfig {
            node_id: NodeId(values.int("node.id")),
            roles,
            rack: values.text("broker.rack"),
            listeners,
            quorum: QuorumConfig::read(&values),
            session: SessionConfig::read(&values),
            network: NetworkConfig::read(&values, &merged),
            log: LogConfig::read(&values),
            topic_defaults: TopicConfig::of_broker(&values),
            topics: TopicCreation::read(&values),
            replication: ReplicationConfig::read(&values),
            groups: GroupConfig::read(&values),
            offsets: OffsetsConfig::read(&values),
            transactions: TransactionConfig::read(&values),
            producers: ProducerConfig::read(&values),
            quotas: QuotaConfig::read(&values),
            ottla,
            values,
            layers,
            merged,
        };
        Ok((config, warnings))
    }
}

impl Roles {
    fn read(values: &Values) -> Roles {
        let roles = values.list("process.roles");
        let has = |role: &str| roles.iter().any(|one| one == role);
        Roles { broker: has("broker"), controller: has("controller") }
    }
}

/// `broker.id` is the old name of `node.id`: each stands in for the other.
fn same_node_id(properties: &mut Properties) {
    match (properties.get("node.id").map(str::to_owned), properties.get("broker.id").map(str::to_owned)) {
        (Some(id), None) => properties.set("broker.id", id),
        (None, Some(id)) => properties.set("node.id", id),
        _ => {}
    }
}

/// What the person who wrote the file should know of keys that change nothing.
fn warn_of_keys(file: &Properties) -> Warnings {
    let mut warnings = Warnings::new();
    for (name, text) in file.iter() {
        let base = listener_key(name).map_or(name, |(_, base)| base);
        if let Some(key) = catalogue::broker_key(base) {
            let is_default = key.default.text() == Some(text.trim());
            match key.honoured {
                Honoured::NoEffect(why) if !is_default => {
                    warnings.push(Warning::new(name, format!("has no effect: {why}")));
                }
                Honoured::NotYet(what) if !is_default => {
                    warnings.push(Warning::new(name, format!("has no effect yet: {what} is not built")));
                }
                _ => {}
            }
        } else if let Some(advice) = removed::advice(name) {
            warnings.push(Warning::new(name, advice));
        } else if !crate::ottla::is_known(name) && !is_for_a_plugin(name) {
            warnings.push(Warning::new(name, "unknown configuration, without effect"));
        }
    }
    warnings
}

/// Keys that Kafka hands on to what it loads; there is nothing here to hand them to, but they are no mistake either.
fn is_for_a_plugin(name: &str) -> bool {
    ["rsm.config.", "rlmm.config.", "config.providers."].iter().any(|prefix| name.starts_with(prefix))
}

/// The values of `listener.name.<name>.<key>`: those of the key.
fn check_listener_keys(file: &Properties) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (name, text) in file.iter() {
        let Some((_, base)) = listener_key(name) else { continue };
        if let Some(key) = catalogue::broker_key(base)
            && let Err(mut complaint) = key.parse(text)
        {
            complaint.message = complaint.message.replace(key.name, name);
            name.clone_into(&mut complaint.key);
            complaints.push(complaint);
        }
    }
    complaints
}
