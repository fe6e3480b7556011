//! One coordinator over a log on a real disk: what it does when the log is broken, gone, or led by another.

// A test: what cannot be read is a failure.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use ottla_api::group::Answer;
use ottla_api::{Head, Listener, ListenerRole, Peer};
use ottla_commit_log::{Checkpointed, Log, NewBatch};
use ottla_config::{BrokerConfig, Properties};
use ottla_disk::Disk;
use ottla_groups::request::{Commit, Identity, OffsetCommit};
use ottla_groups::{Record, Reply};
use ottla_metadata::Image;
use ottla_records::{BatchBuilder, BatchOptions, batches};
use ottla_vocabulary::{MemberId, Offset, Principal, Timestamp, TopicId, TopicPartition};
use ottla_wire::ApiKey;

use super::*;
use crate::directory_health::DirectoryHealth;
use crate::partition::Role;

const EPOCH: LeaderEpoch = LeaderEpoch(0);

fn at(millis: u64) -> Now {
    Now { instant: Instant::from_millis(millis), wall: Timestamp(1_700_000_000_000 + millis as i64) }
}

fn partition(folder: &Path) -> Arc<Partition<Disk>> {
    let text = "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n\
                controller.listener.names=CONTROLLER\ncontroller.quorum.bootstrap.servers=127.0.0.1:9093\n";
    let (config, _) = BrokerConfig::load(&Properties::parse(text).unwrap()).unwrap();
    let name = TopicPartition::new(TopicName::new("__consumer_offsets").unwrap(), PartitionIndex(0));
    let settings = crate::settings::of_topic(&config, &Image::default(), &name.topic);
    let nothing = Checkpointed::default();
    let log = Log::open(Disk::new(64), folder.to_owned(), Arc::clone(&settings.log), nothing, at(0)).unwrap().0;
    let role = Role { leader: None, is_leader: true, epoch: EPOCH, in_sync: 1, replicas: 1 };
    let health = Arc::new(DirectoryHealth::new(folder));
    Arc::new(Partition::new(name, (0, health), settings, Arc::default(), log, role))
}

fn append(partition: &Partition<Disk>, records: &[(&[u8], Option<&[u8]>)]) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for (key, value) in records {
        builder.push(at(0).wall, Some(key), *value, &[]);
    }
    let bytes = builder.finish().unwrap();
    let batch = batches(&bytes).next().unwrap().unwrap();
    let new = NewBatch { header: *batch.header(), records: batch.records_bytes() };
    let _ = partition.append_own(new, EPOCH, at(0)).unwrap();
}

/// A generation of an empty group, which is read without complaint.
fn group(name: &str) -> (Vec<u8>, Option<Vec<u8>>) {
    let generation = ottla_groups::record::Generation {
        protocol_type: "consumer".to_owned(),
        number: 3,
        protocol: None,
        leader: None,
        since: None,
        members: Vec::new(),
    };
    Record::Group { group: GroupId::new(name), generation: Some(generation) }.to_bytes().unwrap()
}

fn hosted(partition: &Arc<Partition<Disk>>) -> Hosted<Disk> {
    Hosted::new(Settings::default(), 1 << 20, Arc::clone(partition), EPOCH)
}

/// Whom a reply goes to who is nobody.
fn somebody() -> To {
    let listener = Arc::new(Listener { name: "PLAINTEXT".to_owned(), role: ListenerRole::Broker });
    let peer = Peer { principal: Principal::anonymous(), address: ([127, 0, 0, 1], 40_000).into(), listener };
    let head = Head { api: ApiKey::Heartbeat, version: 4, correlation_id: 1, throttle_ms: 0 };
    let late = Late { head, peer, client_id: None };
    To { gathering: Gathering::new(Token(1), late, Answer::Heartbeat, 1), place: 0 }
}

/// What a coordinator tells of its groups, by name.
fn names(told: Told) -> Result<Vec<String>, ErrorCode> {
    match told? {
        Reply::List(groups) => Ok(groups.into_iter().map(|one| one.group.to_string()).collect()),
        other => panic!("{other:?}"),
    }
}

/// What a commit of an offset comes to, when it is answered at once.
fn commit(hosted: &mut Hosted<Disk>, now: Now) -> Option<Told> {
    let who = Identity { group: GroupId::new("simple"), member: MemberId::new(""), instance: None, generation: -1 };
    let place = ottla_groups::request::Partition {
        topic: TopicName::new("t").unwrap(),
        topic_id: TopicId::default(),
        partition: PartitionIndex(0),
    };
    let offset = Commit { offset: Offset(1), leader_epoch: LeaderEpoch::NONE, metadata: String::new() };
    let commit = OffsetCommit { who, retention: None, knows_group_not_found: true, offsets: vec![(place, offset)] };
    let mut done = Done::default();
    hosted.ask(now, Request::OffsetCommit(commit), somebody(), &mut done);
    done.answered.pop().and_then(|mut one| one.told.pop())
}

