//! A partition's log: what it holds, where it begins and ends, and whether it may still be written.
//!
//! Each thing that can be done with it has a file of its own: [`crate::append`], [`crate::read`], [`crate::times`] to look
//! up timestamps, [`crate::roll`], [`crate::flush`], [`crate::retain`], [`crate::truncate`], and [`crate::recover`], which
//! opens one. What a log directory does for all its logs is [`crate::log_directory`].
//!
//! ```text
//! log start ≤ last stable offset ≤ high watermark ≤ log end        what a reader may see
//!                                recovery point ≤ log end          what survives a loss of power
//! ```

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_vocabulary::{Instant, LeaderEpoch, Offset, Timestamp};

use crate::epoch_history::EpochHistory;
use crate::files::{Act, Durability, FileError, FileFault, Files};
use crate::layout::{LEADER_EPOCHS, PRODUCER_SNAPSHOT, SYNC_FAILED, segment_path};
use crate::producer_state::ProducerState;
use crate::segment::{Place, Segment};
use crate::settings::LogSettings;

/// A partition's log over some [`Files`].
///
/// One caller at a time: who shares a log puts a lock around it. What takes long and needs no lock comes out as a value:
/// a span to send, a [`crate::FlushWork`] to do.
#[derive(Debug)]
pub struct Log<F: Files> {
    pub(crate) files: F,
    pub(crate) folder: PathBuf,
    pub(crate) settings: Arc<LogSettings>,
    /// By base offset; never empty, and only the last one is written.
    pub(crate) segments: Vec<Segment<F>>,
    pub(crate) log_start: Offset,
    pub(crate) log_end: Offset,
    pub(crate) high_watermark: Offset,
    pub(crate) recovery_point: Offset,
    /// The greatest recovery point that a checkpoint on disk may name: segments below it are not looked at after a crash,
    /// so none may come to lie there unsynced.
    pub(crate) trusted: Offset,
    pub(crate) epochs: EpochHistory,
    /// Whether the file of epochs says something else, because the disk refused.
    pub(crate) are_epochs_unwritten: bool,
    pub(crate) producers: ProducerState,
    /// The offsets of the producer snapshots on disk, rising.
    pub(crate) snapshots: Vec<Offset>,
    /// Files that must be synced before the recovery point may rise, each with the change of names that brought it.
    pub(crate) unsynced: Vec<(PathBuf, u64)>,
    /// Counts the changes of names in the folder: what changes while a flush is under way is not synced by it.
    pub(crate) name_changes: u64,
    /// Whether names in the folder changed since it was synced.
    pub(crate) is_folder_unsynced: bool,
    /// Whether the folder itself is new in its directory.
    pub(crate) is_parent_unsynced: bool,
    /// Removed files that readers may still be sending.
    pub(crate) doomed: VecDeque<Doomed>,
    /// Counts what makes a flush that is under way meaningless.
    pub(crate) truncations: u64,
    /// Where in the last segment recent readers stopped: who reads along finds its place without looking.
    pub(crate) reached: [Reached; 4],
    /// Why nothing may be written any more.
    pub(crate) failure: Option<Box<FileError>>,
}

/// A file under its name for removal.
#[derive(Debug)]
pub(crate) struct Doomed {
    pub(crate) due: Instant,
    pub(crate) path: PathBuf,
}

/// An offset at which a batch begins, or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) offset: Offset,
    pub(crate) base: Offset,
    pub(crate) position: u32,
}

impl Reached {
    pub(crate) const NOWHERE: Reached = Reached { offset: Offset::NONE, base: Offset::NONE, position: 0 };
}

impl<F: Files> Log<F> {
    /// The partition's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The first offset that can be read.
    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// The offset that the next record gets.
    pub fn log_end(&self) -> Offset {
        self.log_end
    }

    /// Up to where all in-sync replicas have the log: what consumers may read.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// Up to where the outcome of all transactions is known: what consumers of committed records may read.
    pub fn last_stable_offset(&self) -> Offset {
        let unstable = self.producers.first_unstable().map(|unstable| unstable.max(self.log_start));
        unstable.unwrap_or(self.high_watermark).min(self.high_watermark)
    }

    /// Up to where the log survives a loss of power.
    pub fn recovery_point(&self) -> Offset {
        self.recovery_point
    }

