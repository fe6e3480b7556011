//! The same batch, built and read by both sides.

use ottla_records::compression::Compression;
use ottla_records::control::control_batch;
use ottla_records::{BatchOptions, Codec, ControlRecordType, EndTransactionMarker};
use ottla_vocabulary::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::description::describe;
use crate::oracle::Oracle;
use crate::specimens::{Specimen, SpecimenRecord, stored};

/// Both build it; each reads the other's. Uncompressed, the bytes are the same.
fn check(oracle: &mut Oracle, specimen: &Specimen, is_control: bool) {
    let ours = specimen.build();
    let theirs = oracle.build(specimen, is_control, None);
    assert_eq!(oracle.read(&ours), describe(&ours, true), "Kafka reads ours: {specimen:?}");
    assert_eq!(describe(&theirs, false), describe(&ours, false), "we read Kafka's: {specimen:?}");
    if specimen.options.compression.codec == Codec::None {
        assert_eq!(theirs, ours, "bytes: {specimen:?}");
    }
}

fn record(key: Option<&str>, value: Option<&str>, headers: &[(&str, Option<&str>)]) -> SpecimenRecord {
    let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
    SpecimenRecord {
        gap: 0,
        timestamp: Timestamp(1_700_000_000_000),
        key: bytes(key),
        value: bytes(value),
        headers: headers.iter().map(|(key, value)| ((*key).to_owned(), bytes(*value))).collect(),
    }
}

#[test]
fn each_side_reads_what_the_other_builds() {
    let mut oracle = Oracle::start();
    let shapes = [
        vec![record(Some("key"), Some("value"), &[])],
        vec![record(None, Some("value"), &[]), record(Some("key"), None, &[]), record(None, None, &[])],
        vec![record(Some(""), Some(""), &[("", Some("")), ("twice", Some("1")), ("twice", None), ("é", Some("ü"))])],
        vec![SpecimenRecord { value: Some(vec![b'x'; 300_000]), ..record(Some("long"), None, &[]) }],
    ];
    let plain = BatchOptions { partition_leader_epoch: LeaderEpoch(3), base_offset: Offset(5), ..Default::default() };
    let producer = BatchOptions {
        producer_id: ProducerId(4000),
        producer_epoch: ProducerEpoch(2),
        base_sequence: Sequence(i32::MAX),
        ..plain
    };
    let options = [
        plain,
        producer,
        BatchOptions { is_transactional: true, ..producer },
        BatchOptions { append_time: Some(Timestamp(1_800_000_000_000)), ..plain },
        BatchOptions { delete_horizon: Some(Timestamp(1_900_000_000_000)), ..plain },
    ];
    for codec in Codec::ALL {
        for options in options {
            for records in &shapes {
                let options = BatchOptions { compression: Compression::new(codec), ..options };
                check(&mut oracle, &Specimen { options, records: records.clone() }, false);
            }
        }
    }
}

#[test]
fn random_batches_are_read_by_both_sides() {
    let mut oracle = Oracle::start();
    let mut runner = TestRunner::deterministic();
    for _ in 0..150 {
        let specimen = stored().new_tree(&mut runner).unwrap().current();
        check(&mut oracle, &specimen, false);
    }
}

#[test]
fn every_level_is_read_by_both_sides() {
    let mut oracle = Oracle::start();
    let text: Vec<u8> =
        (0..40_000u32).flat_map(|number| format!("{number},flight,{}\n", number % 7).into_bytes()).collect();
    let levels: [(Codec, &[i32]); 3] =
        [(Codec::Gzip, &[-1, 1, 6, 9]), (Codec::Lz4, &[1, 9, 17]), (Codec::Zstd, &[-131_072, -1, 0, 1, 3, 19, 22])];
    for (codec, levels) in levels {
        for level in levels {
            let compression = Compression::with_level(codec, *level);
            let records = vec![SpecimenRecord { value: Some(text.clone()), ..record(None, None, &[]) }; 2];
            let specimen = Specimen { options: BatchOptions { compression, ..Default::default() }, records };
            let ours = specimen.build();
            assert_eq!(oracle.read(&ours), describe(&ours, true), "{codec:?} {level}");
            let theirs = oracle.build(&specimen, false, Some(*level));
            assert_eq!(describe(&theirs, false), describe(&ours, false), "{codec:?} {level}");
        }
    }
}

#[test]
fn control_batches_are_kafkas_byte_for_byte() {
    let mut oracle = Oracle::start();
    let options = BatchOptions {
        base_offset: Offset(77),
        partition_leader_epoch: LeaderEpoch(2),
        producer_id: ProducerId(9),
        producer_epoch: ProducerEpoch(1),
        is_transactional: true,
        ..Default::default()
    };
    for record_type in (0..7).map(ControlRecordType::from_id) {
        let value = EndTransactionMarker { coordinator_epoch: 5 }.to_bytes();
        let ours = control_batch(options, record_type, Timestamp(12), &value).unwrap();
        let record = SpecimenRecord {
            gap: 0,
            timestamp: Timestamp(12),
            key: Some(record_type.key().to_vec()),
            value: Some(value.to_vec()),
            headers: Vec::new(),
        };
        let theirs = oracle.build(&Specimen { options, records: vec![record] }, true, None);
        assert_eq!(theirs, ours, "{record_type:?}");
        assert_eq!(oracle.read(&ours), describe(&ours, true));
    }
}
