//! Snapshots of the image in Kafka's format (KIP-630): a file `<end offset>-<epoch>.checkpoint` of batches, the first a
//! control batch with header, kraft.version and voters, the last one with the footer, between them the records that make
//! the image.
//!
//! Given: an image and where to put bytes; or a file's bytes. Gives: the bytes, piece by piece; or the state they make.
//! Writing under another name, syncing and renaming are the caller's.

use ottla_records::{BatchBuilder, BuildError, ControlRecordType, Decompressor, batches};
use ottla_vocabulary::{LeaderEpoch, Offset, Timestamp};
use ottla_wire::{
    ConfigRecord, FeatureLevelRecord, KRaftVersionRecord, MetadataRecord, ProducerIdsRecord, SnapshotFooterRecord,
    SnapshotHeaderRecord, TopicRecord, VotersRecord,
};

use crate::decide::Record;
use crate::image::features::METADATA_VERSION;
use crate::image::{Configs, Image, Resource};
use crate::log::{Control, LogError, options, push_control, replay_batch};
use crate::replay::Metadata;
use crate::versions::record_bytes;

/// Which records a snapshot replaces: all before `end`, the last of them of `epoch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId {
    /// The offset after the last record that is in it.
    pub end: Offset,
    /// That record's epoch.
    pub epoch: LeaderEpoch,
}

impl SnapshotId {
    /// The snapshot that formatting writes: no record of the log is in it, and its records are what the log begins with.
    pub const BOOTSTRAP: SnapshotId = SnapshotId { end: Offset(0), epoch: LeaderEpoch(0) };

    /// The file's name.
    pub fn file_name(self) -> String {
        format!("{:020}-{:010}.checkpoint", self.end.0, self.epoch.0)
    }

    /// The snapshot of a file's name; `None` when it is not one.
    pub fn from_file_name(name: &str) -> Option<SnapshotId> {
        let (end, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if (end.len(), epoch.len()) != (20, 10) || !all_digits(end) || !all_digits(epoch) {
            return None;
        }
        Some(SnapshotId { end: Offset(end.parse().ok()?), epoch: LeaderEpoch(epoch.parse().ok()?) })
    }
}

/// What a snapshot says beside the image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quorum {
    /// The time of the last record that is in it.
    pub last_record: Timestamp,
    /// The quorum's feature level.
    pub kraft_version: i16,
    /// Who votes; a node that was formatted without initial controllers does not know.
    pub voters: Option<VotersRecord<'static>>,
}

/// How many records go into one batch of a snapshot, as in Kafka.
const BATCH_RECORDS: i32 = 1024;

/// Writes a snapshot, batch by batch, into `sink`.
///
/// # Errors
/// What the sink answers, or that a batch gets too large for the format.
pub fn write_snapshot<E: From<BuildError>>(
    id: SnapshotId,
    records: impl Iterator<Item = Record>,
    image: &Image,
    quorum: &Quorum,
    now: Timestamp,
    sink: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let control = |base| BatchBuilder::new(options(base, id.epoch, true));
    let mut batch = control(Offset::ZERO);
    let header = SnapshotHeaderRecord { version: 0, last_contained_log_timestamp: quorum.last_record.0 };
    push_control(&mut batch, now, ControlRecordType::SnapshotHeader, &header);
    if 0 < quorum.kraft_version {
        let version = KRaftVersionRecord { version: 0, k_raft_version: quorum.kraft_version };
        push_control(&mut batch, now, ControlRecordType::KraftVersion, &version);
        if let Some(voters) = &quorum.voters {
            push_control(&mut batch, now, ControlRecordType::KraftVoters, voters);
        }
    }
    let mut base = Offset::ZERO;
    let mut put = |batch: BatchBuilder, base: &mut Offset| {
        *base = Offset(base.0 + i64::from(batch.count()));
        sink(&batch.finish()?)
    };
    put(batch, &mut base)?;
    let finalized = image.features.metadata_version();
    let mut batch = BatchBuilder::new(options(base, id.epoch, false));
    for record in records {
        batch.push(now, None, Some(&record_bytes(&record, finalized)), &[]);
        if BATCH_RECORDS <= batch.count() {
            put(batch, &mut base)?;
            batch = BatchBuilder::new(options(base, id.epoch, false));
        }
    }
    if !batch.is_empty() {
        put(batch, &mut base)?;
    }
    let mut footer = control(base);
    push_control(&mut footer, now, ControlRecordType::SnapshotFooter, &SnapshotFooterRecord { version: 0 });
    put(footer, &mut base)
}

