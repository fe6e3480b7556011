//! Every broker and topic configuration of Kafka 4.4 in one table, and what comes from it.
