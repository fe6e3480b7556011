//! Metadata between Apache Kafka 4.4 and us: a log that Kafka wrote is replayed as Kafka replays it, the snapshots of
//! either are read by the other, and a real Kafka starts on a formatted directory and on a log of ours.

// All of it is a test; clippy knows only the functions that are marked as one.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use ottla_config::{BrokerConfig, Properties};
use ottla_harness::ApacheKafka;
use ottla_harness::apache_kafka::{CLUSTER_ID, Setup};
use ottla_harness::java::{self, Jars};
use ottla_metadata::decide::{activate, configs, create_topics, heartbeat, producer_ids, register};
use ottla_metadata::image::{Image, Resource};
use ottla_metadata::log::{Control, encode_batch, encode_epoch_start, replay_batch};
use ottla_metadata::snapshot::{Quorum, image_records, read_snapshot, write_snapshot};
use ottla_metadata::{Context, Metadata, Record, Sessions, SnapshotId, bootstrap};
use ottla_records::{BuildError, Decompressor, batches};
use ottla_replicated::Machine;
use ottla_vocabulary::{Duration, Instant, LeaderEpoch, NodeId, Offset, Timestamp, Uuid};
use ottla_wire::broker_registration_request::{Feature, Listener};
use ottla_wire::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use ottla_wire::voters_record::{Endpoint, KRaftVersionFeature, Voter};
use ottla_wire::{BrokerHeartbeatRequest, BrokerRegistrationRequest, VotersRecord};

const LOG_FOLDER: &str = "__cluster_metadata-0";

fn oracle(arguments: &[&str]) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apache_kafka/MetadataOracle.java");
    let mut command: Command = java::compiled(Jars::Kafka, &[source], "MetadataOracle").unwrap();
    let output = command.args(arguments).output().unwrap();
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{errors}");
    out.into_owned()
}

/// What the segments in a folder say, up to an offset: the state, the quorum's part, and the time of the last batch.
fn replay_log(folder: &Path, end: Offset) -> (Metadata, Quorum) {
    let mut segments: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    segments.sort();
    let mut metadata = Metadata::default();
    let mut quorum = Quorum::default();
    let mut decompressor = Decompressor::new();
    for segment in segments {
        let bytes = std::fs::read(segment).unwrap();
        for batch in batches(&bytes) {
            let batch = batch.unwrap();
            if end <= batch.header().base_offset {
                return (metadata, quorum);
            }
            quorum.last_record = batch.header().max_timestamp;
            replay_batch(&mut metadata, &batch, &mut decompressor, &mut |_, control| match control {
                Control::KRaftVersion(version) => quorum.kraft_version = version,
                Control::Voters(voters) => quorum.voters = Some(voters),
                _ => {}
            })
            .unwrap();
        }
    }
    (metadata, quorum)
}

fn snapshots(folder: &Path) -> BTreeMap<SnapshotId, PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: PathBuf| Some((SnapshotId::from_file_name(path.file_name()?.to_str()?)?, path));
    paths.filter_map(named).collect()
}

fn write_to(path: &Path, id: SnapshotId, image: &Image, quorum: &Quorum) {
    let mut bytes = Vec::new();
    write_snapshot(id, image_records(image), image, quorum, Timestamp(1_700_000_000_000), &mut |batch| {
        bytes.extend_from_slice(batch);
        Ok::<_, BuildError>(())
    })
    .unwrap();
    std::fs::write(path.join(id.file_name()), bytes).unwrap();
}

fn records_of(image: &Image) -> Vec<Record> {
    image_records(image).collect()
}

