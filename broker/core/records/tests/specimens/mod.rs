//! Batches to test with: random ones by proptest, and how ours are built from their description.

use ottla_records::{BatchBuilder, BatchOptions, Codec, Compression, Header};
use ottla_vocabulary::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use proptest::prelude::*;

/// A batch before it is bytes.
#[derive(Clone, Debug)]
pub(crate) struct Specimen {
    pub(crate) options: BatchOptions,
    pub(crate) records: Vec<SpecimenRecord>,
}

/// A record before it is bytes.
#[derive(Clone, Debug)]
pub(crate) struct SpecimenRecord {
    /// Offsets left out before it.
    pub(crate) gap: i32,
    pub(crate) timestamp: Timestamp,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Specimen {
    /// Each record with its offset, counted from the base offset.
    pub(crate) fn placed(&self) -> impl Iterator<Item = (Offset, &SpecimenRecord)> {
        let mut next = self.options.base_offset;
        self.records.iter().map(move |record| {
            let offset = Offset(next.0 + i64::from(record.gap));
            next = offset.next();
            (offset, record)
        })
    }

    /// Our bytes of it.
    pub(crate) fn build(&self) -> Vec<u8> {
        let mut builder = BatchBuilder::new(self.options);
        for (offset, record) in self.placed() {
            let headers: Vec<Header<'_>> = record.headers.iter().map(as_header).collect();
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            builder.push_at(offset, record.timestamp, key, value, &headers).expect("offsets rise");
        }
        builder.finish().expect("a batch of this size")
    }
}

fn as_header(header: &(String, Option<Vec<u8>>)) -> Header<'_> {
    Header { key: header.0.as_bytes(), value: header.1.as_deref() }
}

/// Batches as producers send them: at offset 0, without gaps, with their own times near `now`.
pub(crate) fn produced(now: Timestamp) -> impl Strategy<Value = Specimen> {
    let producer = prop_oneof![
        3 => Just((-1, -1, -1)),
        1 => (0..i64::MAX, 0..i16::MAX, prop_oneof![Just(0), Just(i32::MAX), 0..i32::MAX]),
    ];
    let records = prop::collection::vec(records(now), 1..40);
    (codecs(), producer, records).prop_map(|(codec, (id, epoch, sequence), records)| Specimen {
        options: BatchOptions {
            compression: Compression::new(codec),
            producer_id: ProducerId(id),
            producer_epoch: ProducerEpoch(epoch),
            base_sequence: Sequence(sequence),
            ..BatchOptions::default()
        },
        records,
    })
}

/// Batches as they lie in logs: anywhere, with gaps, stamped by brokers, seen by cleaners.
pub(crate) fn stored() -> impl Strategy<Value = Specimen> {
    let place = (0..i64::MAX / 2, 0..i32::MAX, any::<bool>());
    let times = (prop::option::of(0..i64::MAX), prop::option::weighted(0.2, 0..i64::MAX));
    let gaps = prop::collection::vec(prop_oneof![4 => Just(0), 1 => 0..1000], 40);
    (produced(Timestamp(1_700_000_000_000)), place, times, gaps).prop_map(
        |(mut specimen, (base_offset, epoch, is_transactional), (append_time, delete_horizon), gaps)| {
            specimen.options = BatchOptions {
                base_offset: Offset(base_offset),
                partition_leader_epoch: LeaderEpoch(epoch),
                is_transactional: is_transactional && specimen.options.producer_id.0 >= 0,
                append_time: append_time.map(Timestamp),
                delete_horizon: delete_horizon.map(Timestamp),
                ..specimen.options
            };
            for (record, gap) in specimen.records.iter_mut().zip(gaps) {
                record.gap = gap;
            }
            specimen
        },
    )
}

pub(crate) fn codecs() -> impl Strategy<Value = Codec> {
    prop::sample::select(Codec::ALL.to_vec())
}

fn records(now: Timestamp) -> impl Strategy<Value = SpecimenRecord> {
    let timestamp = prop_oneof![8 => now.0 - 1000..now.0 + 1000, 1 => Just(-1), 1 => 0..now.0];
    let headers = prop::collection::vec(("[a-zé]{0,8}", prop::option::of(fields())), 0..4);
    (timestamp, prop::option::of(fields()), prop::option::weighted(0.9, fields()), headers).prop_map(
        |(timestamp, key, value, headers)| SpecimenRecord {
            gap: 0,
            timestamp: Timestamp(timestamp),
            key,
            value,
            headers,
        },
    )
}

/// Short noise mostly, and sometimes runs that are longer than a codec's block.
fn fields() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => prop::collection::vec(any::<u8>(), 0..200),
        1 => (any::<u8>(), 0..200_000usize).prop_map(|(byte, length)| vec![byte; length]),
    ]
}
