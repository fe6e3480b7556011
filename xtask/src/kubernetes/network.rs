//! The network of the nodes: one bridge each, routing between them, kube-proxy for Services, CoreDNS for names.
//!
//! Everything is on bridges made here and on loopback; nothing is reachable from other machines, and no name outside
//! the cluster is resolved inside it. What is changed on the machine is remembered and put back by [`remove`].

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::layout::{Layout, PODS, bridge, node_address};
use super::processes::{Process, Processes};
use super::programs::{COREDNS, KUBERNETES};
use crate::program;

/// Kernel settings that routing between bridges needs, and their values.
const SETTINGS: [(&str, &str); 2] = [
    ("/proc/sys/net/ipv4/ip_forward", "1"),
    // Present only where the kernel filters bridges; where it does, Services must see bridged packets.
    ("/proc/sys/net/bridge/bridge-nf-call-iptables", "1"),
];

/// Makes the bridges of `nodes` with the nodes' addresses. Before kubelet starts, since it looks for its address once.
pub fn prepare(layout: &Layout, nodes: u8) -> Result<()> {
    remember_settings(layout)?;
    for (setting, value) in SETTINGS {
        if fs::read_to_string(setting).is_ok_and(|now| now.trim() != value) {
            fs::write(setting, value).with_context(|| format!("set {setting} to {value}"))?;
        }
    }
    for node in 1..=nodes {
        let bridge = bridge(node);
        if !PathBuf::from("/sys/class/net").join(&bridge).exists() {
            program::run(ip().args(["link", "add", &bridge, "type", "bridge"]))?;
        }
        program::run(ip().args(["address", "replace", &format!("{}/24", node_address(node)), "dev", &bridge]))?;
        program::run(ip().args(["link", "set", &bridge, "up"]))?;
    }
    Ok(())
}

/// Starts kube-proxy and CoreDNS. Both serve all nodes, as these share the machine's network.
pub fn start(layout: &Layout, processes: &Processes) -> Result<()> {
    // nftables, since every Debian kernel has it; conntrack limits belong to the machine and are left alone.
    let proxy = format!(
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\n\
         kind: KubeProxyConfiguration\n\
         mode: nftables\n\
         clusterCIDR: {PODS}\n\
         hostnameOverride: node1\n\
         metricsBindAddress: 127.0.0.1:10249\n\
         healthzBindAddress: 127.0.0.1:10256\n\
         conntrack: {{maxPerCore: 0}}\n\
         clientConnection: {{kubeconfig: \"{}\"}}\n",
        layout.kubeconfig("proxy").display()
    );
    let proxy_file = layout.run.join("kube-proxy.yaml");
    let arguments = vec![format!("--config={}", proxy_file.display())];
    let mut process = Process::new("kube-proxy", KUBERNETES.program("kube-proxy")?, arguments);
    process.settings.push((proxy_file, proxy));
    processes.ensure(&process)?;

    // Names outside the cluster do not exist, which is an answer; to have no answer would make every program wait.
    let names = format!(
        "cluster.local in-addr.arpa {{\n bind {address}\n errors\n ready {address}:8181\n \
         kubernetes {{\n  kubeconfig {kubeconfig} ottla\n  pods insecure\n  ttl 5\n }}\n cache 5\n}}\n\
         . {{\n bind {address}\n template ANY ANY {{\n  rcode NXDOMAIN\n }}\n}}\n",
        address = dns_address(),
        kubeconfig = layout.kubeconfig("admin").display()
    );
    let names_file = layout.run.join("Corefile");
    let arguments = vec!["-conf".to_owned(), names_file.display().to_string()];
    let mut process = Process::new("coredns", COREDNS.program("coredns")?, arguments);
    process.settings.push((names_file, names));
    processes.ensure(&process)
}

/// Where the cluster's DNS answers.
pub fn dns_address() -> String {
    node_address(1)
}

/// Removes the bridges of this module, kube-proxy's rules, and puts the kernel's settings back.
pub fn remove(layout: &Layout) -> Result<()> {
    let links = program::output(ip().args(["-oneline", "link", "show", "type", "bridge"])).unwrap_or_default();
    let prefix = bridge(0);
    let prefix = prefix.trim_end_matches('0');
    for name in links.lines().filter_map(|line| line.split(':').nth(1)).map(str::trim) {
        if name.strip_prefix(prefix).is_some_and(|node| node.parse::<u8>().is_ok()) {
            program::run(ip().args(["link", "delete", name])).with_context(|| format!("remove the bridge {name}"))?;
        }
    }
    if layout.run.join("kube-proxy.yaml").exists() {
        for family in ["ip", "ip6"] {
            // Not there when kube-proxy never came up, or without IPv6.
            let _ = program::run(Command::new("nft").args(["delete", "table", family, "kube-proxy"]));
        }
    }
    for (setting, value) in remembered_settings(layout) {
        // A setting can vanish with its kernel module; then there is nothing to put back.
        let _ = fs::write(setting, value);
    }
    Ok(())
}

/// Keeps what the settings were before the first `up`.
fn remember_settings(layout: &Layout) -> Result<()> {
    let file = layout.run.join("settings.json");
    if file.exists() {
        return Ok(());
    }
    let settings: BTreeMap<&str, String> = SETTINGS
        .into_iter()
        .filter_map(|(setting, _)| Some((setting, fs::read_to_string(setting).ok()?.trim().to_owned())))
        .collect();
    fs::write(&file, serde_json::to_vec_pretty(&settings)?).with_context(|| format!("write {}", file.display()))
}

fn remembered_settings(layout: &Layout) -> BTreeMap<String, String> {
    fs::read(layout.run.join("settings.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

fn ip() -> Command {
    Command::new("ip")
}
