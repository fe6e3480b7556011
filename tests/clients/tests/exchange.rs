//! A directory goes from Apache Kafka 4.4 to ours and back, and one that ours began goes to Apache Kafka: whoever runs on
//! it serves the same topics, configurations, records, offsets and groups as the one before, and Kafka's dump tool finds
//! no fault in the files.

#![allow(clippy::unwrap_used)] // a failed test may panic anywhere

mod peer;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

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
/// Topics that are read by a library too, which knows what an aborted transaction is. Of the others the bytes are compared.
const READ: [&str; 4] = ["of-zstd", "transacted", COMPACTED, ROLLED];
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

/// All that clients can see of a broker.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// Id, number of partitions, and whether it is internal.
    topics: BTreeMap<String, (String, usize, bool)>,
    /// What was set on a topic, or on all brokers (under the name `""`).
    configs: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// Where the partitions of our topics begin and end, by ListOffsets.
    bounds: BTreeMap<(String, i32), (i64, i64)>,
    /// What the groups committed: offset and metadata by topic and partition.
    committed: BTreeMap<String, Committed>,
    /// The batches of our topics, byte for byte.
    batches: BTreeMap<(String, i32), Vec<u8>>,
    /// What a library makes of those in [`READ`].
    records: BTreeMap<String, Vec<Record>>,
    /// Offsets of [`ROLLED`] by time, and what ListOffsets says of the latest time.
    times: Vec<(i64, i64)>,
}

/// Looks at everything; `records` names the topics to be read, each with the number of records to expect.
fn look(place: &Place, groups: &[&str], records: &BTreeMap<String, usize>) -> Seen {
    let mut peer = Peer::connect(&place.bootstrap()).unwrap();
    wait_until_all_is_led(&mut peer, groups);
    let mut seen = Seen { topics: topics(&mut peer), ..Seen::default() };
    for name in seen.topics.keys().map(String::as_str).chain([""]) {
        seen.configs.insert(name.to_owned(), configs(&mut peer, name));
    }
    for (name, (_, partitions, _)) in seen.topics.iter().filter(|(_, (_, _, is_internal))| !is_internal) {
        for partition in 0..*partitions as i32 {
            let bounds = (offset(&mut peer, name, partition, -2), offset(&mut peer, name, partition, -1));
            seen.bounds.insert((name.clone(), partition), bounds);
            seen.batches.insert((name.clone(), partition), batches(&mut peer, name, partition, bounds));
        }
    }
    for group in groups {
        seen.committed.insert((*group).to_owned(), committed(&mut peer, group));
    }
    for (topic, count) in records.iter().filter(|(topic, _)| READ.contains(&topic.as_str())) {
        seen.records.insert(topic.clone(), read(place, Client::Librdkafka, topic, *count));
    }
    let times = seen.records[ROLLED].iter().step_by(50).flat_map(|record| [record.timestamp, record.timestamp + 1]);
    seen.times = times.chain([0, -3]).map(|time| (time, offset(&mut peer, ROLLED, 0, time))).collect();
    seen
}

