//! What was acknowledged outlives `kill -9`, and a data directory has one owner.
//!
//! Producers know what they were told: each notes what was acknowledged to it, and repeats what was not, as its kind does.
//! The kernel lives on here, so its page cache does too; what a power failure leaves is the simulator's matter.

#![allow(clippy::unwrap_used)] // a failed test may panic anywhere

mod peer;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use ottla_records::{BatchBuilder, BatchOptions};
use ottla_test_clients::{Client, Place, Record};
use ottla_vocabulary::{ProducerEpoch, ProducerId, Sequence, Timestamp};
use ottla_wire::*;
use peer::Peer;

const ROUNDS: usize = 6;
/// How long everybody together may wait for a broker that was killed.
const RETURN_MAX: Duration = Duration::from_secs(60);
const BATCH_RECORDS: i32 = 20;

/// Who writes where. Two share a partition, so that their batches lie between each other's.
const PRODUCERS: [(Kind, i32); 5] =
    [(Kind::Idempotent, 0), (Kind::Idempotent, 0), (Kind::Idempotent, 1), (Kind::Plain, 1), (Kind::Plain, 2)];

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Repeats a batch until it is acknowledged: every record is there once.
    Idempotent,
    /// Asks for the leader's word only, and never repeats: what was acknowledged is there, and nothing twice.
    Plain,
}

/// What all know of the test's course.
struct Course {
    address: String,
    over: AtomicBool,
    acknowledged: AtomicUsize,
}

impl Course {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Does this on a connection, opening another when that breaks; none when the broker is gone in the middle.
    fn attempt<T>(&self, held: &mut Option<Peer>, act: impl FnOnce(&mut Peer) -> io::Result<T>) -> Option<T> {
        if held.is_none() {
            *held = Some(self.connect());
        }
        let done = act(held.as_mut().unwrap());
        if done.is_err() {
            *held = None;
        }
        done.ok()
    }

