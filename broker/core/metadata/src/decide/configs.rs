//! IncrementalAlterConfigs and AlterConfigs for topics, brokers, groups and client-metrics subscriptions.
//!
//! What a change leaves of a resource's configuration is checked as a whole, then written name by name. The check that a
//! broker can take up a new value of its own while it runs is made by that broker before the request comes here.

use std::collections::BTreeSet;

use ottla_config::key::{Key, Kind};
use ottla_config::{Properties, catalogue, validate_topic_configs};
use ottla_vocabulary::{NodeId, TopicName};
use ottla_wire::{ClearElrRecord, ConfigRecord, ErrorCode};

use super::group_settings::check_group;
use super::subscription::check_client_metrics;
use super::{Context, Decision, Record, Refusal};
use crate::image::{Resource, ResourceType, Settings};

/// What happens to one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It gets this value.
    Set(String),
    /// It is set no more.
    Delete,
    /// These entries, between commas, are added to its list.
    Append(String),
    /// These entries are taken out of it.
    Subtract(String),
}

/// A name, and what happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// The name.
    pub name: String,
    /// What happens.
    pub operation: Operation,
}

impl ConfigChange {
    /// The name gets this value.
    pub fn set(name: impl Into<String>, value: impl Into<String>) -> ConfigChange {
        ConfigChange { name: name.into(), operation: Operation::Set(value.into()) }
    }
}

/// Changes some names of some resources; the reply says of each resource in turn whether it was done. No resource comes
/// twice, and no name in a resource's changes. `forwarded` tells that a broker has checked the request already.
pub fn decide_incremental_alter_configs(
    context: Context<'_>,
    resources: &[(Resource, Vec<ConfigChange>)],
    validate_only: bool,
    forwarded: bool,
) -> Decision<Vec<Result<(), Refusal>>> {
    let alter =
        |(resource, changes): &(Resource, Vec<ConfigChange>)| alter(context, resource, changes, false, forwarded);
    together(context, resources.iter().map(alter), validate_only)
}

/// Replaces all that some resources set, the old way; the reply says of each resource in turn whether it was done.
pub fn decide_alter_configs(
    context: Context<'_>,
    resources: &[(Resource, Settings)],
    validate_only: bool,
    forwarded: bool,
) -> Decision<Vec<Result<(), Refusal>>> {
    let replace = |(resource, settings): &(Resource, Settings)| {
        let known = context.image.configs.get(resource);
        let gone = known.into_iter().flat_map(|known| known.keys()).filter(|name| !settings.contains_key(*name));
        let gone = gone.map(|name| ConfigChange { name: name.clone(), operation: Operation::Delete });
        let set = settings.iter().map(|(name, value)| ConfigChange::set(name, value));
        alter(context, resource, &set.chain(gone).collect::<Vec<_>>(), false, forwarded)
    };
    together(context, resources.iter().map(replace), validate_only)
}

/// What a topic that is being created sets.
pub(super) fn alter_new_topic(
    context: Context<'_>,
    topic: &Resource,
    changes: &[ConfigChange],
) -> Result<Vec<Record>, Refusal> {
    alter(context, topic, changes, true, true).map(|records| records.into_iter().map(Record::from).collect())
}

fn together(
    context: Context<'_>,
    altered: impl Iterator<Item = Result<Vec<ConfigRecord<'static>>, Refusal>>,
    validate_only: bool,
) -> Decision<Vec<Result<(), Refusal>>> {
    let mut records = Vec::new();
    let replies = altered.map(|altered| altered.map(|made| records.extend(made))).collect();
    if validate_only {
        records.clear();
    }
    let cleared = clear_elr(context, &records);
    Decision::new(records.into_iter().map(Record::from).chain(cleared).collect(), replies)
}

