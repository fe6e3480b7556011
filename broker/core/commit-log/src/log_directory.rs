//! A log directory: the logs of one disk, and the small files that speak of all of them. Opening one takes its lock, tells
//! who it belongs to and which partitions it has; each log is then opened with what the checkpoints say of it.
//!
//! The logs themselves are held by `node`, each under a lock of its own; a checkpoint is given the numbers of all of them.
//! Folders that are not a partition's (removed, being moved, stray) are listed and left alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_vocabulary::{BrokerEpoch, Now, Offset, TopicId, TopicPartition, Uuid};

use crate::checkpoint::{self, CheckpointError};
use crate::clean_shutdown::{self, CleanShutdown};
use crate::files::{FileError, Files};
use crate::layout::{
    CLEANER_OFFSETS, HIGH_WATERMARKS, LOCK, LOG, LOG_STARTS, PARTITION_METADATA, PartitionFolder, RECOVERY_POINTS,
    deleted_folder,
};
use crate::log::Log;
use crate::meta_properties::{self, MetaProperties, MetaPropertiesError};
use crate::partition_metadata;
use crate::recover::{Checkpointed, Recovery};
use crate::settings::LogSettings;

/// A log directory that is ours while this lives.
#[derive(Debug)]
pub struct LogDirectory<F: Files> {
    files: F,
    path: PathBuf,
    meta: Option<MetaProperties>,
    clean_stop: Option<CleanShutdown>,
    partitions: Vec<FoundPartition>,
    others: Vec<(String, PartitionFolder)>,
    recovery_points: BTreeMap<TopicPartition, Offset>,
    high_watermarks: BTreeMap<TopicPartition, Offset>,
    log_starts: BTreeMap<TopicPartition, Offset>,
    /// What Kafka's compaction left; nothing here compacts.
    cleaned: BTreeMap<TopicPartition, Offset>,
    /// Whether partitions were renamed that a loss of power would bring back under their names.
    has_unsynced_deletions: bool,
    _lock: F::Lock,
}

/// A partition that a directory has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPartition {
    /// Which.
    pub partition: TopicPartition,
    /// Of which topic, if the folder says so.
    pub topic: Option<TopicId>,
}

/// The numbers of a log that checkpoints hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPositions {
    /// Up to where it survives a loss of power.
    pub recovery_point: Offset,
    /// Up to where all in-sync replicas have it.
    pub high_watermark: Offset,
    /// Where it begins.
    pub log_start: Offset,
    /// Whether the first segment's name, which is on disk, says so as well.
    pub is_start_on_disk: bool,
}

