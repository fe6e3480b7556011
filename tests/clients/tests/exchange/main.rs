//! A directory goes from Apache Kafka 4.4 to ours and back, and one that ours began goes to Apache Kafka: whoever runs on
//! it serves the same topics, configurations, records, offsets and groups as the one before, and Kafka's dump tool finds
//! no fault in the files.

#![allow(clippy::unwrap_used)] // a failed test may panic anywhere

mod idempotent;
mod look;
#[path = "../peer/mod.rs"]
mod peer;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use idempotent::Idempotent;
use look::{look, same};
use ottla_harness::OttlaBroker;
use ottla_harness::process::Process;
use ottla_test_clients::place::said;
use ottla_test_clients::tool::Tools;
use ottla_test_clients::{Client, Place, Record, dump, install};
use ottla_wire::*;
use peer::Peer;

const STOP_MAX: Duration = Duration::from_secs(60);
/// Both make snapshots of so little metadata, and roll the metadata log; else no test of a minute would see one.
const PROPERTIES: [&str; 3] =
    ["num.partitions=2", "metadata.log.max.record.bytes.between.snapshots=2000", "log.cleaner.backoff.ms=50"];
/// A topic of several segments, whose indexes have many entries.
const ROLLED: &str = "rolled";
const ROLLED_COUNT: usize = 600;
/// A topic that Apache Kafka has compacted.
const COMPACTED: &str = "compacted";
const COMPACTED_KEYS: usize = 10;
const COMPACTED_ROUNDS: usize = 4;
/// Every codec, each written by another library.
const CODECS: [(&str, Client); 5] = [
    ("none", Client::Sarama),
    ("gzip", Client::Librdkafka),
    ("snappy", Client::Franz),
    ("lz4", Client::Aiokafka),
    ("zstd", Client::Java),
];
const EACH: usize = 60;
const CONFIGURED: [(&str, &str); 4] = [
    ("cleanup.policy", "compact,delete"),
    ("max.message.bytes", "123456"),
    ("retention.ms", "987654321"),
    ("segment.bytes", "2097152"),
];

/// Records with everything that a record can have: no key, no value, empty ones, headers of the same name.
fn records(topic: &str, from: usize, count: usize) -> Vec<Record> {
    let record = |number: usize| Record {
        key: (!number.is_multiple_of(3)).then(|| format!("{topic}-{number}")),
        value: match number % 7 {
            0 => None,
            1 => Some(String::new()),
            _ => Some(format!("{number} Grüße {}", "again ".repeat(number))),
        },
        headers: (0..number % 4).map(|header| ("same".to_owned(), format!("{header} of {number}"))).collect(),
        ..Record::default()
    };
    // Libraries differ in what they make of a record with neither key nor value.
    (from..from + count).map(record).filter(|record| record.key.is_some() || record.value.is_some()).collect()
}

fn create(place: &Place, name: &str, partitions: i32, configs: &[(&'static str, &'static str)]) {
    let configs: Vec<_> = configs
        .iter()
        .map(|&(name, value)| create_topics_request::CreatableTopicConfig {
            name: name.into(),
            value: Some(value.into()),
        })
        .collect();
    let topic = create_topics_request::CreatableTopic {
        name: name.to_owned().into(),
        num_partitions: partitions,
        replication_factor: 1,
        configs: configs.into(),
        ..Default::default()
    };
    let mut peer = Peer::connect(&place.bootstrap()).unwrap();
    let request = CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: 20_000, ..Default::default() };
    let answer = peer.ask(&request, 5).unwrap();
    let answer: CreateTopicsResponse<'_> = peer.read(&answer);
    let made = answer.topics.iter().next().unwrap();
    assert_eq!(made.error_code, 0, "{name}: {:?}", made.error_message);
}

fn delete(place: &Place, name: &str) {
    let mut peer = Peer::connect(&place.bootstrap()).unwrap();
    let topic_names = vec![name.to_owned().into()].into();
    let answer = peer.ask(&DeleteTopicsRequest { topic_names, timeout_ms: 20_000, ..Default::default() }, 5).unwrap();
    let answer: DeleteTopicsResponse<'_> = peer.read(&answer);
    assert_eq!(answer.responses.iter().next().unwrap().error_code, 0, "delete {name}");
}

fn stop(mut process: Process, data: &Path) {
    process.terminate(STOP_MAX).unwrap();
    assert!(data.join(".kafka_cleanshutdown").exists(), "it says that it stopped cleanly");
}

/// What a broker complained of.
fn complaints(process: &Process) -> Vec<String> {
    let output = process.output();
    let is_complaint = |line: &&str| ["ERROR", "FATAL", "panicked"].iter().any(|word| line.contains(word));
    // The gap in its sequence that [`Idempotent`] tries.
    let is_wanted = |line: &&str| line.contains("append operation on partition") && line.contains(Idempotent::TOPIC);
    output.lines().filter(is_complaint).filter(|line| !is_wanted(line)).map(str::to_owned).collect()
}