/// Eligible leader replicas were counted against the old minimum; with another one they mean nothing.
fn clear_elr(context: Context<'_>, records: &[ConfigRecord<'_>]) -> Vec<Record> {
    if !context.image.features.elr_enabled() {
        return Vec::new();
    }
    let minimum = records.iter().filter(|record| record.name == MIN_ISR);
    let whose = minimum.map(|record| match ResourceType(record.resource_type) {
        ResourceType::TOPIC => record.resource_name.to_string(),
        _ => String::new(),
    });
    whose.map(|name| ClearElrRecord { topic_name: name.into() }.into()).collect()
}

const MIN_ISR: &str = "min.insync.replicas";
const CORDONED: &str = "cordoned.log.dirs";
/// Kafka's limit on the length of a value, counted as Java counts text.
const VALUE_UNITS_MAX: usize = 32_767;

fn alter(
    context: Context<'_>,
    resource: &Resource,
    changes: &[ConfigChange],
    is_new: bool,
    forwarded: bool,
) -> Result<Vec<ConfigRecord<'static>>, Refusal> {
    let before = context.image.configs.properties(resource);
    let mut after = before.clone();
    let mut records = Vec::new();
    for change in changes {
        let value = changed_value(resource, &before, change)?;
        check_one(context, resource, &before, &change.name, value.as_deref(), forwarded)?;
        match &value {
            Some(value) => after.set(&change.name, value),
            None => drop(after.remove(&change.name)),
        }
        // A broker's is written again even when it stays: the broker then reads its files anew, as for a key store.
        if value.as_deref() != before.get(&change.name) || resource.kind == ResourceType::BROKER {
            records.push(ConfigRecord {
                resource_type: resource.kind.0,
                resource_name: resource.name.clone().into(),
                name: change.name.clone().into(),
                value: value.map(Into::into),
            });
        }
    }
    check_whole(context, resource, &before, &after)?;
    if !is_new {
        check_existence(context, resource)?;
    }
    Ok(records)
}

/// The value that a change gives a name of a resource that sets `before`; `None` for none.
///
/// # Errors
/// When the change is one of a list's entries, and the name is no list's.
pub fn changed_value(
    resource: &Resource,
    before: &Properties,
    change: &ConfigChange,
) -> Result<Option<String>, Refusal> {
    let (verb, entries) = match &change.operation {
        Operation::Set(value) => return Ok(Some(value.clone())),
        Operation::Delete => return Ok(None),
        Operation::Append(entries) => ("APPEND", entries),
        Operation::Subtract(entries) => ("SUBTRACT", entries),
    };
    let name = &change.name;
    let key = key_of(resource.kind, name).filter(|key| key.kind == Kind::List).ok_or_else(|| {
        let message = format!("Can't {verb} to key {name} because its type is not LIST.");
        Refusal::new(ErrorCode::InvalidConfig, message)
    })?;
    let known = before.get(name).or(key.default.text()).unwrap_or_default();
    let mut list: Vec<&str> = known.split(',').filter(|entry| !entry.is_empty()).collect();
    for entry in entries.split(',') {
        match (verb, list.iter().position(|known| *known == entry)) {
            ("APPEND", None) => list.push(entry),
            ("SUBTRACT", Some(place)) => drop(list.remove(place)),
            _ => {}
        }
    }
    Ok(Some(list.join(",")))
}

fn key_of(kind: ResourceType, name: &str) -> Option<&'static Key> {
    match kind {
        ResourceType::TOPIC => catalogue::topic_key(name),
        ResourceType::BROKER => catalogue::broker_key(name),
        ResourceType::GROUP => catalogue::group_key(name),
        ResourceType::CLIENT_METRICS => catalogue::client_metrics_key(name),
        _ => None,
    }
}

