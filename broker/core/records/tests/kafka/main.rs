//! Our batches against Apache Kafka 4.4's own classes: what it builds we read, what we build it reads, and what it
//! stores or refuses on Produce we store or refuse. Needs Java and Maven; without them it fails.

mod description;
mod format;
mod oracle;
mod produce;
#[path = "../specimens/mod.rs"]
mod specimens;
