//! A resource as the operator reads it: typed metadata, and a spec and status as they stand in the document.
//!
//! Spec and status are deliberately untyped. A typed spec fails to parse as a whole on one odd value, and then the
//! operator cannot even say which; here every document can be read, and the plan's `validate` names what is wrong with
//! it and where.

use core::marker::PhantomData;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kind::{GROUP, Kind, STORED_VERSION};

/// A cluster.
pub type Kafka = CustomResource<OfKafka>;
/// Nodes of one cluster that are alike.
pub type KafkaNodePool = CustomResource<OfKafkaNodePool>;
/// A topic.
pub type KafkaTopic = CustomResource<OfKafkaTopic>;
/// A user.
pub type KafkaUser = CustomResource<OfKafkaUser>;

/// A resource of one kind, in whatever version it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct CustomResource<K: Marker> {
    /// Group and version.
    #[serde(default = "stored_api_version")]
    pub api_version: String,
    /// The kind's name.
    #[serde(default = "K::name")]
    pub kind: String,
    /// Name, namespace, labels, annotations and the rest that Kubernetes keeps.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What is wanted.
    #[serde(default)]
    pub spec: Value,
    /// What is, as last reported.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub status: Value,
    #[serde(skip)]
    marker: PhantomData<K>,
}

/// Which kind a resource's type stands for.
pub trait Marker: Clone + core::fmt::Debug + PartialEq + Default + Send + Sync + 'static {
    /// The kind.
    const KIND: Kind;
    /// Its name, as a constant that type-level users of Kubernetes resources need.
    const NAME: &'static str;
    /// Its plural, likewise.
    const PLURAL: &'static str;

    /// Its name.
    fn name() -> String {
        Self::NAME.to_owned()
    }
}

macro_rules! marker {
    ($name:ident, $kind:expr, $document:literal) => {
        #[doc = $document]
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl Marker for $name {
            const KIND: Kind = $kind;
            const NAME: &'static str = Self::KIND.name();
            const PLURAL: &'static str = Self::KIND.plural();
        }
    };
}
marker!(OfKafka, Kind::Kafka, "Marks [`Kafka`].");
marker!(OfKafkaNodePool, Kind::KafkaNodePool, "Marks [`KafkaNodePool`].");
marker!(OfKafkaTopic, Kind::KafkaTopic, "Marks [`KafkaTopic`].");
marker!(OfKafkaUser, Kind::KafkaUser, "Marks [`KafkaUser`].");

impl<K: Marker> CustomResource<K> {
    /// A resource with this name and spec, as a test or a command line makes it.
    pub fn new(namespace: &str, name: &str, spec: Value) -> CustomResource<K> {
        let metadata =
            ObjectMeta { name: Some(name.into()), namespace: Some(namespace.into()), ..ObjectMeta::default() };
        CustomResource {
            api_version: stored_api_version(),
            kind: K::name(),
            metadata,
            spec,
            status: Value::Null,
            marker: PhantomData,
        }
    }

    /// Its name; empty only for a document that no API server has seen.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its namespace; empty only for a document that no API server has seen.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.metadata.labels.as_ref()?.get(key).map(String::as_str)
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }
}

impl<K: Marker> Default for CustomResource<K> {
    fn default() -> Self {
        CustomResource::new("", "", Value::Null)
    }
}

impl<K: Marker> k8s_openapi::Resource for CustomResource<K> {
    const API_VERSION: &'static str = "kafka.strimzi.io/v1";
    const GROUP: &'static str = GROUP;
    const KIND: &'static str = K::NAME;
    const VERSION: &'static str = STORED_VERSION;
    const URL_PATH_SEGMENT: &'static str = K::PLURAL;
    type Scope = NamespaceResourceScope;
}

impl<K: Marker> k8s_openapi::Metadata for CustomResource<K> {
    type Ty = ObjectMeta;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

fn stored_api_version() -> String {
    format!("{GROUP}/{STORED_VERSION}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn any_document_can_be_read() {
        let odd =
            json!({"kind": "Kafka", "metadata": {"name": "a"}, "spec": {"kafka": {"replicas": "three", "new": [1]}}});
        let kafka: Kafka = serde_json::from_value(odd).unwrap();
        assert_eq!(kafka.name(), "a");
        assert_eq!(kafka.spec["kafka"]["replicas"], "three");
        assert_eq!(serde_json::to_value(&kafka).unwrap()["spec"]["kafka"]["new"], json!([1]));
    }

    #[test]
    fn the_types_constants_are_those_of_the_definition() {
        use k8s_openapi::Resource;
        assert_eq!(Kafka::API_VERSION, stored_api_version());
        assert_eq!(KafkaTopic::URL_PATH_SEGMENT, Kind::KafkaTopic.plural());
    }
}