fn no_fault_in(tools: &mut Tools, data: &Path) {
    let faults = dump::faults(tools, data, &[COMPACTED]).unwrap();
    assert!(faults.is_empty(), "the dump tool found: {faults:#?}");
}

/// What the dump tool says when there is a fault: else its silence would mean nothing.
fn a_fault_is_found(tools: &mut Tools, data: &Path) {
    let log = data.join("of-none-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&log).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let faults = dump::faults(tools, data, &[COMPACTED]).unwrap();
    assert!(!faults.is_empty(), "a changed byte is a fault");
}

/// What ours keeps and does not serve yet, as Apache Kafka describes it: quotas, SCRAM credentials, transactions, a group
/// of the new protocol, a share group.
fn kept(tools: &mut Tools, place: &Place) -> String {
    let bootstrap = place.bootstrap();
    let questions: [(&str, &[&str]); 5] = [
        ("configs", &["--describe", "--entity-type", "users"]),
        ("transactions", &["list"]),
        ("consumer-groups", &["--describe", "--group", "modern", "--state"]),
        ("share-groups", &["--describe", "--group", "sharers"]),
        ("share-groups", &["--describe", "--group", "sharers", "--state"]),
    ];
    let mut told = String::new();
    for (tool, arguments) in questions {
        told += &tools.said(tool, &[&["--bootstrap-server", &bootstrap], arguments].concat()).unwrap();
    }
    for word in ["alice", "producer_byte_rate=123456", "CompleteAbort", "modern", "sharers"] {
        assert!(told.contains(word), "{word} is in {told}");
    }
    told
}

/// Several segments, written in small batches.
fn fill_rolled(place: &Place, counts: &mut BTreeMap<String, usize>) {
    create(place, ROLLED, 1, &[("segment.bytes", "1048576")]);
    let record = |number: usize| Record { value: Some(format!("{number:05000}")), ..Record::default() };
    let records: Vec<Record> = (0..ROLLED_COUNT).map(record).collect();
    Client::Aiokafka.produce(&place.bootstrap(), ROLLED, "none", &records).unwrap();
    counts.insert(ROLLED.to_owned(), records.len());
}

/// Keys that are written again and again, in segments that are closed at once, until the cleaner has been there.
fn fill_compacted(place: &Place, counts: &mut BTreeMap<String, usize>) {
    let configs = [("cleanup.policy", "compact"), ("segment.ms", "1"), ("min.cleanable.dirty.ratio", "0.001")];
    create(place, COMPACTED, 1, &configs);
    for round in 0..COMPACTED_ROUNDS {
        let record = |key| Record {
            key: Some(format!("key-{key}")),
            // Every other key is deleted in the end.
            value: (round + 1 < COMPACTED_ROUNDS || key % 2 == 0).then(|| format!("{round} of {key}")),
            ..Record::default()
        };
        let records: Vec<Record> = (0..COMPACTED_KEYS).map(record).collect();
        Client::Librdkafka.produce(&place.bootstrap(), COMPACTED, "zstd", &records).unwrap();
    }
    // Each round has closed the segment of the one before, so the last is all that is not cleaned.
    let cleaned = format!("{COMPACTED} 0 {}", (COMPACTED_ROUNDS - 1) * COMPACTED_KEYS);
    let checkpoint = place.data().join("cleaner-offset-checkpoint");
    let deadline = Instant::now() + STOP_MAX;
    while !std::fs::read_to_string(&checkpoint).is_ok_and(|text| text.lines().any(|line| line == cleaned)) {
        assert!(Instant::now() < deadline, "the cleaner does not come to `{cleaned}`");
        std::thread::sleep(Duration::from_millis(50));
    }
    counts.insert(COMPACTED.to_owned(), 2 * COMPACTED_KEYS);
}

/// Transactions of three records: one that is committed, one that is aborted.
fn transact(place: &Place, counts: &mut BTreeMap<String, usize>) {
    let mut transactions = Command::new(install::python().unwrap());
    transactions.arg(install::sources().join("python/transactions.py")).args([&place.bootstrap(), "transacted"]);
    said(&mut transactions).unwrap();
    *counts.entry("transacted".to_owned()).or_default() += 3;
}

/// What Kafka is filled with before ours comes.
fn fill_by_kafka(tools: &mut Tools, place: &Place) -> BTreeMap<String, usize> {
    let bootstrap = place.bootstrap();
    let mut counts = BTreeMap::new();
    for (codec, client) in CODECS {
        let topic = format!("of-{codec}");
        create(place, &topic, 2, &[]);
        let records = records(&topic, 0, EACH);
        client.produce(&bootstrap, &topic, codec, &records).unwrap();
        counts.insert(topic, records.len());
    }
    create(place, "configured", 3, &CONFIGURED);
    create(place, "gone", 1, &[]);
    delete(place, "gone");
    // Two classic groups: one read everything, one half of it.
    Client::Java.consume(&bootstrap, "of-gzip", "workers", counts["of-gzip"]).unwrap();
    Client::Librdkafka.consume(&bootstrap, "of-lz4", "watchers", counts["of-lz4"] / 2).unwrap();
    // What ours does not serve yet, and must keep: a group of the new protocol, transactions, a quota.
    let modern = ["--topic", "of-none", "--group", "modern", "--from-beginning", "--max-messages", "10"];
    let protocol = ["--command-property", "group.protocol=consumer", "--bootstrap-server", &bootstrap];
    tools.said("console-consumer", &[&modern[..], &protocol].concat()).unwrap();
    create(place, "transacted", 1, &[]);
    transact(place, &mut counts);
    fill_rolled(place, &mut counts);
    fill_compacted(place, &mut counts);
    let mut set = |entity: &[&str], setting| {
        let alter = ["--bootstrap-server", &bootstrap, "--alter", "--add-config", setting];
        tools.said("configs", &[&alter, entity].concat()).unwrap();
    };
    set(&["--entity-type", "groups", "--entity-name", "sharers"], "share.auto.offset.reset=earliest");
    set(&["--entity-type", "users", "--entity-name", "bob"], "producer_byte_rate=123456");
    set(&["--entity-type", "brokers", "--entity-default"], "log.retention.ms=777777777");
    let share =
        ["--bootstrap-server", &bootstrap, "--topic", "of-snappy", "--group", "sharers", "--max-messages", "10"];
    tools.said("console-share-consumer", &share).unwrap();
    counts
}

/// What whoever runs does with the directory: more records in a topic that is there, a group that goes on, a new topic.
fn go_on(place: &Place, who: &str, counts: &mut BTreeMap<String, usize>) {
    let bootstrap = place.bootstrap();
    for (topic, codec, client) in [("of-gzip", "gzip", Client::Librdkafka), ("of-zstd", "zstd", Client::Java)] {
        let more = records(&format!("{who}-{topic}"), 100, 20);
        client.produce(&bootstrap, topic, codec, &more).unwrap();
        *counts.get_mut(topic).unwrap() += more.len();
        if topic == "of-gzip" {
            let fresh = Client::Librdkafka.consume(&bootstrap, topic, "workers", more.len()).unwrap();
            let mut contents: Vec<_> = fresh.iter().map(Record::content).collect();
            let mut wanted: Vec<_> = more.iter().map(Record::content).collect();
            contents.sort();
            wanted.sort();
            assert_eq!(contents, wanted, "the group of {who} goes on where it was");
        }
    }
    let topic = format!("by-{who}");
    create(place, &topic, 2, &CONFIGURED[..2]);
    let keyed: Vec<Record> = records(&topic, 0, 30).into_iter().filter(|record| record.key.is_some()).collect();
    Client::Franz.produce(&bootstrap, &topic, "snappy", &keyed).unwrap();
    counts.insert(topic, keyed.len());
    create(place, &format!("gone-by-{who}"), 1, &[]);
    delete(place, &format!("gone-by-{who}"));
}

/// The level of kraft.version: 1 when the log names the voters, 0 when only the configuration does.
fn kraft_version(tools: &mut Tools, place: &Place) -> String {
    let told = tools.said("features", &["--bootstrap-server", &place.bootstrap(), "describe"]).unwrap();
    let line = told.lines().find(|line| line.starts_with("Feature: kraft.version")).unwrap();
    let level = line.split_once("FinalizedVersionLevel:").unwrap().1;
    level.split_whitespace().next().unwrap().to_owned()
}

fn from_kafka_to_ours_and_back(place: &Place, kraft_version_at_first: &str) {
    let mut tools = Tools::start().unwrap();
    place.format_by_kafka(&["--add-scram", "SCRAM-SHA-256=[name=alice,password=alice-secret]"]).unwrap();
    let groups = ["workers", "watchers", "modern"];

    let kafka = place.start_kafka().unwrap();
    let mut counts = fill_by_kafka(&mut tools, place);
    let mut producer = Idempotent::new(place);
    producer.go_on(place);
    let by_kafka = look(place, &groups, &counts);
    assert_eq!(by_kafka.configs["configured"].len(), CONFIGURED.len());
    assert!(groups.iter().all(|group| !by_kafka.committed[*group].is_empty()), "{:?}", by_kafka.committed);
    let kept_before = kept(&mut tools, place);
    assert_eq!(kraft_version(&mut tools, place), kraft_version_at_first);
    stop(kafka, &place.data());

    let ours = place.start_ottla().unwrap();
    same(&look(place, &groups, &counts), &by_kafka, "ours serves what Apache Kafka did");
    producer.go_on(place);
    go_on(place, "ours", &mut counts);
    assert_eq!(kraft_version(&mut tools, place), "1", "ours has written the voters into the log");
    let by_ours = look(place, &groups, &counts);
    assert_eq!(complaints(&ours), Vec::<String>::new());
    stop(ours, &place.data());
    no_fault_in(&mut tools, &place.data());

    let kafka = place.start_kafka().unwrap();
    same(&look(place, &groups, &counts), &by_ours, "Apache Kafka serves what ours did");
    assert_eq!(kept(&mut tools, place), kept_before, "what ours does not serve was kept");
    assert_eq!(kraft_version(&mut tools, place), "1", "Apache Kafka goes on with these");
    go_on(place, "kafka", &mut counts);
    producer.go_on(place);
    // The coordinator of transactions finds its state, which ours kept.
    transact(place, &mut counts);
    let by_kafka = look(place, &groups, &counts);
    assert_eq!(complaints(&kafka), Vec::<String>::new());
    stop(kafka, &place.data());

    let ours = place.start_ottla().unwrap();
    same(&look(place, &groups, &counts), &by_kafka, "ours serves what Apache Kafka did the second time");
    producer.go_on(place);
    stop(ours, &place.data());
}

#[test]
fn a_directory_of_apache_kafka_as_it_formats_by_default_comes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    from_kafka_to_ours_and_back(&Place::new(folder.path(), &PROPERTIES).unwrap(), "1");
}

