//! Walking the batch headers of a segment's file without reading what lies between them, and checking whole batches.
//!
//! Lookups walk a few headers from where an index points; recovery walks a file. Memory is one buffer, whatever the file
//! claims of itself.

use crc_fast::{CrcAlgorithm, Digest};
use ottla_records::{
    BatchError, BatchHeader, BatchView, ControlRecordType, Decompressor, EndTransactionMarker, HEADER_BYTES,
};

use crate::files::{FileError, LogFile};
use crate::producer_state::Marker;

/// For a few headers near each other: one page.
pub(crate) const LOOKUP_BYTES: usize = 4 << 10;
/// For a whole file: small batches come many at a time.
pub(crate) const SCAN_BYTES: usize = 256 << 10;

/// A control batch holds one record of some 20 bytes; what is longer is none that we know.
const MARKER_BYTES_MAX: usize = 1 << 10;

/// The sum of a batch leaves out what comes before its attributes.
const SUMMED_FROM: u64 = 21;

/// The headers of a file, from one batch to another.
pub(crate) struct Walk<L> {
    file: L,
    /// Where the next batch begins.
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
    chunk_bytes: usize,
}

/// A batch in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FoundBatch {
    pub(crate) position: u32,
    pub(crate) header: BatchHeader,
}

/// Why walking ended before the end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WalkError {
    #[error(transparent)]
    File(#[from] FileError),
    /// What is at this place is not a whole, sound batch.
    #[error("at position {position}: {error}")]
    Batch { position: u64, error: BatchError },
    /// An index says that a batch begins here, but the one it means does not.
    #[error("the index points to position {position}, where another batch begins")]
    Misdirected { position: u32 },
}

impl FoundBatch {
    /// Where the next batch begins.
    pub(crate) fn end(&self) -> u64 {
        u64::from(self.position) + self.header.batch_bytes() as u64
    }
}

impl<L: LogFile> Walk<L> {
    /// Begins at a batch's place; `end` is where the last batch ends, or is cut off.
    pub(crate) fn new(file: L, position: u64, end: u64, chunk_bytes: usize) -> Walk<L> {
        Walk { file, position, end, buffer: Vec::new(), buffer_at: 0, chunk_bytes }
    }

    /// The next batch, whose bytes are all there but not checked.
    pub(crate) fn next(&mut self) -> Result<Option<FoundBatch>, WalkError> {
        let position = self.position;
        let left = self.end.saturating_sub(position);
        if left == 0 {
            return Ok(None);
        }
        let refuse = |error| WalkError::Batch { position, error };
        let header = BatchHeader::parse(self.at(position, HEADER_BYTES)?).map_err(refuse)?;
        let need = header.batch_bytes();
        if need as u64 > left {
            return Err(refuse(BatchError::Partial { have: left as usize, need }));
        }
        self.position += need as u64;
        let position = u32::try_from(position).unwrap_or(u32::MAX); // segments are below 2 GiB
        Ok(Some(FoundBatch { position, header }))
    }

    /// The next batch; `None` also before what is no batch.
    pub(crate) fn next_sound(&mut self) -> Result<Option<FoundBatch>, FileError> {
        match self.next() {
            Ok(batch) => Ok(batch),
            Err(WalkError::File(error)) => Err(error),
            Err(WalkError::Batch { .. } | WalkError::Misdirected { .. }) => Ok(None),
        }
    }

    /// Compares the sum of a batch with that of its bytes, which are read piece by piece.
    pub(crate) fn check_crc(&mut self, batch: &FoundBatch) -> Result<(), WalkError> {
        let mut position = u64::from(batch.position) + SUMMED_FROM;
        let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
        while position < batch.end() {
            let left = usize::try_from(batch.end() - position).unwrap_or(usize::MAX);
            let piece = self.at(position, left.min(self.chunk_bytes))?;
            if piece.is_empty() {
                break; // the file is shorter than it was a moment ago, so the sum will not fit
            }
            digest.update(piece);
            position += piece.len() as u64;
        }
        let computed = digest.finalize() as u32;
        let stored = batch.header.crc;
        if computed == stored {
            return Ok(());
        }
        let error = BatchError::Crc { base_offset: batch.header.base_offset.0, stored, computed };
        Err(WalkError::Batch { position: batch.position.into(), error })
    }

    /// The marker in a control batch: `None` when it is not the end of a transaction, or compaction emptied it.
    pub(crate) fn marker(&mut self, batch: &FoundBatch) -> Result<Option<Marker>, WalkError> {
        let bytes = batch.header.batch_bytes();
        if !batch.header.attributes.is_control() || bytes > MARKER_BYTES_MAX {
            return Ok(None);
        }
        let bytes = self.at(batch.position.into(), bytes)?;
        Ok(BatchView::parse(bytes).ok().and_then(|view| marker_of(&view)))
    }

    /// Bytes of the file, through the buffer; fewer than asked for where `end` comes before.
    fn at(&mut self, position: u64, length: usize) -> Result<&[u8], FileError> {
        let length = length.min(usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX));
        let buffered = self.buffer_at..self.buffer_at + self.buffer.len() as u64;
        if !(buffered.contains(&position) && position + length as u64 <= buffered.end) {
            let ahead = (self.end - position).min(self.chunk_bytes.max(length) as u64) as usize;
            self.buffer.clear(); // a failed read leaves nothing that could be taken for the file's
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.resize(ahead, 0);
            let read = self.file.read_at(position, &mut buffer)?;
            buffer.truncate(read);
            (self.buffer, self.buffer_at) = (buffer, position);
        }
        let from = (position - self.buffer_at) as usize;
        Ok(&self.buffer[from..self.buffer.len().min(from + length)])
    }
}

/// The marker in a control batch that is in memory.
pub(crate) fn marker_of(batch: &BatchView<'_>) -> Option<Marker> {
    if !batch.header().attributes.is_control() || batch.bytes().len() > MARKER_BYTES_MAX {
        return None;
    }
    let mut decompressor = Decompressor::new();
    let record = batch.records(&mut decompressor, MARKER_BYTES_MAX).ok()?.next()?.ok()?;
    let aborts = match ControlRecordType::of(&record)? {
        ControlRecordType::Abort => true,
        ControlRecordType::Commit => false,
        _ => return None,
    };
    let coordinator_epoch = EndTransactionMarker::parse(record.value?)?.coordinator_epoch;
    Some(Marker { aborts, coordinator_epoch })
}
