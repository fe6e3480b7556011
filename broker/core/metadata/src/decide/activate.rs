//! What a controller appends first when it becomes active: on an empty log what formatting decided, on another the end
//! of a transaction that its predecessor left open.

use ottla_wire::{AbortTransactionRecord, BeginTransactionRecord, ConfigRecord, EndTransactionRecord, MetadataRecord};

use super::{Context, Decision, Record};
use crate::image::features::{ELIGIBLE_LEADER_REPLICAS, METADATA_VERSION};
use crate::image::{MetadataVersion, ResourceType};

/// Begins a leadership. `bootstrap` are the records of the snapshot that formatting wrote, or what stands in for them;
/// `in_transaction` tells that the log ends inside a transaction.
pub fn decide_activate(context: Context<'_>, bootstrap: &[Record], in_transaction: bool) -> Decision<()> {
    let abort = || AbortTransactionRecord { reason: Some("Controller failover".into()) }.into();
    let is_empty = context.image.features.metadata_version.is_none();
    let mut records: Vec<Record> = in_transaction.then(abort).into_iter().collect();
    if !is_empty {
        return Decision::new(records, ());
    }
    let level = |feature: &str| {
        bootstrap.iter().rev().find_map(|record| match record {
            MetadataRecord::FeatureLevel(record) if record.name == feature => Some(record.feature_level),
            _ => None,
        })
    };
    let transactional = MetadataVersion(level(METADATA_VERSION).unwrap_or(0)).has_transactions();
    if transactional {
        records.push(BeginTransactionRecord { name: Some("Bootstrap records".into()) }.into());
    }
    records.extend_from_slice(bootstrap);
    if level(ELIGIBLE_LEADER_REPLICAS).is_some_and(|level| 0 < level) {
        let minimum = context.config.topic_defaults.in_sync_replicas_min.to_string();
        records.push(
            ConfigRecord {
                resource_type: ResourceType::BROKER.0,
                resource_name: "".into(),
                name: "min.insync.replicas".into(),
                value: Some(minimum.into()),
            }
            .into(),
        );
    }
    if transactional {
        records.push(EndTransactionRecord {}.into());
    }
    Decision::new(records, ())
}
