//! `load`: puts an image archive where the cluster's nodes find it, without a registry.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::access::Access;
use super::layout::{Layout, Shape};
use super::node;
use super::state::State;
use crate::program;

/// Loads `archive` into every node of the cluster behind `access`.
pub fn load(access: &Access, archive: &Path) -> Result<()> {
    if !archive.is_file() {
        bail!("{} is no file; `cargo xtask images` makes image archives", archive.display());
    }
    match access.named_context() {
        Some(context) => load_elsewhere(context, archive),
        None => {
            let layout = Layout::new(Shape::Whole)?;
            let state =
                State::read(&layout).context("there is no local Kubernetes; `cargo xtask kubernetes up` makes one")?;
            (1..=state.nodes).try_for_each(|node| node::import(&layout, node, archive))
        }
    }
}

/// The two kinds of foreign clusters whose nodes take an archive; others take images from a registry of theirs.
fn load_elsewhere(context: &str, archive: &Path) -> Result<()> {
    if let Some(cluster) = context.strip_prefix("kind-") {
        return program::run(Command::new("kind").args(["load", "image-archive", "--name", cluster]).arg(archive));
    }
    if context.starts_with("minikube") {
        return program::run(Command::new("minikube").args(["--profile", context, "image", "load"]).arg(archive));
    }
    bail!(
        "the nodes of the context {context} take no archive: push it to a registry that they reach, such as with\n  \
         skopeo copy oci-archive:{} docker://REGISTRY/NAME:TAG",
        archive.display()
    )
}
