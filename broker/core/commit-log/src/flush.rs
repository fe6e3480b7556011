//! Flushing: making the log survive a loss of power up to some offset, which is then the recovery point.
//!
//! In three steps, so that nobody waits for a disk with the log's lock held: [`Log::begin_flush`] says what is to be
//! synced, [`FlushWork::run`] does it, [`Log::finish_flush`] hears how it went. A sync that failed fails the log for
//! good: what the kernel could not write it forgets, and the next sync would report a success that is none.

use std::path::PathBuf;

use ottla_vocabulary::{Now, Offset};

use crate::files::{Descriptor, FileError, Files, LogFile};
use crate::log::Log;

/// What is to be synced.
#[derive(Debug)]
pub struct FlushWork<F: Files> {
    files: F,
    descriptors: Vec<<F::File as LogFile>::Descriptor>,
    folders: Vec<PathBuf>,
    name_changes: u64,
    up_to: Offset,
    truncations: u64,
}

/// How a flush went.
#[derive(Debug)]
#[must_use = "the log must hear of it"]
pub struct FlushOutcome {
    result: Result<(), FileError>,
    name_changes: u64,
    up_to: Offset,
    truncations: u64,
}

impl<F: Files> FlushWork<F> {
    /// Up to which offset the log survives a loss of power after this.
    pub fn up_to(&self) -> Offset {
        self.up_to
    }

    /// Syncs; may take as long as a disk does.
    pub fn run(self) -> FlushOutcome {
        let result = self.sync();
        FlushOutcome { result, name_changes: self.name_changes, up_to: self.up_to, truncations: self.truncations }
    }

    fn sync(&self) -> Result<(), FileError> {
        for descriptor in &self.descriptors {
            descriptor.sync()?;
        }
        self.folders.iter().try_for_each(|folder| self.files.sync_folder(folder))
    }
}

impl<F: Files> Log<F> {
    /// What is to be synced so that the log up to its present end survives a loss of power; `None` when it does already.
    ///
    /// # Errors
    /// When the log has failed, or its files cannot be opened.
    pub fn begin_flush(&mut self) -> Result<Option<FlushWork<F>>, FileError> {
        let end = self.log_end;
        self.flush_work(end).map_err(|error| self.noted(error))
    }

    /// The same for all segments but the last: what is due when the log has rolled.
    ///
    /// # Errors
    /// As [`Log::begin_flush`].
    pub fn begin_flush_of_rolled(&mut self) -> Result<Option<FlushWork<F>>, FileError> {
        let base = self.active().1.base();
        self.flush_work(base).map_err(|error| self.noted(error))
    }

    /// Hears how a flush went.
    ///
    /// # Errors
    /// When it failed. From now on nothing is appended, unless something could not even be opened to be synced, which
    /// passes: the next flush has it all to do again.
    pub fn finish_flush(&mut self, outcome: FlushOutcome) -> Result<(), FileError> {
        outcome.result.map_err(|error| self.noted(error))?;
        if outcome.truncations != self.truncations {
            return Ok(()); // what was synced is in part not the log's any more; the next flush will say
        }
        // A file that was replaced since is another one.
        self.unsynced.retain(|(_, change)| outcome.name_changes < *change);
        self.is_parent_unsynced = false;
        if outcome.name_changes == self.name_changes {
            self.is_folder_unsynced = false;
        }
        self.recovery_point = self.recovery_point.max(outcome.up_to.min(self.log_end));
        self.trusted = self.trusted.max(self.recovery_point);
        Ok(())
    }

    /// Flushes all at once.
    ///
    /// # Errors
    /// When the disk refuses; when it was a sync, nothing is appended from now on.
    pub fn flush(&mut self) -> Result<(), FileError> {
        match self.begin_flush()? {
            Some(work) => self.finish_flush(work.run()),
            None => Ok(()),
        }
    }

    /// Leaves the log as Kafka and the next start expect it after a clean stop: all on disk, indexes written out and
    /// trimmed, the producers' state kept as of the end.
    ///
    /// # Errors
    /// When the log had failed or the disk refuses: then the stop is not a clean one.
    pub fn close(mut self, _now: Now) -> Result<Offset, FileError> {
        self.check_writable()?;
        let (place, active) = self.active();
        active.finish_indexes(place)?;
        active.sync_cut(place)?;
        if self.log_end > self.log_start || !self.snapshots.is_empty() {
            self.take_snapshot(self.log_end)?;
        }
        self.flush()?;
        let (place, active) = self.active();
        for descriptor in active.index_descriptors(place)? {
            descriptor.sync()?;
        }
        self.files.sync_folder(&self.folder)?;
        for doomed in std::mem::take(&mut self.doomed) {
            self.files.remove(&doomed.path)?;
        }
        Ok(self.log_end)
    }

    fn flush_work(&mut self, up_to: Offset) -> Result<Option<FlushWork<F>>, FileError> {
        self.check_writable()?;
        if self.are_epochs_unwritten {
            self.write_epochs()?;
        }
        if up_to <= self.recovery_point && self.unsynced.is_empty() && !self.is_folder_unsynced {
            return Ok(None);
        }
        let (log_end, is_folder_unsynced) = (self.log_end, self.is_folder_unsynced);
        let mut descriptors = Vec::new();
        for index in self.segment_of(self.recovery_point)..self.segments.len() {
            let is_last = index + 1 == self.segments.len();
            let (place, segment) = self.segment(index);
            // An empty segment counts when its file is new or was cut just now.
            if segment.base() >= up_to && !(is_last && up_to == log_end && is_folder_unsynced) {
                break;
            }
            descriptors.push(segment.log(place).descriptor()?);
        }
        for (path, _) in &self.unsynced {
            match self.files.file(path).descriptor() {
                Ok(descriptor) => descriptors.push(descriptor),
                Err(error) if error.is_not_found() => {} // it was removed since, or was not needed
                Err(error) => return Err(error),
            }
        }
        let mut folders = Vec::new();
        if self.is_folder_unsynced {
            folders.push(self.folder.clone());
        }
        if self.is_parent_unsynced {
            folders.extend(self.folder.parent().map(ToOwned::to_owned));
        }
        Ok(Some(FlushWork {
            files: self.files.clone(),
            descriptors,
            folders,
            name_changes: self.name_changes,
            up_to,
            truncations: self.truncations,
        }))
    }
}
