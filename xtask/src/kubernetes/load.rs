//! `load`: puts an image archive where the cluster's nodes find it, without a registry.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::access::Access;
use super::layout::{Layout, Shape};
use super::node;
use super::state::State;
use crate::{images, program, progress};

/// Loads `archive` into every node of the cluster behind `access`.
pub fn load(access: &Access, archive: &Path) -> Result<()> {
    if !archive.is_file() {
        bail!("{} is no file; `cargo xtask images` makes image archives", archive.display());
    }
    match access.named_context() {
        Some(context) => load_elsewhere(context, archive),
        None => on_nodes(|layout, node| node::import(layout, node, archive)),
    }
}

/// Loads the images of this checkout. On the local cluster they also get the names that the chart gives by default; of
/// another's nodes we have no client that names images, so it is said which tags to give helm.
pub fn load_own(access: &Access) -> Result<()> {
    let (broker, operator) = (images::broker()?, images::operator()?);
    for image in [&broker, &operator] {
        let step = progress::step(format!("load {}", image.reference()));
        load(access, &image.archive)?;
        if access.named_context().is_none() {
            on_nodes(|layout, node| node::tag(layout, node, &image.reference(), &image.reference_by_version()))?;
        }
        step.done();
    }
    let tags = match access.named_context() {
        Some(_) => format!(" \\\n    --set image.tag={},kafka.image.tag={}", operator.tag, broker.tag),
        None => String::new(),
    };
    println!("Install them with\n  helm install ottla charts/ottla --namespace kafka --create-namespace{tags}");
    Ok(())
}

/// Does something on each node of the local cluster.
fn on_nodes(act: impl Fn(&Layout, u8) -> Result<()>) -> Result<()> {
    let layout = Layout::new(Shape::Whole)?;
    let state = State::read(&layout).context("there is no local Kubernetes; `cargo xtask kubernetes up` makes one")?;
    (1..=state.nodes).try_for_each(|node| act(&layout, node))
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
        "the nodes of the context {context} take no archive: `cargo xtask images --push REGISTRY/REPOSITORY` puts the \
         images where they can pull them from"
    )
}
