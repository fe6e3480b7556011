//! What a producer sends, given to Kafka's log and to ours: the same bytes stored, or the same refusal.
//!
//! Where we differ on purpose, `verdict` says so; every other difference fails.

use ottla_records::validate::Problem;
use ottla_records::{
    Attributes, BatchError, BatchHeader, BatchOptions, Codec, Compression, Decompressor, HEADER_BYTES, ProduceRules,
    Refusal, Rejection, TimestampType, patch, validate_produce,
};
use ottla_vocabulary::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::description::describe;
use crate::oracle::{LEADER_EPOCH, LOG_START, Oracle, Produced};
use crate::specimens::{Specimen, SpecimenRecord, produced};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const PARTITION: &str = "checked-0";
const UNKNOWN_SERVER_ERROR: i16 = -1;

/// What we do with it, in the oracle's terms.
fn ours(bytes: &[u8], rules: &ProduceRules) -> Result<(Vec<u8>, bool), Refusal> {
    let valid = validate_produce(bytes, rules, NOW, &mut Decompressor::new())?;
    let mut header = valid.header.to_bytes();
    patch::place(&mut header, Offset(LOG_START), LeaderEpoch(LEADER_EPOCH));
    Ok(([&header[..], &valid.records].concat(), valid.is_unchanged()))
}

/// Both sides do the same, or what is told here.
fn check(oracle: &mut Oracle, case: &str, bytes: &[u8], rules: &ProduceRules) {
    let theirs = oracle.produce(bytes, rules, NOW);
    match (ours(bytes, rules), theirs) {
        (Ok((ours, true)), Produced::Stored(theirs)) => assert_eq!(ours, theirs, "{case}: stored bytes"),
        (Ok((ours, false)), Produced::Stored(theirs)) => {
            assert_eq!(describe(&ours, false), describe(&theirs, false), "{case}: rebuilt batch");
        }
        (Err(ours), Produced::Refused { code, message, records }) => {
            check_refusal(case, &ours, code, &message, &records);
        }
        (Ok(_), theirs) => panic!("{case}: we store it, Kafka says {theirs:?}"),
        (Err(ours), Produced::Stored(_)) => {
            assert!(is_stricter(&ours), "{case}: Kafka stores it, we say {ours}");
        }
    }
}

fn check_refusal(case: &str, ours: &Refusal, code: i16, message: &str, records: &[String]) {
    if code == UNKNOWN_SERVER_ERROR {
        // A codec that throws: Kafka answers as if it were its own fault.
        let named = [Rejection::InvalidRecord, Rejection::UnsupportedCompressionType];
        assert!(named.contains(&ours.rejection()), "{case}: {ours}, Kafka {message}");
        return;
    }
    assert_eq!(ours.rejection().code(), code, "{case}: {ours}, Kafka {message}");
    let records: Vec<String> = records.iter().map(|record| without_class(record)).collect();
    let named: Vec<String> =
        ours.records.iter().map(|record| format!("{}: {}", record.index, record.message(&PARTITION))).collect();
    assert_eq!(named, records, "{case}");
    // What is unreadable we tell in words of our own, and Kafka's sentence about the size has a slip of the pen.
    if !matches!(ours.problem, Problem::Unreadable(_) | Problem::LinkedBlocks | Problem::TooLarge { .. }) {
        assert_eq!(ours.message(&PARTITION), message, "{case}");
    }
}

/// The message of a record's refusal without what Java prints for the record: it is named by its number already.
fn without_class(record: &str) -> String {
    match (record.split_once(':'), record.split_once(" message "), record.split_once("). ")) {
        (Some((index, _)), Some((before, after)), Some((_, rest))) if after.contains("DefaultRecord(") => {
            format!("{before} message {index}. {rest}")
        }
        _ => record.to_owned(),
    }
}

/// What Kafka stores and we refuse: no client sends it, and some client could not read it.
fn is_stricter(refusal: &Refusal) -> bool {
    match &refusal.problem {
        // Java stops at the last record or at the frame's end, others read on.
        Problem::Unreadable(BatchError::Decompress(_) | BatchError::Trailing { .. }) => true,
        // Kafka's log then holds records that contradict their header.
        other => matches!(other, Problem::OffsetGap { .. }),
    }
}

fn specimen(options: BatchOptions, keys: &[Option<&str>]) -> Specimen {
    let record = |key: &Option<&str>| SpecimenRecord {
        gap: 0,
        timestamp: NOW,
        key: key.map(|key| key.as_bytes().to_vec()),
        value: Some(b"value value value value".to_vec()),
        headers: Vec::new(),
    };
    Specimen { options, records: keys.iter().map(record).collect() }
}

