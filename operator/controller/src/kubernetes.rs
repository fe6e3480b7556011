//! How the plan's kinds are spoken of to an API server.

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use kube::{Client, Resource};
use ottla_plan::ObjectKind;
use serde_json::Value;

/// The name that we are the owner of fields by, in server-side apply.
pub(crate) const FIELD_MANAGER: &str = "ottla-operator";

/// A kind as the API server has it.
pub(crate) fn resource(kind: ObjectKind) -> ApiResource {
    resource_in(kind, kind.api_version())
}

/// A kind in one of its versions.
pub(crate) fn resource_in(kind: ObjectKind, api_version: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind.name()), kind.plural())
}

/// Objects of a kind in a namespace.
pub(crate) fn objects(client: &Client, namespace: &str, kind: ObjectKind) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &resource(kind))
}

/// Resources of one of our own kinds, in one namespace or all.
pub(crate) fn resources<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// The version of an observed object that changes with every write.
pub(crate) fn resource_version(body: &Value) -> Option<String> {
    body["metadata"]["resourceVersion"].as_str().map(str::to_owned)
}

/// Whether the API server says that there is no such thing.
pub(crate) fn is_absent(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}
