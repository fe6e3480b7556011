//! What a node does with its disk apart from requests: old segments go, checkpoints are written, and a disk that fails is
//! read on and written no more.

use std::path::Path;

use ottla_vocabulary::Timestamp;
use ottla_wire::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use ottla_wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ottla_wire::{
    DeleteRecordsRequest, DeleteRecordsResponse, DescribeLogDirsRequest, DescribeLogDirsResponse, ErrorCode,
    ListOffsetsRequest, ListOffsetsResponse,
};

use crate::world::{World, batch, batch_at, read, reply, values};

const HOUR: u64 = 3_600_000;

/// The segments of partition 0, those that wait for their removal left out.
fn segments(folder: &Path, topic: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join(format!("{topic}-0"))).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut logs: Vec<String> = names.filter(|name| name.ends_with(".log")).collect();
    logs.sort();
    logs.iter().map(|name| name.trim_start_matches('0').trim_end_matches(".log").to_owned()).collect()
}

fn offset(world: &mut World, topic: &str, timestamp: i64) -> i64 {
    let partition = ListOffsetsPartition { partition_index: 0, current_leader_epoch: -1, timestamp };
    let topic = ListOffsetsTopic { name: topic.to_owned().into(), partitions: vec![partition].into() };
    let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic].into(), ..ListOffsetsRequest::default() };
    let bytes = world.ask(&request, 8);
    let response = read::<ListOffsetsResponse<'_>>(&bytes, 8);
    response.topics.iter().next().unwrap().partitions.iter().next().unwrap().offset
}

/// Appends a batch of one record with the present time.
fn produce_now(world: &mut World, topic: &str) {
    let time = Timestamp(world.now.wall.0);
    let (code, _) = world.produce(topic, &batch_at(&[&"x".repeat(400)], None, time), -1).unwrap();
    assert_eq!(code, ErrorCode::None);
}

#[test]
fn a_segment_ends_with_its_time_and_goes_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "log.retention.check.interval.ms=60000\nlog.initial.task.delay.ms=1");
    let (hour, three_hours) = (HOUR.to_string(), (3 * HOUR).to_string());
    world.create_with("flights", 1, &[("segment.ms", &hour), ("retention.ms", &three_hours)]);
    for _ in 0..3 {
        produce_now(&mut world, "flights");
        world.pass(HOUR - 1);
        produce_now(&mut world, "flights");
        world.pass(2);
    }
    assert_eq!(segments(folder.path(), "flights"), ["", "2", "4"]);
    world.node.upkeep(world.now);
    assert_eq!(segments(folder.path(), "flights").len(), 3, "the last record of the first is not that old");
    world.pass(HOUR);
    world.node.upkeep(world.now);
    assert_eq!(segments(folder.path(), "flights"), ["2", "4"]);
    assert_eq!((offset(&mut world, "flights", -2), offset(&mut world, "flights", -1)), (2, 6));
    world.pass(9 * HOUR);
    world.node.upkeep(world.now);
    assert_eq!(segments(folder.path(), "flights"), ["6"], "even the last one goes when all of it is old");
    assert_eq!((offset(&mut world, "flights", -2), offset(&mut world, "flights", -1)), (6, 6));
}

#[test]
fn the_oldest_segments_go_when_a_log_is_larger_than_it_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "log.retention.check.interval.ms=60000\nlog.initial.task.delay.ms=1");
    world.create_with("flights", 1, &[("segment.bytes", "1048576"), ("retention.bytes", "2500000")]);
    for _ in 0..40 {
        let large = "x".repeat(100_000);
        assert_eq!(world.produce("flights", &batch(&[&large], None), -1).unwrap().0, ErrorCode::None);
    }
    assert_eq!(segments(folder.path(), "flights"), ["", "10", "20", "30"]);
    world.pass(60_000);
    world.node.upkeep(world.now);
    assert_eq!(segments(folder.path(), "flights"), ["10", "20", "30"], "without the second it would be too small");
    assert_eq!(offset(&mut world, "flights", -2), 10);
}

#[test]
fn deleted_records_stay_deleted_and_their_segments_go() {
    let folder = tempfile::tempdir().unwrap();
    let delete = |world: &mut World, offset: i64| {
        let partition = DeleteRecordsPartition { partition_index: 0, offset };
        let topic = DeleteRecordsTopic { name: "flights".into(), partitions: vec![partition].into() };
        let bytes = world.ask(&DeleteRecordsRequest { topics: vec![topic].into(), timeout_ms: 1000 }, 2);
        let response = read::<DeleteRecordsResponse<'_>>(&bytes, 2);
        let partition = response.topics.iter().next().unwrap().partitions.iter().next().unwrap();
        (ErrorCode::from_code(partition.error_code), partition.low_watermark)
    };
    {
        let mut world = World::new(folder.path(), "log.initial.task.delay.ms=1");
        world.create_with("flights", 1, &[("segment.ms", "1000")]);
        for _ in 0..3 {
            produce_now(&mut world, "flights");
            world.pass(2000);
        }
        assert_eq!(delete(&mut world, 4), (ErrorCode::OffsetOutOfRange, -1));
        assert_eq!(delete(&mut world, 2), (ErrorCode::None, 2));
        assert_eq!(values(&reply(world.fetch("flights", 1, (0, -1), 0))), Err(ErrorCode::OffsetOutOfRange));
        world.pass(60_000);
        world.node.upkeep(world.now);
        assert_eq!(segments(folder.path(), "flights"), ["2"]);
        assert_eq!(delete(&mut world, -1), (ErrorCode::None, 3), "up to the high watermark");
        world.pass(60_000);
        world.node.upkeep(world.now);
    }
    let mut world = World::new(folder.path(), "");
    assert_eq!(offset(&mut world, "flights", -2), 3, "after a crash as well");
}