#[test]
fn a_coordinator_that_has_resigned_answers_nobody_who_came_too_late() {
    let folder = tempfile::tempdir().unwrap();
    let partition = partition(folder.path());
    let mut hosted = hosted(&partition);
    assert!(matches!(commit(&mut hosted, at(1)), Some(Ok(Reply::OffsetCommit(_)))));
    assert_eq!(names(hosted.list(at(1), &mut Done::default())), Ok(vec!["simple".to_owned()]));
    hosted.resign(at(2), &mut Done::default());
    assert!(matches!(commit(&mut hosted, at(3)), Some(Err(ErrorCode::NotCoordinator))));
    assert_eq!(names(hosted.list(at(3), &mut Done::default())), Err(ErrorCode::NotCoordinator));
    assert!(hosted.begin_load(at(3)).is_none());
    assert_eq!(hosted.next_due(), None);
}

#[test]
fn a_coordinator_without_its_log_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let partition = partition(folder.path());
    let (mut loaded, mut new) = (hosted(&partition), hosted(&partition));
    assert!(matches!(commit(&mut loaded, at(0)), Some(Ok(Reply::OffsetCommit(_)))));
    partition.lock().log = None;
    assert!(matches!(commit(&mut loaded, at(1)), Some(Err(ErrorCode::NotCoordinator))));
    assert!(matches!(commit(&mut new, at(1)), Some(Err(ErrorCode::NotCoordinator))));
}

#[test]
fn groups_in_a_log_that_is_broken_have_no_coordinator_until_it_is_whole_again() {
    let folder = tempfile::tempdir().unwrap();
    let partition = partition(folder.path());
    for name in ["first", "second"] {
        let (key, value) = group(name);
        append(&partition, &[(&key, value.as_deref())]);
    }
    let file = folder.path().join("00000000000000000000.log");
    let whole = std::fs::read(&file).unwrap();
    let at_name = whole.windows(6).position(|bytes| bytes == b"second").unwrap();
    let mut broken = whole.clone();
    broken[at_name] ^= 1;
    std::fs::write(&file, &broken).unwrap();

    let mut hosted = hosted(&partition);
    assert_eq!(
        names(hosted.list(at(0), &mut Done::default())),
        Err(ErrorCode::NotCoordinator),
        "not the first alone, nor one named otherwise"
    );
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(
        names(hosted.list(at(9_999), &mut Done::default())),
        Err(ErrorCode::NotCoordinator),
        "it is not read for everybody who asks"
    );
    assert_eq!(names(hosted.list(at(10_000), &mut Done::default())), Ok(vec!["first".to_owned(), "second".to_owned()]));
}

#[test]
fn a_record_of_an_unknown_kind_is_left_where_it_is_and_a_broken_one_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let partition = partition(folder.path());
    let (key, value) = group("known");
    append(&partition, &[(&[0, 99, 1, 2, 3], Some(b"of a newer Kafka")), (&key, value.as_deref())]);
    assert_eq!(names(hosted(&partition).list(at(0), &mut Done::default())), Ok(vec!["known".to_owned()]));
    append(&partition, &[(&key, Some(&[0, 99]))]);
    assert_eq!(names(hosted(&partition).list(at(0), &mut Done::default())), Err(ErrorCode::NotCoordinator));
}

#[test]
fn a_large_partition_is_read_without_its_lock_and_whoever_asks_meanwhile_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let partition = partition(folder.path());
    let topic = TopicName::new("t").unwrap();
    assert!(commit(&mut hosted(&partition), at(0)).is_some());
    let coordinators = Coordinators::new(Settings::default(), 1);
    coordinators.lead(at(0), &partition, EPOCH);
    let hosted = coordinators.at(PartitionIndex(0)).unwrap();
    let list = |now| names(hosted.lock().list(now, &mut Done::default()));
    assert_eq!(list(at(1)), Err(ErrorCode::CoordinatorLoadInProgress));
    let loading = hosted.lock().begin_load(at(1)).unwrap();
    assert!(!coordinators.load_one(at(1)), "somebody reads it");
    assert_eq!(list(at(2)), Err(ErrorCode::CoordinatorLoadInProgress));
    coordinators.on_topics_deleted(at(3), &[topic]);
    let outcome = loading.run();
    assert!(hosted.lock().end_load(at(1), outcome));
    assert!(coordinators.next_due().is_some_and(|due| due <= at(1).instant), "it is waited for to begin");
    let before = partition.lock().log.as_ref().map(Log::log_end).unwrap();
    coordinators.tick(at(60_000));
    assert_eq!(
        partition.lock().log.as_ref().map(Log::log_end).unwrap(),
        before.next(),
        "the deleted topic's offset goes"
    );
    assert!(coordinators.next_due().is_some_and(|due| at(60_000).instant < due), "its time counts from then");
    assert_eq!(list(at(60_001)), Ok(Vec::new()));
}

#[test]
fn nobody_who_keeps_deadlines_waits_for_a_coordinator_that_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let coordinators = Coordinators::new(Settings::default(), 1 << 20);
    coordinators.lead(at(0), &partition(folder.path()), EPOCH);
    assert!(coordinators.load_one(at(0)));
    let hosted = coordinators.at(PartitionIndex(0)).unwrap();
    let busy = hosted.lock();
    assert_eq!(coordinators.next_due(), None);
    coordinators.tick(at(1));
    drop(busy);
    assert!(coordinators.next_due().is_some());
}
