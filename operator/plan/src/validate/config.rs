//! The broker configuration that users give in `spec.kafka.config`: what is theirs to set, what is the operator's, and
//! what a cluster of this size can mean by it. Values are checked by the table of all keys (`ottla-config`), the same that
//! the brokers read them by.
//!
//! A key that the operator sets itself is dropped with a warning, as Strimzi drops it; a value that a broker would refuse
//! refuses the resource, so that no running broker is restarted into a wrong configuration.

use std::collections::BTreeMap;

use ottla_config::key::Honoured;
use ottla_config::{Complaint, Properties, catalogue};
use serde_json::Value;

use crate::document::{Place, plain_text};
use crate::effect;
use crate::finding::{Findings, Reason, Subject};
use crate::model::Listener;
use crate::names;

/// Beginnings of keys that are the operator's: Strimzi's list, to the letter.
const FORBIDDEN: &[&str] = &[
    "listeners",
    "advertised.",
    "broker.",
    "listener.",
    "host.name",
    "port",
    "inter.broker.listener.name",
    "sasl.",
    "ssl.",
    "security.",
    "password.",
    "log.dir",
    "zookeeper.connect",
    "zookeeper.set.acl",
    "zookeeper.ssl",
    "zookeeper.clientCnxnSocket",
    "authorizer.",
    "super.user",
    "cruise.control.metrics.topic",
    "cruise.control.metrics.reporter.bootstrap.servers",
    "node.id",
    "process.roles",
    "controller.",
    "metadata.log.dir",
    "zookeeper.metadata.migration.enable",
    "client.quota.callback.static.kafka.admin.",
    "client.quota.callback.static.produce",
    "client.quota.callback.static.fetch",
    "client.quota.callback.static.storage.per.volume.limit.min.available.",
    "client.quota.callback.static.excluded.principal.name.list",
    "prometheus.metrics.reporter.",
    "cordoned.log.dirs",
];

/// Keys that are the user's although they begin so.
const ALLOWED: &[&str] = &[
    "zookeeper.connection.timeout.ms",
    "sasl.server.max.receive.size",
    "ssl.cipher.suites",
    "ssl.protocol",
    "ssl.enabled.protocols",
    "ssl.secure.random.implementation",
    "cruise.control.metrics.topic.num.partitions",
    "cruise.control.metrics.topic.replication.factor",
    "cruise.control.metrics.topic.retention.ms",
    "cruise.control.metrics.topic.auto.create.retries",
    "cruise.control.metrics.topic.auto.create.timeout.ms",
    "cruise.control.metrics.topic.min.insync.replicas",
    "broker.session.timeout.ms",
    "broker.heartbeat.interval.ms",
    "controller.socket.timeout.ms",
    "controller.quorum.election.backoff.max.ms",
    "controller.quorum.election.timeout.ms",
    "controller.quorum.fetch.timeout.ms",
];

/// Ends of a listener's keys that are the user's.
const ALLOWED_OF_LISTENERS: &[&str] = &["connections.max.reauth.ms", "max.connections", "max.connection.creation.rate"];

/// Keys that name a number of copies, which no cluster can keep on fewer brokers.
const COPIES: &[&str] = &[
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "transaction.state.log.min.isr",
];

/// What holds when the user says nothing, on top of Kafka's own defaults. Kafka's three copies of its own topics are
/// lowered to what the cluster has, or no group of a smaller cluster could ever commit.
const DEFAULTS: &[(&str, usize)] = &[
    ("offsets.topic.replication.factor", 3),
    ("transaction.state.log.replication.factor", 3),
    ("transaction.state.log.min.isr", 2),
    ("share.coordinator.state.topic.replication.factor", 3),
    ("share.coordinator.state.topic.min.isr", 2),
];

/// Failover is decided within these: a broker that is gone for three seconds has lost its partitions to others.
const SESSION: [(&str, &str); 2] = [("broker.heartbeat.interval.ms", "500"), ("broker.session.timeout.ms", "3000")];

