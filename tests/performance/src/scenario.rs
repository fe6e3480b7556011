//! What is measured in a round of one server: each scenario is a function that drives the server and pushes its figures.
//! Scenarios run in the order of [`round`], on one server that was started in an empty folder.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::batch;
use crate::connection::Connection;
use crate::load;
use crate::report::{Figure, Report};
use crate::server::{Server, Whose};
use crate::statistics::quantile;

const LISTENING: Figure = Figure { name: "listening, from an empty directory", unit: "ms", goal: "≤ 100 ms" };
const IDLE: Figure = Figure { name: "resident when idle", unit: "MiB", goal: "≤ 24 MiB" };
const LOADED: Figure = Figure { name: "resident at most, under all of this load", unit: "MiB", goal: "≤ 48 MiB" };
const PARTITIONS: Figure = Figure { name: "1,000 partitions created and served", unit: "s", goal: "≤ 0.20 ×" };
const REQUESTS: (Figure, Figure) = (
    Figure { name: "server CPU a one-record produce", unit: "µs", goal: "" },
    Figure { name: "one-record produces, 8 connections", unit: "/s", goal: "≥ 4 ×" },
);
const TAIL: Figure = Figure { name: "p99 of a 1 KiB produce at 500/s", unit: "ms", goal: "≤ 0.33 ×" };
const SMALL: (Figure, Figure) = (
    Figure { name: "server CPU a MB produced, 16 KiB batches", unit: "ms", goal: "≤ 0.33 ×" },
    Figure { name: "produced, 16 KiB batches, 2 connections", unit: "MB/s", goal: "" },
);
const LARGE: (Figure, Figure) = (
    Figure { name: "server CPU a MB produced, 256 KiB batches", unit: "ms", goal: "≤ 0.50 ×" },
    Figure { name: "produced, 256 KiB batches, 2 connections", unit: "MB/s", goal: "" },
);
const CONSUME: (Figure, Figure) = (
    Figure { name: "server CPU a MB consumed, warm", unit: "ms", goal: "≤ 1 ×" },
    Figure { name: "consumed, warm, 1 connection", unit: "MB/s", goal: "" },
);

/// How much one round does. The short one proves the harness; figures come from the long one.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Bytes that each producing scenario writes.
    pub produced_bytes: usize,
    /// How long the closed-loop and the fixed-rate scenarios run.
    pub seconds: u64,
    /// Partitions of the scenario that creates many.
    pub partitions: i32,
}

pub const MIB: f64 = 1024.0 * 1024.0;
const MB: f64 = 1e6;

/// One round: starts the server, runs every scenario, and ends it.
///
/// # Errors
/// When the server fails or refuses something.
pub fn round(whose: Whose, folder: &Path, extent: Extent, report: &mut Report) -> Result<()> {
    let (server, took) = Server::start(whose, folder)?;
    report.push(LISTENING, whose, took.as_secs_f64() * 1e3);
    std::thread::sleep(Duration::from_secs(3)); // settled: nothing that a start leaves over is counted as idle
    report.push(IDLE, whose, server.resident_bytes()? as f64 / MIB);

    let mut connection = Connection::open(server.bootstrap())?;
    for topic in ["warm-up", "small", "large", "requests", "tail"] {
        load::create_topic(&mut connection, topic, 2)?;
    }
    // The same work before the clock runs: a JVM compiles what is hot, a page cache and a topic come to be.
    produce_through(&server, "warm-up", &batch::of(16, 1000)?, extent.produced_bytes / 2)?;
    consume_through(&server, "warm-up")?;

    settle()?;
    produced(whose, &server, "small", &batch::of(16, 1000)?, extent, SMALL, report)?;
    settle()?;
    produced(whose, &server, "large", &batch::of(256, 1000)?, extent, LARGE, report)?;
    let cpu = server.processor_time()?;
    let began = Instant::now();
    let bytes = consume_through(&server, "large")? as f64 / MB;
    report.push(CONSUME.1, whose, bytes / began.elapsed().as_secs_f64());
    report.push(CONSUME.0, whose, (server.processor_time()? - cpu).as_secs_f64() * 1e3 / bytes);

    settle()?;
    let (rate, cpu) = requests_a_second(&server, extent)?;
    report.push(REQUESTS.1, whose, rate);
    report.push(REQUESTS.0, whose, cpu);
    report.push(TAIL, whose, tail(&server, extent)?);
    settle()?;
    let began = Instant::now();
    load::create_topic(&mut connection, "many", extent.partitions)?;
    report.push(PARTITIONS, whose, began.elapsed().as_secs_f64());
    report.push(LOADED, whose, server.peak_resident_bytes()? as f64 / MIB);
    Ok(())
}

