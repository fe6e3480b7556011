//! Whose the objects of expected names are. Another operator, Strimzi above all, may run a cluster of the same name; then
//! nothing is written at all, for two operators over one set of nodes would be worse than none.

use crate::model::Cluster;
use crate::names;
use crate::object::{ObjectKey, ObjectKind};
use crate::world::{self, World};

/// The keys under which something of another's would be in the way. The shell asks for these by name, besides listing what
/// carries the cluster's label.
pub(crate) fn expected(cluster: &str, pools: &[&str]) -> Vec<ObjectKey> {
    let mut keys = vec![
        ObjectKind::ServiceAccount.named(names::component(cluster)),
        ObjectKind::Service.named(names::brokers_service(cluster)),
        ObjectKind::Service.named(names::bootstrap_service(cluster)),
        ObjectKind::NetworkPolicy.named(names::network_policy(cluster)),
        ObjectKind::PodDisruptionBudget.named(names::component(cluster)),
    ];
    keys.extend(names::authority_secrets(cluster).map(|secret| ObjectKind::Secret.named(secret)));
    // Whatever pools there are, a cluster of an older age stands under these names.
    let mut sets: Vec<String> = ["kafka", "zookeeper"].map(|part| names::pool(cluster, part)).to_vec();
    sets.extend(pools.iter().map(|pool| names::pool(cluster, pool)));
    sets.sort();
    sets.dedup();
    for set in sets {
        keys.push(ObjectKind::StatefulSet.named(&set));
        keys.push(ObjectKind::StrimziPodSet.named(set));
    }
    keys.extend(pools.iter().map(|pool| ObjectKind::ConfigMap.named(names::pool_config(cluster, pool))));
    keys
}

/// The keys of the nodes themselves, which are known once their ids are.
pub(crate) fn of_nodes(cluster: &Cluster) -> Vec<ObjectKey> {
    let mut keys = Vec::new();
    for pool in &cluster.pools {
        for node in &pool.nodes {
            keys.push(ObjectKind::Pod.named(&node.pod));
            let claims = pool.storage.volumes.iter().map(|volume| names::claim(&names::volume(volume.id), &node.pod));
            keys.extend(claims.map(|claim| ObjectKind::PersistentVolumeClaim.named(claim)));
        }
    }
    keys
}

/// What stands in the way.
pub(crate) fn foreign(cluster: &Cluster, brought_secrets: &[String], world: &World) -> Vec<ObjectKey> {
    let pools: Vec<&str> = cluster.pools.iter().map(|pool| pool.name.as_str()).collect();
    let mut keys = expected(&cluster.name, &pools);
    keys.extend(of_nodes(cluster));
    // Of Strimzi's own kind, any that says it is of this cluster is a sign, whatever its name.
    let pod_sets = world.of_kind(ObjectKind::StrimziPodSet);
    let pod_sets = pod_sets.filter(|(_, body)| world::label(body, names::CLUSTER) == Some(&cluster.name));
    keys.extend(pod_sets.map(|(name, _)| ObjectKind::StrimziPodSet.named(name)));
    keys.sort();
    keys.dedup();
    keys.retain(|key| {
        let is_brought = key.kind == ObjectKind::Secret && brought_secrets.contains(&key.name);
        !is_brought && world.get(key).is_some_and(|body| !is_ours(cluster, key, body))
    });
    keys
}

fn is_ours(cluster: &Cluster, key: &ObjectKey, body: &serde_json::Value) -> bool {
    match key.kind {
        // Made by a stateful set, and for a while by one that is gone: known by their labels.
        ObjectKind::Pod | ObjectKind::PersistentVolumeClaim => world::is_marked_ours(body, &cluster.name),
        ObjectKind::StrimziPodSet => false,
        _ => world::is_owned_by(body, &cluster.owner.uid),
    }
}
