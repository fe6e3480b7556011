//! The operator as a function: custom resources and the observed world in, a [`Plan`] out.
//!
//! Deliberately not here: any client of Kubernetes or Kafka, any clock, thread or randomness. The shell
//! (`operator/controller`) observes, carries out the plan's actions in their order, and writes the statuses.
//!
//! Reading order: [`kafka`] is the whole pipeline on one page; [`document`], `validate` and [`model`] are the way in;
//! [`names`], `render` and [`inspect`] the objects; `ownership`, `difference` and [`roll`] what of them is done now;
//! `status` what is reported; [`plan`] what comes out. [`topics`] is the same for one KafkaTopic.
//!
//! ```
//! use ottla_plan::{Settings, World, plan_kafka};
//! let kafka = ottla_crds::Kafka::new("streams", "my-cluster", serde_json::json!({"kafka": {
//!     "replicas": 1,
//!     "listeners": [{"name": "plain", "port": 9092, "type": "internal", "tls": false}],
//!     "storage": {"type": "ephemeral"},
//! }}));
//! let plan = plan_kafka(&kafka, &[], &World::default(), &Settings::default(), Default::default());
//! assert!(plan.objects.iter().any(|object| object.key.to_string() == "StatefulSet my-cluster-kafka"));
//! assert_eq!(plan.status["conditions"][0]["reason"], "Creating");
//! ```

mod difference;
pub mod document;
mod effect;
pub mod finding;
mod fingerprint;
pub mod inspect;
pub mod kafka;
pub mod model;
pub mod names;
pub mod object;
mod ownership;
pub mod plan;
mod quantity;
mod render;
pub mod roll;
pub mod settings;
pub mod standing;
mod status;
pub mod topics;
mod validate;
pub mod world;

pub use difference::is_as_wanted;
pub use kafka::{expected, plan_kafka};
pub use object::{Object, ObjectKey, ObjectKind};
pub use plan::{Action, Plan, Wait};
pub use settings::Settings;
pub use standing::{Standing, standing};
pub use world::World;
