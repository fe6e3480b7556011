//! `cargo xtask long NAME`: runs that take longer than CI has, each of which leaves a dated line in docs/runs.md: at which
//! commit, with which seeds, and what came of it.
//!
//! `simulation` lets a node live in worlds of seeds that were not run before; `log-crashes` loses the power at every operation
//! of many more scripts than the tests do; `quorum` tries every order of more events; `fuzz` looks for bytes that break a decoder; `dependencies` holds all crates that
//! we use against deny.toml. What fails prints the command that shows it again, and leaves its line too.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::{place, program, progress};

/// What `cargo xtask long` is told.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which run.
    #[command(subcommand)]
    run: Run,
}

#[derive(clap::Subcommand)]
enum Run {
    /// A node in simulated worlds.
    Simulation {
        /// End after so many minutes.
        #[arg(long, default_value_t = 30)]
        minutes: u64,
        /// End after so many seeds.
        #[arg(long)]
        seeds: Option<u64>,
        /// The first seed; without it one that no earlier run has had.
        #[arg(long)]
        from: Option<u64>,
    },
    /// A log whose disk loses the power, or fails, at every operation.
    LogCrashes {
        /// How many scripts.
        #[arg(long, default_value_t = 300)]
        seeds: u64,
        /// The first.
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// A quorum in every order of more events than the tests take.
    Quorum,
    /// Bytes against the decoders, by cargo-fuzz, which is installed where it is missing.
    Fuzz {
        /// For so long, each of the targets.
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
    /// All dependencies against deny.toml, by cargo-deny, which is installed where it is missing.
    Dependencies {
        /// Known weaknesses too, for which the advisory database is fetched.
        #[arg(long)]
        advisories: bool,
    },
}

/// What came of a run.
struct Finding {
    name: &'static str,
    seeds: String,
    figures: String,
    failure: Option<String>,
}

/// Does a run and notes it.
///
/// # Errors
/// When the run found something, or could not be begun.
pub fn run(arguments: &Arguments) -> Result<()> {
    let finding = match arguments.run {
        Run::Simulation { minutes, seeds, from } => simulation(minutes, seeds, from)?,
        Run::LogCrashes { seeds, from } => log_crashes(seeds, from)?,
        Run::Quorum => quorum()?,
        Run::Fuzz { minutes } => fuzz(minutes)?,
        Run::Dependencies { advisories } => dependencies(advisories)?,
    };
    note(&finding)?;
    match finding.failure {
        None => Ok(()),
        Some(failure) => bail!("{} found something:\n{failure}", finding.name),
    }
}

fn simulation(minutes: u64, seeds: Option<u64>, from: Option<u64>) -> Result<Finding> {
    let step = progress::step("build the simulation");
    let mut build = cargo(&["build", "--quiet", "--package", "ottla-simulation"]);
    program::run(&mut build)?;
    step.done();
    // The seconds since 1970, shifted: runs that begin at different times share no seeds, however fast they are.
    let from = from.unwrap_or(now() << 16);
    let to = from.saturating_add(seeds.unwrap_or(u64::from(u32::MAX)));
    let mut command = Command::new("nice");
    command.args(["-n", "10"]).arg(place::target().join("debug").join("ottla-simulation"));
    command.arg("--keep-going").args(["--seeds", &format!("{from}..{to}")]);
    if seeds.is_none() {
        command.args(["--minutes", &minutes.to_string()]);
    }
    let log = log_file("simulation")?;
    let (mut last, mut failures) = (String::new(), String::new());
    let mut step = progress::step(format!("worlds from seed {from} on, told in {}", log.display()));
    let ran = program::run_logged(&mut command, &log, |line| {
        if line.starts_with("broken: ") || line.starts_with("again with: ") {
            let _ = writeln!(failures, "{line}"); // writing to a string cannot fail
        }
        line.clone_into(&mut last);
        step.note(line);
    });
    step.done();
    let failure = match (ran, failures.is_empty()) {
        (Ok(()), _) => None,
        (Err(_), false) => Some(failures),
        (Err(error), true) => Some(format!("{error:#}")),
    };
    Ok(Finding { name: "simulation", seeds: format!("from {from}"), figures: last, failure })
}

fn log_crashes(seeds: u64, from: u64) -> Result<Finding> {
    let range = format!("{from}..{}", from + seeds);
    let mut command = cargo(&["test", "--package", "ottla-simulation", "--test", "log", "--", "--nocapture"]);
    command.env("OTTLA_CRASH_SEEDS", &range);
    let (figures, failure) =
        listen(&mut command, "log-crashes", &format!("logs of scripts {range}"), |line| line.contains(" images "))?;
    Ok(Finding { name: "log-crashes", seeds: range, figures: figures.join(", "), failure })
}

fn quorum() -> Result<Finding> {
    let mut command = cargo(&["test", "--release", "--package", "ottla-quorum", "--lib", "more_of_everything"]);
    command.args(["--", "--ignored", "--nocapture"]);
    let (figures, failure) =
        listen(&mut command, "quorum", "a quorum in every order", |line| line.contains(" states"))?;
    Ok(Finding { name: "quorum", seeds: "every order".to_owned(), figures: figures.join(", "), failure })
}

/// Runs a command to its end: the lines that are figures, and how it failed if it did.
fn listen(
    command: &mut Command,
    name: &str,
    what: &str,
    is_figure: impl Fn(&str) -> bool,
) -> Result<(Vec<String>, Option<String>)> {
    let log = log_file(name)?;
    let mut figures = Vec::new();
    let mut step = progress::step(format!("{what}, told in {}", log.display()));
    let ran = program::run_logged(command, &log, |line| {
        if is_figure(line) {
            figures.push(line.to_owned());
        }
        step.note(line);
    });
    step.done();
    Ok((figures, ran.err().map(|error| format!("{error:#}"))))
}

fn fuzz(minutes: u64) -> Result<Finding> {
    ensure_subcommand("fuzz", "0.13.2")?;
    let folder = place::checkout().join("fuzz");
    let mut figures = Vec::new();
    let mut failure = None;
    for target in ["wire_any_bytes", "records"] {
        let mut command = Command::new("cargo");
        // The sanitizer's flags are unstable; this lets the toolchain that builds the product take them.
        command.args(["fuzz", "run", target, "--"]).env("RUSTC_BOOTSTRAP", "1");
        command.arg(format!("-max_total_time={}", 60 * minutes)).current_dir(&folder);
        // libFuzzer ends with: Done 12345 runs in 60 second(s)
        let (done, failed) =
            listen(&mut command, &format!("fuzz-{target}"), &format!("bytes against {target}"), |line| {
                line.starts_with("Done ")
            })?;
        figures.extend(done.last().map(|line| format!("{target}: {line}")));
        if failed.is_some() {
            failure = failed;
            figures.push(format!("{target}: failed"));
            break;
        }
    }
    Ok(Finding { name: "fuzz", seeds: format!("{minutes} min each"), figures: figures.join(", "), failure })
}

fn dependencies(advisories: bool) -> Result<Finding> {
    ensure_subcommand("deny", "0.18.9")?;
    let checks: &[&str] =
        if advisories { &["licenses", "bans", "sources", "advisories"] } else { &["licenses", "bans", "sources"] };
    // It ends with: bans ok, licenses ok, sources ok
    let (lines, failure) =
        listen(cargo(&["deny", "check"]).args(checks), "dependencies", "dependencies against deny.toml", |_| true)?;
    let last = lines.last().cloned().unwrap_or_default();
    Ok(Finding { name: "dependencies", seeds: checks.join(" "), figures: last, failure })
}

fn ensure_subcommand(name: &str, version: &str) -> Result<()> {
    if program::output(Command::new("cargo").args([name, "--version"])).is_ok() {
        return Ok(());
    }
    let log = log_file(&format!("install-cargo-{name}"))?;
    let mut step = progress::step(format!("install cargo-{name}, told in {}", log.display()));
    let mut install = Command::new("cargo");
    install.args(["install", "--locked", &format!("cargo-{name}@{version}")]);
    program::run_logged(&mut install, &log, |line| step.note(line))?;
    step.done();
    Ok(())
}

/// Adds the line to docs/runs.md.
fn note(finding: &Finding) -> Result<()> {
    let outcome = if finding.failure.is_some() { "**failed**: " } else { "" };
    let (date, commit) = (date()?, commit()?);
    let Finding { name, seeds, figures, .. } = finding;
    let line = format!("| {date} | {name} | {commit} | {seeds} | {outcome}{figures} |\n");
    let path = place::checkout().join("docs").join("runs.md");
    let mut told = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    told.push_str(&line);
    std::fs::write(&path, told).with_context(|| format!("write {}", path.display()))?;
    print!("{line}");
    Ok(())
}

/// The commit, and whether something was changed since.
fn commit() -> Result<String> {
    let git = |arguments: &[&str]| program::output(Command::new("git").args(arguments).current_dir(place::checkout()));
    let commit = git(&["rev-parse", "--short", "HEAD"])?.trim().to_owned();
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", "broker"])?;
    Ok(if changed.is_empty() { commit } else { format!("{commit} and changes") })
}

fn date() -> Result<String> {
    Ok(program::output(Command::new("date").args(["--utc", "+%Y-%m-%d"]))?.trim().to_owned())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn log_file(name: &str) -> Result<PathBuf> {
    let folder: &Path = &place::target().join("long");
    std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    Ok(folder.join(format!("{name}.log")))
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(place::checkout()).stdin(Stdio::null());
    command
}
