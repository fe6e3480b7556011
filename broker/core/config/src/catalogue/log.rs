//! The log of partitions: directories, segments, retention, flushing, compaction; the broker's side of topic settings.

use super::{DISTINCT_EMPTY_OR_UNSET, DISTINCT_OR_UNSET, DISTINCT_SOME, MAX_LONG};
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, double, int, list, long, string, unset};

pub(super) const BROKER: &[Key] = &[
    int("compression.gzip.level", "-1")
        .bounds(Bounds::BetweenOr(1, 9, -1))
        .cluster_wide()
        .by("produce validation")
        .doc("The level at which the broker compresses with gzip where compression.type asks for it."),
    int("compression.lz4.level", "9")
        .between(1, 17)
        .cluster_wide()
        .by("produce validation")
        .doc("The level at which the broker compresses with lz4 where compression.type asks for it."),
    string("compression.type", "producer")
        .one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"])
        .high()
        .cluster_wide()
        .by("produce validation")
        .doc(
            "How batches are compressed in the log. The value producer keeps what the producer chose, and is the \
             only one that costs the broker nothing.",
        ),
    int("compression.zstd.level", "3")
        .between(-131_072, 22)
        .cluster_wide()
        .by("produce validation")
        .doc("The level at which the broker compresses with zstd where compression.type asks for it."),
    list("cordoned.log.dirs", "")
        .bounds(DISTINCT_EMPTY_OR_UNSET)
        .per_broker()
        .not_yet("several log directories")
        .doc("Log directories that get no new replicas, or * for all of them."),
    long("log.cleaner.backoff.ms", "15000")
        .at_least(0)
        .cluster_wide()
        .not_yet("compaction")
        .doc("How long a cleaner waits when no log has enough to clean."),
    long("log.cleaner.dedupe.buffer.size", "134217728")
        .cluster_wide()
        .not_yet("compaction")
        .doc("The memory that all cleaners together use for their maps of keys."),
    long("log.cleaner.delete.retention.ms", "86400000").at_least(0).cluster_wide().not_yet("compaction").doc(
        "How long a tombstone, and the mark of a finished transaction, stays in a compacted topic that sets \
         nothing itself. A reader that starts from the beginning must be done within this time.",
    ),
    boolean("log.cleaner.enable", true).not_yet("compaction").doc(
        "Whether compacted topics are compacted. Kafka no longer advises to turn it off, as the offsets topic \
         is one of them.",
    ),
    double("log.cleaner.io.buffer.load.factor", "0.9")
        .cluster_wide()
        .not_yet("compaction")
        .doc("How full a cleaner's map of keys may get, as a fraction. More keys a pass cost more collisions."),
    int("log.cleaner.io.buffer.size", "524288")
        .at_least(0)
        .cluster_wide()
        .not_yet("compaction")
        .doc("The memory that all cleaners together use for reading and writing."),
    double("log.cleaner.io.max.bytes.per.second", "1.7976931348623157E308")
        .cluster_wide()
        .not_yet("compaction")
        .doc("The most bytes a second, read and written, that cleaning may use on average."),
    long("log.cleaner.max.compaction.lag.ms", MAX_LONG).at_least(1).cluster_wide().not_yet("compaction").doc(
        "How long a record of a compacted topic can at most escape compaction, in topics that set nothing \
         themselves.",
    ),
    double("log.cleaner.min.cleanable.ratio", "0.5")
        .between(0, 1)
        .cluster_wide()
        .not_yet("compaction")
        .doc("The fraction of a log that must be dirty before it is compacted, in topics that set nothing themselves."),
    long("log.cleaner.min.compaction.lag.ms", "0")
        .at_least(0)
        .cluster_wide()
        .not_yet("compaction")
        .doc("How long a record is at least left alone by compaction, in topics that set nothing themselves."),
    int("log.cleaner.threads", "1")
        .at_least(0)
        .cluster_wide()
        .not_yet("compaction")
        .doc("How many logs are compacted at one time."),
    list("log.cleanup.policy", "delete")
        .bounds(Bounds::Distinct { entries: &["compact", "delete"], empty: true, null: false })
        .cluster_wide()
        .by("commit-log retention")
        .doc(
            "What becomes of old segments in topics that set nothing themselves: delete removes them, compact keeps \
             the last record of each key. Both may be listed, and an empty list keeps everything.",
        ),
    list("log.dir", "/tmp/kafka-logs")
        .bounds(DISTINCT_SOME)
        .high()
        .by("log directories")
        .doc("The directory of the log where log.dirs is not set."),
    long("log.dir.failure.timeout.ms", "30000").at_least(1).low().not_yet("several log directories").doc(
        "How long a broker tries to tell the controller that one of its directories failed and led a partition. \
         Then it stops.",
    ),
    unset("log.dirs", Kind::List)
        .bounds(DISTINCT_OR_UNSET)
        .high()
        .by("log directories")
        .doc("The directories in which partitions are kept. Each belongs to one node only."),
    long("log.flush.interval.messages", MAX_LONG).at_least(1).high().cluster_wide().by("flushing").doc(
        "After how many records a partition is synced to disk, in topics that set nothing themselves. By \
             default this is left to the system, and replication keeps records safe.",
    ),
    unset("log.flush.interval.ms", Kind::Long).high().cluster_wide().by("flushing").doc(
        "After how long a partition is synced to disk, in topics that set nothing themselves. If unset, \
         log.flush.scheduler.interval.ms is taken.",
    ),
    int("log.flush.offset.checkpoint.interval.ms", "60000")
        .at_least(0)
        .high()
        .by("commit-log recovery points")
        .doc("How often the recovery points are written down: what lies before them needs no check after a crash."),
    long("log.flush.scheduler.interval.ms", MAX_LONG).high().by("flushing").doc(
        "After how long a partition is synced to disk where log.flush.interval.ms is unset. The broker looks for \
             partitions that are due once a second, whatever this is.",
    ),
    int("log.flush.start.offset.checkpoint.interval.ms", "60000")
        .at_least(0)
        .high()
        .by("commit-log recovery points")
        .doc(
            "How often the log start offsets are written down, so that deleted records do not come back after a \
             crash.",
        ),
    int("log.index.interval.bytes", "4096")
        .at_least(0)
        .cluster_wide()
        .by("commit-log indexes")
        .doc("After how many bytes of records the offset index gets an entry, in topics that set nothing themselves."),
    int("log.index.size.max.bytes", "10485760").at_least(4).cluster_wide().by("commit-log indexes").doc(
        "How large the index of a segment may get before the segment is rolled, in topics that set nothing \
         themselves.",
    ),
    long("log.initial.task.delay.ms", "30000")
        .at_least(0)
        .low()
        .internal()
        .by("commit-log retention")
        .doc("How long after the start the background work of the log begins."),
    long("log.message.timestamp.after.max.ms", "3600000").at_least(0).cluster_wide().by("produce validation").doc(
        "How far a record's timestamp may lie in the future of the broker's clock, in topics that set nothing \
         themselves. Without effect where the broker sets the timestamp.",
    ),
    long("log.message.timestamp.before.max.ms", MAX_LONG).at_least(0).cluster_wide().by("produce validation").doc(
        "How far a record's timestamp may lie in the past of the broker's clock, in topics that set nothing \
         themselves. Without effect where the broker sets the timestamp.",
    ),
    string("log.message.timestamp.type", "CreateTime")
        .one_of(&["CreateTime", "LogAppendTime"])
        .cluster_wide()
        .by("produce validation")
        .doc(
            "Whether records carry the producer's time or the time at which the broker appended them, in topics \
             that set nothing themselves.",
        ),
    boolean("log.preallocate", false)
        .cluster_wide()
        .no_effect("space for segments is reserved by the file system as they grow")
        .doc("Whether a new segment's file is made in its full size at once."),
    long("log.retention.bytes", "-1").high().cluster_wide().by("commit-log retention").doc(
        "How many bytes a partition keeps before its oldest segments go, in topics that set nothing themselves. \
         A negative value means no limit.",
    ),
    long("log.retention.check.interval.ms", "300000")
        .at_least(1)
        .by("commit-log retention")
        .doc("How often old segments are looked for."),
    int("log.retention.hours", "168")
        .high()
        .by("commit-log retention")
        .doc("How many hours records are kept where neither log.retention.minutes nor log.retention.ms is set."),
    unset("log.retention.minutes", Kind::Int)
        .high()
        .by("commit-log retention")
        .doc("How many minutes records are kept where log.retention.ms is not set."),
    unset("log.retention.ms", Kind::Long)
        .high()
        .cluster_wide()
        .by("commit-log retention")
        .doc("How long records are kept, in topics that set nothing themselves. −1 keeps them for ever."),
    int("log.roll.hours", "168")
        .at_least(1)
        .high()
        .by("commit-log roll")
        .doc("After how many hours a segment is closed where log.roll.ms is not set."),
    int("log.roll.jitter.hours", "0")
        .at_least(0)
        .high()
        .by("commit-log roll")
        .doc("The most hours by which a segment is closed early where log.roll.jitter.ms is not set."),
    unset("log.roll.jitter.ms", Kind::Long)
        .high()
        .cluster_wide()
        .by("commit-log roll")
        .doc("The most by which a segment is closed early, at random, so that not all partitions roll at once."),
    unset("log.roll.ms", Kind::Long).high().cluster_wide().by("commit-log roll").doc(
        "After how long a segment is closed and a new one begun, even if it is not full, in topics that set \
         nothing themselves.",
    ),
    int("log.segment.bytes", "1073741824")
        .at_least(1_048_576)
        .high()
        .cluster_wide()
        .by("commit-log roll")
        .doc("How large a segment's file gets before a new one is begun, in topics that set nothing themselves."),
    long("log.segment.delete.delay.ms", "60000")
        .at_least(0)
        .high()
        .cluster_wide()
        .by("commit-log retention")
        .doc("How long the files of a removed segment stay on disk, for readers that are still sending them."),
    int("max.decompressed.message.bytes", "2147483639")
        .between(1, 2_147_483_639)
        .cluster_wide()
        .by("produce validation")
        .doc("The most bytes that one compressed batch may unpack to when the broker must look inside."),
    int("message.max.bytes", "1048588")
        .at_least(0)
        .high()
        .cluster_wide()
        .by("produce validation")
        .doc("The largest batch that is accepted, after compression, in topics that set nothing themselves."),
    int("min.insync.replicas", "1").at_least(1).high().cluster_wide().by("produce validation").doc(
        "How many replicas must have a record before a producer that asks for all is told so. With too few in \
         sync, such a produce is refused.",
    ),
    int("num.recovery.threads.per.data.dir", "2")
        .at_least(1)
        .high()
        .cluster_wide()
        .no_effect("logs are recovered one after the other, on one thread")
        .doc("How many threads of each log directory check logs after a crash and close them at the end."),
];
