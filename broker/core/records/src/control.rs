//! Control records: what brokers write for brokers into a partition. They take an offset and are never handed to
//! applications.
//!
//! The key tells which it is. The value of a transaction's end is read and written here; those of the quorum's records
//! are messages of the schema, which `wire` reads.

use crate::builder::{BatchBuilder, BatchOptions, BuildError};
use crate::record::Record;

use ottla_vocabulary::Timestamp;

/// Version of a control record's key, and of a transaction end's value.
const VERSION: i16 = 0;

/// Which control record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlRecordType {
    /// A transaction ended without effect.
    Abort,
    /// A transaction took effect.
    Commit,
    /// A new leader of the quorum: `LeaderChangeMessage`.
    LeaderChange,
    /// Begin of a snapshot: `SnapshotHeaderRecord`.
    SnapshotHeader,
    /// End of a snapshot: `SnapshotFooterRecord`.
    SnapshotFooter,
    /// The quorum's feature level: `KRaftVersionRecord`.
    KraftVersion,
    /// The quorum's members: `VotersRecord`.
    KraftVoters,
    /// One that later versions know. To be skipped.
    Unknown(i16),
}

impl ControlRecordType {
    /// Its number in the key.
    pub fn id(self) -> i16 {
        match self {
            ControlRecordType::Abort => 0,
            ControlRecordType::Commit => 1,
            ControlRecordType::LeaderChange => 2,
            ControlRecordType::SnapshotHeader => 3,
            ControlRecordType::SnapshotFooter => 4,
            ControlRecordType::KraftVersion => 5,
            ControlRecordType::KraftVoters => 6,
            ControlRecordType::Unknown(id) => id,
        }
    }

    /// The record of a number.
    pub fn from_id(id: i16) -> ControlRecordType {
        match id {
            0 => ControlRecordType::Abort,
            1 => ControlRecordType::Commit,
            2 => ControlRecordType::LeaderChange,
            3 => ControlRecordType::SnapshotHeader,
            4 => ControlRecordType::SnapshotFooter,
            5 => ControlRecordType::KraftVersion,
            6 => ControlRecordType::KraftVoters,
            _ => ControlRecordType::Unknown(id),
        }
    }

    /// Reads a key; `None` when it is not one of a control record. Later versions may add fields at the end.
    pub fn of_key(key: &[u8]) -> Option<ControlRecordType> {
        let [v0, v1, t0, t1, ..] = *key else { return None };
        let version = i16::from_be_bytes([v0, v1]);
        (version >= 0).then(|| ControlRecordType::from_id(i16::from_be_bytes([t0, t1])))
    }

    /// Reads the key of a record of a control batch.
    pub fn of(record: &Record<'_>) -> Option<ControlRecordType> {
        ControlRecordType::of_key(record.key?)
    }

    /// The key.
    pub fn key(self) -> [u8; 4] {
        let ([v0, v1], [t0, t1]) = (VERSION.to_be_bytes(), self.id().to_be_bytes());
        [v0, v1, t0, t1]
    }
}

/// The value of an abort or commit record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTransactionMarker {
    /// The transaction coordinator's epoch; an older one is refused.
    pub coordinator_epoch: i32,
}

impl EndTransactionMarker {
    /// Reads a value; `None` when it is not one. Later versions may add fields at the end.
    pub fn parse(value: &[u8]) -> Option<EndTransactionMarker> {
        let [v0, v1, epoch @ ..] = value else { return None };
        if i16::from_be_bytes([*v0, *v1]) < 0 {
            return None;
        }
        let coordinator_epoch = i32::from_be_bytes(*epoch.first_chunk()?);
        Some(EndTransactionMarker { coordinator_epoch })
    }

    /// The value.
    pub fn to_bytes(self) -> [u8; 6] {
        let mut out = [0; 6];
        out[..2].copy_from_slice(&VERSION.to_be_bytes());
        out[2..].copy_from_slice(&self.coordinator_epoch.to_be_bytes());
        out
    }
}

/// A batch of one control record. `is_control` is set whatever the options say.
pub fn control_batch(
    options: BatchOptions,
    record_type: ControlRecordType,
    timestamp: Timestamp,
    value: &[u8],
) -> Result<Vec<u8>, BuildError> {
    let mut builder = BatchBuilder::new(BatchOptions { is_control: true, ..options });
    builder.push(timestamp, Some(&record_type.key()), Some(value), &[]);
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_markers_are_read_as_written() {
        for id in -1..9 {
            let record_type = ControlRecordType::from_id(id);
            assert_eq!(ControlRecordType::of_key(&record_type.key()), Some(record_type));
            assert_eq!(record_type.id(), id);
        }
        assert_eq!(ControlRecordType::of_key(&[0, 0, 0]), None);
        assert_eq!(ControlRecordType::of_key(&[0xff, 0xff, 0, 1]), None, "a negative version");

        let marker = EndTransactionMarker { coordinator_epoch: 7 };
        assert_eq!(EndTransactionMarker::parse(&marker.to_bytes()), Some(marker));
        assert_eq!(EndTransactionMarker::parse(&[0, 0, 0, 0, 0]), None);
    }
}
