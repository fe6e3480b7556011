//! The topics by id and by name, and their partitions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ottla_vocabulary::{NodeId, PartitionIndex, TopicId, TopicName};

use super::partition::Partition;
use super::shards::{Sharded, Shards, spread};

impl Sharded for TopicName {
    fn shard(&self) -> u64 {
        spread(self.as_str().as_bytes())
    }
}

impl Sharded for TopicId {
    fn shard(&self) -> u64 {
        spread(&self.0.0)
    }
}

impl Sharded for String {
    fn shard(&self) -> u64 {
        spread(self.as_bytes())
    }
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: TopicName,
    /// Its id.
    pub id: TopicId,
    /// Its partitions: 0, 1, 2 … without a gap, unless a broken log says otherwise.
    pub partitions: BTreeMap<PartitionIndex, Arc<Partition>>,
}

impl Topic {
    /// One partition.
    pub fn partition(&self, index: PartitionIndex) -> Option<&Arc<Partition>> {
        self.partitions.get(&index)
    }

    /// How many replicas each partition has; Kafka takes that of the first.
    pub fn replication_factor(&self) -> usize {
        self.partitions.first_key_value().map_or(0, |(_, partition)| partition.replicas.len())
    }
}

/// All topics. A copy is cheap and does not see what comes later.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topics {
    by_id: Shards<TopicId, Arc<Topic>>,
    by_name: Shards<TopicName, TopicId>,
    /// Names with `.` or `_`, by what they share with the names whose metrics would collide with theirs.
    colliding: Shards<String, BTreeSet<TopicName>>,
    partition_count: usize,
}

impl Topics {
    /// How many topics.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many partitions in all.
    pub fn partition_count(&self) -> usize {
        self.partition_count
    }

    /// The topic of this id.
    pub fn get(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.by_id.get(&id)
    }

    /// The topic of this name.
    pub fn by_name(&self, name: &TopicName) -> Option<&Arc<Topic>> {
        self.get(self.id_of(name)?)
    }

    /// The topic of a name that may be no topic's at all.
    pub fn by_text(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name(&TopicName::new(name).ok()?)
    }

    /// The id of this name.
    pub fn id_of(&self, name: &TopicName) -> Option<TopicId> {
        self.by_name.get(name).copied()
    }

    /// One partition.
    pub fn partition(&self, id: TopicId, index: PartitionIndex) -> Option<&Arc<Partition>> {
        self.get(id)?.partition(index)
    }

    /// All topics, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_id.iter().map(|(_, topic)| topic)
    }

    /// All topics, by name.
    pub fn sorted(&self) -> Vec<&Arc<Topic>> {
        let mut topics: Vec<_> = self.iter().collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        topics
    }

    /// All partitions, in no particular order.
    pub fn partitions(&self) -> impl Iterator<Item = (&Arc<Topic>, PartitionIndex, &Arc<Partition>)> {
        self.iter().flat_map(|topic| topic.partitions.iter().map(move |(index, partition)| (topic, *index, partition)))
    }

    /// Whether a broker leads anything.
    pub fn has_leaderships(&self, broker: NodeId) -> bool {
        self.partitions().any(|(_, _, partition)| partition.leader == Some(broker))
    }

    /// A topic that exists already and whose metrics would collide with those of a topic of this name: they differ only
    /// in `.` and `_`, which metric names do not tell apart.
    pub fn collision(&self, name: &TopicName) -> Option<&TopicName> {
        can_collide(name).then(|| self.colliding.get(&name.collision_key())).flatten()?.first()
    }

    /// The topics in which this may differ from `former`, as id, then, now.
    pub(crate) fn differing<'a>(
        &'a self,
        former: &'a Topics,
    ) -> impl Iterator<Item = (&'a TopicId, Option<&'a Arc<Topic>>, Option<&'a Arc<Topic>>)> {
        self.by_id.differing(&former.by_id)
    }

    // What follows is for replay alone.

    pub(crate) fn create(&mut self, name: TopicName, id: TopicId) {
        if can_collide(&name) {
            let key = name.collision_key();
            let mut names = self.colliding.remove(&key).unwrap_or_default();
            names.insert(name.clone());
            self.colliding.insert(key, names);
        }
        self.by_name.insert(name.clone(), id);
        self.by_id.insert(id, Arc::new(Topic { name, id, partitions: BTreeMap::new() }));
    }

    pub(crate) fn remove(&mut self, id: TopicId) -> Option<Arc<Topic>> {
        let topic = self.by_id.remove(&id)?;
        self.by_name.remove(&topic.name);
        self.partition_count -= topic.partitions.len();
        let key = topic.name.collision_key();
        if let Some(mut names) = self.colliding.remove(&key) {
            names.remove(&topic.name);
            if !names.is_empty() {
                self.colliding.insert(key, names);
            }
        }
        Some(topic)
    }

    /// Puts a partition in; `false` when there is no such topic.
    pub(crate) fn set_partition(&mut self, id: TopicId, index: PartitionIndex, partition: Partition) -> bool {
        let Some(topic) = self.by_id.get_mut(&id) else { return false };
        let former = Arc::make_mut(topic).partitions.insert(index, Arc::new(partition));
        self.partition_count += usize::from(former.is_none());
        true
    }
}

fn can_collide(name: &TopicName) -> bool {
    name.as_str().contains(['.', '_'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ottla_vocabulary::Uuid;

    fn name(text: &str) -> TopicName {
        TopicName::new(text).unwrap()
    }

    fn id(number: u8) -> TopicId {
        TopicId(Uuid([number; 16]))
    }

    #[test]
    fn topics_are_found_by_name_and_by_id_until_they_are_gone() {
        let mut topics = Topics::default();
        topics.create(name("a.b"), id(1));
        assert!(topics.set_partition(id(1), PartitionIndex(0), Partition::default()));
        assert!(!topics.set_partition(id(2), PartitionIndex(0), Partition::default()));
        assert_eq!(topics.by_text("a.b").unwrap().id, id(1));
        assert_eq!(topics.by_text("a b"), None);
        assert_eq!(topics.partition_count(), 1);
        assert_eq!(topics.remove(id(1)).unwrap().name, name("a.b"));
        assert_eq!((topics.len(), topics.partition_count(), topics.by_name(&name("a.b"))), (0, 0, None));
        assert_eq!(topics.collision(&name("a_b")), None);
    }

    #[test]
    fn names_that_differ_in_dots_and_underscores_collide() {
        let mut topics = Topics::default();
        topics.create(name("a.b"), id(1));
        topics.create(name("ab"), id(2));
        assert_eq!(topics.collision(&name("a_b")), Some(&name("a.b")));
        assert_eq!(topics.collision(&name("ab")), None);
        assert_eq!(topics.collision(&name("a-b")), None);
    }
}
