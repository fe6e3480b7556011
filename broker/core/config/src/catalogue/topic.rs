//! What a topic can set for itself.

use super::MAX_LONG;
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, double, int, list, long, string, unset};

pub(super) const TOPIC: &[Key] = &[
    list("cleanup.policy", "delete")
        .bounds(Bounds::Distinct { entries: &["compact", "delete"], empty: true, null: false })
        .cluster_wide()
        .falls_back_to(&["log.cleanup.policy"])
        .by("commit-log retention")
        .doc(
            "What becomes of old segments: delete removes them by time and size, compact keeps the last record of \
             each key. Both may be listed, and an empty list keeps everything.",
        ),
    int("compression.gzip.level", "-1")
        .bounds(Bounds::BetweenOr(1, 9, -1))
        .cluster_wide()
        .falls_back_to(&["compression.gzip.level"])
        .by("produce validation")
        .doc("The level at which the broker compresses with gzip where compression.type asks for it."),
    int("compression.lz4.level", "9")
        .between(1, 17)
        .cluster_wide()
        .falls_back_to(&["compression.lz4.level"])
        .by("produce validation")
        .doc("The level at which the broker compresses with lz4 where compression.type asks for it."),
    string("compression.type", "producer")
        .one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"])
        .cluster_wide()
        .falls_back_to(&["compression.type"])
        .by("produce validation")
        .doc("How batches are compressed in the log. The value producer keeps what the producer chose."),
    int("compression.zstd.level", "3")
        .between(-131_072, 22)
        .cluster_wide()
        .falls_back_to(&["compression.zstd.level"])
        .by("produce validation")
        .doc("The level at which the broker compresses with zstd where compression.type asks for it."),
    long("delete.retention.ms", "86400000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.cleaner.delete.retention.ms"])
        .not_yet("compaction")
        .doc("How long a tombstone, and the mark of a finished transaction, stays in a compacted topic."),
    boolean("errors.deadletterqueue.group.enable", false)
        .cluster_wide()
        .not_yet("share groups")
        .doc("Whether share groups may use this topic for their failed records."),
    long("file.delete.delay.ms", "60000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.segment.delete.delay.ms"])
        .by("commit-log retention")
        .doc("How long the files of a removed segment stay on disk, for readers that are still sending them."),
    long("flush.messages", MAX_LONG)
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["log.flush.interval.messages"])
        .by("flushing")
        .doc("After how many records a partition is synced to disk."),
    long("flush.ms", MAX_LONG)
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.flush.interval.ms", "log.flush.scheduler.interval.ms"])
        .by("flushing")
        .doc("After how long a partition is synced to disk."),
    list("follower.replication.throttled.replicas", "")
        .bounds(Bounds::ThrottledReplicas)
        .cluster_wide()
        .not_yet("quotas")
        .doc("Replicas, as partition:broker entries or * for all, whose fetching is throttled."),
    int("index.interval.bytes", "4096")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.index.interval.bytes"])
        .by("commit-log indexes")
        .doc("After how many bytes of records the offset index gets an entry."),
    unset("internal.segment.bytes", Kind::Int)
        .cluster_wide()
        .internal()
        .by("commit-log roll")
        .doc("How large a segment gets; it may be smaller than segment.bytes allows. For tests."),
    list("leader.replication.throttled.replicas", "")
        .bounds(Bounds::ThrottledReplicas)
        .cluster_wide()
        .not_yet("quotas")
        .doc("Replicas, as partition:broker entries or * for all, to which sending is throttled."),
    long("local.retention.bytes", "-2")
        .at_least(-2)
        .cluster_wide()
        .falls_back_to(&["log.local.retention.bytes"])
        .not_yet("tiered storage")
        .doc("How many bytes of a partition stay on the broker's disk. −2 takes retention.bytes."),
    long("local.retention.ms", "-2")
        .at_least(-2)
        .cluster_wide()
        .falls_back_to(&["log.local.retention.ms"])
        .not_yet("tiered storage")
        .doc("How long records stay on the broker's disk. −2 takes retention.ms."),
    long("max.compaction.lag.ms", MAX_LONG)
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["log.cleaner.max.compaction.lag.ms"])
        .not_yet("compaction")
        .doc("How long a record can at most escape compaction."),
    int("max.decompressed.message.bytes", "2147483639")
        .between(1, 2_147_483_639)
        .cluster_wide()
        .falls_back_to(&["max.decompressed.message.bytes"])
        .by("produce validation")
        .doc("The most bytes that one compressed batch may unpack to when the broker must look inside."),
    int("max.message.bytes", "1048588")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["message.max.bytes"])
        .by("produce validation")
        .doc("The largest batch that is accepted, after compression."),
    long("message.timestamp.after.max.ms", "3600000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.message.timestamp.after.max.ms"])
        .by("produce validation")
        .doc(
            "How far a record's timestamp may lie in the future of the broker's clock. Without effect where the \
             broker sets the timestamp.",
        ),
    long("message.timestamp.before.max.ms", MAX_LONG)
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.message.timestamp.before.max.ms"])
        .by("produce validation")
        .doc(
            "How far a record's timestamp may lie in the past of the broker's clock. Without effect where the \
             broker sets the timestamp.",
        ),
    string("message.timestamp.type", "CreateTime")
        .one_of(&["CreateTime", "LogAppendTime"])
        .cluster_wide()
        .falls_back_to(&["log.message.timestamp.type"])
        .by("produce validation")
        .doc("Whether records carry the producer's time or the time at which the broker appended them."),
    double("min.cleanable.dirty.ratio", "0.5")
        .between(0, 1)
        .cluster_wide()
        .falls_back_to(&["log.cleaner.min.cleanable.ratio"])
        .not_yet("compaction")
        .doc("The fraction of a log that must be dirty before it is compacted."),
    long("min.compaction.lag.ms", "0")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.cleaner.min.compaction.lag.ms"])
        .not_yet("compaction")
        .doc("How long a record is at least left alone by compaction."),
    int("min.insync.replicas", "1")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["min.insync.replicas"])
        .by("produce validation")
        .doc("How many replicas must have a record before a producer that asks for all is told so."),
    boolean("preallocate", false)
        .cluster_wide()
        .falls_back_to(&["log.preallocate"])
        .no_effect("space for segments is reserved by the file system as they grow")
        .doc("Whether a new segment's file is made in its full size at once."),
    long("remote.copy.lag.bytes", "-1")
        .at_least(-1)
        .cluster_wide()
        .falls_back_to(&["log.remote.copy.lag.bytes"])
        .not_yet("tiered storage")
        .doc("How many bytes a closed segment may be behind the end of the log before it is copied to remote storage."),
    long("remote.copy.lag.ms", "0")
        .at_least(-1)
        .cluster_wide()
        .falls_back_to(&["log.remote.copy.lag.ms"])
        .not_yet("tiered storage")
        .doc("How old a closed segment gets before it is copied to remote storage."),
    boolean("remote.log.copy.disable", false)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("Whether no more segments are copied to remote storage; those that are there stay readable."),
    boolean("remote.log.delete.on.disable", false)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("Whether what is in remote storage is deleted when remote.storage.enable is turned off."),
    boolean("remote.storage.enable", false)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("Whether closed segments are copied to remote storage."),
    long("retention.bytes", "-1")
        .cluster_wide()
        .falls_back_to(&["log.retention.bytes"])
        .by("commit-log retention")
        .doc("How many bytes a partition keeps before its oldest segments go. A negative value means no limit."),
    long("retention.ms", "604800000")
        .at_least(-1)
        .cluster_wide()
        .falls_back_to(&["log.retention.ms", "log.retention.minutes", "log.retention.hours"])
        .by("commit-log retention")
        .doc("How long records are kept. −1 keeps them for ever."),
    int("segment.bytes", "1073741824")
        .at_least(1_048_576)
        .cluster_wide()
        .falls_back_to(&["log.segment.bytes"])
        .by("commit-log roll")
        .doc("How large a segment's file gets before a new one is begun."),
    int("segment.index.bytes", "10485760")
        .at_least(4)
        .cluster_wide()
        .falls_back_to(&["log.index.size.max.bytes"])
        .by("commit-log indexes")
        .doc("How large the index of a segment may get before the segment is rolled."),
    long("segment.jitter.ms", "0")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.roll.jitter.ms", "log.roll.jitter.hours"])
        .by("commit-log roll")
        .doc("The most by which a segment is closed early, at random, so that not all partitions roll at once."),
    long("segment.ms", "604800000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["log.roll.ms", "log.roll.hours"])
        .by("commit-log roll")
        .doc("After how long a segment is closed and a new one begun, even if it is not full."),
    boolean("unclean.leader.election.enable", false)
        .cluster_wide()
        .falls_back_to(&["unclean.leader.election.enable"])
        .by("leader election")
        .doc("Whether a replica that is not in sync may lead a partition when no other is left. Records can be lost."),
];