/// A file that is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Its batches are broken.
    #[error(transparent)]
    Log(#[from] LogError),
    /// It is cut off, or is something else.
    #[error("the snapshot has no {0}")]
    Missing(&'static str),
}

/// Reads a snapshot: the state that it makes, and what it says of the quorum.
///
/// # Errors
/// When the bytes are not a whole snapshot.
pub fn read_snapshot(id: SnapshotId, bytes: &[u8]) -> Result<(Metadata, Quorum), SnapshotError> {
    let mut metadata = Metadata::default();
    let mut quorum = Quorum::default();
    let (mut has_header, mut has_footer) = (false, false);
    let mut decompressor = Decompressor::new();
    for batch in batches(bytes) {
        let batch = batch.map_err(LogError::from)?;
        replay_batch(&mut metadata, &batch, &mut decompressor, &mut |_, control| match control {
            Control::SnapshotHeader(last) => (has_header, quorum.last_record) = (true, last),
            Control::SnapshotFooter => has_footer = true,
            Control::KRaftVersion(version) => quorum.kraft_version = version,
            Control::Voters(voters) => quorum.voters = Some(voters),
            Control::LeaderChange(_) => {}
        })?;
    }
    if !has_header {
        return Err(SnapshotError::Missing("header"));
    }
    if !has_footer {
        return Err(SnapshotError::Missing("footer"));
    }
    metadata.settle_at(id.end, id.epoch);
    Ok((metadata, quorum))
}

/// The records that make an image, in the order in which Kafka writes them.
pub fn image_records(image: &Image) -> impl Iterator<Item = Record> {
    let finalized = image.features.metadata_version();
    let feature = |name: &str, level| FeatureLevelRecord { name: name.to_owned().into(), feature_level: level }.into();
    let version = image.features.metadata_version.map(|version| feature(METADATA_VERSION, version.0));
    let features = image.features.levels.iter().map(move |(name, level)| feature(name, *level));
    let brokers = image.cluster.brokers.values().map(move |broker| Record::from(broker.to_record(finalized)));
    let controllers = image.cluster.controllers.values().map(|controller| Record::from(controller.to_record()));
    let controllers = controllers.filter(move |_| finalized.has_controller_registration());
    let topics = image.topics.sorted().into_iter().flat_map(|topic| {
        let name = topic.name.as_str().to_owned().into();
        let partition = |(index, partition): (&ottla_vocabulary::PartitionIndex, &std::sync::Arc<_>)| {
            let partition: &crate::image::Partition = partition;
            Record::from(partition.to_record(topic.id.0, index.0, &image.features))
        };
        let partitions = topic.partitions.iter().map(partition);
        [Record::from(TopicRecord { name, topic_id: topic.id.0 })].into_iter().chain(partitions)
    });
    let configs = sorted(&image.configs).into_iter().flat_map(|resource| config_records(&image.configs, resource));
    let producer_ids = image.next_producer_id.map(|next| {
        MetadataRecord::from(ProducerIdsRecord { broker_id: -1, broker_epoch: -1, next_producer_id: next.0 })
    });
    let kept = &image.kept;
    version
        .into_iter()
        .chain(features)
        .chain(brokers)
        .chain(controllers)
        .chain(topics)
        .chain(configs)
        .chain(kept.quota_records().map(Record::from))
        .chain(producer_ids)
        .chain(kept.acls.values().cloned().map(Record::from))
        .chain(kept.scram.values().cloned().map(Record::from))
        .chain(kept.tokens.values().cloned().map(Record::from))
}

fn sorted(configs: &Configs) -> Vec<&Resource> {
    let mut resources: Vec<&Resource> = configs.iter().map(|(resource, _)| resource).collect();
    resources.sort();
    resources
}

fn config_records<'a>(configs: &'a Configs, resource: &'a Resource) -> impl Iterator<Item = Record> + 'a {
    configs.get(resource).into_iter().flat_map(|settings| settings.iter()).map(|(name, value)| {
        Record::from(ConfigRecord {
            resource_type: resource.kind.0,
            resource_name: resource.name.clone().into(),
            name: name.clone().into(),
            value: Some(value.clone().into()),
        })
    })
}
