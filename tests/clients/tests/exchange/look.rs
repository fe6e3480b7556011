//! All that clients can see of a broker, and whether two brokers show the same.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ottla_test_clients::{Client, Place, Record};
use ottla_wire::*;

use crate::peer::Peer;
use crate::{COMPACTED, ROLLED, STOP_MAX};

/// Topics that are read by a library too, which knows what an aborted transaction is. Of the others the bytes are compared.
const READ: [&str; 4] = ["of-zstd", "transacted", COMPACTED, ROLLED];

/// All that clients can see of a broker.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// Id, number of partitions, and whether it is internal.
    pub(crate) topics: BTreeMap<String, (String, usize, bool)>,
    /// What was set on a topic, or on all brokers (under the name `""`).
    pub(crate) configs: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// Where the partitions of our topics begin and end, by ListOffsets.
    pub(crate) bounds: BTreeMap<(String, i32), (i64, i64)>,
    /// What the groups committed: offset and metadata by topic and partition.
    pub(crate) committed: BTreeMap<String, Committed>,
    /// The batches of our topics, byte for byte.
    pub(crate) batches: BTreeMap<(String, i32), Vec<u8>>,
    /// What a library makes of those in [`READ`].
    pub(crate) records: BTreeMap<String, Vec<Record>>,
    /// Offsets of [`ROLLED`] by time, and what ListOffsets says of the latest time.
    pub(crate) times: Vec<(i64, i64)>,
}

/// Looks at everything; `records` names the topics to be read, each with the number of records to expect.
pub(crate) fn look(place: &Place, groups: &[&str], records: &BTreeMap<String, usize>) -> Seen {
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

pub(crate) fn same(now: &Seen, before: &Seen, claim: &str) {
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
