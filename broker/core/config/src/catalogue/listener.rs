//! Where a node listens, and how it treats connections.

use super::{DISTINCT_EMPTY_OR_UNSET, DISTINCT_OR_UNSET, DISTINCT_SOME, MAX_INT};
use crate::key::{Key, Kind, int, list, long, string, unset};

pub(super) const BROKER: &[Key] = &[
    unset("advertised.listeners", Kind::List).bounds(DISTINCT_OR_UNSET).high().by("listeners").doc(
        "The addresses that clients and other nodes are told to use. Set it where they cannot reach the \
         addresses in listeners, as behind a load balancer. If unset, listeners is told.",
    ),
    int("connection.failed.authentication.delay.ms", "100").at_least(0).low().not_yet("authentication").doc(
        "How long a connection that failed to authenticate is held before the refusal is sent, to slow down \
         guessing.",
    ),
    long("connections.max.idle.ms", "600000").by("connections").doc(
        "A connection on which nothing happened for so long is closed. A negative value keeps connections for \
         ever.",
    ),
    unset("early.start.listeners", Kind::List)
        .bounds(DISTINCT_EMPTY_OR_UNSET)
        .high()
        .no_effect("all listeners open in one step, once the node has its state")
        .doc("Listeners that open before the broker is allowed to serve, as controllers' listeners always do."),
    unset("inter.broker.listener.name", Kind::String).by("listeners").doc(
        "The listener by which brokers speak to each other. If unset, the listener named like \
         security.inter.broker.protocol is taken.",
    ),
    string(
        "listener.security.protocol.map",
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
    )
    .low()
    .per_broker()
    .by("listeners")
    .doc(
        "Which security protocol each listener name uses, as name:protocol entries. Two listeners may share a \
         protocol.",
    ),
    list("listeners", "PLAINTEXT://:9092").bounds(DISTINCT_SOME).high().per_broker().by("listeners").doc(
        "Where the process listens, as NAME://host:port entries. An empty host means all addresses of the \
         machine; controllers list their own listener here as well.",
    ),
    int("max.connection.creation.rate", MAX_INT)
        .at_least(0)
        .cluster_wide()
        .not_yet("limits on the rate of connections")
        .doc("The most connections that are accepted in a second. It can also be set for one listener."),
    int("max.connections", MAX_INT).at_least(0).cluster_wide().by("connections").doc(
        "The most connections at one time, of clients and brokers together. At the limit, further ones wait. It can \
         also be set for one listener.",
    ),
    int("max.connections.per.ip", MAX_INT).at_least(0).cluster_wide().by("connections").doc(
        "The most connections from one address at one time. Zero is allowed only with exceptions in \
         max.connections.per.ip.overrides.",
    ),
    string("max.connections.per.ip.overrides", "")
        .cluster_wide()
        .by("connections")
        .doc("Other limits for certain hosts, as host:number entries."),
    int("num.network.threads", "3")
        .at_least(1)
        .high()
        .cluster_wide()
        .no_effect("connections are served by the runtime's threads, one for each core, at most eight")
        .doc("How many threads of a listener read requests and write answers."),
    long("queued.max.request.bytes", "-1").by("connections").doc(
        "The most bytes that large requests in work may have together before reading further ones waits. Zero or \
         less leaves the limit at 256 MiB.",
    ),
    int("queued.max.requests", "500")
        .at_least(1)
        .high()
        .no_effect("a connection is read again only when its request is answered, so no queue forms")
        .doc("How many requests may wait to be served before reading from connections stops."),
    long("socket.connection.setup.timeout.max.ms", "30000").not_yet("replication between brokers").doc(
        "The longest time that setting up a connection to another node may take after failures have lengthened \
         it.",
    ),
    long("socket.connection.setup.timeout.ms", "10000")
        .not_yet("replication between brokers")
        .doc("How long setting up a connection to another node may take at first."),
    int("socket.listen.backlog.size", "50")
        .at_least(1)
        .by("listeners")
        .doc("How many connections may wait to be accepted. The system may have a lower limit of its own."),
    int("socket.receive.buffer.bytes", "102400")
        .high()
        .by("listeners")
        .doc("The size of the receive buffer of accepted sockets. If unset or −1, the system lets it grow as needed."),
    int("socket.request.max.bytes", "104857600")
        .at_least(1)
        .high()
        .by("connections")
        .doc("The largest request that is read. A larger one closes the connection."),
    int("socket.send.buffer.bytes", "102400")
        .high()
        .by("listeners")
        .doc("The size of the send buffer of accepted sockets. If unset or −1, the system lets it grow as needed."),
];
