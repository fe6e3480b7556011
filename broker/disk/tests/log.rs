//! A log on a real disk: what it writes comes back, before and after it was closed.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::path::Path;
use std::sync::Arc;

use ottla_commit_log::{Log, ReadError};
use ottla_commit_log::{LogDirectory, LogSettings, NewBatch, Origin, ReadLimits};
use ottla_disk::Disk;
use ottla_records::{BatchBuilder, BatchOptions, BatchView, Codec, Compression, Decompressor, batches};
use ottla_vocabulary::{
    BrokerEpoch, LeaderEpoch, Now, Offset, PartitionIndex, Timestamp, TopicId, TopicName, TopicPartition, Uuid,
};

fn partition(index: i32) -> TopicPartition {
    TopicPartition::new(TopicName::new("flights").unwrap(), PartitionIndex(index))
}

fn append(log: &mut Log<Disk>, timestamp: i64, values: &[&str]) -> Offset {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for value in values {
        builder.push(Timestamp(timestamp), None, Some(value.as_bytes()), &[]);
    }
    let bytes = builder.finish().unwrap();
    let batch = BatchView::parse(&bytes).unwrap();
    let batch = NewBatch { header: *batch.header(), records: batch.records_bytes() };
    log.append(batch, LeaderEpoch(3), Origin::Client, Now::default()).unwrap().base_offset
}

fn read(log: &mut Log<Disk>, from: i64, bytes_max: u32) -> Result<Vec<(i64, String)>, ReadError> {
    let limits = ReadLimits { upper_bound: Offset(i64::MAX), bytes_max, at_least_one: true };
    let Some(span) = log.read(Offset(from), limits)? else { return Ok(Vec::new()) };
    let bytes = span.read().unwrap();
    let mut records = Vec::new();
    let mut decompressor = Decompressor::new();
    for batch in batches(&bytes) {
        let batch = batch.unwrap();
        batch.check_crc().unwrap();
        assert_eq!(batch.header().partition_leader_epoch, LeaderEpoch(3));
        for record in batch.records(&mut decompressor, 1 << 20).unwrap() {
            let record = record.unwrap();
            records.push((record.offset.0, String::from_utf8(record.value.unwrap().to_vec()).unwrap()));
        }
    }
    Ok(records)
}

fn open(path: &Path) -> LogDirectory<Disk> {
    LogDirectory::open(Disk::new(16), path).unwrap()
}

#[test]
fn what_was_appended_is_read_before_and_after_a_clean_stop() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Arc::new(LogSettings { segment_bytes: 400, ..LogSettings::default() });
    let mut directory = open(folder.path());
    let mut log = directory.create_log(&partition(0), TopicId(Uuid::ONE), settings.clone(), Now::default()).unwrap();
    for round in 0..20 {
        let base = append(&mut log, 1000 + round, &["a", "b", "c"]);
        assert_eq!(base, Offset(round * 3));
    }
    assert!(log.segment_count() > 3);
    let check = |log: &mut Log<Disk>| {
        assert_eq!(log.log_end(), Offset(60));
        let mut next = 0;
        while next < 60 {
            let records = read(log, next, 150).unwrap();
            let first = next - next % 3; // whole batches only
            assert_eq!(records[0].0, first);
            next = records.last().unwrap().0 + 1;
        }
        assert_eq!(read(log, 60, 150), Ok(vec![]));
        assert!(matches!(read(log, 61, 150), Err(ReadError::OutOfRange { .. })));
        assert_eq!(log.offset_for_time(Timestamp(1007)).unwrap().unwrap().offset, Offset(21));
        assert_eq!(log.offset_for_time(Timestamp(2000)).unwrap(), None);
        assert_eq!(log.offset_of_max_timestamp().unwrap().unwrap().offset, Offset(57));
    };
    check(&mut log);
    log.advance_high_watermark(Offset(60));
    let positions = log.positions();
    log.close(Now::default()).unwrap();
    directory.close([(&partition(0), positions)], BrokerEpoch(5)).unwrap();

    let mut directory = open(folder.path());
    assert_eq!(directory.clean_stop().unwrap().broker_epoch, Some(BrokerEpoch(5)));
    assert_eq!(directory.partitions()[0].topic, Some(TopicId(Uuid::ONE)));
    let (mut log, recovery) = directory.open_log(&partition(0), settings, Now::default()).unwrap();
    assert_eq!(recovery.segments_scanned, 0);
    assert_eq!(log.high_watermark(), Offset(60));
    check(&mut log);
}

