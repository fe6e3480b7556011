//! Rolling: closing the last segment and beginning another.
//!
//! When: [`crate::segment`] says by size, age, full index or an offset too far from the base. Here is what is done: the
//! indexes of the old segment are written out, the producers' state is kept as of the new segment's beginning, and the
//! new file is created. Nothing is synced; that is [`crate::flush`]'s work, which the caller begins when it hears that
//! the log rolled.

use std::io::IoSlice;

use ottla_vocabulary::{Now, Offset};

use crate::files::{Descriptor, FileError, Files, LogFile};
use crate::log::Log;
use crate::producer_snapshot;
use crate::segment::{BatchFacts, Segment};

impl<F: Files> Log<F> {
    /// Begins a new segment now, unless the last one is empty. Answers whether it did.
    ///
    /// # Errors
    /// When the disk refuses; the log is as it was.
    pub fn roll(&mut self, now: Now) -> Result<bool, FileError> {
        self.check_writable()?;
        if self.active().1.size() == 0 {
            return Ok(false);
        }
        let end = self.log_end;
        self.roll_at(end, now).map_err(|error| self.noted(error))?;
        Ok(true)
    }

    /// Begins a new segment when batches that begin at this offset ask for one: at the log's end, since recovery takes a
    /// gap between segments for a loss; only where the offsets leap by more than an index can say, after the leap.
    pub(crate) fn roll_before(&mut self, batch: &BatchFacts, base: Offset, now: Now) -> Result<bool, FileError> {
        let settings = self.settings.clone();
        let (place, active) = self.active();
        if !active.must_roll(place, batch, &settings, now.wall)? {
            return Ok(false);
        }
        let leaps = batch.last_offset.0 - self.log_end.0 > i64::from(i32::MAX);
        self.roll_at(if leaps { base } else { self.log_end }, now)?;
        Ok(true)
    }

    fn roll_at(&mut self, base: Offset, now: Now) -> Result<(), FileError> {
        let (place, active) = self.active();
        active.finish_indexes(place)?;
        if self.trusted < base {
            let last = self.segments.len() - 1;
            self.note_indexes_unsynced(last);
        } else {
            // All of the old segment is synced, so after a loss of power nobody would look into it and find its indexes
            // missing. This is a log that is synced with each append: three more syncs a segment are nothing to it.
            let (place, active) = self.active();
            active.sync_cut(place)?;
            for descriptor in active.index_descriptors(place)? {
                descriptor.sync()?;
            }
        }
        self.take_snapshot(base)?;
        let segment = Segment::create(self.place(), base, now.wall)?;
        self.segments.push(segment);
        self.note_folder_unsynced();
        Ok(())
    }

    /// Notes that a segment's indexes, which are believed when the recovery point lies beyond it, were written just now.
    pub(crate) fn note_indexes_unsynced(&mut self, index: usize) {
        let [_, offset_index, time_index, transactions] = self.segments[index].paths(&self.folder);
        for path in [offset_index, time_index, transactions] {
            self.note_unsynced(path);
        }
    }

    /// Keeps the producers' state as of an offset up to which the log goes, unless that is there already.
    pub(crate) fn take_snapshot(&mut self, offset: Offset) -> Result<(), FileError> {
        if self.snapshots.last().is_some_and(|last| *last >= offset) {
            return Ok(());
        }
        self.producers.skip_to(offset);
        let path = self.snapshot_path(offset);
        let file = self.files.create(&path)?;
        let bytes = producer_snapshot::render(&self.producers);
        file.write_at(0, &[IoSlice::new(&bytes)])?;
        self.snapshots.push(offset);
        self.note_unsynced(path);
        Ok(())
    }
}
