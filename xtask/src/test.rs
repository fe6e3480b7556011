//! `cargo xtask test`: every ring of tests, from the laws of the cores to a real Kubernetes, in the order in which a failure
//! is cheapest to find. `--quick` stops before the broker's binary, clients and Kubernetes; docs/testing.md describes the rings.
//!
//! Each step is one command that a person could type; a failing one ends the run with that command.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{chart, demo, kubernetes, packages, place, tidy};

/// What `cargo xtask test` is told.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only the rings of the daily work: order of the sources, unit, golden and property tests. Under three minutes warm.
    #[arg(long)]
    quick: bool,
}

/// Crates whose tests start brokers, other languages or a Kubernetes; left out of the quick ring.
const SLOW: &[&str] = &["ottla-client", "ottla-test-clients", "ottla-test-kubernetes"];

/// The tests on a real Kubernetes, which the demonstration has made.
const END_TO_END: &str = "ottla-test-end-to-end";

/// Nodes of the Kubernetes that is made for the tests: the fewest of which one is not the other.
const NODES: u8 = 2;

/// Runs the rings.
///
/// # Errors
/// When a step fails; the steps after it are not run.
pub fn run(arguments: &Arguments) -> Result<()> {
    let began = Instant::now();
    // Java is in the quick ring too: its own classes are the oracle of our bytes.
    packages::ensure(packages::CLIENTS)?;
    tidy::run()?;
    cargo("formatting", &["fmt", "--all", "--check"])?;
    cargo("lints", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"])?;
    let mut fast = vec!["test", "--workspace"];
    fast.extend(SLOW.iter().chain([&END_TO_END]).flat_map(|package| ["--exclude", package]));
    cargo("unit, golden and property tests", &fast)?;
    if !arguments.quick {
        chart::run(&chart::Arguments { check: true })?;
        cargo("the broker's binary", &["build", "--quiet", "--package", "ottla-server"])?;
        for package in SLOW {
            cargo(package, &["test", "--package", package])?;
        }
        end_to_end()?;
    }
    println!("every ring passed in {} s", began.elapsed().as_secs());
    Ok(())
}

/// The README's first command, and what else a user does, on a Kubernetes of its own: one that somebody uses stays up.
fn end_to_end() -> Result<()> {
    let was_up = kubernetes::is_up()?;
    let passed = if was_up { Ok(()) } else { kubernetes::local(NODES).map(drop) }.and_then(|()| on_kubernetes());
    if !was_up {
        kubernetes::down()?;
    }
    passed?;
    kubernetes::control_plane_down()
}

fn on_kubernetes() -> Result<()> {
    demo::run(&demo::Arguments::for_test())?;
    // One line in the form that is read as a runner's: the demonstration counts as one test.
    println!("demonstration: 1 passed, 0 failed");
    // Each test waits far more than it computes, whatever the number of processors.
    cargo(END_TO_END, &["test", "--package", END_TO_END, "--", "--test-threads=4"])
}

/// Runs cargo with its output shown, as the tests' closing lines are what CI and people read.
fn cargo(what: &str, arguments: &[&str]) -> Result<()> {
    println!("── {what}: cargo {}", arguments.join(" "));
    let began = Instant::now();
    let status = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(place::checkout())
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("start cargo {}", arguments.join(" ")))?;
    if !status.success() {
        bail!("{what} failed; again with: cargo {}", arguments.join(" "));
    }
    println!("── {what}: passed in {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}