#[test]
fn a_log_and_snapshots_of_apache_kafka_are_read_as_kafka_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let properties = [
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:ANONYMOUS",
        "metadata.log.max.record.bytes.between.snapshots=2000",
    ];
    let setup = Setup { properties: properties.map(str::to_owned).to_vec(), ..Setup::default() };
    let kafka = ApacheKafka::start(folder.path(), &setup).unwrap();
    oracle(&["populate", &kafka.bootstrap]);
    let metadata_log = kafka.stop().unwrap().join(LOG_FOLDER);

    let (metadata, quorum) = replay_log(&metadata_log, Offset(i64::MAX));
    let image = metadata.published();
    assert_eq!(quorum.kraft_version, 1);
    let flights = image.topics.by_text("flights").unwrap();
    assert_eq!(flights.partitions.len(), 5);
    assert!(image.topics.by_text("gone").is_none());
    assert_eq!(image.configs.value(&Resource::topic("flights"), "cleanup.policy"), Some("compact,delete"));
    assert_eq!(image.features.level("transaction.version"), 2, "levels that we do not serve are kept");
    assert_eq!(image.features.level("eligible.leader.replicas.version"), 1);
    let kept = (image.kept.acls.len(), image.kept.scram.len(), image.kept.quotas.len());
    assert_eq!(kept, (1, 1, 2), "what is not served yet is kept");
    assert!(image.next_producer_id.is_some());

    // Ours of its log, read by Kafka.
    let ours = tempfile::tempdir().unwrap();
    let id = SnapshotId { end: image.end, epoch: image.epoch };
    write_to(ours.path(), id, image, &quorum);
    let (end, epoch) = (id.end.to_string(), id.epoch.to_string());
    let here = ours.path().to_str().unwrap();
    let answer = oracle(&["compare", metadata_log.to_str().unwrap(), &end, &epoch, here]);
    let parts = ["features", "cluster", "topics", "configs", "quotas", "producer ids", "acls", "scram", "tokens"];
    for part in parts {
        assert!(answer.contains(&format!("{part} same")), "{part}:\n{answer}");
    }
    for control in ["KRAFT_VERSION", "KRAFT_VOTERS", &format!("timestamp {}", quorum.last_record.0)] {
        assert!(answer.contains(control), "{answer}");
    }

    // Kafka's, read by us.
    let kafkas = snapshots(&metadata_log);
    assert!(kafkas.contains_key(&SnapshotId::BOOTSTRAP), "{kafkas:?}");
    assert!(1 < kafkas.len(), "Kafka made no snapshot by itself: {kafkas:?}");
    for (id, path) in kafkas.iter().skip(1) {
        let (read, of_quorum) = read_snapshot(*id, &std::fs::read(path).unwrap()).unwrap();
        let (replayed, _) = replay_log(&metadata_log, id.end);
        assert_eq!(records_of(read.published()), records_of(replayed.published()), "{id:?}");
        assert_eq!((of_quorum.kraft_version, &of_quorum.voters), (1, &quorum.voters));
    }
    let (first, formatted) =
        bootstrap::read_bootstrap(&std::fs::read(&kafkas[&SnapshotId::BOOTSTRAP]).unwrap()).unwrap();
    assert_eq!((formatted.kraft_version, &formatted.voters), (1, &quorum.voters));
    assert!(first.iter().any(|record| matches!(record, Record::FeatureLevel(level) if level.feature_level == 33)));
}

/// A directory that Kafka's storage tool formatted, without the metadata that it put there.
struct Directory {
    folder: tempfile::TempDir,
    formatted: ottla_harness::apache_kafka::Formatted,
    voters: VotersRecord<'static>,
    directory_id: Uuid,
}

fn emptied_directory(setup: &Setup) -> Directory {
    let folder = tempfile::tempdir().unwrap();
    let formatted = ApacheKafka::format(folder.path(), setup).unwrap();
    let data = folder.path().join("data");
    let line = |file: PathBuf, name: &str| {
        let content = std::fs::read_to_string(file).unwrap();
        content.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned()
    };
    let directory_id: Uuid = line(data.join("meta.properties"), "directory.id=").parse().unwrap();
    let listeners = line(folder.path().join("server.properties"), "listeners=");
    let port = listeners.rsplit_once(':').unwrap().1.parse().unwrap();
    std::fs::remove_dir_all(data.join(LOG_FOLDER)).unwrap();
    std::fs::create_dir(data.join(LOG_FOLDER)).unwrap();
    let voters = VotersRecord {
        version: 0,
        voters: vec![Voter {
            voter_id: 1,
            voter_directory_id: directory_id,
            endpoints: vec![Endpoint { name: "CONTROLLER".into(), host: "127.0.0.1".into(), port }].into(),
            k_raft_version_feature: KRaftVersionFeature { min_supported_version: 0, max_supported_version: 1 },
        }]
        .into(),
    };
    Directory { folder, formatted, voters, directory_id }
}