fn three(codec: Codec) -> Specimen {
    let options = BatchOptions { compression: Compression::new(codec), ..Default::default() };
    specimen(options, &[Some("a"), None, Some("c")])
}

/// The bytes with another header, summed anew.
fn with_header(bytes: &[u8], change: impl FnOnce(&mut BatchHeader)) -> Vec<u8> {
    let mut header = BatchHeader::parse(bytes).expect("a header");
    change(&mut header);
    header.seal(&bytes[HEADER_BYTES..]);
    [&header.to_bytes(), &bytes[HEADER_BYTES..]].concat()
}

#[test]
fn headers_are_judged_as_kafka_judges_them() {
    let mut oracle = Oracle::start();
    let rules = ProduceRules::default();
    type Change = fn(&mut BatchHeader);
    let changes: [(&str, Change); 20] = [
        ("nothing", |_| {}),
        ("base offset", |header| header.base_offset = Offset(3)),
        ("leader epoch", |header| header.partition_leader_epoch = LeaderEpoch(99)),
        ("no records", |header| (header.records_count, header.last_offset_delta) = (0, -1)),
        ("negative count", |header| header.records_count = -3),
        ("count over range", |header| header.records_count = 4),
        ("range over count", |header| header.last_offset_delta = 3),
        ("one too few", |header| (header.records_count, header.last_offset_delta) = (2, 1)),
        ("one too many", |header| (header.records_count, header.last_offset_delta) = (4, 3)),
        ("control", |header| header.attributes = header.attributes.with_control(true)),
        ("no sequence", |header| header.producer_id = ProducerId(5)),
        ("a producer's first", |header| (header.producer_id, header.base_sequence) = (ProducerId(5), Sequence(0))),
        ("transactional without producer", |header| header.attributes = header.attributes.with_transactional(true)),
        ("delete horizon", |header| header.attributes = header.attributes.with_delete_horizon(true)),
        ("transactional", |header| {
            header.attributes = header.attributes.with_transactional(true);
            (header.producer_id, header.base_sequence) = (ProducerId(5), Sequence(7));
            header.producer_epoch = ProducerEpoch(3);
        }),
        ("negative producer id", |header| (header.producer_id, header.base_sequence) = (ProducerId(-2), Sequence(-9))),
        ("wrong max timestamp", |header| header.max_timestamp = Timestamp(1)),
        ("old base timestamp", |header| header.base_timestamp = Timestamp(-7)),
        ("far base timestamp", |header| header.base_timestamp = Timestamp(i64::MAX)),
        ("unused attributes", |header| header.attributes = Attributes(header.attributes.0 | 0x4f00)),
    ];
    for codec in Codec::ALL {
        let bytes = three(codec).build();
        for (case, change) in changes {
            let bytes = with_header(&bytes, change);
            check(&mut oracle, &format!("{codec:?}, {case}"), &bytes, &rules);
        }
        let stamped = with_header(&bytes, |header| {
            header.attributes = header.attributes.with_timestamp_type(TimestampType::LogAppendTime);
        });
        check(&mut oracle, "stamped by the producer", &stamped, &rules);
        let no_time = with_header(&stamped, |header| header.max_timestamp = Timestamp(-1));
        check(&mut oracle, "stamped without a time", &no_time, &rules);
        let appended = ProduceRules { timestamp_type: TimestampType::LogAppendTime, ..rules };
        check(&mut oracle, "stamped by both", &stamped, &appended);
    }
}

#[test]
fn bytes_around_the_batch_are_judged_as_kafka_judges_them() {
    let mut oracle = Oracle::start();
    let rules = ProduceRules::default();
    let batch = three(Codec::None).build();
    let mut flipped = batch.clone();
    flipped[70] ^= 1;
    let patched = |at: usize, patch: &[u8]| {
        let mut bytes = batch.clone();
        bytes[at..at + patch.len()].copy_from_slice(patch);
        bytes
    };
    let cases: [(&str, Vec<u8>); 15] = [
        ("nothing", Vec::new()),
        ("a few bytes", batch[..11].to_vec()),
        ("half a header", batch[..30].to_vec()),
        ("all but a byte", batch[..batch.len() - 1].to_vec()),
        ("two batches", [&batch[..], &batch].concat()),
        ("a cut one after it", [&batch[..], &batch[..40]].concat()),
        ("little after it", [&batch[..], &[0; 5]].concat()),
        ("zeros after it", [&batch[..], &[0; 100]].concat()),
        ("flipped bit", flipped),
        ("magic 0", patched(16, &[0])),
        ("magic 1", patched(16, &[1])),
        ("magic 3", patched(16, &[3])),
        ("magic -1", patched(16, &[0xff])),
        ("length 40", patched(8, &40_i32.to_be_bytes())),
        ("negative length", patched(8, &(-5_i32).to_be_bytes())),
    ];
    for (case, bytes) in cases {
        check(&mut oracle, case, &bytes, &rules);
    }
    let unknown = with_header(&batch, |header| header.attributes = Attributes(5));
    check(&mut oracle, "unknown codec", &unknown, &rules);
}

