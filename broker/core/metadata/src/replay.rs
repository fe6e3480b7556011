//! Replay: how each of the 27 kinds of metadata records changes the image.
//!
//! Given: the records of the metadata log (or of a snapshot) in their order. Gives: the image after each. Records
//! between BeginTransaction and EndTransaction count together or not at all: until the end of the transaction,
//! [`Metadata::published`] shows what was before it.

use std::sync::Arc;

use ottla_replicated::Machine;
use ottla_vocabulary::{
    BrokerEpoch, LeaderEpoch, NodeId, Offset, PartitionIndex, ProducerId, TopicId, TopicName, Uuid,
};
use ottla_wire::{
    BrokerRegistrationChangeRecord, ClearElrRecord, FeatureLevelRecord, MetadataRecord, PartitionChangeRecord,
    PartitionRecord, TopicRecord,
};

use crate::image::features::{KRAFT_VERSION, METADATA_VERSION};
use crate::image::{Broker, Controller, Image, MetadataVersion, Partition, Resource, ResourceType};

/// The state that the metadata log makes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    image: Image,
    transaction: Option<Transaction>,
}

#[derive(Clone, Debug, PartialEq)]
struct Transaction {
    start: Offset,
    before: Image,
}

/// A record that contradicts what was replayed before it. The log is broken, or is of a version that we cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot replay the metadata record at offset {offset}: {what}")]
pub struct ReplayError {
    /// Where.
    pub offset: Offset,
    /// What contradicts what.
    pub what: String,
}

impl Metadata {
    /// What an active controller decides by: every record that was replayed, those of an open transaction too.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// What may be shown: without the records of a transaction that is not finished.
    pub fn published(&self) -> &Image {
        self.transaction.as_ref().map_or(&self.image, |transaction| &transaction.before)
    }

    /// Where the open transaction began, if there is one. A controller that takes over aborts it first.
    pub fn open_transaction(&self) -> Option<Offset> {
        self.transaction.as_ref().map(|transaction| transaction.start)
    }

    /// Takes note of what stands in the log between records of ours: control records and the leader's epoch.
    pub fn advance(&mut self, end: Offset, epoch: LeaderEpoch) {
        (self.image.end, self.image.epoch) = (end, epoch);
    }

    /// A snapshot was loaded: its records have offsets of the file, and count as of the last offset that is in it, so
    /// that a broker that has loaded it has caught up with its own registration.
    pub(crate) fn settle_at(&mut self, end: Offset, epoch: LeaderEpoch) {
        self.advance(end, epoch);
        let last = Offset(end.0 - 1);
        for broker in Arc::make_mut(&mut self.image.cluster).brokers.values_mut().map(Arc::make_mut) {
            broker.registered_at = last;
            broker.shutdown_at = broker.shutdown_at.map(|_| last);
        }
    }

    fn apply(&mut self, offset: Offset, record: &MetadataRecord<'_>) -> Result<(), String> {
        match record {
            MetadataRecord::BeginTransaction(_) if self.transaction.is_some() => {
                return Err("a transaction begins inside another".to_owned());
            }
            MetadataRecord::BeginTransaction(_) => {
                self.transaction = Some(Transaction { start: offset, before: self.image.clone() });
            }
            MetadataRecord::EndTransaction(_) => {
                self.transaction.take().ok_or("a transaction ends that never began")?;
            }
            MetadataRecord::AbortTransaction(_) => {
                self.image = self.transaction.take().ok_or("a transaction is aborted that never began")?.before;
            }
            record => apply(&mut self.image, offset, record)?,
        }
        self.image.end = offset.next();
        Ok(())
    }
}

impl Machine for Metadata {
    type Record<'a> = MetadataRecord<'a>;
    type Refusal = ReplayError;

    fn replay(&mut self, offset: Offset, record: &MetadataRecord<'_>) -> Result<(), ReplayError> {
        self.apply(offset, record).map_err(|what| ReplayError { offset, what })
    }
}

