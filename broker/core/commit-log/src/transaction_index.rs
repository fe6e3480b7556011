//! The index of aborted transactions of a segment (`.txnindex`): entries of 34 bytes, in the order of their abort markers.
//! The file is there only when the segment has such a marker.
//!
//! Given an abort marker by the log, it stores which transaction it ended; a read_committed fetch is told by it which
//! records to leave out.

use std::io::IoSlice;

use ottla_vocabulary::{Offset, ProducerId};

use crate::files::{FileError, LogFile};

const ENTRY_BYTES: usize = 34;
const VERSION: i16 = 0;

/// Reading goes in pieces of this many entries.
const READ_AT_ONCE: usize = 120;

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Whose it was.
    pub producer: ProducerId,
    /// Its first record in this partition.
    pub first_offset: Offset,
    /// Its abort marker.
    pub last_offset: Offset,
    /// The last stable offset when the marker was written: no entry after this one has a first offset below it.
    pub last_stable_offset: Offset,
}

/// Appends an entry to a file that has this length.
///
/// # Errors
/// When the disk refuses; then the file may end with a torn entry, which the next append at the same length replaces.
pub fn append(file: &impl LogFile, length: u64, aborted: &AbortedTransaction) -> Result<(), FileError> {
    let mut bytes = [0; ENTRY_BYTES];
    bytes[..2].copy_from_slice(&VERSION.to_be_bytes());
    bytes[2..10].copy_from_slice(&aborted.producer.0.to_be_bytes());
    bytes[10..18].copy_from_slice(&aborted.first_offset.0.to_be_bytes());
    bytes[18..26].copy_from_slice(&aborted.last_offset.0.to_be_bytes());
    bytes[26..].copy_from_slice(&aborted.last_stable_offset.0.to_be_bytes());
    file.write_at(whole(length), &[IoSlice::new(&bytes)])
}

/// The length of a file without a torn entry at its end.
pub fn whole(length: u64) -> u64 {
    length - length % ENTRY_BYTES as u64
}

/// Walks the entries from the first on until `visit` says to stop, and tells whether it did.
///
/// # Errors
/// When the disk refuses.
pub fn walk(file: &impl LogFile, mut visit: impl FnMut(u64, AbortedTransaction) -> Walk) -> Result<Walk, FileError> {
    let mut buffer = [0; READ_AT_ONCE * ENTRY_BYTES];
    let mut position = 0;
    loop {
        let read = file.read_at(position, &mut buffer)?;
        let (entries, _) = buffer[..read].as_chunks::<ENTRY_BYTES>();
        for entry in entries {
            // An entry of a later version is none that we can read; what follows it neither.
            let Some(aborted) = parse(entry) else { return Ok(Walk::On) };
            if visit(position, aborted) == Walk::Stop {
                return Ok(Walk::Stop);
            }
            position += ENTRY_BYTES as u64;
        }
        if entries.len() < READ_AT_ONCE {
            return Ok(Walk::On);
        }
    }
}

/// Whether to go on walking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// There may be more to see.
    On,
    /// All was seen that was sought.
    Stop,
}

/// Adds the aborted transactions that a reader of `from..upper_bound` must know, and tells by [`Walk::Stop`] when no
/// later segment can have another.
///
/// # Errors
/// When the disk refuses.
pub fn collect(
    file: &impl LogFile,
    from: Offset,
    upper_bound: Offset,
    found: &mut Vec<AbortedTransaction>,
) -> Result<Walk, FileError> {
    walk(file, |_, aborted| {
        if aborted.last_offset >= from && aborted.first_offset < upper_bound {
            found.push(aborted);
        }
        if aborted.last_stable_offset >= upper_bound { Walk::Stop } else { Walk::On }
    })
}

/// Removes the entries whose markers are at this or later offsets.
///
/// # Errors
/// When the disk refuses.
pub fn truncate_to(file: &impl LogFile, offset: Offset) -> Result<(), FileError> {
    let mut cut = None;
    walk(file, |position, aborted| {
        if aborted.last_offset < offset {
            return Walk::On;
        }
        cut = Some(position);
        Walk::Stop
    })?;
    cut.map_or(Ok(()), |position| file.truncate(position))
}

fn parse(entry: &[u8; ENTRY_BYTES]) -> Option<AbortedTransaction> {
    let (version, numbers) = entry.split_first_chunk::<2>()?;
    let (numbers, _) = numbers.as_chunks::<8>();
    let [producer, first, last, stable] = numbers else { return None };
    (i16::from_be_bytes(*version) <= VERSION).then(|| AbortedTransaction {
        producer: ProducerId(i64::from_be_bytes(*producer)),
        first_offset: Offset(i64::from_be_bytes(*first)),
        last_offset: Offset(i64::from_be_bytes(*last)),
        last_stable_offset: Offset(i64::from_be_bytes(*stable)),
    })
}
