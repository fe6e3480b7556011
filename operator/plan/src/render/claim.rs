//! Claims: the templates by which a stateful set makes them, and what is laid over those that exist, since a stateful set
//! never changes a claim that it has made. So claims grow and get new labels.
//!
//! Nobody can change a stateful set's templates, so they hold nothing that changes while the storage stays the same: the
//! users' labels and annotations are laid over the claims once these exist, and so is the owner with which a claim goes
//! that is to be deleted. That owner is the resource of the cluster: a stateful set may be deleted by mistake, and its data
//! has to outlive that.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use crate::model::{Cluster, Pool, Volume, VolumeSource};
use crate::names::{self, Keys};
use crate::object::{Object, ObjectKind};
use crate::quantity;
use crate::world::{self, World};

/// The templates of a pool's claims.
pub(super) fn templates(cluster: &Cluster, pool: &Pool) -> Vec<PersistentVolumeClaim> {
    let of_volume = |volume: &Volume| {
        let name = names::volume(volume.id);
        let VolumeSource::Claim { size, class, attributes_class, selector, .. } = &volume.source else {
            return None;
        };
        let spec = PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            volume_mode: Some("Filesystem".to_owned()),
            storage_class_name: class.clone(),
            volume_attributes_class_name: attributes_class.clone(),
            selector: Some(selector.clone())
                .filter(|selector| !selector.is_empty())
                .map(|labels| LabelSelector { match_labels: Some(labels), ..LabelSelector::default() }),
            resources: Some(requests(size)),
            ..PersistentVolumeClaimSpec::default()
        };
        let annotations = names::keys([(names::CLUSTER_ID, &cluster.cluster_id.to_string())]);
        let metadata = metadata(name, own_labels(cluster, pool), annotations);
        Some(PersistentVolumeClaim { metadata, spec: Some(spec), status: None })
    };
    pool.storage.volumes.iter().filter_map(of_volume).collect()
}

/// What is to be changed on claims that exist: labels, annotations, size, and the class of attributes.
pub(super) fn existing(cluster: &Cluster, pool: &Pool, world: &World) -> Vec<Object> {
    let mut objects = Vec::new();
    for node in &pool.nodes {
        for volume in &pool.storage.volumes {
            let VolumeSource::Claim { size, attributes_class, delete_claim, .. } = &volume.source else { continue };
            let name = names::claim(&names::volume(volume.id), &node.pod);
            let Some(present) = world.named(ObjectKind::PersistentVolumeClaim, &name) else { continue };
            // A claim cannot shrink, and to ask for less would be refused together with all that is asked for beside.
            let size = world::claimed(present).map_or(size.as_str(), |present| quantity::larger(size, present));
            let (labels, annotations) = (all_labels(cluster, pool), all_annotations(cluster, pool, *delete_claim));
            let mut metadata = metadata(name, labels, annotations);
            metadata.namespace = Some(cluster.namespace.clone());
            metadata.owner_references = delete_claim.then(|| vec![cluster.owner.clone()]);
            let spec = PersistentVolumeClaimSpec {
                volume_attributes_class_name: attributes_class.clone(),
                resources: Some(requests(size)),
                ..PersistentVolumeClaimSpec::default()
            };
            let claim = PersistentVolumeClaim { metadata, spec: Some(spec), status: None };
            objects.push(Object::new(ObjectKind::PersistentVolumeClaim, &claim));
        }
    }
    objects
}

/// The labels by which a claim is known as ours.
fn own_labels(cluster: &Cluster, pool: &Pool) -> Keys {
    let mut labels = names::labels(&cluster.name);
    labels.insert(names::POOL_NAME.to_owned(), pool.name.clone());
    labels
}

fn all_labels(cluster: &Cluster, pool: &Pool) -> Keys {
    let mut labels = pool.inherited_labels.clone();
    labels.extend(pool.templates.claim.labels.clone());
    labels.extend(own_labels(cluster, pool));
    labels
}

fn all_annotations(cluster: &Cluster, pool: &Pool, delete_claim: bool) -> Keys {
    let mut annotations = pool.templates.claim.annotations.clone();
    annotations.insert(names::DELETE_CLAIM.to_owned(), delete_claim.to_string());
    annotations.insert(names::CLUSTER_ID.to_owned(), cluster.cluster_id.to_string());
    annotations
}

fn metadata(name: String, labels: Keys, annotations: Keys) -> ObjectMeta {
    ObjectMeta { name: Some(name), labels: Some(labels), annotations: Some(annotations), ..ObjectMeta::default() }
}

fn requests(size: &str) -> VolumeResourceRequirements {
    VolumeResourceRequirements {
        requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(size.to_owned()))])),
        ..VolumeResourceRequirements::default()
    }
}
