//! What changed between two images, for those who act on it: the node creates and deletes partitions' logs, changes
//! leaders, takes up new configurations.
//!
//! Computed by comparing, not gathered while replaying: so an aborted transaction leaves no trace, several commits
//! published at once give one difference, and what did not change costs a look at a pointer.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_vocabulary::{NodeId, PartitionIndex, TopicId};

use crate::image::{Image, Partition, Resource, Topic};

/// The difference. Lists are sorted by what names their entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    /// Topics that are new, with all their partitions. A topic made again under its old name is new, and the old gone.
    pub created: Vec<Arc<Topic>>,
    /// Topics that are gone, as they were last.
    pub deleted: Vec<Arc<Topic>>,
    /// Partitions of topics that were there before.
    pub partitions: Vec<PartitionDelta>,
    /// Resources whose configuration changed. A deleted topic's is not among them.
    pub configs: Vec<Resource>,
    /// Brokers that registered, changed or left.
    pub brokers: Vec<NodeId>,
    /// Whether any feature's level changed.
    pub features: bool,
    /// Whether what is kept unserved (access rules, credentials, quotas, tokens) changed.
    pub kept: bool,
}

/// One partition that changed.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionDelta {
    /// Its topic, as it is now.
    pub topic: Arc<Topic>,
    /// Which one.
    pub index: PartitionIndex,
    /// What it was; `None` for a partition that was added.
    pub before: Option<Arc<Partition>>,
    /// What it is.
    pub now: Arc<Partition>,
}

impl PartitionDelta {
    /// Whether a leader was elected or lost.
    pub fn leader_changed(&self) -> bool {
        self.before.as_ref().is_none_or(|before| before.leader_epoch != self.now.leader_epoch)
    }
}

impl Delta {
    /// The difference from one image to a later one.
    pub fn between(before: &Image, now: &Image) -> Delta {
        let mut delta = Delta {
            features: !same(&before.features, &now.features),
            kept: !same(&before.kept, &now.kept),
            ..Delta::default()
        };
        for (_, then, topic) in now.topics.differing(&before.topics) {
            match (then, topic) {
                (None, Some(topic)) => delta.created.push(topic.clone()),
                (Some(then), None) => delta.deleted.push(then.clone()),
                (Some(then), Some(topic)) => delta.partitions_of(then, topic),
                (None, None) => {}
            }
        }
        for (resource, then, settings) in now.configs.differing(&before.configs) {
            let deleted = settings.is_none() && delta.is_deleted_topic(resource, now);
            if then != settings && !deleted {
                delta.configs.push(resource.clone());
            }
        }
        if !Arc::ptr_eq(&before.cluster, &now.cluster) {
            let (then, brokers) = (&before.cluster.brokers, &now.cluster.brokers);
            let gone = then.keys().filter(|id| !brokers.contains_key(id));
            let changed = brokers.iter().filter(|(id, broker)| then.get(id).is_none_or(|then| !same(then, broker)));
            delta.brokers = changed.map(|(id, _)| id).chain(gone).copied().collect();
        }
        delta.sort();
        delta
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Delta::default()
    }

    fn partitions_of(&mut self, then: &Arc<Topic>, topic: &Arc<Topic>) {
        if Arc::ptr_eq(then, topic) {
            return;
        }
        for (index, now) in &topic.partitions {
            let before = then.partition(*index);
            if before.is_none_or(|before| !same(before, now)) {
                let (topic, before, now) = (topic.clone(), before.cloned(), now.clone());
                self.partitions.push(PartitionDelta { topic, index: *index, before, now });
            }
        }
    }

    fn is_deleted_topic(&self, resource: &Resource, now: &Image) -> bool {
        resource.kind == crate::image::ResourceType::TOPIC && now.topics.by_text(&resource.name).is_none()
    }

    fn sort(&mut self) {
        let by_name = |a: &Arc<Topic>, b: &Arc<Topic>| (&a.name, a.id).cmp(&(&b.name, b.id));
        self.created.sort_by(by_name);
        self.deleted.sort_by(by_name);
        self.partitions.sort_by(|a, b| by_name(&a.topic, &b.topic).then(a.index.cmp(&b.index)));
        self.configs.sort();
        self.brokers.sort();
    }