#[test]
fn apache_kafka_starts_on_a_directory_that_we_formatted() {
    let setup = Setup::default();
    let Directory { folder, formatted, voters, directory_id } = emptied_directory(&setup);
    let records = bootstrap::bootstrap_records(&[]).unwrap();
    let snapshot = bootstrap::bootstrap_snapshot(records, Some(voters), Timestamp(1_700_000_000_000)).unwrap();
    let log = folder.path().join("data").join(LOG_FOLDER);
    std::fs::write(log.join(SnapshotId::BOOTSTRAP.file_name()), snapshot).unwrap();

    let kafka = ApacheKafka::start_formatted(folder.path(), &setup, formatted).unwrap();
    let answer = oracle(&["describe", &kafka.bootstrap]);
    let expected = format!(
        "feature kraft.version 1\nfeature metadata.version 33\nquorum leader=1 epoch=1 voters=[1@{directory_id}]\n"
    );
    assert_eq!(answer, expected, "no other feature is finalized");
    kafka.stop().unwrap();
}

/// A controller of ours that writes its log as bytes.
struct Controller {
    metadata: Metadata,
    config: BrokerConfig,
    log: Vec<u8>,
    dice: u64,
}

impl Controller {
    const EPOCH: LeaderEpoch = LeaderEpoch(1);

    fn append(&mut self, records: &[Record]) {
        if records.is_empty() {
            return;
        }
        let base = self.metadata.image().end;
        let finalized = self.metadata.image().features.metadata_version();
        let batch = encode_batch(records, finalized, base, Self::EPOCH, Timestamp(1_700_000_000_000)).unwrap();
        for (offset, record) in (base.0..).zip(records) {
            self.metadata.replay(Offset(offset), record).unwrap();
        }
        self.metadata.advance(self.metadata.image().end, Self::EPOCH);
        self.log.extend(batch);
    }

