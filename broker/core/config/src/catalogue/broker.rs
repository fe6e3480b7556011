//! Keys of broker.

use super::{DISTINCT, MAX_LONG};
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, int, list, long, required, unset};

pub(super) const BROKER: &[Key] = &[
    unset("alter.config.policy.class.name", Kind::Class).low(),
    boolean("auto.create.topics.enable", true).high(),
    int("background.threads", "10").at_least(1).high().cluster_wide(),
    int("broker.id", "-1").high(),
    unset("broker.rack", Kind::String),
    list("config.providers", "").bounds(DISTINCT).low().cluster_wide(),
    unset("create.topic.policy.class.name", Kind::Class).low(),
    int("default.replication.factor", "1"),
    int("delete.records.purgatory.purge.interval.requests", "1"),
    boolean("delete.topic.enable", true).high(),
    int("fetch.max.bytes", "57671680").at_least(1_024),
    int("fetch.purgatory.purge.interval.requests", "1000"),
    int("max.incremental.fetch.session.cache.slots", "1000").at_least(0),
    int("max.request.partition.size.limit", "2000").at_least(1),
    required("node.id", Kind::Int).at_least(0).high(),
    int("num.io.threads", "8").at_least(1).high().cluster_wide(),
    int("num.partitions", "1").at_least(1),
    required("process.roles", Kind::List)
        .bounds(Bounds::Distinct { entries: &["broker", "controller"], empty: false, null: false })
        .high(),
    int("producer.purgatory.purge.interval.requests", "1000"),
    int("request.timeout.ms", "30000").high(),
    long("server.max.startup.time.ms", MAX_LONG).at_least(0).internal(),
    boolean("unstable.api.versions.enable", false).high().internal(),
    boolean("unstable.feature.versions.enable", false).high().internal(),
];
