//! The group protocol as scripts: each file in `scenarios/` is commands (`> …`) and, below each, everything that came of it.
//! They are the protocol's documentation, and they are run: a line that differs is a failure, and
//! `OTTLA_ACCEPT=1 cargo test -p ottla-groups` writes what happened, to be read as a diff.
//!
//! After every command the law of replicated state is checked: what the log says, replayed, is what the shard keeps.

// A test: what cannot be read is a failure.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use ottla_groups::record::Generation;
use ottla_groups::request::{Commit, Identity, Join, Leaving, OffsetCommit, Partition, Protocol, Sync};
use ottla_groups::{Action, Record, Reply, Request, Settings, Shard};
use ottla_replicated::Machine;
use ottla_vocabulary::{
    Duration, GroupId, Instant, LeaderEpoch, MemberId, Now, Offset, PartitionIndex, Timestamp, TopicId, TopicName,
};
use ottla_wire::ErrorCode;

#[test]
fn scenarios_come_out_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let written = std::fs::read_to_string(&file).unwrap();
        let happened = run(&written);
        if std::env::var_os("OTTLA_ACCEPT").is_some() {
            std::fs::write(&file, &happened).unwrap();
        } else {
            assert!(happened == written, "{} comes out as\n{happened}", file.display());
        }
    }
}

/// Runs the commands of a script and gives the script with what came of them.
fn run(script: &str) -> String {
    let mut world = World::new();
    let mut text = String::new();
    for line in script.lines() {
        if line.starts_with('#') || line.is_empty() {
            writeln!(text, "{line}").unwrap();
        } else if let Some(command) = line.strip_prefix("> ") {
            writeln!(text, "{line}").unwrap();
            world.obey(command);
            for happened in world.happened.drain(..) {
                writeln!(text, "  {happened}").unwrap();
            }
            world.check_law();
        }
    }
    text
}

struct World {
    shard: Shard<String>,
    settings: Settings,
    now: Now,
    log: Vec<Record>,
    happened: Vec<String>,
    append_fails: Option<ErrorCode>,
    requests: usize,
    uniques: usize,
}

impl World {
    fn new() -> World {
        let now = Now { instant: Instant::from_millis(0), wall: Timestamp(1_000_000) };
        let settings = Settings::default();
        let mut shard = Shard::new(settings.clone());
        shard.on_loaded(now);
        World {
            shard,
            settings,
            now,
            log: Vec::new(),
            happened: Vec::new(),
            append_fails: None,
            requests: 0,
            uniques: 0,
        }
    }

