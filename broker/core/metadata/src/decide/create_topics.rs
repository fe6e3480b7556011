//! CreateTopics: names, partitions, replicas and configurations are checked and become records, topic by topic, so that
//! one wrong topic does not hold up the others of its request.

use std::collections::{BTreeMap, BTreeSet};

use ottla_vocabulary::{LeaderEpoch, NodeId, TopicName, Uuid};
use ottla_wire::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use ottla_wire::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use ottla_wire::{ErrorCode, TopicRecord};

use super::configs::{ConfigChange, alter_new_topic};
use super::effective::effective;
use super::place::{Random, UsableBroker, place};
use super::{Context, Outcome, RECORDS_MAX, Record, Refusal, outcome};
use crate::image::{Partition, Resource, Settings};

/// Creates topics, or with `validate_only` says what would happen. The topics are those that the client may create, none
/// named twice; `may_describe` says whose configuration the answer may show.
pub fn decide_create_topics(
    context: Context<'_>,
    topics: &[CreatableTopic<'_>],
    validate_only: bool,
    may_describe: &dyn Fn(&str) -> bool,
    random: &mut Random<'_>,
) -> Outcome<Vec<CreatableTopicResult<'static>>> {
    outcome(create_topics(context, topics, validate_only, may_describe, random))
}

fn create_topics(
    context: Context<'_>,
    topics: &[CreatableTopic<'_>],
    validate_only: bool,
    may_describe: &dyn Fn(&str) -> bool,
    random: &mut Random<'_>,
) -> Result<(Vec<Record>, Vec<CreatableTopicResult<'static>>), Refusal> {
    check_partition_total(context, topics)?;
    let mut records = Vec::new();
    let mut results = Vec::with_capacity(topics.len());
    let mut ids = BTreeSet::new();
    let mut named = BTreeSet::new();
    for topic in topics {
        let made = match named.insert(&*topic.name) {
            true => create_topic(context, topic, may_describe(&topic.name), random, &mut ids),
            false => Err(duplicate()),
        };
        match made {
            Ok((made, result)) => {
                records.extend(made);
                results.push(result);
            }
            Err(refusal) => results.push(refused(&topic.name, refusal)),
        }
    }
    if validate_only {
        records.clear();
    }
    Ok((records, results))
}

/// The refusal of a topic that a request names a second time. Whoever asks refuses both of them before; the log must
/// not get two topics of one name in any case.
pub(super) fn duplicate() -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name.")
}

/// The answer for a topic that was not created.
pub fn refused(name: &str, refusal: Refusal) -> CreatableTopicResult<'static> {
    CreatableTopicResult {
        name: name.to_owned().into(),
        error_code: refusal.code.code(),
        error_message: refusal.message,
        ..CreatableTopicResult::default()
    }
}

fn create_topic(
    context: Context<'_>,
    topic: &CreatableTopic<'_>,
    may_describe: bool,
    random: &mut Random<'_>,
    ids: &mut BTreeSet<Uuid>,
) -> Result<(Vec<Record>, CreatableTopicResult<'static>), Refusal> {
    let name = check_name(context, &topic.name)?;
    let settings = settings(topic)?;
    let changes: Vec<ConfigChange> = settings.iter().map(|(key, value)| ConfigChange::set(key, value)).collect();
    let config_records = alter_new_topic(context, &Resource::topic(name.as_str()), &changes)?;
    let partitions =
        if topic.assignments.is_empty() { placed(context, topic, random)? } else { assigned(context, topic)? };
    let id = draw_id(context, random, ids);
    let result = answer(context, &name, id, &partitions, may_describe.then_some(&settings));
    let mut records: Vec<Record> = vec![TopicRecord { name: name.as_str().to_owned().into(), topic_id: id }.into()];
    records.extend(config_records);
    records.extend(
        (0..)
            .zip(&partitions)
            .map(|(index, partition)| Record::from(partition.to_record(id, index, &context.image.features))),
    );
    Ok((records, result))
}

fn check_partition_total(context: Context<'_>, topics: &[CreatableTopic<'_>]) -> Result<(), Refusal> {
    let wanted = |topic: &CreatableTopic<'_>| match topic.num_partitions {
        _ if !topic.assignments.is_empty() => topic.assignments.len(),
        -1 => context.config.topics.partitions as usize,
        count => usize::try_from(count).unwrap_or(0),
    };
    let total: usize = topics.iter().map(wanted).sum();
    if RECORDS_MAX < total {
        let message = "Excessively large number of partitions per request.";
        return Err(Refusal::new(ErrorCode::PolicyViolation, message));
    }
    Ok(())
}

