//! How things are called on disk: the files of a partition's folder, of a log directory, and the suffixes of what is on
//! its way in or out. All names are Kafka's; its tools and its broker find their way by them.

use std::path::{Path, PathBuf};

use ottla_vocabulary::{Offset, TopicPartition, Uuid};

/// Suffix of a segment's records.
pub const LOG: &str = ".log";
/// Suffix of a segment's offset index.
pub const OFFSET_INDEX: &str = ".index";
/// Suffix of a segment's time index.
pub const TIME_INDEX: &str = ".timeindex";
/// Suffix of a segment's index of aborted transactions.
pub const TRANSACTION_INDEX: &str = ".txnindex";
/// Suffix of the state of all producers before an offset.
pub const PRODUCER_SNAPSHOT: &str = ".snapshot";
/// Second suffix of what is going to be removed.
pub const DELETED: &str = ".deleted";
/// Second suffix of what compaction is writing: worthless after a crash.
pub const CLEANED: &str = ".cleaned";
/// Second suffix of what compaction has finished: to take its place after a crash.
pub const SWAP: &str = ".swap";
/// What Kafka appends to snapshots of the metadata topic that are going to be removed; its own recovery handles them.
pub const CHECKPOINT_DELETED: &str = ".checkpoint.deleted";

/// The partition's leader epochs.
pub const LEADER_EPOCHS: &str = "leader-epoch-checkpoint";
/// The partition's topic id.
pub const PARTITION_METADATA: &str = "partition.metadata";

/// There when a sync failed: what memory shows of the partition may not be on disk. Ours alone; Kafka ignores it.
pub const SYNC_FAILED: &str = "ottla-sync-failed";

/// The lock of a log directory.
pub const LOCK: &str = ".lock";
/// Who a log directory belongs to.
pub const META_PROPERTIES: &str = "meta.properties";
/// There after a clean stop only.
pub const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";
/// Up to where each partition is known to be on disk.
pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
/// The high watermarks.
pub const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";
/// Up to where Kafka's compaction has been in each partition.
pub const CLEANER_OFFSETS: &str = "cleaner-offset-checkpoint";
/// Log start offsets that lie within a segment.
pub const LOG_STARTS: &str = "log-start-offset-checkpoint";

/// The name of a segment's file: its base offset in twenty digits and a suffix.
pub fn segment_file(base: Offset, suffix: &str) -> String {
    format!("{:020}{suffix}", base.0)
}

/// Its path within a partition's folder.
pub fn segment_path(folder: &Path, base: Offset, suffix: &str) -> PathBuf {
    folder.join(segment_file(base, suffix))
}

/// What a file in a partition's folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartitionFile {
    /// A segment's records.
    Log(Offset),
    /// A segment's offset index.
    OffsetIndex(Offset),
    /// A segment's time index.
    TimeIndex(Offset),
    /// A segment's aborted transactions.
    TransactionIndex(Offset),
    /// The producers before an offset.
    ProducerSnapshot(Offset),
    /// Something that was going to be removed, or was only half written.
    Leftover,
    /// A segment's file that compaction finished and had not yet put in its place.
    Swap,
    /// None of the log's: the metadata topic keeps its snapshots and its quorum state beside the segments.
    Other,
}

impl PartitionFile {
    /// Tells by the name.
    pub fn of(name: &str) -> PartitionFile {
        if name.ends_with(CHECKPOINT_DELETED) {
            return PartitionFile::Other;
        }
        if name.ends_with(DELETED) || name.ends_with(CLEANED) {
            return PartitionFile::Leftover;
        }
        if name.ends_with(SWAP) {
            return PartitionFile::Swap;
        }
        let Some((digits, suffix)) = name.split_at_checked(20) else { return PartitionFile::Other };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return PartitionFile::Other;
        }
        let Ok(base) = digits.parse().map(Offset) else { return PartitionFile::Other };
        match suffix {
            LOG => PartitionFile::Log(base),
            OFFSET_INDEX => PartitionFile::OffsetIndex(base),
            TIME_INDEX => PartitionFile::TimeIndex(base),
            TRANSACTION_INDEX => PartitionFile::TransactionIndex(base),
            PRODUCER_SNAPSHOT => PartitionFile::ProducerSnapshot(base),
            _ => PartitionFile::Other,
        }
    }
}

