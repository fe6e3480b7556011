//! Why a produce is refused: Kafka's error, which record it was, and the words that the client logs.

use core::fmt::{self, Display, Write as _};

use ottla_vocabulary::{Offset, ProducerId, Sequence, Timestamp};

use crate::batch::BatchError;

/// Records named in one refusal. A batch of a million bad records must not answer with a million messages; the count
/// of all is in the message.
pub const RECORD_REFUSALS_MAX: usize = 1000;
/// Records told in the message itself, as Kafka does.
const RECORDS_TOLD_MAX: usize = 3;

/// Which of Kafka's errors a refusal becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// CORRUPT_MESSAGE (2): the bytes are not those that were sent; clients send them again.
    CorruptMessage,
    /// MESSAGE_TOO_LARGE (10): clients split the batch.
    MessageTooLarge,
    /// INVALID_TIMESTAMP (32).
    InvalidTimestamp,
    /// UNSUPPORTED_COMPRESSION_TYPE (76).
    UnsupportedCompressionType,
    /// INVALID_RECORD (87): sending it again cannot help.
    InvalidRecord,
    /// UNKNOWN_SERVER_ERROR (−1): a fault of ours.
    UnknownServerError,
}

impl Rejection {
    /// The number on the wire.
    pub const fn code(self) -> i16 {
        match self {
            Rejection::CorruptMessage => 2,
            Rejection::MessageTooLarge => 10,
            Rejection::InvalidTimestamp => 32,
            Rejection::UnsupportedCompressionType => 76,
            Rejection::InvalidRecord => 87,
            Rejection::UnknownServerError => -1,
        }
    }
}

/// Why, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub problem: Problem,
    /// Which records, if some records are what is wrong; at most [`RECORD_REFUSALS_MAX`].
    pub records: Vec<RecordRefusal>,
}

/// What is wrong with what was sent for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Not one whole batch.
    NoBatch {
        /// The request's version.
        produce_version: i16,
    },
    /// More than one.
    ManyBatches {
        /// The request's version.
        produce_version: i16,
    },
    /// A batch of another format than version 2.
    Magic {
        /// The request's version.
        produce_version: i16,
    },
    /// Not a batch, or one that cannot be read.
    Unreadable(BatchError),
    /// Zstandard in a Produce of before Kafka 2.1.
    ZstdTooEarly {
        /// The request's version.
        produce_version: i16,
    },
    /// LZ4 with blocks that reach into each other: Java's consumers refuse it.
    LinkedBlocks,
    /// A producer's batch begins at 0.
    BaseOffset {
        /// What it says.
        base_offset: Offset,
    },
    /// Over `max.message.bytes`.
    TooLarge {
        /// The batch's size.
        bytes: usize,
        /// What is allowed.
        bytes_max: i32,
    },
    /// The last offset lies before the first.
    OffsetRange {
        /// What the header says.
        last_offset_delta: i32,
    },
    /// No records, or a negative number.
    Count {
        /// What the header says.
        records_count: i32,
    },
    /// More or fewer records than offsets.
    CountAndRange {
        /// What the header says.
        last_offset_delta: i32,
        /// What the header says.
        records_count: i32,
    },
    /// A record's offset does not follow the one before.
    OffsetGap {
        /// Its number in the batch.
        index: i32,
    },
    /// Only brokers write control records.
    Control,
    /// A producer id without a sequence.
    Sequence {
        /// What the header says.
        base_sequence: Sequence,
        /// Whose.
        producer_id: ProducerId,
    },
    /// Some records; see [`Refusal::records`].
    Records {
        /// How many, named or not.
        count: usize,
    },
    /// It could not be written in the topic's codec.
    Rebuild {
        /// What the codec said.
        what: String,
    },
}

/// A record that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRefusal {
    /// Its number in the batch.
    pub index: i32,
    /// What is wrong.
    pub problem: RecordProblem,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordProblem {
    /// A compacted topic takes records with keys only.
    NoKey,
    /// Too old or too far in the future.
    TimestampRange {
        /// Its time.
        timestamp: Timestamp,
        /// Its offset as the producer counts.
        offset: Offset,
        /// The oldest that is allowed.
        earliest: Timestamp,
        /// The newest that is allowed.
        latest: Timestamp,
    },
    /// Only a broker stamps with its own time.
    TimestampType,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Refusal {
        Refusal { problem, records: Vec::new() }
    }
}

impl Refusal {
    pub(super) fn of_records(records: Vec<RecordRefusal>, count: usize) -> Refusal {
        Refusal { problem: Problem::Records { count }, records }
    }

    /// Kafka's error for it.
    pub fn rejection(&self) -> Rejection {
        match &self.problem {
            Problem::Unreadable(error) => unreadable(error),
            Problem::ZstdTooEarly { .. } => Rejection::UnsupportedCompressionType,
            Problem::TooLarge { .. } => Rejection::MessageTooLarge,
            Problem::Rebuild { .. } => Rejection::UnknownServerError,
            Problem::Records { .. } => {
                let of_time = |record: &RecordRefusal| !matches!(record.problem, RecordProblem::NoKey);
                if self.records.iter().any(of_time) { Rejection::InvalidTimestamp } else { Rejection::InvalidRecord }
            }
            Problem::NoBatch { .. }
            | Problem::ManyBatches { .. }
            | Problem::Magic { .. }
            | Problem::OffsetGap { .. }
            | Problem::LinkedBlocks
            | Problem::BaseOffset { .. }
            | Problem::OffsetRange { .. }
            | Problem::Count { .. }
            | Problem::CountAndRange { .. }
            | Problem::Control
            | Problem::Sequence { .. } => Rejection::InvalidRecord,
        }
    }