#[test]
fn rules_of_the_topic_are_kafkas() {
    let mut oracle = Oracle::start();
    let plain = ProduceRules::default();
    let batch = |codec| three(codec).build();
    let size = |codec| batch(codec).len() as i32;
    for codec in Codec::ALL {
        let mut rules = vec![
            ("compacted", ProduceRules { is_compacted: true, ..plain }),
            ("append time", ProduceRules { timestamp_type: TimestampType::LogAppendTime, ..plain }),
            ("just fits", ProduceRules { max_message_bytes: size(codec), ..plain }),
            ("just too large", ProduceRules { max_message_bytes: size(codec) - 1, ..plain }),
            ("small records", ProduceRules { max_decompressed_message_bytes: 20, ..plain }),
            ("produce 6", ProduceRules { produce_version: 6, ..plain }),
            ("produce 3", ProduceRules { produce_version: 3, ..plain }),
        ];
        for target in Codec::ALL {
            let compression = Some(Compression::new(target));
            let timestamp_type = TimestampType::LogAppendTime;
            rules.push(("other codec", ProduceRules { compression, ..plain }));
            rules.push(("other codec, append time", ProduceRules { compression, timestamp_type, ..plain }));
            rules.push(("other codec, compacted", ProduceRules { compression, is_compacted: true, ..plain }));
        }
        for (case, rules) in rules {
            check(&mut oracle, &format!("{codec:?}, {case}, {rules:?}"), &batch(codec), &rules);
        }
        for late in [-10_001, -10_000, 0, 10_000, 10_001] {
            let mut specimen = three(codec);
            specimen.records[1].timestamp = Timestamp(NOW.0 + late);
            let rules = ProduceRules { timestamp_before_max_ms: 10_000, timestamp_after_max_ms: 10_000, ..plain };
            check(&mut oracle, &format!("{codec:?}, {late} ms late"), &specimen.build(), &rules);
            let compacted = ProduceRules { is_compacted: true, ..rules };
            check(&mut oracle, &format!("{codec:?}, {late} ms late, compacted"), &specimen.build(), &compacted);
        }
    }
}

#[test]
fn gaps_in_the_offsets_are_refused() {
    let mut oracle = Oracle::start();
    for codec in Codec::ALL {
        let mut gaps = three(codec);
        gaps.records[1].gap = 5;
        let bytes = with_header(&gaps.build(), |header| header.last_offset_delta = 2);
        check(&mut oracle, &format!("{codec:?}"), &bytes, &ProduceRules::default());
        let refusal = ours(&bytes, &ProduceRules::default()).unwrap_err();
        assert_eq!(refusal.problem, Problem::OffsetGap { index: 1 }, "{codec:?}");
    }
}

#[test]
fn random_batches_are_judged_as_kafka_judges_them() {
    let mut oracle = Oracle::start();
    let mut runner = TestRunner::deterministic();
    let rules = (any::<bool>(), prop::option::weighted(0.3, crate::specimens::codecs()), any::<bool>(), 3..14_i16)
        .prop_map(|(is_compacted, target, stamps, produce_version)| ProduceRules {
            is_compacted,
            compression: target.map(Compression::new),
            timestamp_type: if stamps { TimestampType::LogAppendTime } else { TimestampType::CreateTime },
            produce_version,
            ..ProduceRules::default()
        });
    // Which byte of the records becomes what; the sum is made anew, so that what is inside is judged.
    let damage = prop::option::weighted(0.7, (any::<prop::sample::Index>(), any::<u8>()));
    let cases = (produced(NOW), rules, damage);
    for number in 0..400 {
        let (specimen, rules, damage) = cases.new_tree(&mut runner).unwrap().current();
        let mut bytes = specimen.build();
        if let Some((at, byte)) = damage {
            let at = HEADER_BYTES + at.index(bytes.len() - HEADER_BYTES);
            bytes[at] = byte;
            bytes = with_header(&bytes, |_| {});
        }
        check(&mut oracle, &format!("case {number}"), &bytes, &rules);
    }
}
