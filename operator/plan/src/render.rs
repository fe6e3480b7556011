//! The objects of a cluster, rendered from the checked model alone: one kind, one function, one file.
//!
//! Everything a cluster needs is here, so that the plan is whole: what is not rendered is not wanted, and is pruned.

mod claim;
mod config_map;
mod disruption_budget;
mod network_policy;
mod pod;
mod properties;
mod service;
mod stateful_set;

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub(crate) use properties::of_node as properties_of_node;
pub(crate) use stateful_set::FIXED;

use crate::fingerprint;
use crate::model::{Cluster, Metadata};
use crate::names::{self, Keys};
use crate::object::{Object, ObjectKind};
use crate::settings::Settings;
use crate::world::World;

/// Every object that ought to be, in the order in which they are applied.
pub(crate) fn objects(cluster: &Cluster, world: &World, settings: &Settings) -> Vec<Object> {
    let mut objects = vec![service_account(cluster)];
    objects.extend(cluster.pools.iter().map(|pool| config_map::render(cluster, pool)));
    objects.push(service::brokers(cluster));
    objects.push(service::bootstrap(cluster));
    if settings.network_policies {
        objects.push(network_policy::render(cluster, settings));
    }
    if settings.disruption_budgets {
        objects.push(disruption_budget::render(cluster));
    }
    for pool in &cluster.pools {
        objects.extend(claim::existing(cluster, pool, world));
    }
    objects.extend(cluster.pools.iter().map(|pool| stateful_set::render(cluster, pool, settings)));
    objects.iter_mut().for_each(mark);
    objects
}

/// Notes on an object what of it was applied. Server-side apply takes away what is no longer applied, but only when asked;
/// from this mark the next plan sees that it has to ask.
fn mark(object: &mut Object) {
    let fingerprint = fingerprint::of_value(&object.body);
    object.body["metadata"]["annotations"][names::APPLIED] = fingerprint.into();
}

fn service_account(cluster: &Cluster) -> Object {
    let metadata =
        metadata(cluster, &names::component(&cluster.name), &Keys::new(), &cluster.templates.service_account);
    Object::new(ObjectKind::ServiceAccount, &ServiceAccount { metadata, ..ServiceAccount::default() })
}

/// The metadata of an object: inherited labels first, then the template's, then the operator's own, by which it knows
/// what is its own.
fn metadata(cluster: &Cluster, name: &str, labels: &Keys, template: &Metadata) -> ObjectMeta {
    let mut all = cluster.inherited_labels.clone();
    all.extend(template.labels.clone());
    all.extend(names::labels(&cluster.name));
    all.extend(labels.clone());
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(cluster.namespace.clone()),
        labels: Some(all),
        annotations: Some(template.annotations.clone()).filter(|annotations| !annotations.is_empty()),
        owner_references: Some(vec![cluster.owner.clone()]),
        ..ObjectMeta::default()
    }
}
