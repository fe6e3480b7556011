//! `ottla-simulation`: runs worlds by their seeds, and says of each that fails what happened and how to see it again.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a command prints

use std::ops::Range;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use ottla_simulation::run::{Summary, run};
use ottla_simulation::scenario::Mutant;

/// Runs a broker in simulated worlds.
#[derive(Parser)]
struct Arguments {
    /// One seed.
    #[arg(long, conflicts_with = "seeds", required_unless_present = "seeds")]
    seed: Option<u64>,
    /// Seeds from a first up to, and without, a last: `0..1000`.
    #[arg(long, value_parser = parse_range)]
    seeds: Option<Range<u64>>,
    /// Begin no more seeds after so many minutes.
    #[arg(long)]
    minutes: Option<u64>,
    /// Tell all that happens.
    #[arg(long)]
    trace: bool,
    /// Plant a bug that must be found; its name is one of those that a wrong one brings up.
    #[arg(long, value_parser = parse_mutant)]
    mutant: Option<Mutant>,
    /// Go on after a seed that failed.
    #[arg(long)]
    keep_going: bool,
}

/// How often a long run says how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("a range is FROM..TO")?;
    let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number"));
    Ok(number(from)?..number(to)?)
}

fn parse_mutant(text: &str) -> Result<Mutant, String> {
    Mutant::named(text).ok_or_else(|| format!("one of {}", Mutant::ALL.map(Mutant::name).join(", ")))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.trace {
        tracing_subscriber::fmt().without_time().with_ansi(false).with_writer(std::io::stdout).init();
    }
    let seeds = arguments.seeds.or(arguments.seed.map(|seed| seed..seed.saturating_add(1))).unwrap_or(0..0);
    let patience = arguments.minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let began = Instant::now();
    let mut told = began;
    let mut total = Totals::default();
    for seed in seeds {
        if patience.is_some_and(|patience| patience <= began.elapsed()) {
            break;
        }
        match run(seed, arguments.mutant, arguments.trace) {
            Ok(summary) => total.add(&summary),
            Err(story) => {
                println!("seed {seed}:\n{story}");
                total.failed += 1;
                if !arguments.keep_going {
                    break;
                }
            }
        }
        if PROGRESS <= told.elapsed() {
            told = Instant::now();
            eprintln!("{} s, seed {seed}: {total}", began.elapsed().as_secs());
        }
    }
    println!("{total}");
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What all runs did together.
#[derive(Default)]
struct Totals {
    seeds: u64,
    failed: u64,
    answers: u64,
    acknowledged: u64,
    ends: [u64; 4],
    millis: u64,
    sum: u64,
}

impl Totals {
    fn add(&mut self, summary: &Summary) {
        let tally = summary.tally;
        self.seeds += 1;
        self.answers += tally.answers;
        self.acknowledged += tally.acknowledged;
        for (end, more) in self.ends.iter_mut().zip([tally.kills, tally.power_losses, tally.stops, tally.failed_starts])
        {
            *end += more;
        }
        self.millis += tally.millis;
        self.sum = self.sum.rotate_left(1) ^ summary.sum;
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [kills, power, stops, refused] = self.ends;
        write!(
            f,
            "{} seeds kept all promises: {} answers, {} batches acknowledged, {kills} kills, {power} losses of power, {stops} \
             stops, {refused} starts prevented, {:.1} virtual hours, trace {:016x}, {} failed",
            self.seeds,
            self.answers,
            self.acknowledged,
            self.millis as f64 / 3_600_000.0,
            self.sum,
            self.failed
        )
    }
}