fn apply(image: &mut Image, offset: Offset, record: &MetadataRecord<'_>) -> Result<(), String> {
    match record {
        MetadataRecord::Topic(record) => create_topic(image, record),
        MetadataRecord::RemoveTopic(record) => remove_topic(image, record.topic_id),
        MetadataRecord::Partition(record) => set_partition(image, record),
        MetadataRecord::PartitionChange(record) => change_partition(image, record),
        MetadataRecord::ClearElr(record) => clear_elr(image, record),
        MetadataRecord::Config(record) => {
            let resource = Resource::new(ResourceType(record.resource_type), record.resource_name.as_ref());
            image.configs.set(resource, record.name.to_string(), record.value.as_deref().map(str::to_owned));
            Ok(())
        }
        MetadataRecord::FeatureLevel(record) => set_feature(image, record),
        MetadataRecord::ProducerIds(record) => {
            let next = ProducerId(record.next_producer_id);
            if image.next_producer_id.is_some_and(|known| next.0 <= known.0) {
                return Err(format!("the next producer id {} is not above the one before", next.0));
            }
            image.next_producer_id = Some(next);
            Ok(())
        }
        MetadataRecord::RegisterBroker(record) => {
            let broker = Broker::from_record(record, offset);
            Arc::make_mut(&mut image.cluster).brokers.insert(broker.id, Arc::new(broker));
            Ok(())
        }
        MetadataRecord::UnregisterBroker(record) => {
            let id = NodeId(record.broker_id);
            registered(image, id, record.broker_epoch)?;
            Arc::make_mut(&mut image.cluster).brokers.remove(&id);
            Ok(())
        }
        MetadataRecord::BrokerRegistrationChange(record) => change_registration(image, offset, record),
        MetadataRecord::FenceBroker(record) => {
            registered(image, NodeId(record.id), record.epoch)?.fenced = true;
            Ok(())
        }
        MetadataRecord::UnfenceBroker(record) => {
            registered(image, NodeId(record.id), record.epoch)?.fenced = false;
            Ok(())
        }
        MetadataRecord::RegisterController(record) => {
            let controller = Controller::from_record(record);
            Arc::make_mut(&mut image.cluster).controllers.insert(controller.id, Arc::new(controller));
            Ok(())
        }
        MetadataRecord::UnregisterController(record) => {
            let former = Arc::make_mut(&mut image.cluster).controllers.remove(&NodeId(record.controller_id));
            former.map(drop).ok_or_else(|| format!("controller {} is not registered", record.controller_id))
        }
        MetadataRecord::AccessControlEntry(record) => {
            Arc::make_mut(&mut image.kept).keep_acl(record);
            Ok(())
        }
        MetadataRecord::RemoveAccessControlEntry(record) => {
            let former = Arc::make_mut(&mut image.kept).acls.remove(&record.id);
            former.map(drop).ok_or_else(|| format!("there is no access rule {}", record.id))
        }
        MetadataRecord::UserScramCredential(record) => {
            Arc::make_mut(&mut image.kept).keep_scram(record);
            Ok(())
        }
        MetadataRecord::RemoveUserScramCredential(record) => {
            Arc::make_mut(&mut image.kept).scram.remove(&(record.mechanism, record.name.to_string()));
            Ok(())
        }
        MetadataRecord::ClientQuota(record) => {
            Arc::make_mut(&mut image.kept).keep_quota(record);
            Ok(())
        }
        MetadataRecord::DelegationToken(record) => {
            Arc::make_mut(&mut image.kept).keep_token(record);
            Ok(())
        }
        MetadataRecord::RemoveDelegationToken(record) => {
            Arc::make_mut(&mut image.kept).tokens.remove(record.token_id.as_ref());
            Ok(())
        }
        // Of no meaning: the first keeps an idle log moving, the second is of the days of ZooKeeper.
        MetadataRecord::NoOp(_) | MetadataRecord::ZkMigrationState(_) => Ok(()),
        MetadataRecord::BeginTransaction(_)
        | MetadataRecord::EndTransaction(_)
        | MetadataRecord::AbortTransaction(_) => {
            unreachable!("handled before the image")
        }
    }
}

fn create_topic(image: &mut Image, record: &TopicRecord<'_>) -> Result<(), String> {
    let name = TopicName::new(&record.name).map_err(|error| format!("topic `{}`: {error}", record.name))?;
    let id = TopicId(record.topic_id);
    if image.topics.id_of(&name).is_some() || image.topics.get(id).is_some() {
        return Err(format!("topic {name} with id {id} exists already"));
    }
    image.topics.create(name, id);
    Ok(())
}

fn remove_topic(image: &mut Image, id: Uuid) -> Result<(), String> {
    let topic = image.topics.remove(TopicId(id)).ok_or_else(|| format!("there is no topic with id {id} to remove"))?;
    image.configs.forget(&Resource::topic(topic.name.as_str()));
    Ok(())
}

