//! What a node is, how topics come and go, and how requests are served.

use super::{DISTINCT, MAX_LONG};
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, int, list, long, required, unset};

pub(super) const BROKER: &[Key] =
    &[
        unset("alter.config.policy.class.name", Kind::Class)
            .low()
            .not_yet("policies for topics")
            .doc("A class that may refuse changes to a topic's or broker's configuration."),
        boolean("auto.create.topics.enable", true).high().by("automatic topic creation").doc(
            "Whether a topic that a client asks for by name, and that does not exist, is created. Consumers must \
             also ask for it; producers always do.",
        ),
        int("background.threads", "10")
            .at_least(1)
            .high()
            .cluster_wide()
            .no_effect("background work runs on the same threads as requests")
            .doc("How many threads do background work such as deleting files."),
        int("broker.id", "-1")
            .high()
            .by("node identity")
            .doc("The old name of node.id. If both are set they must be equal."),
        unset("broker.rack", Kind::String).by("broker registration").doc(
            "The failure domain this broker stands in, such as a zone. Replicas of a partition are spread over \
             racks.",
        ),
        list("config.providers", "")
            .bounds(DISTINCT)
            .low()
            .cluster_wide()
            .not_yet("resolving values through providers")
            .doc("Names of providers that replace placeholders such as ${env:NAME} in other values."),
        unset("create.topic.policy.class.name", Kind::Class)
            .low()
            .not_yet("policies for topics")
            .doc("A class that may refuse the creation of a topic."),
        int("default.replication.factor", "1")
            .by("topic creation")
            .doc("How many replicas a topic gets when its creator leaves the number to the broker."),
        int("delete.records.purgatory.purge.interval.requests", "1")
            .no_effect("finished waits are dropped at once, there is nothing to purge")
            .doc("After how many requests the waiting DeleteRecords requests are searched for finished ones."),
        boolean("delete.topic.enable", true)
            .high()
            .by("topic deletion")
            .doc("Whether topics can be deleted. If not, DeleteTopics is refused."),
        int("fetch.max.bytes", "57671680").at_least(1_024).by("fetch").doc(
            "The most bytes of records that one fetch returns, whatever the client asks for. A first batch that is \
             larger is returned all the same.",
        ),
        int("fetch.purgatory.purge.interval.requests", "1000")
            .no_effect("finished waits are dropped at once, there is nothing to purge")
            .doc("After how many requests the waiting fetches are searched for finished ones."),
        int("max.incremental.fetch.session.cache.slots", "1000")
            .at_least(0)
            .by("fetch sessions")
            .doc("How many clients can keep an incremental fetch session at this broker. Others send whole fetches."),
        int("max.request.partition.size.limit", "2000")
            .at_least(1)
            .by("DescribeTopicPartitions")
            .doc("The most partitions that one page of DescribeTopicPartitions holds."),
        required("node.id", Kind::Int).at_least(0).high().by("node identity").doc(
            "The number that names this process in its cluster. Brokers and controllers share one range of numbers.",
        ),
        int("num.io.threads", "8")
            .at_least(1)
            .high()
            .cluster_wide()
            .no_effect("requests are served by the runtime's threads, one for each core, at most eight")
            .doc("How many threads serve requests, disk work among it."),
        int("num.partitions", "1")
            .at_least(1)
            .by("topic creation")
            .doc("How many partitions a topic gets when its creator leaves the number to the broker."),
        required("process.roles", Kind::List)
            .bounds(Bounds::Distinct { entries: &["broker", "controller"], empty: false, null: false })
            .high()
            .by("node identity")
            .doc("What this process is: broker, controller, or both."),
        int("producer.purgatory.purge.interval.requests", "1000")
            .no_effect("finished waits are dropped at once, there is nothing to purge")
            .doc("After how many requests the waiting produce requests are searched for finished ones."),
        int("request.timeout.ms", "30000").high().by("requests between nodes").doc(
            "How long this node waits for the answer to a request it sent to another node before it tries again or \
             gives up.",
        ),
        long("server.max.startup.time.ms", MAX_LONG)
            .at_least(0)
            .internal()
            .no_effect("a start that cannot succeed fails by itself")
            .doc("How long a start may take before the process gives up."),
        boolean("unstable.api.versions.enable", false)
            .high()
            .internal()
            .no_effect("no unstable version of any API is built")
            .doc("Whether versions of requests that are still being developed are offered."),
        boolean("unstable.feature.versions.enable", false)
            .high()
            .internal()
            .no_effect("no unstable version of any feature is built")
            .doc("Whether versions of features that are still being developed can be finalized."),
    ];