/// Apache Kafka opens its port before it has loaded everything.
fn wait_until_all_is_led(peer: &mut Peer, groups: &[&str]) {
    let deadline = Instant::now() + STOP_MAX;
    let is_ready = |peer: &mut Peer| {
        topics(peer).into_iter().all(|(name, (_, partitions, _))| {
            (0..partitions as i32).all(|partition| list_offset(peer, &name, partition, -1).is_ok())
        }) && groups.iter().all(|group| fetch_offsets(peer, group).is_ok())
    };
    while !is_ready(peer) {
        assert!(Instant::now() < deadline, "not all partitions and groups are served after {STOP_MAX:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn topics(peer: &mut Peer) -> BTreeMap<String, (String, usize, bool)> {
    let answer = peer.ask(&MetadataRequest { topics: None, ..Default::default() }, 12).unwrap();
    let answer: MetadataResponse<'_> = peer.read(&answer);
    let described = answer.topics.iter().map(|topic| {
        let name = topic.name.unwrap().into_owned();
        assert_eq!(topic.error_code, 0, "{name}");
        (name, (topic.topic_id.to_string(), topic.partitions.len(), topic.is_internal))
    });
    described.collect()
}

fn configs(peer: &mut Peer, name: &str) -> BTreeMap<String, Option<String>> {
    let resource_type = if name.is_empty() { 4 } else { 2 };
    let resource = describe_configs_request::DescribeConfigsResource {
        resource_type,
        resource_name: name.to_owned().into(),
        configuration_keys: None,
    };
    let answer =
        peer.ask(&DescribeConfigsRequest { resources: vec![resource].into(), ..Default::default() }, 4).unwrap();
    let answer: DescribeConfigsResponse<'_> = peer.read(&answer);
    let result = answer.results.iter().next().unwrap();
    assert_eq!(result.error_code, 0, "describe `{name}`: {:?}", result.error_message);
    const SET_ON_TOPIC: i8 = 1;
    const SET_ON_ALL_BROKERS: i8 = 3;
    let wanted = if name.is_empty() { SET_ON_ALL_BROKERS } else { SET_ON_TOPIC };
    let set = result.configs.iter().filter(|config| config.config_source == wanted);
    set.map(|config| (config.name.into_owned(), config.value.map(|value| value.into_owned()))).collect()
}

fn offset(peer: &mut Peer, topic: &str, partition_index: i32, timestamp: i64) -> i64 {
    list_offset(peer, topic, partition_index, timestamp).unwrap()
}

fn list_offset(peer: &mut Peer, topic: &str, partition_index: i32, timestamp: i64) -> Result<i64, i16> {
    let partition = list_offsets_request::ListOffsetsPartition { partition_index, timestamp, ..Default::default() };
    let topic =
        list_offsets_request::ListOffsetsTopic { name: topic.to_owned().into(), partitions: vec![partition].into() };
    let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic].into(), ..Default::default() };
    let answer = peer.ask(&request, 7).unwrap();
    let answer: ListOffsetsResponse<'_> = peer.read(&answer);
    let partition = answer.topics.iter().next().unwrap().partitions.iter().next().unwrap();
    if partition.error_code == 0 { Ok(partition.offset) } else { Err(partition.error_code) }
}

/// All batches from the beginning to the end of a partition.
fn batches(peer: &mut Peer, topic: &str, partition: i32, (begin, end): (i64, i64)) -> Vec<u8> {
    let (mut bytes, mut next) = (Vec::new(), begin);
    while next < end {
        let wish = fetch_request::FetchPartition {
            partition,
            fetch_offset: next,
            partition_max_bytes: 1 << 20,
            ..Default::default()
        };
        let wish = fetch_request::FetchTopic {
            topic: topic.to_owned().into(),
            partitions: vec![wish].into(),
            ..Default::default()
        };
        let request =
            FetchRequest { max_bytes: 1 << 20, session_epoch: -1, topics: vec![wish].into(), ..Default::default() };
        let answer = peer.ask(&request, 11).unwrap();
        let answer: FetchResponse<'_> = peer.read(&answer);
        let found = answer.responses.iter().next().unwrap().partitions.iter().next().unwrap();
        assert_eq!(found.error_code, 0, "{topic}-{partition} at {next}");
        let Some(Records::Bytes(records)) = found.records else { panic!("{topic}-{partition} ends at {next}") };
        let before = next;
        // The last batch may be cut off, as in every answer.
        for batch in ottla_records::batches(records).map_while(Result::ok) {
            batch.check_crc().unwrap();
            bytes.extend_from_slice(batch.bytes());
            next = batch.header().next_offset().0;
        }
        assert!(before < next, "{topic}-{partition} goes on at {next}");
    }
    bytes
}

type Committed = BTreeMap<(String, i32), (i64, String)>;

fn committed(peer: &mut Peer, group: &str) -> Committed {
    fetch_offsets(peer, group).unwrap()
}

fn fetch_offsets(peer: &mut Peer, group: &str) -> Result<Committed, i16> {
    let wish = offset_fetch_request::OffsetFetchRequestGroup {
        group_id: group.to_owned().into(),
        topics: None,
        ..Default::default()
    };
    let answer = peer.ask(&OffsetFetchRequest { groups: vec![wish].into(), ..Default::default() }, 8).unwrap();
    let answer: OffsetFetchResponse<'_> = peer.read(&answer);
    let found = answer.groups.iter().next().unwrap();
    if found.error_code != 0 {
        return Err(found.error_code);
    }
    let mut offsets = BTreeMap::new();
    for topic in &found.topics {
        for partition in &topic.partitions {
            let metadata = partition.metadata.map(|text| text.into_owned()).unwrap_or_default();
            let place = (topic.name.clone().into_owned(), partition.partition_index);
            offsets.insert(place, (partition.committed_offset, metadata));
        }
    }
    Ok(offsets)
}

