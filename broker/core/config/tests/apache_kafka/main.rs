//! What Apache Kafka 4.4.0 itself says of its configuration, against what we say: the table row by row, values and
//! complaints, whole files, descriptions. `tests/java/ConfigFacts.java` asks Kafka's own classes; it needs Java and Maven.

mod describe;
mod files;
mod kafka;
mod table;
mod values;