    fn obey(&mut self, command: &str) {
        let words: Vec<&str> = command.split(' ').collect();
        let value =
            |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned);
        let number = |name: &str, default: i32| value(name).map_or(default, |text| text.parse().unwrap());
        let group = GroupId::new(&value("group").unwrap_or("g".to_owned()));
        let member = MemberId::new(&value("member").unwrap_or_default());
        let identity = || Identity {
            group: group.clone(),
            member: member.clone(),
            instance: value("instance"),
            generation: number("generation", -1),
        };
        let request = match words[0] {
            "join" => {
                self.uniques += 1;
                Request::Join(Join {
                    group: group.clone(),
                    member: member.clone(),
                    instance: value("instance"),
                    client_id: value("client").unwrap_or("c".to_owned()),
                    client_host: "/127.0.0.1".to_owned(),
                    protocol_type: value("type").unwrap_or("consumer".to_owned()),
                    protocols: protocols(&value("protocols").unwrap_or("range:s".to_owned())),
                    session_timeout: Duration::from_millis(number("session", 10_000) as u64),
                    rebalance_timeout: Duration::from_millis(number("rebalance", 60_000) as u64),
                    asks_for_id_first: value("version").is_none_or(|version| version != "3"),
                    can_skip_assignment: value("version").is_some_and(|version| version == "9"),
                    unique: format!("u{}", self.uniques),
                })
            }
            "sync" => Request::Sync(Sync {
                who: identity(),
                protocol_type: value("type"),
                protocol_name: value("protocol"),
                assignments: pairs(&value("assign").unwrap_or_default())
                    .map(|(member, assignment)| (MemberId::new(member), assignment.as_bytes().to_vec()))
                    .collect(),
            }),
            "beat" => Request::Heartbeat(identity()),
            "leave" => Request::Leave {
                group: group.clone(),
                members: vec![Leaving { member: member.clone(), instance: value("instance") }],
            },
            "commit" => Request::OffsetCommit(OffsetCommit {
                who: identity(),
                retention: value("retention").map(|millis| Duration::from_millis(millis.parse().unwrap())),
                knows_group_not_found: value("version").is_some_and(|version| version == "9"),
                offsets: pairs(&value("offsets").unwrap())
                    .map(|(place, offset)| {
                        let commit = Commit {
                            offset: Offset(offset.parse().unwrap()),
                            leader_epoch: LeaderEpoch(0),
                            metadata: value("metadata").map(repeated).unwrap_or_default(),
                        };
                        (partition(place), commit)
                    })
                    .collect(),
            }),
            "fetch" => {
                let partitions = value("partitions").map(|places| places.split(',').map(partition).collect());
                Request::OffsetFetch { group: group.clone(), partitions }
            }
            "forget" => {
                let partitions = value("partitions").unwrap().split(',').map(partition).collect();
                Request::OffsetDelete { group: group.clone(), partitions }
            }
            "delete" => Request::Delete { group: group.clone() },
            "describe" => Request::Describe { group: group.clone() },
            "list" => Request::List,
            "wait" => return self.wait(words[1].parse().unwrap()),
            "topic-deleted" => {
                let actions = self.shard.on_topics_deleted(&[TopicName::new(words[1]).unwrap()]);
                return self.act(actions);
            }
            "next-append-fails" => {
                self.append_fails = Some(ErrorCode::KafkaStorageError);
                return;
            }
            "restart" => {
                if let Some(size) = value("size-max") {
                    self.settings.size_max = size.parse().unwrap();
                }
                return self.restart();
            }
            // Kafka writes a group down when its first member joins, before there is a generation.
            "kafka-wrote-empty" => {
                let generation = Generation {
                    protocol_type: "consumer".to_owned(),
                    number: 0,
                    protocol: None,
                    leader: None,
                    since: Some(self.now.wall),
                    members: Vec::new(),
                };
                self.log.push(Record::Group { group, generation: Some(generation) });
                return self.restart();
            }
            other => panic!("no command {other}"),
        };
        self.requests += 1;
        let to = format!("{}#{}", words[0], self.requests);
        let actions = self.shard.on_request(self.now, request, to);
        self.act(actions);
    }

    /// Carries out what the shard asks for, as a node does.
    fn act(&mut self, actions: Vec<Action<String>>) {
        for action in actions {
            match action {
                Action::Reply { to, reply } => self.happened.push(format!("{to}: {}", show(&reply))),
                Action::Append { records, then } => {
                    let more = if let Some(error) = self.append_fails.take() {
                        self.happened.push("append fails".to_owned());
                        self.shard.on_append_failed(self.now, error, then)
                    } else {
                        self.happened.extend(records.iter().map(|record| format!("log {}", show_record(record))));
                        let offset = Offset(self.log.len() as i64);
                        self.log.extend(records.iter().cloned());
                        self.shard.on_appended(self.now, offset, &records, then)
                    };
                    self.act(more);
                }
            }
        }
    }

    /// Lets time pass, stopping wherever something falls due.
    fn wait(&mut self, millis: u64) {
        let end = self.now.instant + Duration::from_millis(millis);
        let mut at_once = 0;
        while let Some(due) = self.shard.next_due().filter(|due| *due <= end) {
            at_once = if due <= self.now.instant { at_once + 1 } else { 0 };
            assert!(at_once < 10, "a timer is due again and again");
            self.advance(due.max(self.now.instant));
            let actions = self.shard.on_time(self.now);
            self.act(actions);
        }
        self.advance(end);
    }

    fn advance(&mut self, instant: Instant) {
        self.now.wall.0 += instant.since(self.now.instant).as_millis() as i64;
        self.now.instant = instant;
    }

    /// The coordinator moves: whoever waits is sent away, and another shard reads the log.
    fn restart(&mut self) {
        let actions = self.shard.on_leadership_lost(self.now);
        self.act(actions);
        self.shard = self.replayed();
        self.shard.on_loaded(self.now);
    }

    fn replayed(&self) -> Shard<String> {
        let mut shard = Shard::new(self.settings.clone());
        for (offset, record) in self.log.iter().enumerate() {
            let (key, value) = record.to_bytes().unwrap();
            let read = Record::from_bytes(&key, value.as_deref()).unwrap();
            assert_eq!(&read, record);
            shard.replay(Offset(offset as i64), &read).unwrap();
        }
        shard
    }

    fn check_law(&mut self) {
        let (kept, mut replayed) = (self.shard.kept(), self.replayed().kept());
        // While a group is between two generations, the log still tells of the last one.
        let settled = |record: &Record| match record {
            Record::Group { group, .. } => {
                kept.iter().any(|one| matches!(one, Record::Group { group: same, .. } if same == group))
            }
            _ => true,
        };
        replayed.retain(settled);
        assert_eq!(kept, replayed, "replaying the log gives what the shard keeps");
    }
}

