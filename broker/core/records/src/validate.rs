//! What a broker checks of the bytes that a producer sends for one partition, before they are appended.
//!
//! Given those bytes, the topic's rules and the time, it gives either the batch as it is to be written or a refusal
//! with Kafka's error. The checks, their order and their codes are those of Apache Kafka 4.4 (a test asks Kafka's own
//! classes); where this differs, a comment says why. A compressed batch is walked once, in pieces, without keeping any;
//! the bytes are kept as they came unless the topic wants another codec.
//!
//! Deliberately elsewhere: what needs the log or the producer's past (sequences that follow each other, segment size,
//! where the batch lies) is `commit-log`'s.

pub mod refusal;

use std::borrow::Cow;

use ottla_vocabulary::{Offset, Timestamp};

pub use refusal::{Problem, RecordProblem, RecordRefusal, Refusal, Rejection};

use crate::batch::{BatchError, BatchHeader, HEADER_BYTES, PREFIX_BYTES, TimestampType};
use crate::compression::{Codec, Compression, Decompressor};
use crate::patch::stamp;
use crate::record::record_timestamp;
use crate::view::BatchView;
use crate::walk::{Plain, RecordShape, Walk};

/// The first version of Produce whose consumers can be expected to know Zstandard.
const ZSTD_PRODUCE_VERSION_MIN: i16 = 7;
/// How much more a batch may decompress to than it may hold compressed. Logs and zeros honestly reach some dozens;
/// bombs of these codecs reach a thousand (deflate) and more. Kafka has no such bound, so it is generous.
const DECOMPRESSED_FACTOR: u64 = 100;

/// What a topic, and the request's version, demand of a batch. The names are those of the topic's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProduceRules {
    /// Version of the Produce request.
    pub produce_version: i16,
    /// `max.message.bytes`: of the whole batch, as sent and as rebuilt.
    pub max_message_bytes: i32,
    /// `max.decompressed.message.bytes`: of one record of a compressed batch.
    pub max_decompressed_message_bytes: i32,
    /// Of all records of a compressed batch together: ours, against decompression bombs.
    pub decompressed_batch_bytes_max: u64,
    /// `compression.type` with its level; none is `producer`, which keeps what came.
    pub compression: Option<Compression>,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: i64,
    /// `cleanup.policy` holds `compact`: every record needs a key.
    pub is_compacted: bool,
}

impl Default for ProduceRules {
    /// Kafka's defaults, for the newest Produce.
    fn default() -> ProduceRules {
        ProduceRules {
            produce_version: 13,
            max_message_bytes: 1_048_588,
            max_decompressed_message_bytes: i32::MAX - 8,
            decompressed_batch_bytes_max: ProduceRules::decompressed_bytes_for(1_048_588),
            compression: None,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            is_compacted: false,
        }
    }
}

impl ProduceRules {
    /// The bound on a batch's decompressed bytes that goes with a `max.message.bytes`.
    pub fn decompressed_bytes_for(max_message_bytes: i32) -> u64 {
        u64::from(max_message_bytes.unsigned_abs()) * DECOMPRESSED_FACTOR
    }
}

/// A batch that may be appended. Base offset and leader epoch are still the producer's: set them in `header` (or with
/// [`patch::place`](crate::patch::place)) and write `header.to_bytes()`, then `records`. The sum is right already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidBatch<'a> {
    /// The header as it is to be written.
    pub header: BatchHeader,
    /// What follows it: the producer's bytes where they lie, or rebuilt ones.
    pub records: Cow<'a, [u8]>,
    /// The largest timestamp, or the append time.
    pub max_timestamp: Timestamp,
    /// Which record has it first; with the append time, the last.
    pub offset_delta_of_max_timestamp: i32,
}

impl ValidBatch<'_> {
    /// The producer's records are written as they came.
    pub fn is_unchanged(&self) -> bool {
        matches!(self.records, Cow::Borrowed(_))
    }
}

