//! Bytes that no client should send, against the running program: it answers with an error or closes the connection, says
//! so in its log, keeps its memory, and serves everybody else as if nothing were.

#![allow(clippy::unwrap_used)] // a failed test may panic anywhere

mod peer;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ottla_harness::OttlaBroker;
use ottla_harness::ottla_broker::resident_bytes;
use ottla_records::batch::BatchHeader;
use ottla_records::{Attributes, BatchBuilder, BatchOptions, Codec, Compression, HEADER_BYTES};
use ottla_vocabulary::Timestamp;
use ottla_wire::frame::request_frame;
use ottla_wire::*;
use peer::Peer;

/// How long a connection may live after bytes that end it.
const END_MAX: Duration = Duration::from_secs(10);
/// How long the bystander may wait for one write and one read while all this goes on; the machine is busy.
const ROUND_MAX: Duration = Duration::from_secs(3);
/// What memory may grow by, at its peak, over all attacks of a test: buffers of a few connections, pages of the heap.
const GROWTH_MAX: u64 = 48 << 20;
const MEBIBYTE: usize = 1 << 20;

/// A broker, and a client of it that writes and reads all the time.
struct Stage {
    broker: OttlaBroker,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// Runs the attack beside a client that goes on as ever, and sees that log and memory are as they should be.
    fn survives(attack: impl FnOnce(&OttlaBroker)) {
        let folder = tempfile::tempdir().unwrap();
        let broker = OttlaBroker::start(folder.path(), &[]).unwrap();
        let stage = Stage { broker, _folder: folder };
        let mut peer = Peer::connect(&stage.broker.bootstrap).unwrap();
        create(&mut peer, "bystander", &[]);
        create(&mut peer, "target", &[]);
        create(&mut peer, "recompressed", &[("compression.type", "lz4")]);
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let bystander = scope.spawn(|| go_on(&stage.broker, &over));
            wait_until(|| offset(&mut peer, "bystander") > 20);
            let before = resident_bytes(stage.broker.process.id()).unwrap();
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| attack(&stage.broker)));
            over.store(true, Ordering::Relaxed);
            let rounds = bystander.join().unwrap();
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let peak = peak_bytes(stage.broker.process.id());
            assert!(rounds > 20, "the bystander made {rounds} rounds only");
            assert!(peak < before + GROWTH_MAX, "memory grew from {before} to {peak} bytes");
        });
        let log = stage.broker.process.output();
        for word in ["panicked", "invariant", "ERROR"] {
            assert!(!log.contains(word), "the broker says `{word}`:\n{}", lines_with(&log, word));
        }
    }
}

fn lines_with(log: &str, word: &str) -> String {
    log.lines().filter(|line| line.contains(word)).take(50).collect::<Vec<_>>().join("\n")
}

