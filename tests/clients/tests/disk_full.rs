//! A disk that is full: what must be written is refused with the right error, what is there can be read, and nothing that
//! was acknowledged is lost, neither then nor after a restart; once there is room everything goes on.
//!
//! The disk is a file system in memory of a few mebibytes, which needs root.

#![allow(clippy::unwrap_used)] // a failed test may panic anywhere

mod peer;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ottla_records::{BatchBuilder, BatchOptions, Decompressor};
use ottla_test_clients::{Client, Place};
use ottla_vocabulary::Timestamp;
use ottla_wire::*;
use peer::Peer;

const STOP_MAX: Duration = Duration::from_secs(20);
/// How long after there is room again writes may still be refused.
const RETURN_MAX: Duration = Duration::from_secs(20);
/// Large ones fill the disk, small ones its last pages.
const VALUE_BYTES: [usize; 2] = [50_000, 500];

/// A file system in memory. Dropping it takes it away.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(place: &Path, size: &str) -> SmallDisk {
        std::fs::create_dir_all(place).unwrap();
        mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], place);
        SmallDisk(place.to_owned())
    }

    fn resize(&self, size: &str) {
        mount(&["-o", &format!("remount,size={size}")], &self.0);
    }
}

fn mount(arguments: &[&str], place: &Path) {
    let output = Command::new("mount").args(arguments).arg(place).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "mount a small file system, which needs root: {said}");
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the broker of a failed test may still be there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What was acknowledged, by number.
#[derive(Default)]
struct Acknowledged {
    values: Vec<String>,
    next: usize,
}

impl Acknowledged {
    /// Writes one record; gives the error.
    fn write(&mut self, peer: &mut Peer, topic: &str, acks: i16, value_bytes: usize) -> ErrorCode {
        let value = format!("{}/{}", self.next, "x".repeat(value_bytes));
        self.next += 1;
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(Timestamp(1_700_000_000_000), None, Some(value.as_bytes()), &[]);
        let code = produce(peer, topic, acks, &builder.finish().unwrap());
        if code == ErrorCode::None {
            self.values.push(value);
        }
        code
    }
}

fn produce(peer: &mut Peer, topic: &str, acks: i16, batch: &[u8]) -> ErrorCode {
    let data = produce_request::PartitionProduceData { index: 0, records: Some(Records::Bytes(batch)) };
    let topic = produce_request::TopicProduceData {
        name: topic.to_owned().into(),
        partition_data: vec![data].into(),
        ..Default::default()
    };
    let request = ProduceRequest { acks, timeout_ms: 20_000, topic_data: vec![topic].into(), ..Default::default() };
    let answer = peer.ask(&request, 9).unwrap();
    let answer: ProduceResponse<'_> = peer.read(&answer);
    let partition = answer.responses.iter().next().unwrap().partition_responses.iter().next().unwrap();
    ErrorCode::from_code(partition.error_code)
}

fn create(peer: &mut Peer, name: &str) -> ErrorCode {
    let topic = create_topics_request::CreatableTopic {
        name: name.to_owned().into(),
        num_partitions: 1,
        replication_factor: 1,
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: 5000, ..Default::default() };
    let answer = peer.ask(&request, 5).unwrap();
    let answer: CreateTopicsResponse<'_> = peer.read(&answer);
    ErrorCode::from_code(answer.topics.iter().next().unwrap().error_code)
}

fn commit(peer: &mut Peer, offset: i64) -> ErrorCode {
    let partition = offset_commit_request::OffsetCommitRequestPartition {
        committed_offset: offset,
        // As much as may be: a small commit might still find room.
        committed_metadata: Some("x".repeat(4000).into()),
        ..Default::default()
    };
    let topic = offset_commit_request::OffsetCommitRequestTopic {
        name: "log".into(),
        partitions: vec![partition].into(),
        ..Default::default()
    };
    let request = OffsetCommitRequest {
        group_id: "by-hand".into(),
        generation_id_or_member_epoch: -1,
        topics: vec![topic].into(),
        ..Default::default()
    };
    let answer = peer.ask(&request, 8).unwrap();
    let answer: OffsetCommitResponse<'_> = peer.read(&answer);
    ErrorCode::from_code(answer.topics.iter().next().unwrap().partitions.iter().next().unwrap().error_code)
}

fn committed(peer: &mut Peer) -> Result<i64, ErrorCode> {
    let topic = offset_fetch_request::OffsetFetchRequestTopic { name: "log".into(), partition_indexes: vec![0].into() };
    let request =
        OffsetFetchRequest { group_id: "by-hand".into(), topics: Some(vec![topic].into()), ..Default::default() };
    let answer = peer.ask(&request, 7).unwrap();
    let answer: OffsetFetchResponse<'_> = peer.read(&answer);
    match ErrorCode::from_code(answer.error_code) {
        ErrorCode::None => Ok(answer.topics.iter().next().unwrap().partitions.iter().next().unwrap().committed_offset),
        code => Err(code),
    }
}

