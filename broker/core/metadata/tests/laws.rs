//! Laws of replay, held against random logs of all 27 kinds of records: nothing panics, a record that contradicts the
//! state is refused, an image survives its snapshot, a transaction counts as a whole or not at all.

use ottla_metadata::image::{Image, features::MetadataVersion};
use ottla_metadata::snapshot::{Quorum, image_records, read_snapshot, write_snapshot};
use ottla_metadata::{Metadata, Record, SnapshotId, record_bytes};
use ottla_records::BuildError;
use ottla_replicated::Machine;
use ottla_vocabulary::{Timestamp, Uuid};
use ottla_wire::client_quota_record::EntityData;
use ottla_wire::*;

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
    fn odd(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
    fn id(&mut self) -> Uuid {
        Uuid([self.below(4) as u8; 16])
    }
    fn node(&mut self) -> i32 {
        self.below(3) as i32
    }
    fn nodes<'a>(&mut self) -> Array<'a, i32> {
        (0..self.below(3) as i32).collect()
    }
    fn name(&mut self) -> std::borrow::Cow<'static, str> {
        ["a", "b.c", "b_c", "", "bad name"][self.below(5) as usize].into()
    }
}

/// Any record; of few names and ids, so that they meet.
fn record(dice: &mut Dice) -> Record {
    match dice.below(27) {
        0 => RegisterBrokerRecord {
            broker_id: dice.node(),
            broker_epoch: dice.below(2) as i64,
            incarnation_id: dice.id(),
            fenced: dice.odd(2),
            log_dirs: vec![dice.id()].into(),
            cordoned_log_dirs: dice.odd(2).then(|| vec![].into()),
            rack: dice.odd(2).then(|| "r".into()),
            end_points: vec![register_broker_record::BrokerEndpoint::default()].into(),
            features: vec![register_broker_record::BrokerFeature::default()].into(),
            ..RegisterBrokerRecord::default()
        }
        .into(),
        1 => UnregisterBrokerRecord { broker_id: dice.node(), broker_epoch: dice.below(2) as i64 }.into(),
        2 => TopicRecord { name: dice.name(), topic_id: dice.id() }.into(),
        3 => PartitionRecord {
            partition_id: dice.below(4) as i32 - 1,
            topic_id: dice.id(),
            replicas: dice.nodes(),
            isr: dice.nodes(),
            leader: dice.node() - 1,
            leader_recovery_state: dice.below(3) as i8,
            leader_epoch: [0, i32::MAX][dice.below(2) as usize],
            partition_epoch: 0,
            directories: (0..dice.below(3)).map(|_| dice.id()).collect(),
            ..PartitionRecord::default()
        }
        .into(),
        4 => ConfigRecord {
            resource_type: [2, 4, 8, 16, 32, -7][dice.below(6) as usize],
            resource_name: dice.name(),
            name: dice.name(),
            value: dice.odd(2).then(|| dice.name()),
        }
        .into(),
        5 => PartitionChangeRecord {
            partition_id: dice.below(3) as i32,
            topic_id: dice.id(),
            isr: dice.odd(2).then(|| dice.nodes()),
            leader: dice.node() - 2,
            replicas: dice.odd(3).then(|| dice.nodes()),
            directories: dice.odd(3).then(|| (0..dice.below(3)).map(|_| dice.id()).collect()),
            leader_recovery_state: dice.below(4) as i8 - 1,
            ..PartitionChangeRecord::default()
        }
        .into(),
        6 => FenceBrokerRecord { id: dice.node(), epoch: dice.below(2) as i64 }.into(),
        7 => UnfenceBrokerRecord { id: dice.node(), epoch: dice.below(2) as i64 }.into(),
        8 => RemoveTopicRecord { topic_id: dice.id() }.into(),
        9 => DelegationTokenRecord {
            token_id: dice.name(),
            owner: "o".into(),
            renewers: vec!["r".into()].into(),
            ..DelegationTokenRecord::default()
        }
        .into(),
        10 => UserScramCredentialRecord {
            name: dice.name(),
            mechanism: dice.below(3) as i8,
            salt: b"salt".into(),
            ..UserScramCredentialRecord::default()
        }
        .into(),
        11 => FeatureLevelRecord {
            name: ["metadata.version", "kraft.version", "x"][dice.below(3) as usize].into(),
            feature_level: [0, 1, 7, 33, 34][dice.below(5) as usize],
        }
        .into(),
        12 => {
            let part = |kind: &'static str, name: Option<&'static str>| EntityData {
                entity_type: kind.into(),
                entity_name: name.map(Into::into),
            };
            let both = [part("user", Some("u")), part("client-id", None)];
            let entity = both.into_iter().take(1 + dice.below(2) as usize).collect();
            ClientQuotaRecord { entity, key: "k".into(), value: 1.5, remove: dice.odd(2) }.into()
        }
        13 => ProducerIdsRecord { next_producer_id: dice.below(9000) as i64, ..ProducerIdsRecord::default() }.into(),
        14 => BrokerRegistrationChangeRecord {
            broker_id: dice.node(),
            broker_epoch: dice.below(2) as i64,
            fenced: dice.below(4) as i8 - 1,
            in_controlled_shutdown: dice.below(3) as i8,
            log_dirs: (0..dice.below(2)).map(|_| dice.id()).collect(),
            cordoned_log_dirs: dice.odd(3).then(|| vec![dice.id()].into()),
        }
        .into(),
        15 => {
            AccessControlEntryRecord { id: dice.id(), host: "*".into(), ..AccessControlEntryRecord::default() }.into()
        }
        16 => RemoveAccessControlEntryRecord { id: dice.id() }.into(),
        17 => NoOpRecord {}.into(),
        18 => ZkMigrationStateRecord { zk_migration_state: 1 }.into(),
        19 => RemoveUserScramCredentialRecord { name: dice.name(), mechanism: dice.below(3) as i8 }.into(),
        20 => BeginTransactionRecord { name: dice.odd(2).then(|| "t".into()) }.into(),
        21 => EndTransactionRecord {}.into(),
        22 => AbortTransactionRecord { reason: None }.into(),
        23 => RemoveDelegationTokenRecord { token_id: dice.name() }.into(),
        24 => RegisterControllerRecord { controller_id: dice.node(), ..RegisterControllerRecord::default() }.into(),
        25 => ClearElrRecord { topic_name: dice.name() }.into(),
        _ => UnregisterControllerRecord { controller_id: dice.node() }.into(),
    }
}