/// The most that was ever resident.
fn peak_bytes(process_id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn wait_until(mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + END_MAX;
    while !reached() {
        assert!(Instant::now() < deadline, "not reached within {END_MAX:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Writes a record and reads it back, over and over, on one connection that must never break; gives how often.
fn go_on(broker: &OttlaBroker, over: &AtomicBool) -> i64 {
    let mut peer = Peer::connect(&broker.bootstrap).unwrap();
    let mut rounds = 0;
    while !over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let value = format!("round {rounds}");
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(Timestamp(1_700_000_000_000), None, Some(value.as_bytes()), &[]);
        let written = produce(&mut peer, "bystander", &builder.finish().unwrap()).unwrap();
        assert_eq!(written, 0, "round {rounds}");
        let found = fetch(&mut peer, "bystander", rounds);
        assert!(found.windows(value.len()).any(|window| window == value.as_bytes()), "round {rounds} reads itself");
        assert!(begun.elapsed() < ROUND_MAX, "round {rounds} took {:?}", begun.elapsed());
        rounds += 1;
    }
    rounds
}

fn create(peer: &mut Peer, name: &str, configs: &[(&'static str, &'static str)]) {
    let config = |&(name, value): &(&'static str, &'static str)| create_topics_request::CreatableTopicConfig {
        name: name.into(),
        value: Some(value.into()),
    };
    let topic = create_topics_request::CreatableTopic {
        name: name.to_owned().into(),
        num_partitions: 1,
        replication_factor: 1,
        configs: configs.iter().map(config).collect::<Vec<_>>().into(),
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: 20_000, ..Default::default() };
    let answer = peer.ask(&request, 5).unwrap();
    let answer: CreateTopicsResponse<'_> = peer.read(&answer);
    assert_eq!(answer.topics.iter().next().unwrap().error_code, 0);
}

fn produce_request<'a>(topic: &str, batch: &'a [u8]) -> ProduceRequest<'a> {
    let data = produce_request::PartitionProduceData { index: 0, records: Some(Records::Bytes(batch)) };
    let topic = produce_request::TopicProduceData {
        name: topic.to_owned().into(),
        partition_data: vec![data].into(),
        ..Default::default()
    };
    ProduceRequest { acks: -1, timeout_ms: 20_000, topic_data: vec![topic].into(), ..Default::default() }
}

fn produce(peer: &mut Peer, topic: &str, batch: &[u8]) -> std::io::Result<i16> {
    let answer = peer.ask(&produce_request(topic, batch), 9)?;
    let answer: ProduceResponse<'_> = peer.read(&answer);
    Ok(answer.responses.iter().next().unwrap().partition_responses.iter().next().unwrap().error_code)
}

fn fetch(peer: &mut Peer, topic: &str, offset: i64) -> Vec<u8> {
    let partition =
        fetch_request::FetchPartition { fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
    let topic = fetch_request::FetchTopic {
        topic: topic.to_owned().into(),
        partitions: vec![partition].into(),
        ..Default::default()
    };
    let request = FetchRequest {
        max_wait_ms: 5000,
        min_bytes: 1,
        session_epoch: -1,
        topics: vec![topic].into(),
        ..Default::default()
    };
    let answer = peer.ask(&request, 11).unwrap();
    let answer: FetchResponse<'_> = peer.read(&answer);
    let partition = answer.responses.iter().next().unwrap().partitions.iter().next().unwrap();
    assert_eq!(partition.error_code, 0);
    match partition.records {
        Some(Records::Bytes(bytes)) => bytes.to_vec(),
        _ => Vec::new(),
    }
}

fn offset(peer: &mut Peer, topic: &str) -> i64 {
    let partition = list_offsets_request::ListOffsetsPartition { timestamp: -1, ..Default::default() };
    let topic =
        list_offsets_request::ListOffsetsTopic { name: topic.to_owned().into(), partitions: vec![partition].into() };
    let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic].into(), ..Default::default() };
    let answer = peer.ask(&request, 7).unwrap();
    let answer: ListOffsetsResponse<'_> = peer.read(&answer);
    answer.topics.iter().next().unwrap().partitions.iter().next().unwrap().offset
}

/// Sends bytes, then the end of the stream, and gives what comes back until the broker closes, as it must.
fn send(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(END_MAX)).unwrap();
    // The broker may close before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    read_to_end(&mut stream)
}

/// Sends bytes and nothing more: the broker closes by itself.
fn is_closed_after(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(END_MAX)).unwrap();
    let _ = stream.write_all(bytes);
    read_to_end(&mut stream)
}

fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    match stream.read_to_end(&mut received) {
        Ok(_) => {}
        // Closed with bytes of ours unread: a reset.
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
    }
    received
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

fn header(key: i16, version: i16) -> Vec<u8> {
    [&key.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 9, 0xff, 0xff]].concat()
}

/// A stream of bytes that is the same at every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

#[test]
fn what_is_not_kafkas_protocol_ends_its_connection_with_a_line_in_the_log() {
    Stage::survives(|broker| {
        let foreign: [(&[u8], &str); 4] = [
            (b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n", "HTTP"),
            (b"POST /topics HTTP/1.1\r\nHost: broker\r\nContent-Length: 2\r\n\r\n{}", "HTTP"),
            (&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], "TLS"),
            (b"SSH-2.0-OpenSSH_9.9\r\n", "SSH"),
        ];
        for address in [&broker.bootstrap, &broker.controller] {
            for (bytes, protocol) in foreign {
                assert_eq!(is_closed_after(address, bytes), b"", "{protocol}");
                says_more(broker, protocol);
            }
            for (bytes, what) in [
                (vec![0x7f, 0xff, 0xff, 0xff, 0, 0], "a frame of two gigabytes"),
                (vec![0x06, 0x40, 0, 1], "a frame of a byte more than socket.request.max.bytes"),
                (vec![0xff; 8], "a frame of negative length"),
                (framed(&[]), "an empty frame"),
                (framed(&[0, 3]), "half a header"),
                (framed(&header(999, 0)), "an unknown API"),
                (framed(&header(-1, 0)), "a negative API"),
                (framed(&header(3, 99)), "an unknown version"),
                (framed(&header(3, -1)), "a negative version"),
                (framed(&header(0, 2)), "a version that is only advertised"),
            ] {
                let lines = broker.process.output().lines().count();
                assert_eq!(is_closed_after(address, &bytes), b"", "{what}");
                wait_until(|| broker.process.output().lines().count() > lines);
            }
        }
        // What is told of a foreign client does not let it write into the log what it likes.
        is_closed_after(&broker.bootstrap, b"\x1b[2J\n2026-01-01 FATAL all is lost\n");
        assert!(!broker.process.output().contains("all is lost"));
    });
}