fn check_name(context: Context<'_>, text: &str) -> Result<TopicName, Refusal> {
    // A name that both breaks the rules and collides is told of the collision, as Kafka does; a name that breaks the
    // rules has no collision with one that keeps them, though: only valid names are in the image.
    let name = TopicName::new(text).map_err(|error| {
        let message = format!("Topic name is invalid: {error}");
        Refusal::new(ErrorCode::InvalidTopicException, message)
    })?;
    if context.image.topics.by_name(&name).is_some() {
        return Err(Refusal::new(ErrorCode::TopicAlreadyExists, format!("Topic '{name}' already exists.")));
    }
    if let Some(other) = context.image.topics.collision(&name) {
        let message = format!("Topic '{name}' collides with existing topic: {other}");
        return Err(Refusal::new(ErrorCode::InvalidTopicException, message));
    }
    Ok(name)
}

fn settings(topic: &CreatableTopic<'_>) -> Result<Settings, Refusal> {
    let unset = |config: &CreatableTopicConfig<'_>| config.value.is_none();
    let nulls: Vec<String> = topic.configs.iter().filter(unset).map(|config| config.name.into_owned()).collect();
    if !nulls.is_empty() {
        let message = format!("Null value not supported for topic configs: {}", nulls.join(","));
        return Err(Refusal::new(ErrorCode::InvalidConfig, message));
    }
    let set = topic.configs.iter().map(|config| {
        let value = config.value.map(|value| value.into_owned()).unwrap_or_default();
        (config.name.into_owned(), value)
    });
    Ok(set.collect())
}

/// Partitions where the client named the replicas.
fn assigned(context: Context<'_>, topic: &CreatableTopic<'_>) -> Result<Vec<Partition>, Refusal> {
    let refuse = |code, message: String| Err(Refusal::new(code, message));
    if topic.replication_factor != -1 {
        let message = "A manual partition assignment was specified, but replication factor was not set to -1.";
        return refuse(ErrorCode::InvalidRequest, message.to_owned());
    }
    if topic.num_partitions != -1 {
        let message = "A manual partition assignment was specified, but numPartitions was not set to -1.";
        return refuse(ErrorCode::InvalidRequest, message.to_owned());
    }
    let mut partitions = BTreeMap::new();
    let mut replication_factor = None;
    for assignment in &topic.assignments {
        let index = assignment.partition_index;
        if partitions.contains_key(&index) {
            let message = format!("Found multiple manual partition assignments for partition {index}");
            return refuse(ErrorCode::InvalidReplicaAssignment, message);
        }
        let replicas: Vec<NodeId> = assignment.broker_ids.iter().map(NodeId).collect();
        check_assignment(context, &replicas, replication_factor)?;
        replication_factor = Some(replicas.len());
        let partition = new_partition(context, replicas).ok_or_else(|| nobody_active(index))?;
        partitions.insert(index, partition);
    }
    if !partitions.keys().copied().eq(0..partitions.len() as i32) {
        let message = "partitions should be a consecutive 0-based integer sequence".to_owned();
        return refuse(ErrorCode::InvalidReplicaAssignment, message);
    }
    Ok(partitions.into_values().collect())
}

/// Partitions that we place.
fn placed(
    context: Context<'_>,
    topic: &CreatableTopic<'_>,
    random: &mut Random<'_>,
) -> Result<Vec<Partition>, Refusal> {
    let defaults = &context.config.topics;
    let replication_factor = match topic.replication_factor {
        -1 => defaults.replication_factor,
        factor if factor <= 0 => {
            let message = "Replication factor must be larger than 0, or -1 to use the default value.";
            return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
        }
        factor => factor,
    };
    let count = match topic.num_partitions {
        -1 => defaults.partitions as usize,
        count if count <= 0 => {
            let message = "Number of partitions was set to an invalid non-positive value.";
            return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
        }
        count => count as usize,
    };
    let unable = |why: &str| {
        let message = format!("Unable to replicate the partition {replication_factor} time(s): {why}");
        Refusal::new(ErrorCode::InvalidReplicationFactor, message)
    };
    let placed = place(&usable_brokers(context), count, replication_factor, random)
        .map_err(|refusal| unable(refusal.message.as_deref().unwrap_or_default()))?;
    let nobody = || unable("All brokers are currently fenced or in controlled shutdown.");
    placed.into_iter().map(|replicas| new_partition(context, replicas).ok_or_else(nobody)).collect()
}

