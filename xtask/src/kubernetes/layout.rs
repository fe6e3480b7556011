//! Where a local Kubernetes keeps its files and on which addresses it listens. Nothing here touches the machine.
//!
//! There are two clusters, which may run at once: the whole one, whose nodes are on bridges of their own, and the control
//! plane alone, on loopback only, which serves tests as an API server. All that either writes lies in its run directory,
//! and everything it makes elsewhere (bridges, cgroups) bears the prefix `ottla-`, so that taking it down is exact.

use std::path::PathBuf;

use anyhow::Result;
use ottla_harness::cache;

/// Addresses of Services.
pub const SERVICES: &str = "10.96.0.0/16";
/// The first of them: the API server as pods see it.
pub const API_SERVICE: &str = "10.96.0.1";
/// Addresses of nodes and pods; node N has 10.244.N.0/24.
pub const PODS: &str = "10.244.0.0/16";
/// Node numbers are the third byte of an address, and one machine has memory for few: 140 MB each.
pub const NODES_MAX: u8 = 20;

/// Which of the two clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Control plane, nodes, DNS, volumes.
    Whole,
    /// etcd and API server.
    ControlPlane,
}

/// A cluster's places and addresses.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Which of the two this is.
    pub shape: Shape,
    /// The directory that taking the cluster down removes.
    pub run: PathBuf,
}

impl Layout {
    /// The layout of the cluster of this shape.
    pub fn new(shape: Shape) -> Result<Self> {
        let name = match shape {
            Shape::Whole => "run",
            Shape::ControlPlane => "run-control-plane",
        };
        Ok(Self { shape, run: cache::folder("kubernetes")?.join(name) })
    }

    /// The address of the API server. The whole cluster's is on the first node's bridge, where pods reach it.
    pub fn api_address(&self) -> String {
        match self.shape {
            Shape::Whole => node_address(1),
            Shape::ControlPlane => "127.0.0.1".to_owned(),
        }
    }

    /// The port of the API server.
    pub fn api_port(&self) -> u16 {
        match self.shape {
            Shape::Whole => 6443,
            Shape::ControlPlane => 26443,
        }
    }

    /// etcd's ports on loopback, for clients and for peers. Not 2379: Debian's own etcd service has that one.
    pub fn etcd_ports(&self) -> (u16, u16) {
        match self.shape {
            Shape::Whole => (12379, 12380),
            Shape::ControlPlane => (22379, 22380),
        }
    }

    /// Authorities, certificates, keys and the kubeconfig files made of them.
    pub fn certificates(&self) -> PathBuf {
        self.run.join("certificates")
    }

    /// The kubeconfig of a user, such as `admin`.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.certificates().join(format!("{user}.kubeconfig"))
    }

    /// Everything of node N.
    pub fn node(&self, node: u8) -> PathBuf {
        self.run.join(node_name(node))
    }

    /// The socket of node N's containerd.
    pub fn containerd_socket(&self, node: u8) -> PathBuf {
        self.node(node).join("containerd.sock")
    }
}

/// What node N is called.
pub fn node_name(node: u8) -> String {
    format!("node{node}")
}

/// The address of node N, which is also that of its bridge.
pub fn node_address(node: u8) -> String {
    format!("10.244.{node}.1")
}

/// The bridge of node N. Linux allows 15 characters.
pub fn bridge(node: u8) -> String {
    format!("ottla-cni{node}")
}

/// The cgroup under which node N's kubelet keeps its pods. Each needs its own, or one kubelet kills the others' pods.
pub fn cgroup(node: u8) -> String {
    format!("ottla-{}", node_name(node))
}
