//! Laws of batches, and input that is cut, flipped or random: an error or a right answer, never a panic.

mod specimens;

use ottla_records::validate::{Problem, Rejection, refusal};
use ottla_records::{
    BatchBuilder, BatchError, BatchHeader, BatchOptions, BatchView, Codec, Compression, Decompressor, HEADER_BYTES,
    ProduceRules, TimestampType, batches, validate_produce,
};
use ottla_vocabulary::{Offset, Timestamp};
use proptest::prelude::*;

use specimens::{codecs, produced, stored};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const BYTES_MAX: usize = 64 << 20;

/// Everything that reads, over anything.
fn read_all(bytes: &[u8]) {
    let mut decompressor = Decompressor::new();
    for batch in batches(bytes).flatten() {
        let _ = batch.check_crc();
        if let Ok(records) = batch.records(&mut decompressor, BYTES_MAX) {
            records.flatten().for_each(|record| assert_eq!(record.headers.iter().count(), record.headers.len()));
        }
    }
    let _ = validate_produce(bytes, &ProduceRules::default(), NOW, &mut decompressor);
}

/// Rules under which a batch of any size is taken: uncompressed, some specimens are larger than the default allows.
fn any_size() -> ProduceRules {
    ProduceRules { max_message_bytes: i32::MAX, ..ProduceRules::default() }
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Ok(mut header) = BatchHeader::parse(&bytes) {
        header.seal(&bytes[HEADER_BYTES..]);
        bytes[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
    }
    bytes
}

proptest! {
    #[test]
    fn what_is_built_is_walked(specimen in stored()) {
        let bytes = specimen.build();
        let batch = BatchView::parse(&bytes).unwrap();
        prop_assert_eq!(batch.bytes(), &bytes[..]);
        batch.check_crc().unwrap();

        let mut decompressor = Decompressor::new();
        let mut records = batch.records(&mut decompressor, BYTES_MAX).unwrap();
        for (offset, expected) in specimen.placed() {
            let record = records.next().unwrap().unwrap();
            prop_assert_eq!(record.offset, offset);
            prop_assert_eq!(record.timestamp, specimen.options.append_time.unwrap_or(expected.timestamp));
            prop_assert_eq!(record.key, expected.key.as_deref());
            prop_assert_eq!(record.value, expected.value.as_deref());
            let headers: Vec<_> = record.headers.iter().map(|header| (header.key, header.value)).collect();
            let wanted: Vec<_> =
                expected.headers.iter().map(|(key, value)| (key.as_bytes(), value.as_deref())).collect();
            prop_assert_eq!(headers, wanted);
        }
        prop_assert!(records.next().is_none());
    }

    #[test]
    fn a_record_is_found_by_its_time(specimen in stored(), wanted: prop::sample::Index) {
        let bytes = specimen.build();
        let batch = BatchView::parse(&bytes).unwrap();
        let mut decompressor = Decompressor::new();
        let placed: Vec<_> = batch
            .records(&mut decompressor, BYTES_MAX)
            .unwrap()
            .map(|record| record.map(|record| (record.offset, record.timestamp)).unwrap())
            .collect();
        let time = wanted.get(&placed).1;
        let expected = placed.iter().copied().find(|(_, timestamp)| *timestamp >= time);
        let at_least = |_, timestamp| timestamp >= time;
        let found = batch.find_record(&mut decompressor, i32::MAX, u64::MAX, at_least).unwrap();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(batch.find_record(&mut decompressor, i32::MAX, u64::MAX, |_, _| false).unwrap(), None);
    }

    #[test]
    fn a_record_taken_over_is_the_same(specimen in stored()) {
        let bytes = specimen.build();
        let batch = BatchView::parse(&bytes).unwrap();
        let mut decompressor = Decompressor::new();
        let mut builder = BatchBuilder::new(BatchOptions { append_time: None, ..specimen.options });
        for record in batch.records(&mut decompressor, BYTES_MAX).unwrap() {
            builder.push_record(&record.unwrap()).unwrap();
        }
        let mut again = builder.finish().unwrap();
        let mut header = BatchHeader::parse(&again).unwrap();
        if specimen.options.append_time.is_none() {
            prop_assert_eq!(&again, &bytes);
        }
        // Parsing and writing a header lose nothing.
        header.seal(&again[HEADER_BYTES..]);
        again[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
        prop_assert_eq!(BatchHeader::parse(&again).unwrap(), header);
    }

    #[test]
    fn what_a_producer_builds_is_accepted_as_it_is(specimen in produced(NOW), stamps: bool) {
        let bytes = specimen.build();
        let timestamp_type = if stamps { TimestampType::LogAppendTime } else { TimestampType::CreateTime };
        let rules = ProduceRules { timestamp_type, ..any_size() };
        let valid = validate_produce(&bytes, &rules, NOW, &mut Decompressor::new()).unwrap();
        prop_assert!(valid.is_unchanged());
        prop_assert_eq!(&valid.records[..], &bytes[HEADER_BYTES..]);

        let appended = [&valid.header.to_bytes(), &valid.records[..]].concat();
        let batch = BatchView::parse(&appended).unwrap();
        batch.check_crc().unwrap();
        let mut decompressor = Decompressor::new();
        let times: Vec<_> =
            batch.records(&mut decompressor, BYTES_MAX).unwrap().map(|record| record.unwrap().timestamp).collect();
        prop_assert_eq!(Some(valid.max_timestamp), times.iter().max().copied());
        let first = times.iter().position(|time| *time == valid.max_timestamp);
        // Stamped, all have the same, and the last one counts; without any time, none does.
        let which = if stamps { Some(times.len() - 1) } else { first.filter(|_| valid.max_timestamp.0 >= 0) };
        prop_assert_eq!(valid.offset_delta_of_max_timestamp, which.map_or(-1, |index| index as i32));
        prop_assert_eq!(valid.header.max_timestamp, valid.max_timestamp);
    }

    #[test]
    fn another_codec_keeps_every_record(specimen in produced(NOW), target in codecs()) {
        let bytes = specimen.build();
        let rules = ProduceRules { compression: Some(Compression::new(target)), ..any_size() };
        let valid = validate_produce(&bytes, &rules, NOW, &mut Decompressor::new()).unwrap();
        prop_assert_eq!(valid.is_unchanged(), target == specimen.options.compression.codec);
        let rebuilt = [&valid.header.to_bytes(), &valid.records[..]].concat();
        let (mut one, mut other) = (Decompressor::new(), Decompressor::new());
        let sent = BatchView::parse(&bytes).unwrap();
        let kept = BatchView::parse(&rebuilt).unwrap();
        kept.check_crc().unwrap();
        prop_assert_eq!(kept.header().attributes.codec().unwrap(), target);
        let sent: Vec<_> = sent.records(&mut one, BYTES_MAX).unwrap().map(Result::unwrap).collect();
        let kept: Vec<_> = kept.records(&mut other, BYTES_MAX).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(sent, kept);
    }

    #[test]
    fn a_cut_batch_is_partial(specimen in produced(NOW), at: prop::sample::Index) {
        let mut bytes = specimen.build();
        bytes.truncate(at.index(bytes.len()));
        read_all(&bytes);
        match batches(&bytes).next() {
            None => prop_assert!(bytes.is_empty()),
            Some(item) => prop_assert!(matches!(item, Err(BatchError::Partial { .. })), "{:?}", item),
        }
    }

    #[test]
    fn batches_come_one_after_the_other(specimens in prop::collection::vec(stored(), 0..4), tail in 0..61_usize) {
        let built: Vec<Vec<u8>> = specimens.iter().map(specimens::Specimen::build).collect();
        let mut bytes = built.concat();
        if let Some(last) = built.last() {
            bytes.extend_from_slice(&last[..tail]);
        }
        let whole: Vec<_> = batches(&bytes).map_while(Result::ok).map(|batch| batch.bytes().to_vec()).collect();
        prop_assert_eq!(&whole, &built);
        let cut = batches(&bytes).nth(built.len());
        prop_assert_eq!(cut.is_some(), tail > 0 && !built.is_empty());
    }

    #[test]
    fn damaged_batches_do_no_harm(
        specimen in stored(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        reseal: bool,
    ) {
        let mut bytes = specimen.build();
        for (at, byte) in damage {
            *at.get_mut(&mut bytes) = byte;
        }
        read_all(&if reseal { sealed(bytes) } else { bytes });
    }

    #[test]
    fn a_flipped_bit_is_noticed(specimen in produced(NOW), at: prop::sample::Index, bit in 0..8_u8) {
        let mut bytes = specimen.build();
        let at = 17 + at.index(bytes.len() - 17);
        bytes[at] ^= 1 << bit;
        let batch = BatchView::parse(&bytes).unwrap();
        let is_noticed = matches!(batch.check_crc(), Err(BatchError::Crc { .. }));
        prop_assert!(is_noticed);
    }

    #[test]
    fn noise_does_no_harm(noise in prop::collection::vec(any::<u8>(), 0..300), codec in codecs()) {
        read_all(&noise);
        let mut decompressor = Decompressor::new();
        let _ = decompressor.decompress(codec, &noise, BYTES_MAX);
        // The same as the body of a batch whose sum is right.
        let mut header = BatchHeader::parse(&BatchBuilder::new(BatchOptions::default()).finish().unwrap()).unwrap();
        header.attributes = header.attributes.with_codec(codec);
        header.batch_length += noise.len() as i32;
        header.records_count = 1;
        header.seal(&noise);
        read_all(&[&header.to_bytes(), &noise[..]].concat());
    }
}

#[test]
fn a_refusal_names_only_so_many_records() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for _ in 0..5000 {
        builder.push(NOW, None, None, &[]);
    }
    let rules = ProduceRules { is_compacted: true, ..ProduceRules::default() };
    let bytes = builder.finish().unwrap();
    let refusal = validate_produce(&bytes, &rules, NOW, &mut Decompressor::new()).unwrap_err();
    assert_eq!(refusal.problem, Problem::Records { count: 5000 });
    assert_eq!(refusal.records.len(), refusal::RECORD_REFUSALS_MAX);
    assert_eq!(refusal.rejection(), Rejection::InvalidRecord);
    assert!(refusal.message(&"t-0").len() < 500, "{}", refusal.message(&"t-0"));
}

#[test]
fn offsets_at_the_end_of_the_numbers_do_not_panic() {
    for codec in Codec::ALL {
        let options = BatchOptions { compression: Compression::new(codec), ..BatchOptions::default() };
        let mut builder = BatchBuilder::new(options);
        builder.push(Timestamp(i64::MAX), None, None, &[]);
        builder.push(Timestamp(i64::MIN), None, None, &[]);
        let mut bytes = builder.finish().unwrap();
        bytes[..8].copy_from_slice(&i64::MAX.to_be_bytes());
        read_all(&bytes);
        let batch = BatchView::parse(&bytes).unwrap();
        assert_eq!(batch.header().next_offset(), Offset(i64::MAX));
        let mut decompressor = Decompressor::new();
        let times: Vec<_> =
            batch.records(&mut decompressor, 1000).unwrap().map(|record| record.unwrap().timestamp.0).collect();
        assert_eq!(times, [i64::MAX, i64::MIN]);
    }
}
