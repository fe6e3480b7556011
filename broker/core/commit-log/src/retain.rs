//! Retention: which segments have had their time, and removing them. DeleteRecords, which only moves the log's start.
//!
//! The choice ([`Log::decide_retention`]) is apart from the work ([`Log::retain`]). A removed segment's files first get the
//! suffix `.deleted`: who is about to send from one still can, and after `file.delete.delay.ms` [`Log::remove_doomed`]
//! removes them for good. Nothing at or above the high watermark ever goes.

use std::path::{Path, PathBuf};

use ottla_vocabulary::{Now, Offset, Timestamp};

use crate::files::{FileError, Files};
use crate::layout::DELETED;
use crate::log::{Doomed, Log};

/// What retention wants to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionChoice {
    /// How many of the oldest segments go.
    pub segments: usize,
    /// Why the last of them goes.
    pub reason: Option<RetentionReason>,
}

/// Why a segment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionReason {
    /// It lies before the log's start.
    Start,
    /// Its latest record is older than `retention.ms`.
    Time,
    /// The log without it has `retention.bytes` still.
    Size,
}

/// Why the log's start was not moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeleteRecordsError {
    /// OFFSET_OUT_OF_RANGE.
    #[error("offset {offset} is no offset, or beyond the high watermark {high_watermark}")]
    OutOfRange {
        /// What was asked for.
        offset: Offset,
        /// The last that may be asked for.
        high_watermark: Offset,
    },
    /// KAFKA_STORAGE_ERROR.
    #[error(transparent)]
    Storage(#[from] FileError),
}

impl<F: Files> Log<F> {
    /// Says which segments have had their time.
    ///
    /// # Errors
    /// When the disk does not tell a segment's latest timestamp.
    pub fn decide_retention(&mut self, wall: Timestamp) -> Result<RetentionChoice, FileError> {
        let mut choice = RetentionChoice::default();
        let settings = self.settings.clone();
        let mut left = self.bytes();
        for index in 0..self.segments.len() {
            let end = self.segments.get(index + 1).map_or(self.log_end, |next| next.base());
            let is_last = index + 1 == self.segments.len();
            let (place, segment) = self.segment(index);
            if is_last && segment.size() == 0 {
                break; // the log goes on in it
            }
            let latest = if settings.cleanup_deletes && settings.retention_ms >= 0 {
                Some(segment.latest_time(place)?)
            } else {
                None
            };
            let bytes = u64::from(segment.size());
            if end > self.high_watermark {
                break;
            }
            let reason = if end <= self.log_start && !is_last {
                RetentionReason::Start
            } else if latest.is_some_and(|latest| wall.0.saturating_sub(latest.0) > settings.retention_ms) {
                RetentionReason::Time
            } else if settings.cleanup_deletes && exceeds(left, bytes, settings.retention_bytes) {
                RetentionReason::Size
            } else {
                break;
            };
            left -= bytes;
            choice = RetentionChoice { segments: index + 1, reason: Some(reason) };
        }
        Ok(choice)
    }

    /// Removes the segments that have had their time, and tells how many. When that is all of them, the log first gets a
    /// new one to go on in.
    ///
    /// # Errors
    /// When the disk refuses; what was removed by then stays so.
    pub fn retain(&mut self, now: Now) -> Result<usize, FileError> {
        let choice = self.decide_retention(now.wall)?;
        if choice.segments == 0 {
            return Ok(0);
        }
        self.check_writable()?;
        if choice.segments == self.segments.len() {
            self.roll(now)?;
        }
        self.start_at(self.segments[choice.segments].base())?;
        for _ in 0..choice.segments {
            self.doom_first_segment(now).map_err(|error| self.noted(error))?;
        }
        Ok(choice.segments)
    }

    /// Removes for good what has waited long enough under its name for removal; answers whether something waits on.
    ///
    /// # Errors
    /// When the disk refuses; it is tried again next time.
    pub fn remove_doomed(&mut self, now: Now) -> Result<bool, FileError> {
        while let Some(doomed) = self.doomed.front() {
            if doomed.due > now.instant {
                return Ok(true);
            }
            self.files.remove(&doomed.path)?;
            self.doomed.pop_front();
        }
        Ok(false)
    }

    /// Lets the log begin at this offset: the records before it are not read any more, and their segments go with the
    /// next retention. Answers the log's start: where it begins later already, nothing is to be done.
    ///
    /// # Errors
    /// When the offset is beyond the high watermark, or the disk refuses.
    pub fn delete_records(&mut self, before: Offset) -> Result<Offset, DeleteRecordsError> {
        let high_watermark = self.high_watermark;
        if !(Offset::ZERO..=high_watermark).contains(&before) {
            return Err(DeleteRecordsError::OutOfRange { offset: before, high_watermark });
        }
        self.check_writable()?;
        self.start_at(before)?;
        Ok(self.log_start)
    }

    /// Follows a leader whose log begins at this offset. Beyond this log's end nothing is done: that takes
    /// [`Log::truncate_fully_and_start_at`].
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn advance_log_start(&mut self, offset: Offset) -> Result<(), FileError> {
        self.check_writable()?;
        self.start_at(offset.min(self.log_end))
    }

    fn start_at(&mut self, offset: Offset) -> Result<(), FileError> {
        if offset <= self.log_start {
            return Ok(());
        }
        self.log_start = offset;
        self.high_watermark = self.high_watermark.max(offset);
        self.producers.on_high_watermark(offset);
        self.producers.skip_to(offset);
        if self.epochs.truncate_from_start(offset) {
            self.write_epochs().map_err(|error| self.noted(error))
        } else {
            Ok(())
        }
    }

    fn doom_first_segment(&mut self, now: Now) -> Result<(), FileError> {
        let base = self.segments[0].base();
        // Its snapshot and those before it: no recovery begins there any more.
        let snapshots = self.snapshots.partition_point(|offset| *offset <= base);
        let snapshots: Vec<Offset> = self.snapshots.drain(..snapshots).collect();
        for offset in snapshots {
            let path = self.snapshot_path(offset);
            self.doom(&path, now)?;
        }
        // The records last: a log without its indexes is whole, and the other way round is not.
        let [log, offset_index, time_index, transactions] = self.segments[0].paths(&self.folder);
        for path in [offset_index, time_index, transactions, log] {
            self.doom(&path, now)?;
        }
        self.segments.remove(0);
        Ok(())
    }

    fn doom(&mut self, path: &Path, now: Now) -> Result<(), FileError> {
        let mut doomed = path.as_os_str().to_owned();
        doomed.push(DELETED);
        let doomed = PathBuf::from(doomed);
        match self.files.rename(path, &doomed) {
            Ok(()) => {
                self.note_folder_unsynced();
                self.doomed.push_back(Doomed { due: now.instant + self.settings.file_delete_delay, path: doomed });
                Ok(())
            }
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether a log of so many bytes has what is to be retained without this segment.
fn exceeds(left: u64, bytes: u64, retention_bytes: i64) -> bool {
    u64::try_from(retention_bytes).is_ok_and(|retained| left.saturating_sub(bytes) >= retained)
}