fn says_more(broker: &OttlaBroker, word: &str) {
    wait_until(|| broker.process.output().lines().any(|line| line.contains(word)));
}

#[test]
fn a_short_request_that_claims_many_elements_takes_no_memory() {
    Stage::survives(|broker| {
        let compact = [0xff, 0xff, 0xff, 0xff, 0x0f, 1];
        let plain = [0x7f, 0xff, 0xff, 0xff, 0, 1];
        for address in [&broker.bootstrap, &broker.controller] {
            for key in 0..=94 {
                for version in [0, 1, 2, 4, 6, 9, 12, 13] {
                    for (claim, depth) in [(&plain, 0), (&plain, 2), (&compact, 1), (&compact, 3), (&compact, 8)] {
                        // A tag section, if there is one, then fields of zeros in front of the claim.
                        let body = [&header(key, version)[..], &vec![0; depth], claim].concat();
                        send(address, &framed(&body));
                    }
                }
            }
        }
    });
}

#[test]
fn requests_that_are_cut_off_or_changed_harm_nobody() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(Timestamp(1_700_000_000_000), Some(b"key"), Some(b"value"), &[]);
    let batch = builder.finish().unwrap();
    let requests = honest_requests(&batch);
    Stage::survives(|broker| {
        for request in &requests {
            // The frame says less than is there: every field in turn is the one that is missing.
            for cut in 1..request.len() - 4 {
                send(&broker.bootstrap, &framed(&request[4..request.len() - cut]));
            }
            // The frame says more than comes.
            for part in [4, 5, 12, request.len() - 1] {
                assert_eq!(send(&broker.bootstrap, &request[..part]), b"");
            }
        }
        let mut random = Random(7);
        for round in 0..1500 {
            let mut changed = requests[round % requests.len()].clone();
            for _ in 0..=random.next() % 3 {
                // The header stays, so that the change is read as what it is meant to be.
                let place = 16 + random.next() as usize % (changed.len() - 16);
                changed[place] = random.next() as u8;
            }
            send(&broker.bootstrap, &changed);
        }
        for _ in 0..300 {
            let count = random.next() as usize % 3000;
            let (key, version) = (random.next() as i16 % 95, random.next() as i16 % 14);
            send(&broker.bootstrap, &framed(&[header(key, version), random.bytes(count)].concat()));
            send(&broker.bootstrap, &random.bytes(count));
        }
    });
}

