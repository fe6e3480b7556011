//! Records, replies and differences as short lines for transcripts.

use ottla_metadata::image::Image;
use ottla_metadata::{Delta, Record, Refusal};
use ottla_wire::MetadataRecord;
use ottla_wire::create_topics_response::CreatableTopicResult;

/// One record; of the fields of the common kinds those that matter.
pub(crate) fn record(record: &Record) -> String {
    match record {
        MetadataRecord::Topic(record) => format!("Topic {}", record.name),
        MetadataRecord::Partition(record) => {
            let directories: Vec<_> = record.directories.iter().map(directory).collect();
            let mut text = format!(
                "Partition {} replicas={:?} isr={:?} leader={} directories={}",
                record.partition_id,
                record.replicas,
                record.isr,
                record.leader,
                directories.join(",")
            );
            if let Some(elr) = &record.eligible_leader_replicas {
                text += &format!(" elr={elr:?}");
            }
            text
        }
        MetadataRecord::PartitionChange(change) => {
            let mut text = format!("PartitionChange {}", change.partition_id);
            if change.leader != -2 {
                text += &format!(" leader={}", change.leader);
            }
            let lists = [
                ("isr", &change.isr),
                ("replicas", &change.replicas),
                ("removing", &change.removing_replicas),
                ("adding", &change.adding_replicas),
                ("elr", &change.eligible_leader_replicas),
                ("last-known-elr", &change.last_known_elr),
            ];
            for (name, list) in lists {
                if let Some(list) = list {
                    text += &format!(" {name}={list:?}");
                }
            }
            if change.leader_recovery_state != -1 {
                text += &format!(" recovery={}", change.leader_recovery_state);
            }
            if let Some(directories) = &change.directories {
                text += &format!(" directories={}", directories.iter().map(directory).collect::<Vec<_>>().join(","));
            }
            text
        }
        MetadataRecord::Config(record) => {
            let value = record.value.as_deref().map_or("unset".to_owned(), |value| format!("{value:?}"));
            format!("Config {}/{} {}={value}", record.resource_type, record.resource_name, record.name)
        }
        MetadataRecord::RegisterBroker(record) => format!(
            "RegisterBroker {} epoch={} fenced={} rack={:?} directories={} cordoned={:?}",
            record.broker_id,
            record.broker_epoch,
            record.fenced,
            record.rack,
            record.log_dirs.iter().map(directory).collect::<Vec<_>>().join(","),
            record.cordoned_log_dirs.as_ref().map(|dirs| dirs.len()),
        ),
        MetadataRecord::BrokerRegistrationChange(record) => {
            let mut text = format!("BrokerRegistrationChange {} epoch={}", record.broker_id, record.broker_epoch);
            if record.fenced != 0 {
                text += &format!(" fenced={}", record.fenced);
            }
            if record.in_controlled_shutdown != 0 {
                text += " in-controlled-shutdown";
            }
            if !record.log_dirs.is_empty() {
                text +=
                    &format!(" directories={}", record.log_dirs.iter().map(directory).collect::<Vec<_>>().join(","));
            }
            if let Some(dirs) = &record.cordoned_log_dirs {
                text += &format!(" cordoned={}", dirs.iter().map(directory).collect::<Vec<_>>().join(","));
            }
            text
        }
        MetadataRecord::FeatureLevel(record) => format!("FeatureLevel {} {}", record.name, record.feature_level),
        MetadataRecord::ProducerIds(record) => format!("ProducerIds next={}", record.next_producer_id),
        MetadataRecord::RemoveTopic(_) => "RemoveTopic".to_owned(),
        MetadataRecord::ClearElr(record) => format!("ClearElr {:?}", record.topic_name),
        other => format!("{other:?}"),
    }
}

/// A directory's id; those of scenarios are one byte sixteen times.
fn directory(id: ottla_vocabulary::Uuid) -> String {
    if id.0.iter().all(|byte| *byte == id.0[0]) { id.0[0].to_string() } else { format!("reserved-{}", id.0[15]) }
}

