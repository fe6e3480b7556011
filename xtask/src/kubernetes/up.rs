//! `up`: from whatever is there (nothing, half a cluster after a crash, a whole one) to a cluster that is ready.
//!
//! What fits is mended: only what does not run is started. What does not fit (another version, another start of the
//! machine), or does not come up again, is taken down and made anew, once.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::access::Access;
use super::layout::{Layout, NODES_MAX, Shape, node_name};
use super::processes::Processes;
use super::programs::{self, Family, KUBERNETES};
use super::state::{self, State};
use super::{certificates, control_plane, down, network, node, storage};
use crate::packages::{self, Package};
use crate::{program, progress};

/// A node is ready in 5 s on an idle machine.
const NODE_PATIENCE: Duration = Duration::from_secs(120);

/// A cluster with at least `nodes` nodes.
pub fn whole(nodes: u8) -> Result<Access> {
    if nodes == 0 || nodes > NODES_MAX {
        bail!("--nodes {nodes}: from 1 to {NODES_MAX} are possible on one machine");
    }
    let layout = Layout::new(Shape::Whole)?;
    announce(&layout, &packages::for_nodes(), &programs::ALL)?;
    if !rustix::process::geteuid().is_root() {
        bail!("a Kubernetes with nodes makes bridges, mounts and control groups, which needs root: run this as root");
    }
    packages::ensure(&packages::for_nodes())?;
    programs::ensure(&programs::ALL)?;
    bring_up(&layout, nodes)
}

/// etcd and an API server alone: no root, no nodes, ready in seconds.
pub fn control_plane_only() -> Result<Access> {
    let layout = Layout::new(Shape::ControlPlane)?;
    announce(&layout, packages::CONTROL_PLANE, &[&KUBERNETES])?;
    packages::ensure(packages::CONTROL_PLANE)?;
    programs::ensure(&[&KUBERNETES])?;
    bring_up(&layout, 0)
}

/// Says what will be installed and changed, before anything is.
fn announce(layout: &Layout, packages: &[Package], families: &[&Family]) -> Result<()> {
    let missing_packages: Vec<&str> = packages::missing(packages).iter().map(|package| package.name).collect();
    let missing_programs = programs::missing(families)?;
    if State::read(layout).is_some() && missing_packages.is_empty() && missing_programs.is_empty() {
        return Ok(());
    }
    println!("A local Kubernetes {}. This is what happens on this machine:", KUBERNETES.version);
    if missing_packages.is_empty() {
        println!("  - Debian packages: all there");
    } else {
        println!("  - installs the Debian packages {} (needs root)", missing_packages.join(", "));
    }
    if missing_programs.is_empty() {
        println!("  - programs: all in the cache");
    } else {
        let names: Vec<String> =
            missing_programs.iter().map(|family| format!("{} {}", family.name, family.version)).collect();
        println!("  - compiles {} with Go, once, {}", names.join(", "), programs::estimate(&missing_programs));
    }
    match layout.shape {
        Shape::Whole => println!(
            "  - needs root; makes bridges ottla-cniN (10.244.N.0/24), control groups ottla-nodeN, mounts, nftables rules\n    \
             of kube-proxy (Services in 10.96.0.0/16), switches IP forwarding on; reachable from this machine only\n  \
             - keeps everything in {}; `cargo xtask kubernetes down` undoes it all, packages and cache aside",
            layout.run.display()
        ),
        Shape::ControlPlane => println!(
            "  - runs etcd and the API server on loopback, with files in {}; needs no root",
            layout.run.display()
        ),
    }
    Ok(())
}

