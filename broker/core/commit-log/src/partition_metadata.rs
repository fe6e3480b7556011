//! A partition's topic id on disk (`partition.metadata`): by it a folder that is left of a deleted topic is told from one
//! of a new topic with the same name.

use std::io::IoSlice;
use std::path::Path;

use ottla_vocabulary::TopicId;

use crate::files::{FileError, Files, LogFile, read_whole};
use crate::layout::PARTITION_METADATA;

/// Two short lines.
const BYTES_MAX: u64 = 4 << 10;

/// Reads the topic id from a partition's folder; `None` when the file is absent or is not one: a crash may have left it
/// empty, and then the folder's topic is known by its name only.
///
/// # Errors
/// When the disk refuses.
pub fn read<F: Files>(files: &F, folder: &Path) -> Result<Option<TopicId>, FileError> {
    Ok(read_whole(files, &folder.join(PARTITION_METADATA), BYTES_MAX)?.and_then(|text| parse(&text)))
}

/// Writes the topic id into a partition's new folder. It is synced together with the first records.
///
/// # Errors
/// When the disk refuses.
pub fn write<F: Files>(files: &F, folder: &Path, topic: TopicId) -> Result<(), FileError> {
    let file = files.create(&folder.join(PARTITION_METADATA))?;
    file.write_at(0, &[IoSlice::new(render(topic).as_bytes())])
}

fn render(topic: TopicId) -> String {
    format!("version: 0\ntopic_id: {topic}")
}

fn parse(text: &[u8]) -> Option<TopicId> {
    let mut lines = str::from_utf8(text).ok()?.lines();
    let version = lines.next()?.strip_prefix("version:")?.trim();
    let topic = lines.next()?.strip_prefix("topic_id:")?.trim();
    let topic = TopicId(topic.parse().ok()?);
    (version == "0" && !topic.0.is_zero()).then_some(topic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_and_a_torn_file_has_none() {
        let topic = TopicId("vPeOCWypqUOSepEvx0cbog".parse().unwrap());
        let text = render(topic);
        assert_eq!(text, "version: 0\ntopic_id: vPeOCWypqUOSepEvx0cbog");
        assert_eq!(parse(text.as_bytes()), Some(topic));
        for torn in 0..text.len() {
            assert_eq!(parse(&text.as_bytes()[..torn]), None);
        }
        assert_eq!(parse(b"version: 1\ntopic_id: vPeOCWypqUOSepEvx0cbog"), None);
        assert_eq!(parse(b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA"), None, "Kafka's word for none");
    }
}
