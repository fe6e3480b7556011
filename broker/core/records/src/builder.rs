//! Building a batch: records in, bytes out.
//!
//! The result is byte for byte what Java's builder makes of the same records, apart from what a codec chooses. Where the
//! batch will lie is not known while it is built: the log sets base offset and leader epoch (`patch`). Time is the
//! caller's.

use ottla_vocabulary::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use thiserror::Error;

use crate::batch::{Attributes, BatchHeader, HEADER_BYTES, PREFIX_BYTES, TimestampType};
use crate::compression::{CompressError, Compression};
use crate::record::{Header, Record, write_record};

/// What a batch says about all its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// Offset of the first record, as far as it is known.
    pub base_offset: Offset,
    /// The leader that appends it, as far as it is known.
    pub partition_leader_epoch: LeaderEpoch,
    /// Codec and level.
    pub compression: Compression,
    /// The broker's time for the whole batch; none leaves each record its own.
    pub append_time: Option<Timestamp>,
    /// The idempotent producer, or none.
    pub producer_id: ProducerId,
    /// Its epoch, or none.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of the first record, or none.
    pub base_sequence: Sequence,
    /// Part of a transaction.
    pub is_transactional: bool,
    /// Written by brokers for brokers.
    pub is_control: bool,
    /// From when on a cleaner may drop the tombstones and markers in it; takes the place of the base timestamp.
    pub delete_horizon: Option<Timestamp>,
}

impl Default for BatchOptions {
    /// Uncompressed, with each record's own time and without a producer, at offset 0.
    fn default() -> BatchOptions {
        BatchOptions {
            base_offset: Offset::ZERO,
            partition_leader_epoch: LeaderEpoch::NONE,
            compression: Compression::default(),
            append_time: None,
            producer_id: ProducerId::NONE,
            producer_epoch: ProducerEpoch::NONE,
            base_sequence: Sequence::NONE,
            is_transactional: false,
            is_control: false,
            delete_horizon: None,
        }
    }
}

/// A batch that could not be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BuildError {
    /// Its length does not fit the format's 31 bits.
    #[error("a batch of {bytes} bytes is longer than the format can say")]
    TooLarge {
        /// Bytes of the records.
        bytes: usize,
    },
    /// A record's offset does not lie after that of the record before it, or too far from the base offset.
    #[error("offset {offset} cannot follow offset delta {last_offset_delta} in a batch at {base_offset}")]
    Offset {
        /// The record's.
        offset: Offset,
        /// The batch's.
        base_offset: Offset,
        /// That of the record before it; −1 before the first.
        last_offset_delta: i32,
    },
    /// The codec failed.
    #[error(transparent)]
    Compress(#[from] CompressError),
}