/// What publishers are told.
pub(crate) fn delta(delta: &Delta) -> Vec<String> {
    let mut lines = Vec::new();
    let named = |what: &str, topics: &[std::sync::Arc<ottla_metadata::image::Topic>]| {
        topics
            .iter()
            .map(|topic| format!("> {what} {} with {}", topic.name, topic.partitions.len()))
            .collect::<Vec<_>>()
    };
    lines.extend(named("created", &delta.created));
    lines.extend(named("deleted", &delta.deleted));
    for changed in &delta.partitions {
        let what = match (&changed.before, changed.leader_changed()) {
            (None, _) => "added",
            (_, true) => "new leader epoch of",
            (_, false) => "changed",
        };
        lines.push(format!("> {what} {}-{}", changed.topic.name, changed.index));
    }
    lines.extend(delta.configs.iter().map(|resource| format!("> configured {:?}/{}", resource.kind, resource.name)));
    lines.extend(delta.brokers.iter().map(|broker| format!("> broker {broker}")));
    if delta.features {
        lines.push("> features".to_owned());
    }
    lines
}

/// A refusal.
pub(crate) fn refusal(refusal: &Refusal) -> String {
    format!("refused: {refusal}")
}

/// Several replies.
pub(crate) fn each(replies: &[Result<(), Refusal>]) -> Vec<String> {
    let line = |reply: &Result<(), Refusal>| match reply {
        Ok(()) => "done".to_owned(),
        Err(refused) => refusal(refused),
    };
    replies.iter().map(line).collect()
}

/// The answer to a creation.
pub(crate) fn created(result: &CreatableTopicResult<'_>) -> Vec<String> {
    if result.error_code != 0 {
        let code = ottla_wire::ErrorCode::from(result.error_code);
        return vec![refusal(&Refusal {
            code,
            message: result.error_message.clone().map(|text| text.into_owned().into()),
        })];
    }
    let mut lines = vec![format!(
        "created: partitions={} rf={} configs-error={}",
        result.num_partitions, result.replication_factor, result.topic_config_error_code
    )];
    let entries = result.configs.as_ref().into_iter().flat_map(|configs| configs.iter());
    // Those of the table's defaults are all alike: only what somebody set is shown, and how many there are in all.
    let shown: Vec<_> = entries.collect();
    for entry in shown.iter().filter(|entry| entry.config_source != 5) {
        lines.push(format!("{}={:?} from {}", entry.name, entry.value, entry.config_source));
    }
    if !shown.is_empty() {
        lines.push(format!("{} configs in all", shown.len()));
    }
    lines
}

/// A part of the image.
pub(crate) fn image(image: &Image, part: &str) -> Vec<String> {
    match part {
        "topics" => {
            let mut lines = Vec::new();
            for topic in image.topics.sorted() {
                for (index, partition) in &topic.partitions {
                    lines.push(format!(
                        "{}-{index} replicas={:?} isr={:?} leader={} leader-epoch={} partition-epoch={} elr={:?}",
                        topic.name,
                        ids(&partition.replicas),
                        ids(&partition.isr),
                        partition.leader_id(),
                        partition.leader_epoch,
                        partition.partition_epoch,
                        ids(&partition.elr),
                    ));
                }
            }
            lines
        }
        "configs" => {
            let mut all: Vec<_> = image.configs.iter().collect();
            all.sort();
            all.iter()
                .map(|(resource, settings)| format!("{:?}/{} {settings:?}", resource.kind, resource.name))
                .collect()
        }
        "features" => vec![format!("{:?}", image.features)],
        part => panic!("there is no part {part}"),
    }
}

fn ids(nodes: &[ottla_vocabulary::NodeId]) -> Vec<i32> {
    nodes.iter().map(|node| node.0).collect()
}
