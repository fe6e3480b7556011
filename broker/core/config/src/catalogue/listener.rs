//! Keys of listener.

use super::{DISTINCT_EMPTY_OR_UNSET, DISTINCT_OR_UNSET, DISTINCT_SOME, MAX_INT};
use crate::key::{Key, Kind, int, list, long, string, unset};

pub(super) const BROKER: &[Key] = &[
    unset("advertised.listeners", Kind::List).bounds(DISTINCT_OR_UNSET).high(),
    int("connection.failed.authentication.delay.ms", "100").at_least(0).low(),
    long("connections.max.idle.ms", "600000"),
    unset("early.start.listeners", Kind::List).bounds(DISTINCT_EMPTY_OR_UNSET).high(),
    unset("inter.broker.listener.name", Kind::String),
    string(
        "listener.security.protocol.map",
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
    )
    .low()
    .per_broker(),
    list("listeners", "PLAINTEXT://:9092").bounds(DISTINCT_SOME).high().per_broker(),
    int("max.connection.creation.rate", MAX_INT).at_least(0).cluster_wide(),
    int("max.connections", MAX_INT).at_least(0).cluster_wide(),
    int("max.connections.per.ip", MAX_INT).at_least(0).cluster_wide(),
    string("max.connections.per.ip.overrides", "").cluster_wide(),
    int("num.network.threads", "3").at_least(1).high().cluster_wide(),
    long("queued.max.request.bytes", "-1"),
    int("queued.max.requests", "500").at_least(1).high(),
    long("socket.connection.setup.timeout.max.ms", "30000"),
    long("socket.connection.setup.timeout.ms", "10000"),
    int("socket.listen.backlog.size", "50").at_least(1),
    int("socket.receive.buffer.bytes", "102400").high(),
    int("socket.request.max.bytes", "104857600").at_least(1).high(),
    int("socket.send.buffer.bytes", "102400").high(),
];
