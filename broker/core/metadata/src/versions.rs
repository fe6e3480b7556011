//! In which version a record is written: the one that the cluster's metadata.version allows, so that every node of the
//! cluster can read it.

use ottla_wire::MetadataRecord;

use crate::image::MetadataVersion;

/// The version to write this record in, under this metadata.version.
pub fn record_version(record: &MetadataRecord<'_>, finalized: MetadataVersion) -> i16 {
    match record {
        MetadataRecord::RegisterBroker(_) => match finalized {
            _ if finalized.has_cordoned_directories() => 4,
            _ if finalized.has_directories() => 3,
            _ if MetadataVersion(8) <= finalized => 2, // where brokers could come from ZooKeeper
            _ => 1,
        },
        MetadataRecord::Partition(_) | MetadataRecord::PartitionChange(_) => match finalized {
            _ if finalized.has_elr() => 2,
            _ if finalized.has_directories() => 1,
            _ => 0,
        },
        // The lowest that has room for what is said, as Kafka's controller writes it.
        MetadataRecord::BrokerRegistrationChange(change) => match change {
            _ if change.cordoned_log_dirs.is_some() => 3,
            _ if !change.log_dirs.is_empty() => 2,
            _ if change.in_controlled_shutdown != 0 => 1,
            _ => 0,
        },
        _ => 0,
    }
}

/// A record's value as it stands in the log.
///
/// # Panics
/// When the record says something that its version has no room for: decisions say only what the finalized
/// metadata.version allows.
pub fn record_bytes(record: &MetadataRecord<'_>, finalized: MetadataVersion) -> Vec<u8> {
    record.to_bytes(record_version(record, finalized)).expect("a decision says what the finalized version has room for")
}