/// Reads a topic from its beginning, through a group that nobody was in before.
fn read(place: &Place, client: Client, topic: &str, count: usize) -> Vec<Record> {
    static LOOKS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let look = LOOKS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut records = client.consume(&place.bootstrap(), topic, &format!("look-{look}"), count).unwrap();
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

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
    output.lines().filter(is_complaint).map(str::to_owned).collect()
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

/// The quotas and SCRAM credentials that ours keeps and does not serve yet.
fn users(tools: &mut Tools, place: &Place) -> String {
    tools.said("configs", &["--bootstrap-server", &place.bootstrap(), "--describe", "--entity-type", "users"]).unwrap()
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
    set(&["--entity-type", "users", "--entity-name", "bob"], "producer_byte_rate=123456");
    set(&["--entity-type", "brokers", "--entity-default"], "log.retention.ms=777777777");
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

fn from_kafka_to_ours_and_back(format_arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path(), &PROPERTIES).unwrap();
    let mut tools = Tools::start().unwrap();
    let credential = ["--add-scram", "SCRAM-SHA-256=[name=alice,password=alice-secret]"];
    place.format_by_kafka(&[format_arguments, &credential].concat()).unwrap();
    let groups = ["workers", "watchers", "modern"];

    let kafka = place.start_kafka().unwrap();
    let mut counts = fill_by_kafka(&mut tools, &place);
    let by_kafka = look(&place, &groups, &counts);
    assert_eq!(by_kafka.configs["configured"].len(), CONFIGURED.len());
    assert!(groups.iter().all(|group| !by_kafka.committed[*group].is_empty()), "{:?}", by_kafka.committed);
    let users_before = users(&mut tools, &place);
    assert!(users_before.contains("alice") && users_before.contains("producer_byte_rate=123456"), "{users_before}");
    stop(kafka, &place.data());

    let ours = place.start_ottla().unwrap();
    same(&look(&place, &groups, &counts), &by_kafka, "ours serves what Apache Kafka did");
    go_on(&place, "ours", &mut counts);
    let by_ours = look(&place, &groups, &counts);
    assert_eq!(complaints(&ours), Vec::<String>::new());
    stop(ours, &place.data());
    no_fault_in(&mut tools, &place.data());

    let kafka = place.start_kafka().unwrap();
    same(&look(&place, &groups, &counts), &by_ours, "Apache Kafka serves what ours did");
    assert_eq!(users(&mut tools, &place), users_before, "quotas and credentials were kept");
    go_on(&place, "kafka", &mut counts);
    // The coordinator of transactions finds its state, which ours kept.
    transact(&place, &mut counts);
    let by_kafka = look(&place, &groups, &counts);
    assert_eq!(complaints(&kafka), Vec::<String>::new());
    stop(kafka, &place.data());

    let ours = place.start_ottla().unwrap();
    same(&look(&place, &groups, &counts), &by_kafka, "ours serves what Apache Kafka did the second time");
    stop(ours, &place.data());
}

fn same(now: &Seen, before: &Seen, claim: &str) {
    assert_eq!(now.topics, before.topics, "{claim}: topics");
    assert_eq!(now.configs, before.configs, "{claim}: configurations");
    assert_eq!(now.bounds, before.bounds, "{claim}: where logs begin and end");
    assert_eq!(now.committed, before.committed, "{claim}: committed offsets");
    for (place, batches) in &before.batches {
        assert!(now.batches.get(place) == Some(batches), "{claim}: batches of {place:?}");
    }
    for (topic, records) in &before.records {
        let differ = now.records[topic].iter().zip(records).find(|(now, before)| now != before);
        assert!(differ.is_none() && now.records[topic].len() == records.len(), "{claim}: {topic}: {differ:#?}");
    }
    assert_eq!(now, before, "{claim}");
}

#[test]
fn a_directory_of_apache_kafka_as_it_formats_by_default_comes_and_goes() {
    from_kafka_to_ours_and_back(&[]);
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
    let by_kafka = look(&place, &["workers"], &counts);
    assert_eq!(complaints(&kafka), Vec::<String>::new());
    kafka.kill().unwrap();

    let mut ours = place.start_ottla().unwrap();
    same(&look(&place, &["workers"], &counts), &by_kafka, "ours serves what a killed Apache Kafka left");
    go_on(&place, "ours-again", &mut counts);
    let by_ours = look(&place, &["workers"], &counts);
    ours.kill().unwrap();

    let kafka = place.start_kafka().unwrap();
    same(&look(&place, &["workers"], &counts), &by_ours, "Apache Kafka serves what a killed one of ours left");
    stop(kafka, &place.data());

    // Apache Kafka leaves the indexes of its metadata log untrimmed; what its tool is to find no fault in is ours again.
    let ours = place.start_ottla().unwrap();
    same(&look(&place, &["workers"], &counts), &by_ours, "ours serves it at last");
    stop(ours, &place.data());
    no_fault_in(&mut tools, &place.data());
    a_fault_is_found(&mut tools, &place.data());
}
