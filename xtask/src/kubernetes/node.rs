//! A node: a containerd and a kubelet with their own root, sockets, subnet and cgroup, so that several fit on one machine.
//! Given the node's number; gives running processes and their configuration in the node's directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::layout::{Layout, bridge, cgroup, node_address, node_name};
use super::processes::{Process, Processes};
use super::programs::{CONTAINERD, KUBERNETES, RUNC};
use super::{network, sandbox};
use crate::program;

/// containerd answers within a second; a busy machine gets more.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where every hierarchy of control groups hangs.
pub const CGROUPS: &str = "/sys/fs/cgroup";

/// The name of node N's containerd among the processes.
pub fn containerd_name(node: u8) -> String {
    format!("containerd{node}")
}

/// The name of node N's kubelet among the processes.
pub fn kubelet_name(node: u8) -> String {
    format!("kubelet{node}")
}

/// Starts what does not run yet of node N, and gives its containerd the images that every pod needs.
pub fn start(layout: &Layout, processes: &Processes, node: u8) -> Result<()> {
    let directory = layout.node(node);
    fs::create_dir_all(directory.join("cni")).with_context(|| format!("make {}", directory.display()))?;
    make_cgroups(node).with_context(|| format!("make the control groups of {}", node_name(node)))?;

    let settings = directory.join("containerd.toml");
    let arguments = vec!["--config".to_owned(), settings.display().to_string()];
    let mut process = Process::new(containerd_name(node), CONTAINERD.program("containerd")?, arguments);
    process.settings.push((settings, containerd_settings(layout, node)?));
    process.settings.push((directory.join("cni/10-bridge.conflist"), pod_network(layout, node)));
    // It looks for its shim on the path.
    let path = std::env::var("PATH").unwrap_or_default();
    process.environment.push(("PATH".to_owned(), format!("{}:{path}", CONTAINERD.directory()?.join("bin").display())));
    processes.ensure(&process)?;
    processes.wait("containerd to answer", &[&containerd_name(node)], PATIENCE, || {
        program::output(ctr(layout, node)?.arg("version")).map(Some)
    })?;
    for archive in sandbox::archives()? {
        import(layout, node, &archive)?;
    }

    let settings = directory.join("kubelet.yaml");
    let arguments = vec![
        format!("--config={}", settings.display()),
        format!("--kubeconfig={}", layout.kubeconfig(&kubelet_name(node)).display()),
        format!("--hostname-override={}", node_name(node)),
        format!("--root-dir={}", directory.join("kubelet").display()),
        format!("--node-ip={}", node_address(node)),
    ];
    let mut process = Process::new(kubelet_name(node), KUBERNETES.program("kubelet")?, arguments);
    process.settings.push((settings, kubelet_settings(layout, node)));
    processes.ensure(&process)
}

/// Gives node N the images of an archive.
pub fn import(layout: &Layout, node: u8, archive: &Path) -> Result<()> {
    program::run(ctr(layout, node)?.args(["images", "import", "--local"]).arg(archive))
        .with_context(|| format!("load {} into {}", archive.display(), node_name(node)))
}

/// Gives an image of node N another name besides.
pub fn tag(layout: &Layout, node: u8, reference: &str, name: &str) -> Result<()> {
    program::run(ctr(layout, node)?.args(["images", "tag", "--force", reference, name]))
        .with_context(|| format!("call {reference} {name} on {}", node_name(node)))
}

/// containerd's own client, for node N.
pub fn ctr(layout: &Layout, node: u8) -> Result<Command> {
    let mut command = Command::new(CONTAINERD.program("ctr")?);
    command.arg("--address").arg(layout.containerd_socket(node)).args(["--namespace", "k8s.io"]);
    Ok(command)
}

/// The control groups of node N: one directory in version 2, one in each controller's hierarchy in version 1.
pub fn cgroups(node: u8) -> Vec<PathBuf> {
    hierarchies().into_iter().map(|hierarchy| hierarchy.join(cgroup(node))).collect()
}

