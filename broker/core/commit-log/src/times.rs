//! Looking up records by time: ListOffsets.

use ottla_records::{BatchError, BatchView, Decompressor, TimestampType};
use ottla_vocabulary::{Offset, Timestamp};

use crate::files::{Files, LogFile};
use crate::log::Log;
use crate::read::ReadError;
use crate::time_index::TimestampOffset;
use crate::walk::{FoundBatch, WalkError};

impl<F: Files> Log<F> {
    /// The first record with this or a later timestamp; `None` when there is none.
    ///
    /// # Errors
    /// When the disk refuses, or a batch cannot be unpacked.
    pub fn offset_for_time(&mut self, timestamp: Timestamp) -> Result<Option<TimestampOffset>, ReadError> {
        for index in 0..self.segments.len() {
            let (place, segment) = self.segment(index);
            if segment.largest(place)?.timestamp < timestamp {
                continue;
            }
            let log_start = self.log_start;
            let (place, segment) = self.segment(index);
            let mut walk = {
                let from = segment.position_for_time(place, timestamp);
                segment.walk(place, from)
            };
            while let Some(batch) = self.in_segment(index, |_, _| walk.next())? {
                if batch.header.last_offset() < log_start || batch.header.max_timestamp < timestamp {
                    continue;
                }
                let found = self
                    .first_record(index, &batch, |found| found.timestamp >= timestamp && found.offset >= log_start)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// The first record with the greatest timestamp of all; `None` when no record has one.
    ///
    /// # Errors
    /// When the disk refuses, or a batch cannot be unpacked.
    pub fn offset_of_max_timestamp(&mut self) -> Result<Option<TimestampOffset>, ReadError> {
        let mut latest: Option<(usize, TimestampOffset)> = None;
        for index in 0..self.segments.len() {
            let (place, segment) = self.segment(index);
            let largest = segment.largest(place)?;
            if largest.timestamp > latest.map_or(Timestamp::NONE, |(_, latest)| latest.timestamp) {
                latest = Some((index, largest));
            }
        }
        let Some((index, largest)) = latest else { return Ok(None) };
        let batch = self.in_segment(index, |place, segment| segment.find(place, largest.offset))?;
        let Some(batch) = batch else { return Ok(None) };
        let log_start = self.log_start;
        self.first_record(index, &batch, |found| found.timestamp >= largest.timestamp && found.offset >= log_start)
    }

    /// The first record of a batch that is wanted.
    fn first_record(
        &mut self,
        index: usize,
        batch: &FoundBatch,
        wanted: impl Fn(&TimestampOffset) -> bool,
    ) -> Result<Option<TimestampOffset>, ReadError> {
        if batch.header.attributes.timestamp_type() == TimestampType::LogAppendTime {
            // All its records have the batch's time, so nothing need be unpacked.
            let offset = batch.header.base_offset.max(self.log_start);
            let found = TimestampOffset { timestamp: batch.header.max_timestamp, offset };
            return Ok(wanted(&found).then_some(found));
        }
        self.in_segment(index, |place, segment| {
            let mut bytes = vec![0; batch.header.batch_bytes()];
            let read = segment.log(place).read_at(batch.position.into(), &mut bytes)?;
            first_in(&bytes[..read], wanted)
                .map_err(|error| WalkError::Batch { position: batch.position.into(), error })
        })
    }
}

/// So much of a batch is unpacked to find a record's time, piece by piece. No setting bounds it, for the batch may be older
/// than the setting; without a bound a small batch that unpacks to endless zeroes would hold its log for as long.
const UNPACKED_BYTES_MAX: u64 = 2 << 30;

fn first_in(bytes: &[u8], wanted: impl Fn(&TimestampOffset) -> bool) -> Result<Option<TimestampOffset>, BatchError> {
    let view = BatchView::parse(bytes)?;
    let wanted = |offset, timestamp| wanted(&TimestampOffset { timestamp, offset });
    let found = view.find_record(&mut Decompressor::new(), i32::MAX, UNPACKED_BYTES_MAX, wanted)?;
    Ok(found.map(|(offset, timestamp)| TimestampOffset { timestamp, offset }))
}

impl<F: Files> Log<F> {
    /// The epoch that wrote a record, which ListOffsets tells beside its offset.
    pub fn epoch_of(&self, offset: Offset) -> Option<ottla_vocabulary::LeaderEpoch> {
        self.epochs.epoch_of(offset)
    }
}
