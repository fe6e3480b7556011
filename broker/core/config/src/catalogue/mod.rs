//! The table: every broker, topic, group and client-metrics key of Kafka 4.4, by subject.
//!
//! A test compares it, row by row, with what Apache Kafka 4.4.0 itself says; another renders it into
//! `docs/configuration/`. Keys of our own are in [`crate::ottla`], keys that Kafka has removed in [`crate::removed`].

mod broker;
mod group;
mod group_level;
mod listener;
mod log;
mod metrics;
mod quorum;
mod quota;
mod replication;
mod sasl;
mod security;
mod share;
mod streams;
mod tiered;
mod topic;
mod transaction;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::bounds::Bounds;
use crate::key::Key;

/// The subjects of broker keys, in the order of the documentation: a heading and its rows, sorted by name.
pub const BROKER_SUBJECTS: &[(&str, &[Key])] = &[
    ("Node and topics", broker::BROKER),
    ("Listeners and connections", listener::BROKER),
    ("Log", log::BROKER),
    ("Quorum and metadata", quorum::BROKER),
    ("Replication", replication::BROKER),
    ("Groups and offsets", group::BROKER),
    ("Transactions and producers", transaction::BROKER),
    ("Security", security::BROKER),
    ("SASL", sasl::BROKER),
    ("Quotas", quota::BROKER),
    ("Quotas of replication, dynamic only", quota::REPLICATION_QUOTA),
    ("Metrics", metrics::BROKER),
    ("Share groups", share::BROKER),
    ("Streams groups", streams::BROKER),
    ("Tiered storage", tiered::BROKER),
];

/// The keys of a topic, sorted by name.
pub const TOPIC: &[Key] = topic::TOPIC;

/// The keys of a group, sorted by name.
pub const GROUP: &[Key] = group_level::GROUP;

/// The keys of a client-metrics subscription, sorted by name.
pub const CLIENT_METRICS: &[Key] = metrics::CLIENT_METRICS;

/// The broker keys that can be set dynamically only and stand in no file, sorted by name.
pub const REPLICATION_QUOTA: &[Key] = quota::REPLICATION_QUOTA;

/// A list without duplicates, perhaps empty.
const DISTINCT: Bounds = Bounds::Distinct { entries: &[], empty: true, null: false };
/// A list without duplicates that has an entry.
const DISTINCT_SOME: Bounds = Bounds::Distinct { entries: &[], empty: false, null: false };
/// Unset, or a list without duplicates that has an entry.
const DISTINCT_OR_UNSET: Bounds = Bounds::Distinct { entries: &[], empty: false, null: true };
/// Unset, or a list without duplicates, perhaps empty.
const DISTINCT_EMPTY_OR_UNSET: Bounds = Bounds::Distinct { entries: &[], empty: true, null: true };

/// The largest number of 32 bits: "no limit" for most keys.
const MAX_INT: &str = "2147483647";
/// The largest number of 64 bits: "no limit", "for ever" or "never".
const MAX_LONG: &str = "9223372036854775807";

static BROKER_BY_NAME: LazyLock<BTreeMap<&'static str, &'static Key>> = LazyLock::new(|| {
    let rows = BROKER_SUBJECTS.iter().flat_map(|(_, rows)| rows.iter());
    rows.map(|key| (key.name, key)).collect()
});

/// Every broker key, sorted by name, with those that are dynamic only.
pub fn broker_keys() -> impl Iterator<Item = &'static Key> {
    BROKER_BY_NAME.values().copied()
}

/// The broker key of this name.
pub fn broker_key(name: &str) -> Option<&'static Key> {
    BROKER_BY_NAME.get(name).copied()
}

/// Whether a broker key can be set dynamically only.
pub fn is_dynamic_only(name: &str) -> bool {
    find(REPLICATION_QUOTA, name).is_some()
}

/// The topic key of this name.
pub fn topic_key(name: &str) -> Option<&'static Key> {
    find(TOPIC, name)
}

/// The group key of this name.
pub fn group_key(name: &str) -> Option<&'static Key> {
    find(GROUP, name)
}

/// The client-metrics key of this name.
pub fn client_metrics_key(name: &str) -> Option<&'static Key> {
    find(CLIENT_METRICS, name)
}

fn find(rows: &'static [Key], name: &str) -> Option<&'static Key> {
    rows.binary_search_by(|key| key.name.cmp(name)).ok().map(|i| &rows[i])
}
