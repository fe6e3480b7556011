//! A controller for scenarios: one image, its log, sessions, a clock and dice, driven by commands in text.
//!
//! A command is a verb, what it is about, and options `name=value`; a list is separated by commas.

use std::collections::BTreeMap;

use ottla_config::{BrokerConfig, Properties};
use ottla_metadata::decide::configs::{ConfigChange, Operation};
use ottla_metadata::decide::features::{FeatureUpdate, UpgradeType};
use ottla_metadata::decide::leadership::Election;
use ottla_metadata::decide::{
    Decision, Outcome, activate, assign_directories, configs, create_partitions, create_topics, delete_topics, elect,
    features, fence, heartbeat, producer_ids, register, unregister,
};
use ottla_metadata::image::{Resource, ResourceType};
use ottla_metadata::snapshot::{Quorum, image_records, read_snapshot, write_snapshot};
use ottla_metadata::{Context, Delta, Metadata, Record, Refusal, Sessions, SnapshotId, bootstrap, record_bytes};
use ottla_replicated::harness::Harness;
use ottla_vocabulary::{BrokerEpoch, Duration, Instant, NodeId, PartitionIndex, Timestamp, Uuid};
use ottla_wire::assign_replicas_to_dirs_request::{DirectoryData, PartitionData, TopicData};
use ottla_wire::broker_registration_request::{Feature, Listener};
use ottla_wire::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
use ottla_wire::create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig};
use ottla_wire::{
    AssignReplicasToDirsRequest, BrokerHeartbeatRequest, BrokerRegistrationRequest, ErrorCode, MetadataRecord,
};

use crate::show::{self, refusal};

const SESSION: Duration = Duration::from_secs(9);

pub(crate) struct Controller {
    harness: Harness<Metadata>,
    sessions: Sessions,
    config: BrokerConfig,
    now: Instant,
    dice: u64,
    features: BTreeMap<String, (i16, i16)>,
}

/// A command in its parts.
struct Command<'a> {
    verb: &'a str,
    about: &'a str,
    options: Vec<(&'a str, &'a str)>,
}

impl<'a> Command<'a> {
    fn parse(line: &'a str) -> Command<'a> {
        let mut words = line.split_whitespace();
        let verb = words.next().unwrap_or_default();
        let mut about = "";
        let mut options = Vec::new();
        for (place, word) in words.enumerate() {
            match word.split_once('=') {
                None if place == 0 => about = word,
                Some((name, value)) => options.push((name, value)),
                None => options.push((word, "")),
            }
        }
        Command { verb, about, options }
    }

    fn option(&self, name: &str) -> Option<&'a str> {
        self.options.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }

    fn number<N: core::str::FromStr>(&self, name: &str, otherwise: N) -> N {
        self.option(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
    }

    fn has(&self, name: &str) -> bool {
        self.option(name).is_some()
    }

    fn about_node(&self) -> NodeId {
        NodeId(self.about.parse().expect("the number of a node"))
    }

    /// `a.b:1,c:2` as names and values.
    fn pairs(&self, name: &str) -> Vec<(String, String)> {
        let list = self.option(name).unwrap_or_default().split(',').filter(|entry| !entry.is_empty());
        list.map(|entry| entry.split_once(':').unwrap_or((entry, ""))).map(|(a, b)| (a.into(), b.into())).collect()
    }

    /// `1+2/3+4` as the replicas of two partitions.
    fn assignments(&self) -> Option<Vec<Vec<i32>>> {
        let numbers = |list: &str| list.split('+').filter_map(|number| number.parse().ok()).collect();
        Some(self.option("assign")?.split('/').map(numbers).collect())
    }
}

/// An id that a scenario names by a small number.
fn id(number: u8) -> Uuid {
    Uuid([number; 16])
}

fn owned(bytes: Vec<u8>) -> MetadataRecord<'static> {
    MetadataRecord::from_bytes(Box::leak(bytes.into_boxed_slice())).expect("what was written can be read")
}