    /// The `error_message` of the partition's answer, in Kafka's words.
    pub fn message(&self, partition: &dyn Display) -> String {
        match &self.problem {
            Problem::Records { .. } if self.rejection() == Rejection::InvalidTimestamp => {
                "One or more records have been rejected due to invalid timestamp".to_owned()
            }
            Problem::Records { count } => self.told(*count, partition),
            Problem::NoBatch { produce_version } => {
                format!(
                    "Produce requests with version {produce_version} must have at least one record batch per partition"
                )
            }
            Problem::ManyBatches { produce_version } => format!(
                "Produce requests with version {produce_version} are only allowed to contain exactly one record batch \
                 per partition"
            ),
            Problem::Magic { produce_version } => format!(
                "Produce requests with version {produce_version} are only allowed to contain record batches with magic \
                 version 2"
            ),
            Problem::OffsetGap { index } => {
                format!("Offset of record {index} does not follow the one before it in topic partition {partition}")
            }
            Problem::Unreadable(error) => format!("{error} in topic partition {partition}"),
            Problem::ZstdTooEarly { produce_version } => {
                format!("Produce requests with version {produce_version} are not allowed to use ZStandard compression")
            }
            Problem::LinkedBlocks => {
                format!(
                    "LZ4 frames with dependent blocks are not supported by consumers in topic partition {partition}"
                )
            }
            Problem::BaseOffset { base_offset } => format!(
                "The baseOffset of the record batch in the append to {partition} should be 0, but it is {base_offset}"
            ),
            Problem::TooLarge { bytes, bytes_max } => format!(
                "The record batch size in the append to {partition} is {bytes} bytes which exceeds the maximum \
                 configured value of {bytes_max} bytes."
            ),
            Problem::OffsetRange { last_offset_delta } => {
                format!("Batch has an invalid offset range: [0, {last_offset_delta}] in topic partition {partition}")
            }
            Problem::Count { records_count } => {
                format!("Invalid reported count for record batch: {records_count} in topic partition {partition}")
            }
            Problem::CountAndRange { last_offset_delta, records_count } => format!(
                "Inconsistent batch offset range [0, {last_offset_delta}] and count of records {records_count} in \
                 topic partition {partition}"
            ),
            Problem::Control => {
                format!("Clients are not allowed to write control records in topic partition {partition}")
            }
            Problem::Sequence { base_sequence, producer_id } => format!(
                "Invalid sequence number {} in record batch with producerId {} in topic partition {partition}",
                base_sequence.0, producer_id.0
            ),
            Problem::Rebuild { what } => format!("{what} in topic partition {partition}"),
        }
    }

    fn told(&self, count: usize, partition: &dyn Display) -> String {
        let mut out = format!(
            "One or more records have been rejected due to {count} record errors in total, and only showing the first \
             three errors at most: ["
        );
        for (nth, record) in self.records.iter().take(RECORDS_TOLD_MAX).enumerate() {
            let comma = if nth == 0 { "" } else { ", " };
            let (index, message) = (record.index, record.message(partition));
            // Writing to a string cannot fail.
            let _ = write!(out, "{comma}RecordError(batchIndex={index}, message='{message}')");
        }
        out.push(']');
        out
    }
}

impl RecordRefusal {
    /// The `batch_index_error_message` of the answer, in Kafka's words.
    pub fn message(&self, partition: &dyn Display) -> String {
        match self.problem {
            RecordProblem::NoKey => {
                format!("Compacted topic cannot accept message without key in topic partition {partition}")
            }
            RecordProblem::TimestampRange { timestamp, offset, earliest, latest } => format!(
                "Timestamp {} of message with offset {offset} is out of range. The timestamp should be within [{}, {}]",
                timestamp.0, earliest.0, latest.0
            ),
            RecordProblem::TimestampType => format!(
                "Invalid timestamp type in message {}. Producer should not set timestamp type to LogAppendTime.",
                self.index
            ),
        }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.rejection(), self.problem)
    }
}

impl core::error::Error for Refusal {}

/// What cannot be read is the producer's fault, so sending it again cannot help; only bytes that changed on their way
/// can. (Kafka answers UNKNOWN_SERVER_ERROR where a codec throws, which tells the producer nothing.)
fn unreadable(error: &BatchError) -> Rejection {
    match error {
        BatchError::Length { .. } | BatchError::Crc { .. } | BatchError::Magic { .. } => Rejection::CorruptMessage,
        BatchError::Codec { .. } => Rejection::UnsupportedCompressionType,
        BatchError::Partial { .. }
        | BatchError::Legacy { .. }
        | BatchError::Decompress(_)
        | BatchError::Record { .. }
        | BatchError::Trailing { .. } => Rejection::InvalidRecord,
    }
}