/// Rules about one value by itself.
fn check_one(
    context: Context<'_>,
    resource: &Resource,
    before: &Properties,
    name: &str,
    value: Option<&str>,
    forwarded: bool,
) -> Result<(), Refusal> {
    let refuse = |message: &'static str| Err(Refusal::new(ErrorCode::InvalidConfig, message));
    let is_broker = resource.kind == ResourceType::BROKER;
    if is_broker && name == MIN_ISR && context.image.features.elr_enabled() {
        if !resource.name.is_empty() {
            return refuse("Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
        }
        if value.is_none() {
            return refuse("Cluster-level min.insync.replicas cannot be removed while ELR is enabled.");
        }
    }
    if is_broker && name == CORDONED {
        if !context.metadata_version().has_cordoned_directories() {
            return refuse(
                "The cordoned.log.dirs configuration value cannot be set because it requires metadata.version >= 4.3-IV0",
            );
        }
        let directories =
            |text: &str| -> BTreeSet<String> { text.trim().split(',').map(|dir| dir.trim().into()).collect() };
        let known = before.get(CORDONED).map(directories).unwrap_or_default();
        let wanted = value.filter(|value| !value.trim().is_empty()).map(directories).unwrap_or_default();
        if !forwarded && !wanted.is_subset(&known) {
            return refuse(
                "When updating cordoned.log.dirs via controllers,  the new value must be a subset of the current \
                 configuration value.",
            );
        }
    }
    if value.is_some_and(|value| VALUE_UNITS_MAX < value.encode_utf16().count()) {
        return refuse(
            "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.",
        );
    }
    Ok(())
}

/// Rules about all that a resource would set.
fn check_whole(
    context: Context<'_>,
    resource: &Resource,
    before: &Properties,
    after: &Properties,
) -> Result<(), Refusal> {
    let invalid_request = |message: String| Refusal::new(ErrorCode::InvalidRequest, message);
    match resource.kind {
        ResourceType::TOPIC if resource.name.is_empty() => {
            Err(invalid_request("Default topic resources are not allowed.".to_owned()))
        }
        ResourceType::TOPIC => {
            TopicName::new(&resource.name).map_err(|error| {
                Refusal::new(ErrorCode::InvalidTopicException, format!("Topic name is invalid: {error}"))
            })?;
            validate_topic_configs(before, after, &context.config.values)
                .map_err(|complaint| Refusal::new(ErrorCode::InvalidConfig, complaint.message))
        }
        ResourceType::BROKER => broker_id(&resource.name).map(drop),
        ResourceType::CLIENT_METRICS => check_client_metrics(&resource.name, after),
        ResourceType::GROUP if resource.name.is_empty() => {
            Err(invalid_request("Default group resources are not allowed.".to_owned()))
        }
        ResourceType::GROUP => check_group(after, &context.config.values),
        kind => Err(invalid_request(format!("Unknown resource type {}", kind.name()))),
    }
}

fn broker_id(name: &str) -> Result<Option<NodeId>, Refusal> {
    if name.is_empty() {
        return Ok(None);
    }
    let refuse = |message: &'static str| Refusal::new(ErrorCode::InvalidRequest, message);
    let id: i32 = name.parse().map_err(|_| refuse("Unable to parse broker name as a base 10 number."))?;
    if id < 0 {
        return Err(refuse("Invalid negative broker ID."));
    }
    Ok(Some(NodeId(id)))
}

fn check_existence(context: Context<'_>, resource: &Resource) -> Result<(), Refusal> {
    match resource.kind {
        ResourceType::TOPIC if context.image.topics.by_text(&resource.name).is_none() => {
            let message = format!("The topic '{}' does not exist.", resource.name);
            Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, message))
        }
        ResourceType::BROKER => {
            let Some(id) = broker_id(&resource.name)? else { return Ok(()) };
            let cluster = &context.image.cluster;
            let known = cluster.brokers.contains_key(&id) || cluster.controllers.contains_key(&id);
            if known || id == context.config.node_id {
                return Ok(());
            }
            Err(Refusal::new(ErrorCode::BrokerIdNotRegistered, format!("No node with id {id} found.")))
        }
        _ => Ok(()),
    }
}
