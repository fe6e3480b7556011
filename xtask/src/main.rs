//! Every chore of the project: `cargo xtask --help`. This file only reads the command line and hands each chore
//! to its own module; what a chore does, needs and leaves behind is said at the head of that module.

// Chores talk to a person at a terminal (or to CI's log): here printing is the output.
#![allow(clippy::print_stdout)]
// A program has no users: `pub` means that another module may call it.
#![allow(unreachable_pub)]

mod bench;
mod build;
mod chart;
mod codegen;
mod crds;
mod demo;
mod images;
mod kubernetes;
mod long;
mod measure;
mod packages;
mod place;
mod program;
mod progress;
mod test;
mod tidy;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Every chore of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

/// One variant for each chore, in the order in which a newcomer meets them.
#[derive(Subcommand)]
enum Chore {
    /// Kafka's messages, from the schema to Rust.
    Codegen {
        /// Write nothing; fail when a generated file is stale.
        #[arg(long)]
        check: bool,
    },
    /// The definitions of the custom resources, as YAML.
    Crds(crds::Arguments),
    /// The chart's derived files: definitions and plain YAML.
    Chart(chart::Arguments),
    /// A real Kubernetes on this machine, of one node or several.
    Kubernetes(kubernetes::Arguments),
    /// The images of broker and operator.
    Images(images::Arguments),
    /// From a bare machine to records in consumers' hands, and past the death of the broker.
    Demo(demo::Arguments),
    /// Apache Kafka and Ottla side by side; writes docs/performance.md.
    Bench(bench::Arguments),
    /// Every ring of tests; what CI runs.
    Test(test::Arguments),
    /// A run that takes longer than CI has; adds a line to docs/runs.md.
    Long(long::Arguments),
    /// The order of the sources: crate edges, heads of files, nothing left undone.
    Tidy,
    /// How long our files and functions are: a mirror, not a gate.
    Measure,
}

fn main() -> std::process::ExitCode {
    match run(Arguments::parse().chore) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            // The chain of what was attempted; where in our code it came up helps nobody who runs a chore.
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<()> {
    match chore {
        Chore::Codegen { check } => codegen::run(check),
        Chore::Crds(arguments) => crds::run(&arguments),
        Chore::Chart(arguments) => chart::run(&arguments),
        Chore::Kubernetes(arguments) => kubernetes::run(&arguments),
        Chore::Images(arguments) => images::run(&arguments),
        Chore::Demo(arguments) => demo::run(&arguments),
        Chore::Bench(arguments) => bench::run(&arguments),
        Chore::Test(arguments) => test::run(&arguments),
        Chore::Long(arguments) => long::run(&arguments),
        Chore::Tidy => tidy::run(),
        Chore::Measure => measure::run(),
    }
}