/// The brokers that new replicas can be placed on.
pub(super) fn usable_brokers(context: Context<'_>) -> Vec<UsableBroker> {
    let brokers = context.image.cluster.brokers.values();
    let usable = brokers.filter(|broker| !broker.in_controlled_shutdown && broker.has_uncordoned_directory());
    usable.map(|broker| UsableBroker { id: broker.id, rack: broker.rack.clone(), fenced: broker.fenced }).collect()
}

/// Checks replicas that a client named.
pub(super) fn check_assignment(
    context: Context<'_>,
    replicas: &[NodeId],
    replication_factor: Option<usize>,
) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
    if replicas.is_empty() {
        return refuse("The manual partition assignment includes an empty replica list.".to_owned());
    }
    let mut sorted = replicas.to_vec();
    sorted.sort();
    for (place, id) in sorted.iter().enumerate() {
        let Some(broker) = context.image.cluster.broker(*id) else {
            return refuse(format!(
                "The manual partition assignment includes broker {id}, but no such broker is registered."
            ));
        };
        if !broker.has_uncordoned_directory() {
            return refuse(format!(
                "The manual partition assignment includes broker {id}, but all its log directories are cordoned."
            ));
        }
        if 0 < place && sorted[place - 1] == *id {
            return refuse(format!("The manual partition assignment includes the broker {id} more than once."));
        }
    }
    match replication_factor {
        Some(factor) if factor != replicas.len() => refuse(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with \
             previous partitions, which have {factor} replica(s).",
            replicas.len()
        )),
        _ => Ok(()),
    }
}

pub(super) fn nobody_active(index: i32) -> Refusal {
    let message = format!(
        "All brokers specified in the manual partition assignment for partition {index} are fenced or in controlled \
         shutdown."
    );
    Refusal::new(ErrorCode::InvalidReplicaAssignment, message)
}

/// A new partition, led by the first of its replicas that is active; `None` when none is.
pub(super) fn new_partition(context: Context<'_>, replicas: Vec<NodeId>) -> Option<Partition> {
    let cluster = &context.image.cluster;
    let isr: Vec<NodeId> = replicas.iter().copied().filter(|replica| cluster.is_active(*replica)).collect();
    let directories = match context.metadata_version().has_directories() {
        true => replicas.iter().map(|replica| cluster.default_directory(*replica)).collect(),
        false => Vec::new(),
    };
    Some(Partition {
        leader: Some(*isr.first()?),
        isr,
        directories,
        replicas,
        leader_epoch: LeaderEpoch(0),
        partition_epoch: 0,
        ..Partition::default()
    })
}

/// A random id that no topic has.
fn draw_id(context: Context<'_>, random: &mut Random<'_>, taken: &mut BTreeSet<Uuid>) -> Uuid {
    loop {
        let bytes = ((u128::from(random()) << 64) | u128::from(random())).to_be_bytes();
        if let Some(id) = Uuid::from_random(bytes)
            && context.image.topics.get(ottla_vocabulary::TopicId(id)).is_none()
            && taken.insert(id)
        {
            return id;
        }
    }
}

fn answer(
    context: Context<'_>,
    name: &TopicName,
    id: Uuid,
    partitions: &[Partition],
    settings: Option<&Settings>,
) -> CreatableTopicResult<'static> {
    let mut result = CreatableTopicResult {
        name: name.as_str().to_owned().into(),
        topic_id: id,
        error_message: None,
        ..CreatableTopicResult::default()
    };
    let Some(settings) = settings else {
        result.topic_config_error_code = ErrorCode::TopicAuthorizationFailed.code();
        return result;
    };
    let keys = ottla_config::catalogue::TOPIC.iter();
    let shown = keys.filter(|key| !key.internal || settings.contains_key(key.name));
    let entry = |key: &ottla_config::key::Key| {
        let (value, source) = effective(context, key, Some(settings));
        CreatableTopicConfigs {
            name: key.name.into(),
            value: value.filter(|_| !key.is_sensitive()).map(Into::into),
            read_only: false,
            config_source: source as i8,
            is_sensitive: key.is_sensitive(),
        }
    };
    result.configs = Some(shown.map(entry).collect());
    result.num_partitions = partitions.len() as i32;
    result.replication_factor = partitions.first().map_or(-1, |partition| partition.replicas.len() as i16);
    result
}
