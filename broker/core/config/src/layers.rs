//! Where a node's configuration comes from: its file, the cluster's dynamic default, its own dynamic settings, in that
//! order, the later over the earlier.
//!
//! Kafka's oddity that is kept: a dynamic value also hides the other names of the same setting below it, so a dynamic
//! `log.retention.ms` wins over the file's `log.retention.hours`.

use crate::dynamic::{Scope, check_one};
use crate::error::{Warning, Warnings};
use crate::properties::Properties;

/// The three layers of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// `server.properties`.
    pub file: Properties,
    /// The dynamic default of all brokers: the configuration of the broker resource without a name.
    pub cluster: Properties,
    /// The dynamic configuration of this broker.
    pub broker: Properties,
}

impl Layers {
    /// Only a file.
    pub fn of_file(file: Properties) -> Layers {
        Layers { file, ..Layers::default() }
    }

    /// What holds, and what of the dynamic layers was passed over: values that are wrong, and keys that are not dynamic.
    /// Such records may come from another version; they must not stop a broker.
    pub fn merged(&self) -> (Properties, Warnings) {
        let mut merged = self.file.clone();
        let mut warnings = Warnings::new();
        for (layer, scope) in [(&self.cluster, Scope::Cluster), (&self.broker, Scope::Broker)] {
            for (name, text) in layer.iter() {
                if let Err(why) = check_one(name, text, scope) {
                    warnings.push(Warning::new(name, format!("the dynamic value is passed over: {why}")));
                    continue;
                }
                for other in synonyms(name, false) {
                    merged.remove(other);
                }
                merged.set(name, text);
            }
        }
        (merged, warnings)
    }
}

/// The names under which a broker key may have been set, nearest first, the name itself among them.
///
/// With `listener_overrides` a key of one listener (`listener.name.internal.ssl.keystore.location`), perhaps of one SASL
/// mechanism of it, also finds the key without the prefix.
pub fn synonyms(name: &str, listener_overrides: bool) -> Vec<&str> {
    if let Some(units) = UNITS.iter().find(|units| units.contains(&name)) {
        return units.to_vec();
    }
    if name == "log.flush.interval.ms" {
        // Not the other way round: the scheduler's interval is a setting of its own as well.
        return vec![name, "log.flush.scheduler.interval.ms"];
    }
    match listener_key(name) {
        Some((_, key)) if listener_overrides => {
            let of_mechanism = MECHANISM_KEYS.iter().copied().find(|bare| key.ends_with(bare));
            vec![name, of_mechanism.unwrap_or(key)]
        }
        _ => vec![name],
    }
}

/// Splits `listener.name.<name>.<key>` into the listener's name and the key.
pub fn listener_key(name: &str) -> Option<(&str, &str)> {
    let (listener, key) = name.strip_prefix("listener.name.")?.split_once('.')?;
    (!listener.is_empty() && !key.is_empty()).then_some((listener, key))
}

/// Names of one setting, in units from fine to coarse: the finest that is set counts.
const UNITS: &[&[&str]] = &[
    &["log.roll.ms", "log.roll.hours"],
    &["log.roll.jitter.ms", "log.roll.jitter.hours"],
    &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
];

/// Keys that may be set for one SASL mechanism of one listener.
const MECHANISM_KEYS: &[&str] = &[
    "sasl.jaas.config",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "sasl.server.callback.handler.class",
    "connections.max.reauth.ms",
];