fn bring_up(layout: &Layout, nodes: u8) -> Result<Access> {
    let _lock = state::lock(layout)?;
    let found = State::read(layout);
    let now = State::now(nodes.max(found.as_ref().map_or(0, |found| found.nodes)))?;
    let mendable = found.as_ref().is_some_and(|found| found.fits(&now));
    let leftovers = layout.run.exists() && !mendable;
    if leftovers {
        let step = progress::step("remove what an earlier cluster left");
        down::remove(layout)?;
        step.done();
    }
    let nodes = if mendable { now.nodes } else { nodes };
    if found.is_some_and(|found| mendable && found.nodes < nodes) {
        println!("Images that were loaded before are not on the new nodes: load them again.");
    }
    match start(layout, nodes) {
        Err(error) if mendable => {
            eprintln!("  ✗ the cluster that was there does not come up again:\n{error:#}\n    It is made anew.");
            down::remove(layout)?;
            start(layout, nodes)
        }
        result => result,
    }
    .with_context(|| {
        format!(
            "the Kubernetes did not come up; its logs are in {}. `cargo xtask kubernetes down` removes what there is, \
             `cargo xtask kubernetes up` tries again",
            layout.run.join("log").display()
        )
    })
}

fn start(layout: &Layout, nodes: u8) -> Result<Access> {
    fs::create_dir_all(&layout.run).with_context(|| format!("make {}", layout.run.display()))?;
    State::now(nodes)?.write(layout)?;
    let processes = Processes::of(&layout.run);

    let step = progress::step("certificates");
    certificates::ensure(layout, nodes)?;
    step.done();

    if layout.shape == Shape::Whole {
        let step = progress::step("network");
        network::prepare(layout, nodes)?;
        step.done();
    }
    let step = progress::step("control plane");
    control_plane::start(layout, &processes).with_context(|| strangers(layout, &processes))?;
    step.done();

    let access = Access::local(layout)?;
    if layout.shape == Shape::ControlPlane {
        return Ok(access);
    }
    network::start(layout, &processes)?;
    for node in 1..=nodes {
        let step = progress::step(node_name(node));
        node::start(layout, &processes, node)?;
        step.done();
    }
    let step = progress::step("volumes");
    wait_for_account(&processes, &access)?;
    storage::start(layout, &processes, &access)?;
    step.done();
    for node in 1..=nodes {
        let step = progress::step(format!("{} is ready", node_name(node)));
        wait_for_node(&processes, &access, node)?;
        step.done();
    }
    let step = progress::step("names and Services");
    wait_for_names(&processes)?;
    step.done();
    Ok(access)
}

/// Pods need the default account of their namespace, which the controller manager makes.
fn wait_for_account(processes: &Processes, access: &Access) -> Result<()> {
    processes.wait("the default service account", &["apiserver", "controller-manager"], NODE_PATIENCE, || {
        access.ask(&["get", "serviceaccount", "default"]).map(Some)
    })?;
    Ok(())
}

fn wait_for_node(processes: &Processes, access: &Access, node: u8) -> Result<()> {
    let name = node_name(node);
    let kubelet = node::kubelet_name(node);
    let containerd = node::containerd_name(node);
    processes.wait(&format!("{name} to be ready"), &[&kubelet, &containerd, "scheduler"], NODE_PATIENCE, || {
        let ready =
            access.ask(&["get", "node", &name, "--output=jsonpath={.status.conditions[?(@.type=='Ready')].status}"])?;
        Ok((ready == "True").then_some(()))
    })?;
    program::run(access.kubectl().args([
        "label",
        "node",
        &name,
        "--overwrite",
        &format!("topology.kubernetes.io/zone=zone-{node}"),
    ]))
}

fn wait_for_names(processes: &Processes) -> Result<()> {
    let address = format!("{}:8181", network::dns_address());
    processes.wait("the cluster's DNS", &["coredns", "kube-proxy", "local-path"], NODE_PATIENCE, || {
        use std::io::{Read, Write};
        let mut connection = std::net::TcpStream::connect(&address)?;
        connection.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(connection, "GET /ready HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer.contains(" 200 ").then_some(()))
    })
}

/// A hint for the commonest failure: someone else listens on a port of ours.
fn strangers(layout: &Layout, processes: &Processes) -> String {
    let ports = [
        ("etcd", "127.0.0.1".to_owned(), layout.etcd_ports().0),
        ("apiserver", layout.api_address(), layout.api_port()),
    ];
    for (name, address, port) in ports {
        if processes.alive(name).is_none() && std::net::TcpStream::connect((address.as_str(), port)).is_ok() {
            return format!(
                "{name} cannot listen on {address}:{port}: another program does (`ss -ltnp` tells which); end it"
            );
        }
    }
    "start the control plane".to_owned()
}
