//! `cargo xtask bench`: builds the release binaries that the images carry and measures the broker beside Apache Kafka, and
//! the operator beside an API server, by the program in `tests/performance`; writes docs/performance.md.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{build, images, place};

/// What `cargo xtask bench` is told.
#[derive(clap::Args)]
pub struct Arguments {
    /// Rounds of each server.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// A tenth of the load, and nothing is written: proves that everything runs.
    #[arg(long)]
    brief: bool,
}

/// Measures.
///
/// # Errors
/// When something does not build, or a server fails under the load.
pub fn run(arguments: &Arguments) -> Result<()> {
    let broker = build::release_binary("ottla-server", "ottla-broker")?;
    let mut bench = Command::new(env!("CARGO"));
    bench
        .args(["run", "--quiet", "--release", "--package", "ottla-performance", "--", "--rounds"])
        .arg(arguments.rounds.to_string())
        .env("OTTLA_BROKER", broker)
        .current_dir(place::checkout());
    if arguments.brief {
        bench.arg("--brief");
    } else {
        for (name, image) in [("broker", images::broker()?), ("operator", images::operator()?)] {
            let bytes = image.archive.metadata().with_context(|| format!("look at {}", image.archive.display()))?.len();
            bench.arg("--image").arg(format!("{name}={bytes}"));
        }
        bench.arg("--operator").env("OTTLA_OPERATOR", build::release_binary("ottla-controller", "ottla-operator")?);
        bench.arg("--page").arg(place::checkout().join("docs/performance.md"));
    }
    let status = bench.status().context("start the bench")?;
    ensure!(status.success(), "the bench ended with {status}");
    Ok(())
}
