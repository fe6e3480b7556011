//! What `up` remembers of a cluster: with which machine start, which versions and how many nodes it was made. From it
//! the next `up` decides whether what it finds is worth mending.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::programs;

/// Written when a cluster is begun, and again when nodes are added.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The kernel's id of this start of the machine. After another start no process and no mount of ours is left.
    boot: String,
    /// The versions of all programs. Data of another etcd or kubelet is not taken over.
    versions: Vec<String>,
    /// How many nodes there are; none in a control plane alone.
    pub nodes: u8,
}

impl State {
    /// What a cluster that is begun now is made with.
    pub fn now(nodes: u8) -> Result<Self> {
        let boot =
            fs::read_to_string("/proc/sys/kernel/random/boot_id").context("read the id of the machine's start")?;
        let versions = programs::ALL.iter().map(|family| format!("{} {}", family.name, family.version)).collect();
        Ok(Self { boot: boot.trim().to_owned(), versions, nodes })
    }

    /// What the cluster in `layout` was made with, if there is one.
    pub fn read(layout: &Layout) -> Option<Self> {
        serde_json::from_slice(&fs::read(file(layout)).ok()?).ok()
    }

    /// Remembers.
    pub fn write(&self, layout: &Layout) -> Result<()> {
        let file = file(layout);
        fs::write(&file, serde_json::to_vec_pretty(self)?).with_context(|| format!("write {}", file.display()))
    }

    /// Whether a cluster made with this can be taken over by one that would be made `now`.
    pub fn fits(&self, now: &Self) -> bool {
        self.boot == now.boot && self.versions == now.versions
    }
}

/// Keeps a second `up` or `down` out until the file is dropped. Outside the run directory, which `down` removes.
pub fn lock(layout: &Layout) -> Result<File> {
    let path = layout.run.with_extension("lock");
    let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
    file.lock().with_context(|| format!("lock {}", path.display()))?;
    Ok(file)
}

fn file(layout: &Layout) -> PathBuf {
    layout.run.join("state.json")
}