impl Controller {
    pub(crate) fn new() -> Controller {
        let file = "process.roles=broker,controller
            node.id=1
            listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
            controller.listener.names=CONTROLLER
            controller.quorum.bootstrap.servers=127.0.0.1:9093
            num.partitions=2
            default.replication.factor=1
            log.retention.hours=24";
        let file = Properties::parse(file).expect("a good file");
        let (config, _) = BrokerConfig::load(&file).expect("a good configuration");
        let through_bytes = |record: &Record| {
            let finalized = ottla_metadata::image::MetadataVersion::LATEST;
            owned(record_bytes(record, finalized))
        };
        let now = Instant::from_millis(0);
        let harness = Harness::new(Metadata::default(), through_bytes);
        let sessions = Sessions::begin(harness.state.image(), SESSION, now);
        let features =
            [("metadata.version", (7, 33)), ("kraft.version", (0, 1))].map(|(name, range)| (name.to_owned(), range));
        Controller { harness, sessions, config, now, dice: 42, features: features.into() }
    }

    /// Performs one command; answers what happened, line by line.
    pub(crate) fn perform(&mut self, line: &str) -> Vec<String> {
        let command = Command::parse(line);
        let before = self.harness.state.published().clone();
        let from = self.harness.log.len();
        let reply = match command.verb {
            "activate" => self.activate(&command),
            "support" => self.support(&command),
            "file" => self.file(&command),
            "after" => self.after(&command),
            "register" => self.register(&command),
            "heartbeat" => self.heartbeat(&command),
            "assign" => self.assign(&command),
            "fence-stale" => self.fence_stale(),
            "unregister" => self.unregister(&command),
            "create-topic" => self.create_topic(&command),
            "create-partitions" => self.create_partitions(&command),
            "delete-topic" => self.delete_topic(&command),
            "alter" => self.alter(&command),
            "replace" => self.replace(&command),
            "elect" => self.elect(&command),
            "balance" => self.balance(),
            "producer-ids" => self.producer_ids(&command),
            "feature" => self.feature(&command),
            "begin-leadership" => self.begin_leadership(),
            "show" => return show::image(self.harness.state.image(), command.about),
            verb => panic!("there is no command {verb}"),
        };
        self.check_snapshot();
        let mut answer: Vec<String> = self.harness.log[from..].iter().map(show::record).collect();
        answer.extend(show::delta(&Delta::between(&before, self.harness.state.published())));
        answer.extend(reply);
        answer
    }

