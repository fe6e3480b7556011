//! The metadata log on disk: the log of `__cluster_metadata-0`, its snapshots, and the file `quorum-state` beside it.
//!
//! Answers the quorum's questions as numbers, appends batches, reads and replays them. Who leads and what is committed
//! is the quorum's matter; what records mean is `metadata`'s.

use std::path::{Path, PathBuf};

use ottla_commit_log::files::{Durability, read_whole, replace_whole};
use ottla_commit_log::{
    AppendError, FileError, Files, FlushOutcome, FlushWork, Log, LogDirectory, LogSettings, NewBatch, Origin,
    ReadLimits, SpanOf,
};
use ottla_metadata::log::{Control, replay_batch};
use ottla_metadata::{Metadata, SnapshotId};
use ottla_quorum::{ElectionState, LogEnd, LogView};
use ottla_records::{BatchView, Decompressor, batches};
use ottla_vocabulary::{LeaderEpoch, Now, Offset, PartitionIndex, TopicId, TopicName, TopicPartition, Uuid};

use crate::boot::BootError;

/// The file in which the quorum keeps what it must not forget.
const QUORUM_STATE: &str = "quorum-state";
/// A larger one is none.
const QUORUM_STATE_BYTES_MAX: u64 = 64 * 1024;
/// A snapshot is read at once; Kafka's own are far below, one of 200,000 partitions has some 30 MiB.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;
/// How much of the log is in memory while it is replayed.
const READ_BYTES: u32 = 1 << 20;

/// How many snapshots are kept.
const SNAPSHOTS_KEPT: usize = 2;

/// The metadata topic's only partition.
pub(crate) fn metadata_partition() -> TopicPartition {
    let name = TopicName::new(ottla_api::create_topics::METADATA_TOPIC).expect("the name keeps Kafka's rules");
    TopicPartition::new(name, PartitionIndex(0))
}

/// The id of the metadata topic, the same in every cluster.
pub(crate) const METADATA_TOPIC_ID: TopicId = TopicId(Uuid::ONE);

/// The log and what lies beside it.
#[derive(Debug)]
pub(crate) struct MetadataLog<F: Files> {
    files: F,
    folder: PathBuf,
    log: Log<F>,
    /// By rising end; the one that formatting wrote is not among them.
    snapshots: Vec<SnapshotId>,
    /// Bytes that were appended since the latest, as far as this process knows.
    bytes_since_snapshot: u64,
}

impl<F: Files> MetadataLog<F> {
    /// Opens the log in a directory; a new one is made where there is none.
    pub(crate) fn open(
        files: &F,
        directory: &mut LogDirectory<F>,
        settings: LogSettings,
        now: Now,
    ) -> Result<MetadataLog<F>, FileError> {
        let partition = metadata_partition();
        let folder = directory.path().join(partition.to_string());
        let known = directory.partitions().iter().any(|found| found.partition == partition);
        let log = if known {
            directory.open_log(&partition, settings.into(), now)?.0
        } else {
            directory.create_log(&partition, METADATA_TOPIC_ID, settings.into(), now)?
        };
        let names = files.list(&folder)?;
        let mut snapshots: Vec<SnapshotId> =
            names.iter().filter_map(|entry| SnapshotId::from_file_name(&entry.name)).collect();
        snapshots.retain(|id| *id != SnapshotId::BOOTSTRAP);
        snapshots.sort_by_key(|id| (id.end, id.epoch));
        let bytes_since_snapshot = log.bytes();
        Ok(MetadataLog { files: files.clone(), folder, log, snapshots, bytes_since_snapshot })
    }

    pub(crate) fn latest_snapshot_id(&self) -> Option<SnapshotId> {
        self.snapshots.last().copied()
    }

    /// The bytes of a snapshot; `None` when there is none of this name.
    pub(crate) fn read_snapshot(&self, id: SnapshotId) -> Result<Option<Vec<u8>>, FileError> {
        read_whole(&self.files, &self.folder.join(id.file_name()), SNAPSHOT_BYTES_MAX)
    }

    /// What the quorum stored last.
    pub(crate) fn election_state(&self) -> Result<Option<ElectionState>, BootError> {
        let path = self.folder.join(QUORUM_STATE);
        let Some(bytes) = read_whole(&self.files, &path, QUORUM_STATE_BYTES_MAX)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        ElectionState::from_file(&text).map(Some).map_err(|error| BootError::Damaged(path, error.to_string()))
    }

    pub(crate) fn persist(&self, state: &ElectionState) -> Result<(), FileError> {
        let path = self.folder.join(QUORUM_STATE);
        replace_whole(&self.files, &path, state.to_file().as_bytes(), Durability::Synced)
    }

    pub(crate) fn end_offset(&self) -> Offset {
        self.log.log_end()
    }

    pub(crate) fn high_watermark(&self) -> Offset {
        self.log.high_watermark()
    }

    pub(crate) fn advance_high_watermark(&mut self, offset: Offset) {
        self.log.advance_high_watermark(offset);
    }

