//! The kinds of resources that users write, each with its schema and everything that its CustomResourceDefinition says
//! beside it: names, versions, columns, subresources.
//!
//! Every version of a kind that any release of Strimzi ever served is served, all at once and with the same schema, so a
//! manifest of any age applies unchanged and is read in any version without losing a field. Hence there is nothing to
//! convert (strategy None), and no webhook. `docs/decisions` of the project argues it.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::notation;
use crate::schema::Schema;

/// The group of all four kinds.
pub const GROUP: &str = "kafka.strimzi.io";

/// The version that is stored, and that the operator reads and writes.
pub const STORED_VERSION: &str = "v1";

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A cluster.
    Kafka,
    /// Nodes of one cluster that are alike.
    KafkaNodePool,
    /// A topic.
    KafkaTopic,
    /// A user.
    KafkaUser,
}

impl Kind {
    /// All kinds, in the order of their files.
    pub const ALL: [Kind; 4] = [Kind::Kafka, Kind::KafkaNodePool, Kind::KafkaTopic, Kind::KafkaUser];

    /// The kind's name, as manifests write it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Kafka => "Kafka",
            Kind::KafkaNodePool => "KafkaNodePool",
            Kind::KafkaTopic => "KafkaTopic",
            Kind::KafkaUser => "KafkaUser",
        }
    }

    /// The plural that URLs carry.
    pub const fn plural(self) -> &'static str {
        match self {
            Kind::Kafka => "kafkas",
            Kind::KafkaNodePool => "kafkanodepools",
            Kind::KafkaTopic => "kafkatopics",
            Kind::KafkaUser => "kafkausers",
        }
    }

    /// Every version ever served, newest first. Pools came in 2023, when v1beta2 was the only one.
    pub const fn versions(self) -> &'static [&'static str] {
        match self {
            Kind::KafkaNodePool => &["v1", "v1beta2"],
            Kind::Kafka | Kind::KafkaTopic | Kind::KafkaUser => &["v1", "v1beta2", "v1beta1", "v1alpha1"],
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a resource of this kind may hold: its `spec` and its `status`.
    pub fn schema(self) -> &'static Schema {
        &SCHEMAS[self as usize]
    }

    /// The CustomResourceDefinition.
    pub fn definition(self) -> Value {
        let singular = self.name().to_lowercase();
        let schema = self.open_api_schema();
        let versions: Vec<Value> = self.versions().iter().map(|version| self.version(version, &schema)).collect();
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": format!("{}.{GROUP}", self.plural()),
                "labels": {"app": "strimzi", "strimzi.io/crd-install": "true"},
            },
            "spec": {
                "group": GROUP,
                "scope": "Namespaced",
                "names": {
                    "kind": self.name(),
                    "listKind": format!("{}List", self.name()),
                    "singular": singular,
                    "plural": self.plural(),
                    "shortNames": [self.short_name()],
                    "categories": ["strimzi"],
                },
                "conversion": {"strategy": "None"},
                "versions": versions,
            },
        })
    }

    /// The CustomResourceDefinition as the file in `yaml/` holds it.
    pub fn to_yaml(self) -> String {
        let body = serde_yaml::to_string(&self.definition()).expect("a tree of plain values is YAML");
        format!("# Generated from crds/schema by `cargo xtask crds`; do not edit.\n{body}")
    }

    fn version(self, version: &str, schema: &Value) -> Value {
        let mut subresources = json!({"status": {}});
        if self == Kind::KafkaNodePool {
            subresources["scale"] = json!({
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.labelSelector",
            });
        }
        json!({
            "name": version,
            "served": true,
            "storage": version == STORED_VERSION,
            "subresources": subresources,
            "additionalPrinterColumns": self.columns(),
            "schema": {"openAPIV3Schema": schema},
        })
    }

    fn open_api_schema(self) -> Value {
        let mut schema = self.schema().to_open_api();
        schema["properties"]["apiVersion"] = json!({"type": "string"});
        schema["properties"]["kind"] = json!({"type": "string"});
        schema["properties"]["metadata"] = json!({"type": "object"});
        schema
    }

    const fn short_name(self) -> &'static str {
        match self {
            Kind::Kafka => "k",
            Kind::KafkaNodePool => "knp",
            Kind::KafkaTopic => "kt",
            Kind::KafkaUser => "ku",
        }
    }

    fn columns(self) -> Vec<Value> {
        let column = |name: &str, kind: &str, path: &str, description: &str| json!({"name": name, "type": kind, "jsonPath": path, "description": description});
        let condition = |kind: &str| format!(".status.conditions[?(@.type==\"{kind}\")].status");
        let cluster =
            || column("Cluster", "string", ".metadata.labels.strimzi\\.io/cluster", "The cluster that this belongs to");
        let ready = || column("Ready", "string", &condition("Ready"), "Whether what is wanted is what is");
        match self {
            Kind::Kafka => vec![
                ready(),
                column("Warnings", "string", &condition("Warning"), "Whether something is to be looked at"),
                column("Kafka version", "string", ".status.kafkaVersion", "Version of Kafka that the brokers speak"),
                column("Metadata version", "string", ".status.kafkaMetadataVersion", "Version of the metadata log"),
            ],
            Kind::KafkaNodePool => vec![
                column("Desired replicas", "integer", ".spec.replicas", "Number of nodes wanted"),
                column("Roles", "string", ".status.roles", "What the nodes do"),
                column("NodeIds", "string", ".status.nodeIds", "Ids of the nodes"),
            ],
            Kind::KafkaTopic => vec![
                cluster(),
                column("Partitions", "integer", ".spec.partitions", "Number of partitions wanted"),
                column("Replication factor", "integer", ".spec.replicas", "Number of copies wanted"),
                ready(),
            ],
            Kind::KafkaUser => vec![
                cluster(),
                column("Authentication", "string", ".spec.authentication.type", "How the user proves who it is"),
                column("Authorization", "string", ".spec.authorization.type", "How rights are given"),
                ready(),
            ],
        }
    }
}

static SCHEMAS: LazyLock<[Schema; 4]> = LazyLock::new(|| {
    let mut kinds = notation::parse(&[
        include_str!("../schema/shapes.schema"),
        include_str!("../schema/listeners.schema"),
        include_str!("../schema/kafka.schema"),
        include_str!("../schema/node_pool.schema"),
        include_str!("../schema/topic.schema"),
        include_str!("../schema/user.schema"),
    ])
    .expect("the schema files are part of the program, and every test reads them");
    Kind::ALL.map(|kind| kinds.remove(kind.name()).expect("each kind has a schema file"))
});
