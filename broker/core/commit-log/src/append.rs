//! Appending: as a leader one batch, which gets its place here; as a follower batches that have theirs.
//!
//! A leader's batch comes as a parsed header, validated and patched by its caller, and the records' bytes where the request
//! left them: header and records go out in one write, and nothing is copied. A batch is either wholly in the log or
//! not at all: after a failed write the file is cut back to its last good end, and a log where that fails too is never
//! written again. A full disk refuses batches until there is room.

use std::io::IoSlice;

use ottla_records::{BatchError, BatchHeader, BatchView, batches};
use ottla_vocabulary::{LeaderEpoch, Now, Offset, Timestamp};

use crate::files::{FileError, Files};
use crate::log::Log;
use crate::producer_state::{Marker, Origin, ProducerRefusal, Verdict};
use crate::segment::{AppendFault, BatchFacts};
use crate::walk::marker_of;

/// A batch to append as a leader.
#[derive(Clone, Copy, Debug)]
pub struct NewBatch<'a> {
    /// Its header. Base offset and leader epoch are set on append; the rest, with a sum that fits it, is as it will be.
    pub header: BatchHeader,
    /// What comes after the header.
    pub records: &'a [u8],
}

/// Where a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// It was in the log already; the offsets are those it got then.
    pub duplicate_of: Option<Timestamp>,
    /// It begins a new segment: what came before may be flushed.
    pub rolled: bool,
}

/// Why a batch is not in the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// KAFKA_STORAGE_ERROR: the disk refused, now or before.
    #[error(transparent)]
    Storage(#[from] FileError),
    /// Its producer may not write it.
    #[error(transparent)]
    Producer(#[from] ProducerRefusal),
    /// RECORD_LIST_TOO_LARGE: it fits no segment.
    #[error(
        "Message batch size is {bytes} bytes, which exceeds the maximum configured segment size of {segment_bytes}."
    )]
    LargerThanSegment {
        /// Its size.
        bytes: u64,
        /// `segment.bytes`.
        segment_bytes: u32,
    },
    /// CORRUPT_MESSAGE: what a leader sent is no batch. Those before it were not appended either.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A leader sent offsets that this log has already, or that do not rise.
    #[error("Unexpected offset in append: {base_offset} is less than the next offset {expected}")]
    UnexpectedOffset {
        /// The batch's first offset.
        base_offset: Offset,
        /// The least it could be.
        expected: Offset,
    },
}

impl<F: Files> Log<F> {
    /// Appends a batch as the leader of `epoch`.
    ///
    /// # Errors
    /// When its producer may not write it, or the disk refuses; then it is not in the log.
    pub fn append(
        &mut self,
        batch: NewBatch<'_>,
        epoch: LeaderEpoch,
        origin: Origin,
        now: Now,
    ) -> Result<Appended, AppendError> {
        self.check_writable()?;
        let mut header = batch.header;
        header.base_offset = self.log_end;
        header.partition_leader_epoch = epoch;
        let bytes = header.to_bytes();
        let marker = if header.attributes.is_control() { marker_in(&bytes, batch.records) } else { None };
        if let Verdict::Duplicate(known) = self.producers.decide(&header, marker, origin)? {
            return Ok(Appended {
                base_offset: known.first_offset(),
                last_offset: known.last_offset,
                duplicate_of: Some(known.timestamp),
                rolled: false,
            });
        }
        let rolled =
            self.append_checked(&[(header, marker)], &[IoSlice::new(&bytes), IoSlice::new(batch.records)], now)?;
        Ok(Appended { base_offset: header.base_offset, last_offset: header.last_offset(), duplicate_of: None, rolled })
    }