fn protocols(text: &str) -> Vec<Protocol> {
    pairs(text)
        .map(|(name, metadata)| Protocol { name: name.to_owned(), metadata: metadata.as_bytes().to_vec() })
        .collect()
}

fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(',').filter(|pair| !pair.is_empty()).map(|pair| pair.rsplit_once(':').unwrap())
}

/// `e*3` stands for `eee`.
fn repeated(text: String) -> String {
    match text.split_once('*') {
        Some((unit, count)) => unit.repeat(count.parse().unwrap()),
        None => text,
    }
}

fn partition(text: &str) -> Partition {
    let (topic, partition) = text.rsplit_once('-').unwrap();
    let topic = TopicName::new(topic).unwrap();
    Partition { topic, topic_id: TopicId::default(), partition: PartitionIndex(partition.parse().unwrap()) }
}

fn show(reply: &Reply) -> String {
    let place = |partition: &Partition| format!("{}-{}", partition.topic, partition.partition);
    match reply {
        Reply::Join(joined) if joined.error != ErrorCode::None => {
            format!("{:?} member={}", joined.error, joined.member)
        }
        Reply::Join(joined) => {
            let members: Vec<String> =
                joined.members.iter().map(|one| format!("{}:{}", one.member, text(&one.metadata))).collect();
            let skip = if joined.skip_assignment { " skip-assignment" } else { "" };
            format!(
                "generation={} protocol={} leader={} member={} members=[{}]{skip}",
                joined.generation,
                joined.protocol_name.as_deref().unwrap_or("-"),
                joined.leader,
                joined.member,
                members.join(" ")
            )
        }
        Reply::Sync(synced) if synced.error != ErrorCode::None => format!("{:?}", synced.error),
        Reply::Sync(synced) => format!("assignment={}", text(&synced.assignment)),
        Reply::Heartbeat(code) | Reply::Delete(code) => format!("{code:?}"),
        Reply::Leave(Err(code)) => format!("{code:?}"),
        Reply::Leave(Ok(members)) => list(members, |(_, code)| format!("{code:?}")),
        Reply::OffsetCommit(answers) => list(answers, |(partition, code)| format!("{} {code:?}", place(partition))),
        Reply::OffsetDelete(Err(code)) | Reply::OffsetFetch(Err(code)) => format!("{code:?}"),
        Reply::OffsetDelete(Ok(answers)) => list(answers, |(partition, code)| format!("{} {code:?}", place(partition))),
        Reply::OffsetFetch(Ok(answers)) => list(answers, |(partition, committed)| {
            let offset = committed.as_ref().map_or("-".to_owned(), |one| one.offset.to_string());
            format!("{}={offset}", place(partition))
        }),
        Reply::Describe(group) => {
            let members = list(&group.members, |one| format!("{}:{}", one.member, text(&one.assignment)));
            format!(
                "{:?} {} type={} protocol={} [{members}]",
                group.error, group.state, group.protocol_type, group.protocol
            )
        }
        Reply::List(groups) => list(groups, |one| format!("{} {} type={}", one.group, one.state, one.protocol_type)),
    }
}

fn show_record(record: &Record) -> String {
    match record {
        Record::Offset { group, topic, partition, committed } => {
            let offset = committed.as_ref().map_or("forgotten".to_owned(), |one| one.offset.to_string());
            format!("{group} {topic}-{partition} {offset}")
        }
        Record::Group { group, generation: None } => format!("{group} forgotten"),
        Record::Group { group, generation: Some(kept) } => {
            let members = list(&kept.members, |one| format!("{}:{}", one.member, text(&one.assignment)));
            format!("{group} generation={} [{members}]", kept.number)
        }
        Record::Foreign { .. } | Record::Other => "a record of another kind".to_owned(),
    }
}

fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    if items.is_empty() { "nothing".to_owned() } else { items.iter().map(show).collect::<Vec<_>>().join(", ") }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