    /// The topic ids of what is gone, for whoever keeps things by id.
    pub fn deleted_ids(&self) -> BTreeMap<TopicId, Arc<Topic>> {
        self.deleted.iter().map(|topic| (topic.id, topic.clone())).collect()
    }
}

fn same<T: PartialEq>(a: &Arc<T>, b: &Arc<T>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metadata;
    use ottla_replicated::Machine;
    use ottla_vocabulary::{Offset, Uuid};
    use ottla_wire::{
        AbortTransactionRecord, BeginTransactionRecord, ConfigRecord, FeatureLevelRecord, MetadataRecord,
        PartitionChangeRecord, PartitionRecord, RegisterBrokerRecord, RemoveTopicRecord, TopicRecord,
    };

    fn topic(name: &'static str, id: u8) -> [MetadataRecord<'static>; 2] {
        let topic_id = Uuid([id; 16]);
        let partition =
            PartitionRecord { partition_id: 0, topic_id, replicas: vec![1].into(), leader: 1, ..Default::default() };
        [TopicRecord { name: name.into(), topic_id }.into(), partition.into()]
    }

    fn config(topic: &'static str, value: &'static str) -> MetadataRecord<'static> {
        let (name, value) = ("retention.ms".into(), Some(value.into()));
        ConfigRecord { resource_type: 2, resource_name: topic.into(), name, value }.into()
    }

    fn replay(metadata: &mut Metadata, records: impl IntoIterator<Item = MetadataRecord<'static>>) {
        for record in records {
            metadata.replay(Offset(metadata.image().end.0), &record).unwrap();
        }
    }

    #[test]
    fn creations_changes_and_deletions_are_told_apart() {
        let mut metadata = Metadata::default();
        replay(&mut metadata, topic("kept", 1).into_iter().chain(topic("again", 2)).chain([config("again", "1")]));
        let before = metadata.image().clone();
        assert!(Delta::between(&before, metadata.image()).is_empty());

        replay(&mut metadata, [RemoveTopicRecord { topic_id: Uuid([2; 16]) }.into()]);
        replay(&mut metadata, topic("again", 3).into_iter().chain([config("kept", "5")]));
        let change =
            PartitionChangeRecord { partition_id: 0, topic_id: Uuid([1; 16]), leader: -1, ..Default::default() };
        replay(&mut metadata, [change.into(), FeatureLevelRecord { name: "x".into(), feature_level: 1 }.into()]);
        replay(&mut metadata, [RegisterBrokerRecord { broker_id: 4, ..Default::default() }.into()]);
        let delta = Delta::between(&before, metadata.image());
        let ids = |topics: &[Arc<Topic>]| topics.iter().map(|topic| topic.id.0.0[0]).collect::<Vec<_>>();
        assert_eq!((ids(&delta.created), ids(&delta.deleted)), (vec![3], vec![2]));
        assert_eq!(delta.partitions.len(), 1);
        assert!(delta.partitions[0].leader_changed());
        assert_eq!(delta.configs, [Resource::topic("again"), Resource::topic("kept")]);
        assert_eq!((delta.brokers, delta.features, delta.kept), (vec![NodeId(4)], true, false));
    }

    #[test]
    fn a_deleted_topic_takes_its_configuration_along_silently() {
        let mut metadata = Metadata::default();
        replay(&mut metadata, topic("gone", 1).into_iter().chain([config("gone", "1")]));
        let before = metadata.image().clone();
        replay(&mut metadata, [RemoveTopicRecord { topic_id: Uuid([1; 16]) }.into()]);
        let delta = Delta::between(&before, metadata.image());
        assert_eq!((delta.deleted.len(), delta.configs), (1, vec![]));
    }

    #[test]
    fn an_unfinished_transaction_is_not_published_and_an_aborted_one_never_was() {
        let mut metadata = Metadata::default();
        let before = metadata.published().clone();
        replay(&mut metadata, [BeginTransactionRecord::default().into()]);
        replay(&mut metadata, topic("a", 1));
        assert_eq!(metadata.open_transaction(), Some(Offset(0)));
        assert_eq!(metadata.image().topics.len(), 1);
        assert!(Delta::between(&before, metadata.published()).is_empty());
        replay(&mut metadata, [AbortTransactionRecord::default().into()]);
        assert_eq!(metadata.published().topics.len(), 0);
        assert_eq!((metadata.open_transaction(), metadata.image().end), (None, Offset(4)));
    }
}
