//! Opening a log: after a clean stop what is on disk is believed; after any other, what lies beyond the recovery point
//! is checked batch by batch, the log ends before the first one that is not sound, and indexes, leader epochs and
//! producers are made to fit what is left.
//!
//! Of the segment in which the recovery point lies the headers are walked up to it and no sums are taken, and of earlier
//! segments nothing is read: the time is that of checking what was not flushed and of reading one segment at the most.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_records::BatchHeader;
use ottla_vocabulary::{LeaderEpoch, Now, Offset};

use crate::checkpoint::CheckpointError;
use crate::epoch_history::EpochHistory;
use crate::files::{Act, FileError, FileFault, Files, LogFile, read_whole};
use crate::layout::{LEADER_EPOCHS, LOG, PARTITION_METADATA, SYNC_FAILED, TRANSACTION_INDEX, segment_path};
use crate::leftovers::{self, Contents};
use crate::log::{Log, Reached};
use crate::producer_snapshot;
use crate::producer_state::ProducerState;
use crate::segment::Segment;
use crate::settings::LogSettings;
use crate::walk::WalkError;

/// What the checkpoints of a log directory say of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkpointed {
    /// Whether the last stop was a clean one: then all is on disk.
    pub clean_stop: bool,
    /// Up to where the log was synced.
    pub recovery_point: Offset,
    /// Where it began; the first segment may begin before.
    pub log_start: Offset,
    /// Up to where all in-sync replicas had it.
    pub high_watermark: Offset,
    /// Up to where compaction has been.
    pub cleaned: Offset,
}

/// What opening a log took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Segments that were looked through.
    pub segments_scanned: usize,
    /// Bytes of batches that were read and compared with their sums.
    pub bytes_checked: u64,
    /// Bytes that were no sound batch, or came after one that was not.
    pub bytes_cut: u64,
    /// Whether something was cut that had been synced: the disk lost what it had promised to keep.
    pub lost_synced: bool,
}

