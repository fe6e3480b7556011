//! How long it takes to read a Fetch request of a thousand partitions, ours beside `kafka-protocol`:
//! `cargo run --release -p ottla-wire-oracle --example fetch_decode`.
//!
//! Reads every partition, as a broker does. A quick measure for whoever changes the reader; not a test.

// For a person at a terminal.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::protocol::Decodable;
use ottla_wire::fetch_request::{FetchPartition, FetchTopic};
use ottla_wire::{FetchRequest, Message};

const ROUNDS: u32 = 2000;

fn main() {
    for (topics, partitions) in [(1000, 1), (10, 100)] {
        for version in [11, 13, 17] {
            let bytes = request(topics, partitions, version);
            let ours = time(|| read_by_us(&bytes, version));
            let theirs = time(|| read_by_them(&bytes, version));
            println!("{topics} topics of {partitions}, v{version}, {} bytes: {ours:?}, theirs {theirs:?}", bytes.len());
        }
    }
}

fn request(topics: i32, partitions: i32, version: i16) -> Bytes {
    let partition = |partition| FetchPartition { partition, partition_max_bytes: 1 << 20, ..Default::default() };
    let topic = |index| FetchTopic {
        topic: if version < 13 { format!("topic-{index}").into() } else { "".into() },
        partitions: (0..partitions).map(partition).collect(),
        ..Default::default()
    };
    let request = FetchRequest { topics: (0..topics).map(topic).collect(), ..Default::default() };
    request.to_bytes(version).expect("every field has a place").into()
}

fn read_by_us(bytes: &Bytes, version: i16) -> i64 {
    let request = FetchRequest::from_bytes(bytes, version).expect("we wrote it");
    request
        .topics
        .iter()
        .map(|topic| topic.partitions.iter().map(|partition| partition.fetch_offset).sum::<i64>())
        .sum()
}

fn read_by_them(bytes: &Bytes, version: i16) -> i64 {
    let mut source = bytes.clone();
    let request = kafka_protocol::messages::FetchRequest::decode(&mut source, version).expect("we wrote it");
    request.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.fetch_offset).sum()
}

/// The best of many rounds: anything longer was somebody else's work.
fn time(read: impl Fn() -> i64) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(read());
            start.elapsed()
        })
        .min()
        .expect("more than none")
}
