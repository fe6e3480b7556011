//! A log directory over its whole life: partitions that come, go and come again, on a disk that refuses now and then.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::path::Path;
use std::sync::Arc;

use ottla_commit_log::checkpoint::read_offsets;
use ottla_commit_log::layout::{HIGH_WATERMARKS, LOG_STARTS, RECOVERY_POINTS};
use ottla_commit_log::{Files, Log, LogDirectory, LogSettings, NewBatch, Origin};
use ottla_records::{BatchBuilder, BatchOptions, BatchView};
use ottla_simulation::{Fault, SimulatedDisk};
use ottla_vocabulary::{LeaderEpoch, Now, Offset, PartitionIndex, Timestamp, TopicId, TopicName, TopicPartition, Uuid};

const FIRST: TopicId = TopicId(Uuid([1; 16]));
const SECOND: TopicId = TopicId(Uuid([2; 16]));

fn flights(index: i32) -> TopicPartition {
    TopicPartition::new(TopicName::new("flights").unwrap(), PartitionIndex(index))
}

fn open(disk: &SimulatedDisk) -> LogDirectory<SimulatedDisk> {
    LogDirectory::open(disk.clone(), Path::new("/data")).unwrap()
}

fn create(directory: &mut LogDirectory<SimulatedDisk>, index: i32, topic: TopicId) -> Log<SimulatedDisk> {
    directory.create_log(&flights(index), topic, settings(), Now::default()).unwrap()
}

fn find(directory: &mut LogDirectory<SimulatedDisk>, index: i32) -> Log<SimulatedDisk> {
    directory.open_log(&flights(index), settings(), Now::default()).unwrap().0
}

fn settings() -> Arc<LogSettings> {
    Arc::new(LogSettings::default())
}

/// Appends so many records, each as a batch of its own.
fn append(log: &mut Log<SimulatedDisk>, count: usize) {
    for _ in 0..count {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(Timestamp(1000), None, Some(b"a flight"), &[]);
        let bytes = builder.finish().unwrap();
        let batch = BatchView::parse(&bytes).unwrap();
        let batch = NewBatch { header: *batch.header(), records: batch.records_bytes() };
        log.append(batch, LeaderEpoch(0), Origin::Client, Now::default()).unwrap();
    }
    log.advance_high_watermark(log.log_end());
}

#[test]
fn a_topic_created_again_inherits_no_checkpoint() {
    let disk = SimulatedDisk::new(1);
    let mut directory = open(&disk);
    let mut log = create(&mut directory, 0, FIRST);
    append(&mut log, 20);
    log.delete_records(Offset(10)).unwrap();
    log.flush().unwrap();
    directory.checkpoint([(&flights(0), log.positions())]).unwrap();
    directory.delete_log(&flights(0), log, Uuid::ONE).unwrap();
    let mut log = create(&mut directory, 0, SECOND);
    append(&mut log, 3);
    drop((directory, log));

    let mut directory = open(&disk.after_kill(2));
    let log = find(&mut directory, 0);
    assert_eq!((log.log_start(), log.log_end()), (Offset(0), Offset(3)), "what was acknowledged is there");
    assert_eq!(log.recovery_point(), Offset(0), "and nothing of it was synced yet");
}

#[test]
fn what_is_checkpointed_of_a_log_stays_while_it_is_not_opened_and_goes_with_its_folder() {
    let disk = SimulatedDisk::new(1);
    let mut directory = open(&disk);
    let mut logs: Vec<Log<SimulatedDisk>> = (0..3).map(|index| create(&mut directory, index, FIRST)).collect();
    let partitions = [flights(0), flights(1), flights(2)];
    for log in &mut logs {
        append(log, 20);
        log.delete_records(Offset(10)).unwrap();
        log.flush().unwrap();
    }
    directory.checkpoint(partitions.iter().zip(logs.iter().map(Log::positions))).unwrap();
    drop((directory, logs));

    let disk = disk.after_kill(2);
    let mut directory = open(&disk);
    let deleted = find(&mut directory, 2);
    directory.delete_log(&partitions[2], deleted, Uuid::ONE).unwrap();
    let mut log = find(&mut directory, 0);
    append(&mut log, 1);
    let position = log.positions();
    directory.checkpoint_high_watermarks([(&partitions[0], position)]).unwrap();
    directory.checkpoint([(&partitions[0], position)]).unwrap();
    directory.checkpoint_log_starts([(&partitions[0], position)]).unwrap();
    let told = |file: &str| -> Vec<(i32, i64)> {
        let offsets = read_offsets(&disk, &Path::new("/data").join(file)).unwrap();
        offsets.iter().map(|(partition, offset)| (partition.partition.0, offset.0)).collect()
    };
    assert_eq!(told(HIGH_WATERMARKS), [(0, 21), (1, 20)]);
    assert_eq!(told(RECOVERY_POINTS), [(0, 20), (1, 20)]);
    assert_eq!(told(LOG_STARTS), [(0, 10), (1, 10)]);
}

#[test]
fn a_creation_that_the_disk_refuses_leaves_nothing_behind() {
    let mut refused = 0;
    for operation in 0.. {
        let disk = SimulatedDisk::new(operation);
        let mut directory = open(&disk);
        disk.plan(disk.operations() + operation, Fault::Full);
        if directory.create_log(&flights(0), FIRST, settings(), Now::default()).is_ok() {
            break;
        }
        refused += 1;
        let names = disk.list(Path::new("/data")).unwrap();
        assert!(names.iter().all(|entry| !entry.is_folder), "after operation {operation}: {names:?}");
        append(&mut create(&mut directory, 0, FIRST), 1);
    }
    assert!(2 < refused, "only {refused} operations were refused");
}

#[test]
fn only_what_a_creation_left_is_taken_for_unused() {
    let disk = SimulatedDisk::new(1);
    let mut directory = open(&disk);
    let mut log = create(&mut directory, 0, FIRST);
    assert_eq!(directory.remove_unused(&flights(0), SECOND), Ok(false), "it is another topic's");
    assert_eq!(directory.remove_unused(&flights(0), FIRST), Ok(true));
    log = {
        drop(log);
        create(&mut directory, 0, FIRST)
    };
    append(&mut log, 1);
    assert_eq!(directory.remove_unused(&flights(0), FIRST), Ok(false), "it has a record");
    assert_eq!(find(&mut directory, 0).log_end(), Offset(1));
}

#[test]
fn a_large_topic_is_deleted_with_one_sync_before_the_first_file_goes() {
    let disk = SimulatedDisk::new(1);
    let mut directory = open(&disk);
    let logs: Vec<Log<SimulatedDisk>> = (0..50).map(|index| create(&mut directory, index, FIRST)).collect();
    disk.story();
    let mut doomed = Vec::new();
    for (index, log) in (0..).zip(logs) {
        doomed.push(directory.delete_log(&flights(index), log, Uuid([index as u8; 16])).unwrap());
    }
    doomed.iter().for_each(|name| directory.remove_deleted(name).unwrap());
    let story = disk.story();
    let syncs: Vec<usize> = (0..story.len()).filter(|line| story[*line].contains(": Sync /data")).collect();
    assert_eq!(syncs, [50], "after all renames: {story:?}");
}