    /// Appends whole batches as a leader sent them, with their offsets and epochs. Bytes after the last whole batch are
    /// left out: a leader cuts its answer at a size. Answers whether they begin a new segment.
    ///
    /// # Errors
    /// When a batch is not sound or its offset does not fit, or the disk refuses; then none is in the log.
    pub fn append_replicated(&mut self, bytes: &[u8], now: Now) -> Result<bool, AppendError> {
        self.check_writable()?;
        let mut found = Vec::new();
        let mut length = 0;
        let mut expected = self.log_end;
        for batch in batches(bytes) {
            let batch = match batch {
                Ok(batch) => batch,
                Err(BatchError::Partial { .. }) => break,
                Err(error) => return Err(error.into()),
            };
            batch.check_crc()?;
            let header = batch.header();
            if header.base_offset < expected || header.last_offset_delta < 0 {
                return Err(AppendError::UnexpectedOffset { base_offset: header.base_offset, expected });
            }
            expected = header.next_offset();
            length += batch.bytes().len();
            found.push((*header, marker_of(&batch)));
        }
        if found.is_empty() {
            return Ok(false);
        }
        self.append_checked(&found, &[IoSlice::new(&bytes[..length])], now)
    }

    /// Appends what may be appended; all of it goes into one segment.
    fn append_checked(
        &mut self,
        found: &[(BatchHeader, Option<Marker>)],
        slices: &[IoSlice<'_>],
        now: Now,
    ) -> Result<bool, AppendError> {
        let facts: Vec<BatchFacts> = found.iter().map(|(header, _)| facts_of(header)).collect();
        let bytes: u64 = slices.iter().map(|slice| slice.len() as u64).sum();
        if bytes > u64::from(self.settings.segment_bytes.min(i32::MAX as u32)) {
            return Err(AppendError::LargerThanSegment { bytes, segment_bytes: self.settings.segment_bytes });
        }
        let (first, last) = (&found[0].0, &found[found.len() - 1].0);
        let whole = BatchFacts {
            bytes: bytes as u32,
            last_offset: last.last_offset(),
            max_timestamp: facts.iter().map(|batch| batch.max_timestamp).max().unwrap_or(Timestamp::NONE),
        };
        let rolled = self.roll_before(&whole, first.base_offset, now).map_err(|error| self.noted(error))?;
        self.assign_epochs(found)?;
        let (place, active) = self.active();
        active.append(place, slices, &facts).map_err(|fault| match fault {
            AppendFault::Refused(error) => self.noted(error),
            AppendFault::Torn(error) => {
                self.fail(&error);
                error
            }
        })?;
        self.log_end = last.next_offset();
        self.take_in(found)?;
        Ok(rolled)
    }

    /// Notes epochs that begin with these batches, before the first record of one is written.
    fn assign_epochs(&mut self, found: &[(BatchHeader, Option<Marker>)]) -> Result<(), FileError> {
        let mut is_news = self.are_epochs_unwritten;
        for (header, _) in found {
            if header.partition_leader_epoch >= LeaderEpoch(0) {
                is_news |= self.epochs.assign(header.partition_leader_epoch, header.base_offset);
            }
        }
        if is_news { self.write_epochs().map_err(|error| self.noted(error)) } else { Ok(()) }
    }

    /// Lets the producers' state follow what is in the log now. A transaction that was aborted must be found by readers,
    /// so when its entry cannot be written the log goes no further; recovery makes the entry again.
    fn take_in(&mut self, found: &[(BatchHeader, Option<Marker>)]) -> Result<(), FileError> {
        for (header, marker) in found {
            if let Some(aborted) = self.producers.replay(header, *marker) {
                let (place, active) = self.active();
                if let Err(error) = active.note_aborted(place, &aborted) {
                    self.fail(&error);
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

fn facts_of(header: &BatchHeader) -> BatchFacts {
    BatchFacts {
        bytes: header.batch_bytes() as u32,
        last_offset: header.last_offset(),
        max_timestamp: header.max_timestamp,
    }
}

/// The marker of a control batch whose header and records lie apart. Such a batch is some hundred bytes.
fn marker_in(header: &[u8], records: &[u8]) -> Option<Marker> {
    let whole = [header, records].concat();
    BatchView::parse(&whole).ok().and_then(|batch| marker_of(&batch))
}