#[test]
fn a_directory_of_apache_kafka_with_static_voters_comes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    from_kafka_to_ours_and_back(&Place::with_static_voters(folder.path(), &PROPERTIES).unwrap(), "0");
}

#[test]
fn a_directory_that_ours_began_is_served_by_apache_kafka_whoever_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path(), &PROPERTIES).unwrap();
    let mut tools = Tools::start().unwrap();
    let id = said(Command::new(OttlaBroker::binary().unwrap()).arg("random-uuid")).unwrap();
    let mut format = Command::new(OttlaBroker::binary().unwrap());
    format.args(["format", "--standalone", "--cluster-id", id.trim(), "--config"]);
    said(format.arg(place.properties())).unwrap();

    let ours = place.start_ottla().unwrap();
    let mut counts = BTreeMap::new();
    for (codec, client) in CODECS {
        let topic = format!("of-{codec}");
        let records = records(&topic, 0, EACH);
        client.produce(&place.bootstrap(), &topic, codec, &records).unwrap();
        counts.insert(topic, records.len());
    }
    let mut producer = Idempotent::new(&place);
    producer.go_on(&place);
    create(&place, "configured", 3, &CONFIGURED);
    fill_rolled(&place, &mut counts);
    Client::Java.consume(&place.bootstrap(), "of-gzip", "workers", counts["of-gzip"]).unwrap();
    go_on(&place, "ours", &mut counts);
    let by_ours = look(&place, &["workers"], &counts);
    assert_eq!(complaints(&ours), Vec::<String>::new());
    stop(ours, &place.data());
    no_fault_in(&mut tools, &place.data());

    let mut kafka = place.start_kafka().unwrap();
    same(&look(&place, &["workers"], &counts), &by_ours, "Apache Kafka serves what ours began");
    go_on(&place, "kafka", &mut counts);
    producer.go_on(&place);
    let by_kafka = look(&place, &["workers"], &counts);
    assert_eq!(complaints(&kafka), Vec::<String>::new());
    kafka.kill().unwrap();

    let mut ours = place.start_ottla().unwrap();
    same(&look(&place, &["workers"], &counts), &by_kafka, "ours serves what a killed Apache Kafka left");
    go_on(&place, "ours-again", &mut counts);
    producer.go_on(&place);
    let by_ours = look(&place, &["workers"], &counts);
    ours.kill().unwrap();

    let kafka = place.start_kafka().unwrap();
    same(&look(&place, &["workers"], &counts), &by_ours, "Apache Kafka serves what a killed one of ours left");
    producer.go_on(&place);
    let by_kafka = look(&place, &["workers"], &counts);
    stop(kafka, &place.data());

    // Apache Kafka leaves the indexes of its metadata log untrimmed; what its tool is to find no fault in is ours again.
    let ours = place.start_ottla().unwrap();
    same(&look(&place, &["workers"], &counts), &by_kafka, "ours serves it at last");
    stop(ours, &place.data());
    no_fault_in(&mut tools, &place.data());
    a_fault_is_found(&mut tools, &place.data());
}
