//! The finalizer of topics, by which a deleted resource waits until its topic is gone: put on, and taken off.
//!
//! Each change is bound to the resource as it was read, so that nobody else's finalizer is lost.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::api::{Api, Patch, PatchParams};
use ottla_plan::names;
use ottla_plan::topics::FinalizerChange;
use serde_json::json;

use crate::context::Context;
use crate::error::{Attempt, Error};
use crate::glimpse::TopicGlimpse;
use crate::kubernetes;

/// Changes the finalizer of a resource that is still as it was read, and gives its metadata as it is then.
pub(crate) async fn change(
    context: &Context,
    metadata: &ObjectMeta,
    change: FinalizerChange,
) -> Result<ObjectMeta, Error> {
    let mut finalizers = metadata.finalizers.clone().unwrap_or_default();
    match change {
        FinalizerChange::Keep => return Ok(metadata.clone()),
        FinalizerChange::Add => finalizers.push(names::TOPIC_FINALIZER.to_owned()),
        FinalizerChange::Remove => finalizers.retain(|finalizer| finalizer != names::TOPIC_FINALIZER),
    }
    let changed = json!({
        "uid": metadata.uid,
        "resourceVersion": metadata.resource_version,
        "finalizers": finalizers,
    });
    let (namespace, name) = (metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref());
    let name = name.unwrap_or_default();
    let params = PatchParams { field_manager: Some(kubernetes::FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let api: Api<TopicGlimpse> = Api::namespaced(context.client.clone(), namespace);
    match api.patch(name, &params, &Patch::Merge(&json!({"metadata": changed}))).await {
        Ok(topic) => Ok(topic.meta().clone()),
        // The last finalizer went, and the resource with it.
        Err(error) if kubernetes::is_absent(&error) => Ok(metadata.clone()),
        Err(error) => Err(error).attempt(|| format!("change the finalizer of KafkaTopic {namespace}/{name}")),
    }
}

/// Lets a resource go that waits for nobody.
pub(crate) async fn release(context: &Context, metadata: &ObjectMeta) -> Result<(), Error> {
    let is_held = metadata.finalizers.iter().flatten().any(|finalizer| finalizer == names::TOPIC_FINALIZER);
    if is_held && metadata.deletion_timestamp.is_some() {
        change(context, metadata, FinalizerChange::Remove).await?;
    }
    Ok(())
}
