//! What watches tell of a custom resource: its metadata, and the names that say which topic a KafkaTopic is about.
//!
//! Everything else is passed over as it arrives, and read afresh by whoever has to know it. A resource may hold nearly
//! anything, and one that is nested too deeply for a parser would end the list that it stands in, and with it the watch of
//! all others, for ever. Who wrote which field is passed over too: it is nested as deeply as the fields are.

use core::marker::PhantomData;
use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Resource;
use ottla_crds::resource::{Marker, OfKafka, OfKafkaNodePool, OfKafkaTopic, OfKafkaUser};
use ottla_crds::{CustomResource, GROUP, Kind, STORED_VERSION};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// A Kafka as watches tell it.
pub(crate) type KafkaGlimpse = Glimpse<OfKafka>;
/// A pool as watches tell it.
pub(crate) type PoolGlimpse = Glimpse<OfKafkaNodePool>;
/// A topic as watches tell it.
pub(crate) type TopicGlimpse = Glimpse<OfKafkaTopic>;
/// A user as watches tell it.
pub(crate) type UserGlimpse = Glimpse<OfKafkaUser>;

/// A custom resource without its contents.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound = "")]
pub(crate) struct Glimpse<K: Marker> {
    #[serde(deserialize_with = "metadata")]
    metadata: ObjectMeta,
    /// What is wanted to be the topic's name. Only topics are read so far: of the others the API server sends metadata.
    #[serde(default)]
    spec: Option<Named>,
    /// What the topic's name was when the status was written.
    #[serde(default)]
    status: Option<Named>,
    #[serde(skip)]
    marker: PhantomData<K>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    topic_name: Option<String>,
}

impl<K: Marker> Glimpse<K> {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its namespace.
    pub(crate) fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// The value of a label.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.metadata.labels.as_ref()?.get(key).map(String::as_str)
    }

    /// The value of an annotation.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// The resource, as far as it is known here.
    pub(crate) fn resource(&self) -> CustomResource<K> {
        let named = |named: &Option<Named>| match named.as_ref().and_then(|named| named.topic_name.as_ref()) {
            Some(name) => json!({"topicName": name}),
            None => Value::Null,
        };
        let mut resource = CustomResource::new(self.namespace(), self.name(), named(&self.spec));
        resource.metadata = self.metadata.clone();
        resource.status = named(&self.status);
        resource
    }
}

impl<K: Marker> Resource for Glimpse<K> {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn metadata_api() -> bool {
        K::KIND != Kind::KafkaTopic
    }

    fn kind((): &()) -> Cow<'_, str> {
        K::NAME.into()
    }

    fn group((): &()) -> Cow<'_, str> {
        GROUP.into()
    }

    fn version((): &()) -> Cow<'_, str> {
        STORED_VERSION.into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::PLURAL.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

fn metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        name: Option<String>,
        namespace: Option<String>,
        uid: Option<String>,
        resource_version: Option<String>,
        generation: Option<i64>,
        labels: Option<BTreeMap<String, String>>,
        annotations: Option<BTreeMap<String, String>>,
        finalizers: Option<Vec<String>>,
        creation_timestamp: Option<Time>,
        deletion_timestamp: Option<Time>,
    }
    let metadata = Metadata::deserialize(deserializer)?;
    let mut annotations = metadata.annotations;
    // A second copy of the whole resource, which nobody reads here.
    annotations.iter_mut().for_each(|all| drop(all.remove("kubectl.kubernetes.io/last-applied-configuration")));
    Ok(ObjectMeta {
        name: metadata.name,
        namespace: metadata.namespace,
        uid: metadata.uid,
        resource_version: metadata.resource_version,
        generation: metadata.generation,
        labels: metadata.labels,
        annotations,
        finalizers: metadata.finalizers,
        creation_timestamp: metadata.creation_timestamp,
        deletion_timestamp: metadata.deletion_timestamp,
        ..ObjectMeta::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ottla_plan::topics::topic_name;

    #[test]
    fn however_deeply_a_resource_is_nested_its_metadata_and_its_topics_name_are_read() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(300), "}".repeat(300));
        let text = format!(
            r#"{{"metadata": {{"name": "a", "namespace": "b", "uid": "u", "labels": {{"x": "y"}}, "managedFields":
            [{{"fieldsV1": {deep}}}], "annotations": {{"kubectl.kubernetes.io/last-applied-configuration": "z"}}}},
            "spec": {{"config": {deep}, "topicName": "t"}}, "status": {{"topicName": "s", "more": {deep}}}}}"#
        );
        assert!(serde_json::from_str::<Value>(&text).is_err(), "it is nested too deeply to be read whole");
        let topic: TopicGlimpse = serde_json::from_str(&text).unwrap();
        assert_eq!((topic.name(), topic.namespace(), topic.label("x")), ("a", "b", Some("y")));
        assert!(topic.metadata.managed_fields.is_none() && topic.metadata.annotations.as_ref().unwrap().is_empty());
        let resource = topic.resource();
        assert_eq!((topic_name(&resource), &resource.status["topicName"]), ("t", &json!("s")));
        let bare: TopicGlimpse = serde_json::from_str(r#"{"metadata": {"name": "a"}, "spec": null}"#).unwrap();
        assert_eq!(topic_name(&bare.resource()), "a");
    }
}