    fn decide<Reply>(&mut self, decide: impl FnOnce(Context<'_>, &Sessions, &mut u64) -> Decision<Reply>) -> Reply {
        let Controller { harness, sessions, config, dice, .. } = self;
        harness.perform(|metadata| {
            let context = Context { image: metadata.image(), config, cluster_id: "cluster", kraft_version: 1 };
            decide(context, sessions, dice)
        })
    }

    fn act<Reply>(
        &mut self,
        decide: impl FnOnce(Context<'_>, &Sessions, &mut u64) -> Outcome<Reply>,
        shown: impl FnOnce(Reply) -> Vec<String>,
    ) -> Vec<String> {
        match self.decide(decide) {
            Ok(reply) => shown(reply),
            Err(refused) => vec![refusal(&refused)],
        }
    }

    fn activate(&mut self, command: &Command<'_>) -> Vec<String> {
        let asked: Vec<_> = command
            .pairs("features")
            .into_iter()
            .map(|(name, level)| (name, level.parse().expect("a level")))
            .collect();
        let records: Vec<Record> = match bootstrap::bootstrap_records(&asked) {
            Ok(records) => records,
            Err(error) => return vec![format!("error: {error}")],
        };
        self.decide(|context, _, _| activate::decide_activate(context, &records, false));
        vec![]
    }

    /// Puts levels into the log as another's would stand there, and the ranges that registering nodes then claim.
    fn support(&mut self, command: &Command<'_>) -> Vec<String> {
        let max = command.number("max", 0);
        self.features.insert(command.about.to_owned(), (0, max));
        if command.has("finalized") {
            let record = ottla_wire::FeatureLevelRecord {
                name: command.about.to_owned().into(),
                feature_level: command.number("finalized", 0),
            };
            self.decide(|_, _, _| Decision::new(vec![record.into()], ()));
        }
        vec![]
    }

    fn file(&mut self, command: &Command<'_>) -> Vec<String> {
        let mut file = self.config.layers.file.clone();
        for (name, value) in &command.options {
            file.set(*name, *value);
        }
        self.config = BrokerConfig::load(&file).expect("a good configuration").0;
        vec![]
    }

    fn after(&mut self, command: &Command<'_>) -> Vec<String> {
        let millis = command.about.strip_suffix("ms").and_then(|text| text.parse().ok()).expect("a time in ms");
        self.now = self.now + Duration::from_millis(millis);
        vec![]
    }

    fn begin_leadership(&mut self) -> Vec<String> {
        self.sessions = Sessions::begin(self.harness.state.image(), SESSION, self.now);
        vec![]
    }

    fn register(&mut self, command: &Command<'_>) -> Vec<String> {
        let node = command.about_node();
        let directories = command.option("dirs").map_or(vec![id(100 + node.0 as u8)], |dirs| {
            dirs.split('+')
                .filter_map(|dir| dir.parse().ok())
                .map(|number| if number == 0 { Uuid::ZERO } else { id(number) })
                .collect()
        });
        let feature = |(name, (min, max)): (&String, &(i16, i16))| Feature {
            name: name.clone().into(),
            min_supported_version: *min,
            max_supported_version: *max,
        };
        let request = BrokerRegistrationRequest {
            broker_id: node.0,
            cluster_id: command.option("cluster").unwrap_or("cluster").to_owned().into(),
            incarnation_id: id(command.number("life", 1)),
            listeners: vec![Listener { name: "PLAINTEXT".into(), host: "h".into(), port: 9092, security_protocol: 0 }]
                .into(),
            features: if command.has("no-features") {
                vec![].into()
            } else {
                self.features.iter().map(feature).collect()
            },
            rack: command.option("rack").map(|rack| rack.to_owned().into()),
            is_migrating_zk_broker: false,
            log_dirs: directories.into(),
            previous_broker_epoch: command.number("previous", -1),
        };
        let (end, now) = (self.harness.end(), self.now);
        self.act(
            |context, sessions, _| register::decide_register_broker(context, sessions, &request, true, end, now),
            |epoch| vec![format!("epoch {}", epoch.0)],
        )
    }

    fn epoch_of(&self, node: NodeId, command: &Command<'_>) -> BrokerEpoch {
        let known = self.harness.state.image().cluster.broker(node).map_or(-1, |broker| broker.epoch.0);
        BrokerEpoch(command.number("epoch", known))
    }

    fn heartbeat(&mut self, command: &Command<'_>) -> Vec<String> {
        let node = command.about_node();
        let epoch = self.epoch_of(node, command);
        let offline = command.option("offline").unwrap_or_default();
        let request = BrokerHeartbeatRequest {
            broker_id: node.0,
            broker_epoch: epoch.0,
            current_metadata_offset: command.number("offset", self.harness.end().0 - 1),
            want_fence: command.has("want-fence"),
            want_shut_down: command.has("want-shutdown"),
            offline_log_dirs: offline.split('+').filter_map(|dir| dir.parse().ok()).map(id).collect(),
            cordoned_log_dirs: command
                .option("cordoned")
                .map(|dirs| dirs.split('+').filter_map(|dir| dir.parse().ok()).map(id).collect()),
        };
        let offset = ottla_vocabulary::Offset(request.current_metadata_offset);
        self.sessions.on_heartbeat(self.harness.state.image(), node, epoch, offset, self.now);
        self.act(
            |context, sessions, _| heartbeat::decide_heartbeat(context, sessions, &request),
            |reply| {
                let words = [
                    if reply.is_caught_up { "caught up" } else { "behind" },
                    if reply.is_fenced { "fenced" } else { "unfenced" },
                    if reply.should_shut_down { "may go down" } else { "stays" },
                ];
                vec![words.join(", ")]
            },
        )
    }

    /// `assign 1 partition=t-0 dir=5`
    fn assign(&mut self, command: &Command<'_>) -> Vec<String> {
        let node = command.about_node();
        let (topic, index) = command.option("partition").and_then(|text| text.rsplit_once('-')).expect("a partition");
        let known = self.harness.state.image().topics.by_text(topic).map_or(id(255), |topic| topic.id.0);
        let partitions = vec![PartitionData { partition_index: index.parse().expect("a partition") }].into();
        let topics = vec![TopicData { topic_id: known, partitions }].into();
        let request = AssignReplicasToDirsRequest {
            broker_id: node.0,
            broker_epoch: self.epoch_of(node, command).0,
            directories: vec![DirectoryData { id: id(command.number("dir", 0)), topics }].into(),
        };
        self.act(
            |context, _, _| assign_directories::decide_assign_directories(context, &request),
            |response| {
                let topics =
                    response.directories.iter().flat_map(|directory| directory.topics.iter().collect::<Vec<_>>());
                let partitions = topics.flat_map(|topic| topic.partitions.iter().collect::<Vec<_>>());
                partitions.map(|answer| ErrorCode::from(answer.error_code).name().to_owned()).collect()
            },
        )
    }

    fn fence_stale(&mut self) -> Vec<String> {
        let mut fenced = Vec::new();
        loop {
            let now = self.now;
            match self.decide(|context, sessions, _| fence::decide_fence_stale(context, sessions, now)) {
                Some(broker) => {
                    self.sessions.forget(broker);
                    fenced.push(format!("over: the session of broker {broker}"));
                }
                None => return fenced,
            }
        }
    }

    fn unregister(&mut self, command: &Command<'_>) -> Vec<String> {
        let node = command.about_node();
        self.act(|context, _, _| unregister::decide_unregister_broker(context, node), |()| vec![])
    }

    fn create_topic(&mut self, command: &Command<'_>) -> Vec<String> {
        let assignments = command.assignments();
        let config = |(name, value): (String, String)| CreatableTopicConfig {
            name: name.into(),
            value: Some(value).filter(|value| value != "null").map(Into::into),
        };
        let first: i32 = command.number("first", 0);
        let topic = CreatableTopic {
            name: command.about.to_owned().into(),
            num_partitions: command.number("partitions", -1),
            replication_factor: command.number("rf", -1),
            assignments: (first..)
                .zip(assignments.unwrap_or_default())
                .map(|(partition_index, ids)| CreatableReplicaAssignment { partition_index, broker_ids: ids.into() })
                .collect(),
            configs: command.pairs("configs").into_iter().map(config).collect(),
        };
        let validate = command.has("validate");
        let shown = command.has("show-configs");
        self.act(
            |context, _, dice| {
                let mut random = || next(dice);
                let topics = if command.has("twice") { vec![topic.clone(), topic] } else { vec![topic] };
                create_topics::decide_create_topics(context, &topics, validate, &|_| shown, &mut random)
            },
            |results| results.iter().flat_map(show::created).collect(),
        )
    }

    fn create_partitions(&mut self, command: &Command<'_>) -> Vec<String> {
        let assignment = |ids: Vec<i32>| CreatePartitionsAssignment { broker_ids: ids.into() };
        let topic = CreatePartitionsTopic {
            name: command.about.to_owned().into(),
            count: command.number("count", 0),
            assignments: command.assignments().map(|lists| lists.into_iter().map(assignment).collect()),
        };
        let validate = command.has("validate");
        self.act(
            |context, _, dice| {
                create_partitions::decide_create_partitions(context, &[topic], validate, &mut || next(dice))
            },
            |replies| show::each(&replies),
        )
    }

    fn delete_topic(&mut self, command: &Command<'_>) -> Vec<String> {
        let known = self.harness.state.image().topics.by_text(command.about).map(|topic| topic.id);
        let ids = [known.unwrap_or(ottla_vocabulary::TopicId(id(255)))];
        self.act(|context, _, _| delete_topics::decide_delete_topics(context, &ids), |replies| show::each(&replies))
    }

    fn alter(&mut self, command: &Command<'_>) -> Vec<String> {
        let mut changes = Vec::new();
        for (verb, rest) in &command.options {
            let (name, value) = rest.split_once(':').unwrap_or((rest, ""));
            let operation = match *verb {
                "set" => Operation::Set(value.replace('+', ",")),
                "append" => Operation::Append(value.replace('+', ",")),
                "subtract" => Operation::Subtract(value.replace('+', ",")),
                "delete" => Operation::Delete,
                _ => continue,
            };
            changes.push(ConfigChange { name: name.to_owned(), operation });
        }
        let resources = [(resource(command.about), changes)];
        let (validate, direct) = (command.has("validate"), command.has("direct"));
        let replies = self
            .decide(|context, _, _| configs::decide_incremental_alter_configs(context, &resources, validate, !direct));
        show::each(&replies)
    }

    fn replace(&mut self, command: &Command<'_>) -> Vec<String> {
        let resources = [(resource(command.about), command.pairs("configs").into_iter().collect())];
        let replies = self.decide(|context, _, _| configs::decide_alter_configs(context, &resources, false, true));
        show::each(&replies)
    }

    fn elect(&mut self, command: &Command<'_>) -> Vec<String> {
        let (topic, index) = command.about.rsplit_once('-').expect("a partition");
        let index = PartitionIndex(index.parse().expect("a partition"));
        let election = if command.has("unclean") { Election::Unclean } else { Election::Preferred };
        let reply: Result<(), Refusal> =
            self.decide(|context, _, _| match elect::elect_leader(context, topic, index, election) {
                Ok(record) => Decision::new(vec![record], Ok(())),
                Err(refused) => Decision::reply(Err(refused)),
            });
        show::each(&[reply])
    }

    fn balance(&mut self) -> Vec<String> {
        let more = self.decide(|context, _, _| elect::decide_balance_leaders(context));
        if more { vec!["more is left".to_owned()] } else { vec![] }
    }

    fn producer_ids(&mut self, command: &Command<'_>) -> Vec<String> {
        let node = command.about_node();
        let epoch = self.epoch_of(node, command);
        self.act(
            |context, _, _| producer_ids::decide_allocate_producer_ids(context, node, epoch),
            |block| vec![format!("ids from {}, {}", block.first.0, block.count)],
        )
    }

    fn feature(&mut self, command: &Command<'_>) -> Vec<String> {
        let upgrade = match () {
            () if command.has("safe") => UpgradeType::SafeDowngrade,
            () if command.has("unsafe") => UpgradeType::UnsafeDowngrade,
            () if command.has("strange") => UpgradeType::from_code(9),
            () => UpgradeType::Upgrade,
        };
        let update = FeatureUpdate { name: command.about.to_owned(), level: command.number("to", 0), upgrade };
        let validate = command.has("validate");
        self.act(|context, _, _| features::decide_update_features(context, &[update], validate), |()| vec![])
    }

    /// The image must come back from a snapshot as it went in.
    fn check_snapshot(&self) {
        let image = self.harness.state.published();
        let id = SnapshotId { end: image.end, epoch: image.epoch };
        let quorum = Quorum { last_record: Timestamp(5), kraft_version: 1, voters: None };
        let mut bytes = Vec::new();
        let mut sink = |batch: &[u8]| {
            bytes.extend_from_slice(batch);
            Ok::<_, ottla_records::BuildError>(())
        };
        write_snapshot(id, image_records(image), image, &quorum, Timestamp(9), &mut sink)
            .expect("a snapshot is written");
        let (read, read_quorum) = read_snapshot(id, &bytes).expect("a snapshot is read");
        assert_eq!(read_quorum, quorum);
        let records = |image| image_records(image).collect::<Vec<_>>();
        assert_eq!(records(read.image()), records(image), "the image survives a snapshot");
    }
}

fn resource(text: &str) -> Resource {
    let (kind, name) = text.split_once('/').expect("topic/NAME, broker/ID, group/NAME or metrics/NAME");
    let kind = match kind {
        "topic" => ResourceType::TOPIC,
        "broker" => ResourceType::BROKER,
        "group" => ResourceType::GROUP,
        "metrics" => ResourceType::CLIENT_METRICS,
        _ => ResourceType(99),
    };
    Resource::new(kind, name)
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state ^ (*state >> 29)
}
