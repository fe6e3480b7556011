//! Reads the world of a Kafka resource: the resource, its pools, and every object that is labelled as its own or stands
//! under a name that ought to be its own.
//!
//! Every read is answered by the store of Kubernetes itself, not by a cache, so a plan is never older than the read.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use ottla_crds::{Kafka, KafkaNodePool};
use ottla_plan::{Object, ObjectKey, ObjectKind, Settings, World, names};
use serde::Serialize;
use serde_json::Value;

use crate::error::{Attempt, Error};
use crate::kubernetes;

/// The versions in which Strimzi's own kind is served, by its age.
const POD_SET_VERSIONS: [&str; 2] = ["core.strimzi.io/v1", "core.strimzi.io/v1beta2"];

/// A Kafka resource and its pools; nothing when the resource is gone.
pub(crate) async fn resource(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<Option<(Kafka, Vec<KafkaNodePool>)>, Error> {
    let kafkas: Api<Kafka> = Api::namespaced(client.clone(), namespace);
    let kafka = match kafkas.get(name).await {
        Ok(kafka) => kafka,
        Err(error) if kubernetes::is_absent(&error) => return Ok(None),
        Err(error) => return Err(error).attempt(|| format!("read Kafka {namespace}/{name}")),
    };
    if !is_label_value(name) {
        return Ok(Some((kafka, Vec::new())));
    }
    let pools: Api<KafkaNodePool> = Api::namespaced(client.clone(), namespace);
    let pools = pools.list(&of_cluster(name)).await.attempt(|| format!("list the pools of {namespace}/{name}"))?;
    Ok(Some((kafka, pools.items)))
}

/// The world of a Kafka resource.
pub(crate) async fn world(
    client: &Client,
    kafka: &Kafka,
    pools: &[KafkaNodePool],
    settings: &Settings,
) -> Result<World, Error> {
    let namespace = kafka.namespace();
    let mut world = World::default();
    if is_label_value(kafka.name()) {
        // Secrets are asked for by their names alone: the right to list them is the right to read them all.
        let kinds = ObjectKind::ALL.into_iter().filter(|kind| *kind != ObjectKind::Secret);
        let lists = kinds.map(|kind| list(client, namespace, kind, kafka.name()));
        try_join_all(lists).await?.into_iter().flatten().for_each(|object| world.insert(object));
    }
    let expected = ottla_plan::expected(kafka, pools, &world, settings);
    add(client, namespace, expected, &mut world).await?;
    Ok(world)
}

/// Adds what stands under these keys and was not seen yet.
async fn add(client: &Client, namespace: &str, keys: Vec<ObjectKey>, world: &mut World) -> Result<(), Error> {
    let unseen: BTreeSet<ObjectKey> = keys.into_iter().filter(|key| world.get(key).is_none()).collect();
    let found = try_join_all(unseen.iter().map(|key| get(client, namespace, key))).await?;
    found.into_iter().flatten().for_each(|object| world.insert(object));
    Ok(())
}

async fn list(client: &Client, namespace: &str, kind: ObjectKind, cluster: &str) -> Result<Vec<Object>, Error> {
    let selector = of_cluster(cluster);
    let attempt = || format!("list what is of kind {} in {namespace}", kind.name());
    let mut objects = Vec::new();
    for api in apis(client, namespace, kind) {
        if is_only_looked_at(kind) {
            match api.list_metadata(&selector).await {
                Ok(list) => objects.extend(list.items.iter().filter_map(|item| observed(kind, item))),
                Err(error) if kubernetes::is_absent(&error) => {}
                Err(error) => return Err(error).attempt(attempt),
            }
        } else {
            let list = api.list(&selector).await.attempt(attempt)?;
            objects.extend(list.items.iter().filter_map(|item| observed(kind, item)));
        }
    }
    Ok(objects)
}

async fn get(client: &Client, namespace: &str, key: &ObjectKey) -> Result<Option<Object>, Error> {
    let attempt = || format!("read {key} in {namespace}");
    for api in apis(client, namespace, key.kind) {
        let found = if is_only_looked_at(key.kind) {
            api.get_metadata(&key.name).await.map(|item| observed(key.kind, &item))
        } else {
            api.get(&key.name).await.map(|item| observed(key.kind, &item))
        };
        // A kind that the API server does not know is as absent as an object that it does not have.
        let found = match found {
            Err(error) if kubernetes::is_absent(&error) => None,
            found => found.attempt(attempt)?,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The ways to a kind: one, but for a kind that is not ours and whose version depends on its age.
fn apis(client: &Client, namespace: &str, kind: ObjectKind) -> Vec<Api<DynamicObject>> {
    match kind {
        ObjectKind::StrimziPodSet => POD_SET_VERSIONS
            .iter()
            .map(|version| Api::namespaced_with(client.clone(), namespace, &kubernetes::resource_in(kind, version)))
            .collect(),
        _ => vec![kubernetes::objects(client, namespace, kind)],
    }
}

/// Of these only the metadata is read: what a Secret holds is nobody's business here.
fn is_only_looked_at(kind: ObjectKind) -> bool {
    matches!(kind, ObjectKind::Secret | ObjectKind::StrimziPodSet)
}

/// Whether a name can be the value of a label. Nothing carries another one, and to ask for it is an error; the plan says
/// what is wrong with it.
fn is_label_value(name: &str) -> bool {
    name.len() <= 63
}

fn of_cluster(cluster: &str) -> ListParams {
    ListParams::default().labels(&format!("{}={cluster}", names::CLUSTER))
}

/// Items of lists lack their kind; who wrote which field is of no interest, and is half of an object's size.
fn observed(kind: ObjectKind, item: &impl Serialize) -> Option<Object> {
    let mut body = serde_json::to_value(item).ok()?;
    body["kind"] = Value::from(kind.name());
    body["apiVersion"] = Value::from(kind.api_version());
    body["metadata"].as_object_mut()?.remove("managedFields");
    Object::observed(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_item_of_a_list_gets_the_kind_that_it_lacks_and_loses_what_nobody_needs() {
        let item = json!({"metadata": {"name": "a", "uid": "u", "managedFields": [{}]}, "data": {"x": "1"}});
        let object = observed(ObjectKind::ConfigMap, &item).unwrap();
        assert_eq!(object.key.to_string(), "ConfigMap a");
        assert_eq!(
            object.body,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "uid": "u"}, "data": {"x": "1"}})
        );
    }
}
