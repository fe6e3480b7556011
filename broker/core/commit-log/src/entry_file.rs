//! A file of entries of one size, of which the last few wait in memory: what the offset index and the time index share.
//!
//! Kafka maps its indexes into memory, ten mebibytes ahead. We keep neither a map nor a preallocated file, so that an
//! idle partition costs no memory and a thousand new ones no disk: new entries gather here and are written in
//! groups, at the latest when the segment is closed; searching reads the file. An index is never needed to
//! survive a crash, since recovery makes it again from the records.

use std::io::IoSlice;

use crate::files::{FileError, LogFile};

/// Entries that wait in memory: at an index interval of 4 KiB one write of the index for each 512 KiB of records.
const WAITING_MAX: usize = 128;

/// While more entries than this are left, searching reads one entry at a time; then the rest at once.
const SEARCH_AT_ONCE: u32 = 256;

/// A growing list of entries of `SIZE` bytes, on disk up to some entry and in memory from there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EntryFile<const SIZE: usize> {
    on_disk: u32,
    waiting: Vec<[u8; SIZE]>,
}

impl<const SIZE: usize> EntryFile<SIZE> {
    /// A file of this length; a torn entry at its end is not one.
    pub(crate) fn of_length(length: u64) -> EntryFile<SIZE> {
        EntryFile { on_disk: u32::try_from(length / SIZE as u64).unwrap_or(u32::MAX), waiting: Vec::new() }
    }

    /// How many entries there are.
    pub(crate) fn count(&self) -> u32 {
        self.on_disk + self.waiting.len() as u32
    }

    /// Whether there are entries that only memory has.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether it is time to write out waiting entries. Adding one never fails: who adds sees to it before.
    pub(crate) fn is_crowded(&self) -> bool {
        self.waiting.len() >= WAITING_MAX
    }

    /// Adds an entry in memory.
    pub(crate) fn push(&mut self, entry: [u8; SIZE]) {
        self.waiting.push(entry);
    }

    /// Writes all waiting entries. When that fails they wait on, and the next try writes them at the same place.
    pub(crate) fn write_out(&mut self, file: &impl LogFile) -> Result<(), FileError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes = self.waiting.as_flattened();
        file.write_at(u64::from(self.on_disk) * SIZE as u64, &[IoSlice::new(bytes)])?;
        self.on_disk = self.count();
        self.waiting = Vec::new(); // frees the memory: most segments are never written again
        Ok(())
    }

    /// Forgets the entries from this one on.
    pub(crate) fn truncate(&mut self, count: u32, file: &impl LogFile) -> Result<(), FileError> {
        if count >= self.on_disk {
            self.waiting.truncate((count - self.on_disk) as usize);
            return Ok(());
        }
        // Forgotten first: when the disk refuses, the file is longer than what counts, and is overwritten from there.
        self.on_disk = count;
        self.waiting = Vec::new();
        file.truncate(u64::from(count) * SIZE as u64)
    }

    /// The entry at a place below [`EntryFile::count`].
    pub(crate) fn get(&self, place: u32, file: &impl LogFile) -> Result<[u8; SIZE], FileError> {
        if place >= self.on_disk {
            return Ok(self.waiting[(place - self.on_disk) as usize]);
        }
        let mut entry = [0; SIZE];
        // A file shorter than it was reads as zeroes: an entry that points to the segment's start, from where all is found.
        file.read_at(u64::from(place) * SIZE as u64, &mut entry)?;
        Ok(entry)
    }

    /// The last entry.
    pub(crate) fn last(&self, file: &impl LogFile) -> Result<Option<[u8; SIZE]>, FileError> {
        self.count().checked_sub(1).map(|place| self.get(place, file)).transpose()
    }

    /// How many of the first entries satisfy a predicate that holds for a beginning of them and for none after it.
    pub(crate) fn partition_point(
        &self,
        file: &impl LogFile,
        holds: impl Fn(&[u8; SIZE]) -> bool,
    ) -> Result<u32, FileError> {
        if let Some(first_waiting) = self.waiting.first()
            && holds(first_waiting)
        {
            return Ok(self.on_disk + self.waiting.partition_point(holds) as u32);
        }
        let (mut low, mut high) = (0, self.on_disk);
        while high - low > SEARCH_AT_ONCE {
            let middle = low + (high - low) / 2;
            if holds(&self.get(middle, file)?) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if low == high {
            return Ok(low);
        }
        let mut bytes = vec![0; (high - low) as usize * SIZE];
        file.read_at(u64::from(low) * SIZE as u64, &mut bytes)?;
        let (entries, _) = bytes.as_chunks::<SIZE>();
        Ok(low + entries.partition_point(holds) as u32)
    }
}
