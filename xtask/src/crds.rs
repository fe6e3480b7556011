//! `cargo xtask crds`: writes `crds/yaml/` anew from `crds/schema/`, or with `--check` says whether it is fresh.
//!
//! The generator is a program of the crate `ottla-crds`, so that this one needs to know nothing of Kubernetes.

use std::process::Command;

use anyhow::Result;

use crate::{place, program};

/// What the chore is told.
#[derive(clap::Args)]
pub struct Arguments {
    /// Write nothing; fail when a committed file is not what would be written.
    #[arg(long)]
    pub check: bool,
}

/// Runs the generator over `crds/yaml`.
///
/// # Errors
/// When it does not compile, cannot write, or (with `--check`) finds a stale file.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut generator = Command::new("cargo");
    generator.args(["run", "--quiet", "--package", "ottla-crds", "--bin", "generate-crds", "--"]);
    if arguments.check {
        generator.arg("--check");
    }
    program::run(generator.arg(place::checkout().join("crds/yaml")).current_dir(place::checkout()))
}