/// Why a directory cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The disk refused; [`crate::FileFault::Locked`] when another broker uses the directory.
    #[error(transparent)]
    File(#[from] FileError),
    /// A checkpoint is damaged. Guessing would lose records or bring removed ones back, so a person must look.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// `meta.properties` is damaged.
    #[error(transparent)]
    Meta(#[from] MetaPropertiesError),
}

impl<F: Files> Log<F> {
    /// The numbers that checkpoints hold.
    pub fn positions(&self) -> LogPositions {
        LogPositions {
            recovery_point: self.recovery_point,
            high_watermark: self.high_watermark,
            log_start: self.log_start,
            is_start_on_disk: self.log_start <= self.segments[0].base() && !self.is_folder_unsynced,
        }
    }
}

impl<F: Files> LogDirectory<F> {
    /// Opens a directory, creating it when it is absent. The mark of a clean stop is taken away and remembered: a crash
    /// from here on is one.
    ///
    /// # Errors
    /// When the disk refuses, another broker has the directory, or one of its files is damaged.
    pub fn open(files: F, path: &Path) -> Result<LogDirectory<F>, DirectoryError> {
        create_synced(&files, path)?;
        let lock = files.lock(&path.join(LOCK))?;
        let meta = meta_properties::read(&files, path)?;
        let clean_stop = clean_shutdown::read(&files, path)?;
        let offsets = |name| checkpoint::read_offsets(&files, &path.join(name));
        let (recovery_points, high_watermarks) = (offsets(RECOVERY_POINTS)?, offsets(HIGH_WATERMARKS)?);
        let (log_starts, cleaned) = (offsets(LOG_STARTS)?, offsets(CLEANER_OFFSETS)?);
        let (partitions, others) = find_partitions(&files, path)?;
        if clean_stop.is_some() {
            clean_shutdown::remove(&files, path)?;
        }
        Ok(LogDirectory {
            files,
            path: path.to_owned(),
            meta,
            clean_stop,
            partitions,
            others,
            recovery_points,
            high_watermarks,
            log_starts,
            cleaned,
            has_unsynced_deletions: false,
            _lock: lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who it belongs to; `None` when it was not formatted.
    pub fn meta(&self) -> Option<&MetaProperties> {
        self.meta.as_ref()
    }

    /// The mark of the last stop, when that was a clean one.
    pub fn clean_stop(&self) -> Option<CleanShutdown> {
        self.clean_stop
    }

    /// The partitions that it had when it was opened.
    pub fn partitions(&self) -> &[FoundPartition] {
        &self.partitions
    }

    /// Other folders that it had: those of deleted partitions can be removed by [`LogDirectory::remove_deleted`].
    pub fn others(&self) -> &[(String, PartitionFolder)] {
        &self.others
    }

    /// Says who the directory belongs to.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_meta(&mut self, meta: MetaProperties) -> Result<(), FileError> {
        meta_properties::write(&self.files, &self.path, &meta)?;
        self.meta = Some(meta);
        Ok(())
    }

    /// Opens the log of a partition that the directory has.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open_log(
        &mut self,
        partition: &TopicPartition,
        settings: Arc<LogSettings>,
        now: Now,
    ) -> Result<(Log<F>, Recovery), FileError> {
        let of = |offsets: &BTreeMap<TopicPartition, Offset>| offsets.get(partition).copied().unwrap_or(Offset::ZERO);
        let checkpointed = Checkpointed {
            clean_stop: self.clean_stop.is_some(),
            recovery_point: of(&self.recovery_points),
            log_start: of(&self.log_starts),
            high_watermark: of(&self.high_watermarks),
            cleaned: of(&self.cleaned),
        };
        let folder = self.path.join(partition.to_string());
        let (mut log, recovery) = Log::open(self.files.clone(), folder, settings, checkpointed, now)?;
        if log.recovery_point() < checkpointed.recovery_point {
            // The disk lost records that it had promised to keep. What is written in their place is not synced yet.
            self.lower_recovery_points([(partition, &mut log)])?;
        }
        Ok((log, recovery))
    }

    /// Creates a partition with an empty log.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create_log(
        &mut self,
        partition: &TopicPartition,
        topic: TopicId,
        settings: Arc<LogSettings>,
        now: Now,
    ) -> Result<Log<F>, FileError> {
        self.forget(partition)?;
        // What was found under the name is not what will be there: nobody may take this one out of the way for it.
        self.partitions.retain(|found| found.partition != *partition);
        let folder = self.path.join(partition.to_string());
        let was_there = self.files.facts(&folder)?.is_some();
        self.create_in(&folder, topic, settings, now).inspect_err(|_| {
            // Half made it would be in the way of the next attempt. Where even that is refused,
            // [`LogDirectory::remove_unused`] does it then.
            if !was_there {
                let _ = self.files.remove_folder(&folder);
            }
        })
    }

    fn create_in(
        &self,
        folder: &Path,
        topic: TopicId,
        settings: Arc<LogSettings>,
        now: Now,
    ) -> Result<Log<F>, FileError> {
        self.files.create_folder(folder)?;
        partition_metadata::write(&self.files, folder, topic)?;
        let (mut log, _) = Log::open(self.files.clone(), folder.to_owned(), settings, Checkpointed::default(), now)?;
        log.note_unsynced(folder.join(PARTITION_METADATA));
        log.is_parent_unsynced = true;
        Ok(log)
    }

    /// Removes a partition's folder if it is what an attempt to create one for this topic left: of no other topic, and
    /// without a record. Answers whether it was.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove_unused(&mut self, partition: &TopicPartition, topic: TopicId) -> Result<bool, FileError> {
        let folder = self.path.join(partition.to_string());
        if partition_metadata::read(&self.files, &folder)?.is_some_and(|other| other != topic) {
            return Ok(false);
        }
        for entry in self.files.list(&folder)?.into_iter().filter(|entry| entry.name.contains(LOG)) {
            let facts = self.files.facts(&folder.join(entry.name))?;
            if facts.is_some_and(|facts| 0 < facts.length) {
                return Ok(false);
            }
        }
        self.files.remove_folder(&folder)?;
        Ok(true)
    }

    /// Takes a partition's folder out of the way, and answers its new name: its removal may take long, and
    /// so would a sync for each partition of a large topic: the new name survives a loss of power from the first
    /// [`LogDirectory::remove_deleted`] on. The checkpoints speak of the partition until they are written again, or one of
    /// that name is created.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn delete_log(&mut self, partition: &TopicPartition, log: Log<F>, unique: Uuid) -> Result<String, FileError> {
        drop(log);
        let name = deleted_folder(partition, unique);
        self.partitions.retain(|found| found.partition != *partition);
        self.files.rename(&self.path.join(partition.to_string()), &self.path.join(&name))?;
        self.has_unsynced_deletions = true;
        Ok(name)
    }

    /// Notes whose a partition is that was found without a word about it, so that it is not taken for a later topic's of the
    /// same name.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn adopt(&mut self, partition: &TopicPartition, topic: TopicId) -> Result<(), FileError> {
        let found = self.partitions.iter_mut().find(|found| found.partition == *partition && found.topic.is_none());
        let Some(found) = found else { return Ok(()) };
        partition_metadata::write(&self.files, &self.path.join(partition.to_string()), topic)?;
        found.topic = Some(topic);
        Ok(())
    }

    /// Removes a folder that [`LogDirectory::delete_log`] took out of the way, or that was found as such.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove_deleted(&mut self, name: &str) -> Result<(), FileError> {
        if self.has_unsynced_deletions {
            // Else a partition could come back with a part of its files, and be taken for one.
            self.files.sync_folder(&self.path)?;
            self.has_unsynced_deletions = false;
        }
        self.files.remove_folder(&self.path.join(name))?;
        self.others.retain(|(other, _)| other != name);
        Ok(())
    }

    /// Writes the three checkpoints. What they said of a partition that is not given stays while it has its folder: it may
    /// not have been opened yet. The logs are told by [`Log::on_recovery_point_checkpointed`] afterwards if they were
    /// flushed or truncated meanwhile.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn checkpoint<'p>(
        &mut self,
        positions: impl IntoIterator<Item = (&'p TopicPartition, LogPositions)>,
    ) -> Result<(), FileError> {
        let given: BTreeMap<&TopicPartition, LogPositions> = positions.into_iter().collect();
        let recovery_points = self.told(&self.recovery_points, &given, |log| Some(log.recovery_point));
        let high_watermarks = self.told(&self.high_watermarks, &given, |log| Some(log.high_watermark));
        let log_starts = self.told(&self.log_starts, &given, start_to_tell);
        // What is known is what is on disk, also when the disk refuses half way: of that, deleted partitions are forgotten.
        let Self { files, path, .. } = self;
        checkpoint::write_offsets(files, &path.join(RECOVERY_POINTS), &recovery_points)?;
        self.recovery_points = recovery_points;
        checkpoint::write_offsets(files, &path.join(HIGH_WATERMARKS), &high_watermarks)?;
        self.high_watermarks = high_watermarks;
        checkpoint::write_offsets(files, &path.join(LOG_STARTS), &log_starts)?;
        self.log_starts = log_starts;
        Ok(())
    }

    /// Writes the checkpoint of high watermarks alone, if it says anything new; see [`LogDirectory::checkpoint`].
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn checkpoint_high_watermarks<'p>(
        &mut self,
        positions: impl IntoIterator<Item = (&'p TopicPartition, LogPositions)>,
    ) -> Result<(), FileError> {
        let told = self.told(&self.high_watermarks, &positions.into_iter().collect(), |log| Some(log.high_watermark));
        if told != self.high_watermarks {
            checkpoint::write_offsets(&self.files, &self.path.join(HIGH_WATERMARKS), &told)?;
            self.high_watermarks = told;
        }
        Ok(())
    }

    /// Writes the checkpoint of log starts alone, if it says anything new; see [`LogDirectory::checkpoint`].
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn checkpoint_log_starts<'p>(
        &mut self,
        positions: impl IntoIterator<Item = (&'p TopicPartition, LogPositions)>,
    ) -> Result<(), FileError> {
        let told = self.told(&self.log_starts, &positions.into_iter().collect(), start_to_tell);
        if told != self.log_starts {
            checkpoint::write_offsets(&self.files, &self.path.join(LOG_STARTS), &told)?;
            self.log_starts = told;
        }
        Ok(())
    }

    /// What a checkpoint is to say: of the partitions that are given, and of others what it said before.
    fn told(
        &self,
        before: &BTreeMap<TopicPartition, Offset>,
        given: &BTreeMap<&TopicPartition, LogPositions>,
        offset: impl Fn(&LogPositions) -> Option<Offset>,
    ) -> BTreeMap<TopicPartition, Offset> {
        let stays =
            |partition: &TopicPartition| !given.contains_key(partition) && is_there(&self.files, &self.path, partition);
        let kept = before.iter().filter(|(partition, _)| stays(partition));
        let kept = kept.map(|(partition, offset)| (partition.clone(), *offset));
        let told = given.iter().filter_map(|(partition, log)| Some(((*partition).clone(), offset(log)?)));
        kept.chain(told).collect()
    }

    /// Lowers the recovery points of logs that are to be truncated to those that the logs have now, on disk and in the
    /// logs' knowledge of it; see [`Log::lower_recovery_point`].
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn lower_recovery_points<'l>(
        &mut self,
        logs: impl IntoIterator<Item = (&'l TopicPartition, &'l mut Log<F>)>,
    ) -> Result<(), FileError>
    where
        F: 'l,
    {
        let logs: Vec<(&TopicPartition, &mut Log<F>)> = logs.into_iter().collect();
        for (partition, log) in &logs {
            self.recovery_points.insert((*partition).clone(), log.recovery_point());
        }
        checkpoint::write_offsets(&self.files, &self.path.join(RECOVERY_POINTS), &self.recovery_points)?;
        for (_, log) in logs {
            let written = log.recovery_point();
            log.on_recovery_point_checkpointed(written);
        }
        Ok(())
    }

    /// Ends a clean stop, after all logs that the directory has were closed: writes the checkpoints and the mark, and gives the lock back.
    ///
    /// # Errors
    /// When the disk refuses; then the stop is not a clean one.
    pub fn close<'p>(
        mut self,
        positions: impl IntoIterator<Item = (&'p TopicPartition, LogPositions)>,
        broker_epoch: BrokerEpoch,
    ) -> Result<(), FileError> {
        self.checkpoint(positions)?;
        clean_shutdown::write(&self.files, &self.path, broker_epoch)
    }

    /// Takes a partition out of the checkpoints on disk: what they say of one that was deleted must not be believed of
    /// another of its name. Others that are gone go with it, so that a topic of many partitions costs one writing.
    fn forget(&mut self, partition: &TopicPartition) -> Result<(), FileError> {
        let Self { files, path, recovery_points, high_watermarks, log_starts, cleaned, .. } = self;
        let all = [
            (RECOVERY_POINTS, recovery_points),
            (HIGH_WATERMARKS, high_watermarks),
            (LOG_STARTS, log_starts),
            (CLEANER_OFFSETS, cleaned),
        ];
        for (name, offsets) in all {
            if !offsets.contains_key(partition) {
                continue;
            }
            let mut left = offsets.clone();
            left.retain(|other, _| other != partition && is_there(files, path, other));
            checkpoint::write_offsets(files, &path.join(name), &left)?;
            *offsets = left;
        }
        Ok(())
    }
}

