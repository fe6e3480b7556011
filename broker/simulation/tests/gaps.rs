//! Offsets that no record has between two segments of a log that was not closed: lost, or never to be there.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_commit_log::checkpoint::write_offsets;
use ottla_commit_log::layout::{CLEANER_OFFSETS, LOG, segment_path};
use ottla_commit_log::{Files, Log, LogDirectory, LogFile, LogSettings};
use ottla_records::{BatchBuilder, BatchHeader, BatchOptions, BatchView};
use ottla_simulation::SimulatedDisk;
use ottla_vocabulary::{LeaderEpoch, Now, Offset, PartitionIndex, Timestamp, TopicId, TopicName, TopicPartition, Uuid};

fn flights() -> TopicPartition {
    TopicPartition::new(TopicName::new("flights").unwrap(), PartitionIndex(0))
}

/// A batch of one record as a leader sends it.
fn batch(offset: i64) -> Vec<u8> {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(Timestamp(1000), None, Some(b"a flight"), &[]);
    let bytes = builder.finish().unwrap();
    let batch = BatchView::parse(&bytes).unwrap();
    let header = BatchHeader { base_offset: Offset(offset), partition_leader_epoch: LeaderEpoch(0), ..*batch.header() };
    [&header.to_bytes()[..], batch.records_bytes()].concat()
}

/// A log with these records, two in a segment, of which nothing was synced.
fn log_of(offsets: impl IntoIterator<Item = i64>) -> SimulatedDisk {
    let disk = SimulatedDisk::new(1);
    let mut directory = LogDirectory::open(disk.clone(), Path::new("/data")).unwrap();
    let mut log = directory.create_log(&flights(), TopicId(Uuid::ONE), settings(), Now::default()).unwrap();
    for offset in offsets {
        log.append_replicated(&batch(offset), Now::default()).unwrap();
    }
    disk.after_kill(2)
}

fn settings() -> Arc<LogSettings> {
    Arc::new(LogSettings { segment_bytes: 2 * batch(0).len() as u32, ..LogSettings::default() })
}

fn open(disk: &SimulatedDisk) -> Log<SimulatedDisk> {
    let mut directory = LogDirectory::open(disk.clone(), Path::new("/data")).unwrap();
    directory.open_log(&flights(), settings(), Now::default()).unwrap().0
}

fn segment(base: i64) -> PathBuf {
    segment_path(Path::new("/data/flights-0"), Offset(base), LOG)
}

#[test]
fn a_log_ends_before_what_a_loss_of_power_took_from_a_segments_end() {
    for left in [0, 1] {
        let disk = log_of(0..8);
        disk.file(&segment(2)).truncate(left * batch(0).len() as u64).unwrap();
        assert_eq!(open(&disk).log_end(), Offset(2 + left as i64));
        assert_eq!(disk.facts(&segment(4)).unwrap(), None, "what came after it would be a log with a hole");
    }
}

#[test]
fn a_log_goes_on_behind_what_compaction_took() {
    let disk = log_of(0..8);
    disk.file(&segment(2)).truncate(batch(0).len() as u64).unwrap();
    let cleaned = [(flights(), Offset(4))].into();
    write_offsets(&disk, &Path::new("/data").join(CLEANER_OFFSETS), &cleaned).unwrap();
    let mut log = open(&disk);
    assert_eq!((log.log_end(), log.segment_count()), (Offset(8), 4));
    log.append_replicated(&batch(8), Now::default()).unwrap();
    assert_eq!(open(&disk.after_kill(3)).log_end(), Offset(9));
}

#[test]
fn a_log_goes_on_behind_a_leap_of_its_offsets() {
    const FAR: i64 = 1 << 40;
    let disk = log_of([0, FAR, FAR + 1]);
    let mut log = open(&disk);
    assert_eq!((log.log_end(), log.segment_count()), (Offset(FAR + 2), 2));
    log.append_replicated(&batch(FAR + 2), Now::default()).unwrap();
    // And where only the new segment's name was there yet.
    disk.file(&segment(FAR)).truncate(0).unwrap();
    let mut log = open(&disk.after_kill(3));
    assert_eq!(log.log_end(), Offset(FAR));
    log.append_replicated(&batch(FAR), Now::default()).unwrap();
}
