//! Where a value comes from: the chain of places that could give it, the one that does first.

use crate::catalogue;
use crate::layers::{Layers, synonyms};
use crate::properties::Properties;
use crate::value::Value;

/// A place that values come from: the `ConfigSource` of a DescribeConfigs response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Set for the topic.
    Topic,
    /// Set dynamically for this broker.
    DynamicBroker,
    /// Set dynamically for all brokers.
    DynamicDefaultBroker,
    /// Set in the broker's file.
    StaticBroker,
    /// Set nowhere.
    Default,
    /// A log level.
    DynamicBrokerLogger,
    /// Set for the client-metrics subscription.
    ClientMetrics,
    /// Set for the group.
    Group,
}

/// One link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The key in that place.
    pub name: String,
    /// Its value there; nothing if it is secret.
    pub value: Option<String>,
    /// The place.
    pub source: Source,
}

impl Source {
    /// The number on the wire.
    pub const fn code(self) -> i8 {
        match self {
            Source::Topic => 1,
            Source::DynamicBroker => 2,
            Source::DynamicDefaultBroker => 3,
            Source::StaticBroker => 4,
            Source::Default => 5,
            Source::DynamicBrokerLogger => 6,
            Source::ClientMetrics => 7,
            Source::Group => 8,
        }
    }
}

/// The chain of a broker key, from what this broker is told dynamically to the default.
///
/// What stands under a nearer name of the same setting than `name` is left out, as Kafka does it: the chain of
/// `log.roll.hours` begins behind any `log.roll.ms`.
pub fn broker_chain(layers: &Layers, name: &str, sensitive: bool) -> Vec<Synonym> {
    let names = synonyms(name, true);
    let places = [
        (Some(&layers.broker), Source::DynamicBroker),
        (Some(&layers.cluster), Source::DynamicDefaultBroker),
        (Some(&layers.file), Source::StaticBroker),
        (None, Source::Default),
    ];
    let links = places.into_iter().flat_map(|(layer, source)| {
        names.iter().filter_map(move |name| {
            let value = value_in(layer, name)?;
            let value = value.filter(|_| !sensitive);
            Some(Synonym { name: (*name).to_owned(), value, source })
        })
    });
    links.skip_while(|link| link.name != name).collect()
}

/// The value of a key in a layer, the defaults where there is no layer.
fn value_in(layer: Option<&Properties>, name: &str) -> Option<Option<String>> {
    match layer {
        Some(layer) => layer.get(name).map(|text| Some(text.to_owned())),
        // A key that is dynamic only has no default among the broker's own.
        None if catalogue::is_dynamic_only(name) => None,
        None => match catalogue::broker_key(name)?.default_value() {
            Value::Null => None,
            value => Some(value.answer()),
        },
    }
}