/// Checks the `records` of one partition of a Produce request of version 3 or later.
pub fn validate_produce<'a>(
    bytes: &'a [u8],
    rules: &ProduceRules,
    now: Timestamp,
    decompressor: &mut Decompressor,
) -> Result<ValidBatch<'a>, Refusal> {
    let batch = only_batch(bytes, rules.produce_version)?;
    let codec = check_codec(&batch, rules)?;
    check_outside(&batch, rules)?;
    check_header(batch.header())?;
    let survey = survey(&batch, codec, rules, now, decompressor)?;

    let target = rules.compression.unwrap_or(Compression::with_level(codec, Compression::new(codec).level));
    let mut valid = if target.codec == codec {
        ValidBatch {
            header: *batch.header(),
            records: Cow::Borrowed(batch.records_bytes()),
            max_timestamp: survey.max_timestamp,
            offset_delta_of_max_timestamp: survey.offset_delta_of_max_timestamp,
        }
    } else {
        rebuild(&batch, codec, target, rules, &survey, decompressor)?
    };
    if rules.timestamp_type == TimestampType::LogAppendTime {
        valid.max_timestamp = now;
        valid.offset_delta_of_max_timestamp = valid.header.last_offset_delta;
    }
    stamp(&mut valid.header, &valid.records, rules.timestamp_type, valid.max_timestamp);
    Ok(valid)
}

/// The one batch that the request may hold for a partition. What is cut off after it is dropped, as Kafka drops it: an
/// old client may send the buffer it had.
fn only_batch(bytes: &[u8], produce_version: i16) -> Result<BatchView<'_>, Refusal> {
    let batch = match BatchView::parse(bytes) {
        Ok(batch) => batch,
        Err(BatchError::Partial { .. }) => return Err(Problem::NoBatch { produce_version }.into()),
        Err(BatchError::Legacy { .. }) => return Err(Problem::Magic { produce_version }.into()),
        Err(error) => return Err(Problem::Unreadable(error).into()),
    };
    match BatchView::parse(&bytes[batch.bytes().len()..]) {
        Err(BatchError::Partial { .. }) => Ok(batch),
        Err(error @ BatchError::Length { .. }) => Err(Problem::Unreadable(error).into()),
        Ok(_) | Err(_) => Err(Problem::ManyBatches { produce_version }.into()),
    }
}

fn check_codec(batch: &BatchView<'_>, rules: &ProduceRules) -> Result<Codec, Refusal> {
    let codec = match batch.header().attributes.codec() {
        Ok(codec) => codec,
        // A flipped bit is more likely than a client that knows more codecs than we do.
        Err(error) => {
            batch.check_crc().map_err(Problem::Unreadable)?;
            return Err(Problem::Unreadable(error).into());
        }
    };
    if codec == Codec::Zstd && rules.produce_version < ZSTD_PRODUCE_VERSION_MIN {
        return Err(Problem::ZstdTooEarly { produce_version: rules.produce_version }.into());
    }
    Ok(codec)
}

/// What can be judged without understanding the batch.
fn check_outside(batch: &BatchView<'_>, rules: &ProduceRules) -> Result<(), Refusal> {
    let base_offset = batch.header().base_offset;
    if base_offset != Offset::ZERO {
        return Err(Problem::BaseOffset { base_offset }.into());
    }
    check_size(batch.bytes().len(), rules)?;
    batch.check_crc().map_err(|error| Problem::Unreadable(error).into())
}

fn check_size(bytes: usize, rules: &ProduceRules) -> Result<(), Refusal> {
    let bytes_max = rules.max_message_bytes;
    if bytes as u64 > u64::from(bytes_max.unsigned_abs()) {
        return Err(Problem::TooLarge { bytes, bytes_max }.into());
    }
    Ok(())
}

fn check_header(header: &BatchHeader) -> Result<(), Refusal> {
    let (last_offset_delta, records_count) = (header.last_offset_delta, header.records_count);
    if last_offset_delta < 0 {
        return Err(Problem::OffsetRange { last_offset_delta }.into());
    }
    if records_count <= 0 {
        return Err(Problem::Count { records_count }.into());
    }
    if i64::from(records_count) != i64::from(last_offset_delta) + 1 {
        return Err(Problem::CountAndRange { last_offset_delta, records_count }.into());
    }
    if header.attributes.is_control() {
        return Err(Problem::Control.into());
    }
    if header.has_producer_id() && header.base_sequence.0 < 0 {
        return Err(Problem::Sequence { base_sequence: header.base_sequence, producer_id: header.producer_id }.into());
    }
    Ok(())
}

/// What one walk over the records finds.
struct Survey {
    max_timestamp: Timestamp,
    offset_delta_of_max_timestamp: i32,
    /// The first record whose offset does not follow the one before.
    gap: Option<i32>,
    refusals: Vec<RecordRefusal>,
    refusals_count: usize,
}