/// The log's start, where no segment's name says it.
fn start_to_tell(log: &LogPositions) -> Option<Offset> {
    (!log.is_start_on_disk).then_some(log.log_start)
}

/// Whether a partition has its folder; where the disk does not say, it has.
fn is_there<F: Files>(files: &F, path: &Path, partition: &TopicPartition) -> bool {
    !matches!(files.facts(&path.join(partition.to_string())), Ok(None))
}

/// Creates a folder and those above it so that they survive a loss of power.
fn create_synced<F: Files>(files: &F, path: &Path) -> Result<(), FileError> {
    if files.facts(path)?.is_some() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let Some(above) = above else { return files.create_folder(path) };
    create_synced(files, above)?;
    files.create_folder(path)?;
    files.sync_folder(above)
}

type Folders = (Vec<FoundPartition>, Vec<(String, PartitionFolder)>);

fn find_partitions<F: Files>(files: &F, path: &Path) -> Result<Folders, FileError> {
    let (mut partitions, mut others) = (Vec::new(), Vec::new());
    let mut entries = files.list(path)?;
    entries.sort_unstable();
    for entry in entries.into_iter().filter(|entry| entry.is_folder) {
        match PartitionFolder::of(&entry.name) {
            PartitionFolder::Partition(partition) => {
                let topic = partition_metadata::read(files, &path.join(&entry.name))?;
                partitions.push(FoundPartition { partition, topic });
            }
            other => others.push((entry.name, other)),
        }
    }
    Ok((partitions, others))
}
