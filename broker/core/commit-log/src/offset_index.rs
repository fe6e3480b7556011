//! The offset index of a segment (`.index`): entries of 8 bytes, a batch's last offset relative to the segment's base
//! and the batch's place in the file, both as big-endian 32 bits.
//!
//! Given appended batches by the segment, it answers from which place on an offset is to be looked for. Which batch
//! gets an entry is the segment's choice.

use ottla_vocabulary::Offset;

use crate::entry_file::EntryFile;
use crate::files::{FileError, LogFile};

const ENTRY_BYTES: usize = 8;

/// An offset and the place of the batch that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetPosition {
    /// The last offset of the batch.
    pub offset: Offset,
    /// Where the batch begins in the segment's file.
    pub position: u32,
}

/// The offset index of one segment, without its file: each call that needs the file is given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetIndex {
    base: Offset,
    entries: EntryFile<ENTRY_BYTES>,
}

impl OffsetIndex {
    /// The index of a segment with this base offset, whose file has this length.
    pub fn of_length(base: Offset, length: u64) -> OffsetIndex {
        OffsetIndex { base, entries: EntryFile::of_length(length) }
    }

    /// How many entries there are.
    pub fn count(&self) -> u32 {
        self.entries.count()
    }

    /// Whether there are entries that only memory has.
    pub fn has_waiting(&self) -> bool {
        self.entries.has_waiting()
    }

    /// Whether one more entry would exceed the bound on the file.
    pub fn is_full(&self, bytes_max: u32) -> bool {
        self.count() >= bytes_max / ENTRY_BYTES as u32
    }

    /// Whether it is time to write out waiting entries.
    pub fn is_crowded(&self) -> bool {
        self.entries.is_crowded()
    }

    /// Adds an entry; its offset is within 2³¹ of the base, which the segment asserts before it takes the batch.
    pub fn push(&mut self, entry: OffsetPosition) {
        let relative = entry.offset.0 - self.base.0;
        debug_assert!((0..=i64::from(i32::MAX)).contains(&relative), "{relative} does not fit the index");
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..4].copy_from_slice(&(relative as u32).to_be_bytes());
        bytes[4..].copy_from_slice(&entry.position.to_be_bytes());
        self.entries.push(bytes);
    }

    /// Writes waiting entries to the file.
    ///
    /// # Errors
    /// When the disk refuses; they wait on.
    pub fn write_out(&mut self, file: &impl LogFile) -> Result<(), FileError> {
        self.entries.write_out(file)
    }

    /// The entry with the greatest offset that is not above this one.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn at_or_before(&self, offset: Offset, file: &impl LogFile) -> Result<Option<OffsetPosition>, FileError> {
        let above = self.entries.partition_point(file, |entry| self.parse(entry).offset <= offset)?;
        self.get_before(above, file)
    }

    /// The entry with the greatest place that is not above this one: a boundary between batches.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn at_or_before_position(
        &self,
        position: u32,
        file: &impl LogFile,
    ) -> Result<Option<OffsetPosition>, FileError> {
        let above = self.entries.partition_point(file, |entry| self.parse(entry).position <= position)?;
        self.get_before(above, file)
    }

    /// The last entry.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn last(&self, file: &impl LogFile) -> Result<Option<OffsetPosition>, FileError> {
        Ok(self.entries.last(file)?.map(|entry| self.parse(&entry)))
    }

    /// Removes the entries of this and later offsets.
    ///
    /// # Errors
    /// When the disk refuses; the entries count as removed all the same.
    pub fn truncate_to(&mut self, offset: Offset, file: &impl LogFile) -> Result<(), FileError> {
        let keep = self.entries.partition_point(file, |entry| self.parse(entry).offset < offset)?;
        self.entries.truncate(keep, file)
    }

    fn get_before(&self, above: u32, file: &impl LogFile) -> Result<Option<OffsetPosition>, FileError> {
        above.checked_sub(1).map(|place| Ok(self.parse(&self.entries.get(place, file)?))).transpose()
    }

    fn parse(&self, bytes: &[u8; ENTRY_BYTES]) -> OffsetPosition {
        let [a, b, c, d, e, f, g, h] = *bytes;
        let relative = u32::from_be_bytes([a, b, c, d]);
        OffsetPosition {
            offset: Offset(self.base.0.saturating_add(i64::from(relative))),
            position: u32::from_be_bytes([e, f, g, h]),
        }
    }
}
