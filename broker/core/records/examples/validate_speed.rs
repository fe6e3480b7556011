//! How fast a produce is validated: MB/s of records, uncompressed size, for batches of 16 KiB and 256 KiB in each codec.
//!
//! `cargo run --release -p ottla-records --example validate_speed`

// An example is a shell of its own: it prints, and it asks the time.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::disallowed_types)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ottla_records::crc::crc32c;
use ottla_records::{
    BatchBuilder, BatchOptions, Codec, Compression, Decompressor, ProduceRules, TimestampType, validate_produce,
};
use ottla_vocabulary::Timestamp;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// Records of about 200 bytes, as text that compresses about as well as logs do.
fn batch(codec: Codec, bytes: usize) -> (Vec<u8>, usize) {
    let options = BatchOptions { compression: Compression::new(codec), ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(options);
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    while builder.bytes() + 250 < bytes {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = format!("{:010}", noise >> 40);
        let value = format!(
            "{{\"flight\":{},\"origin\":\"{}\",\"delay\":{},\"carrier\":\"WN\",\"note\":\"{:016x}{:016x}\",\"status\":\"arrived on the gate as \
             it was planned\",\"aircraft\":\"B737\"}}",
            noise % 9973,
            ["SFO", "LAX", "OAK", "SEA"][(noise >> 60) as usize % 4],
            noise >> 52,
            noise,
            noise.rotate_left(17),
        );
        builder.push(NOW, Some(key.as_bytes()), Some(value.as_bytes()), &[]);
    }
    let plain = builder.bytes();
    (builder.finish().expect("a batch"), plain)
}

/// Calls a second, the best of several rounds: other work on the machine only ever slows.
fn best_rate(mut run: impl FnMut()) -> f64 {
    let round = Duration::from_millis(200);
    let mut best = 0.0_f64;
    for _ in 0..5 {
        let (start, mut calls) = (Instant::now(), 0);
        while start.elapsed() < round {
            run();
            calls += 1;
        }
        best = best.max(f64::from(calls) / start.elapsed().as_secs_f64());
    }
    best
}

fn main() {
    let rules = ProduceRules::default();
    let stamped = ProduceRules { timestamp_type: TimestampType::LogAppendTime, ..rules };
    println!("{:8} {:>9} {:>9} {:>12} {:>12} {:>10}", "codec", "plain", "sent", "validate", "append time", "crc alone");
    for bytes in [16 << 10, 256 << 10] {
        for codec in Codec::ALL {
            let (sent, plain) = batch(codec, bytes);
            let mut decompressor = Decompressor::new();
            let mut validate = |rules: &ProduceRules| {
                best_rate(|| drop(black_box(validate_produce(black_box(&sent), rules, NOW, &mut decompressor))))
                    * plain as f64
                    / 1e6
            };
            let (plainly, appended) = (validate(&rules), validate(&stamped));
            let summed = best_rate(|| _ = black_box(crc32c(black_box(&sent)))) * sent.len() as f64 / 1e6;
            println!(
                "{:8} {plain:>9} {:>9} {plainly:>7.0} MB/s {appended:>7.0} MB/s {summed:>5.0} MB/s",
                codec.name(),
                sent.len()
            );
        }
    }
}
