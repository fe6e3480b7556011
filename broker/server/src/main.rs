//! `ottla-broker`: reads the command line, starts the runtime, and waits for the signal to end.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use ottla_server::boot::start;
use ottla_server::options::{Command, Options, Serve};
use ottla_server::{format, logging, settings};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match &options.command {
        Some(Command::Format(how)) => format::run(how).map(|lines| print(&lines)),
        Some(Command::RandomUuid) => format::random_uuid().map(|id| print(&[id])),
        None => serve(&options.serve),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
fn print(lines: &[String]) {
    for line in lines {
        println!("{line}");
    }
}

/// Where there is a log already, it says it too; a person at a terminal reads this.
#[expect(clippy::print_stderr, reason = "a command's complaint")]
fn complain(error: &anyhow::Error) {
    eprintln!("ottla-broker: {error:#}");
}

/// Threads that run connections. More than a few only help where requests are many and processors too.
const WORKERS_MAX: usize = 8;
/// Threads that wait for disks.
const BLOCKING_MAX: usize = 8;

fn serve(options: &Serve) -> Result<()> {
    // What is wrong with the settings is said in any format; how everything else is said, they may say.
    let levels = logging::start(&options.log, settings::log_format(options)?)?;
    let workers = std::thread::available_parallelism().map_or(2, |count| count.get().min(WORKERS_MAX));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(BLOCKING_MAX)
        .thread_keep_alive(std::time::Duration::from_secs(2))
        .enable_all()
        .build()
        .context("start the runtime")?;
    let ended = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
        let running = tokio::select! {
            started = start(options, &levels) => started?,
            _ = terminate.recv() => return abandon("SIGTERM"),
            _ = interrupt.recv() => return abandon("SIGINT"),
        };
        tokio::select! {
            _ = terminate.recv() => tracing::info!("told to stop by SIGTERM"),
            _ = interrupt.recv() => tracing::info!("told to stop by SIGINT"),
        }
        running.stop().await
    });
    // A start that was abandoned may be reading logs still; nobody waits for it.
    runtime.shutdown_background();
    ended
}

/// Ends in the middle of a start. Logs that are being recovered are as after a crash, and the next start recovers them.
fn abandon(signal: &str) -> Result<()> {
    tracing::info!("told to stop by {signal} before the start was over");
    Ok(())
}
