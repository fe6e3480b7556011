//! The operator process: a thin shell around `ottla-plan`, which decides everything.
//!
//! Given a Kubernetes, it keeps watch over Kafka, KafkaNodePool and KafkaTopic resources and makes the world match them:
//! [`observe`] reads, the plan decides, [`apply`] writes, [`report`] tells. `plan -f FILE` shows a plan without a cluster.
//!
//! Deliberately not here: what objects look like, when a pod is restarted, what a status says. That is the plan's.
//!
//! Reading order: [`kafka`] and [`topic`] are a page each; then [`observe`], [`apply`], [`report`]; [`run`] starts it all.

mod apply;
mod brokers;
mod clusters;
mod context;
mod error;
mod finalizer;
mod glimpse;
mod http;
mod kafka;
mod kubernetes;
mod leader;
mod metrics;
mod observe;
mod plan_command;
mod report;
mod run;
mod settings;
mod topic;
mod user;
mod wake;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

use settings::Settings;

/// Runs Kafka clusters on Kubernetes from Strimzi's custom resources. Settings are environment variables in Strimzi's names.
#[derive(Debug, Parser)]
#[command(name = "ottla-operator", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a Kubernetes until told to stop. This is what happens without a command.
    Run,
    /// Prints what would be made of resources, without any cluster.
    Plan {
        /// Files with Kafka resources and their pools; `-` is standard input.
        #[arg(short, long = "file", required = true, num_args = 1..)]
        file: Vec<PathBuf>,
    },
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let settings = Settings::from_environment(&|name| std::env::var(name).ok()).context("read the environment")?;
    match arguments.command.unwrap_or(Command::Run) {
        Command::Plan { file } => plan_command::print(&file, &settings.plan),
        Command::Run => {
            settings.log()?;
            // One thread: the operator waits nearly always, and each further thread costs memory.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                // Names are resolved there, nothing else.
                .max_blocking_threads(4)
                .build()
                .context("start the runtime")?;
            runtime.block_on(run::run(settings))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
