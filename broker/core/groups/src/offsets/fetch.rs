//! OffsetFetch: how far has a group read? What was never committed has no answer, and neither has an unknown group.

use ottla_vocabulary::GroupId;
use ottla_wire::ErrorCode;

use crate::request::{Committed, Partition};
use crate::shard::Shard;

impl<To> Shard<To> {
    pub(crate) fn fetch_offsets(
        &self,
        group: &GroupId,
        partitions: Option<Vec<Partition>>,
    ) -> Result<Vec<(Partition, Option<Committed>)>, ErrorCode> {
        let offsets = self.offsets.get(group);
        Ok(match partitions {
            Some(partitions) => partitions
                .into_iter()
                .map(|partition| {
                    let place = (partition.topic.clone(), partition.partition);
                    let committed = offsets.and_then(|offsets| offsets.get(&place));
                    // Committed for a topic that was deleted and made again: of another topic (KIP-848).
                    let same = |one: &&Committed| {
                        one.topic_id.0.is_zero() || partition.topic_id.0.is_zero() || one.topic_id == partition.topic_id
                    };
                    let committed = committed.filter(same).cloned();
                    (partition, committed)
                })
                .collect(),
            None => offsets
                .into_iter()
                .flatten()
                .map(|((topic, partition), committed)| {
                    let (topic, partition) = (topic.clone(), *partition);
                    (Partition { topic, topic_id: committed.topic_id, partition }, Some(committed.clone()))
                })
                .collect(),
        })
    }
}
