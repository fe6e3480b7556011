//! `cargo xtask kubernetes`: a real Kubernetes on a plain Debian machine, made from its own modules.
mod programs;

use anyhow::Result;

/// Arguments.
#[derive(clap::Args)]
pub struct Arguments {}

/// Runs.
pub fn run(_arguments: &Arguments) -> Result<()> {
    programs::ensure(&programs::ALL)
}