#[test]
fn checkpoints_are_written_in_their_own_intervals_and_only_when_they_say_something_new() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    world.create("flights", 1);
    produce_now(&mut world, "flights");
    let path = folder.path().join("replication-offset-checkpoint");
    let high_watermark = || std::fs::read_to_string(&path).unwrap_or_default().contains("flights 0 1");
    world.pass(4000);
    world.node.upkeep(world.now);
    assert!(!high_watermark());
    world.pass(1000);
    world.node.upkeep(world.now);
    assert!(high_watermark());
    std::fs::remove_file(&path).unwrap();
    world.pass(5000);
    world.node.upkeep(world.now);
    assert!(!path.exists(), "nothing was new");
    let recovery_points = folder.path().join("recovery-point-offset-checkpoint");
    assert!(!recovery_points.exists());
    world.pass(60_000);
    world.node.upkeep(world.now);
    assert!(std::fs::read_to_string(recovery_points).unwrap().contains("flights 0 1"));
}

#[test]
fn a_directory_whose_disk_failed_is_read_and_not_written() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = format!("log.dirs={},{}", folder.path().display(), other.path().display());
    let mut world = World::new(folder.path(), &config);
    for topic in ["flights", "quakes", "stocks", "weather"] {
        assert_eq!(world.create_with(topic, 1, &[("segment.ms", "1000")]), 0);
        produce_now(&mut world, topic);
    }
    let lies_here = |topic: &&str| folder.path().join(format!("{topic}-0")).exists();
    let (here, there): (Vec<&str>, Vec<&str>) =
        ["flights", "quakes", "stocks", "weather"].into_iter().partition(lies_here);
    assert_eq!((here.len(), there.len()), (2, 2), "directories are filled evenly");
    // The next segment cannot be created: the folder is gone, as after a disk was taken out.
    world.pass(2000);
    std::fs::rename(folder.path().join(format!("{}-0", here[0])), folder.path().join("elsewhere")).unwrap();
    let now = Timestamp(world.now.wall.0);
    let late = batch_at(&["late"], None, now);
    assert_eq!(world.produce(here[0], &late, -1), Some((ErrorCode::KafkaStorageError, -1)));
    assert_eq!(world.produce(here[1], &late, -1), Some((ErrorCode::KafkaStorageError, -1)), "on the same disk");
    assert_eq!(world.produce(there[0], &late, -1), Some((ErrorCode::None, 1)), "on the other disk");
    assert_eq!(values(&reply(world.fetch(here[1], 0, (0, -1), 0))).unwrap().len(), 1, "what is there is read");
    let bytes = world.ask(&DescribeLogDirsRequest { topics: None }, 4);
    let response = read::<DescribeLogDirsResponse<'_>>(&bytes, 4);
    let codes: Vec<_> = response.results.iter().map(|one| ErrorCode::from_code(one.error_code)).collect();
    assert_eq!(codes, [ErrorCode::KafkaStorageError, ErrorCode::None]);
    let measures = world.node.measure();
    assert_eq!(measures.offline_directories, 1);
    // New partitions go where they can be written.
    assert_eq!(world.create("later", 2), 0);
    assert!(other.path().join("later-0").exists() && other.path().join("later-1").exists());
    // What is due now and then does not hang or end on it.
    world.pass(10 * 60_000);
    world.node.upkeep(world.now);
    assert_eq!(world.produce("later", &late, -1), Some((ErrorCode::None, 0)));
}

#[test]
fn a_log_that_could_not_be_opened_keeps_its_checkpoint_and_its_directory_gets_no_clean_mark() {
    let folder = tempfile::tempdir().unwrap();
    let recovery_points = || std::fs::read_to_string(folder.path().join("recovery-point-offset-checkpoint")).unwrap();
    {
        let mut world = World::new(folder.path(), "");
        world.create("flights", 1);
        world.create("quakes", 1);
        produce_now(&mut world, "flights");
        world.pass(60_000);
        world.node.upkeep(world.now);
        assert!(recovery_points().contains("flights 0 1"));
    }
    // No segment can be as long.
    let segment = folder.path().join("flights-0/00000000000000000000.log");
    let segment = std::fs::OpenOptions::new().write(true).open(segment).unwrap();
    let length = segment.metadata().unwrap().len();
    segment.set_len(3 << 30).unwrap();
    {
        let mut world = World::new(folder.path(), "");
        assert_eq!(world.produce("flights", &batch(&["a"], None), -1), Some((ErrorCode::KafkaStorageError, -1)));
        produce_now(&mut world, "quakes");
        world.pass(60_000);
        world.node.upkeep(world.now);
        assert!(recovery_points().contains("flights 0 1") && recovery_points().contains("quakes 0 1"));
        world.node.close(world.now).unwrap();
    }
    assert!(recovery_points().contains("flights 0 1") && recovery_points().contains("quakes 0 1"));
    let mark = folder.path().join(".kafka_cleanshutdown");
    assert!(!mark.exists());
    segment.set_len(length).unwrap();
    let mut world = World::new(folder.path(), "");
    assert_eq!(offset(&mut world, "flights", -1), 1);
    world.node.close(world.now).unwrap();
    assert!(mark.exists());
}
