//! Keys of topic.

use super::MAX_LONG;
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, double, int, list, long, string, unset};

pub(super) const TOPIC: &[Key] = &[
    list("cleanup.policy", "delete")
        .bounds(Bounds::Distinct { entries: &["compact", "delete"], empty: true, null: false })
        .cluster_wide()
        .falls_back_to(&["log.cleanup.policy"]),
    int("compression.gzip.level", "-1")
        .bounds(Bounds::BetweenOr(1, 9, -1))
        .cluster_wide()
        .falls_back_to(&["compression.gzip.level"]),
    int("compression.lz4.level", "9").between(1, 17).cluster_wide().falls_back_to(&["compression.lz4.level"]),
    string("compression.type", "producer")
        .one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"])
        .cluster_wide()
        .falls_back_to(&["compression.type"]),
    int("compression.zstd.level", "3").between(-131_072, 22).cluster_wide().falls_back_to(&["compression.zstd.level"]),
    long("delete.retention.ms", "86400000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.cleaner.delete.retention.ms"]),
    boolean("errors.deadletterqueue.group.enable", false).cluster_wide(),
    long("file.delete.delay.ms", "60000").at_least(0).cluster_wide().falls_back_to(&["log.segment.delete.delay.ms"]),
    long("flush.messages", MAX_LONG).at_least(1).cluster_wide().falls_back_to(&["log.flush.interval.messages"]),
    long("flush.ms", MAX_LONG)
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.flush.interval.ms", "log.flush.scheduler.interval.ms"]),
    list("follower.replication.throttled.replicas", "").bounds(Bounds::ThrottledReplicas).cluster_wide(),
    int("index.interval.bytes", "4096").at_least(0).cluster_wide().falls_back_to(&["log.index.interval.bytes"]),
    unset("internal.segment.bytes", Kind::Int).cluster_wide().internal(),
    list("leader.replication.throttled.replicas", "").bounds(Bounds::ThrottledReplicas).cluster_wide(),
    long("local.retention.bytes", "-2").at_least(-2).cluster_wide().falls_back_to(&["log.local.retention.bytes"]),
    long("local.retention.ms", "-2").at_least(-2).cluster_wide().falls_back_to(&["log.local.retention.ms"]),
    long("max.compaction.lag.ms", MAX_LONG)
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["log.cleaner.max.compaction.lag.ms"]),
    int("max.decompressed.message.bytes", "2147483639")
        .between(1, 2_147_483_639)
        .cluster_wide()
        .falls_back_to(&["max.decompressed.message.bytes"]),
    int("max.message.bytes", "1048588").at_least(0).cluster_wide().falls_back_to(&["message.max.bytes"]),
    long("message.timestamp.after.max.ms", "3600000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.message.timestamp.after.max.ms"]),
    long("message.timestamp.before.max.ms", MAX_LONG)
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.message.timestamp.before.max.ms"]),
    string("message.timestamp.type", "CreateTime")
        .one_of(&["CreateTime", "LogAppendTime"])
        .cluster_wide()
        .falls_back_to(&["log.message.timestamp.type"]),
    double("min.cleanable.dirty.ratio", "0.5")
        .between(0, 1)
        .cluster_wide()
        .falls_back_to(&["log.cleaner.min.cleanable.ratio"]),
    long("min.compaction.lag.ms", "0").at_least(0).cluster_wide().falls_back_to(&["log.cleaner.min.compaction.lag.ms"]),
    int("min.insync.replicas", "1").at_least(1).cluster_wide().falls_back_to(&["min.insync.replicas"]),
    boolean("preallocate", false).cluster_wide().falls_back_to(&["log.preallocate"]),
    long("remote.copy.lag.bytes", "-1").at_least(-1).cluster_wide().falls_back_to(&["log.remote.copy.lag.bytes"]),
    long("remote.copy.lag.ms", "0").at_least(-1).cluster_wide().falls_back_to(&["log.remote.copy.lag.ms"]),
    boolean("remote.log.copy.disable", false).cluster_wide(),
    boolean("remote.log.delete.on.disable", false).cluster_wide(),
    boolean("remote.storage.enable", false).cluster_wide(),
    long("retention.bytes", "-1").cluster_wide().falls_back_to(&["log.retention.bytes"]),
    long("retention.ms", "604800000").at_least(-1).cluster_wide().falls_back_to(&[
        "log.retention.ms",
        "log.retention.minutes",
        "log.retention.hours",
    ]),
    int("segment.bytes", "1073741824").at_least(1_048_576).cluster_wide().falls_back_to(&["log.segment.bytes"]),
    int("segment.index.bytes", "10485760").at_least(4).cluster_wide().falls_back_to(&["log.index.size.max.bytes"]),
    long("segment.jitter.ms", "0")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["log.roll.jitter.ms", "log.roll.jitter.hours"]),
    long("segment.ms", "604800000").at_least(1).cluster_wide().falls_back_to(&["log.roll.ms", "log.roll.hours"]),
    boolean("unclean.leader.election.enable", false).cluster_wide().falls_back_to(&["unclean.leader.election.enable"]),
];
