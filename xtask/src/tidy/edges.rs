//! Which crate may use which: the layers of ARCHITECTURE.md as a table, held against cargo's own view of the workspace.
//! Dependencies of tests are free, with one exception: nothing under `broker/core` may reach the network or a runtime.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{place, program};

/// Every crate of ours with the crates of ours that its product code may use. A crate that is missing here is a finding.
const MAY_USE: &[(&str, &[&str])] = &[
    ("vocabulary", &[]),
    ("wire-schema", &[]),
    ("wire", &["vocabulary"]),
    ("config", &["vocabulary"]),
    ("quorum", &["vocabulary"]),
    ("replicated", &["vocabulary"]),
    ("records", &["vocabulary", "wire", "config"]),
    ("commit-log", &["vocabulary", "wire", "records", "config"]),
    ("metadata", &["vocabulary", "wire", "records", "config", "replicated"]),
    ("groups", &["vocabulary", "wire", "records", "config", "replicated"]),
    ("api", &["vocabulary", "wire", "records", "config", "metadata", "groups", "commit-log"]),
    (
        "node",
        &["vocabulary", "wire", "records", "config", "metadata", "groups", "commit-log", "quorum", "replicated", "api"],
    ),
    ("disk", &["vocabulary", "commit-log"]),
    ("server", &["vocabulary", "wire", "config", "commit-log", "metadata", "api", "node", "disk"]),
    ("simulation", &["vocabulary", "wire", "records", "config", "commit-log", "metadata", "groups", "api", "node"]),
    ("client", &["vocabulary", "wire", "records"]),
    ("crds", &[]),
    ("plan", &["crds", "config", "vocabulary"]),
    ("controller", &["plan", "crds", "client", "vocabulary", "config", "wire"]),
];

/// What no core may depend on, however indirectly it asks: the shell owns these.
const BANNED_IN_CORES: &[&str] = &["tokio", "kube", "hyper", "rustls", "socket2", "rustix", "rand"];

/// The edges that the table does not allow.
///
/// # Errors
/// When cargo cannot describe the workspace.
pub fn findings() -> Result<Vec<String>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--locked"]).current_dir(place::checkout());
    let metadata: Value = serde_json::from_str(&program::output(&mut cargo)?).context("read cargo's metadata")?;
    let packages = metadata["packages"].as_array().context("cargo's metadata has packages")?;
    let ours: Vec<&Value> = packages.iter().filter(|package| package["source"].is_null()).collect();
    let graph = Graph::of(&metadata);
    let reached = ours.iter().filter(|package| is_core(package)).flat_map(|package| graph.banned_behind(package));
    Ok(ours.iter().copied().flat_map(judge).chain(reached).collect())
}

/// Which package uses which in its product, as cargo resolved it.
struct Graph<'m> {
    names: BTreeMap<&'m str, &'m str>,
    uses: BTreeMap<&'m str, Vec<&'m str>>,
}

impl<'m> Graph<'m> {
    fn of(metadata: &'m Value) -> Self {
        let text = |value: &'m Value| value.as_str().unwrap_or_default();
        let list = |value: &'m Value| value.as_array().map_or(&[][..], Vec::as_slice);
        let names = list(&metadata["packages"]).iter().map(|package| (text(&package["id"]), text(&package["name"])));
        let is_product = |edge: &&'m Value| list(&edge["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        let uses =
            |node: &'m Value| list(&node["deps"]).iter().filter(is_product).map(|edge| text(&edge["pkg"])).collect();
        let nodes = list(&metadata["resolve"]["nodes"]);
        Self { names: names.collect(), uses: nodes.iter().map(|node| (text(&node["id"]), uses(node))).collect() }
    }

    /// A finding for each banned crate that a core reaches through others, with the way to it.
    fn banned_behind(&self, package: &'m Value) -> Vec<String> {
        let id = package["id"].as_str().unwrap_or_default();
        let (mut seen, mut ways) = (BTreeSet::from([id]), vec![vec![id]]);
        let mut findings = Vec::new();
        while let Some(way) = ways.pop() {
            for next in way.last().and_then(|last| self.uses.get(last)).into_iter().flatten() {
                if !seen.insert(next) {
                    continue;
                }
                let way: Vec<&str> = way.iter().chain([next]).copied().collect();
                let name = self.names.get(next).copied().unwrap_or_default();
                // What it uses itself is judged by its manifest.
                if BANNED_IN_CORES.contains(&name) && way.len() > 2 {
                    let names: Vec<&str> = way.iter().filter_map(|id| self.names.get(id).copied()).collect();
                    findings.push(format!("a core may not use {name}; the shell owns it: {}", names.join(" → ")));
                }
                ways.push(way);
            }
        }
        findings
    }
}