fn survey(
    batch: &BatchView<'_>,
    codec: Codec,
    rules: &ProduceRules,
    now: Timestamp,
    decompressor: &mut Decompressor,
) -> Result<Survey, Refusal> {
    let header = batch.header();
    let mut survey = Survey {
        max_timestamp: Timestamp::NONE,
        offset_delta_of_max_timestamp: -1,
        gap: None,
        refusals: Vec::new(),
        refusals_count: 0,
    };
    let visit = |index, shape| survey.see(index, shape, header, rules, now);
    let unreadable = |error| Refusal::from(Problem::Unreadable(error));
    if codec == Codec::None {
        // The batch's own size bounds its records.
        Walk::new(Plain { bytes: batch.records_bytes() }, i32::MAX).records(header, visit).map_err(unreadable)?;
    } else {
        let pieces = decompressor.pieces(codec, batch.records_bytes(), rules.decompressed_batch_bytes_max);
        let mut walk = Walk::new(pieces, rules.max_decompressed_message_bytes);
        walk.records(header, visit).map_err(unreadable)?;
        if !walk.source().readable_by_all() {
            return Err(Problem::LinkedBlocks.into());
        }
    }
    if survey.refusals_count > 0 {
        return Err(Refusal::of_records(survey.refusals, survey.refusals_count));
    }
    // Kafka stores such a batch uncompressed, though its records then contradict its header, and trips over it
    // compressed. No client sends it.
    if let Some(index) = survey.gap {
        return Err(Problem::OffsetGap { index }.into());
    }
    Ok(survey)
}

impl Survey {
    #[inline]
    fn see(&mut self, index: i32, shape: RecordShape, header: &BatchHeader, rules: &ProduceRules, now: Timestamp) {
        let timestamp = record_timestamp(header, shape.timestamp_delta);
        if let Some(problem) = check_record(shape, timestamp, header, rules, now) {
            self.refuse(index, problem);
        }
        if shape.offset_delta != index {
            self.gap = self.gap.or(Some(index));
        }
        if timestamp > self.max_timestamp {
            self.max_timestamp = timestamp;
            self.offset_delta_of_max_timestamp = index;
        }
    }

    #[cold]
    fn refuse(&mut self, index: i32, problem: RecordProblem) {
        self.refusals_count += 1;
        if self.refusals.len() < refusal::RECORD_REFUSALS_MAX {
            self.refusals.push(RecordRefusal { index, problem });
        }
    }
}

#[inline]
fn check_record(
    shape: RecordShape,
    timestamp: Timestamp,
    header: &BatchHeader,
    rules: &ProduceRules,
    now: Timestamp,
) -> Option<RecordProblem> {
    if rules.is_compacted && !shape.has_key {
        return Some(RecordProblem::NoKey);
    }
    if rules.timestamp_type == TimestampType::CreateTime && timestamp != Timestamp::NONE {
        let later = i128::from(timestamp.0) - i128::from(now.0);
        let (before, after) = (rules.timestamp_before_max_ms, rules.timestamp_after_max_ms);
        return (-later > i128::from(before) || later > i128::from(after)).then(|| RecordProblem::TimestampRange {
            timestamp,
            offset: Offset(header.base_offset.0 + i64::from(shape.offset_delta)),
            earliest: Timestamp(now.0.wrapping_sub(before)),
            latest: Timestamp(now.0.wrapping_add(after)),
        });
    }
    let stamped = header.attributes.timestamp_type() == TimestampType::LogAppendTime;
    stamped.then_some(RecordProblem::TimestampType)
}

/// The batch in another codec. Its records are taken over byte for byte.
fn rebuild<'a>(
    batch: &BatchView<'_>,
    codec: Codec,
    target: Compression,
    rules: &ProduceRules,
    survey: &Survey,
    decompressor: &mut Decompressor,
) -> Result<ValidBatch<'a>, Refusal> {
    let bytes_max = usize::try_from(rules.decompressed_batch_bytes_max).unwrap_or(usize::MAX);
    let plain = match codec {
        Codec::None => batch.records_bytes(),
        codec => decompressor
            .decompress(codec, batch.records_bytes(), bytes_max)
            .map_err(|error| Problem::Unreadable(error.into()))?,
    };
    let mut records = Vec::new();
    target.compress(plain, &mut records).map_err(|error| Problem::Rebuild { what: error.to_string() })?;
    check_size(HEADER_BYTES + records.len(), rules)?;

    let mut header = *batch.header();
    header.batch_length = (HEADER_BYTES - PREFIX_BYTES + records.len()) as i32;
    header.attributes = header.attributes.with_codec(target.codec);
    header.seal(&records);
    Ok(ValidBatch {
        header,
        records: Cow::Owned(records),
        max_timestamp: survey.max_timestamp,
        offset_delta_of_max_timestamp: survey.offset_delta_of_max_timestamp,
    })
}
