//! The nodes of a pool: a stateful set that makes pods and never restarts one by itself.

use k8s_openapi::api::apps::v1::{
    StatefulSet, StatefulSetOrdinals, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
    StatefulSetUpdateStrategy,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use super::{claim, metadata, pod};
use crate::fingerprint;
use crate::model::{Cluster, Pool};
use crate::names;
use crate::object::{Object, ObjectKind};
use crate::settings::Settings;

/// Fields of a stateful set that nobody can change once it is made.
pub(crate) const FIXED: [&str; 4] = ["serviceName", "podManagementPolicy", "selector", "volumeClaimTemplates"];

/// The stateful set of a pool.
pub(super) fn render(cluster: &Cluster, pool: &Pool, settings: &Settings) -> Object {
    let labels = names::keys([(names::POOL_NAME, &pool.name)]);
    let mut template = pool.templates.stateful_set.clone();
    template.labels = pool.inherited_labels.clone();
    template.labels.extend(pool.templates.stateful_set.labels.clone());
    template.annotations.insert(names::STORAGE.to_owned(), pool.storage.to_value().to_string());
    let claims = claim::templates(cluster, pool);
    // What goes with the cluster goes by an owner of its own.
    let retention = "Retain".to_owned();
    let spec = StatefulSetSpec {
        service_name: Some(names::brokers_service(&cluster.name)),
        replicas: Some(i32::try_from(pool.nodes.len()).unwrap_or(i32::MAX)),
        ordinals: Some(StatefulSetOrdinals { start: Some(pool.nodes.first().map_or(0, |node| node.ordinal)) }),
        // Nodes need each other to become ready, so none may wait for another.
        pod_management_policy: Some("Parallel".to_owned()),
        // Only the plan restarts a node.
        update_strategy: Some(StatefulSetUpdateStrategy { type_: Some("OnDelete".to_owned()), rolling_update: None }),
        selector: LabelSelector {
            match_labels: Some(names::pool_selector(&cluster.name, &pool.name)),
            ..LabelSelector::default()
        },
        persistent_volume_claim_retention_policy: Some(StatefulSetPersistentVolumeClaimRetentionPolicy {
            when_deleted: Some(retention.clone()),
            when_scaled: Some(retention),
        }),
        template: pod::template(cluster, pool, settings),
        volume_claim_templates: Some(claims).filter(|claims| !claims.is_empty()),
        ..StatefulSetSpec::default()
    };
    let set = StatefulSet {
        metadata: metadata(cluster, &names::pool(&cluster.name, &pool.name), &labels, &template),
        spec: Some(spec),
        status: None,
    };
    let mut object = Object::new(ObjectKind::StatefulSet, &set);
    let revision = fingerprint::of_value(&object.body["spec"]["template"]);
    object.body["spec"]["template"]["metadata"]["annotations"][names::REVISION] = Value::String(revision);
    let fixed: Vec<&Value> = FIXED.iter().map(|field| &object.body["spec"][*field]).collect();
    let fixed = fingerprint::of_value(&serde_json::json!(fixed));
    object.body["metadata"]["annotations"][names::FIXED] = Value::String(fixed);
    object
}
