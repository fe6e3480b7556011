//! Keys of quorum.

use super::DISTINCT_SOME;
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, int, list, long, required, unset};

pub(super) const BROKER: &[Key] = &[
    int("broker.heartbeat.interval.ms", "2000"),
    int("broker.session.timeout.ms", "9000"),
    required("controller.listener.names", Kind::List).bounds(DISTINCT_SOME).high(),
    long("controller.performance.always.log.threshold.ms", "2000").at_least(0).internal(),
    long("controller.performance.sample.period.ms", "60000").at_least(100).internal(),
    int("controller.quorum.append.linger.ms", "25").at_least(0),
    boolean("controller.quorum.auto.join.enable", false).low(),
    list("controller.quorum.bootstrap.servers", "").bounds(Bounds::BootstrapServers).high(),
    int("controller.quorum.election.backoff.max.ms", "1000").at_least(0).high(),
    int("controller.quorum.election.timeout.ms", "1000").at_least(0).high(),
    int("controller.quorum.fetch.max.bytes", "1048576").at_least(1).low(),
    int("controller.quorum.fetch.snapshot.max.bytes", "1048576").at_least(1).low(),
    int("controller.quorum.fetch.timeout.ms", "2000").at_least(0).high(),
    int("controller.quorum.request.timeout.ms", "2000").at_least(0),
    int("controller.quorum.retry.backoff.ms", "20").at_least(0).low(),
    list("controller.quorum.voters", "").bounds(Bounds::Voters).high(),
    int("controller.socket.timeout.ms", "30000"),
    int("initial.broker.registration.timeout.ms", "60000"),
    long("internal.metadata.delete.delay.millis", "60000").low().internal(),
    unset("internal.metadata.log.segment.bytes", Kind::Int).low().internal(),
    int("internal.metadata.max.batch.size.in.bytes", "8388608").low().internal(),
    unset("metadata.log.dir", Kind::String).high(),
    long("metadata.log.max.record.bytes.between.snapshots", "20971520").at_least(1).high(),
    long("metadata.log.max.snapshot.interval.ms", "3600000").at_least(0).high(),
    int("metadata.log.segment.bytes", "1073741824").at_least(8_388_608).high(),
    long("metadata.log.segment.ms", "604800000").high(),
    int("metadata.max.idle.interval.ms", "500").at_least(0).low(),
    long("metadata.max.retention.bytes", "104857600").high(),
    long("metadata.max.retention.ms", "604800000").high(),
];