fn honest_requests(batch: &[u8]) -> Vec<Vec<u8>> {
    fn frame<'a, M: Message<'a>>(request: &M, version: i16) -> Vec<u8> {
        request_frame(request, version, 5, Some("somebody")).unwrap().into_bytes()
    }
    let protocol =
        join_group_request::JoinGroupRequestProtocol { name: "range".into(), metadata: (&b"abc"[..]).into() };
    let join = JoinGroupRequest {
        group_id: "group".into(),
        session_timeout_ms: 6000,
        rebalance_timeout_ms: 10,
        protocol_type: "consumer".into(),
        protocols: vec![protocol].into(),
        ..Default::default()
    };
    let partition = fetch_request::FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() };
    let topic =
        fetch_request::FetchTopic { topic: "target".into(), partitions: vec![partition].into(), ..Default::default() };
    let fetch = FetchRequest { max_wait_ms: 10, session_epoch: -1, topics: vec![topic].into(), ..Default::default() };
    let committed = offset_commit_request::OffsetCommitRequestPartition {
        committed_offset: 1,
        committed_metadata: Some("text".into()),
        ..Default::default()
    };
    let committed = offset_commit_request::OffsetCommitRequestTopic {
        name: "target".into(),
        partitions: vec![committed].into(),
        ..Default::default()
    };
    let commit = OffsetCommitRequest {
        group_id: "group".into(),
        generation_id_or_member_epoch: -1,
        topics: vec![committed].into(),
        ..Default::default()
    };
    let asked = metadata_request::MetadataRequestTopic { name: Some("target".into()), ..Default::default() };
    let metadata = MetadataRequest { topics: Some(vec![asked].into()), ..Default::default() };
    let configs = describe_configs_request::DescribeConfigsResource {
        resource_type: 2,
        resource_name: "target".into(),
        configuration_keys: None,
    };
    let groups = offset_fetch_request::OffsetFetchRequestGroup { group_id: "group".into(), ..Default::default() };
    vec![
        frame(&produce_request("target", batch), 9),
        frame(&produce_request("target", batch), 7),
        frame(&fetch, 4),
        frame(&fetch, 12),
        frame(&join, 5),
        frame(&join, 9),
        frame(&commit, 8),
        frame(&metadata, 12),
        frame(&metadata, 1),
        frame(&DescribeConfigsRequest { resources: vec![configs].into(), ..Default::default() }, 4),
        frame(&OffsetFetchRequest { groups: vec![groups].into(), ..Default::default() }, 8),
        frame(&ApiVersionsRequest { client_software_name: "some".into(), ..Default::default() }, 4),
        frame(&FindCoordinatorRequest { coordinator_keys: vec!["group".into()].into(), ..Default::default() }, 4),
    ]
}

#[test]
fn connections_that_promise_large_frames_hold_no_memory() {
    Stage::survives(|broker| {
        let promise = |length: u32| {
            let mut stream = TcpStream::connect(&broker.bootstrap).unwrap();
            stream.write_all(&length.to_be_bytes()).unwrap();
            stream.write_all(&header(0, 9)).unwrap();
            stream
        };
        let waiting: Vec<TcpStream> = (0..300).map(|_| promise(100 << 20)).collect();
        let small: Vec<TcpStream> = (0..300).map(|_| promise(1000)).collect();
        // All of them are open at once while the bystander goes on.
        let mut peer = Peer::connect(&broker.bootstrap).unwrap();
        let begun = offset(&mut peer, "bystander");
        wait_until(|| offset(&mut peer, "bystander") > begun + 20);
        drop((waiting, small));
    });
}

/// A batch of one record whose value is so many zeros.
fn zeros(codec: Codec, value_bytes: usize) -> Vec<u8> {
    let compression = Compression::new(codec);
    let mut builder = BatchBuilder::new(BatchOptions { compression, ..BatchOptions::default() });
    builder.push(Timestamp(1_700_000_000_000), Some(b"key"), Some(&vec![0; value_bytes]), &[]);
    builder.finish().unwrap()
}

/// A batch that says of these bytes that they are one record, compressed.
fn claiming(codec: Codec, records: &[u8]) -> Vec<u8> {
    let honest = zeros(Codec::None, 1);
    let mut header = BatchHeader::parse(&honest).unwrap();
    header.attributes = Attributes::default().with_codec(codec);
    header.batch_length = i32::try_from(HEADER_BYTES - 12 + records.len()).unwrap();
    header.seal(records);
    [&header.to_bytes()[..], records].concat()
}

