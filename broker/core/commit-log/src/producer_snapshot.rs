//! The `.snapshot` files: the producers of a partition as of an offset, so that recovery need not read the log from its
//! beginning. Kafka's format, version 1: version, CRC-32C of what follows, count, and 46 bytes a producer.
//!
//! A snapshot is named by the offset up to which it speaks: the base offset of each segment, and the log's end at a
//! clean stop.

use ottla_records::crc::crc32c;
use ottla_vocabulary::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use crate::producer_state::{ProducerEntry, ProducerState, RememberedBatch};

const VERSION: i16 = 1;
const CRC_AT: usize = 2;
const COUNT_AT: usize = 6;
const ENTRIES_AT: usize = 10;
const ENTRY_BYTES: usize = 46;

/// Room for five million producers. A longer file is not one of ours; a shorter one sizes our memory by what it holds.
pub(crate) const BYTES_MAX: u64 = 230 << 20;

/// Why a snapshot cannot be used; the log then uses an older one and reads more of itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Its length is not that of a snapshot of so many producers.
    #[error("a producer snapshot of {count} producers cannot have {bytes} bytes")]
    Length {
        /// The claimed count.
        count: i32,
        /// The length.
        bytes: usize,
    },
    /// Of a version that is not known.
    #[error("producer snapshot of unknown version {0}")]
    Version(i16),
    /// The bytes are not those that were summed.
    #[error("producer snapshot is corrupt: stored crc {stored:#010x}, computed crc {computed:#010x}")]
    Crc {
        /// What the file says.
        stored: u32,
        /// What the bytes say.
        computed: u32,
    },
}

/// The bytes of a snapshot.
pub fn render(state: &ProducerState) -> Vec<u8> {
    let producers = state.producers();
    let mut bytes = Vec::with_capacity(ENTRIES_AT + producers.len() * ENTRY_BYTES);
    bytes.extend(VERSION.to_be_bytes());
    bytes.extend(0u32.to_be_bytes());
    bytes.extend((producers.len() as u32).to_be_bytes());
    for (producer, entry) in producers {
        let last = entry.last_batch();
        bytes.extend(producer.0.to_be_bytes());
        bytes.extend(entry.epoch.0.to_be_bytes());
        bytes.extend(entry.last_sequence().0.to_be_bytes());
        bytes.extend(last.map_or(Offset::NONE, |batch| batch.last_offset).0.to_be_bytes());
        bytes.extend(last.map_or(0, |batch| batch.offset_delta).to_be_bytes());
        bytes.extend(entry.last_timestamp.0.to_be_bytes());
        bytes.extend(entry.coordinator_epoch.to_be_bytes());
        bytes.extend(entry.transaction_start.unwrap_or(Offset::NONE).0.to_be_bytes());
    }
    let crc = crc32c(&bytes[COUNT_AT..]);
    bytes[CRC_AT..COUNT_AT].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// Reads a snapshot of the log up to `end`.
///
/// # Errors
/// When the bytes are not a whole, sound snapshot.
pub fn parse(end: Offset, bytes: &[u8]) -> Result<ProducerState, SnapshotError> {
    let Some((head, entries)) = bytes.split_first_chunk::<ENTRIES_AT>() else {
        return Err(SnapshotError::Length { count: 0, bytes: bytes.len() });
    };
    let [v, w, c0, c1, c2, c3, n0, n1, n2, n3] = *head;
    let version = i16::from_be_bytes([v, w]);
    if version != VERSION {
        return Err(SnapshotError::Version(version));
    }
    let stored = u32::from_be_bytes([c0, c1, c2, c3]);
    let computed = crc32c(&bytes[COUNT_AT..]);
    if stored != computed {
        return Err(SnapshotError::Crc { stored, computed });
    }
    let count = i32::from_be_bytes([n0, n1, n2, n3]);
    let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
    if usize::try_from(count) != Ok(entries.len()) || !rest.is_empty() {
        return Err(SnapshotError::Length { count, bytes: bytes.len() });
    }
    Ok(ProducerState::from_entries(end, entries.iter().map(entry)))
}

fn entry(bytes: &[u8; ENTRY_BYTES]) -> (ProducerId, ProducerEntry) {
    let timestamp = Timestamp(i64_at(bytes, 26));
    let last_offset = Offset(i64_at(bytes, 14));
    let batch = RememberedBatch {
        last_sequence: Sequence(i32_at(bytes, 10)),
        last_offset,
        offset_delta: i32_at(bytes, 22),
        timestamp,
    };
    let transaction_start = Offset(i64_at(bytes, 38));
    let entry = ProducerEntry::from_snapshot(
        ProducerEpoch(i16_at(bytes, 8)),
        i32_at(bytes, 34),
        timestamp,
        (transaction_start >= Offset::ZERO).then_some(transaction_start),
        (last_offset >= Offset::ZERO).then_some(batch),
    );
    (ProducerId(i64_at(bytes, 0)), entry)
}

fn i16_at(bytes: &[u8; ENTRY_BYTES], at: usize) -> i16 {
    i16::from_be_bytes(array_at(bytes, at))
}

fn i32_at(bytes: &[u8; ENTRY_BYTES], at: usize) -> i32 {
    i32::from_be_bytes(array_at(bytes, at))
}

fn i64_at(bytes: &[u8; ENTRY_BYTES], at: usize) -> i64 {
    i64::from_be_bytes(array_at(bytes, at))
}

fn array_at<const N: usize>(bytes: &[u8; ENTRY_BYTES], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("the fields lie within an entry")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_comes_back_and_damage_shows() {
        let batch = RememberedBatch {
            last_sequence: Sequence(9),
            last_offset: Offset(109),
            offset_delta: 4,
            timestamp: Timestamp(7),
        };
        let open = Some(Offset(90));
        let entries = [
            (ProducerId(3), ProducerEntry::from_snapshot(ProducerEpoch(2), 5, Timestamp(7), open, Some(batch))),
            (ProducerId(4), ProducerEntry::from_snapshot(ProducerEpoch(0), -1, Timestamp(8), None, None)),
        ];
        let state = ProducerState::from_entries(Offset(110), entries);
        let bytes = render(&state);
        assert_eq!(bytes.len(), 102);
        assert_eq!(parse(Offset(110), &bytes), Ok(state));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(parse(Offset(110), &damaged).is_err(), "byte {at}");
            assert!(parse(Offset(110), &bytes[..at]).is_err(), "cut at {at}");
        }
    }
}
