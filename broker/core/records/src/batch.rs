//! The header of a record batch, format version 2: 61 bytes, of which the first 12 say where the batch lies and how
//! long it is.
//!
//! Given bytes, it gives the fields in Kafka's names and back. It does not look at the records behind the header
//! (`view`, `record`) and judges nothing but what makes a header unreadable: that is `validate`'s work.

use ottla_vocabulary::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use thiserror::Error;

use crate::compression::{Codec, DecompressError};
use crate::record::RecordError;

/// Bytes of a whole header; the records come after.
pub const HEADER_BYTES: usize = 61;
/// Bytes of base offset and batch length, which the batch length does not count.
pub const PREFIX_BYTES: usize = 12;
/// The only format that Kafka 4 writes.
pub const MAGIC: i8 = 2;

/// The least length of any format: a message of version 0 without key and value. Below it, bytes are no batch at all.
const LENGTH_MIN: i32 = 14;

// Where the fields lie. The sum covers the bytes from ATTRIBUTES on.
pub(crate) const PARTITION_LEADER_EPOCH: usize = 12;
const MAGIC_AT: usize = 16;
pub(crate) const CRC: usize = 17;
pub(crate) const ATTRIBUTES: usize = 21;
const LAST_OFFSET_DELTA: usize = 23;
const BASE_TIMESTAMP: usize = 27;
const MAX_TIMESTAMP: usize = 35;
const PRODUCER_ID: usize = 43;
const PRODUCER_EPOCH: usize = 51;
const BASE_SEQUENCE: usize = 53;
const RECORDS_COUNT: usize = 57;

/// Why bytes are not a batch, or a batch not readable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// The bytes end before the batch does: the tail of a file or of a fetch that was cut by its size. `need` is what
    /// must be there to go on, as far as the bytes tell.
    #[error("batch is cut off: {have} bytes of at least {need}")]
    Partial {
        /// Bytes that are there.
        have: usize,
        /// Bytes that are needed.
        need: usize,
    },
    /// The batch length is less than a header, or negative.
    #[error("batch length {batch_length} is less than a header takes")]
    Length {
        /// The claimed length.
        batch_length: i32,
    },
    /// A message set of before Kafka 0.11 (magic 0 or 1), which Kafka 4 neither writes nor converts.
    #[error("message format version {magic} is not supported since Kafka 4.0")]
    Legacy {
        /// 0 or 1.
        magic: i8,
    },
    /// A format that nobody knows.
    #[error("unknown message format version {magic}")]
    Magic {
        /// What stands there.
        magic: i8,
    },
    /// The bytes are not those that were summed.
    #[error("batch at offset {base_offset} is corrupt: stored crc {stored:#010x}, computed crc {computed:#010x}")]
    Crc {
        /// Which batch.
        base_offset: i64,
        /// What the header says.
        stored: u32,
        /// What the bytes say.
        computed: u32,
    },
    /// The attributes name a codec that does not exist.
    #[error("unknown compression codec {id}")]
    Codec {
        /// 5, 6 or 7.
        id: u8,
    },
    /// The records cannot be decompressed, or would take more than the caller allows.
    #[error(transparent)]
    Decompress(#[from] DecompressError),
    /// A record is malformed.
    #[error("record {index} of the batch: {error}")]
    Record {
        /// Its number within the batch.
        index: i32,
        /// What is wrong.
        error: RecordError,
    },
    /// The bytes go on after the last record that the header counts.
    #[error("bytes remain after the {count} records that the header counts")]
    Trailing {
        /// The header's count.
        count: i32,
    },
}

/// Who set the timestamps of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer, for each record.
    #[default]
    CreateTime,
    /// The broker, one for all: it is the header's max timestamp.
    LogAppendTime,
}

/// The attribute bits of a batch, with those that have no meaning yet kept as they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub i16);

impl Attributes {
    const CODEC: i16 = 0b111;
    const TIMESTAMP_TYPE: i16 = 1 << 3;
    const TRANSACTIONAL: i16 = 1 << 4;
    const CONTROL: i16 = 1 << 5;
    const DELETE_HORIZON: i16 = 1 << 6;

    /// The codec of the records, if the three bits name one.
    pub fn codec(self) -> Result<Codec, BatchError> {
        let id = (self.0 & Attributes::CODEC) as u8;
        Codec::from_id(id).ok_or(BatchError::Codec { id })
    }

