//! How many nodes Kubernetes may take down at once for maintenance, over all pools of a cluster.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::metadata;
use crate::model::Cluster;
use crate::names::{self, Keys};
use crate::object::{Object, ObjectKind};

/// The disruption budget of a cluster. A minimum, not a maximum: the latter needs a controller with a scale subresource for
/// each pod, and pods left by a stateful set that is being replaced have none.
pub(super) fn render(cluster: &Cluster) -> Object {
    let nodes = i32::try_from(cluster.node_count()).unwrap_or(i32::MAX);
    let least = nodes.saturating_sub(cluster.nodes_down_max).max(0);
    let budget = PodDisruptionBudget {
        metadata: metadata(
            cluster,
            &names::component(&cluster.name),
            &Keys::new(),
            &cluster.templates.disruption_budget,
        ),
        spec: Some(PodDisruptionBudgetSpec {
            min_available: Some(IntOrString::Int(least)),
            selector: Some(LabelSelector {
                match_labels: Some(names::selector(&cluster.name)),
                ..LabelSelector::default()
            }),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    };
    Object::new(ObjectKind::PodDisruptionBudget, &budget)
}
