//! What wakes a reconciliation: changes of a resource, and of what was made for it.
//!
//! Only metadata is watched wherever it is enough, and nothing of it is kept but the resources themselves: what a
//! reconciliation decides on it reads afresh, so that it never acts on what a late watch said.

use std::convert::Infallible;

use futures::{Stream, StreamExt};
use kube::api::{Api, DynamicObject, PartialObjectMeta};
use kube::runtime::controller::Error;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher::{self, Config};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Client, ResourceExt};
use ottla_plan::{ObjectKind, names};

use crate::glimpse::{KafkaGlimpse, PoolGlimpse};
use crate::kubernetes;

/// The kinds that are made for a Kafka resource, or by what is made for it.
pub(crate) const OWNED: [ObjectKind; 8] = [
    ObjectKind::ServiceAccount,
    ObjectKind::ConfigMap,
    ObjectKind::Service,
    ObjectKind::NetworkPolicy,
    ObjectKind::PodDisruptionBudget,
    ObjectKind::PersistentVolumeClaim,
    ObjectKind::StatefulSet,
    ObjectKind::Pod,
];

/// Changes of what was made, by its kind: the Kafka resource that it was made for.
pub(crate) fn owned(
    client: &Client,
    namespace: Option<&str>,
    kind: ObjectKind,
) -> impl Stream<Item = Result<PartialObjectMeta<DynamicObject>, watcher::Error>> + Send + use<> {
    let resource = kubernetes::resource(kind);
    let api: Api<PartialObjectMeta<DynamicObject>> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let ours = Config::default().labels(&format!("{}={}", names::MANAGED_BY, names::OPERATOR));
    mended(watch(api, ours).default_backoff().touched_objects())
}

/// Changes of pools.
pub(crate) fn pools(
    client: &Client,
    namespace: Option<&str>,
) -> impl Stream<Item = Result<PoolGlimpse, watcher::Error>> + Send + use<> {
    let api = kubernetes::resources::<PoolGlimpse>(client, namespace);
    mended(watch(api, Config::default()).default_backoff().touched_objects())
}

/// A watch whose errors are told here and go no further. Each watch waits by itself before it begins again; a controller would
/// wait once more at each error of any of its watches, and meanwhile hear nothing of the others.
pub(crate) fn mended<T: Send>(
    watch: impl Stream<Item = Result<T, watcher::Error>> + Send,
) -> impl Stream<Item = Result<T, watcher::Error>> + Send {
    watch.filter_map(|heard| {
        if let Err(error) = &heard {
            tracing::warn!(%error, "a watch broke, and is begun again");
        }
        std::future::ready(heard.ok().map(Ok))
    })
}

/// The Kafka resource that an object names by its label.
pub(crate) fn cluster_of<K: ResourceExt>(object: &K) -> Option<ObjectRef<KafkaGlimpse>> {
    let cluster = object.labels().get(names::CLUSTER)?;
    Some(ObjectRef::new(cluster).within(&object.namespace()?))
}

/// Drives a controller. Reconciliations and watches tell of their own errors, so what comes out here is a resource that is
/// gone.
pub(crate) async fn drive<T>(
    results: impl Stream<Item = Result<T, Error<Infallible, watcher::Error>>>,
    mut gone: impl FnMut(&str, &str),
) {
    let mut results = std::pin::pin!(results);
    while let Some(result) = results.next().await {
        match result {
            Ok(_) => {}
            Err(Error::ObjectNotFound(object)) => gone(object.namespace.as_deref().unwrap_or_default(), &object.name),
            Err(error) => tracing::warn!(%error, "a controller stumbled"),
        }
    }
}
