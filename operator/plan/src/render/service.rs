//! The two services of a cluster: the headless one, by which nodes have names before they are ready, and the one that
//! clients begin with, which leads to brokers only.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::json;

use super::metadata;
use crate::model::{Cluster, Listener, ServiceTemplate};
use crate::names::{self, Keys};
use crate::object::{Object, ObjectKind};

/// The headless service.
pub(super) fn brokers(cluster: &Cluster) -> Object {
    let mut ports =
        vec![port("tcp-ctrlplane", names::CONTROL_PLANE_PORT), port("tcp-replication", names::REPLICATION_PORT)];
    ports.extend(cluster.listeners.iter().map(of_listener));
    let template = &cluster.templates.brokers_service;
    let spec = ServiceSpec {
        cluster_ip: Some("None".to_owned()),
        // Nodes find each other by these names in order to become ready.
        publish_not_ready_addresses: Some(true),
        selector: Some(names::selector(&cluster.name)),
        ports: Some(ports),
        ..spec(template)
    };
    let metadata = metadata(cluster, &names::brokers_service(&cluster.name), &Keys::new(), &template.metadata);
    Object::new(ObjectKind::Service, &Service { metadata, spec: Some(spec), status: None })
}

/// The service that clients begin with.
pub(super) fn bootstrap(cluster: &Cluster) -> Object {
    let mut ports = vec![port("tcp-replication", names::REPLICATION_PORT)];
    ports.extend(cluster.listeners.iter().map(of_listener));
    let mut selector = names::selector(&cluster.name);
    selector.insert(names::BROKER_ROLE.to_owned(), "true".to_owned());
    let mut template = cluster.templates.bootstrap_service.clone();
    let found: Vec<_> = cluster
        .listeners
        .iter()
        .map(|listener| json!({"port": listener.port, "tls": false, "protocol": "kafka", "auth": "none"}))
        .collect();
    template.metadata.annotations.insert(names::DISCOVERY.to_owned(), json!(found).to_string());
    let labels = names::keys([(names::DISCOVERY, "true")]);
    let metadata = metadata(cluster, &names::bootstrap_service(&cluster.name), &labels, &template.metadata);
    let spec = ServiceSpec { selector: Some(selector), ports: Some(ports), ..spec(&template) };
    Object::new(ObjectKind::Service, &Service { metadata, spec: Some(spec), status: None })
}

fn spec(template: &ServiceTemplate) -> ServiceSpec {
    ServiceSpec {
        type_: Some("ClusterIP".to_owned()),
        ip_family_policy: template.ip_family_policy.clone(),
        ip_families: Some(template.ip_families.clone()).filter(|families| !families.is_empty()),
        ..ServiceSpec::default()
    }
}

fn of_listener(listener: &Listener) -> ServicePort {
    port(&names::listener_port(&listener.name, listener.port), listener.port)
}

fn port(name: &str, port: u16) -> ServicePort {
    let port = i32::from(port);
    ServicePort {
        name: Some(name.to_owned()),
        port,
        target_port: Some(IntOrString::Int(port)),
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    }
}
