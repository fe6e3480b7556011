//! Keys of replication.

use crate::key::{Key, Kind, boolean, int, long, unset};

pub(super) const BROKER: &[Key] = &[
    boolean("auto.leader.rebalance.enable", true).high(),
    boolean("controlled.shutdown.enable", true),
    long("leader.imbalance.check.interval.seconds", "300").at_least(1).high(),
    unset("num.replica.alter.log.dirs.threads", Kind::Int).high(),
    int("num.replica.fetchers", "1").at_least(1).high().cluster_wide(),
    int("replica.fetch.backoff.ms", "1000").at_least(0),
    int("replica.fetch.max.bytes", "1048576").at_least(0),
    int("replica.fetch.min.bytes", "1").high(),
    int("replica.fetch.response.max.bytes", "10485760").at_least(0),
    int("replica.fetch.wait.max.ms", "500").high(),
    long("replica.high.watermark.checkpoint.interval.ms", "5000").high(),
    long("replica.lag.time.max.ms", "30000").high(),
    unset("replica.selector.class", Kind::String),
    int("replica.socket.receive.buffer.bytes", "65536").high(),
    int("replica.socket.timeout.ms", "30000").high(),
    boolean("unclean.leader.election.enable", false).high().cluster_wide(),
    long("unclean.leader.election.interval.ms", "300000").at_least(1).internal(),
];
