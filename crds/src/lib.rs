//! The custom resources that users write (Kafka, KafkaNodePool, KafkaTopic, KafkaUser), in every API version that ever
//! was: their schema, their CustomResourceDefinitions and the types by which the operator reads them.
//!
//! Deliberately not here: what a field means or whether it is honoured (`plan`), and any client of Kubernetes.
//!
//! Reading order: `schema/README.md` (the notation) and `schema/*.schema` (all fields), [`schema`], [`notation`],
//! [`kind`] (the definitions), [`resource`] (the types). `yaml/` is generated from these by `cargo xtask crds`.
//!
//! ```
//! use ottla_crds::{Kafka, Kind};
//! let kafka = Kafka::new("streams", "my-cluster", serde_json::json!({"kafka": {"listeners": 9092}}));
//! let document = serde_json::to_value(&kafka).unwrap();
//! let problems = Kind::Kafka.schema().field("spec").unwrap().check(&document["spec"]);
//! assert_eq!(problems[0].to_string(), "kafka.listeners must be a list or an object, and is 9092");
//! ```

pub mod kind;
pub mod notation;
pub mod resource;
pub mod schema;

pub use kind::{GROUP, Kind, STORED_VERSION};
pub use resource::{CustomResource, Kafka, KafkaNodePool, KafkaTopic, KafkaUser};
pub use schema::{Fault, Leaf, Path, Problem, Schema, Step};
