//! Classic and consumer groups, and the offsets topic.

use super::{DISTINCT_SOME, MAX_INT};
use crate::bounds::Bounds;
use crate::key::{Key, boolean, int, list, long, short, string};

pub(super) const BROKER: &[Key] = &[
    int("group.consumer.assignment.interval.ms", "1000")
        .at_least(0)
        .cluster_wide()
        .not_yet("the consumer rebalance protocol")
        .doc("The shortest time between two assignments of a consumer group."),
    boolean("group.consumer.assignor.offload.enable", true)
        .cluster_wide()
        .internal()
        .not_yet("the consumer rebalance protocol")
        .doc("Whether assignments of consumer groups are computed beside the coordinator's main work."),
    list("group.consumer.assignors", "uniform,range")
        .bounds(DISTINCT_SOME)
        .not_yet("the consumer rebalance protocol")
        .doc("The assignors that the broker offers to consumer groups; the first is the default."),
    int("group.consumer.heartbeat.interval.ms", "5000")
        .at_least(1)
        .not_yet("the consumer rebalance protocol")
        .doc("How often members of a consumer group are told to send heartbeats."),
    int("group.consumer.max.assignment.interval.ms", "15000")
        .at_least(0)
        .not_yet("the consumer rebalance protocol")
        .doc("The most that a group may set as its consumer.assignment.interval.ms."),
    int("group.consumer.max.heartbeat.interval.ms", "15000")
        .at_least(1)
        .not_yet("the consumer rebalance protocol")
        .doc("The most that a group may set as its consumer.heartbeat.interval.ms."),
    int("group.consumer.max.session.timeout.ms", "60000")
        .at_least(1)
        .not_yet("the consumer rebalance protocol")
        .doc("The most that a group may set as its consumer.session.timeout.ms."),
    int("group.consumer.max.size", MAX_INT)
        .at_least(1)
        .not_yet("the consumer rebalance protocol")
        .doc("How many members a consumer group can have."),
    string("group.consumer.migration.policy", "bidirectional")
        .bounds(Bounds::OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]))
        .not_yet("the consumer rebalance protocol")
        .doc("Which way groups may change between the classic and the consumer protocol as their members do."),
    int("group.consumer.min.assignment.interval.ms", "0")
        .at_least(0)
        .not_yet("the consumer rebalance protocol")
        .doc("The least that a group may set as its consumer.assignment.interval.ms."),
    int("group.consumer.min.heartbeat.interval.ms", "5000")
        .at_least(1)
        .not_yet("the consumer rebalance protocol")
        .doc("The least that a group may set as its consumer.heartbeat.interval.ms."),
    int("group.consumer.min.session.timeout.ms", "45000")
        .at_least(1)
        .not_yet("the consumer rebalance protocol")
        .doc("The least that a group may set as its consumer.session.timeout.ms."),
    int("group.consumer.regex.refresh.interval.ms", "600000")
        .at_least(10_000)
        .internal()
        .not_yet("the consumer rebalance protocol")
        .doc("How often the topics that match a group's pattern are looked up anew."),
    int("group.consumer.session.timeout.ms", "45000")
        .at_least(1)
        .not_yet("the consumer rebalance protocol")
        .doc("A member of a consumer group that was silent for so long is removed."),
    int("group.coordinator.append.linger.ms", "-1")
        .at_least(-1)
        .no_effect("a shard of groups writes what is waiting in one append, so there is nothing to linger for")
        .doc("How long a coordinator collects records before it writes them. −1 lets the coordinator choose."),
    int("group.coordinator.background.threads", "2")
        .at_least(1)
        .high()
        .no_effect("coordinators run on the same threads as requests")
        .doc("How many threads do the coordinators' background work."),
    int("group.coordinator.cached.buffer.max.bytes", "1048588")
        .at_least(524_288)
        .cluster_wide()
        .no_effect("append buffers are not kept between writes")
        .doc("How large an append buffer may be that a coordinator keeps for its next write."),
    list("group.coordinator.rebalance.protocols", "classic,consumer,streams")
        .bounds(Bounds::Distinct { entries: &["consumer", "classic", "share", "streams"], empty: false, null: false })
        .not_yet("group protocols beside the classic one")
        .doc("The group protocols that are served. Classic is always among them."),
    int("group.coordinator.threads", "4")
        .at_least(1)
        .high()
        .no_effect("coordinators run on the same threads as requests")
        .doc("How many threads run group coordinators."),
    int("group.initial.rebalance.delay.ms", "3000").by("group coordinator").doc(
        "How long an empty classic group waits for more members before its first rebalance. Each that joins \
         extends it, up to the rebalance timeout.",
    ),
    int("group.max.session.timeout.ms", "1800000")
        .by("group coordinator")
        .doc("The longest session timeout that a member of a classic group may ask for."),
    int("group.max.size", MAX_INT)
        .at_least(1)
        .by("group coordinator")
        .doc("How many members a classic group can have."),
    int("group.min.session.timeout.ms", "6000")
        .by("group coordinator")
        .doc("The shortest session timeout that a member of a classic group may ask for."),
    int("offset.metadata.max.bytes", "4096")
        .high()
        .by("offsets")
        .doc("The longest text that may come along with a committed offset."),
    int("offsets.commit.timeout.ms", "5000")
        .at_least(1)
        .high()
        .by("offsets")
        .doc("How long the commit of an offset waits for the replicas of the offsets topic."),
    int("offsets.load.buffer.size", "5242880")
        .at_least(1)
        .high()
        .by("offsets")
        .doc("How many bytes are read at a time when a coordinator loads its part of the offsets topic."),
    long("offsets.retention.check.interval.ms", "600000")
        .at_least(1)
        .high()
        .by("offsets")
        .doc("How often expired offsets are looked for."),
    int("offsets.retention.minutes", "10080").at_least(1).high().by("offsets").doc(
        "How many minutes offsets are kept after their group has become empty, or after their commit if the \
         client assigns partitions itself.",
    ),
    int("offsets.topic.compression.codec", "0")
        .high()
        .not_yet("compression of the offsets topic")
        .doc("The codec of the offsets topic, by its number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
    int("offsets.topic.num.partitions", "50")
        .at_least(1)
        .high()
        .by("offsets")
        .doc("How many partitions the offsets topic gets when it is created. Later changes have no effect."),
    short("offsets.topic.replication.factor", "3")
        .at_least(1)
        .high()
        .by("offsets")
        .doc("How many replicas the offsets topic gets. It is not created before there are as many brokers."),
    int("offsets.topic.segment.bytes", "104857600")
        .at_least(1)
        .high()
        .by("offsets")
        .doc("How large a segment of the offsets topic gets. Small ones load faster."),
];
