//! The few bytes of a batch that a broker sets when it appends it, in a copy of the header: the records stay where they
//! are.

use ottla_vocabulary::{LeaderEpoch, Offset, Timestamp};

use crate::batch::{BatchHeader, HEADER_BYTES, PARTITION_LEADER_EPOCH, TimestampType};

/// Sets where the batch lies and who appended it. The sum does not cover these.
pub fn place(header: &mut [u8; HEADER_BYTES], base_offset: Offset, epoch: LeaderEpoch) {
    header[..8].copy_from_slice(&base_offset.0.to_be_bytes());
    header[PARTITION_LEADER_EPOCH..PARTITION_LEADER_EPOCH + 4].copy_from_slice(&epoch.0.to_be_bytes());
}

/// Stamps the batch with the broker's time. The sum covers this and is made again, over `records` where they lie.
pub fn stamp_append_time(header: &mut BatchHeader, records: &[u8], now: Timestamp) {
    stamp(header, records, TimestampType::LogAppendTime, now);
}

/// Sets who stamped the batch and its largest timestamp; the sum is made again when that changes anything.
pub fn stamp(header: &mut BatchHeader, records: &[u8], timestamp_type: TimestampType, max_timestamp: Timestamp) {
    let attributes = header.attributes.with_timestamp_type(timestamp_type);
    if header.attributes == attributes && header.max_timestamp == max_timestamp {
        return;
    }
    header.attributes = attributes;
    header.max_timestamp = max_timestamp;
    header.seal(records);
}