/// Has everything written to the disk that lies in memory: what one scenario left is not to be written during the next.
fn settle() -> Result<()> {
    let status = Command::new("sync").status().context("start sync")?;
    ensure!(status.success(), "sync ended with {status}");
    Ok(())
}

fn produced(
    whose: Whose,
    server: &Server,
    topic: &'static str,
    batch: &[u8],
    extent: Extent,
    (cpu_figure, rate_figure): (Figure, Figure),
    report: &mut Report,
) -> Result<()> {
    let cpu = server.processor_time()?;
    let began = Instant::now();
    let bytes = produce_through(server, topic, batch, extent.produced_bytes)? as f64 / MB;
    report.push(rate_figure, whose, bytes / began.elapsed().as_secs_f64());
    report.push(cpu_figure, whose, (server.processor_time()? - cpu).as_secs_f64() * 1e3 / bytes);
    Ok(())
}

/// Writes at least `bytes` over two connections, one for each partition, five requests under way on each as an idempotent
/// Java producer keeps them; acks all. Gives the bytes written.
fn produce_through(server: &Server, topic: &str, batch: &[u8], bytes: usize) -> Result<usize> {
    const UNDER_WAY: usize = 5;
    let count = (bytes / 2).div_ceil(batch.len());
    let write = |partition| -> Result<()> {
        let frame = load::produce(topic, partition, -1, batch)?;
        let mut connection = Connection::open(server.bootstrap())?;
        for sent in 0..count + UNDER_WAY {
            if sent < count {
                connection.send(&frame)?;
            }
            if sent >= UNDER_WAY {
                load::produced(&mut connection)?;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| write(1));
        write(0).and(other.join().expect("the writer does not panic"))
    })?;
    Ok(count * 2 * batch.len())
}

/// Reads both partitions from their start to their end, one after the other; gives the bytes read.
fn consume_through(server: &Server, topic: &str) -> Result<usize> {
    let mut connection = Connection::open(server.bootstrap())?;
    let mut total = 0;
    for partition in 0..2 {
        let mut offset = 0;
        let end = load::end_offset(&mut connection, topic, partition)?;
        while offset < end {
            connection.send(&load::fetch(topic, partition, offset)?)?;
            let (bytes, next) = load::fetched(&mut connection)?;
            total += bytes;
            offset = next.max(offset);
        }
    }
    Ok(total)
}

/// Eight clients, each sending one record and waiting for its acknowledgement. One thread is all of them, in turn, so that on
/// a machine of few processors it is the servers that are measured and not threads that wait for one another.
fn requests_a_second(server: &Server, extent: Extent) -> Result<(f64, f64)> {
    const CLIENTS: usize = 8;
    let batch = batch::of(0, 100)?;
    let mut clients = (0..CLIENTS)
        .map(|number| {
            let frame = load::produce("requests", (number % 2) as i32, -1, &batch)?;
            Ok((Connection::open(server.bootstrap())?, frame))
        })
        .collect::<Result<Vec<_>>>()?;
    let cpu = server.processor_time()?;
    let began = Instant::now();
    let mut count = 0;
    while began.elapsed() < Duration::from_secs(extent.seconds) {
        for (connection, frame) in &mut clients {
            connection.send(frame)?;
        }
        for (connection, _) in &mut clients {
            load::produced(connection)?;
        }
        count += CLIENTS;
    }
    let rate = count as f64 / began.elapsed().as_secs_f64();
    let cpu = server.processor_time()? - cpu;
    Ok((rate, cpu.as_secs_f64() * 1e6 / count as f64))
}

/// The 99th percentile of a produce, in milliseconds, at a rate that neither server has trouble with. A request that is sent
/// late because the one before it took long counts from when it was due.
fn tail(server: &Server, extent: Extent) -> Result<f64> {
    const INTERVAL: Duration = Duration::from_millis(2);
    let frame = load::produce("tail", 0, -1, &batch::of(0, 1024)?)?;
    let mut connection = Connection::open(server.bootstrap())?;
    let mut took = Vec::new();
    let began = Instant::now();
    for number in 0..extent.seconds * 500 {
        let due = began + INTERVAL * u32::try_from(number).context("a round is short")?;
        if let Some(early) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(early);
        }
        connection.send(&frame)?;
        load::produced(&mut connection)?;
        took.push(due.elapsed().as_secs_f64() * 1e3);
    }
    took.sort_by(f64::total_cmp);
    Ok(quantile(&took, 0.99))
}
