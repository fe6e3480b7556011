//! Every chore of the project: `cargo xtask --help`. This file only reads the command line and hands each chore
//! to its own module; what a chore does, needs and leaves behind is said at the head of that module.

// Chores talk to a person at a terminal (or to CI's log): here printing is the output.
#![allow(clippy::print_stdout)]
// A program has no users: `pub` means that another module may call it.
#![allow(unreachable_pub)]

mod kubernetes;
mod place;
mod program;
mod progress;

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
    /// A real Kubernetes on this machine, of one node or several.
    Kubernetes(kubernetes::Arguments),
}

fn main() -> Result<()> {
    match Arguments::parse().chore {
        Chore::Kubernetes(arguments) => kubernetes::run(&arguments),
    }
}
