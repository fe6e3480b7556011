//! A partition behind a lock beside a partition behind a mailbox: what decision 0001 rests on. Eight tasks append to a real
//! log, each waiting for its answer before it sends again; one round takes the lock in the task, the other sends to an
//! actor and awaits its reply.
//!
//! `cargo run --release --package ottla-performance --example lock_or_mailbox`

#![allow(clippy::print_stdout, reason = "a measurement prints")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ottla_commit_log::{Log, LogDirectory, LogSettings, NewBatch, Origin};
use ottla_disk::Disk;
use ottla_records::{BatchBuilder, BatchOptions, BatchView};
use ottla_vocabulary::{LeaderEpoch, Now, Offset, PartitionIndex, Timestamp, TopicId, TopicName, TopicPartition, Uuid};
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

const TASKS: usize = 8;
const ROUNDS: usize = 5;
const LASTING: Duration = Duration::from_secs(2);
/// What a frame is read into: the actor must own what it appends.
type Frame = Arc<Vec<u8>>;

fn log(folder: &Path) -> Result<Log<Disk>> {
    let mut directory = LogDirectory::open(Disk::new(16), folder)?;
    let partition = TopicPartition::new(TopicName::new("flights")?, PartitionIndex(0));
    Ok(directory.create_log(&partition, TopicId(Uuid::ONE), Arc::new(LogSettings::default()), Now::default())?)
}

fn frame(bytes: usize) -> Result<Frame> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(Timestamp(1_700_000_000_000), None, Some(&vec![b'x'; bytes]), &[]);
    Ok(Arc::new(builder.finish().context("build a batch")?))
}

/// The part of a produce that either way does before it asks the partition.
fn check(frame: &[u8]) -> BatchView<'_> {
    let batch = BatchView::parse(frame).expect("we built it");
    batch.check_crc().expect("we built it");
    batch
}

fn append(log: &mut Log<Disk>, batch: &BatchView<'_>) -> Offset {
    let new = NewBatch { header: *batch.header(), records: batch.records_bytes() };
    log.append(new, LeaderEpoch(0), Origin::Client, Now::default()).expect("the disk takes it").base_offset
}

/// Appends a second, summed over the tasks, each of which repeats `once` as long as time lasts.
fn rate<Once, Answer>(runtime: &Runtime, once: Once) -> f64
where
    Once: Fn() -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = Offset> + Send,
{
    let began = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let once = once.clone();
            runtime.spawn(async move {
                let mut count = 0_u32;
                while began.elapsed() < LASTING {
                    once().await;
                    count += 1;
                    tokio::task::yield_now().await; // as a connection does, which goes back to its socket
                }
                count
            })
        })
        .collect();
    let count: u32 = tasks.into_iter().map(|task| runtime.block_on(task).expect("no task panics")).sum();
    f64::from(count) / began.elapsed().as_secs_f64()
}

fn by_lock(runtime: &Runtime, log: Log<Disk>, frame: Frame) -> f64 {
    let log = Arc::new(Mutex::new(log));
    rate(runtime, move || {
        let (log, frame) = (Arc::clone(&log), Arc::clone(&frame));
        async move {
            let batch = check(&frame);
            append(&mut log.lock(), &batch)
        }
    })
}

fn by_mailbox(runtime: &Runtime, mut log: Log<Disk>, frame: Frame) -> f64 {
    let (mailbox, mut letters) = mpsc::channel::<(Frame, oneshot::Sender<Offset>)>(1024);
    runtime.spawn(async move {
        while let Some((frame, answer)) = letters.recv().await {
            let batch = BatchView::parse(&frame).expect("it was checked");
            // Nobody waits any more when a round is over.
            let _ = answer.send(append(&mut log, &batch));
        }
    });
    rate(runtime, move || {
        let (mailbox, frame) = (mailbox.clone(), Arc::clone(&frame));
        async move {
            check(&frame);
            let (answer, answered) = oneshot::channel();
            mailbox.send((frame, answer)).await.expect("the actor lives");
            answered.await.expect("the actor answers")
        }
    })
}

fn main() -> Result<()> {
    let runtime = Runtime::new().context("start a runtime")?;
    println!("appends a second by {TASKS} tasks to one partition, median of {ROUNDS} rounds");
    println!("{:>10} {:>12} {:>12} {:>8}", "batch", "lock", "mailbox", "ratio");
    for bytes in [100, 16 << 10, 256 << 10] {
        let frame = frame(bytes)?;
        let mut rates: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (way, rates) in [by_lock, by_mailbox].into_iter().zip(&mut rates) {
                let folder = tempfile::tempdir().context("make a folder")?;
                rates.push(way(&runtime, log(folder.path())?, Arc::clone(&frame)));
            }
        }
        let [lock, mailbox] = rates.map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[ROUNDS / 2]
        });
        println!("{bytes:>10} {lock:>12.0} {mailbox:>12.0} {:>7.2}×", lock / mailbox);
    }
    Ok(())
}
