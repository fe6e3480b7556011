//! Streams groups.

use super::{DISTINCT, DISTINCT_SOME, MAX_INT};
use crate::key::{Key, Kind, boolean, int, list, long, unset};

pub(super) const BROKER: &[Key] = &[
    long("group.streams.acceptable.recovery.lag", "10000")
        .at_least(0)
        .internal()
        .not_yet("streams groups")
        .doc("How far behind a member's copy of a state may be for the member to count as caught up."),
    int("group.streams.assignment.interval.ms", "1000")
        .at_least(0)
        .cluster_wide()
        .not_yet("streams groups")
        .doc("The shortest time between two assignments of a streams group."),
    boolean("group.streams.assignor.offload.enable", true)
        .cluster_wide()
        .internal()
        .not_yet("streams groups")
        .doc("Whether assignments of streams groups are computed beside the coordinator's main work."),
    list("group.streams.assignors", "sticky")
        .bounds(DISTINCT_SOME)
        .not_yet("streams groups")
        .doc("The assignors that the broker offers to streams groups; the first is the default."),
    int("group.streams.heartbeat.interval.ms", "5000")
        .at_least(1)
        .not_yet("streams groups")
        .doc("How often members of a streams group are told to send heartbeats."),
    int("group.streams.initial.rebalance.delay.ms", "3000")
        .at_least(0)
        .not_yet("streams groups")
        .doc("How long an empty streams group waits for more members before its first assignment."),
    int("group.streams.max.assignment.interval.ms", "15000")
        .at_least(0)
        .not_yet("streams groups")
        .doc("The most that a group may set as its streams.assignment.interval.ms."),
    int("group.streams.max.heartbeat.interval.ms", "15000")
        .at_least(1)
        .not_yet("streams groups")
        .doc("The most that a group may set as its streams.heartbeat.interval.ms."),
    int("group.streams.max.session.timeout.ms", "60000")
        .at_least(1)
        .not_yet("streams groups")
        .doc("The most that a group may set as its streams.session.timeout.ms."),
    int("group.streams.max.size", MAX_INT)
        .at_least(1)
        .not_yet("streams groups")
        .doc("How many members a streams group can have."),
    int("group.streams.max.standby.replicas", "2")
        .at_least(0)
        .not_yet("streams groups")
        .doc("The most that a group may set as its streams.num.standby.replicas."),
    int("group.streams.max.warmup.replicas", "20")
        .at_least(0)
        .internal()
        .not_yet("streams groups")
        .doc("The most that a group may set as its streams.num.warmup.replicas."),
    int("group.streams.min.assignment.interval.ms", "0")
        .at_least(0)
        .not_yet("streams groups")
        .doc("The least that a group may set as its streams.assignment.interval.ms."),
    int("group.streams.min.heartbeat.interval.ms", "5000")
        .at_least(1)
        .not_yet("streams groups")
        .doc("The least that a group may set as its streams.heartbeat.interval.ms."),
    int("group.streams.min.session.timeout.ms", "45000")
        .at_least(1)
        .not_yet("streams groups")
        .doc("The least that a group may set as its streams.session.timeout.ms."),
    int("group.streams.min.task.offset.interval.ms", "15000")
        .at_least(1)
        .internal()
        .not_yet("streams groups")
        .doc("The least that a group may set as its streams.task.offset.interval.ms."),
    int("group.streams.num.standby.replicas", "0")
        .at_least(0)
        .not_yet("streams groups")
        .doc("How many standby copies of each state a streams group keeps."),
    int("group.streams.num.warmup.replicas", "2")
        .at_least(0)
        .internal()
        .not_yet("streams groups")
        .doc("How many further copies may be warming up at one time."),
    list("group.streams.rack.aware.assignment.tags", "")
        .bounds(DISTINCT)
        .low()
        .not_yet("streams groups")
        .doc("Client tags over whose values standby copies are spread."),
    int("group.streams.session.timeout.ms", "45000")
        .at_least(1)
        .not_yet("streams groups")
        .doc("A member of a streams group that was silent for so long is removed."),
    int("group.streams.task.offset.interval.ms", "60000")
        .at_least(1)
        .internal()
        .not_yet("streams groups")
        .doc("How often members of a streams group report how far their states are."),
    unset("group.streams.topology.description.plugin.class", Kind::Class)
        .not_yet("streams groups")
        .doc("A class that is handed the topologies of streams groups."),
];
