//! Topics as the brokers have them: seen, and changed by the plan's commands.

use std::collections::BTreeMap;
use std::time::Duration;

use ottla_client::{Admin, ClientError, ConfigChange, ConfigSource, NewTopic};
use ottla_plan::topics::{ObservedTopic, TopicCommand};

/// How brokers are spoken to. One topic's description is a few kilobytes, with many partitions a few hundred; a broker must
/// not be able to cost the operator its memory.
pub(crate) fn settings() -> ottla_client::Settings {
    ottla_client::Settings {
        client_id: "ottla-operator".to_owned(),
        patience: Duration::from_secs(10),
        answer_bytes_max: 8 * 1024 * 1024,
    }
}

/// A topic as the brokers have it; nothing when there is none.
///
/// # Errors
/// As the brokers or the way to them give.
pub(crate) async fn observe(admin: &mut Admin, name: &str) -> Result<Option<ObservedTopic>, ClientError> {
    let Some(topic) = admin.topic(name).await? else { return Ok(None) };
    let entries = match admin.topic_config(name).await {
        Ok(entries) => entries,
        // Deleted between the two questions.
        Err(error) if is_unknown(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let own = entries.into_iter().filter(|(_, entry)| entry.source == ConfigSource::Topic);
    let config = own.filter_map(|(key, entry)| Some((key, entry.value?))).collect();
    let count = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
    Ok(Some(ObservedTopic {
        id: topic.id.0,
        partitions: count(topic.partitions.len()),
        replication_factor: topic.partitions.first().map_or(0, |partition| count(partition.replicas.len())),
        config,
    }))
}

/// Carries out one command.
///
/// # Errors
/// As the brokers or the way to them give.
pub(crate) async fn carry_out(admin: &mut Admin, name: &str, command: TopicCommand) -> Result<(), ClientError> {
    match command {
        TopicCommand::Create { partitions, replication_factor, config } => {
            let topic = NewTopic { name: name.to_owned(), partitions, replication_factor, config };
            admin.create_topic(&topic).await
        }
        TopicCommand::Grow { partitions } => admin.create_partitions(name, partitions).await,
        TopicCommand::Configure { set, remove } => {
            let mut changes: BTreeMap<String, ConfigChange> =
                set.into_iter().map(|(key, value)| (key, ConfigChange::Set(value))).collect();
            changes.extend(remove.into_iter().map(|key| (key, ConfigChange::Delete)));
            admin.alter_topic_config(name, &changes).await
        }
        TopicCommand::Delete => match admin.delete_topic(name).await {
            Err(error) if is_unknown(&error) => Ok(()),
            done => done,
        },
    }
}

/// Whether the way to the brokers failed, rather than what was asked of them.
pub(crate) fn is_unreachable(error: &ClientError) -> bool {
    matches!(error, ClientError::Unreachable { .. } | ClientError::Broken { .. } | ClientError::Timeout { .. })
}

fn is_unknown(error: &ClientError) -> bool {
    let unknown = ottla_wire::ErrorCode::UnknownTopicOrPartition;
    matches!(error, ClientError::Refused { code, .. } if *code == unknown)
}
