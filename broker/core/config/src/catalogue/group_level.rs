//! Keys of group_level.

use super::DISTINCT;
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, int, list, long, string, unset};

pub(super) const GROUP: &[Key] = &[
    int("consumer.assignment.interval.ms", "1000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["group.consumer.assignment.interval.ms"]),
    boolean("consumer.assignor.offload.enable", true)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.consumer.assignor.offload.enable"]),
    int("consumer.heartbeat.interval.ms", "5000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.consumer.heartbeat.interval.ms"]),
    int("consumer.session.timeout.ms", "45000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.consumer.session.timeout.ms"]),
    boolean("errors.deadletterqueue.copy.record.enable", false).cluster_wide(),
    string("errors.deadletterqueue.topic.name", "").cluster_wide(),
    int("share.assignment.interval.ms", "1000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["group.share.assignment.interval.ms"]),
    boolean("share.assignor.offload.enable", true)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.share.assignor.offload.enable"]),
    string("share.auto.offset.reset", "latest").bounds(Bounds::ShareStart).cluster_wide(),
    int("share.delivery.count.limit", "5")
        .at_least(2)
        .cluster_wide()
        .falls_back_to(&["group.share.delivery.count.limit"]),
    int("share.heartbeat.interval.ms", "5000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.share.heartbeat.interval.ms"]),
    string("share.isolation.level", "read_uncommitted").one_of(&["read_committed", "read_uncommitted"]).cluster_wide(),
    int("share.partition.max.record.locks", "2000")
        .at_least(100)
        .cluster_wide()
        .falls_back_to(&["group.share.partition.max.record.locks"]),
    int("share.record.lock.duration.ms", "30000")
        .at_least(1_000)
        .cluster_wide()
        .falls_back_to(&["group.share.record.lock.duration.ms"]),
    boolean("share.renew.acknowledge.enable", true).cluster_wide(),
    int("share.session.timeout.ms", "45000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.share.session.timeout.ms"]),
    long("streams.acceptable.recovery.lag", "10000")
        .at_least(0)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.streams.acceptable.recovery.lag"]),
    int("streams.assignment.interval.ms", "1000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["group.streams.assignment.interval.ms"]),
    unset("streams.assignor.name", Kind::String).cluster_wide().falls_back_to(&["group.streams.assignors"]),
    boolean("streams.assignor.offload.enable", true)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.streams.assignor.offload.enable"]),
    int("streams.heartbeat.interval.ms", "5000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.streams.heartbeat.interval.ms"]),
    int("streams.initial.rebalance.delay.ms", "3000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["group.streams.initial.rebalance.delay.ms"]),
    int("streams.num.standby.replicas", "0")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["group.streams.num.standby.replicas"]),
    int("streams.num.warmup.replicas", "2")
        .at_least(0)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.streams.num.warmup.replicas"]),
    list("streams.rack.aware.assignment.tags", "")
        .bounds(DISTINCT)
        .low()
        .cluster_wide()
        .falls_back_to(&["group.streams.rack.aware.assignment.tags"]),
    int("streams.session.timeout.ms", "45000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.streams.session.timeout.ms"]),
    int("streams.task.offset.interval.ms", "60000")
        .at_least(1)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.streams.task.offset.interval.ms"]),
];
