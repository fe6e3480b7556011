//! Reading by offset: the answer is a span, a stretch of one segment's file that holds whole batches, which the shell
//! sends or reads without the log.
//!
//! The first batch of a span may begin before the asked offset; clients skip the records they did not ask for. The last
//! one ends within the bound on offsets and, except for the first batch, the bound on bytes.

use ottla_vocabulary::Offset;

use crate::files::{Descriptor, FileError, Files, LogFile};
use crate::log::{Log, Reached};
use crate::transaction_index::{self, AbortedTransaction, Walk};
use crate::walk::WalkError;

/// A stretch of a segment's file.
#[derive(Clone, Debug)]
pub struct Span<D> {
    /// The open file. It stays readable when the segment is removed meanwhile.
    pub file: D,
    /// Where the first batch begins.
    pub position: u64,
    /// How many bytes: whole batches.
    pub length: u32,
}

impl<D: Descriptor> Span<D> {
    /// Reads the bytes; for who cannot send from the file.
    ///
    /// # Errors
    /// When the disk refuses, or the file ends before the span does.
    pub fn read(&self) -> Result<Vec<u8>, FileError> {
        let mut bytes = vec![0; self.length as usize];
        let read = self.file.read_at(self.position, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

/// The span that a handle of these files gives.
pub type SpanOf<F> = Span<<<F as Files>::File as LogFile>::Descriptor>;

/// How much to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Only batches that end before this offset.
    pub upper_bound: Offset,
    /// Only so many bytes.
    pub bytes_max: u32,
    /// The first batch even when it has more bytes: else a large batch would block its readers for ever.
    pub at_least_one: bool,
}

/// Why nothing could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// OFFSET_OUT_OF_RANGE.
    #[error("offset {offset} is outside of the log, which goes from {log_start} to {log_end}")]
    OutOfRange {
        /// What was asked for.
        offset: Offset,
        /// The first that could be.
        log_start: Offset,
        /// The last that could be.
        log_end: Offset,
    },
    /// KAFKA_STORAGE_ERROR: the disk refused.
    #[error(transparent)]
    Storage(#[from] FileError),
    /// CORRUPT_MESSAGE, and a replica is to be asked: what is in the file is not what was written.
    #[error("segment {base} of {folder} is corrupt {what}")]
    Corrupt {
        /// The partition's folder.
        folder: String,
        /// Which segment.
        base: Offset,
        /// Where and how.
        what: String,
    },
}

impl<F: Files> Log<F> {
    /// Finds batches from an offset on; `None` when there are none within the limits.
    ///
    /// # Errors
    /// When the offset is not in the log, or the disk refuses.
    pub fn read(&mut self, offset: Offset, limits: ReadLimits) -> Result<Option<SpanOf<F>>, ReadError> {
        self.check_in_range(offset)?;
        let upper_bound = limits.upper_bound.min(self.log_end);
        if offset >= upper_bound {
            return Ok(None);
        }
        let Some((index, first, first_end)) = self.find_first(offset)? else { return Ok(None) };
        let end = self.position_of_bound(index, upper_bound)?;
        if first >= end {
            return Ok(None);
        }
        let limit = first.saturating_add(limits.bytes_max).min(end);
        let end = if first_end > limit {
            if !limits.at_least_one || first_end > end {
                return Ok(None);
            }
            first_end
        } else if limit == end {
            end
        } else {
            self.in_segment(index, |place, segment| segment.boundary(place, first, limit))?
        };
        let (place, segment) = self.segment(index);
        let file = segment.log(place).descriptor()?;
        let (base, size) = (segment.base(), segment.size());
        if end == size && index + 1 == self.segments.len() {
            self.note_reached(Reached { offset: self.log_end, base, position: size });
        }
        Ok(Some(Span { file, position: first.into(), length: end - first }))
    }

    /// The aborted transactions that a reader of committed records must know to leave out what they wrote between
    /// `from` and `upper_bound`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn aborted_transactions(
        &mut self,
        from: Offset,
        upper_bound: Offset,
    ) -> Result<Vec<AbortedTransaction>, ReadError> {
        let mut found = Vec::new();
        for segment in &self.segments[self.segment_of(from)..] {
            let [_, _, _, path] = segment.paths(&self.folder);
            if self.files.facts(&path)?.is_none() {
                continue;
            }
            let walked = transaction_index::collect(&self.files.file(&path), from, upper_bound, &mut found)?;
            if walked == Walk::Stop {
                break;
            }
        }
        Ok(found)
    }

    pub(crate) fn check_in_range(&self, offset: Offset) -> Result<(), ReadError> {
        let (log_start, log_end) = (self.log_start, self.log_end);
        if (log_start..=log_end).contains(&offset) {
            Ok(())
        } else {
            Err(ReadError::OutOfRange { offset, log_start, log_end })
        }
    }

    /// The first batch that has this or a later offset: its segment, and where it begins and ends.
    fn find_first(&mut self, offset: Offset) -> Result<Option<(usize, u32, u32)>, ReadError> {
        let reached = self.reached.iter().find(|reached| reached.offset == offset).copied();
        for index in self.segment_of(offset)..self.segments.len() {
            let hint = reached.filter(|reached| reached.base == self.segments[index].base());
            let found = self.in_segment(index, |place, segment| match hint {
                Some(hint) => segment.batch_at(place, hint.position),
                None => segment.find(place, offset),
            })?;
            if let Some(batch) = found {
                return Ok(Some((index, batch.position, batch.end() as u32)));
            }
            // Compaction may have left nothing of this and the following offsets in the segment.
        }
        Ok(None)
    }

    /// Up to which place a segment's batches are below an offset.
    fn position_of_bound(&mut self, index: usize, upper_bound: Offset) -> Result<u32, ReadError> {
        let next_base = self.segments.get(index + 1).map_or(self.log_end, |next| next.base());
        if upper_bound >= next_base {
            return Ok(self.segments[index].size());
        }
        let size = self.segments[index].size();
        let found = self.in_segment(index, |place, segment| segment.find(place, upper_bound))?;
        Ok(found.map_or(size, |batch| batch.position))
    }

    /// Does something with a segment, and says of which one it is when its batches turn out to be none.
    pub(crate) fn in_segment<T>(
        &mut self,
        index: usize,
        act: impl FnOnce(crate::segment::Place<'_, F>, &mut crate::segment::Segment<F>) -> Result<T, WalkError>,
    ) -> Result<T, ReadError> {
        let (place, segment) = self.segment(index);
        act(place, segment).map_err(|error| match error {
            WalkError::File(error) => ReadError::Storage(error),
            error @ (WalkError::Batch { .. } | WalkError::Misdirected { .. }) => ReadError::Corrupt {
                folder: self.folder.display().to_string(),
                base: self.segments[index].base(),
                what: error.to_string(),
            },
        })
    }

    fn note_reached(&mut self, reached: Reached) {
        if !self.reached.contains(&reached) {
            self.reached.rotate_right(1);
            self.reached[0] = reached;
        }
    }
}