impl<F: Files> Log<F> {
    /// Opens the log in a folder that exists; an empty one gets its first segment.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(
        files: F,
        folder: PathBuf,
        settings: Arc<LogSettings>,
        checkpointed: Checkpointed,
        now: Now,
    ) -> Result<(Log<F>, Recovery), FileError> {
        let contents = leftovers::tidy(&files, &folder)?;
        let segments = find_segments(&files, &folder, &contents, now)?;
        let mut log = Log {
            files,
            folder,
            settings,
            segments,
            log_start: checkpointed.log_start.max(Offset::ZERO),
            log_end: Offset::ZERO,
            high_watermark: Offset::ZERO,
            recovery_point: checkpointed.recovery_point.max(Offset::ZERO),
            trusted: checkpointed.recovery_point.max(Offset::ZERO),
            epochs: EpochHistory::default(),
            are_epochs_unwritten: false,
            producers: ProducerState::default(),
            snapshots: contents.snapshots,
            unsynced: Vec::new(),
            name_changes: 0,
            is_folder_unsynced: false,
            is_parent_unsynced: false,
            doomed: VecDeque::new(),
            truncations: 0,
            reached: [Reached::NOWHERE; 4],
            failure: None,
        };
        if log.segments.is_empty() {
            let segment = Segment::create(log.place(), log.log_start, now.wall)?;
            log.segments.push(segment);
            log.note_folder_unsynced();
        }
        let sync_failed = log.folder.join(SYNC_FAILED);
        let had_failed = log.files.facts(&sync_failed)?.is_some();
        if had_failed {
            log.forget_cached(Offset::ZERO)?;
        } else if !checkpointed.clean_stop {
            // The process may have died before it could leave the mark of a sync that failed.
            log.forget_cached(checkpointed.recovery_point)?;
        }
        let recovery = log.load(checkpointed, now)?;
        if had_failed {
            log.files.remove(&sync_failed)?;
        }
        if !checkpointed.clean_stop {
            log.suppose_nothing_synced();
        }
        Ok((log, recovery))
    }

    fn load(&mut self, checkpointed: Checkpointed, now: Now) -> Result<Recovery, FileError> {
        let had_snapshots = !self.snapshots.is_empty();
        let epochs_are_lost = !self.read_epochs()?;
        let mut recovery = Recovery::default();
        let clean_end = if checkpointed.clean_stop { self.clean_end()? } else { None };
        match clean_end {
            Some(end) => {
                self.log_end = end;
                self.recovery_point = end;
            }
            None => recovery = self.recover(checkpointed, now)?,
        }
        if self.log_end < self.log_start {
            // The segments that the checkpoint speaks of are gone. What is left lies before the log's start.
            let start = self.log_start;
            self.try_start_anew(start, now)?;
        }
        self.log_start = self.log_start.max(self.segments[0].base());
        self.high_watermark = checkpointed.high_watermark.clamp(self.log_start, self.log_end);
        self.recovery_point = self.recovery_point.min(self.log_end);
        // A file that took its name and lost its content is empty.
        let epochs_are_lost = epochs_are_lost || (self.epochs.entries().is_empty() && self.log_end > self.log_start);
        if epochs_are_lost {
            self.find_epochs()?;
        }
        let (end, start) = (self.log_end, self.log_start);
        let epochs_changed =
            self.epochs.truncate_from_end(end) | self.epochs.truncate_from_start(start) | self.find_first_epochs()?;
        if epochs_changed || epochs_are_lost || recovery.segments_scanned > 0 {
            self.write_epochs()?;
        }
        if clean_end.is_some() && !had_snapshots {
            self.producers = ProducerState::starting_at(self.log_end); // as Kafka has it: nobody wrote with an id
        } else {
            self.reload_producers(now)?;
        }
        Ok(recovery)
    }

    /// Lets the disk say what it has of the files that a failed sync may have been of: those from this offset on.
    fn forget_cached(&mut self, from: Offset) -> Result<(), FileError> {
        for segment in self.segments.iter().skip(self.segment_of(from)) {
            for path in segment.paths(&self.folder) {
                if self.files.facts(&path)?.is_some() {
                    self.files.file(&path).forget_cached()?;
                }
            }
        }
        Ok(())
    }

    /// After a process was killed, all that it did can be seen and need not be on disk: what the next flush must sync
    /// besides the records.
    fn suppose_nothing_synced(&mut self) {
        self.note_folder_unsynced();
        self.is_parent_unsynced = true;
        self.active().1.suppose_unsynced_cut();
        self.note_unsynced(self.folder.join(PARTITION_METADATA));
        self.note_unsynced(self.folder.join(LEADER_EPOCHS));
        for offset in self.snapshots.clone() {
            self.note_unsynced(self.snapshot_path(offset));
        }
    }

    /// The log's end when the last segment is whole.
    fn clean_end(&mut self) -> Result<Option<Offset>, FileError> {
        let (place, active) = self.active();
        match active.next_offset(place) {
            Ok(end) => Ok(Some(end)),
            Err(WalkError::File(error)) => Err(error),
            Err(WalkError::Batch { .. } | WalkError::Misdirected { .. }) => Ok(None),
        }
    }

    /// Looks through the segments from the recovery point on.
    fn recover(&mut self, checkpointed: Checkpointed, now: Now) -> Result<Recovery, FileError> {
        let mut recovery = Recovery::default();
        // After a clean stop with a damaged end, all before the last segment is still believed.
        let synced = if checkpointed.clean_stop { self.active().1.base() } else { self.recovery_point };
        let first = self.segment_of(synced);
        let first_base = self.segments[first].base();
        self.recovery_point = self.recovery_point.min(synced);
        // Snapshots and epochs beyond may be those of records that were cut off before the crash.
        self.forget_snapshots_after(first_base)?;
        self.epochs.truncate_from_end(first_base);
        self.log_end = first_base;
        self.reload_producers(now)?;
        let mut index = first;
        while index < self.segments.len() {
            let base = self.segments[index].base();
            if index > first {
                // A segment begins where the one before it ends. One that begins earlier had been cut off and came back;
                // before one that begins later, records are missing that were never synced: a file may lose its last
                // batches whole. Kafka goes on behind any gap; here a log has all up to its end.
                if base != self.log_end && !is_lawful_gap(self.log_end, base, checkpointed.cleaned) {
                    break;
                }
                self.log_end = base;
                self.take_snapshot(base)?;
            }
            let cut = self.recover_segment(index, synced, &mut recovery)?;
            index += 1;
            if cut > 0 {
                recovery.bytes_cut += cut;
                break;
            }
        }
        for dropped in &self.segments[index..] {
            recovery.bytes_cut += u64::from(dropped.size());
        }
        self.drop_segments_after(index - 1)?;
        self.forget_snapshots_after(self.log_end)?;
        recovery.lost_synced = self.log_end < checkpointed.recovery_point;
        Ok(recovery)
    }

    /// Checks a segment and makes its indexes again; answers how many bytes at its end were cut off.
    fn recover_segment(&mut self, index: usize, synced: Offset, recovery: &mut Recovery) -> Result<u64, FileError> {
        recovery.segments_scanned += 1;
        let (place, segment) = self.segment(index);
        let (base, size) = (segment.base(), segment.size());
        let mut walk = segment.walk(place, 0);
        segment.begin_rebuild(place)?;
        let transactions = segment_path(place.folder, base, TRANSACTION_INDEX);
        if place.files.facts(&transactions)?.is_some() {
            place.files.file(&transactions).truncate(0)?;
        }
        let mut sound = 0;
        loop {
            let batch = match walk.next() {
                Ok(Some(batch)) => batch,
                Ok(None) | Err(WalkError::Batch { .. } | WalkError::Misdirected { .. }) => break,
                Err(WalkError::File(error)) => return Err(error),
            };
            if !follows(&batch.header, base, self.log_end) {
                break;
            }
            if batch.header.next_offset() > synced {
                match walk.check_crc(&batch) {
                    Ok(()) => recovery.bytes_checked += batch.header.batch_bytes() as u64,
                    Err(WalkError::File(error)) => return Err(error),
                    Err(WalkError::Batch { .. } | WalkError::Misdirected { .. }) => break,
                }
            }
            let marker = match walk.marker(&batch) {
                Ok(marker) => marker,
                Err(WalkError::File(error)) => return Err(error),
                Err(WalkError::Batch { .. } | WalkError::Misdirected { .. }) => None,
            };
            let (place, segment) = self.segment(index);
            segment.note_found(place, &batch)?;
            if batch.header.partition_leader_epoch >= LeaderEpoch(0) {
                self.epochs.assign(batch.header.partition_leader_epoch, batch.header.base_offset);
            }
            if let Some(aborted) = self.producers.replay(&batch.header, marker) {
                let (place, segment) = self.segment(index);
                segment.note_aborted(place, &aborted)?;
            }
            self.log_end = batch.header.next_offset();
            sound = batch.end() as u32;
        }
        let (place, segment) = self.segment(index);
        if sound < size {
            segment.cut_log(place, sound)?;
        }
        segment.finish_indexes(place)?;
        self.note_indexes_unsynced(index);
        Ok(u64::from(size - sound))
    }

    /// The producers as of the log's end: from the last snapshot before it and the batches after that.
    pub(crate) fn reload_producers(&mut self, now: Now) -> Result<(), FileError> {
        let end = self.log_end;
        let start = self.log_start.max(self.segments[0].base()).min(end);
        self.producers = self.load_snapshot(end)?.unwrap_or(ProducerState::starting_at(start));
        self.producers.expire(now.wall, self.settings.producer_expiration_ms);
        let first = self.segment_of(self.producers.end());
        for index in first..self.segments.len() {
            if self.producers.end() >= end {
                break;
            }
            self.replay_segment(index, end)?;
        }
        self.producers.skip_to(end);
        self.producers.on_high_watermark(self.high_watermark);
        Ok(())
    }

    fn replay_segment(&mut self, index: usize, end: Offset) -> Result<(), FileError> {
        let from = self.producers.end();
        let (place, segment) = self.segment(index);
        let position = match segment.find(place, from) {
            Ok(Some(batch)) => batch.position,
            Ok(None) | Err(WalkError::Batch { .. } | WalkError::Misdirected { .. }) => return Ok(()),
            Err(WalkError::File(error)) => return Err(error),
        };
        let mut walk = segment.walk(place, position);
        while let Some(batch) = walk.next_sound()? {
            if batch.header.base_offset >= end {
                break;
            }
            let marker = walk.marker(&batch).unwrap_or(None);
            // Its entry is in the transaction index since the marker was appended.
            let _ = self.producers.replay(&batch.header, marker);
        }
        Ok(())
    }

    /// The last snapshot that can be read and does not go beyond `end`. Those that cannot be read go.
    fn load_snapshot(&mut self, end: Offset) -> Result<Option<ProducerState>, FileError> {
        for place in (0..self.snapshots.len()).rev() {
            let offset = self.snapshots[place];
            if offset > end {
                continue;
            }
            let path = self.snapshot_path(offset);
            let bytes = read_whole(&self.files, &path, producer_snapshot::BYTES_MAX)?;
            match bytes.map(|bytes| producer_snapshot::parse(offset, &bytes)) {
                Some(Ok(state)) => return Ok(Some(state)),
                Some(Err(_)) | None => {
                    self.files.remove(&path)?;
                    self.snapshots.remove(place);
                }
            }
        }
        Ok(None)
    }

    pub(crate) fn forget_snapshots_after(&mut self, offset: Offset) -> Result<(), FileError> {
        while let Some(last) = self.snapshots.last().copied().filter(|last| *last > offset) {
            self.files.remove(&self.snapshot_path(last))?;
            self.snapshots.pop();
        }
        Ok(())
    }

    /// Reads the leader epochs, and tells whether they could be.
    fn read_epochs(&mut self) -> Result<bool, FileError> {
        match EpochHistory::read(&self.files, &self.folder.join(LEADER_EPOCHS)) {
            Ok(epochs) => self.epochs = epochs,
            Err(CheckpointError::File(error)) => return Err(error),
            Err(CheckpointError::Malformed { .. }) => return Ok(false),
        }
        Ok(true)
    }

    /// Finds the leader epochs in the batches, after their file was lost.
    fn find_epochs(&mut self) -> Result<(), FileError> {
        let (start, end) = (self.log_start, self.log_end);
        self.epochs = self.epochs_within(start, end)?;
        Ok(())
    }

    /// Finds the epochs before the first known one, and tells whether there were any: when the log's start was moved and
    /// then the power was lost, the file of epochs may know of it and the checkpoint not.
    fn find_first_epochs(&mut self) -> Result<bool, FileError> {
        let start = self.log_start;
        let Some(first) = self.epochs.entries().first().copied().filter(|first| first.start > start) else {
            return Ok(false);
        };
        let mut epochs = self.epochs_within(start, first.start)?;
        if epochs.entries().is_empty() {
            return Ok(false);
        }
        for known in self.epochs.entries() {
            epochs.assign(known.epoch, known.start);
        }
        self.epochs = epochs;
        Ok(true)
    }

    /// The epochs of the batches that lie between these offsets.
    fn epochs_within(&mut self, start: Offset, end: Offset) -> Result<EpochHistory, FileError> {
        let mut epochs = EpochHistory::default();
        for index in self.segment_of(start)..self.segments.len() {
            let (place, segment) = self.segment(index);
            if segment.base() >= end {
                break;
            }
            let mut walk = segment.walk(place, 0);
            while let Some(batch) = walk.next_sound()? {
                let header = batch.header;
                let is_within = start < header.next_offset() && header.base_offset < end;
                if is_within && header.partition_leader_epoch >= LeaderEpoch(0) {
                    epochs.assign(header.partition_leader_epoch, header.base_offset.max(start));
                }
            }
        }
        Ok(epochs)
    }
}

