//! Truncating: a follower drops what its leader does not have, or all, to begin elsewhere.
//!
//! Later files go before earlier ones, so that a crash in between leaves a log that is whole up to some offset. The
//! recovery point falls with the end. A checkpoint on disk that still names the higher one would have the next start
//! believe what is written later without looking: so it must be lowered first
//! ([`crate::LogDirectory::lower_recovery_points`]), and a log that has not heard of it refuses.

use ottla_vocabulary::{Now, Offset};

use crate::files::{FileError, Files};
use crate::log::{Log, Reached};
use crate::producer_state::ProducerState;
use crate::recover;
use crate::segment::Segment;
use crate::walk::{FoundBatch, WalkError};

/// Why a log was not cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TruncateError {
    /// The recovery-point checkpoint must be lowered first; nothing was done.
    #[error("the recovery-point checkpoint trusts the log up to {trusted}, which is beyond {offset}")]
    Trusted {
        /// Where the log was to end.
        offset: Offset,
        /// What the checkpoint says.
        trusted: Offset,
    },
    /// The disk refused; the log has failed, and the next start finds out how far it goes.
    #[error(transparent)]
    Storage(#[from] FileError),
}

/// Where a log is cut.
struct Cut {
    /// The last segment that stays.
    segment: usize,
    /// The first batch that goes.
    batch: Option<FoundBatch>,
    /// The log's end.
    end: Offset,
}

impl<F: Files> Log<F> {
    /// Drops this and all later offsets; when a batch goes beyond it, that whole batch. Answers the log's end. Before the
    /// log's start, where nothing is left to keep, it is begun anew.
    ///
    /// # Errors
    /// When the recovery-point checkpoint was not lowered, or the disk refuses.
    pub fn truncate_to(&mut self, offset: Offset, now: Now) -> Result<Offset, TruncateError> {
        self.check_writable()?;
        if offset >= self.log_end {
            return Ok(self.log_end);
        }
        if offset < self.log_start {
            return self.truncate_fully_and_start_at(offset, now);
        }
        let cut = self.decide_cut(offset)?;
        self.check_trusted(cut.end)?;
        self.cut_at(&cut, now).inspect_err(|error| self.fail(error))?;
        Ok(self.log_end)
    }

    /// Drops everything; the log goes on at this offset. Answers it.
    ///
    /// # Errors
    /// As [`Log::truncate_to`].
    pub fn truncate_fully_and_start_at(&mut self, offset: Offset, now: Now) -> Result<Offset, TruncateError> {
        self.check_writable()?;
        self.check_trusted(offset)?;
        self.try_start_anew(offset, now).inspect_err(|error| self.fail(error))?;
        Ok(self.log_end)
    }

    /// Gives up the recovery point beyond the place at which the log would be cut for this offset, in preparation of
    /// that: the directory then writes its checkpoint and says so.
    ///
    /// # Errors
    /// When the disk refuses to tell where that is.
    pub fn lower_recovery_point(&mut self, offset: Offset) -> Result<(), FileError> {
        let end = if offset < self.log_start { offset } else { self.decide_cut(offset)?.end };
        self.recovery_point = self.recovery_point.min(end);
        self.truncations += 1; // a flush that is under way must not raise it again
        Ok(())
    }

    fn check_trusted(&self, end: Offset) -> Result<(), TruncateError> {
        let trusted = self.trusted;
        if end < trusted { Err(TruncateError::Trusted { offset: end, trusted }) } else { Ok(()) }
    }

    fn decide_cut(&mut self, offset: Offset) -> Result<Cut, FileError> {
        let index = self.segment_of(offset);
        let (place, segment) = self.segment(index);
        let batch = segment.find(place, offset).map_err(|error| match error {
            WalkError::File(error) => error,
            // What cannot be walked cannot be cut at a batch: it takes the walk of a recovery.
            WalkError::Batch { .. } | WalkError::Misdirected { .. } => recover::unreadable(place.folder, &error),
        })?;
        let end = batch.map_or(offset, |batch| offset.min(batch.header.base_offset)).max(self.log_start);
        Ok(Cut { segment: index, batch, end })
    }

    fn cut_at(&mut self, cut: &Cut, now: Now) -> Result<(), FileError> {
        self.drop_segments_after(cut.segment)?;
        let (place, segment) = self.segment(cut.segment);
        if let Some(batch) = cut.batch {
            segment.cut(place, batch.position, cut.end, now.wall)?;
        }
        self.log_end = cut.end;
        self.after_cut();
        self.forget_snapshots_after(cut.end)?;
        if self.epochs.truncate_from_end(cut.end) {
            self.write_epochs()?;
        }
        self.reload_producers(now)
    }

    pub(crate) fn try_start_anew(&mut self, offset: Offset, now: Now) -> Result<(), FileError> {
        self.drop_segments_after(0)?;
        for path in self.segments[0].paths(&self.folder) {
            self.files.remove(&path)?;
        }
        let segment = Segment::create(self.place(), offset, now.wall)?;
        self.segments[0] = segment;
        self.log_start = offset;
        self.log_end = offset;
        self.high_watermark = offset;
        self.after_cut();
        self.forget_snapshots_after(Offset::NONE)?;
        self.epochs.clear();
        self.write_epochs()?;
        self.producers = ProducerState::starting_at(offset);
        Ok(())
    }

    pub(crate) fn drop_segments_after(&mut self, keep: usize) -> Result<(), FileError> {
        if self.segments.len() <= keep + 1 {
            return Ok(()); // a sync of the folder would be all that is done, and every start asks this of every log
        }
        while self.segments.len() > keep + 1 {
            let last = self.segments.len() - 1;
            let [log, offset_index, time_index, transactions] = self.segments[last].paths(&self.folder);
            // The records first: what is left of the rest is worthless without them, and is removed on the next start.
            for path in [log, offset_index, time_index, transactions] {
                self.files.remove(&path)?;
            }
            self.segments.pop();
        }
        // A later segment must not come back after the one before it was cut and written again.
        self.files.sync_folder(&self.folder)?;
        Ok(())
    }

    fn after_cut(&mut self) {
        self.truncations += 1;
        self.reached = [Reached::NOWHERE; 4];
        self.high_watermark = self.high_watermark.min(self.log_end);
        self.recovery_point = self.recovery_point.min(self.log_end);
        self.note_folder_unsynced();
    }
}