fn hierarchies() -> Vec<PathBuf> {
    let root = PathBuf::from(CGROUPS);
    if root.join("cgroup.controllers").exists() {
        return vec![root];
    }
    let mut hierarchies: Vec<PathBuf> = fs::read_dir(root)
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.is_dir() && !path.is_symlink())
                .collect()
        })
        .unwrap_or_default();
    hierarchies.sort();
    hierarchies
}

fn make_cgroups(node: u8) -> Result<()> {
    for group in cgroups(node) {
        fs::create_dir_all(&group).with_context(|| format!("make {}", group.display()))?;
        let parent = group.parent().expect("a group lies in its hierarchy");
        // Version 1: a cpuset without processors and memory nodes takes no process in.
        for inherited in ["cpuset.cpus", "cpuset.mems"] {
            if let (Ok(value), true) = (fs::read_to_string(parent.join(inherited)), group.join(inherited).exists()) {
                let _ = fs::write(group.join(inherited), value.trim());
            }
        }
    }
    Ok(())
}

fn containerd_settings(layout: &Layout, node: u8) -> Result<String> {
    let directory = layout.node(node);
    Ok(format!(
        r#"version = 3
root = "{root}"
state = "{state}"
[grpc]
  address = "{socket}"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{pause}"
[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE (a container, a small virtual machine) no process may be made harder to kill.
  restrict_oom_score_adj = true
  # With the rest of the state, so that taking the cluster down finds them.
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "{cni}"
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = "{runc}"
        Root = "{runc_state}"
"#,
        root = directory.join("containerd/root").display(),
        state = directory.join("containerd/state").display(),
        socket = layout.containerd_socket(node).display(),
        pause = sandbox::PAUSE,
        cni = directory.join("cni").display(),
        runc = RUNC.program("runc")?.display(),
        runc_state = directory.join("runc").display(),
    ))
}

fn pod_network(layout: &Layout, node: u8) -> String {
    format!(
        r#"{{"cniVersion": "1.0.0", "name": "{network}", "plugins": [
  {{"type": "bridge", "bridge": "{bridge}", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {{"type": "host-local", "dataDir": "{data}",
            "ranges": [[{{"subnet": "10.244.{node}.0/24"}}]], "routes": [{{"dst": "0.0.0.0/0"}}]}}}}
]}}
"#,
        network = cgroup(node),
        bridge = bridge(node),
        data = layout.node(node).join("addresses").display(),
    )
}

/// On a disk that is 85 % full kubelet would remove every image that no pod uses at the moment; ours come from archives and
/// from no registry, so they would never come back: 100 switches that off. In a directory of logs that it shared with another
/// node it would remove the logs of the other's pods.
fn kubelet_settings(layout: &Layout, node: u8) -> String {
    let file = |name: &str| layout.certificates().join(name).display().to_string();
    format!(
        "apiVersion: kubelet.config.k8s.io/v1beta1\n\
         kind: KubeletConfiguration\n\
         authentication: {{anonymous: {{enabled: false}}, webhook: {{enabled: true}}, x509: {{clientCAFile: \"{ca}\"}}}}\n\
         authorization: {{mode: Webhook}}\n\
         address: {address}\n\
         healthzPort: 0\n\
         cgroupDriver: cgroupfs\n\
         cgroupRoot: /{cgroup}\n\
         failCgroupV1: false\n\
         failSwapOn: false\n\
         makeIPTablesUtilChains: false\n\
         containerRuntimeEndpoint: \"unix://{socket}\"\n\
         clusterDNS: [{dns}]\n\
         clusterDomain: cluster.local\n\
         tlsCertFile: \"{certificate}\"\n\
         tlsPrivateKeyFile: \"{key}\"\n\
         podLogsDir: \"{logs}\"\n\
         imageGCHighThresholdPercent: 100\n\
         imageGCLowThresholdPercent: 99\n\
         evictionHard: {{memory.available: 100Mi, nodefs.available: 1Gi, imagefs.available: 1Gi}}\n",
        ca = file("ca.crt"),
        address = node_address(node),
        cgroup = cgroup(node),
        logs = layout.node(node).join("logs").display(),
        socket = layout.containerd_socket(node).display(),
        dns = network::dns_address(),
        certificate = file(&format!("kubelet{node}.crt")),
        key = file(&format!("kubelet{node}.key")),
    )
}
