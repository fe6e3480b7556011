//! The small text files that a log directory keeps beside its partitions and each partition beside its segments: a
//! version line, a line with the count, and a line an entry.
//!
//! Here: how such a text is made and read, and the file of offsets by partition. Each file is replaced whole.

use std::collections::BTreeMap;
use std::path::Path;

use ottla_vocabulary::{Offset, PartitionIndex, TopicName, TopicPartition};

use crate::files::{Durability, FileError, Files, read_whole, replace_whole};

/// Some 300,000 partitions with names of the greatest length; a longer file is not one of ours.
const BYTES_MAX: u64 = 128 << 20;

/// The only version there is.
const VERSION: i32 = 0;

/// Why such a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its text is not that of a checkpoint.
    #[error("line {line} of checkpoint {path} is {what}")]
    Malformed {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
}

/// Makes the text of a checkpoint from the lines of its entries.
pub(crate) fn render(entries: impl ExactSizeIterator<Item = String>) -> String {
    let mut text = format!("{VERSION}\n{}\n", entries.len());
    for entry in entries {
        text.push_str(&entry);
        text.push('\n');
    }
    text
}

/// Reads the entries of a checkpoint. An empty file has none: Kafka creates it before it has something to write.
pub(crate) fn parse<T>(path: &Path, text: &[u8], entry: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, CheckpointError> {
    let malformed = |line: usize, what: &str| {
        let what = what.to_owned();
        CheckpointError::Malformed { path: path.display().to_string(), line, what }
    };
    let text = str::from_utf8(text).map_err(|_| malformed(1, "not UTF-8"))?;
    let mut lines = text.lines();
    let Some(version) = lines.next() else { return Ok(Vec::new()) };
    if version.parse() != Ok(VERSION) {
        return Err(malformed(1, "of a version that is not known"));
    }
    let Some(count) = lines.next() else { return Ok(Vec::new()) };
    let count: usize = count.parse().map_err(|_| malformed(2, "not a count of entries"))?;
    let mut entries = Vec::new();
    for (place, line) in lines.enumerate() {
        entries.push(entry(line).ok_or_else(|| malformed(place + 3, "not an entry"))?);
    }
    if entries.len() != count {
        return Err(malformed(2, &format!("a count of {count}, but there are {} entries", entries.len())));
    }
    Ok(entries)
}

/// Reads a file of offsets by partition; without the file there are none.
///
/// # Errors
/// When the file cannot be read, or is not such a file.
pub fn read_offsets<F: Files>(files: &F, path: &Path) -> Result<BTreeMap<TopicPartition, Offset>, CheckpointError> {
    let Some(text) = read_whole(files, path, BYTES_MAX)? else { return Ok(BTreeMap::new()) };
    let entries = parse(path, &text, |line| {
        let mut words = line.split_whitespace();
        let topic = TopicName::new(words.next()?).ok()?;
        let partition = words.next()?.parse().ok().filter(|index| *index >= 0)?;
        let offset = words.next()?.parse().ok().filter(|offset| *offset >= 0)?;
        let partition = TopicPartition::new(topic, PartitionIndex(partition));
        words.next().is_none().then_some((partition, Offset(offset)))
    })?;
    Ok(entries.into_iter().collect())
}

/// Replaces a file of offsets by partition; afterwards it survives a loss of power.
///
/// # Errors
/// When the disk refuses; then the old file stands.
pub fn write_offsets<F: Files>(
    files: &F,
    path: &Path,
    offsets: &BTreeMap<TopicPartition, Offset>,
) -> Result<(), FileError> {
    let lines =
        offsets.iter().map(|(partition, offset)| format!("{} {} {offset}", partition.topic, partition.partition));
    replace_whole(files, path, render(lines).as_bytes(), Durability::Synced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_checkpoint_is_refused_by_its_line() {
        let number = |line: &str| line.parse::<i32>().ok();
        let parse = |text: &str| parse(Path::new("x"), text.as_bytes(), number).map_err(|error| error.to_string());
        assert_eq!(parse(""), Ok(vec![]));
        assert_eq!(parse("0\n"), Ok(vec![]));
        assert_eq!(parse("0\n0\n"), Ok(vec![]));
        assert_eq!(parse("0\n2\n7\n8\n"), Ok(vec![7, 8]));
        assert_eq!(parse("1\n0\n"), Err("line 1 of checkpoint x is of a version that is not known".into()));
        assert_eq!(parse("0\nx\n"), Err("line 2 of checkpoint x is not a count of entries".into()));
        assert_eq!(parse("0\n1\nx\n"), Err("line 3 of checkpoint x is not an entry".into()));
        assert_eq!(
            parse("0\n3\n1\n2\n"),
            Err("line 2 of checkpoint x is a count of 3, but there are 2 entries".into())
        );
    }
}