    /// Who set the timestamps.
    pub fn timestamp_type(self) -> TimestampType {
        if self.0 & Attributes::TIMESTAMP_TYPE == 0 { TimestampType::CreateTime } else { TimestampType::LogAppendTime }
    }

    /// Part of a transaction.
    pub fn is_transactional(self) -> bool {
        self.0 & Attributes::TRANSACTIONAL != 0
    }

    /// Written by brokers for brokers, never handed to applications.
    pub fn is_control(self) -> bool {
        self.0 & Attributes::CONTROL != 0
    }

    /// The base timestamp is the time at which a cleaner may drop tombstones and markers of this batch.
    pub fn has_delete_horizon(self) -> bool {
        self.0 & Attributes::DELETE_HORIZON != 0
    }

    /// With this codec.
    #[must_use]
    pub fn with_codec(self, codec: Codec) -> Attributes {
        Attributes(self.0 & !Attributes::CODEC | i16::from(codec.id()))
    }

    /// With this timestamp type.
    #[must_use]
    pub fn with_timestamp_type(self, timestamp_type: TimestampType) -> Attributes {
        self.with(Attributes::TIMESTAMP_TYPE, timestamp_type == TimestampType::LogAppendTime)
    }

    /// With or without the transactional bit.
    #[must_use]
    pub fn with_transactional(self, set: bool) -> Attributes {
        self.with(Attributes::TRANSACTIONAL, set)
    }

    /// With or without the control bit.
    #[must_use]
    pub fn with_control(self, set: bool) -> Attributes {
        self.with(Attributes::CONTROL, set)
    }

    /// With or without the delete-horizon bit.
    #[must_use]
    pub fn with_delete_horizon(self, set: bool) -> Attributes {
        self.with(Attributes::DELETE_HORIZON, set)
    }

    fn with(self, bit: i16, set: bool) -> Attributes {
        Attributes(if set { self.0 | bit } else { self.0 & !bit })
    }
}

/// Every field of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record; stays when the cleaner has dropped that record.
    pub base_offset: Offset,
    /// Bytes after the first [`PREFIX_BYTES`]; at least what a header takes, so never negative.
    pub batch_length: i32,
    /// The leader that appended it.
    pub partition_leader_epoch: LeaderEpoch,
    /// CRC-32C from the attributes to the end.
    pub crc: u32,
    /// Codec, timestamp type and flags.
    pub attributes: Attributes,
    /// Offset of the last record less the base offset; stays when the cleaner has dropped that record.
    pub last_offset_delta: i32,
    /// What the records' timestamp deltas are added to, or the delete horizon.
    pub base_timestamp: Timestamp,
    /// The largest timestamp, or the append time.
    pub max_timestamp: Timestamp,
    /// The idempotent producer, or none.
    pub producer_id: ProducerId,
    /// Its epoch, or none.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of the first record, or none.
    pub base_sequence: Sequence,
    /// How many records follow. A cleaner may leave fewer than the offsets would hold.
    pub records_count: i32,
}

