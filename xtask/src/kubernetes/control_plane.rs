//! The control plane: etcd, the API server and, when there are nodes, controller manager and scheduler. Given the layout;
//! gives running processes and an API server that says it is ready.

use std::fmt::Display;
use std::time::Duration;

use anyhow::{Context, Result};

use super::access::Access;
use super::layout::{Layout, SERVICES, Shape};
use super::processes::{Process, Processes};
use super::programs::KUBERNETES;
use crate::program;

/// Ready after 3 s on an idle machine; a machine that compiles meanwhile may need twenty times that.
const PATIENCE: Duration = Duration::from_secs(90);

/// Starts what does not run yet and waits until the API server is ready.
pub fn start(layout: &Layout, processes: &Processes) -> Result<()> {
    processes.ensure(&etcd(layout)?)?;
    processes.ensure(&api_server(layout)?)?;
    let access = Access::local(layout)?;
    processes
        .wait("the API server to be ready", &["etcd", "apiserver"], PATIENCE, || {
            program::output(access.kubectl().args(["get", "--raw", "/readyz"])).map(Some)
        })
        .context("start the control plane")?;
    if layout.shape == Shape::Whole {
        processes.ensure(&controller_manager(layout)?)?;
        processes.ensure(&scheduler(layout)?)?;
    }
    Ok(())
}

/// `--name=value`
pub fn flag(name: &str, value: impl Display) -> String {
    format!("--{name}={value}")
}

fn etcd(layout: &Layout) -> Result<Process> {
    let (clients, peers) = layout.etcd_ports();
    let clients = format!("http://127.0.0.1:{clients}");
    let peers = format!("http://127.0.0.1:{peers}");
    let arguments = vec![
        flag("name", "ottla"),
        flag("data-dir", layout.run.join("etcd").display()),
        flag("listen-client-urls", &clients),
        flag("advertise-client-urls", &clients),
        flag("listen-peer-urls", &peers),
        flag("initial-advertise-peer-urls", &peers),
        flag("initial-cluster", format!("ottla={peers}")),
        // The cluster is thrown away when the machine stops; waiting for the disk would only slow tests.
        "--unsafe-no-fsync".to_owned(),
    ];
    Ok(Process::new("etcd", program::find("etcd").context("etcd is not installed")?, arguments))
}

fn api_server(layout: &Layout) -> Result<Process> {
    let file = |name: &str| layout.certificates().join(name).display().to_string();
    let mut arguments = vec![
        flag("etcd-servers", format!("http://127.0.0.1:{}", layout.etcd_ports().0)),
        flag("bind-address", layout.api_address()),
        flag("secure-port", layout.api_port()),
        flag("advertise-address", layout.api_address()),
        flag("service-cluster-ip-range", SERVICES),
        flag("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        flag("service-account-key-file", file("accounts.pub")),
        flag("service-account-signing-key-file", file("accounts.key")),
        flag("client-ca-file", file("ca.crt")),
        flag("tls-cert-file", file("apiserver.crt")),
        flag("tls-private-key-file", file("apiserver.key")),
        flag("authorization-mode", "Node,RBAC"),
        flag("allow-privileged", true),
    ];
    match layout.shape {
        Shape::Whole => arguments.extend([
            flag("enable-admission-plugins", "NodeRestriction"),
            flag("kubelet-client-certificate", file("admin.crt")),
            flag("kubelet-client-key", file("admin.key")),
            flag("kubelet-certificate-authority", file("ca.crt")),
            flag("kubelet-preferred-address-types", "InternalIP"),
        ]),
        Shape::ControlPlane => arguments.extend([
            // A loopback address may not be the endpoint of a Service, and nobody is there to make default accounts.
            flag("endpoint-reconciler-type", "none"),
            flag("disable-admission-plugins", "ServiceAccount"),
        ]),
    }
    Ok(Process::new("apiserver", KUBERNETES.program("kube-apiserver")?, arguments))
}

fn controller_manager(layout: &Layout) -> Result<Process> {
    let file = |name: &str| layout.certificates().join(name).display().to_string();
    let arguments = vec![
        flag("bind-address", "127.0.0.1"),
        flag("kubeconfig", layout.kubeconfig("controller-manager").display()),
        flag("service-account-private-key-file", file("accounts.key")),
        flag("root-ca-file", file("ca.crt")),
        flag("cluster-signing-cert-file", file("ca.crt")),
        flag("cluster-signing-key-file", file("ca.key")),
        flag("use-service-account-credentials", true),
        flag("leader-elect", false),
    ];
    Ok(Process::new("controller-manager", KUBERNETES.program("kube-controller-manager")?, arguments))
}

fn scheduler(layout: &Layout) -> Result<Process> {
    let arguments = vec![
        flag("bind-address", "127.0.0.1"),
        flag("kubeconfig", layout.kubeconfig("scheduler").display()),
        flag("leader-elect", false),
    ];
    Ok(Process::new("scheduler", KUBERNETES.program("kube-scheduler")?, arguments))
}