    /// Up to where the log survives a loss of power.
    pub(crate) fn synced_end(&self) -> Offset {
        self.log.recovery_point()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.log.bytes()
    }

    /// A larger batch fits into no segment.
    pub(crate) fn batch_bytes_max(&self) -> usize {
        self.log.settings().segment_bytes as usize
    }

    /// Whether it is never written again.
    pub(crate) fn has_failed(&self) -> bool {
        self.log.failure().is_some()
    }

    /// Appends a batch of this leader.
    pub(crate) fn append(&mut self, batch: &[u8], epoch: LeaderEpoch, now: Now) -> Result<(), BootError> {
        let view =
            BatchView::parse(batch).map_err(|error| BootError::Damaged(self.folder.clone(), error.to_string()))?;
        let new = NewBatch { header: *view.header(), records: view.records_bytes() };
        self.bytes_since_snapshot += batch.len() as u64;
        match self.log.append(new, epoch, Origin::Coordinator, now) {
            Ok(_) => Ok(()),
            Err(AppendError::Storage(error)) => Err(BootError::File(error)),
            Err(error) => Err(BootError::Damaged(self.folder.clone(), error.to_string())),
        }
    }

    pub(crate) fn bytes_since_snapshot(&self) -> u64 {
        self.bytes_since_snapshot
    }

    /// Hears of a new snapshot: all but the latest two go, and of the log what the older of these has taken up.
    pub(crate) fn on_snapshot(&mut self, id: SnapshotId, now: Now) -> Result<(), FileError> {
        self.bytes_since_snapshot = 0;
        self.snapshots.push(id);
        while SNAPSHOTS_KEPT < self.snapshots.len() {
            let oldest = self.snapshots.remove(0);
            self.files.remove(&self.folder.join(oldest.file_name()))?;
        }
        if self.snapshots.len() == SNAPSHOTS_KEPT {
            self.log.advance_log_start(self.snapshots[0].end)?;
            self.log.retain(now)?;
            self.log.remove_doomed(now)?;
        }
        Ok(())
    }

    pub(crate) fn begin_flush(&mut self) -> Result<Option<FlushWork<F>>, FileError> {
        self.log.begin_flush()
    }

    pub(crate) fn finish_flush(&mut self, outcome: FlushOutcome) -> Result<(), FileError> {
        self.log.finish_flush(outcome)
    }

    pub(crate) fn close(self, now: Now) -> Result<(), FileError> {
        self.log.close(now).map(drop)
    }

    /// Reads committed (or with `bound` at the log's end, all) batches from an offset on.
    pub(crate) fn read(&mut self, from: Offset, bound: Offset, bytes_max: u32) -> Result<Option<SpanOf<F>>, BootError> {
        let limits = ReadLimits { upper_bound: bound, bytes_max, at_least_one: true };
        self.log.read(from, limits).map_err(|error| BootError::Damaged(self.folder.clone(), error.to_string()))
    }

    /// Replays the log from where the state ends up to a bound.
    pub(crate) fn replay(
        &mut self,
        metadata: &mut Metadata,
        bound: Offset,
        on_control: &mut dyn FnMut(Offset, Control),
    ) -> Result<(), BootError> {
        while metadata.image().end < bound {
            let Some(span) = self.read(metadata.image().end, bound, READ_BYTES)? else { break };
            replay_span(metadata, &span.read()?, &self.folder, on_control)?;
        }
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Replays whole batches.
pub(crate) fn replay_span(
    metadata: &mut Metadata,
    bytes: &[u8],
    folder: &Path,
    on_control: &mut dyn FnMut(Offset, Control),
) -> Result<(), BootError> {
    let damaged = |error: String| BootError::Damaged(folder.to_owned(), error);
    let mut decompressor = Decompressor::new();
    for batch in batches(bytes) {
        let batch = batch.map_err(|error| damaged(error.to_string()))?;
        replay_batch(metadata, &batch, &mut decompressor, on_control).map_err(|error| damaged(error.to_string()))?;
    }
    Ok(())
}

fn log_end(id: &SnapshotId) -> LogEnd {
    LogEnd::new(id.epoch, id.end)
}

impl<F: Files> LogView for MetadataLog<F> {
    fn start(&self) -> Offset {
        self.log.log_start()
    }

    fn end(&self) -> LogEnd {
        let epoch = self.log.epochs().latest().map(|latest| latest.epoch);
        let epoch = epoch.or_else(|| self.snapshots.last().map(|id| id.epoch)).unwrap_or(LeaderEpoch(0));
        LogEnd::new(epoch, self.log.log_end())
    }

    fn end_of(&self, epoch: LeaderEpoch) -> LogEnd {
        let end = self.end();
        if end.epoch <= epoch {
            return end;
        }
        match self.log.epoch_end_offset(epoch) {
            Some((epoch, offset)) => LogEnd::new(epoch, offset),
            None => LogEnd::default(),
        }
    }

    fn earliest_snapshot(&self) -> Option<LogEnd> {
        self.snapshots.first().map(log_end)
    }

    fn latest_snapshot(&self) -> Option<LogEnd> {
        self.snapshots.last().map(log_end)
    }
}
