//! One segment of a log: a file of batches and its two indexes.
//!
//! A segment knows its base offset and size; all else is found out when it is needed and can be forgotten again
//! ([`Segment::rest`]), so that what nobody uses costs some hundred bytes and no descriptor. Each call that needs the
//! disk is given the [`Place`] that the segment lies in. Which segment an offset is in, and when one is rolled or removed,
//! is the log's matter.

use std::io::IoSlice;
use std::path::{Path, PathBuf};

use ottla_vocabulary::{Offset, Timestamp};

use crate::files::{FileError, FileFault, Files, LogFile};
use crate::layout::{LOG, OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX, segment_path};
use crate::offset_index::{OffsetIndex, OffsetPosition};
use crate::settings::LogSettings;
use crate::time_index::{TimeIndex, TimestampOffset};
use crate::transaction_index::{self, AbortedTransaction};
use crate::walk::{FoundBatch, LOOKUP_BYTES, SCAN_BYTES, Walk, WalkError};

/// Where a partition's files are.
#[derive(Debug)]
pub(crate) struct Place<'p, F> {
    pub(crate) files: &'p F,
    pub(crate) folder: &'p Path,
    pub(crate) index_interval_bytes: u32,
}

impl<F> Clone for Place<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Place<'_, F> {}

/// One segment.
#[derive(Debug)]
pub(crate) struct Segment<F: Files> {
    base: Offset,
    size: u32,
    /// When it was created, or last written before it was opened.
    touched: Timestamp,
    /// The greatest timestamp of its first batch; what `segment.ms` counts from. `None`: not looked up.
    first_timestamp: Option<Timestamp>,
    /// Its greatest timestamp and that batch's last offset. `None`: not looked up.
    largest: Option<TimestampOffset>,
    log: Option<F::File>,
    indexes: Option<Box<Indexes<F::File>>>,
    /// Whether it was used since [`Segment::rest`].
    used: bool,
    /// Whether its indexes were found to be wrong and made again: once is enough, what is wrong then are the batches.
    was_rebuilt: bool,
    /// Whether making its indexes again failed half way, so that they lack entries.
    is_half_indexed: bool,
    /// Whether a write was cut off again that the disk may still have: after a loss of power it can be back.
    has_unsynced_cut: bool,
}

/// The indexes of a segment, when they are needed.
#[derive(Debug)]
struct Indexes<L> {
    offset: OffsetIndex,
    offset_file: L,
    offset_file_exists: bool,
    time: TimeIndex,
    time_file: L,
    time_file_exists: bool,
    has_torn_entry: bool,
    /// Bytes since the last batch that has an entry.
    bytes_since_entry: u32,
}

/// What the indexes need to know of an appended batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchFacts {
    pub(crate) bytes: u32,
    pub(crate) last_offset: Offset,
    pub(crate) max_timestamp: Timestamp,
}

impl<F: Files> Segment<F> {
    /// Creates an empty segment on disk. Its index files come with their first entries.
    pub(crate) fn create(place: Place<'_, F>, base: Offset, now: Timestamp) -> Result<Segment<F>, FileError> {
        let log = place.files.create(&segment_path(place.folder, base, LOG))?;
        // Of a segment of that name that was removed just now, by a truncation, nothing may be left.
        for suffix in [OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX] {
            place.files.remove(&segment_path(place.folder, base, suffix))?;
        }
        let mut segment = Segment::found(base, 0, now);
        segment.log = Some(log);
        Ok(segment)
    }

    /// A segment that is on disk.
    pub(crate) fn found(base: Offset, size: u32, touched: Timestamp) -> Segment<F> {
        let (first_timestamp, largest, log, indexes) = (None, None, None, None);
        Segment {
            base,
            size,
            touched,
            first_timestamp,
            largest,
            log,
            indexes,
            used: true,
            was_rebuilt: false,
            is_half_indexed: false,
            has_unsynced_cut: false,
        }
    }