    fn connect(&self) -> Peer {
        let deadline = Instant::now() + RETURN_MAX;
        loop {
            match Peer::connect(&self.address) {
                Ok(peer) => return peer,
                Err(error) => assert!(Instant::now() < deadline, "the broker does not come back: {error}"),
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Whether a client tries again after this code.
fn is_passing(code: i16) -> bool {
    ErrorCode::from_code(code).is_retriable()
}

fn value(producer: usize, number: i32) -> String {
    format!("{producer}/{number}/{}", "x".repeat(400))
}

/// Writes until the course is over; gives the numbers that were acknowledged, and how many were sent.
fn produce(course: &Course, me: usize, kind: Kind, partition: i32) -> (Vec<i32>, i32) {
    let mut peer = None;
    let id = (kind == Kind::Idempotent).then(|| producer_id(course, &mut peer));
    let (mut acknowledged, mut next) = (Vec::new(), 0);
    while !course.is_over() {
        let options = match id {
            Some(producer_id) => BatchOptions {
                producer_id: ProducerId(producer_id),
                producer_epoch: ProducerEpoch(0),
                base_sequence: Sequence(next),
                ..BatchOptions::default()
            },
            None => BatchOptions::default(),
        };
        let mut builder = BatchBuilder::new(options);
        for number in next..next + BATCH_RECORDS {
            builder.push(Timestamp(1_700_000_000_000), None, Some(value(me, number).as_bytes()), &[]);
        }
        let batch = builder.finish().unwrap();
        loop {
            let acks = if kind == Kind::Idempotent { -1 } else { 1 };
            match course.attempt(&mut peer, |peer| send(peer, partition, acks, &batch)) {
                Some(0) => {
                    acknowledged.extend(next..next + BATCH_RECORDS);
                    course.acknowledged.fetch_add(BATCH_RECORDS as usize, Ordering::Relaxed);
                    break;
                }
                Some(code) => assert!(is_passing(code), "producer {me}, record {next}: error {code}"),
                None => {}
            }
            if kind == Kind::Plain {
                break;
            }
        }
        next += BATCH_RECORDS;
    }
    (acknowledged, next)
}

fn producer_id(course: &Course, peer: &mut Option<Peer>) -> i64 {
    loop {
        let id = course.attempt(peer, |peer| {
            let answer = peer.ask(&InitProducerIdRequest { transactional_id: None, ..Default::default() }, 4)?;
            let answer: InitProducerIdResponse = peer.read(&answer);
            Ok((answer.error_code == 0).then_some(answer.producer_id))
        });
        if let Some(Some(id)) = id {
            return id;
        }
    }
}

fn send(peer: &mut Peer, partition: i32, acks: i16, batch: &[u8]) -> io::Result<i16> {
    let data = produce_request::PartitionProduceData { index: partition, records: Some(Records::Bytes(batch)) };
    let topic = produce_request::TopicProduceData {
        name: "load".into(),
        partition_data: vec![data].into(),
        ..Default::default()
    };
    let request = ProduceRequest { acks, timeout_ms: 20_000, topic_data: vec![topic].into(), ..Default::default() };
    let answer = peer.ask(&request, 9)?;
    let answer: ProduceResponse<'_> = peer.read(&answer);
    Ok(answer.responses.iter().next().unwrap().partition_responses.iter().next().unwrap().error_code)
}

/// Commits ever higher offsets of one partition, and asks after each return what is there.
fn commit(course: &Course) -> (i64, i64) {
    let mut peer = None;
    let (mut sent, mut acknowledged) = (0, -1);
    while !course.is_over() {
        if peer.is_none()
            && let Some(found) = course.attempt(&mut peer, committed).flatten()
        {
            assert!(acknowledged <= found && found <= sent, "{acknowledged} was acknowledged, {found} is there");
        }
        sent += 1;
        match course.attempt(&mut peer, |peer| commit_one(peer, sent)) {
            Some(0) => acknowledged = sent,
            Some(code) => assert!(is_passing(code), "commit {sent}: error {code}"),
            None => {}
        }
    }
    (acknowledged, sent)
}

fn commit_one(peer: &mut Peer, offset: i64) -> io::Result<i16> {
    let partition = offset_commit_request::OffsetCommitRequestPartition {
        committed_offset: offset,
        committed_leader_epoch: -1,
        committed_metadata: Some("by hand".into()),
        ..Default::default()
    };
    let topic = offset_commit_request::OffsetCommitRequestTopic {
        name: "load".into(),
        partitions: vec![partition].into(),
        ..Default::default()
    };
    let request = OffsetCommitRequest {
        group_id: "by-hand".into(),
        generation_id_or_member_epoch: -1,
        topics: vec![topic].into(),
        ..Default::default()
    };
    let answer = peer.ask(&request, 8)?;
    let answer: OffsetCommitResponse<'_> = peer.read(&answer);
    Ok(answer.topics.iter().next().unwrap().partitions.iter().next().unwrap().error_code)
}

/// The committed offset; none while the coordinator is loading.
fn committed(peer: &mut Peer) -> io::Result<Option<i64>> {
    let topic =
        offset_fetch_request::OffsetFetchRequestTopic { name: "load".into(), partition_indexes: vec![0].into() };
    let request =
        OffsetFetchRequest { group_id: "by-hand".into(), topics: Some(vec![topic].into()), ..Default::default() };
    let answer = peer.ask(&request, 7)?;
    let answer: OffsetFetchResponse<'_> = peer.read(&answer);
    if answer.error_code != 0 {
        assert!(is_passing(answer.error_code), "fetch offsets: error {}", answer.error_code);
        return Ok(None);
    }
    Ok(Some(answer.topics.iter().next().unwrap().partitions.iter().next().unwrap().committed_offset))
}

/// Makes topics, one after the other; gives those that were acknowledged.
fn make_topics(course: &Course) -> Vec<String> {
    let mut peer = None;
    let mut acknowledged = Vec::new();
    for number in 0.. {
        if course.is_over() {
            break;
        }
        let name = format!("made-{number}");
        match course.attempt(&mut peer, |peer| create(peer, &name, 1)) {
            Some(0) => acknowledged.push(name),
            Some(code) => assert!(is_passing(code), "make {name}: error {code}"),
            None => {}
        }
        thread::sleep(Duration::from_millis(20)); // a topic now and then: the load is the records
    }
    acknowledged
}

fn create(peer: &mut Peer, name: &str, partitions: i32) -> io::Result<i16> {
    let topic = create_topics_request::CreatableTopic {
        name: name.to_owned().into(),
        num_partitions: partitions,
        replication_factor: 1,
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: 20_000, ..Default::default() };
    let answer = peer.ask(&request, 5)?;
    let answer: CreateTopicsResponse<'_> = peer.read(&answer);
    Ok(answer.topics.iter().next().unwrap().error_code)
}

/// A real library's idempotent producer through all rounds: gives how many records it sent, all acknowledged.
fn produce_by_librdkafka(course: &Course) -> usize {
    let mut command = Client::Librdkafka.command().unwrap();
    command.args(["produce", &course.address, "library", "lz4"]);
    let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = program.stdin.take().unwrap();
    let mut count = 0;
    while !course.is_over() {
        writeln!(input, "{{\"key\": null, \"value\": \"{count}\", \"headers\": []}}").unwrap();
        count += 1;
        thread::sleep(Duration::from_millis(1)); // its own buffer would take everything at once
    }
    drop(input);
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success(), "librdkafka: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), format!("{{\"acknowledged\": {count}}}"));
    count
}

#[test]
fn what_was_acknowledged_outlives_kills_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path(), &["num.partitions=3", "log.segment.bytes=1048576"]).unwrap();
    let mut process = place.start_ottla().unwrap();
    let course = Course { address: place.bootstrap(), over: AtomicBool::new(false), acknowledged: AtomicUsize::new(0) };
    let mut peer = course.connect();
    assert_eq!((create(&mut peer, "load", 3).unwrap(), create(&mut peer, "library", 1).unwrap()), (0, 0));
    // The topic of offsets is made when somebody first looks for a coordinator.
    let find = FindCoordinatorRequest { key: "by-hand".into(), ..Default::default() };
    peer.ask(&find, 3).unwrap();

    let (written, library, offsets, topics) = thread::scope(|scope| {
        let course = &course;
        let producers: Vec<ScopedJoinHandle<'_, _>> = PRODUCERS
            .iter()
            .enumerate()
            .map(|(me, &(kind, partition))| scope.spawn(move || produce(course, me, kind, partition)))
            .collect();
        let library = scope.spawn(|| produce_by_librdkafka(course));
        let committer = scope.spawn(|| commit(course));
        let maker = scope.spawn(|| make_topics(course));
        for round in 0..ROUNDS {
            wait_for_acknowledgements(course, 3000 + 1500 * (round % 3));
            process.kill().unwrap();
            process = place.start_ottla().unwrap();
        }
        wait_for_acknowledgements(course, 2000);
        course.over.store(true, Ordering::Relaxed);
        let written: Vec<(Vec<i32>, i32)> = producers.into_iter().map(|producer| producer.join().unwrap()).collect();
        (written, library.join().unwrap(), committer.join().unwrap(), maker.join().unwrap())
    });
    // Once more, with nobody about: what is there now was on its way to disk at the kill.
    process.kill().unwrap();
    let _process = place.start_ottla().unwrap();

    println!(
        "{ROUNDS} kills under load: {} of {} records acknowledged, {library} by librdkafka, offset {} of {}, {} topics",
        written.iter().map(|(acknowledged, _)| acknowledged.len()).sum::<usize>(),
        written.iter().map(|(_, sent)| sent).sum::<i32>(),
        offsets.0,
        offsets.1,
        topics.len(),
    );
    everything_acknowledged_is_there(&read("load", &place), &written);
    let library_values: Vec<String> = read("library", &place).into_iter().map(|record| record.value.unwrap()).collect();
    let sent: Vec<String> = (0..library).map(|number| number.to_string()).collect();
    assert!(
        library_values == sent,
        "librdkafka's {library} records each once and in order, {} are there",
        library_values.len()
    );
    let mut peer = course.connect();
    let found = committed(&mut peer).unwrap().unwrap();
    assert!(offsets.0 <= found && found <= offsets.1, "{found} is committed, {offsets:?} was");
    topics_are_there(&mut peer, &topics);
}

fn wait_for_acknowledgements(course: &Course, more: usize) {
    let goal = course.acknowledged.load(Ordering::Relaxed) + more;
    let deadline = Instant::now() + RETURN_MAX;
    while course.acknowledged.load(Ordering::Relaxed) < goal {
        assert!(Instant::now() < deadline, "no progress towards {goal} acknowledgements");
        thread::sleep(Duration::from_millis(1));
    }
}

fn read(topic: &str, place: &Place) -> Vec<Record> {
    let mut records = Client::Librdkafka.consume(&place.bootstrap(), topic, &format!("{topic}-reader"), 0).unwrap();
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

fn everything_acknowledged_is_there(records: &[Record], written: &[(Vec<i32>, i32)]) {
    let mut offsets: HashMap<i32, i64> = HashMap::new();
    let mut found: BTreeMap<(usize, i32), Vec<i32>> = BTreeMap::new();
    for record in records {
        let next = offsets.entry(record.partition).or_default();
        assert_eq!(record.offset, *next, "offsets of partition {} have no hole", record.partition);
        *next += 1;
        let text = record.value.as_deref().unwrap();
        let mut parts = text.split('/');
        let producer: usize = parts.next().unwrap().parse().unwrap();
        let number: i32 = parts.next().unwrap().parse().unwrap();
        assert_eq!(text, value(producer, number), "a whole value");
        found.entry((producer, record.partition)).or_default().push(number);
    }
    for (me, ((acknowledged, sent), (kind, partition))) in written.iter().zip(PRODUCERS).enumerate() {
        let mine = found.remove(&(me, partition)).unwrap_or_default();
        assert!(mine.is_sorted_by(|one, next| one < next), "producer {me}: in order and nothing twice");
        assert!(mine.last().is_none_or(|last| last < sent), "producer {me}: only what it sent");
        let lost: Vec<&i32> = acknowledged.iter().filter(|number| mine.binary_search(number).is_err()).collect();
        assert!(lost.is_empty(), "producer {me} lost {} acknowledged records: {lost:?}", lost.len());
        if kind == Kind::Idempotent {
            assert_eq!(&mine, acknowledged, "producer {me}: each record once");
        }
    }
    assert!(found.is_empty(), "records that nobody wrote there: {:?}", found.keys());
}

fn topics_are_there(peer: &mut Peer, names: &[String]) {
    let answer = peer.ask(&MetadataRequest { topics: None, ..Default::default() }, 9).unwrap();
    let answer: MetadataResponse<'_> = peer.read(&answer);
    let there: Vec<String> =
        answer.topics.iter().filter_map(|topic| topic.name.map(|name| name.into_owned())).collect();
    let lost: Vec<&String> = names.iter().filter(|name| !there.contains(name)).collect();
    assert!(lost.is_empty(), "acknowledged topics that are gone: {lost:?}");
}

#[test]
fn a_data_directory_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let first = Place::new(&folder.path().join("first"), &[]).unwrap();
    let second = Place::over(&folder.path().join("second"), &first.data(), &[]).unwrap();

    let mut ours = first.start_ottla().unwrap();
    let told = text(&second.refused_ottla().unwrap());
    assert!(told.contains("lock") && told.contains(&*first.data().to_string_lossy()), "ours on ours: {told}");
    let told = text(&second.refused_kafka().unwrap());
    assert!(told.contains("Failed to acquire lock"), "Apache Kafka on ours: {told}");
    // Neither attempt harmed the owner.
    Client::Librdkafka.produce(&first.bootstrap(), "still", "none", &[Record::default()]).unwrap();
    assert!(ours.terminate(RETURN_MAX).unwrap().success());

    let mut kafka = first.start_kafka().unwrap();
    let told = text(&second.refused_ottla().unwrap());
    assert!(told.contains("lock") && told.contains(&*first.data().to_string_lossy()), "ours on Apache Kafka's: {told}");
    let records = Client::Librdkafka.consume(&first.bootstrap(), "still", "group", 1).unwrap();
    assert_eq!(records.len(), 1, "the record of ours, from Apache Kafka");
    kafka.terminate(RETURN_MAX).unwrap();
}

fn text(output: &std::process::Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}
