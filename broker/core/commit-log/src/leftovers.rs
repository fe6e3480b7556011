//! What a stop in the middle of something leaves in a partition's folder, put in order before the log is opened: removed
//! files that waited for their end, compaction half done, indexes without a segment.

use std::path::Path;

use ottla_vocabulary::Offset;

use crate::files::{FileError, Files};
use crate::layout::{CLEANED, DELETED, LOG, PartitionFile, SWAP};
use crate::walk::{SCAN_BYTES, Walk};

/// What is in a partition's folder after tidying.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Base offsets of the segments, rising.
    pub(crate) segments: Vec<Offset>,
    /// Offsets of the producer snapshots, rising.
    pub(crate) snapshots: Vec<Offset>,
}

/// Puts a folder in order and tells what is in it.
pub(crate) fn tidy<F: Files>(files: &F, folder: &Path) -> Result<Contents, FileError> {
    let names = names(files, folder)?;
    let half_cleaned = names.iter().filter(|name| name.ends_with(CLEANED)).filter_map(|name| offset_of(name)).min();
    for name in &names {
        if PartitionFile::of(name) == PartitionFile::Leftover {
            files.remove(&folder.join(name))?;
        }
    }
    finish_swaps(files, folder, &names, half_cleaned)?;
    let mut contents = Contents::default();
    let mut indexes = Vec::new();
    for name in self::names(files, folder)? {
        match PartitionFile::of(&name) {
            PartitionFile::Log(base) => contents.segments.push(base),
            PartitionFile::ProducerSnapshot(offset) => contents.snapshots.push(offset),
            PartitionFile::OffsetIndex(base)
            | PartitionFile::TimeIndex(base)
            | PartitionFile::TransactionIndex(base) => {
                indexes.push((base, name));
            }
            PartitionFile::Leftover | PartitionFile::Swap | PartitionFile::Other => {}
        }
    }
    contents.segments.sort_unstable();
    contents.snapshots.sort_unstable();
    for (base, name) in indexes {
        if contents.segments.binary_search(&base).is_err() {
            files.remove(&folder.join(name))?;
        }
    }
    Ok(contents)
}

/// Puts segments that compaction finished in the place of those that they are made of. One that belongs to a split of
/// which a part is still half written is worthless: the segment that was to be split is there.
fn finish_swaps<F: Files>(
    files: &F,
    folder: &Path,
    names: &[String],
    half_cleaned: Option<Offset>,
) -> Result<(), FileError> {
    let (mut first, mut end) = (None, None);
    let mut swaps = Vec::new();
    for name in names.iter().filter(|name| PartitionFile::of(name) == PartitionFile::Swap) {
        let Some(base) = offset_of(name) else { continue };
        if half_cleaned.is_some_and(|half| base >= half) {
            files.remove(&folder.join(name))?;
            continue;
        }
        swaps.push(name);
        if name.strip_suffix(SWAP).is_some_and(|name| name.ends_with(LOG)) {
            first = Some(first.map_or(base, |first: Offset| first.min(base)));
            let next = next_offset(files, &folder.join(name), base)?;
            end = Some(end.map_or(next, |end: Offset| end.max(next)));
        }
    }
    if let (Some(first), Some(end)) = (first, end) {
        for name in names {
            let replaced = offset_of(name).is_some_and(|base| first <= base && base < end);
            if replaced && !name.ends_with(SWAP) && !name.ends_with(DELETED) {
                files.remove(&folder.join(name))?;
            }
        }
    }
    for name in swaps {
        let place = name.strip_suffix(SWAP).unwrap_or(name);
        files.rename(&folder.join(name), &folder.join(place))?;
    }
    Ok(())
}

fn next_offset<F: Files>(files: &F, path: &Path, base: Offset) -> Result<Offset, FileError> {
    let length = files.facts(path)?.map_or(0, |facts| facts.length);
    let mut walk = Walk::new(files.file(path), 0, length, SCAN_BYTES);
    let mut next = base;
    while let Some(batch) = walk.next_sound()? {
        next = batch.header.next_offset();
    }
    Ok(next)
}

fn names<F: Files>(files: &F, folder: &Path) -> Result<Vec<String>, FileError> {
    let entries = files.list(folder)?.into_iter();
    let mut names: Vec<String> = entries.filter(|entry| !entry.is_folder).map(|entry| entry.name).collect();
    names.sort_unstable(); // disks list in any order, and two runs must not differ
    Ok(names)
}

/// The offset that a file's name begins with.
fn offset_of(name: &str) -> Option<Offset> {
    let (digits, rest) = name.split_at_checked(20)?;
    let is_segment = rest.starts_with('.') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_segment { digits.parse().map(Offset).ok() } else { None }
}
