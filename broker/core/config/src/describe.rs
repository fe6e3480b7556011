//! What DescribeConfigs answers of a topic, a broker, the brokers' dynamic default, a group, a client-metrics subscription.
//!
//! Gives whole descriptions in Kafka's terms; choosing the keys that were asked for, and the wire, are `api`'s. Log levels
//! are not configurations and not here.

use crate::broker::BrokerConfig;
use crate::catalogue;
use crate::explain::{Source, Synonym, broker_chain};
use crate::key::{Key, Kind, Update};
use crate::layers::{listener_key, synonyms};
use crate::properties::Properties;
use crate::topic::broker_value;
use crate::value::Value;

/// The description of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The key.
    pub name: String,
    /// The value that holds; nothing if it is unset or secret.
    pub value: Option<String>,
    /// Whether it changes only by a restart.
    pub read_only: bool,
    /// Where the value comes from.
    pub source: Source,
    /// Whether the value is kept back.
    pub sensitive: bool,
    /// Every place that gives it a value, the one that holds first.
    pub synonyms: Vec<Synonym>,
    /// What the value is; unknown for keys that Kafka does not know.
    pub kind: Option<Kind>,
    /// What the key does.
    pub documentation: Option<&'static str>,
}

/// A topic that sets these over what the broker says.
pub fn describe_topic(broker: &BrokerConfig, overrides: &Properties) -> Vec<Described> {
    let table = catalogue::TOPIC.iter().filter(|key| !key.internal || overrides.contains(key.name));
    let known = table.map(|key| {
        let mut chain = match key.broker_synonyms.first() {
            Some(name) => broker_chain(&broker.layers, name, key.is_sensitive()),
            None => Vec::new(),
        };
        let value = overridden(key, overrides)
            .or_else(|| broker_value(key.name, &broker.values))
            .unwrap_or_else(|| key.default_value());
        if overrides.contains(key.name) {
            chain.insert(0, Synonym { name: key.name.to_owned(), value: value.answer(), source: Source::Topic });
        }
        described(key, &value, chain)
    });
    known.chain(unknown(overrides, catalogue::topic_key, Source::Topic)).collect()
}

/// This broker.
pub fn describe_broker(broker: &BrokerConfig) -> Vec<Described> {
    let merged = &broker.merged;
    let in_table = |key: &&Key| !catalogue::is_dynamic_only(key.name) && (!key.internal || merged.contains(key.name));
    let known = catalogue::broker_keys().filter(in_table).map(|key| {
        let chain = broker_chain(&broker.layers, key.name, key.is_sensitive());
        let read_only = key.update == Update::ReadOnly;
        Described { read_only, ..described(key, &broker.values.get(key.name), chain) }
    });
    let others = merged
        .iter()
        .filter(|(name, _)| catalogue::broker_key(name).is_none_or(|key| catalogue::is_dynamic_only(key.name)));
    known.chain(others.map(|(name, text)| describe_stranger(broker, name, text))).collect()
}

/// What is set dynamically for all brokers.
pub fn describe_cluster_default(broker: &BrokerConfig) -> Vec<Described> {
    let set = broker.layers.cluster.iter();
    set.map(|(name, text)| {
        let mut entry = describe_stranger(broker, name, text);
        entry.synonyms.retain(|link| link.source == Source::DynamicDefaultBroker);
        entry.source = first_source(&entry.synonyms);
        entry
    })
    .collect()
}

