//! Followers, in-sync replicas and the leaders of partitions.

use crate::key::{Key, Kind, boolean, int, long, unset};

pub(super) const BROKER: &[Key] = &[
    boolean("auto.leader.rebalance.enable", true).high().not_yet("replication between brokers").doc(
        "Whether the controller moves leaderships back to the replicas that come first in their partitions' \
         lists.",
    ),
    boolean("controlled.shutdown.enable", true)
        .by("shutdown")
        .doc("Whether a broker that is told to stop first hands its leaderships over."),
    long("leader.imbalance.check.interval.seconds", "300")
        .at_least(1)
        .high()
        .not_yet("replication between brokers")
        .doc("How often the controller looks for leaderships to move back."),
    unset("num.replica.alter.log.dirs.threads", Kind::Int)
        .high()
        .not_yet("several log directories")
        .doc("How many threads move replicas from one log directory to another. If unset, one for each directory."),
    int("num.replica.fetchers", "1")
        .at_least(1)
        .high()
        .cluster_wide()
        .not_yet("replication between brokers")
        .doc("How many fetches run at one time from this broker to each other broker that it follows."),
    int("replica.fetch.backoff.ms", "1000")
        .at_least(0)
        .not_yet("replication between brokers")
        .doc("How long a follower waits after a fetch of a partition failed."),
    int("replica.fetch.max.bytes", "1048576").at_least(0).not_yet("replication between brokers").doc(
        "The most bytes of one partition that a follower asks for. A first batch that is larger is returned all \
         the same.",
    ),
    int("replica.fetch.min.bytes", "1")
        .high()
        .not_yet("replication between brokers")
        .doc("The least bytes that a follower waits for, up to replica.fetch.wait.max.ms."),
    int("replica.fetch.response.max.bytes", "10485760")
        .at_least(0)
        .not_yet("replication between brokers")
        .doc("The most bytes of all partitions together that a follower asks for in one fetch."),
    int("replica.fetch.wait.max.ms", "500").high().not_yet("replication between brokers").doc(
        "How long a leader may hold a follower's fetch until there is enough to return. Keep it under \
         replica.lag.time.max.ms.",
    ),
    long("replica.high.watermark.checkpoint.interval.ms", "5000")
        .high()
        .by("commit-log recovery points")
        .doc("How often high watermarks are written to disk."),
    long("replica.lag.time.max.ms", "30000")
        .high()
        .not_yet("replication between brokers")
        .doc("A follower that was not at the end of its leader's log for so long leaves the in-sync replicas."),
    unset("replica.selector.class", Kind::String)
        .not_yet("fetching from followers")
        .doc("The class that chooses from which replica a consumer reads."),
    int("replica.socket.receive.buffer.bytes", "65536")
        .high()
        .not_yet("replication between brokers")
        .doc("The size of the receive buffer of the connections by which a follower fetches."),
    int("replica.socket.timeout.ms", "30000")
        .high()
        .not_yet("replication between brokers")
        .doc("How long a follower's fetch may take on its connection. Keep it at least at replica.fetch.wait.max.ms."),
    boolean("unclean.leader.election.enable", false).high().cluster_wide().by("leader election").doc(
        "Whether a replica that is not in sync may lead a partition when no other is left, in topics that set \
         nothing themselves. Records can be lost.",
    ),
    long("unclean.leader.election.interval.ms", "300000")
        .at_least(1)
        .internal()
        .not_yet("replication between brokers")
        .doc("How often the controller looks for partitions without a leader that an unclean election could give one."),
];
