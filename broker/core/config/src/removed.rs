//! Keys that older versions of Kafka had: a file of any age starts a broker, with a word on what became of each key.

/// What became of a key that Kafka no longer has; nothing if it never was one.
pub fn advice(name: &str) -> Option<&'static str> {
    if let Some((_, advice)) = REMOVED.iter().find(|(key, _)| *key == name) {
        return Some(advice);
    }
    PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, advice)| *advice)
}

const ZOOKEEPER: &str = "there is no ZooKeeper since Kafka 4.0; remove it, the cluster keeps its own metadata";
const AUTOMATIC: &str = "removed in Kafka 4.0; remove it, the cluster's metadata.version decides";

const PREFIXES: &[(&str, &str)] = &[
    ("zookeeper.", ZOOKEEPER),
    ("password.encoder.", "removed in Kafka 4.0 with ZooKeeper; remove it, passwords are records of the metadata log"),
];

const REMOVED: &[(&str, &str)] = &[
    ("advertised.host.name", "removed in Kafka 3.0; use advertised.listeners"),
    ("advertised.port", "removed in Kafka 3.0; use advertised.listeners"),
    ("broker.id.generation.enable", "removed in Kafka 4.0 with ZooKeeper; set node.id"),
    ("control.plane.listener.name", "removed in Kafka 4.0; use controller.listener.names"),
    ("controlled.shutdown.max.retries", "removed in Kafka 4.0; remove it, shutting down is part of the heartbeat"),
    ("controlled.shutdown.retry.backoff.ms", "removed in Kafka 4.0; remove it, shutting down is part of the heartbeat"),
    ("group.coordinator.new.enable", "removed in Kafka 4.1; remove it, there is only one group coordinator"),
    ("host.name", "removed in Kafka 3.0; use listeners"),
    ("inter.broker.protocol.version", AUTOMATIC),
    ("leader.imbalance.per.broker.percentage", "removed in Kafka 4.0; remove it, every imbalance is mended"),
    ("log.message.downconversion.enable", "removed in Kafka 4.0; remove it, old formats are not converted"),
    ("log.message.format.version", AUTOMATIC),
    (
        "log.message.timestamp.difference.max.ms",
        "removed in Kafka 4.0; use log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms",
    ),
    ("offsets.commit.required.acks", "removed in Kafka 4.0; remove it, all replicas acknowledge"),
    ("port", "removed in Kafka 3.0; use listeners"),
    ("quota.consumer.default", "removed in Kafka 3.0; set quotas dynamically"),
    ("quota.producer.default", "removed in Kafka 3.0; set quotas dynamically"),
    ("reserved.broker.max.id", "removed in Kafka 4.0 with ZooKeeper; remove it, ids are not generated"),
    ("sasl.mechanism", "a setting of clients; use sasl.enabled.mechanisms"),
];
