//! Programs of this machine that see the cluster's names: brokers advertise names such as
//! `my-cluster-kafka-0.my-cluster-kafka-brokers.kafka.svc`, which only the cluster's DNS knows.
//!
//! The program gets a mount namespace of its own in which `/etc/resolv.conf` points to that DNS, so it needs no change
//! and the machine keeps its own. Rather than running clients as pods: those would need an image with a language's whole
//! runtime for each. Rather than a proxy: the addresses of pods and Services are reachable from this machine as they are.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::layout::Layout;
use super::network::dns_address;

/// Binds the two files over those of the machine, then becomes the program.
const ENTER: &str =
    r#"mount --bind "$0" /etc/resolv.conf && mount --bind "$1" /etc/nsswitch.conf && shift && exec "$@""#;

/// The files that a program needs in order to see the names of a cluster.
#[derive(Debug, Clone)]
pub struct Names {
    resolver: PathBuf,
    switch: PathBuf,
}

impl Names {
    /// Writes the files into the run directory of the cluster in `layout`.
    pub fn of(layout: &Layout) -> Result<Self> {
        let names = Self { resolver: layout.run.join("resolv.conf"), switch: layout.run.join("nsswitch.conf") };
        // As a pod has it.
        let resolver =
            format!("nameserver {}\nsearch svc.cluster.local cluster.local\noptions ndots:5\n", dns_address());
        fs::write(&names.resolver, resolver).with_context(|| format!("write {}", names.resolver.display()))?;
        // Other sources of names, such as systemd's, would not ask the resolver above.
        fs::write(&names.switch, "passwd: files\ngroup: files\nhosts: files dns\n")
            .with_context(|| format!("write {}", names.switch.display()))?;
        Ok(names)
    }

    /// `command`, seeing the names. Its process id is that of the program itself.
    pub fn seen_by(&self, command: &Command) -> Command {
        let mut seeing = Command::new("unshare");
        seeing.args(["--mount", "--propagation", "private", "sh", "-c", ENTER]).arg(&self.resolver).arg(&self.switch);
        seeing.arg(command.get_program()).args(command.get_args());
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