/// Does something until it is not refused.
fn in_time<T: PartialEq + std::fmt::Debug>(what: &str, wanted: &T, mut act: impl FnMut() -> T) {
    let deadline = Instant::now() + RETURN_MAX;
    loop {
        let got = act();
        if got == *wanted {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {got:?} after {RETURN_MAX:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Reads the whole topic with a library, as a member of no group: a group's offsets could not be committed now.
fn all_is_there(place: &Place, acknowledged: &Acknowledged, when: &str) {
    let mut peer = Peer::connect(&place.bootstrap()).unwrap();
    let mut found = Vec::new();
    while let Some(more) = fetch(&mut peer, found.len() as i64) {
        found.extend(more);
    }
    let differ = found.iter().zip(&acknowledged.values).position(|(found, wanted)| found != wanted);
    let (count, wanted) = (found.len(), acknowledged.values.len());
    assert!(differ.is_none() && count == wanted, "{when}: {count} of {wanted} records, the first wrong: {differ:?}");
}

/// The records from an offset on; none at the end.
fn fetch(peer: &mut Peer, offset: i64) -> Option<Vec<String>> {
    let partition =
        fetch_request::FetchPartition { fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
    let topic =
        fetch_request::FetchTopic { topic: "log".into(), partitions: vec![partition].into(), ..Default::default() };
    let request =
        FetchRequest { max_bytes: 1 << 20, session_epoch: -1, topics: vec![topic].into(), ..Default::default() };
    let answer = peer.ask(&request, 11).unwrap();
    let answer: FetchResponse<'_> = peer.read(&answer);
    let partition = answer.responses.iter().next().unwrap().partitions.iter().next().unwrap();
    assert_eq!(partition.error_code, 0, "reads go on");
    let Some(Records::Bytes(bytes)) = partition.records else { return None };
    let (mut values, mut decompressor) = (Vec::new(), Decompressor::new());
    for batch in ottla_records::batches(bytes) {
        // The last one may be cut off, as Kafka's are.
        let Ok(batch) = batch else { break };
        assert!(batch.header().base_offset.0 == offset + values.len() as i64, "no hole in the log");
        for record in batch.records(&mut decompressor, 1 << 20).unwrap() {
            values.push(String::from_utf8(record.unwrap().value.unwrap().to_vec()).unwrap());
        }
    }
    (!values.is_empty()).then_some(values)
}

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(&folder.path().join("data"), "16m");
    let properties = ["log.segment.bytes=1048576", "offsets.topic.num.partitions=1", "log.index.size.max.bytes=4096"];
    let place = Place::new(folder.path(), &properties).unwrap();
    let mut process = place.start_ottla().unwrap();
    let mut peer = Peer::connect(&place.bootstrap()).unwrap();
    assert_eq!(create(&mut peer, "log"), ErrorCode::None);
    // The topic of offsets is made when somebody first looks for a coordinator.
    peer.ask(&FindCoordinatorRequest { key: "by-hand".into(), ..Default::default() }, 3).unwrap();
    in_time("commit an offset", &ErrorCode::None, || commit(&mut peer, 1));

    let mut acknowledged = Acknowledged::default();
    for acks in [1, -1] {
        for value_bytes in VALUE_BYTES {
            let refused = loop {
                match acknowledged.write(&mut peer, "log", acks, value_bytes) {
                    ErrorCode::None => {}
                    code => break code,
                }
            };
            assert_eq!(refused, ErrorCode::KafkaStorageError, "acks={acks}, {value_bytes} bytes");
        }
    }
    assert!(acknowledged.values.len() > 100, "{} records fill the disk", acknowledged.values.len());
    all_is_there(&place, &acknowledged, "while the disk is full");
    // What else must be written is refused too, or found its room; nobody waits for ever and the broker lives.
    let refused = |code: ErrorCode| code != ErrorCode::None;
    assert!((0..20).any(|number| refused(create(&mut peer, &format!("more-{number}")))), "topics need room");
    assert!((2..40).any(|offset| refused(commit(&mut peer, offset))), "offsets need room");
    assert!(committed(&mut peer).unwrap() >= 1);
    all_is_there(&place, &acknowledged, "after more was refused");
    assert!(process.ended().unwrap().is_none());

    disk.resize("32m");
    in_time("write again", &ErrorCode::None, || acknowledged.write(&mut peer, "log", -1, 100));
    in_time("make a topic again", &ErrorCode::None, || create(&mut peer, "with-room"));
    in_time("commit again", &ErrorCode::None, || commit(&mut peer, 77));
    all_is_there(&place, &acknowledged, "with room again");

    // Full once more, and both ends of a process: killed, then stopped.
    while acknowledged.write(&mut peer, "log", 1, VALUE_BYTES[0]) == ErrorCode::None {}
    process.kill().unwrap();
    disk.resize("48m");
    let mut process = place.start_ottla().unwrap();
    all_is_there(&place, &acknowledged, "after a kill on a full disk");
    let mut peer = Peer::connect(&place.bootstrap()).unwrap();
    in_time("the committed offset", &Ok(77), || committed(&mut peer));
    in_time("write after the kill", &ErrorCode::None, || acknowledged.write(&mut peer, "log", -1, 100));
    while acknowledged.write(&mut peer, "log", 1, VALUE_BYTES[0]) == ErrorCode::None {}
    process.terminate(STOP_MAX).unwrap();
    disk.resize("64m");
    let _process = place.start_ottla().unwrap();
    all_is_there(&place, &acknowledged, "after a stop on a full disk");
    // A real library reads it all, and its group is served again.
    let count = acknowledged.values.len();
    assert_eq!(Client::Librdkafka.consume(&place.bootstrap(), "log", "readers", count).unwrap().len(), count);
}
