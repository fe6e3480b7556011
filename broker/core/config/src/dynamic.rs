//! Which broker keys may be set dynamically, and to what: the check before a change becomes a record, and the one after a
//! record was read, which may be another version's.

use crate::catalogue;
use crate::error::Complaint;
use crate::key::Update;
use crate::layers::listener_key;
use crate::properties::Properties;

/// Whom a dynamic broker configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All brokers: the broker resource without a name.
    Cluster,
    /// One broker.
    Broker,
}

/// Checks all that would be set dynamically for one or all brokers.
///
/// # Errors
/// The first rule that is broken, in the words in which Kafka answers it with INVALID_REQUEST.
pub fn validate_dynamic_configs(properties: &Properties, scope: Scope) -> Result<(), Complaint> {
    let offenders = |breaks: fn(&str) -> bool| -> Vec<&str> {
        properties.iter().map(|(name, _)| name).filter(|name| breaks(name)).collect()
    };
    none(&offenders(is_fixed), "Cannot update these configs dynamically")?;
    none(
        &offenders(|name| BY_LISTENER.contains(&name)),
        "These security configs can be dynamically updated only per-listener using the listener prefix",
    )?;
    for (name, text) in properties.iter() {
        check_value(name, text)?;
    }
    if scope == Scope::Cluster {
        none(
            &offenders(needs_a_broker),
            "Cannot update these configs at default cluster level, broker id must be specified",
        )?;
    }
    Ok(())
}

/// Whether one dynamic value that was read back can be in force.
pub(crate) fn check_one(name: &str, text: &str, scope: Scope) -> Result<(), String> {
    if is_fixed(name) {
        return Err("it can be changed only by a restart".to_owned());
    }
    if scope == Scope::Cluster && needs_a_broker(name) {
        return Err("it can be set only for one broker".to_owned());
    }
    check_value(name, text).map_err(|complaint| complaint.to_string())
}

fn none(offenders: &[&str], rule: &str) -> Result<(), Complaint> {
    match offenders {
        [] => Ok(()),
        [first, ..] => Err(Complaint::new(*first, format!("{rule}: [{}]", offenders.join(", ")))),
    }
}

fn is_fixed(name: &str) -> bool {
    catalogue::broker_key(name).is_some_and(|key| key.update == Update::ReadOnly)
}

fn needs_a_broker(name: &str) -> bool {
    match listener_key(name) {
        Some((_, base)) => !LIMITS.contains(&base),
        None => catalogue::broker_key(name).is_some_and(|key| key.update == Update::PerBroker),
    }
}

/// Keys that are nobody's are kept as they are, as a plug-in's are in Kafka.
fn check_value(name: &str, text: &str) -> Result<(), Complaint> {
    let base = listener_key(name).map_or(name, |(_, base)| base);
    catalogue::broker_key(base).map_or(Ok(()), |key| key.parse(text).map(drop))
}

/// Settings of one listener that may nevertheless hold for all brokers.
const LIMITS: &[&str] = &["max.connections", "max.connection.creation.rate", "num.network.threads"];

/// Settings that change at run time for one listener only, so that a mistake does not cut all of them off.
const BY_LISTENER: &[&str] = &[
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];