/// A group that sets these over what the broker says.
pub fn describe_group(broker: &BrokerConfig, overrides: &Properties) -> Vec<Described> {
    let is_shown = |key: &&Key| {
        let set_on_broker = key.broker_synonyms.first().is_some_and(|name| broker.merged.contains(name));
        !key.internal || overrides.contains(key.name) || set_on_broker
    };
    let known = catalogue::GROUP.iter().filter(is_shown).map(|key| {
        let mut chain = match key.broker_synonyms.first() {
            Some(name) => broker_chain(&broker.layers, name, key.is_sensitive()),
            None => of_default(key),
        };
        let value = overridden(key, overrides)
            .or_else(|| key.broker_synonyms.first().map(|name| first_entry(key, broker.values.get(name))))
            .unwrap_or_else(|| key.default_value());
        if overrides.contains(key.name) {
            chain.insert(0, Synonym { name: key.name.to_owned(), value: value.answer(), source: Source::Group });
        }
        described(key, &value, chain)
    });
    known.chain(unknown(overrides, catalogue::group_key, Source::Group)).collect()
}

/// A client-metrics subscription that sets these.
pub fn describe_client_metrics(overrides: &Properties) -> Vec<Described> {
    let known = catalogue::CLIENT_METRICS.iter().map(|key| {
        let set = overridden(key, overrides);
        let value = set.clone().unwrap_or_else(|| key.default_value());
        let link =
            |value: Value| Synonym { name: key.name.to_owned(), value: value.answer(), source: Source::ClientMetrics };
        described(key, &value, set.map(link).into_iter().collect())
    });
    known.collect()
}

fn described(key: &'static Key, value: &Value, synonyms: Vec<Synonym>) -> Described {
    Described {
        name: key.name.to_owned(),
        value: value.answer(),
        read_only: false,
        source: first_source(&synonyms),
        sensitive: key.is_sensitive(),
        synonyms,
        kind: Some(key.kind),
        documentation: Some(key.documentation),
    }
}

/// A key that is set and stands in the table under another name, or not at all. What nobody knows may be a secret.
fn describe_stranger(broker: &BrokerConfig, name: &str, text: &str) -> Described {
    let exact = catalogue::broker_key(name);
    let key = exact.or_else(|| synonyms(name, true).into_iter().find_map(catalogue::broker_key));
    let sensitive = key.is_none_or(Key::is_sensitive);
    let chain = broker_chain(&broker.layers, name, sensitive);
    debug_assert!(exact.is_some() || key.is_none() || listener_key(name).is_some());
    Described {
        name: name.to_owned(),
        value: (!sensitive).then(|| text.to_owned()),
        read_only: exact.is_none_or(|key| key.update == Update::ReadOnly),
        source: first_source(&chain),
        sensitive,
        synonyms: chain,
        kind: key.map(|key| key.kind),
        documentation: exact.filter(|key| !catalogue::is_dynamic_only(key.name)).map(|key| key.documentation),
    }
}

/// What is set for a resource under names that the table lacks: left by another version, and shown without its value.
fn unknown(
    overrides: &Properties,
    find: fn(&str) -> Option<&'static Key>,
    source: Source,
) -> impl Iterator<Item = Described> {
    let names = overrides.iter().filter(move |(name, _)| find(name).is_none());
    names.map(move |(name, _)| Described {
        name: name.to_owned(),
        value: None,
        read_only: false,
        source,
        sensitive: true,
        synonyms: vec![Synonym { name: name.to_owned(), value: None, source }],
        kind: None,
        documentation: None,
    })
}

fn overridden(key: &Key, overrides: &Properties) -> Option<Value> {
    overrides.get(key.name).and_then(|text| key.parse(text).ok())
}

/// A key that takes one of what the broker's key lists takes the first.
fn first_entry(key: &Key, value: Value) -> Value {
    match value {
        Value::List(list) if key.kind == Kind::String => list.into_iter().next().map_or(Value::Null, Value::Text),
        other => other,
    }
}

fn of_default(key: &Key) -> Vec<Synonym> {
    let value = key.default_value().answer();
    let link = value.map(|value| Synonym { name: key.name.to_owned(), value: Some(value), source: Source::Default });
    link.into_iter().collect()
}

fn first_source(synonyms: &[Synonym]) -> Source {
    synonyms.first().map_or(Source::Default, |link| link.source)
}