    fn decide<Reply>(
        &mut self,
        decide: impl FnOnce(Context<'_>, &mut dyn FnMut() -> u64) -> ottla_metadata::Decision<Reply>,
    ) -> Reply {
        let dice = &mut self.dice;
        let mut random = || {
            *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *dice ^ (*dice >> 29)
        };
        let image = self.metadata.image().clone();
        let context = Context { image: &image, config: &self.config, cluster_id: CLUSTER_ID, kraft_version: 1 };
        let decision = decide(context, &mut random);
        self.append(&decision.records);
        decision.reply
    }

    fn heartbeat(&mut self, epoch: i64, want_shut_down: bool) -> heartbeat::HeartbeatReply {
        let sessions = Sessions::begin(self.metadata.image(), Duration::from_secs(9), Instant::default());
        let request = BrokerHeartbeatRequest {
            broker_id: 1,
            broker_epoch: epoch,
            current_metadata_offset: self.metadata.image().end.0,
            want_shut_down,
            ..BrokerHeartbeatRequest::default()
        };
        self.decide(|context, _| heartbeat::decide_heartbeat(context, &sessions, &request)).unwrap()
    }
}

#[test]
fn apache_kafka_goes_on_from_a_log_and_a_snapshot_of_ours() {
    let setup = Setup::default();
    let Directory { folder, formatted, voters, directory_id } = emptied_directory(&setup);
    let file = std::fs::read_to_string(folder.path().join("server.properties")).unwrap();
    let (config, _) = BrokerConfig::load(&Properties::parse(&file).unwrap()).unwrap();
    let mut ours = Controller { metadata: Metadata::default(), config, log: Vec::new(), dice: 3 };
    let (one, epoch, time) = ([NodeId(1)], Controller::EPOCH, Timestamp(1_700_000_000_000));
    ours.log = encode_epoch_start(NodeId(1), &one, &one, Some(&voters), Offset::ZERO, epoch, time).unwrap();
    ours.metadata.advance(Offset(3), epoch);
    let first = bootstrap::bootstrap_records(&[]).unwrap();
    ours.decide(|context, _| activate::decide_activate(context, &first, false));

    let sessions = Sessions::begin(ours.metadata.image(), Duration::from_secs(9), Instant::default());
    let supported = ours.metadata.image().features.supported();
    let feature = |(name, range): (String, ottla_metadata::image::LevelRange)| Feature {
        name: name.into(),
        min_supported_version: range.min,
        max_supported_version: range.max,
    };
    let request = BrokerRegistrationRequest {
        broker_id: 1,
        cluster_id: CLUSTER_ID.into(),
        incarnation_id: Uuid([7; 16]),
        listeners: vec![Listener { name: "PLAINTEXT".into(), host: "127.0.0.1".into(), port: 1, security_protocol: 0 }]
            .into(),
        features: supported.into_iter().map(feature).collect(),
        log_dirs: vec![directory_id].into(),
        ..BrokerRegistrationRequest::default()
    };
    let end = ours.metadata.image().end;
    let broker = ours
        .decide(|context, _| {
            register::decide_register_broker(context, &sessions, &request, true, end, Instant::default())
        })
        .unwrap();
    assert!(!ours.heartbeat(broker.0, false).is_fenced);
    let topic = |name: &'static str, partitions| CreatableTopic {
        name: name.into(),
        num_partitions: partitions,
        replication_factor: 1,
        configs: vec![CreatableTopicConfig { name: "retention.ms".into(), value: Some("4321".into()) }].into(),
        ..CreatableTopic::default()
    };
    let create = |ours: &mut Controller, name, partitions| {
        let topics = [topic(name, partitions)];
        ours.decide(|context, random| create_topics::decide_create_topics(context, &topics, false, &|_| true, random))
            .unwrap()
    };
    create(&mut ours, "before", 2);
    let change = [(Resource::all_brokers(), vec![configs::ConfigChange::set("log.retention.ms", "999")])];
    ours.decide(|context, _| configs::decide_incremental_alter_configs(context, &change, false, true));
    ours.decide(|context, _| producer_ids::decide_allocate_producer_ids(context, NodeId(1), broker)).unwrap();

    // A snapshot, more log behind it, and a clean stop.
    let log = folder.path().join("data").join(LOG_FOLDER);
    let quorum = Quorum { last_record: time, kraft_version: 1, voters: Some(voters) };
    let image = ours.metadata.published().clone();
    write_to(&log, SnapshotId { end: image.end, epoch: image.epoch }, &image, &quorum);
    create(&mut ours, "after", 1);
    while !ours.heartbeat(broker.0, true).should_shut_down {}
    std::fs::write(log.join("00000000000000000000.log"), &ours.log).unwrap();
    std::fs::write(log.join("partition.metadata"), format!("version: 0\ntopic_id: {}", Uuid::ONE)).unwrap();
    std::fs::write(
        log.join("quorum-state"),
        r#"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#,
    )
    .unwrap();

    let kafka = ApacheKafka::start_formatted(folder.path(), &setup, formatted).unwrap();
    let answer = oracle(&["describe", &kafka.bootstrap]);
    let id = |name| ours.metadata.image().topics.by_text(name).unwrap().id;
    let expected = [
        format!("topic after {} 0:1", id("after")),
        format!("topic before {} 0:1 1:1", id("before")),
        "config after retention.ms=4321".to_owned(),
        "config before retention.ms=4321".to_owned(),
        "config  log.retention.ms=999".to_owned(),
        "feature kraft.version 1".to_owned(),
        "feature metadata.version 33".to_owned(),
        format!("quorum leader=1 epoch=2 voters=[1@{directory_id}]"),
    ];
    assert_eq!(answer.lines().collect::<Vec<_>>(), expected);
    kafka.stop().unwrap();

    // What Kafka wrote after ours is read on.
    let (metadata, _) = replay_log(&log, Offset(i64::MAX));
    assert_eq!(metadata.image().topics.len(), 2);
    assert!(image.end < metadata.image().end);
}