/// A batch under construction.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    options: BatchOptions,
    records: Vec<u8>,
    count: i32,
    last_offset_delta: i32,
    base_timestamp: Option<Timestamp>,
    max_timestamp: Timestamp,
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new(options: BatchOptions) -> BatchBuilder {
        BatchBuilder {
            options,
            records: Vec::new(),
            count: 0,
            last_offset_delta: -1,
            base_timestamp: options.delete_horizon,
            max_timestamp: Timestamp::NONE,
        }
    }

    /// Adds a record after the last one; gives its offset, counted from the base offset of the options.
    pub fn push(
        &mut self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Offset {
        self.write(self.last_offset_delta + 1, timestamp, key, value, headers.iter().copied())
    }

    /// Adds a record at its own offset, which must rise: what the cleaner leaves of a batch has gaps.
    pub fn push_at(
        &mut self,
        offset: Offset,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<Offset, BuildError> {
        Ok(self.write(self.delta_of(offset)?, timestamp, key, value, headers.iter().copied()))
    }

    /// Adds a record of another batch as it is, at its own offset, which must rise.
    pub fn push_record(&mut self, record: &Record<'_>) -> Result<Offset, BuildError> {
        let delta = self.delta_of(record.offset)?;
        Ok(self.write(delta, record.timestamp, record.key, record.value, record.headers.iter()))
    }

    fn delta_of(&self, offset: Offset) -> Result<i32, BuildError> {
        let (base_offset, last_offset_delta) = (self.options.base_offset, self.last_offset_delta);
        let delta = offset.0.checked_sub(base_offset.0).and_then(|delta| i32::try_from(delta).ok());
        let rises = delta.filter(|delta| *delta > last_offset_delta);
        rises.ok_or(BuildError::Offset { offset, base_offset, last_offset_delta })
    }

    fn write<'h>(
        &mut self,
        offset_delta: i32,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl ExactSizeIterator<Item = Header<'h>> + Clone,
    ) -> Offset {
        let base = *self.base_timestamp.get_or_insert(timestamp);
        let timestamp_delta = timestamp.0.wrapping_sub(base.0);
        write_record(&mut self.records, timestamp_delta, offset_delta, key, value, headers);
        self.count += 1;
        self.last_offset_delta = offset_delta;
        self.max_timestamp = self.max_timestamp.max(timestamp);
        Offset(self.options.base_offset.0 + i64::from(offset_delta))
    }

    /// No record yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Records so far.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// Bytes of the batch if it ended now and were not compressed.
    pub fn bytes(&self) -> usize {
        HEADER_BYTES + self.records.len()
    }

    /// The batch.
    pub fn finish(self) -> Result<Vec<u8>, BuildError> {
        let last = self.last_offset_delta.max(0);
        self.finish_at(last)
    }

    /// The batch with this last offset delta, which the cleaner keeps though the records are gone: the next offset
    /// follows from it, and so does the producer's next sequence.
    pub fn finish_at(self, last_offset_delta: i32) -> Result<Vec<u8>, BuildError> {
        // Before compression too: the length of every field has 31 bits.
        let bytes = self.records.len();
        i32::try_from(bytes).map_err(|_| BuildError::TooLarge { bytes })?;
        let mut out = vec![0; HEADER_BYTES];
        if self.count > 0 {
            self.options.compression.compress(&self.records, &mut out)?;
        }
        let bytes = out.len() - PREFIX_BYTES;
        let batch_length = i32::try_from(bytes).map_err(|_| BuildError::TooLarge { bytes })?;
        let options = &self.options;
        let timestamp_type = match options.append_time {
            Some(_) => TimestampType::LogAppendTime,
            None => TimestampType::CreateTime,
        };
        let mut header = BatchHeader {
            base_offset: options.base_offset,
            batch_length,
            partition_leader_epoch: options.partition_leader_epoch,
            crc: 0,
            attributes: Attributes::default()
                .with_codec(options.compression.codec)
                .with_timestamp_type(timestamp_type)
                .with_transactional(options.is_transactional)
                .with_control(options.is_control)
                .with_delete_horizon(options.delete_horizon.is_some()),
            last_offset_delta,
            base_timestamp: self.base_timestamp.unwrap_or(Timestamp::NONE),
            max_timestamp: options.append_time.unwrap_or(self.max_timestamp),
            producer_id: options.producer_id,
            producer_epoch: options.producer_epoch,
            base_sequence: options.base_sequence,
            records_count: self.count,
        };
        header.seal(&out[HEADER_BYTES..]);
        out[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_batch_keeps_its_last_offset() {
        let options = BatchOptions { base_offset: Offset(100), ..BatchOptions::default() };
        let bytes = BatchBuilder::new(options).finish_at(9).unwrap();
        let header = BatchHeader::parse(&bytes).unwrap();
        assert_eq!((header.last_offset(), header.next_offset()), (Offset(109), Offset(110)));
        assert_eq!((header.records_count, bytes.len()), (0, HEADER_BYTES));
    }

    #[test]
    fn offsets_in_a_batch_rise() {
        let mut builder = BatchBuilder::new(BatchOptions { base_offset: Offset(5), ..BatchOptions::default() });
        let mut push_at = |offset| builder.push_at(Offset(offset), Timestamp(0), None, None, &[]);
        assert_eq!(push_at(7), Ok(Offset(7)));
        for refused in [7, 6, 4, i64::MIN, i64::MAX] {
            assert!(matches!(push_at(refused), Err(BuildError::Offset { .. })), "{refused}");
        }
        assert_eq!(push_at(8), Ok(Offset(8)));
    }
}