#[test]
fn a_bomb_of_each_codec_is_refused_in_bounded_memory() {
    let snappy_claim =
        [&b"\x82SNAPPY\0"[..], &[0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 6], &[0xff, 0xff, 0xff, 0xff, 0x0f, 0]];
    let bombs = [
        ("gzip", zeros(Codec::Gzip, 200 * MEBIBYTE)),
        ("lz4", zeros(Codec::Lz4, 200 * MEBIBYTE)),
        ("zstd", zeros(Codec::Zstd, 200 * MEBIBYTE)),
        ("snappy, a block that claims 4 GiB", claiming(Codec::Snappy, &snappy_claim.concat())),
        // A window of 2 GiB, and one block that repeats a byte.
        ("zstd, a huge window", claiming(Codec::Zstd, &[0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 0x03, 0, 0x10, 0])),
        (
            "lz4, a block that claims 2 GiB",
            claiming(Codec::Lz4, &[4, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73, 0xff, 0xff, 0xff, 0x7f]),
        ),
        ("gzip, cut off", claiming(Codec::Gzip, &[0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0, 0xff, 0xff])),
    ];
    // What a topic honestly may hold decompresses within the bound; a topic of another codec has it written anew.
    let honest = [("snappy", zeros(Codec::Snappy, 12 * MEBIBYTE)), ("zstd", zeros(Codec::Zstd, 12 * MEBIBYTE))];
    Stage::survives(|broker| {
        let mut peer = Peer::connect(&broker.bootstrap).unwrap();
        for topic in ["target", "recompressed"] {
            for (name, bomb) in &bombs {
                assert!(bomb.len() < MEBIBYTE, "{name}: small enough to be looked at");
                let refused = [ErrorCode::CorruptMessage, ErrorCode::InvalidRecord, ErrorCode::MessageTooLarge];
                let told = lines_with(&broker.process.output(), "refused a batch").lines().count();
                let code = ErrorCode::from_code(produce(&mut peer, topic, bomb).unwrap());
                wait_until(|| lines_with(&broker.process.output(), "refused a batch").lines().count() > told);
                assert!(refused.contains(&code), "{name}, {topic}: {code:?}");
            }
            assert_eq!(offset(&mut peer, topic), 0, "nothing of it is in the log of {topic}");
        }
        for (name, batch) in &honest {
            for topic in ["target", "recompressed"] {
                assert_eq!(produce(&mut peer, topic, batch).unwrap(), 0, "{name}, {topic}");
            }
        }
    });
}

#[test]
fn a_short_request_that_names_one_thing_thousands_of_times_makes_no_large_answer() {
    fn frame<'a, M: Message<'a>>(request: &M, version: i16) -> Vec<u8> {
        request_frame(request, version, 5, Some("somebody")).unwrap().into_bytes()
    }
    let named = Some("__consumer_offsets".into());
    let named = metadata_request::MetadataRequestTopic { name: named, ..Default::default() };
    let metadata = MetadataRequest { topics: Some(vec![named; 6500].into()), ..Default::default() };
    let resource = |resource_type, resource_name: String| describe_configs_request::DescribeConfigsResource {
        resource_type,
        resource_name: resource_name.into(),
        configuration_keys: None,
    };
    let describe = |resources: Vec<_>| {
        let resources = resources.into();
        DescribeConfigsRequest { resources, include_synonyms: true, include_documentation: true }
    };
    let broker_again = frame(&describe((0..10_000).map(|_| resource(4, "1".into())).collect()), 4);
    let honest =
        create_topics_request::CreatableTopic { num_partitions: 1, replication_factor: 1, ..Default::default() };
    let topic = |name: i32| create_topics_request::CreatableTopic { name: name.to_string().into(), ..honest.clone() };
    let topics = (0..10_000).map(topic).collect();
    let create = CreateTopicsRequest { topics, timeout_ms: 20_000, validate_only: true };
    let groups_of_nobody = frame(&describe((0..10_000).map(|place| resource(32, place.to_string())).collect()), 4);
    assert!(broker_again.len() < 70_000 && groups_of_nobody.len() < 100_000, "they are short");
    Stage::survives(|broker| {
        let mut peer = Peer::connect(&broker.bootstrap).unwrap();
        wait_until(|| {
            let answer = peer.ask(&FindCoordinatorRequest { key: "group".into(), ..Default::default() }, 3).unwrap();
            peer.read::<FindCoordinatorResponse<'_>>(&answer).error_code == 0
        });
        for _ in 0..4 {
            let answer = peer.ask(&metadata, 12).unwrap();
            let answer: MetadataResponse<'_> = peer.read(&answer);
            assert_eq!(answer.topics.iter().map(|topic| topic.partitions.len()).collect::<Vec<_>>(), [50]);
            let answer = peer.ask(&create, 7).unwrap();
            assert_eq!(peer.read::<CreateTopicsResponse<'_>>(&answer).topics.len(), 10_000);
            for endless in [&broker_again, &groups_of_nobody] {
                let lines = lines_with(&broker.process.output(), "DescribeConfigs").lines().count();
                assert_eq!(is_closed_after(&broker.bootstrap, endless), b"");
                wait_until(|| lines_with(&broker.process.output(), "DescribeConfigs").lines().count() > lines);
            }
        }
    });
}