/// The keys and values that every broker gets from the user, with the operator's defaults for what they leave open.
pub(super) fn read(
    place: &Place<'_>,
    broker_count: usize,
    listeners: &[Listener],
    findings: &mut Findings,
) -> BTreeMap<String, String> {
    let mut config = BTreeMap::new();
    for (key, value) in place.fields() {
        let Some(text) = read_value(key, &value, findings) else { continue };
        if is_forbidden(key, listeners) {
            let message = format!("{} has no effect: the operator sets it", value.path());
            findings.warn(&Subject::Kafka, Reason::ForbiddenConfiguration, message);
            continue;
        }
        check_copies(key, &text, broker_count, &value, findings);
        config.insert(key.to_owned(), text);
    }
    for (key, most) in DEFAULTS {
        config.entry((*key).to_owned()).or_insert_with(|| broker_count.clamp(1, *most).to_string());
    }
    // Kafka's own default, written down as Strimzi writes it down.
    config.entry("min.insync.replicas".to_owned()).or_insert_with(|| "1".to_owned());
    if !SESSION.iter().any(|(key, _)| config.contains_key(*key)) {
        config.extend(SESSION.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
    config
}

/// What a broker would say of its whole configuration, told to the user where it is about a key that they gave.
pub(crate) fn judge(text: &str, given: &Value, findings: &mut Findings) {
    let is_given = |key: &str| given.get(key).is_some_and(|value| !value.is_null());
    let path = |key: &str| super::field(&["spec", "kafka", "config"]).field(key);
    let parsed = Properties::parse(text).expect("the operator escapes what it writes");
    match ottla_config::BrokerConfig::load(&parsed) {
        Ok((_, warnings)) => {
            for warning in warnings.into_iter().filter(|warning| is_given(&warning.key)) {
                let message = format!("{} {}", path(&warning.key), warning.message);
                findings.warn(&Subject::Kafka, Reason::Configuration, message);
            }
            // Of some keys the brokers act on some values only.
            for (key, text) in parsed.iter().filter(|(key, _)| is_given(key)) {
                let row = catalogue::broker_key(key).filter(|row| matches!(row.honoured, Honoured::By(_)));
                let value = row.and_then(|row| Some((row, row.parse(text).ok()?)));
                if let Some(why) = value.and_then(|(row, value)| effect::why_none(row, &value)) {
                    findings.warn(&Subject::Kafka, Reason::Configuration, format!("{} {why}", path(key)));
                }
            }
        }
        Err(errors) => {
            for complaint in errors.0 {
                let Complaint { key, .. } = &complaint;
                findings.refuse(&Subject::Kafka, &path(key), format!("is refused by brokers: {complaint}"));
            }
        }
    }
}

fn is_forbidden(key: &str, listeners: &[Listener]) -> bool {
    let of_listener = |listener: &Listener| {
        let prefix = format!("listener.name.{}.", names::listener(&listener.name, listener.port).to_lowercase());
        key.strip_prefix(&prefix).is_some_and(|rest| ALLOWED_OF_LISTENERS.contains(&rest))
    };
    FORBIDDEN.iter().any(|prefix| key.starts_with(prefix))
        && !ALLOWED.contains(&key)
        && !listeners.iter().any(of_listener)
}

/// A value as text. Booleans and numbers are written both with quotes and without, and lists as YAML lists.
fn read_value(key: &str, place: &Place<'_>, findings: &mut Findings) -> Option<String> {
    let value = place.take()?;
    let text = match value {
        Value::Array(elements) => {
            elements.iter().map(plain_text).collect::<Option<Vec<_>>>().map(|elements| elements.join(","))
        }
        plain => plain_text(plain),
    };
    if text.is_none() {
        findings.refuse(&Subject::Kafka, place.path(), "must be a plain value or a list of such");
    }
    // A whole number that a tool wrote as 3.0 or 1e3 means the number; keys of decimals read either.
    let is_whole = catalogue::broker_key(key).is_some_and(|row| row.kind != ottla_config::key::Kind::Double);
    match value.as_f64().filter(|number| is_whole && value.is_f64() && number.fract() == 0.0) {
        Some(number) => Some(format!("{number:.0}")),
        None => text,
    }
}

fn check_copies(key: &str, text: &str, broker_count: usize, place: &Place<'_>, findings: &mut Findings) {
    if COPIES.contains(&key)
        && let Ok(copies) = text.trim().parse::<usize>()
        && broker_count < copies
        && 0 < broker_count
    {
        let why = format!("is {copies}, and the cluster has {broker_count} broker(s): it must not be more");
        findings.refuse(&Subject::Kafka, place.path(), why);
    }
}
