//! Decompression bombs of each codec: refused, quickly, and without taking memory for what they claim.
//!
//! Peak memory is the kernel's figure for this process (VmHWM, reset before each case), so the cases run in one test,
//! one after the other.

// This test is a shell of its own: it measures time.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::Instant as Clock;

use ottla_records::validate::Problem;
use ottla_records::varint::write_varint;
use ottla_records::{
    BatchBuilder, BatchError, BatchHeader, BatchOptions, Codec, Compression, DecompressError, Decompressor,
    HEADER_BYTES, ProduceRules, Rejection, validate_produce,
};
use ottla_vocabulary::Timestamp;

const MIB: usize = 1 << 20;
/// What one validation may take beyond the batch itself. The largest honest need is a window of Zstandard at level 19
/// (8 MiB) or a bare snappy block (22 times its bytes).
const GROWTH_BYTES_MAX: usize = 24 * MIB;

/// A batch of one record whose compressed bytes are these.
fn batch_of(codec: Codec, records: &[u8]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(Timestamp(0), None, None, &[]);
    let mut header = BatchHeader::parse(&builder.finish().expect("a batch")).expect("its header");
    header.attributes = header.attributes.with_codec(codec);
    header.batch_length = (HEADER_BYTES - 12 + records.len()) as i32;
    header.seal(records);
    [&header.to_bytes(), records].concat()
}

/// The beginning of a record with a value of 2^31 − 100 bytes, and then zeros without end.
fn endless_record() -> Vec<u8> {
    let mut record = Vec::new();
    write_varint(&mut record, i32::MAX - 50);
    record.extend([0, 0, 0, 1]); // attributes, both deltas, no key
    write_varint(&mut record, i32::MAX - 100);
    record
}

fn zstd_raw_block(bytes: &[u8], is_last: bool) -> Vec<u8> {
    let header = ((bytes.len() as u32) << 3) | u32::from(is_last);
    [&header.to_le_bytes()[..3], bytes].concat()
}

/// A frame that asks for this window and repeats zeros in blocks of 128 KiB, four bytes each: 1 : 32,768.
fn zstd_bomb(window_log: u8, bytes: usize) -> Vec<u8> {
    let run_block = ((128 * 1024) << 3 | 1_u32 << 1).to_le_bytes();
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3];
    out.extend(zstd_raw_block(&endless_record(), false));
    while out.len() < bytes {
        out.extend([run_block[0], run_block[1], run_block[2], 0]);
    }
    out.extend(zstd_raw_block(b"", true));
    out
}

/// So many zeros behind the endless record.
fn bomb(codec: Codec, plain_bytes: usize) -> Vec<u8> {
    let mut plain = endless_record();
    plain.resize(plain_bytes, 0);
    let mut out = Vec::new();
    Compression::new(codec).compress(&plain, &mut out).expect("compress");
    out
}

/// Peak and present resident memory of this process, in bytes.
fn memory() -> (usize, usize) {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line for memory");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("kilobytes") * 1024
    };
    (line("VmHWM:"), line("VmRSS:"))
}

fn growth_of(run: impl FnOnce()) -> usize {
    std::fs::write("/proc/self/clear_refs", "5").expect("reset the peak");
    let (_, before) = memory();
    run();
    memory().0.saturating_sub(before)
}

#[test]
fn bombs_are_refused_within_bounds() {
    let zstd_window = |log| zstd_bomb(log, MIB);
    let cases = [
        ("gzip", Codec::Gzip, bomb(Codec::Gzip, 120 * MIB)),
        ("lz4", Codec::Lz4, bomb(Codec::Lz4, 120 * MIB)),
        ("snappy", Codec::Snappy, bomb(Codec::Snappy, 20 * MIB)),
        ("zstd, window of 1 MiB", Codec::Zstd, zstd_window(20)),
        ("zstd, window of 8 MiB", Codec::Zstd, zstd_window(23)),
        ("zstd, window of 2 GiB", Codec::Zstd, zstd_window(31)),
        ("snappy, claims 4 GiB", Codec::Snappy, vec![0xff, 0xff, 0xff, 0xff, 0x0f, 0]),
        ("lz4, claims 2^64 bytes in blocks of 4 MiB", Codec::Lz4, lz4_claim()),
    ];
    // The usual bound, which all but snappy can pass, and one below what every bomb reaches.
    let small = ProduceRules { decompressed_batch_bytes_max: 4 * MIB as u64, ..ProduceRules::default() };
    for (case, codec, records) in cases {
        let bytes = batch_of(codec, &records);
        for rules in [ProduceRules::default(), small] {
            let rules = ProduceRules { max_message_bytes: 2 * MIB as i32, ..rules };
            let start = Clock::now();
            let mut refusal = None;
            let growth = growth_of(|| {
                let answer = validate_produce(&bytes, &rules, Timestamp(0), &mut Decompressor::new());
                refusal = answer.err();
            });
            let refusal = refusal.unwrap_or_else(|| panic!("{case}: taken"));
            assert_eq!(refusal.rejection(), Rejection::InvalidRecord, "{case}: {refusal}");
            assert!(growth < GROWTH_BYTES_MAX, "{case}: grew by {} MiB, {refusal}", growth / MIB);
            // Generous: the machine is shared, and tests are not optimized.
            assert!(start.elapsed().as_secs() < 20, "{case}: took {:?}", start.elapsed());
        }
    }
    a_window_of_128_mib_is_given_back();
}

/// The largest window that Java's writers ask for is allowed. What it takes is bounded by what may come out, and given
/// back.
fn a_window_of_128_mib_is_given_back() {
    let bytes = batch_of(Codec::Zstd, &zstd_bomb(27, MIB / 2));
    let rules = ProduceRules::default();
    let mut decompressor = Decompressor::new();
    let (_, before) = memory();
    let mut refusal = None;
    let growth = growth_of(|| refusal = validate_produce(&bytes, &rules, Timestamp(0), &mut decompressor).err());
    let too_large = BatchError::Decompress(DecompressError::TooLarge {
        codec: Codec::Zstd,
        bytes_max: rules.decompressed_batch_bytes_max,
    });
    assert_eq!(refusal.map(|refusal| refusal.problem), Some(Problem::Unreadable(too_large)));
    assert!(growth < rules.decompressed_batch_bytes_max as usize + GROWTH_BYTES_MAX, "grew by {} MiB", growth / MIB);
    let (_, after) = memory();
    assert!(after < before + GROWTH_BYTES_MAX, "kept {} MiB", (after - before) / MIB);
}

fn lz4_claim() -> Vec<u8> {
    use twox_hash::XxHash32;
    let descriptor = [&[0b0110_1000, 0x70][..], &u64::MAX.to_le_bytes()].concat();
    let sum = (XxHash32::oneshot(0, &descriptor) >> 8) as u8;
    [&0x184d_2204_u32.to_le_bytes()[..], &descriptor, &[sum], &4_u32.to_le_bytes(), &[0x1f, 1, 0, 0xff]].concat()
}