fn set_partition(image: &mut Image, record: &PartitionRecord<'_>) -> Result<(), String> {
    let index = PartitionIndex(record.partition_id);
    let wrong = || format!("partition {index} of topic id {} has numbers that cannot be", record.topic_id);
    let partition = Partition::from_record(record).filter(|_| 0 <= index.0).ok_or_else(wrong)?;
    match image.topics.set_partition(TopicId(record.topic_id), index, partition) {
        true => Ok(()),
        false => Err(format!("partition {index} belongs to topic id {}, which is not known", record.topic_id)),
    }
}

fn change_partition(image: &mut Image, record: &PartitionChangeRecord<'_>) -> Result<(), String> {
    let (id, index) = (TopicId(record.topic_id), PartitionIndex(record.partition_id));
    let what = || format!("change of partition {index} of topic id {id}");
    let partition = image.topics.partition(id, index).ok_or_else(|| format!("{}: it is not known", what()))?;
    let changed = partition.changed(record).ok_or_else(|| format!("{} has numbers that cannot be", what()))?;
    image.topics.set_partition(id, index, changed);
    Ok(())
}

/// Forgets the eligible leader replicas of one topic, or of all when none is named.
fn clear_elr(image: &mut Image, record: &ClearElrRecord<'_>) -> Result<(), String> {
    let topics: Vec<_> = match record.topic_name.as_ref() {
        "" => image.topics.iter().cloned().collect(),
        name => vec![image.topics.by_text(name).cloned().ok_or_else(|| format!("there is no topic {name}"))?],
    };
    for topic in topics {
        for (index, partition) in &topic.partitions {
            if partition.elr.is_empty() && partition.last_known_elr.is_empty() {
                continue;
            }
            let cleared = PartitionChangeRecord {
                eligible_leader_replicas: Some(vec![].into()),
                last_known_elr: Some(vec![].into()),
                ..PartitionChangeRecord::default()
            };
            let cleared = partition.changed(&cleared).ok_or("a partition epoch is used up")?;
            image.topics.set_partition(topic.id, *index, cleared);
        }
    }
    Ok(())
}

fn set_feature(image: &mut Image, record: &FeatureLevelRecord<'_>) -> Result<(), String> {
    let features = Arc::make_mut(&mut image.features);
    match record.name.as_ref() {
        METADATA_VERSION => {
            let version = MetadataVersion(record.feature_level);
            version.name().ok_or_else(|| {
                let (min, max) = (MetadataVersion::MINIMUM.0, MetadataVersion::LATEST.0);
                format!("metadata.version {} is not supported; {min} to {max} are", record.feature_level)
            })?;
            features.metadata_version = Some(version);
        }
        KRAFT_VERSION => {} // the control records of the quorum say it
        name if record.feature_level == 0 => drop(features.levels.remove(name)),
        name => drop(features.levels.insert(name.to_owned(), record.feature_level)),
    }
    Ok(())
}

fn change_registration(
    image: &mut Image,
    offset: Offset,
    record: &BrokerRegistrationChangeRecord<'_>,
) -> Result<(), String> {
    let id = NodeId(record.broker_id);
    let unknown = |field: &str, value: i8| format!("registration of broker {id}: {value} is no value of {field}");
    let broker = registered(image, id, record.broker_epoch)?;
    match record.fenced {
        0 => {}
        1 => broker.fenced = true,
        -1 => broker.fenced = false,
        value => return Err(unknown("fenced", value)),
    }
    match record.in_controlled_shutdown {
        0 => {}
        1 => (broker.in_controlled_shutdown, broker.shutdown_at) = (true, broker.shutdown_at.or(Some(offset))),
        value => return Err(unknown("inControlledShutdown", value)),
    }
    if !record.log_dirs.is_empty() {
        broker.directories = record.log_dirs.iter().collect();
    }
    if let Some(cordoned) = &record.cordoned_log_dirs {
        broker.cordoned = Some(cordoned.iter().collect());
    }
    Ok(())
}

/// The registration of a broker in this epoch, to be changed.
fn registered(image: &mut Image, id: NodeId, epoch: i64) -> Result<&mut Broker, String> {
    let known = image.cluster.broker(id).ok_or_else(|| format!("broker {id} is not registered"))?;
    if known.epoch != BrokerEpoch(epoch) {
        return Err(format!("broker {id} is registered with epoch {}, not {epoch}", known.epoch.0));
    }
    let brokers = &mut Arc::make_mut(&mut image.cluster).brokers;
    Ok(Arc::make_mut(brokers.get_mut(&id).expect("just found")))
}
