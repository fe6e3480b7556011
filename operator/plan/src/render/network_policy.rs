//! Who may connect to the nodes: each other and the operator on the ports between nodes, whom the user names (or everybody)
//! on the listeners, everybody on the metrics.

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::metadata;
use crate::model::{Cluster, Metadata};
use crate::names::{self, Keys};
use crate::object::{Object, ObjectKind};
use crate::settings::Settings;

/// The network policy of a cluster.
pub(super) fn render(cluster: &Cluster, settings: &Settings) -> Object {
    let nodes = peer(names::selector(&cluster.name), None);
    let namespace = names::keys([("kubernetes.io/metadata.name", &settings.operator_namespace)]);
    let operator = peer(settings.operator_labels.clone(), Some(namespace));
    let mut ingress = vec![
        rule(names::CONTROL_PLANE_PORT, Some(vec![nodes.clone(), operator.clone()])),
        rule(names::REPLICATION_PORT, Some(vec![nodes, operator])),
    ];
    ingress.extend(cluster.listeners.iter().map(|listener| rule(listener.port, listener.peers.clone())));
    ingress.push(rule(names::METRICS_PORT, None));
    let policy = NetworkPolicy {
        metadata: metadata(cluster, &names::network_policy(&cluster.name), &Keys::new(), &Metadata::default()),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(selector(names::selector(&cluster.name))),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(ingress),
            egress: None,
        }),
    };
    Object::new(ObjectKind::NetworkPolicy, &policy)
}

fn rule(port: u16, from: Option<Vec<NetworkPolicyPeer>>) -> NetworkPolicyIngressRule {
    let port = NetworkPolicyPort {
        port: Some(IntOrString::Int(port.into())),
        protocol: Some("TCP".to_owned()),
        ..NetworkPolicyPort::default()
    };
    NetworkPolicyIngressRule { from, ports: Some(vec![port]) }
}

fn peer(pods: Keys, namespaces: Option<Keys>) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        pod_selector: Some(selector(pods)),
        namespace_selector: namespaces.map(selector),
        ..NetworkPolicyPeer::default()
    }
}

fn selector(labels: Keys) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), ..LabelSelector::default() }
}