    /// Bytes of all segments, without indexes.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.size())).sum()
    }

    /// How many segments there are, for metrics.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// Which leader epochs wrote it.
    pub fn epochs(&self) -> &EpochHistory {
        &self.epochs
    }

    /// Who wrote to it with idempotence or transactions.
    pub fn producers(&self) -> &ProducerState {
        &self.producers
    }

    /// The settings in force.
    pub fn settings(&self) -> &LogSettings {
        &self.settings
    }

    /// Puts other settings in force from the next act on.
    pub fn set_settings(&mut self, settings: Arc<LogSettings>) {
        self.settings = settings;
    }

    /// Why nothing may be written any more, after a write or sync that failed beyond repair. Reads go on.
    pub fn failure(&self) -> Option<&FileError> {
        self.failure.as_deref()
    }

    /// Hears that all in-sync replicas have the log up to this offset; not beyond its end, and never backwards.
    pub fn advance_high_watermark(&mut self, high_watermark: Offset) {
        let high_watermark = high_watermark.min(self.log_end);
        if high_watermark > self.high_watermark {
            self.high_watermark = high_watermark;
            self.producers.on_high_watermark(high_watermark);
        }
    }

    /// Where an epoch ended, and of which epoch the records before that really are; see [`EpochHistory::end_of`].
    pub fn epoch_end_offset(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        self.epochs.end_of(epoch, self.log_end)
    }

    /// Forgets producers that were silent for `producer.id.expiration.ms`.
    pub fn expire_producers(&mut self, wall: Timestamp) -> usize {
        self.producers.expire(wall, self.settings.producer_expiration_ms)
    }

    /// Closes files that were not used since the last call. To be called now and then, so that idle partitions hold no
    /// descriptors.
    pub fn rest(&mut self) {
        for segment in &mut self.segments {
            segment.rest();
        }
    }

    /// Hears up to where the recovery-point checkpoint, which is on disk now, trusts this log.
    pub fn on_recovery_point_checkpointed(&mut self, recovery_point: Offset) {
        self.trusted = recovery_point.max(self.recovery_point);
    }

    pub(crate) fn place(&self) -> Place<'_, F> {
        Place { files: &self.files, folder: &self.folder, index_interval_bytes: self.settings.index_interval_bytes }
    }

    /// The last segment, with the place it lies in.
    pub(crate) fn active(&mut self) -> (Place<'_, F>, &mut Segment<F>) {
        let last = self.segments.len() - 1;
        self.segment(last)
    }

    /// A segment, with the place it lies in.
    pub(crate) fn segment(&mut self, index: usize) -> (Place<'_, F>, &mut Segment<F>) {
        let place = Place {
            files: &self.files,
            folder: &self.folder,
            index_interval_bytes: self.settings.index_interval_bytes,
        };
        (place, &mut self.segments[index])
    }

    /// The segment that an offset belongs into; of an offset before all of them, the first.
    pub(crate) fn segment_of(&self, offset: Offset) -> usize {
        self.segments.partition_point(|segment| segment.base() <= offset).saturating_sub(1)
    }

    /// Refuses to write to a log that failed.
    pub(crate) fn check_writable(&self) -> Result<(), FileError> {
        self.failure.as_ref().map_or(Ok(()), |failure| Err(failure.as_ref().clone()))
    }

    /// Takes note of what a disk refused: a full disk or too many open files may pass, anything else is for good, and so
    /// is a sync that failed, whatever the reason.
    pub(crate) fn noted(&mut self, error: FileError) -> FileError {
        match (error.act, &error.fault) {
            (Act::Sync, _) | (_, FileFault::NotFound | FileFault::Locked | FileFault::Io(_)) => self.fail(&error),
            (_, FileFault::Full | FileFault::Descriptors) => {}
        }
        error
    }

    /// Lets nothing be written from here on. After a failed sync a mark says so to the next process, which would else find
    /// in memory what the disk never got, and sync it with success: the kernel reports a lost write once.
    pub(crate) fn fail(&mut self, error: &FileError) {
        if error.act == Act::Sync && self.failure.is_none() {
            // Without the mark, on a disk that takes no file either, nothing is worse than before.
            let _ = self.files.create(&self.folder.join(SYNC_FAILED));
        }
        self.failure.get_or_insert_with(|| Box::new(error.clone()));
    }

    /// Replaces the file of leader epochs. It need not survive a loss of power before the records of the epoch do.
    pub(crate) fn write_epochs(&mut self) -> Result<(), FileError> {
        let path = self.folder.join(LEADER_EPOCHS);
        self.are_epochs_unwritten = true;
        self.epochs.write(&self.files, &path, Durability::Unsynced)?;
        self.are_epochs_unwritten = false;
        self.note_unsynced(path);
        Ok(())
    }

    pub(crate) fn note_unsynced(&mut self, path: PathBuf) {
        self.note_folder_unsynced();
        self.unsynced.retain(|(other, _)| *other != path);
        self.unsynced.push((path, self.name_changes));
    }

    pub(crate) fn note_folder_unsynced(&mut self) {
        self.is_folder_unsynced = true;
        self.name_changes += 1;
    }

    pub(crate) fn snapshot_path(&self, offset: Offset) -> PathBuf {
        segment_path(&self.folder, offset, PRODUCER_SNAPSHOT)
    }
}
