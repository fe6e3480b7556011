//! What the suites that start processes share: brokers of ours, Apache Kafka, clients, free ports.
