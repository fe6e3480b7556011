//! The configuration of a pool: one entry for each pod, which id each pod has, and the storage that the pods were made
//! with. It is mounted whole, so a further node's entry reaches the others without a restart.

use k8s_openapi::api::core::v1::ConfigMap;

use super::{metadata, properties};
use crate::model::{Cluster, Metadata, Node, Pool};
use crate::names::{self, Keys};
use crate::object::{Object, ObjectKind};

/// The configuration of a pool's nodes.
pub(super) fn render(cluster: &Cluster, pool: &Pool) -> Object {
    let ids: serde_json::Map<String, serde_json::Value> =
        pool.nodes.iter().map(|node| (node.pod.clone(), node.id.0.into())).collect();
    let bound = serde_json::Value::Object(ids).to_string();
    let storage = pool.storage.to_value().to_string();
    let annotations = names::keys([(names::NODE_IDS, bound.as_str()), (names::STORAGE, &storage)]);
    let template = Metadata { labels: Keys::new(), annotations };
    let labels = names::keys([(names::POOL_NAME, &pool.name)]);
    let entry = |node: &Node| (names::pod_config(&node.pod), properties::of_node(cluster, pool, node));
    let map = ConfigMap {
        metadata: metadata(cluster, &names::pool_config(&cluster.name, &pool.name), &labels, &template),
        data: Some(pool.nodes.iter().map(entry).collect()),
        ..ConfigMap::default()
    };
    Object::new(ObjectKind::ConfigMap, &map)
}