impl BatchHeader {
    /// Reads the header at the front. The whole header must be there; the records need not be.
    pub fn parse(bytes: &[u8]) -> Result<BatchHeader, BatchError> {
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(cut_header(bytes));
        };
        let batch_length = i32_at(header, 8);
        check_start(batch_length, header[MAGIC_AT])?;
        if batch_length < (HEADER_BYTES - PREFIX_BYTES) as i32 {
            return Err(BatchError::Length { batch_length });
        }
        Ok(BatchHeader {
            base_offset: Offset(i64_at(header, 0)),
            batch_length,
            partition_leader_epoch: LeaderEpoch(i32_at(header, PARTITION_LEADER_EPOCH)),
            crc: i32_at(header, CRC) as u32,
            attributes: Attributes(i16_at(header, ATTRIBUTES)),
            last_offset_delta: i32_at(header, LAST_OFFSET_DELTA),
            base_timestamp: Timestamp(i64_at(header, BASE_TIMESTAMP)),
            max_timestamp: Timestamp(i64_at(header, MAX_TIMESTAMP)),
            producer_id: ProducerId(i64_at(header, PRODUCER_ID)),
            producer_epoch: ProducerEpoch(i16_at(header, PRODUCER_EPOCH)),
            base_sequence: Sequence(i32_at(header, BASE_SEQUENCE)),
            records_count: i32_at(header, RECORDS_COUNT),
        })
    }

    /// The header as bytes, with the sum as it stands in the field.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[..8].copy_from_slice(&self.base_offset.0.to_be_bytes());
        out[8..PARTITION_LEADER_EPOCH].copy_from_slice(&self.batch_length.to_be_bytes());
        out[PARTITION_LEADER_EPOCH..MAGIC_AT].copy_from_slice(&self.partition_leader_epoch.0.to_be_bytes());
        out[MAGIC_AT] = MAGIC as u8;
        out[CRC..ATTRIBUTES].copy_from_slice(&self.crc.to_be_bytes());
        out[ATTRIBUTES..LAST_OFFSET_DELTA].copy_from_slice(&self.attributes.0.to_be_bytes());
        out[LAST_OFFSET_DELTA..BASE_TIMESTAMP].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        out[BASE_TIMESTAMP..MAX_TIMESTAMP].copy_from_slice(&self.base_timestamp.0.to_be_bytes());
        out[MAX_TIMESTAMP..PRODUCER_ID].copy_from_slice(&self.max_timestamp.0.to_be_bytes());
        out[PRODUCER_ID..PRODUCER_EPOCH].copy_from_slice(&self.producer_id.0.to_be_bytes());
        out[PRODUCER_EPOCH..BASE_SEQUENCE].copy_from_slice(&self.producer_epoch.0.to_be_bytes());
        out[BASE_SEQUENCE..RECORDS_COUNT].copy_from_slice(&self.base_sequence.0.to_be_bytes());
        out[RECORDS_COUNT..].copy_from_slice(&self.records_count.to_be_bytes());
        out
    }

    /// Sums this header and these records, and keeps the sum.
    pub fn seal(&mut self, records: &[u8]) {
        self.crc = crate::crc::crc32c_of_two(&self.to_bytes()[ATTRIBUTES..], records);
    }

    /// Bytes of the whole batch, header included.
    pub fn batch_bytes(&self) -> usize {
        PREFIX_BYTES + self.batch_length as usize
    }

    /// Offset of the last record that was in the batch when it was written.
    pub fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0.saturating_add(i64::from(self.last_offset_delta)))
    }

    /// The first offset after the batch.
    pub fn next_offset(&self) -> Offset {
        Offset(self.last_offset().0.saturating_add(1))
    }

    /// Sequence of the last record, or none.
    pub fn last_sequence(&self) -> Sequence {
        let inside = self.base_sequence != Sequence::NONE && self.last_offset_delta >= 0;
        if inside { self.base_sequence.plus(self.last_offset_delta) } else { Sequence::NONE }
    }

    /// Written by an idempotent or transactional producer.
    pub fn has_producer_id(&self) -> bool {
        self.producer_id.0 > ProducerId::NONE.0
    }

    /// When a cleaner may drop the tombstones and markers of this batch, once one has said so.
    pub fn delete_horizon(&self) -> Option<Timestamp> {
        self.attributes.has_delete_horizon().then_some(self.base_timestamp)
    }
}

/// What a slice too short for a header is: nonsense and old batches show themselves earlier than a header ends.
fn cut_header(bytes: &[u8]) -> BatchError {
    let partial = BatchError::Partial { have: bytes.len(), need: HEADER_BYTES };
    match bytes.get(MAGIC_AT) {
        Some(magic) => check_start(i32_at(bytes, 8), *magic).err().unwrap_or(partial),
        None => partial,
    }
}

/// Checks the length that every format has, then which format it is.
fn check_start(batch_length: i32, magic: u8) -> Result<(), BatchError> {
    if batch_length < LENGTH_MIN {
        return Err(BatchError::Length { batch_length });
    }
    match magic as i8 {
        MAGIC => Ok(()),
        magic @ (0 | 1) => Err(BatchError::Legacy { magic }),
        magic => Err(BatchError::Magic { magic }),
    }
}

fn i16_at(bytes: &[u8], at: usize) -> i16 {
    i16::from_be_bytes(array_at(bytes, at))
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes(array_at(bytes, at))
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    i64::from_be_bytes(array_at(bytes, at))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    *bytes[at..].first_chunk().expect("the caller holds a whole header")
}
