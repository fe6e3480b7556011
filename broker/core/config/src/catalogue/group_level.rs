//! What a group can set for itself.

use super::DISTINCT;
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, int, list, long, string, unset};

pub(super) const GROUP: &[Key] = &[
    int("consumer.assignment.interval.ms", "1000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["group.consumer.assignment.interval.ms"])
        .not_yet("the consumer rebalance protocol")
        .doc("The shortest time between two assignments of this consumer group."),
    boolean("consumer.assignor.offload.enable", true)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.consumer.assignor.offload.enable"])
        .not_yet("the consumer rebalance protocol")
        .doc("Whether assignments of this consumer group are computed beside the coordinator's main work."),
    int("consumer.heartbeat.interval.ms", "5000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.consumer.heartbeat.interval.ms"])
        .not_yet("the consumer rebalance protocol")
        .doc("How often members of this consumer group are told to send heartbeats."),
    int("consumer.session.timeout.ms", "45000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.consumer.session.timeout.ms"])
        .not_yet("the consumer rebalance protocol")
        .doc("A member of this consumer group that was silent for so long is removed."),
    boolean("errors.deadletterqueue.copy.record.enable", false)
        .cluster_wide()
        .not_yet("share groups")
        .doc("Whether the whole failed record is copied, and not only word of it."),
    string("errors.deadletterqueue.topic.name", "")
        .cluster_wide()
        .not_yet("share groups")
        .doc("The topic for records that this share group failed to process; none if empty."),
    int("share.assignment.interval.ms", "1000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["group.share.assignment.interval.ms"])
        .not_yet("share groups")
        .doc("The shortest time between two assignments of this share group."),
    boolean("share.assignor.offload.enable", true)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.share.assignor.offload.enable"])
        .not_yet("share groups")
        .doc("Whether assignments of this share group are computed beside the coordinator's main work."),
    string("share.auto.offset.reset", "latest")
        .bounds(Bounds::ShareStart)
        .cluster_wide()
        .not_yet("share groups")
        .doc("Where this share group begins to read a partition: latest, earliest, or a duration back in time."),
    int("share.delivery.count.limit", "5")
        .at_least(2)
        .cluster_wide()
        .falls_back_to(&["group.share.delivery.count.limit"])
        .not_yet("share groups")
        .doc("How often a record is delivered to this share group before it counts as failed."),
    int("share.heartbeat.interval.ms", "5000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.share.heartbeat.interval.ms"])
        .not_yet("share groups")
        .doc("How often members of this share group are told to send heartbeats."),
    string("share.isolation.level", "read_uncommitted")
        .one_of(&["read_committed", "read_uncommitted"])
        .cluster_wide()
        .not_yet("share groups")
        .doc("Whether records of open and aborted transactions are delivered to this share group."),
    int("share.partition.max.record.locks", "2000")
        .at_least(100)
        .cluster_wide()
        .falls_back_to(&["group.share.partition.max.record.locks"])
        .not_yet("share groups")
        .doc("How many records of a partition may be out for delivery to this share group at one time."),
    int("share.record.lock.duration.ms", "30000")
        .at_least(1_000)
        .cluster_wide()
        .falls_back_to(&["group.share.record.lock.duration.ms"])
        .not_yet("share groups")
        .doc("How long a delivered record is kept from other members of this share group before it is offered again."),
    boolean("share.renew.acknowledge.enable", true)
        .cluster_wide()
        .not_yet("share groups")
        .doc("Whether members may extend the time for which a record is theirs."),
    int("share.session.timeout.ms", "45000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.share.session.timeout.ms"])
        .not_yet("share groups")
        .doc("A member of this share group that was silent for so long is removed."),
    long("streams.acceptable.recovery.lag", "10000")
        .at_least(0)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.streams.acceptable.recovery.lag"])
        .not_yet("streams groups")
        .doc("How far behind a member's copy of a state may be for the member to count as caught up."),
    int("streams.assignment.interval.ms", "1000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["group.streams.assignment.interval.ms"])
        .not_yet("streams groups")
        .doc("The shortest time between two assignments of this streams group."),
    unset("streams.assignor.name", Kind::String)
        .cluster_wide()
        .falls_back_to(&["group.streams.assignors"])
        .not_yet("streams groups")
        .doc("The assignor of this streams group; the broker's first if unset."),
    boolean("streams.assignor.offload.enable", true)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.streams.assignor.offload.enable"])
        .not_yet("streams groups")
        .doc("Whether assignments of this streams group are computed beside the coordinator's main work."),
    int("streams.heartbeat.interval.ms", "5000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.streams.heartbeat.interval.ms"])
        .not_yet("streams groups")
        .doc("How often members of this streams group are told to send heartbeats."),
    int("streams.initial.rebalance.delay.ms", "3000")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["group.streams.initial.rebalance.delay.ms"])
        .not_yet("streams groups")
        .doc("How long this streams group waits, when empty, for more members before its first assignment."),
    int("streams.num.standby.replicas", "0")
        .at_least(0)
        .cluster_wide()
        .falls_back_to(&["group.streams.num.standby.replicas"])
        .not_yet("streams groups")
        .doc("How many standby copies of each state this streams group keeps."),
    int("streams.num.warmup.replicas", "2")
        .at_least(0)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.streams.num.warmup.replicas"])
        .not_yet("streams groups")
        .doc("How many further copies may be warming up at one time."),
    list("streams.rack.aware.assignment.tags", "")
        .bounds(DISTINCT)
        .low()
        .cluster_wide()
        .falls_back_to(&["group.streams.rack.aware.assignment.tags"])
        .not_yet("streams groups")
        .doc("Client tags over whose values standby copies are spread."),
    int("streams.session.timeout.ms", "45000")
        .at_least(1)
        .cluster_wide()
        .falls_back_to(&["group.streams.session.timeout.ms"])
        .not_yet("streams groups")
        .doc("A member of this streams group that was silent for so long is removed."),
    int("streams.task.offset.interval.ms", "60000")
        .at_least(1)
        .cluster_wide()
        .internal()
        .falls_back_to(&["group.streams.task.offset.interval.ms"])
        .not_yet("streams groups")
        .doc("How often members of this streams group report how far their states are."),
];
