//! A process that has no descriptor left. Alone in its process, for the limit is the process's.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ottla_commit_log::{Act, FileError, FileFault, Files, Log, LogDirectory, LogFile, LogSettings, NewBatch, Origin};
use ottla_disk::Disk;
use ottla_records::{BatchBuilder, BatchOptions, BatchView};
use ottla_vocabulary::{LeaderEpoch, Now, Offset, PartitionIndex, Timestamp, TopicId, TopicName, TopicPartition, Uuid};
use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets the process have few descriptors.
fn limit_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(64);
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// Takes all descriptors that are left.
fn take_all() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

fn append(log: &mut Log<Disk>) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(Timestamp(1000), None, Some(b"a"), &[]);
    let bytes = builder.finish().unwrap();
    let batch = BatchView::parse(&bytes).unwrap();
    let batch = NewBatch { header: *batch.header(), records: batch.records_bytes() };
    log.append(batch, LeaderEpoch(0), Origin::Client, Now::default()).unwrap();
}

#[test]
fn without_descriptors_nothing_is_lost_and_nothing_fails_for_good() {
    limit_descriptors();
    let folder = tempfile::tempdir().unwrap();
    syncing_cannot_be_begun(folder.path());
    idle_files_make_room(folder.path());
    a_log_is_flushed_later(folder.path());
}

fn syncing_cannot_be_begun(folder: &Path) {
    let disk = Disk::new(16);
    let file = folder.join("closed");
    File::create(&file).unwrap();
    let taken = take_all();
    let refused = |path: &Path| Err(FileError::new(Act::Open, path, FileFault::Descriptors));
    assert_eq!(disk.sync_folder(folder), refused(folder));
    assert_eq!(disk.file(&file).sync(), refused(&file));
    drop(taken);
    assert_eq!(disk.sync_folder(folder), Ok(()));
    assert_eq!(disk.file(&file).sync(), Ok(()));
}

fn idle_files_make_room(folder: &Path) {
    let disk = Disk::new(16);
    let idle = disk.create(&folder.join("idle")).unwrap();
    let _taken = take_all();
    assert_eq!(disk.sync_folder(folder), Ok(()));
    assert_eq!(disk.open_files(), 0);
    drop(idle);
}

fn a_log_is_flushed_later(folder: &Path) {
    let mut directory = LogDirectory::open(Disk::new(1), &folder.join("data")).unwrap();
    let partition = TopicPartition::new(TopicName::new("flights").unwrap(), PartitionIndex(0));
    let settings = Arc::new(LogSettings::default());
    let mut log = directory.create_log(&partition, TopicId(Uuid::ONE), settings, Now::default()).unwrap();
    append(&mut log);
    let work = log.begin_flush().unwrap().unwrap();
    let taken = take_all(); // and the work holds what could be closed
    let outcome = work.run();
    drop(taken);
    let error = log.finish_flush(outcome).unwrap_err();
    assert_eq!((error.act, error.fault), (Act::Open, FileFault::Descriptors));
    assert_eq!((log.failure(), log.recovery_point()), (None, Offset(0)));
    append(&mut log);
    log.flush().unwrap();
    assert_eq!(log.recovery_point(), Offset(2));
}
