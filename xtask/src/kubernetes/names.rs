//! Programs of this machine that see a cluster's names: brokers advertise names such as
//! `my-cluster-kafka-0.my-cluster-kafka-brokers.kafka.svc`, which only the cluster's DNS knows.
//!
//! The program gets a mount namespace of its own in which files such as `/etc/resolv.conf` are others, so it needs no
//! change and the machine keeps its own. Rather than running clients as pods: those would need an image with a language's
//! whole runtime for each. The addresses of pods and Services of the local cluster are reachable from this machine as they
//! are; of any other cluster, ports are forwarded to loopback, and the names are given that address.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use ottla_harness::cache;

use super::layout::Layout;
use super::network::dns_address;

/// Binds each file over the one of the machine, then becomes the program.
const ENTER: &str = r#"while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 1; shift 2; done; shift; exec "$@""#;

/// Sources of names other than these files, such as systemd's, would not look at them.
const SWITCH: &str = "passwd: files\ngroup: files\nhosts: files dns\n";

/// The files that a program needs in order to see the names of a cluster.
#[derive(Debug, Clone)]
pub struct Names {
    /// Each with the file of the machine that it hides.
    files: Vec<(PathBuf, &'static str)>,
}

impl Names {
    /// The names of the cluster in `layout`, by its DNS, as a pod sees them.
    pub fn of(layout: &Layout) -> Result<Self> {
        let resolver =
            format!("nameserver {}\nsearch svc.cluster.local cluster.local\noptions ndots:5\n", dns_address());
        Self::write(&layout.run, &[("resolv.conf", "/etc/resolv.conf", &resolver)])
    }

    /// These names, all at loopback.
    pub fn forwarded(names: &[String]) -> Result<Self> {
        let hosts = format!("127.0.0.1 localhost {}\n", names.join(" "));
        Self::write(&cache::folder("kubernetes/forwarded")?, &[("hosts", "/etc/hosts", &hosts)])
    }

    fn write(directory: &Path, files: &[(&str, &'static str, &str)]) -> Result<Self> {
        let files = files.iter().chain([&("nsswitch.conf", "/etc/nsswitch.conf", SWITCH)]);
        let written = files.map(|(name, hides, text)| {
            let path = directory.join(name);
            fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
            Ok((path, *hides))
        });
        Ok(Self { files: written.collect::<Result<_>>()? })
    }

    /// `command`, seeing the names. Its process id is that of the program itself.
    pub fn seen_by(&self, command: &Command) -> Command {
        let mut seeing = Command::new("unshare");
        seeing.args(["--mount", "--propagation", "private"]);
        if !rustix::process::geteuid().is_root() {
            // Only root may mount; in a namespace of their own everybody is root.
            seeing.args(["--user", "--map-root-user"]);
        }
        seeing.args(["sh", "-c", ENTER, "sh"]);
        for (file, hides) in &self.files {
            seeing.arg(file).arg(hides);
        }
        seeing.arg("--").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => seeing.env(name, value),
                None => seeing.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            seeing.current_dir(directory);
        }
        seeing
    }
}
