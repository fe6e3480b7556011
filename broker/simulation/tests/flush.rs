//! A flush while the log goes on.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::path::Path;
use std::sync::Arc;

use ottla_commit_log::layout::LEADER_EPOCHS;
use ottla_commit_log::{EpochHistory, EpochStart, Log, LogDirectory, LogSettings, NewBatch, Origin};
use ottla_records::{BatchBuilder, BatchOptions, BatchView};
use ottla_simulation::SimulatedDisk;
use ottla_vocabulary::{LeaderEpoch, Now, Offset, PartitionIndex, Timestamp, TopicId, TopicName, TopicPartition, Uuid};

fn append(log: &mut Log<SimulatedDisk>, epoch: i32) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(Timestamp(1000), None, Some(b"a flight"), &[]);
    let bytes = builder.finish().unwrap();
    let batch = BatchView::parse(&bytes).unwrap();
    let batch = NewBatch { header: *batch.header(), records: batch.records_bytes() };
    log.append(batch, LeaderEpoch(epoch), Origin::Client, Now::default()).unwrap();
}

#[test]
fn what_was_replaced_during_a_flush_is_synced_by_the_next() {
    let disk = SimulatedDisk::new(1);
    let mut directory = LogDirectory::open(disk.clone(), Path::new("/data")).unwrap();
    let partition = TopicPartition::new(TopicName::new("flights").unwrap(), PartitionIndex(0));
    let settings = Arc::new(LogSettings::default());
    let mut log = directory.create_log(&partition, TopicId(Uuid::ONE), settings, Now::default()).unwrap();
    append(&mut log, 0);
    let outcome = log.begin_flush().unwrap().unwrap().run();
    append(&mut log, 1); // which replaces the file of epochs
    log.finish_flush(outcome).unwrap();
    assert_eq!(log.recovery_point(), Offset(1));
    log.flush().unwrap();
    let expected =
        [(0, 0), (1, 1)].map(|(epoch, start)| EpochStart { epoch: LeaderEpoch(epoch), start: Offset(start) });
    for seed in 0..20 {
        let after = disk.after_power_loss(seed);
        let epochs = EpochHistory::read(&after, &Path::new("/data/flights-0").join(LEADER_EPOCHS)).unwrap();
        assert_eq!(epochs.entries(), expected, "seed {seed}");
    }
}
