//! Keys of log.

use super::{DISTINCT_EMPTY_OR_UNSET, DISTINCT_OR_UNSET, DISTINCT_SOME, MAX_LONG};
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, double, int, list, long, string, unset};

pub(super) const BROKER: &[Key] = &[
    int("compression.gzip.level", "-1").bounds(Bounds::BetweenOr(1, 9, -1)).cluster_wide(),
    int("compression.lz4.level", "9").between(1, 17).cluster_wide(),
    string("compression.type", "producer")
        .one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"])
        .high()
        .cluster_wide(),
    int("compression.zstd.level", "3").between(-131_072, 22).cluster_wide(),
    list("cordoned.log.dirs", "").bounds(DISTINCT_EMPTY_OR_UNSET).per_broker(),
    long("log.cleaner.backoff.ms", "15000").at_least(0).cluster_wide(),
    long("log.cleaner.dedupe.buffer.size", "134217728").cluster_wide(),
    long("log.cleaner.delete.retention.ms", "86400000").at_least(0).cluster_wide(),
    boolean("log.cleaner.enable", true),
    double("log.cleaner.io.buffer.load.factor", "0.9").cluster_wide(),
    int("log.cleaner.io.buffer.size", "524288").at_least(0).cluster_wide(),
    double("log.cleaner.io.max.bytes.per.second", "1.7976931348623157E308").cluster_wide(),
    long("log.cleaner.max.compaction.lag.ms", MAX_LONG).at_least(1).cluster_wide(),
    double("log.cleaner.min.cleanable.ratio", "0.5").between(0, 1).cluster_wide(),
    long("log.cleaner.min.compaction.lag.ms", "0").at_least(0).cluster_wide(),
    int("log.cleaner.threads", "1").at_least(0).cluster_wide(),
    list("log.cleanup.policy", "delete")
        .bounds(Bounds::Distinct { entries: &["compact", "delete"], empty: true, null: false })
        .cluster_wide(),
    list("log.dir", "/tmp/kafka-logs").bounds(DISTINCT_SOME).high(),
    long("log.dir.failure.timeout.ms", "30000").at_least(1).low(),
    unset("log.dirs", Kind::List).bounds(DISTINCT_OR_UNSET).high(),
    long("log.flush.interval.messages", MAX_LONG).at_least(1).high().cluster_wide(),
    unset("log.flush.interval.ms", Kind::Long).high().cluster_wide(),
    int("log.flush.offset.checkpoint.interval.ms", "60000").at_least(0).high(),
    long("log.flush.scheduler.interval.ms", MAX_LONG).high(),
    int("log.flush.start.offset.checkpoint.interval.ms", "60000").at_least(0).high(),
    int("log.index.interval.bytes", "4096").at_least(0).cluster_wide(),
    int("log.index.size.max.bytes", "10485760").at_least(4).cluster_wide(),
    long("log.initial.task.delay.ms", "30000").at_least(0).low().internal(),
    long("log.message.timestamp.after.max.ms", "3600000").at_least(0).cluster_wide(),
    long("log.message.timestamp.before.max.ms", MAX_LONG).at_least(0).cluster_wide(),
    string("log.message.timestamp.type", "CreateTime").one_of(&["CreateTime", "LogAppendTime"]).cluster_wide(),
    boolean("log.preallocate", false).cluster_wide(),
    long("log.retention.bytes", "-1").high().cluster_wide(),
    long("log.retention.check.interval.ms", "300000").at_least(1),
    int("log.retention.hours", "168").high(),
    unset("log.retention.minutes", Kind::Int).high(),
    unset("log.retention.ms", Kind::Long).high().cluster_wide(),
    int("log.roll.hours", "168").at_least(1).high(),
    int("log.roll.jitter.hours", "0").at_least(0).high(),
    unset("log.roll.jitter.ms", Kind::Long).high().cluster_wide(),
    unset("log.roll.ms", Kind::Long).high().cluster_wide(),
    int("log.segment.bytes", "1073741824").at_least(1_048_576).high().cluster_wide(),
    long("log.segment.delete.delay.ms", "60000").at_least(0).high().cluster_wide(),
    int("max.decompressed.message.bytes", "2147483639").between(1, 2_147_483_639).cluster_wide(),
    int("message.max.bytes", "1048588").at_least(0).high().cluster_wide(),
    int("min.insync.replicas", "1").at_least(1).high().cluster_wide(),
    int("num.recovery.threads.per.data.dir", "2").at_least(1).high().cluster_wide(),
];