    pub(crate) fn base(&self) -> Offset {
        self.base
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// The file of batches.
    pub(crate) fn log(&mut self, place: Place<'_, F>) -> F::File {
        self.used = true;
        self.log.get_or_insert_with(|| place.files.file(&segment_path(place.folder, self.base, LOG))).clone()
    }

    /// Takes batches in at the end. When the disk refuses, the file is cut back to what it was; when that fails too, the
    /// error is [`AppendFault::Torn`] and nothing may be written to this segment again.
    pub(crate) fn append(
        &mut self,
        place: Place<'_, F>,
        slices: &[IoSlice<'_>],
        batches: &[BatchFacts],
    ) -> Result<(), AppendFault> {
        // What could fail of the indexes comes first: once the batches are written they are in the log.
        self.load_indexes(place)?;
        self.largest(place)?;
        self.make_index_room(place)?;
        let size = self.size;
        let log = self.log(place);
        if let Err(error) = log.write_at(size.into(), slices) {
            if error.fault == FileFault::Descriptors {
                return Err(AppendFault::Refused(error)); // it could not be opened, so there is nothing to cut off
            }
            return Err(match log.truncate(size.into()) {
                Ok(()) => {
                    self.has_unsynced_cut = true;
                    AppendFault::Refused(error)
                }
                Err(_) => AppendFault::Torn(error),
            });
        }
        for batch in batches {
            self.note(batch, place.index_interval_bytes);
        }
        Ok(())
    }

    /// Whether `bytes` more, up to this offset and timestamp, belong into another segment.
    pub(crate) fn must_roll(
        &mut self,
        place: Place<'_, F>,
        batch: &BatchFacts,
        settings: &LogSettings,
        now: Timestamp,
    ) -> Result<bool, FileError> {
        if batch.last_offset.0 - self.base.0 > i64::from(i32::MAX) {
            return Ok(true);
        }
        if self.size == 0 {
            return Ok(false); // one batch fits any segment, however small the settings were made
        }
        let waited = match self.first_timestamp(place)? {
            first if first > Timestamp::NONE => batch.max_timestamp.0.saturating_sub(first.0),
            _ => now.0.saturating_sub(self.touched.0),
        };
        let too_large = u64::from(self.size) + u64::from(batch.bytes) > u64::from(settings.segment_bytes);
        let too_old = waited > settings.segment_ms.saturating_sub(settings.segment_jitter_ms);
        let indexes = self.load_indexes(place)?;
        let full = indexes.offset.is_full(settings.index_bytes_max) || indexes.time.is_full(settings.index_bytes_max);
        Ok(too_large || too_old || full)
    }

    /// The first batch that has this or a later offset.
    pub(crate) fn find(&mut self, place: Place<'_, F>, offset: Offset) -> Result<Option<FoundBatch>, WalkError> {
        let entry = self.indexed(place, |indexes| indexes.offset.at_or_before(offset, &indexes.offset_file));
        match self.find_from(place, entry, offset) {
            // The disk returned another index than was written: bits rot. The batches themselves are what counts.
            Err(WalkError::Batch { .. } | WalkError::Misdirected { .. }) if entry.is_some() && !self.was_rebuilt => {
                self.was_rebuilt = self.rebuild_indexes(place).is_ok();
                let entry = self.indexed(place, |indexes| indexes.offset.at_or_before(offset, &indexes.offset_file));
                self.find_from(place, entry, offset)
            }
            found => found,
        }
    }

    /// What an index says. Where one must be made again and the disk takes no writes, reads go on without: from the
    /// segment's beginning.
    fn indexed(
        &mut self,
        place: Place<'_, F>,
        look: impl FnOnce(&mut Indexes<F::File>) -> Result<Option<OffsetPosition>, FileError>,
    ) -> Option<OffsetPosition> {
        self.load_indexes(place).and_then(look).unwrap_or_default()
    }

    /// The batch that begins at this place; `None` at the end.
    pub(crate) fn batch_at(&mut self, place: Place<'_, F>, position: u32) -> Result<Option<FoundBatch>, WalkError> {
        Walk::new(self.log(place), position.into(), self.size.into(), LOOKUP_BYTES).next()
    }

    fn find_from(
        &mut self,
        place: Place<'_, F>,
        entry: Option<OffsetPosition>,
        offset: Offset,
    ) -> Result<Option<FoundBatch>, WalkError> {
        let (from, end) = (entry.map_or(0, |entry| entry.position), self.size);
        let log = self.log(place);
        let mut walk = Walk::new(log, from.into(), end.into(), LOOKUP_BYTES);
        let mut is_first = true;
        while let Some(batch) = walk.next()? {
            if is_first && entry.is_some_and(|entry| entry.offset != batch.header.last_offset()) {
                return Err(WalkError::Misdirected { position: from });
            }
            is_first = false;
            if batch.header.last_offset() >= offset {
                return Ok(Some(batch));
            }
        }
        if entry.is_some() && is_first { Err(WalkError::Misdirected { position: from }) } else { Ok(None) }
    }

    /// The greatest end of a batch that is not above `limit`, looking from the batch that begins at `from`, whose end is
    /// not above it either.
    pub(crate) fn boundary(&mut self, place: Place<'_, F>, from: u32, limit: u32) -> Result<u32, WalkError> {
        if limit >= self.size {
            return Ok(self.size);
        }
        let entry = self.indexed(place, |indexes| indexes.offset.at_or_before_position(limit, &indexes.offset_file));
        let start = entry.map_or(from, |entry| entry.position.max(from));
        let size = self.size;
        let log = self.log(place);
        let mut walk = Walk::new(log, start.into(), size.into(), LOOKUP_BYTES);
        let mut end = start;
        while let Some(batch) = walk.next()? {
            if batch.end() > u64::from(limit) {
                break;
            }
            end = batch.end() as u32;
        }
        Ok(end)
    }

    /// The batches from a place on, for someone who looks at many.
    pub(crate) fn walk(&mut self, place: Place<'_, F>, from: u32) -> Walk<F::File> {
        Walk::new(self.log(place), from.into(), self.size.into(), SCAN_BYTES)
    }

    /// The offset after the last batch.
    pub(crate) fn next_offset(&mut self, place: Place<'_, F>) -> Result<Offset, WalkError> {
        let indexes = self.load_indexes(place)?;
        let last = indexes.offset.last(&indexes.offset_file)?;
        let from = last.map_or(0, |entry| entry.position);
        let mut next = self.base;
        let mut walk = self.walk(place, from);
        while let Some(batch) = walk.next()? {
            next = batch.header.next_offset();
        }
        Ok(next)
    }

    /// The greatest timestamp of its first batch; `NONE` of an empty segment.
    pub(crate) fn first_timestamp(&mut self, place: Place<'_, F>) -> Result<Timestamp, FileError> {
        if let Some(first) = self.first_timestamp {
            return Ok(first);
        }
        let batch = self.walk(place, 0).next_sound()?;
        let first = batch.map_or(Timestamp::NONE, |batch| batch.header.max_timestamp);
        self.first_timestamp = Some(first);
        Ok(first)
    }

    /// Its greatest timestamp with the last offset of the first batch that has it; `NONE` without one.
    pub(crate) fn largest(&mut self, place: Place<'_, F>) -> Result<TimestampOffset, FileError> {
        if let Some(largest) = self.largest {
            return Ok(largest);
        }
        let none = TimestampOffset { timestamp: Timestamp::NONE, offset: self.base };
        // A segment that was closed cleanly has it as the last entry; of any other the indexes were made again.
        let indexed = self.load_indexes(place)?.time.last();
        Ok(*self.largest.get_or_insert(indexed.unwrap_or(none)))
    }

    /// The same when the last entry of the time index may be followed by batches with a greater timestamp.
    fn largest_by_walking(&mut self, place: Place<'_, F>) -> Result<TimestampOffset, FileError> {
        let none = TimestampOffset { timestamp: Timestamp::NONE, offset: self.base };
        let indexes = self.load_indexes(place)?;
        let mut largest = indexes.time.last().unwrap_or(none);
        let from = indexes.offset.at_or_before(largest.offset, &indexes.offset_file)?;
        let mut walk = self.walk(place, from.map_or(0, |entry| entry.position));
        while let Some(batch) = walk.next_sound()? {
            if batch.header.max_timestamp > largest.timestamp {
                let offset = batch.header.last_offset();
                largest = TimestampOffset { timestamp: batch.header.max_timestamp, offset };
            }
        }
        Ok(largest)
    }

    /// As old as its latest record; as its file when no record has a time.
    pub(crate) fn latest_time(&mut self, place: Place<'_, F>) -> Result<Timestamp, FileError> {
        let largest = self.largest(place)?.timestamp;
        Ok(if largest > Timestamp::NONE { largest } else { self.touched })
    }

    /// A place from which on all batches with this or a later timestamp are found.
    pub(crate) fn position_for_time(&mut self, place: Place<'_, F>, timestamp: Timestamp) -> u32 {
        let base = self.base;
        let entry = self.indexed(place, |indexes| {
            let before = indexes.time.before(timestamp, &indexes.time_file)?.map_or(base, |entry| entry.offset);
            indexes.offset.at_or_before(before, &indexes.offset_file)
        });
        entry.map_or(0, |entry| entry.position)
    }

    /// Makes the indexes again from the batches, which are taken as they are.
    pub(crate) fn rebuild_indexes(&mut self, place: Place<'_, F>) -> Result<(), FileError> {
        let size = self.size;
        let rebuilt = self.try_rebuild_indexes(place, size);
        // Whatever became of the indexes, the batches are there: what is appended comes after them.
        self.size = size;
        self.is_half_indexed = rebuilt.is_err();
        if self.is_half_indexed {
            (self.indexes, self.largest, self.first_timestamp) = (None, None, None);
        }
        rebuilt
    }

    fn try_rebuild_indexes(&mut self, place: Place<'_, F>, size: u32) -> Result<(), FileError> {
        let mut walk = self.walk(place, 0);
        self.begin_rebuild(place)?;
        while let Some(batch) = walk.next_sound()? {
            self.note_found(place, &batch)?;
        }
        self.size = size; // what is no batch at its end stays unreachable: no index and no walk leads there
        self.finish_indexes(place)?;
        // The log may have promised already that this segment need not be looked at after a loss of power.
        let indexes = self.load_indexes(place)?;
        indexes.offset_file.sync()?;
        indexes.time_file.sync()
    }

    /// Empties the indexes; every batch from the first on is then given to [`Segment::note_found`].
    pub(crate) fn begin_rebuild(&mut self, place: Place<'_, F>) -> Result<(), FileError> {
        let mut indexes = self.open_indexes(place)?;
        indexes.offset = OffsetIndex::of_length(self.base, 0);
        indexes.time = TimeIndex::of_length(self.base, 0, &indexes.time_file)?;
        if indexes.offset_file_exists {
            indexes.offset_file.truncate(0)?;
        }
        if indexes.time_file_exists {
            indexes.time_file.truncate(0)?;
        }
        self.indexes = Some(indexes);
        self.first_timestamp = None;
        self.largest = Some(TimestampOffset { timestamp: Timestamp::NONE, offset: self.base });
        self.size = 0;
        Ok(())
    }

    /// Takes in a batch that is in the file already, at the end of those taken in before.
    pub(crate) fn note_found(&mut self, place: Place<'_, F>, batch: &FoundBatch) -> Result<(), FileError> {
        debug_assert_eq!(batch.position, self.size, "batches are taken in one after the other");
        self.make_index_room(place)?;
        let facts = BatchFacts {
            bytes: batch.header.batch_bytes() as u32,
            last_offset: batch.header.last_offset(),
            max_timestamp: batch.header.max_timestamp,
        };
        self.note(&facts, place.index_interval_bytes);
        Ok(())
    }

    /// Cuts the file off at a place between two batches; the batch there begins with this offset.
    pub(crate) fn cut(
        &mut self,
        place: Place<'_, F>,
        position: u32,
        offset: Offset,
        now: Timestamp,
    ) -> Result<(), FileError> {
        self.load_indexes(place)?;
        self.cut_log(place, position)?;
        self.size = position;
        if position == 0 {
            self.first_timestamp = None;
            self.touched = now;
        }
        let transactions = segment_path(place.folder, self.base, TRANSACTION_INDEX);
        let indexes = self.load_indexes(place)?;
        indexes.offset.truncate_to(offset, &indexes.offset_file)?;
        indexes.time.truncate_to(offset, &indexes.time_file)?;
        // Counted anew from the batch with the last entry, the next entry may come late: that only lengthens a walk.
        indexes.bytes_since_entry = 0;
        if place.files.facts(&transactions)?.is_some() {
            transaction_index::truncate_to(&place.files.file(&transactions), offset)?;
        }
        self.largest = Some(self.largest_by_walking(place)?);
        Ok(())
    }

    /// Cuts the file of batches off, for good: when the recovery point lies at this very place, nobody would look at what
    /// came back behind it after a loss of power.
    pub(crate) fn cut_log(&mut self, place: Place<'_, F>, position: u32) -> Result<(), FileError> {
        let log = self.log(place);
        log.truncate(position.into())?;
        log.sync()
    }

    /// Stores that a transaction was aborted by a marker in this segment.
    pub(crate) fn note_aborted(&self, place: Place<'_, F>, aborted: &AbortedTransaction) -> Result<(), FileError> {
        let path = segment_path(place.folder, self.base, TRANSACTION_INDEX);
        let (file, length) = match place.files.facts(&path)? {
            Some(facts) => (place.files.file(&path), facts.length),
            None => (place.files.create(&path)?, 0),
        };
        transaction_index::append(&file, length, aborted)
    }

    /// Writes out the indexes as Kafka expects them of a segment that is not written any more: there, trimmed, and with
    /// the greatest timestamp as the last entry.
    pub(crate) fn finish_indexes(&mut self, place: Place<'_, F>) -> Result<(), FileError> {
        let largest = self.largest(place)?;
        self.make_index_room(place)?;
        let indexes = self.load_indexes(place)?;
        indexes.time.push(largest);
        self.write_indexes(place)
    }

    /// Supposes that the process before cut something off the file and did not sync that.
    pub(crate) fn suppose_unsynced_cut(&mut self) {
        self.has_unsynced_cut = true;
    }

    /// Makes sure that what was cut off the file does not come back: to be called before nobody looks at its end any more.
    pub(crate) fn sync_cut(&mut self, place: Place<'_, F>) -> Result<(), FileError> {
        if self.has_unsynced_cut {
            self.log(place).sync()?;
            self.has_unsynced_cut = false;
        }
        Ok(())
    }

    /// The files of its indexes, opened to be synced. Those that are not there need not be.
    pub(crate) fn index_descriptors(
        &mut self,
        place: Place<'_, F>,
    ) -> Result<Vec<<F::File as LogFile>::Descriptor>, FileError> {
        let mut descriptors = Vec::new();
        for suffix in [OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX] {
            match place.files.file(&segment_path(place.folder, self.base, suffix)).descriptor() {
                Ok(descriptor) => descriptors.push(descriptor),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(descriptors)
    }

    fn write_indexes(&mut self, place: Place<'_, F>) -> Result<(), FileError> {
        let base = self.base;
        let indexes = self.load_indexes(place)?;
        if !indexes.offset_file_exists {
            indexes.offset_file = place.files.create(&segment_path(place.folder, base, OFFSET_INDEX))?;
            indexes.offset_file_exists = true;
        }
        if !indexes.time_file_exists {
            indexes.time_file = place.files.create(&segment_path(place.folder, base, TIME_INDEX))?;
            indexes.time_file_exists = true;
        }
        indexes.offset.write_out(&indexes.offset_file)?;
        indexes.time.write_out(&indexes.time_file)
    }

    /// Closes what was not used since the last call. Index entries that only memory has keep their place.
    pub(crate) fn rest(&mut self) {
        if self.used {
            self.used = false;
            return;
        }
        self.log = None;
        if self.indexes.as_ref().is_some_and(|indexes| !indexes.offset.has_waiting() && !indexes.time.has_waiting()) {
            self.indexes = None;
        }
    }

    /// Its files as they are named now, without a suffix for removal.
    pub(crate) fn paths(&self, folder: &Path) -> [PathBuf; 4] {
        [LOG, OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX].map(|suffix| segment_path(folder, self.base, suffix))
    }

    fn note(&mut self, batch: &BatchFacts, index_interval_bytes: u32) {
        if self.size == 0 {
            self.first_timestamp = Some(batch.max_timestamp);
        }
        let none = TimestampOffset { timestamp: Timestamp::NONE, offset: self.base };
        let largest = self.largest.get_or_insert(none);
        if batch.max_timestamp > largest.timestamp {
            *largest = TimestampOffset { timestamp: batch.max_timestamp, offset: batch.last_offset };
        }
        let largest = *largest;
        let position = self.size;
        let indexes = self.indexes.as_mut().expect("who takes in batches loads the indexes first");
        if indexes.bytes_since_entry > index_interval_bytes {
            indexes.offset.push(OffsetPosition { offset: batch.last_offset, position });
            indexes.time.push(largest);
            indexes.bytes_since_entry = 0;
        }
        indexes.bytes_since_entry = indexes.bytes_since_entry.saturating_add(batch.bytes);
        self.size += batch.bytes;
    }

    fn make_index_room(&mut self, place: Place<'_, F>) -> Result<(), FileError> {
        let indexes = self.load_indexes(place)?;
        if indexes.offset.is_crowded() || indexes.time.is_crowded() { self.write_indexes(place) } else { Ok(()) }
    }

    /// The indexes, which are made again when they are missing or their ends cannot be right.
    fn load_indexes(&mut self, place: Place<'_, F>) -> Result<&mut Indexes<F::File>, FileError> {
        self.used = true;
        if self.indexes.is_none() {
            let indexes = self.open_indexes(place)?;
            let is_sound = self.size == 0 || (!self.is_half_indexed && self.is_plausible(&indexes)?);
            self.indexes = Some(indexes);
            if !is_sound {
                self.rebuild_indexes(place)?;
            }
        }
        Ok(self.indexes.as_mut().expect("it was just put there"))
    }

    fn is_plausible(&self, indexes: &Indexes<F::File>) -> Result<bool, FileError> {
        if !indexes.offset_file_exists || !indexes.time_file_exists || indexes.has_torn_entry {
            return Ok(false);
        }
        let last = indexes.offset.last(&indexes.offset_file)?;
        let first_time = indexes.time.first(&indexes.time_file)?;
        // An index that Kafka had preallocated and did not trim ends with zeroes.
        let offsets_are = last.is_none_or(|last| last.offset > self.base && last.position < self.size);
        let times_are = first_time.is_none_or(|first| {
            indexes.time.last().is_some_and(|last| first.timestamp <= last.timestamp && first.offset <= last.offset)
        });
        Ok(offsets_are && times_are)
    }

    fn open_indexes(&self, place: Place<'_, F>) -> Result<Box<Indexes<F::File>>, FileError> {
        let offset_path = segment_path(place.folder, self.base, OFFSET_INDEX);
        let time_path = segment_path(place.folder, self.base, TIME_INDEX);
        let offset_facts = place.files.facts(&offset_path)?;
        let time_facts = place.files.facts(&time_path)?;
        let (offset_file, time_file) = (place.files.file(&offset_path), place.files.file(&time_path));
        let offset_length = offset_facts.map_or(0, |facts| facts.length);
        let time_length = time_facts.map_or(0, |facts| facts.length);
        Ok(Box::new(Indexes {
            offset: OffsetIndex::of_length(self.base, offset_length),
            offset_file,
            offset_file_exists: offset_facts.is_some(),
            time: TimeIndex::of_length(self.base, time_length, &time_file)?,
            time_file,
            time_file_exists: time_facts.is_some(),
            has_torn_entry: offset_length % 8 != 0 || time_length % 12 != 0,
            bytes_since_entry: 0,
        }))
    }
}

/// Why batches were not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AppendFault {
    /// The segment is as it was.
    #[error(transparent)]
    Refused(#[from] FileError),
    /// The file has bytes at its end that are no batch and could not be removed.
    #[error(transparent)]
    Torn(FileError),
}