fn is_core(package: &Value) -> bool {
    folder(package).starts_with("broker/core/")
}

/// Where a package of ours lies, from the root of the checkout.
fn folder(package: &Value) -> &str {
    let manifest = package["manifest_path"].as_str().unwrap_or_default();
    manifest.strip_prefix(&*place::checkout().to_string_lossy()).unwrap_or(manifest).trim_start_matches('/')
}

fn judge(package: &Value) -> Vec<String> {
    let folder = folder(package);
    // Chores and suites stand outside the product and may use what they test.
    if folder.starts_with("xtask/") || folder.starts_with("tests/") {
        return Vec::new();
    }
    let Some(name) = package["name"].as_str().and_then(|name| name.strip_prefix("ottla-")) else {
        return vec![format!("{folder}: a package of ours is named ottla-…")];
    };
    let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == name) else {
        return vec![format!("{folder}: {name} has no place in the layers; give it one in xtask/src/tidy/edges.rs")];
    };
    let mut findings = Vec::new();
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        if dependency["kind"] == "dev" {
            continue;
        }
        let used = dependency["name"].as_str().unwrap_or_default();
        match used.strip_prefix("ottla-") {
            Some(ours) if !allowed.contains(&ours) => {
                findings.push(format!("{folder}: {name} may not use {ours}; it may use {allowed:?}"));
            }
            None if is_core(package) && BANNED_IN_CORES.contains(&used) => {
                findings.push(format!("{folder}: a core may not use {used}; the shell owns it"));
            }
            _ => {}
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, folder: &str, uses: &str, kind: Option<&str>) -> Value {
        let manifest = place::checkout().join(folder).join("Cargo.toml");
        serde_json::json!({"name": name, "manifest_path": manifest, "dependencies": [{"name": uses, "kind": kind}]})
    }

    #[test]
    fn an_edge_downwards_is_found_and_one_of_tests_is_free() {
        let judged = |kind| judge(&package("ottla-wire", "broker/core/wire", "ottla-node", kind)).len();
        assert_eq!(judged(None), 1);
        assert_eq!(judged(Some("dev")), 0);
        assert_eq!(judge(&package("ottla-api", "broker/core/api", "ottla-wire", None)), Vec::<String>::new());
    }

    #[test]
    fn a_runtime_in_a_core_and_a_crate_without_a_place_are_found() {
        assert_eq!(judge(&package("ottla-node", "broker/core/node", "tokio", None)).len(), 1);
        assert_eq!(judge(&package("ottla-server", "broker/server", "tokio", None)).len(), 0);
        assert_eq!(judge(&package("ottla-surprise", "surprise", "anyhow", None)).len(), 1);
    }
    #[test]
    fn a_runtime_behind_another_crate_is_found_and_one_of_its_tests_is_not() {
        let node = |id: &str, uses: &[(&str, Value)]| {
            let edges = uses.iter().map(|(id, kind)| serde_json::json!({"pkg": id, "dep_kinds": [{"kind": kind}]}));
            serde_json::json!({"id": id, "deps": edges.collect::<Vec<_>>()})
        };
        let metadata = serde_json::json!({
            "packages": (["ottla-node", "helper", "tokio"].map(|name| serde_json::json!({"id": name, "name": name}))),
            "resolve": {"nodes": [
                node("ottla-node", &[("helper", Value::Null)]),
                node("helper", &[("tokio", Value::Null)]),
                node("tokio", &[]),
            ]},
        });
        let package = serde_json::json!({"id": "ottla-node"});
        let found = Graph::of(&metadata).banned_behind(&package);
        assert_eq!(found, ["a core may not use tokio; the shell owns it: ottla-node → helper → tokio"]);
        let mut metadata = metadata;
        metadata["resolve"]["nodes"][1] = node("helper", &[("tokio", "dev".into())]);
        assert_eq!(Graph::of(&metadata).banned_behind(&package), Vec::<String>::new());
    }
}