/// Whether what is missing before a segment was never to be there. Compaction syncs the segments that it makes before its
/// checkpoint says how far it was; and offsets can leap by more than a segment may hold, when a leader compacted.
fn is_lawful_gap(end: Offset, base: Offset, cleaned: Offset) -> bool {
    end < base && (base <= cleaned || OFFSETS_LOST_MAX < base.0 - end.0)
}

/// More offsets cannot be lost from one segment: its indexes count them in 31 bits.
const OFFSETS_LOST_MAX: i64 = 1 << 31;

/// Whether a batch can come next in a segment.
fn follows(header: &BatchHeader, base: Offset, log_end: Offset) -> bool {
    let relative = header.last_offset().0.saturating_sub(base.0);
    header.last_offset_delta >= 0 && log_end <= header.base_offset && relative <= i64::from(i32::MAX)
}

fn find_segments<F: Files>(
    files: &F,
    folder: &Path,
    contents: &Contents,
    now: Now,
) -> Result<Vec<Segment<F>>, FileError> {
    let mut segments = Vec::with_capacity(contents.segments.len());
    for base in &contents.segments {
        let path = segment_path(folder, *base, LOG);
        let facts = files.facts(&path)?;
        let length = facts.map_or(0, |facts| facts.length);
        let Some(size) = u32::try_from(length).ok().filter(|size| i32::try_from(*size).is_ok()) else {
            let fault = FileFault::Io(format!("a segment cannot have {length} bytes"));
            return Err(FileError::new(Act::Open, &path, fault));
        };
        segments.push(Segment::found(*base, size, facts.map_or(now.wall, |facts| facts.modified)));
    }
    Ok(segments)
}

/// A file whose content does not let an act be done.
pub(crate) fn unreadable(path: &Path, error: &WalkError) -> FileError {
    FileError::new(Act::Read, path, FileFault::Io(error.to_string()))
}
