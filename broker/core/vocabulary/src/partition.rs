//! A partition of a topic.

use core::fmt;

use crate::TopicName;

/// The number of a partition within its topic, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionIndex(pub i32);

impl fmt::Display for PartitionIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A partition by its topic's name. Its text, `topic-3`, is also its folder's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic.
    pub topic: TopicName,
    /// The partition within it.
    pub partition: PartitionIndex,
}

impl TopicPartition {
    /// Puts the two together.
    pub fn new(topic: TopicName, partition: PartitionIndex) -> TopicPartition {
        TopicPartition { topic, partition }
    }

    /// Reads a folder's name, `topic-3`; `None` when it is not that of a partition.
    pub fn from_folder(folder: &str) -> Option<TopicPartition> {
        let (topic, partition) = folder.rsplit_once('-')?;
        let canonical = partition == "0" || !partition.starts_with(['0', '+', '-']);
        let partition = partition.parse().ok().filter(|index| *index >= 0 && canonical)?;
        Some(TopicPartition::new(TopicName::new(topic).ok()?, PartitionIndex(partition)))
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_partition_or_not() {
        let found =
            |folder| TopicPartition::from_folder(folder).map(|found| (found.topic.to_string(), found.partition.0));
        assert_eq!(found("a-b-12"), Some(("a-b".to_owned(), 12)));
        assert_eq!(found("__cluster_metadata-0"), Some(("__cluster_metadata".to_owned(), 0)));
        for not in ["a", "a-", "-1", "a-01", "a-+1", "a-1-delete", "a-99999999999"] {
            assert_eq!(found(not), None, "{not}");
        }
    }
}
