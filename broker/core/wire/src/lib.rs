//! Kafka's messages to and from bytes, generated from our schema.
