//! Keys of streams.

use super::{DISTINCT, DISTINCT_SOME, MAX_INT};
use crate::key::{Key, Kind, boolean, int, list, long, unset};

pub(super) const BROKER: &[Key] = &[
    long("group.streams.acceptable.recovery.lag", "10000").at_least(0).internal(),
    int("group.streams.assignment.interval.ms", "1000").at_least(0).cluster_wide(),
    boolean("group.streams.assignor.offload.enable", true).cluster_wide().internal(),
    list("group.streams.assignors", "sticky").bounds(DISTINCT_SOME),
    int("group.streams.heartbeat.interval.ms", "5000").at_least(1),
    int("group.streams.initial.rebalance.delay.ms", "3000").at_least(0),
    int("group.streams.max.assignment.interval.ms", "15000").at_least(0),
    int("group.streams.max.heartbeat.interval.ms", "15000").at_least(1),
    int("group.streams.max.session.timeout.ms", "60000").at_least(1),
    int("group.streams.max.size", MAX_INT).at_least(1),
    int("group.streams.max.standby.replicas", "2").at_least(0),
    int("group.streams.max.warmup.replicas", "20").at_least(0).internal(),
    int("group.streams.min.assignment.interval.ms", "0").at_least(0),
    int("group.streams.min.heartbeat.interval.ms", "5000").at_least(1),
    int("group.streams.min.session.timeout.ms", "45000").at_least(1),
    int("group.streams.min.task.offset.interval.ms", "15000").at_least(1).internal(),
    int("group.streams.num.standby.replicas", "0").at_least(0),
    int("group.streams.num.warmup.replicas", "2").at_least(0).internal(),
    list("group.streams.rack.aware.assignment.tags", "").bounds(DISTINCT).low(),
    int("group.streams.session.timeout.ms", "45000").at_least(1),
    int("group.streams.task.offset.interval.ms", "60000").at_least(1).internal(),
    unset("group.streams.topology.description.plugin.class", Kind::Class),
];