#[test]
fn a_crash_of_the_process_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Arc::new(LogSettings { segment_bytes: 400, ..LogSettings::default() });
    let mut directory = open(folder.path());
    let mut log = directory.create_log(&partition(0), TopicId(Uuid::ONE), settings.clone(), Now::default()).unwrap();
    for round in 0..20 {
        append(&mut log, 1000 + round, &["a"]);
    }
    drop((log, directory));
    let mut directory = open(folder.path());
    assert!(directory.clean_stop().is_none());
    let (mut log, recovery) = directory.open_log(&partition(0), settings, Now::default()).unwrap();
    assert_eq!(log.log_end(), Offset(20));
    assert!(recovery.segments_scanned > 1 && recovery.bytes_cut == 0);
    assert_eq!(append(&mut log, 2000, &["b"]), Offset(20));
}

/// What this thread has read of files so far.
fn bytes_read() -> u64 {
    let counts = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    counts.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

#[test]
fn after_a_crash_only_what_was_not_flushed_is_checked_and_only_its_segment_read() {
    const SEGMENT_BYTES: u64 = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let settings = Arc::new(LogSettings { segment_bytes: SEGMENT_BYTES as u32, ..LogSettings::default() });
    let mut directory = open(folder.path());
    let mut log = directory.create_log(&partition(0), TopicId(Uuid::ONE), settings.clone(), Now::default()).unwrap();
    let value = "x".repeat(10_000);
    while log.segment_count() < 12 || log.bytes() < 11 * SEGMENT_BYTES + SEGMENT_BYTES / 2 {
        append(&mut log, 1000, &[&value]);
    }
    log.flush().unwrap();
    directory.checkpoint([(&partition(0), log.positions())]).unwrap();
    let (flushed, first) = (log.bytes(), log.log_end());
    for unflushed in [0, 5, 20] {
        while log.log_end().0 < first.0 + unflushed {
            append(&mut log, 1000, &[&value]);
        }
        let (bytes, end, segments) = (log.bytes(), log.log_end(), log.segment_count());
        drop((log, directory));
        directory = open(folder.path());
        assert!(directory.clean_stop().is_none());
        let before = bytes_read();
        let (found, recovery) = directory.open_log(&partition(0), settings.clone(), Now::default()).unwrap();
        let read = bytes_read() - before;
        assert_eq!((found.log_end(), found.bytes(), found.segment_count()), (end, bytes, segments));
        assert_eq!((recovery.segments_scanned, recovery.bytes_cut), (1, 0));
        assert_eq!(recovery.bytes_checked, bytes - flushed, "each byte that was not flushed, and none that was");
        assert!(read < 2 * SEGMENT_BYTES, "{read} bytes of {bytes} were read");
        log = found;
    }
}

#[test]
fn a_record_is_found_by_its_time_in_a_batch_that_unpacks_to_more_than_memory_should_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mut directory = open(folder.path());
    let settings = Arc::new(LogSettings::default());
    let mut log = directory.create_log(&partition(0), TopicId(Uuid::ONE), settings, Now::default()).unwrap();
    let options = BatchOptions { compression: Compression::new(Codec::Lz4), ..BatchOptions::default() };
    let mut builder = BatchBuilder::new(options);
    let zeroes = vec![0; 8 << 20];
    for time in 0..12 {
        builder.push(Timestamp(1000 + time), None, Some(&zeroes), &[]);
    }
    let bytes = builder.finish().unwrap();
    let batch = BatchView::parse(&bytes).unwrap();
    let batch = NewBatch { header: *batch.header(), records: batch.records_bytes() };
    log.append(batch, LeaderEpoch(3), Origin::Client, Now::default()).unwrap();
    let found = log.offset_for_time(Timestamp(1011)).unwrap().unwrap();
    assert_eq!((found.offset, found.timestamp), (Offset(11), Timestamp(1011)));
}
