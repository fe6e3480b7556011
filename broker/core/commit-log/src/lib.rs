//! The partition log in Kafka's own file formats.
