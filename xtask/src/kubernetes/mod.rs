//! `cargo xtask kubernetes`: a real Kubernetes on a plain Debian machine, compiled from its own published modules,
//! without Docker and without an image registry; or, with `--context NAME`, a cluster that is there already.
//!
//! In reading order: [`layout`] says where everything is, [`programs`] gets what it is made of, beside Debian's packages,
//! [`processes`] keeps it running, then its parts from [`certificates`] to [`storage`]; [`up`] and [`down`] put them together.
//! Other chores use [`whole`] or [`existing`] and work through the [`Access`] they get.

mod access;
mod layout;
mod programs;

mod processes;
mod state;

mod certificates;
mod control_plane;
mod network;
mod node;
mod sandbox;
mod storage;

mod down;
mod load;
mod names;
mod status;
mod up;

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Subcommand;

pub use self::access::Access;
use self::layout::{Layout, Shape};
pub use self::load::load;
pub use self::names::Names;

/// A real Kubernetes on this machine, of one node or several.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    act: Act,
}

/// What can be done with a Kubernetes.
#[derive(Subcommand)]
enum Act {
    /// Makes one, or mends the one that is there. Needs root; says what it installs and changes before it does.
    Up {
        /// How many nodes, each in a zone of its own. Nodes that are there stay.
        #[arg(long, default_value_t = 1)]
        nodes: u8,
        /// Only etcd and the API server, on loopback: enough for tests of controllers, ready in seconds, without root.
        #[arg(long, conflicts_with_all = ["nodes", "context"])]
        control_plane_only: bool,
        /// Uses the cluster of this context of your kubeconfig instead. Your current context is never used unasked.
        #[arg(long, conflicts_with = "nodes")]
        context: Option<String>,
    },
    /// Ends what `up` started and removes what it made.
    Down {
        /// The control plane that was started alone.
        #[arg(long)]
        control_plane_only: bool,
    },
    /// Puts images onto every node.
    Load {
        /// Archives; without any, the images of this checkout, under the names that the chart gives by default.
        archives: Vec<PathBuf>,
        /// Into the cluster of this context (of kind or minikube) instead.
        #[arg(long)]
        context: Option<String>,
    },
    /// Says what runs and what does not.
    Status,
    /// Runs a program of this machine so that it sees the cluster's names, such as those that brokers advertise.
    Within {
        /// The program and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Prints what a shell needs so that kubectl and helm mean the local cluster: eval "$(cargo xtask kubernetes env)".
    Env {
        /// The control plane that was started alone.
        #[arg(long)]
        control_plane_only: bool,
    },
}

/// Does what the command line says.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.act {
        Act::Up { nodes, control_plane_only, context } => {
            let access = match context {
                Some(context) => Access::context(context)?,
                None if *control_plane_only => up::control_plane_only()?,
                None => up::whole(*nodes)?,
            };
            println!("Ready. In a shell:\n  {}", access.shell_setup());
            Ok(())
        }
        Act::Down { control_plane_only } => down::down(&layout(*control_plane_only)?),
        Act::Load { archives, context } => {
            let access = existing(context.as_deref())?;
            if archives.is_empty() {
                return load::load_own(&access);
            }
            archives.iter().try_for_each(|archive| load(&access, archive))
        }
        Act::Status => status::print(),
        Act::Within { command } => {
            let (program, arguments) = command.split_first().expect("clap demands one word");
            let error = names()?.seen_by(Command::new(program).args(arguments)).exec();
            Err(error).with_context(|| format!("start {} in a namespace of its own", program.display()))
        }
        Act::Env { control_plane_only } => {
            println!("{}", running(&layout(*control_plane_only)?)?.shell_setup());
            Ok(())
        }
    }
}

/// A cluster with at least one node: the one of `context`, or the local one, which is made if need be.
pub fn whole(context: Option<&str>) -> Result<Access> {
    match context {
        Some(context) => Access::context(context),
        None => up::whole(1),
    }
}

/// The local cluster, with at least so many nodes.
pub fn local(nodes: u8) -> Result<Access> {
    up::whole(nodes)
}

/// The cluster of `context`, or the local one, which must be there.
pub fn existing(context: Option<&str>) -> Result<Access> {
    match context {
        Some(context) => Access::context(context),
        None => running(&Layout::new(Shape::Whole)?),
    }
}

/// helm itself, for what needs no cluster. Compiled if it is missing.
pub fn helm() -> Result<PathBuf> {
    programs::ensure(&[&programs::HELM])?;
    programs::HELM.program("helm")
}

/// Takes the local cluster down.
pub fn down() -> Result<()> {
    down::down(&Layout::new(Shape::Whole)?)
}

/// Whether a local cluster with nodes is there.
pub fn is_up() -> Result<bool> {
    Ok(state::State::read(&Layout::new(Shape::Whole)?).is_some())
}

/// Takes a control plane down that was started alone, as the API server's tests do.
pub fn control_plane_down() -> Result<()> {
    down::down(&Layout::new(Shape::ControlPlane)?)
}

/// The names of the local cluster, which must be there.
pub fn names() -> Result<Names> {
    let layout = Layout::new(Shape::Whole)?;
    running(&layout)?;
    Names::of(&layout)
}

fn running(layout: &Layout) -> Result<Access> {
    if state::State::read(layout).is_none() {
        bail!("there is no local Kubernetes; `cargo xtask kubernetes up` makes one");
    }
    Access::local(layout)
}

fn layout(control_plane_only: bool) -> Result<Layout> {
    Layout::new(if control_plane_only { Shape::ControlPlane } else { Shape::Whole })
}
