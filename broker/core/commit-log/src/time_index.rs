//! The time index of a segment (`.timeindex`): entries of 12 bytes, the greatest timestamp so far as big-endian 64 bits
//! and the last offset of the batch that carries it, relative to the segment's base, as 32.
//!
//! An entry promises that no batch up to its offset has a later timestamp, so entries rise in both.

use ottla_vocabulary::{Offset, Timestamp};

use crate::entry_file::EntryFile;
use crate::files::{FileError, LogFile};

const ENTRY_BYTES: usize = 12;

/// A timestamp and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    /// The timestamp.
    pub timestamp: Timestamp,
    /// In the index the last offset of the batch that carries it; in an answer the offset of the record itself.
    pub offset: Offset,
}

/// The time index of one segment, without its file: each call that needs the file is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeIndex {
    base: Offset,
    entries: EntryFile<ENTRY_BYTES>,
    /// Spares reading the file at each append.
    last: Option<TimestampOffset>,
}

impl TimeIndex {
    /// The index of a segment with this base offset, whose file has this length.
    ///
    /// # Errors
    /// When the last entry cannot be read.
    pub fn of_length(base: Offset, length: u64, file: &impl LogFile) -> Result<TimeIndex, FileError> {
        let mut index = TimeIndex { base, entries: EntryFile::of_length(length), last: None };
        index.last = index.entries.last(file)?.map(|entry| index.parse(&entry));
        Ok(index)
    }

    /// How many entries there are.
    pub fn count(&self) -> u32 {
        self.entries.count()
    }

    /// Whether there are entries that only memory has.
    pub fn has_waiting(&self) -> bool {
        self.entries.has_waiting()
    }

    /// Whether only the entry is left that closing the segment needs.
    pub fn is_full(&self, bytes_max: u32) -> bool {
        self.count() + 1 >= bytes_max / ENTRY_BYTES as u32
    }

    /// Whether it is time to write out waiting entries.
    pub fn is_crowded(&self) -> bool {
        self.entries.is_crowded()
    }

    /// Adds an entry when it says more than the last one.
    pub fn push(&mut self, entry: TimestampOffset) {
        let says_more = match self.last {
            None => entry.timestamp > Timestamp::NONE,
            Some(last) => entry.timestamp > last.timestamp && entry.offset >= last.offset,
        };
        if !says_more {
            return;
        }
        let relative = entry.offset.0 - self.base.0;
        debug_assert!((0..=i64::from(i32::MAX)).contains(&relative), "{relative} does not fit the index");
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..8].copy_from_slice(&entry.timestamp.0.to_be_bytes());
        bytes[8..].copy_from_slice(&(relative as u32).to_be_bytes());
        self.entries.push(bytes);
        self.last = Some(entry);
    }

    /// Writes waiting entries to the file.
    ///
    /// # Errors
    /// When the disk refuses; they wait on.
    pub fn write_out(&mut self, file: &impl LogFile) -> Result<(), FileError> {
        self.entries.write_out(file)
    }

    /// The last entry.
    pub fn last(&self) -> Option<TimestampOffset> {
        self.last
    }

    /// The first entry.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn first(&self, file: &impl LogFile) -> Result<Option<TimestampOffset>, FileError> {
        if self.count() == 0 {
            return Ok(None);
        }
        Ok(Some(self.parse(&self.entries.get(0, file)?)))
    }

    /// The last entry below this timestamp: what is sought lies after its batch.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn before(&self, timestamp: Timestamp, file: &impl LogFile) -> Result<Option<TimestampOffset>, FileError> {
        let above = self.entries.partition_point(file, |entry| self.parse(entry).timestamp < timestamp)?;
        above.checked_sub(1).map(|place| Ok(self.parse(&self.entries.get(place, file)?))).transpose()
    }

    /// Removes the entries of this and later offsets.
    ///
    /// # Errors
    /// When the disk refuses; the entries count as removed all the same.
    pub fn truncate_to(&mut self, offset: Offset, file: &impl LogFile) -> Result<(), FileError> {
        let keep = self.entries.partition_point(file, |entry| self.parse(entry).offset < offset)?;
        let last = keep.checked_sub(1).map(|place| Ok(self.parse(&self.entries.get(place, file)?))).transpose()?;
        self.last = last;
        self.entries.truncate(keep, file)
    }

    fn parse(&self, bytes: &[u8; ENTRY_BYTES]) -> TimestampOffset {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *bytes;
        let relative = u32::from_be_bytes([i, j, k, l]);
        TimestampOffset {
            timestamp: Timestamp(i64::from_be_bytes([a, b, c, d, e, f, g, h])),
            offset: Offset(self.base.0.saturating_add(i64::from(relative))),
        }
    }
}
