//! Share groups and their coordinator.

use super::DISTINCT_SOME;
use crate::key::{Key, boolean, int, list, short, string};

pub(super) const BROKER: &[Key] = &[
    boolean("errors.deadletterqueue.auto.create.topics.enable", false)
        .cluster_wide()
        .not_yet("share groups")
        .doc("Whether a share group's topic for failed records is created when it is missing."),
    string("errors.deadletterqueue.topic.name.prefix", "dlq.")
        .cluster_wide()
        .not_yet("share groups")
        .doc("What the names of topics for failed records must begin with."),
    int("group.share.assignment.interval.ms", "1000")
        .at_least(0)
        .cluster_wide()
        .not_yet("share groups")
        .doc("The shortest time between two assignments of a share group."),
    boolean("group.share.assignor.offload.enable", true)
        .cluster_wide()
        .internal()
        .not_yet("share groups")
        .doc("Whether assignments of share groups are computed beside the coordinator's main work."),
    list("group.share.assignors", "simple")
        .bounds(DISTINCT_SOME)
        .not_yet("share groups")
        .doc("The assignor of share groups."),
    int("group.share.delivery.count.limit", "5")
        .between(2, 10)
        .not_yet("share groups")
        .doc("How often a record is delivered to a share group before it counts as failed."),
    string("group.share.dlq.manager.class.name", "org.apache.kafka.server.share.dlq.DefaultShareGroupDLQManager")
        .internal()
        .not_yet("share groups")
        .doc("The class that writes failed records to their topic."),
    int("group.share.heartbeat.interval.ms", "5000")
        .at_least(1)
        .not_yet("share groups")
        .doc("How often members of a share group are told to send heartbeats."),
    int("group.share.initialize.retry.interval.ms", "30000")
        .at_least(1)
        .low()
        .internal()
        .not_yet("share groups")
        .doc("How long the coordinator waits before it tries again to set up the state of a partition."),
    int("group.share.max.assignment.interval.ms", "15000")
        .at_least(0)
        .not_yet("share groups")
        .doc("The most that a group may set as its share.assignment.interval.ms."),
    int("group.share.max.delivery.count.limit", "10")
        .between(5, 25)
        .not_yet("share groups")
        .doc("The most that a group may set as its share.delivery.count.limit."),
    int("group.share.max.heartbeat.interval.ms", "15000")
        .at_least(1)
        .not_yet("share groups")
        .doc("The most that a group may set as its share.heartbeat.interval.ms."),
    int("group.share.max.partition.max.record.locks", "4000")
        .between(2_000, 10_000)
        .not_yet("share groups")
        .doc("The most that a group may set as its share.partition.max.record.locks."),
    int("group.share.max.record.lock.duration.ms", "60000")
        .between(30_000, 3_600_000)
        .not_yet("share groups")
        .doc("The most that a group may set as its share.record.lock.duration.ms."),
    int("group.share.max.session.timeout.ms", "60000")
        .at_least(1)
        .not_yet("share groups")
        .doc("The most that a group may set as its share.session.timeout.ms."),
    int("group.share.max.share.sessions", "2000")
        .at_least(1)
        .not_yet("share groups")
        .doc("How many sessions of share groups a broker keeps."),
    int("group.share.max.size", "200")
        .between(1, 1_000)
        .not_yet("share groups")
        .doc("How many members a share group can have."),
    int("group.share.min.assignment.interval.ms", "0")
        .at_least(0)
        .not_yet("share groups")
        .doc("The least that a group may set as its share.assignment.interval.ms."),
    int("group.share.min.delivery.count.limit", "2")
        .between(2, 5)
        .not_yet("share groups")
        .doc("The least that a group may set as its share.delivery.count.limit."),
    int("group.share.min.heartbeat.interval.ms", "5000")
        .at_least(1)
        .not_yet("share groups")
        .doc("The least that a group may set as its share.heartbeat.interval.ms."),
    int("group.share.min.partition.max.record.locks", "100")
        .between(100, 2_000)
        .not_yet("share groups")
        .doc("The least that a group may set as its share.partition.max.record.locks."),
    int("group.share.min.record.lock.duration.ms", "15000")
        .between(1_000, 30_000)
        .not_yet("share groups")
        .doc("The least that a group may set as its share.record.lock.duration.ms."),
    int("group.share.min.session.timeout.ms", "45000")
        .at_least(1)
        .not_yet("share groups")
        .doc("The least that a group may set as its share.session.timeout.ms."),
    int("group.share.partition.max.record.locks", "2000")
        .between(100, 10_000)
        .not_yet("share groups")
        .doc("How many records of a partition may be out for delivery at one time."),
    string("group.share.persister.class.name", "org.apache.kafka.server.share.persister.DefaultStatePersister")
        .internal()
        .not_yet("share groups")
        .doc("The class that keeps the state of share groups."),
    int("group.share.record.lock.duration.ms", "30000")
        .between(1_000, 3_600_000)
        .not_yet("share groups")
        .doc("How long a delivered record is kept from other members before it is offered again."),
    int("group.share.session.timeout.ms", "45000")
        .at_least(1)
        .not_yet("share groups")
        .doc("A member of a share group that was silent for so long is removed."),
    int("share.coordinator.append.linger.ms", "-1")
        .at_least(-1)
        .not_yet("share groups")
        .doc("How long the share coordinator collects records before it writes them. −1 lets it choose."),
    int("share.coordinator.cached.buffer.max.bytes", "1048588")
        .at_least(524_288)
        .cluster_wide()
        .not_yet("share groups")
        .doc("How large an append buffer may be that the share coordinator keeps for its next write."),
    int("share.coordinator.cold.partition.snapshot.interval.ms", "300000")
        .at_least(1)
        .low()
        .internal()
        .not_yet("share groups")
        .doc("How often the state of partitions that nobody reads is written anew."),
    int("share.coordinator.load.buffer.size", "5242880")
        .at_least(1)
        .high()
        .not_yet("share groups")
        .doc("How many bytes are read at a time when the share coordinator loads its state."),
    int("share.coordinator.snapshot.update.records.per.snapshot", "500")
        .between(0, 500)
        .not_yet("share groups")
        .doc("How many changes of a partition's state are written before the whole state is."),
    int("share.coordinator.state.topic.compression.codec", "0")
        .high()
        .not_yet("share groups")
        .doc("The codec of the share state topic, by its number."),
    short("share.coordinator.state.topic.min.isr", "2")
        .at_least(1)
        .high()
        .not_yet("share groups")
        .doc("min.insync.replicas of the share state topic."),
    int("share.coordinator.state.topic.num.partitions", "50")
        .at_least(1)
        .high()
        .not_yet("share groups")
        .doc("How many partitions the share state topic gets when it is created. Later changes have no effect."),
    int("share.coordinator.state.topic.prune.interval.ms", "300000")
        .at_least(1)
        .low()
        .internal()
        .not_yet("share groups")
        .doc("How often what is no longer needed is removed from the share state topic."),
    short("share.coordinator.state.topic.replication.factor", "3")
        .at_least(1)
        .high()
        .not_yet("share groups")
        .doc("How many replicas the share state topic gets. It is not created before there are as many brokers."),
    int("share.coordinator.state.topic.segment.bytes", "104857600")
        .at_least(1)
        .high()
        .not_yet("share groups")
        .doc("How large a segment of the share state topic gets."),
    int("share.coordinator.threads", "1")
        .at_least(1)
        .not_yet("share groups")
        .doc("How many threads run share coordinators."),
    int("share.coordinator.write.timeout.ms", "5000")
        .at_least(1)
        .high()
        .not_yet("share groups")
        .doc("How long a write of the share coordinator waits for its replicas."),
    int("share.fetch.purgatory.purge.interval.requests", "1000")
        .not_yet("share groups")
        .doc("After how many requests the waiting share fetches are searched for finished ones."),
];
