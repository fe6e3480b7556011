//! `cargo xtask bench`: Apache Kafka and Ottla side by side on this machine, alternating, several rounds, and their figures
//! as the table of `docs/performance.md`.
//!
//! Reading order: [`scenario`] what is measured, [`server`] against whom, [`load`] and [`mod@batch`] with which requests,
//! [`connection`] over what, [`statistics`] and [`report`] how it is told.

// A command: printing is its output.
#![allow(clippy::print_stdout)]
#![allow(unreachable_pub)]

mod batch;
mod connection;
mod load;
mod operator;
mod report;
mod scenario;
mod server;
mod statistics;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

use crate::report::{Figure, Report};
use crate::scenario::Extent;
use crate::server::Whose;

const BROKER_IMAGE: Figure = Figure { name: "image of the broker, as it is pulled", unit: "MiB", goal: "≤ 15 MiB" };
const OPERATOR_IMAGE: Figure =
    Figure { name: "image of the operator, as it is pulled", unit: "MiB", goal: "≤ 15 MiB" };

/// What a rerun must not erase: why a figure falls short of its goal, and what it means.
const NOTES: &str = include_str!("../notes.md");

/// Measures Apache Kafka and Ottla side by side.
#[derive(Parser)]
struct Arguments {
    /// Rounds of each server; medians are of these.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A tenth of the load: proves that everything runs, and its figures mean little.
    #[arg(long)]
    brief: bool,
    /// Only this server.
    #[arg(long, value_parser = ["kafka", "ottla"])]
    only: Option<String>,
    /// The size of an image, as NAME=BYTES.
    #[arg(long = "image", value_parser = image)]
    images: Vec<(String, u64)>,
    /// The operator's memory too, which needs an API server.
    #[arg(long)]
    operator: bool,
    /// Where the page is written; printed only, when it is not given.
    #[arg(long)]
    page: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let extent = if arguments.brief {
        Extent { produced_bytes: 20 << 20, seconds: 1, partitions: 1000 }
    } else {
        Extent { produced_bytes: 400 << 20, seconds: 8, partitions: 1000 }
    };
    let mut report = Report::default();
    for round in 1..=arguments.rounds {
        for whose in [Whose::Kafka, Whose::Ottla] {
            let wanted = arguments.only.as_deref().is_none_or(|only| (only == "kafka") == (whose == Whose::Kafka));
            if wanted {
                println!("round {round} of {}: {whose}", arguments.rounds);
                let folder = tempfile::tempdir().context("make a folder for the server's data")?;
                scenario::round(whose, folder.path(), extent, &mut report)
                    .with_context(|| format!("measure {whose}"))?;
            }
        }
    }
    for (name, bytes) in &arguments.images {
        let name = if name == "broker" { BROKER_IMAGE } else { OPERATOR_IMAGE };
        report.push(name, Whose::Ottla, *bytes as f64 / scenario::MIB);
    }
    if arguments.operator {
        println!("the operator");
        operator::measure(&mut report)?;
    }
    let table = report.table();
    println!("{table}");
    if let Some(page) = arguments.page {
        std::fs::write(&page, render(&table, arguments.rounds)).with_context(|| format!("write {}", page.display()))?;
        println!("written to {}", page.display());
    }
    Ok(())
}

/// The whole page.
fn render(table: &str, rounds: usize) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "# Performance\n\n\
         Written by `cargo xtask bench`. Apache Kafka 4.4.0 and Ottla on the same machine ({cores} cores, shared with the load\n\
         generator), the same request bytes over loopback, alternating, {rounds} rounds each; Kafka with its default\n\
         configuration, the JVM settings of its start script and a warm-up before each measurement. Both with one combined node,\n\
         the same acks (all) and the same flushing (left to the operating system). A value is the median with the smallest and\n\
         largest round in brackets; the ratio is Ottla's median divided by Kafka's.\n\n{table}\n{NOTES}"
    )
}

fn image(text: &str) -> Result<(String, u64)> {
    let (name, bytes) = text.split_once('=').context("an image is given as NAME=BYTES")?;
    anyhow::ensure!(["broker", "operator"].contains(&name), "{name} is neither broker nor operator");
    Ok((name.to_owned(), bytes.parse().with_context(|| format!("{bytes} is no number of bytes"))?))
}
