//! CreatePartitions: topics grow; they never shrink.

use std::collections::BTreeSet;

use ottla_vocabulary::NodeId;
use ottla_wire::ErrorCode;
use ottla_wire::create_partitions_request::CreatePartitionsTopic;

use super::create_topics::{check_assignment, duplicate, new_partition, nobody_active, usable_brokers};
use super::place::{Random, place};
use super::{Context, Outcome, RECORDS_MAX, Record, Refusal, outcome};

/// Adds partitions, or with `validate_only` says whether they could be; the reply says it of each topic in turn.
pub fn decide_create_partitions(
    context: Context<'_>,
    topics: &[CreatePartitionsTopic<'_>],
    validate_only: bool,
    random: &mut Random<'_>,
) -> Outcome<Vec<Result<(), Refusal>>> {
    let added = |topic: &CreatePartitionsTopic<'_>| {
        let known = context.image.topics.by_text(&topic.name)?;
        usize::try_from(topic.count).ok()?.checked_sub(known.partitions.len())
    };
    if RECORDS_MAX < topics.iter().filter_map(added).sum() {
        let message = "Excessively large number of additional partitions per request.";
        return outcome(Err(Refusal::new(ErrorCode::PolicyViolation, message)));
    }
    let mut records = Vec::new();
    let mut replies = Vec::with_capacity(topics.len());
    let mut named = BTreeSet::new();
    for topic in topics {
        let made = match named.insert(&*topic.name) {
            true => create_partitions(context, topic, random),
            false => Err(duplicate()),
        };
        replies.push(made.map(|made| records.extend(made)));
    }
    if validate_only {
        records.clear();
    }
    outcome(Ok((records, replies)))
}

fn create_partitions(
    context: Context<'_>,
    request: &CreatePartitionsTopic<'_>,
    random: &mut Random<'_>,
) -> Result<Vec<Record>, Refusal> {
    let topic = context.image.topics.by_text(&request.name);
    let topic = topic.ok_or_else(|| Refusal::silent(ErrorCode::UnknownTopicOrPartition))?;
    let present = topic.partitions.len() as i32;
    if request.count == present {
        let message = format!("Topic already has {present} partition(s).");
        return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    }
    if request.count < present {
        let message = format!(
            "The topic {} currently has {present} partition(s); {} would not be an increase.",
            topic.name, request.count
        );
        return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    }
    let added = (request.count - present) as usize;
    if let Some(named) = &request.assignments
        && named.len() != added
    {
        let message = format!(
            "Attempted to add {added} additional partition(s), but only {} assignment(s) were specified.",
            named.len()
        );
        return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
    }
    let factor = topic.replication_factor();
    let replicas: Vec<Vec<NodeId>> = match &request.assignments {
        Some(named) => named.iter().map(|assignment| assignment.broker_ids.iter().map(NodeId).collect()).collect(),
        None => place(&usable_brokers(context), added, i16::try_from(factor).unwrap_or(i16::MAX), random)?,
    };
    let mut records = Vec::with_capacity(added);
    for (index, replicas) in (present..).zip(replicas) {
        if request.assignments.is_some() {
            check_assignment(context, &replicas, Some(factor))?;
        }
        let nobody = || match request.assignments {
            Some(_) => nobody_active(index),
            None => Refusal::new(
                ErrorCode::InvalidReplicationFactor,
                format!(
                    "Unable to replicate the partition {factor} time(s): All brokers are currently fenced or in \
                     controlled shutdown."
                ),
            ),
        };
        let partition = new_partition(context, replicas).ok_or_else(nobody)?;
        records.push(partition.to_record(topic.id.0, index, &context.image.features).into());
    }
    Ok(records)
}