fn through_a_snapshot(image: &Image) -> Metadata {
    let id = SnapshotId { end: image.end, epoch: image.epoch };
    let quorum = Quorum { last_record: Timestamp(1), kraft_version: 1, voters: None };
    let mut bytes = Vec::new();
    write_snapshot(id, image_records(image), image, &quorum, Timestamp(2), &mut |batch| {
        bytes.extend_from_slice(batch);
        Ok::<_, BuildError>(())
    })
    .expect("an image can be written");
    read_snapshot(id, &bytes).expect("what was written can be read").0
}

fn records(image: &Image) -> Vec<Record> {
    image_records(image).collect()
}

#[test]
fn random_logs_are_replayed_or_refused_and_survive_a_snapshot() {
    let (mut replayed, mut refused) = (0, 0);
    for seed in 0..400 {
        let mut dice = Dice(seed);
        let mut metadata = Metadata::default();
        let first = FeatureLevelRecord { name: "metadata.version".into(), feature_level: 33 };
        metadata.replay(metadata.image().end, &first.into()).expect("a level that is known");
        for _ in 0..60 {
            let record = record(&mut dice);
            let bytes = record_bytes(&record, MetadataVersion::LATEST);
            assert_eq!(MetadataRecord::from_bytes(&bytes).expect("what was written can be read"), record);
            let mut next = metadata.clone();
            match next.replay(metadata.image().end, &record) {
                Ok(()) => {
                    metadata = next;
                    replayed += 1;
                }
                Err(_) => refused += 1,
            }
        }
        let image = metadata.published();
        let again = through_a_snapshot(image);
        assert_eq!(records(again.image()), records(image), "seed {seed}");
        assert_eq!(again.image().end, image.end);
    }
    assert!(4_000 < replayed && 4_000 < refused, "{replayed} replayed, {refused} refused: the dice are loaded");
}

#[test]
fn a_transaction_counts_as_a_whole_or_not_at_all() {
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let mut metadata = Metadata::default();
        let replay = |metadata: &mut Metadata, record: &Record| {
            let mut next = metadata.clone();
            if next.replay(metadata.image().end, record).is_ok() {
                *metadata = next;
            }
        };
        for _ in 0..20 {
            replay(&mut metadata, &record(&mut dice));
        }
        if metadata.open_transaction().is_some() {
            replay(&mut metadata, &EndTransactionRecord {}.into());
        }
        let before = records(metadata.published());
        replay(&mut metadata, &BeginTransactionRecord::default().into());
        let mut alone = metadata.clone();
        replay(&mut alone, &EndTransactionRecord {}.into());
        for _ in 0..20 {
            let record = record(&mut dice);
            let marker =
                matches!(record, Record::BeginTransaction(_) | Record::EndTransaction(_) | Record::AbortTransaction(_));
            if !marker {
                replay(&mut metadata, &record);
                replay(&mut alone, &record);
            }
            assert_eq!(records(metadata.published()), before, "seed {seed}: nothing shows before the end");
        }
        let mut aborted = metadata.clone();
        replay(&mut aborted, &AbortTransactionRecord::default().into());
        assert_eq!(records(aborted.published()), before, "seed {seed}: nothing is left of it");
        replay(&mut metadata, &EndTransactionRecord {}.into());
        assert_eq!(records(metadata.published()), records(alone.published()), "seed {seed}: all of it counts");
    }
}