/// What a folder in a log directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionFolder {
    /// A partition's.
    Partition(TopicPartition),
    /// A partition's that was deleted, to be removed.
    Deleted,
    /// A partition's that was being copied here from another log directory.
    Future,
    /// A partition's that the cluster did not know of when it was last looked at.
    Stray,
    /// None of the log's.
    Other,
}

impl PartitionFolder {
    /// Tells by the name.
    pub fn of(name: &str) -> PartitionFolder {
        if let Some(partition) = TopicPartition::from_folder(name) {
            return PartitionFolder::Partition(partition);
        }
        // Kafka puts a dot, 32 digits of a random id and the word behind the partition's name.
        let in_flight = |suffix: &str| {
            let rest = name.strip_suffix(suffix);
            rest.and_then(|rest| rest.rsplit_once('.')).is_some_and(|(partition, _)| partition.contains('-'))
        };
        if in_flight("-delete") {
            PartitionFolder::Deleted
        } else if in_flight("-future") {
            PartitionFolder::Future
        } else if in_flight("-stray") {
            PartitionFolder::Stray
        } else {
            PartitionFolder::Other
        }
    }
}

/// The name of a partition's folder on its way to removal. It is cut to 255 bytes, which a file system allows, and
/// stays unique by the id.
pub fn deleted_folder(partition: &TopicPartition, unique: Uuid) -> String {
    let hex: String = unique.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let ending = format!(".{hex}-delete");
    let ending_with_index = format!("-{}{ending}", partition.partition);
    let mut topic = partition.topic.to_string();
    topic.truncate(255 - ending_with_index.len()); // topic names are ASCII
    topic + &ending_with_index
}

#[cfg(test)]
mod tests {
    use ottla_vocabulary::{PartitionIndex, TopicName};

    use super::*;

    #[test]
    fn a_partitions_files_are_told_by_their_names() {
        let at = Offset(368_769);
        assert_eq!(segment_file(at, LOG), "00000000000000368769.log");
        for (name, kind) in [
            ("00000000000000368769.log", PartitionFile::Log(at)),
            ("00000000000000368769.index", PartitionFile::OffsetIndex(at)),
            ("00000000000000368769.timeindex", PartitionFile::TimeIndex(at)),
            ("00000000000000368769.txnindex", PartitionFile::TransactionIndex(at)),
            ("00000000000000368769.snapshot", PartitionFile::ProducerSnapshot(at)),
            ("00000000000000368769.log.deleted", PartitionFile::Leftover),
            ("00000000000000368769.index.cleaned", PartitionFile::Leftover),
            ("00000000000000368769.log.swap", PartitionFile::Swap),
            ("00000000000000000004-0000000001.checkpoint", PartitionFile::Other),
            ("00000000000000000004-0000000001.checkpoint.deleted", PartitionFile::Other),
            ("+0000000000000368769.log", PartitionFile::Other),
            ("99999999999999999999.log", PartitionFile::Other),
            ("leader-epoch-checkpoint", PartitionFile::Other),
            ("quorum-state", PartitionFile::Other),
            ("äääääääääää.log", PartitionFile::Other),
        ] {
            assert_eq!(PartitionFile::of(name), kind, "{name}");
        }
    }

    #[test]
    fn a_directorys_folders_are_told_by_their_names() {
        let partition = TopicPartition::new(TopicName::new("a-b").unwrap(), PartitionIndex(7));
        let deleted = deleted_folder(&partition, Uuid::ONE);
        assert_eq!(deleted, "a-b-7.00000000000000000000000000000001-delete");
        assert_eq!(PartitionFolder::of("a-b-7"), PartitionFolder::Partition(partition));
        assert_eq!(PartitionFolder::of(&deleted), PartitionFolder::Deleted);
        assert_eq!(PartitionFolder::of("a-b-7.0123-future"), PartitionFolder::Future);
        assert_eq!(PartitionFolder::of("a-b-7.0123-stray"), PartitionFolder::Stray);
        assert_eq!(PartitionFolder::of("lost+found"), PartitionFolder::Other);
        assert_eq!(PartitionFolder::of("x-delete"), PartitionFolder::Other);
    }

    #[test]
    fn the_longest_topic_still_has_a_name_when_deleted() {
        let topic = TopicName::new(&"t".repeat(249)).unwrap();
        let deleted = deleted_folder(&TopicPartition::new(topic, PartitionIndex(i32::MAX)), Uuid::ONE);
        assert_eq!(deleted.len(), 255);
        assert_eq!(PartitionFolder::of(&deleted), PartitionFolder::Deleted);
    }
}
