//! Keys of group.

use super::{DISTINCT_SOME, MAX_INT};
use crate::bounds::Bounds;
use crate::key::{Key, boolean, int, list, long, short, string};

pub(super) const BROKER: &[Key] = &[
    int("group.consumer.assignment.interval.ms", "1000").at_least(0).cluster_wide(),
    boolean("group.consumer.assignor.offload.enable", true).cluster_wide().internal(),
    list("group.consumer.assignors", "uniform,range").bounds(DISTINCT_SOME),
    int("group.consumer.heartbeat.interval.ms", "5000").at_least(1),
    int("group.consumer.max.assignment.interval.ms", "15000").at_least(0),
    int("group.consumer.max.heartbeat.interval.ms", "15000").at_least(1),
    int("group.consumer.max.session.timeout.ms", "60000").at_least(1),
    int("group.consumer.max.size", MAX_INT).at_least(1),
    string("group.consumer.migration.policy", "bidirectional").bounds(Bounds::OneOfAnyCase(&[
        "DISABLED",
        "DOWNGRADE",
        "UPGRADE",
        "BIDIRECTIONAL",
    ])),
    int("group.consumer.min.assignment.interval.ms", "0").at_least(0),
    int("group.consumer.min.heartbeat.interval.ms", "5000").at_least(1),
    int("group.consumer.min.session.timeout.ms", "45000").at_least(1),
    int("group.consumer.regex.refresh.interval.ms", "600000").at_least(10_000).internal(),
    int("group.consumer.session.timeout.ms", "45000").at_least(1),
    int("group.coordinator.append.linger.ms", "-1").at_least(-1),
    int("group.coordinator.background.threads", "2").at_least(1).high(),
    int("group.coordinator.cached.buffer.max.bytes", "1048588").at_least(524_288).cluster_wide(),
    list("group.coordinator.rebalance.protocols", "classic,consumer,streams").bounds(Bounds::Distinct {
        entries: &["consumer", "classic", "share", "streams"],
        empty: false,
        null: false,
    }),
    int("group.coordinator.threads", "4").at_least(1).high(),
    int("group.initial.rebalance.delay.ms", "3000"),
    int("group.max.session.timeout.ms", "1800000"),
    int("group.max.size", MAX_INT).at_least(1),
    int("group.min.session.timeout.ms", "6000"),
    int("offset.metadata.max.bytes", "4096").high(),
    int("offsets.commit.timeout.ms", "5000").at_least(1).high(),
    int("offsets.load.buffer.size", "5242880").at_least(1).high(),
    long("offsets.retention.check.interval.ms", "600000").at_least(1).high(),
    int("offsets.retention.minutes", "10080").at_least(1).high(),
    int("offsets.topic.compression.codec", "0").high(),
    int("offsets.topic.num.partitions", "50").at_least(1).high(),
    short("offsets.topic.replication.factor", "3").at_least(1).high(),
    int("offsets.topic.segment.bytes", "104857600").at_least(1).high(),
];
