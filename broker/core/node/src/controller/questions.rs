//! What the controller tells without deciding anything: the quorum, the metadata log, its latest snapshot.

use ottla_api::fetch::{Read, TopicKey};
use ottla_api::{create_topics, describe_quorum};
use ottla_commit_log::{Files, SpanOf};
use ottla_metadata::SnapshotId;
use ottla_quorum::LogView;
use ottla_vocabulary::Now;
use ottla_wire::ErrorCode;

use super::Controller;
use crate::metadata_log::METADATA_TOPIC_ID;

impl<F: Files> Controller<F> {
    /// The quorum as its leader sees it.
    pub(crate) fn describe(&self, now: Now) -> Option<describe_quorum::Quorum> {
        let description = self.quorum.describe(now.wall)?;
        let replica = |state: &ottla_quorum::ReplicaState| describe_quorum::Replica {
            node: state.key.id,
            directory: state.key.directory,
            log_end: state.log_end_offset,
            last_fetch: state.last_fetch,
            last_caught_up: state.last_caught_up,
        };
        Some(describe_quorum::Quorum {
            leader: description.leader,
            epoch: description.epoch,
            high_watermark: description.high_watermark,
            voters: description.voters.iter().map(replica).collect(),
            observers: description.observers.iter().map(replica).collect(),
        })
    }

    /// Reads the metadata log for a fetch: of whoever asks, up to what is committed.
    pub(crate) fn fetch(&mut self, task: &ottla_api::fetch::Task) -> Result<(Read, Option<SpanOf<F>>), ErrorCode> {
        if task.cluster_id.as_ref().is_some_and(|id| *id != self.cluster_id) {
            return Err(ErrorCode::InconsistentClusterId);
        }
        let [wish] = task.asked.as_slice() else { return Err(ErrorCode::InvalidRequest) };
        let is_metadata = match &wish.place.topic {
            TopicKey::Id(id) => *id == METADATA_TOPIC_ID.0,
            TopicKey::Name(name) => name.as_ref() == create_topics::METADATA_TOPIC,
        };
        if !is_metadata || wish.place.partition.0 != 0 {
            return Ok((Read::failed(ErrorCode::UnknownTopicOrPartition), None));
        }
        let epoch = self.quorum.epoch();
        let leader = self.quorum.leader().map(|leader| (leader, epoch));
        let refuse = |code| Ok((Read { leader, ..Read::failed(code) }, None));
        if !self.quorum.is_leader() {
            return refuse(ErrorCode::NotLeaderOrFollower);
        }
        if wish.current_epoch.0 != -1 && wish.current_epoch < epoch {
            return refuse(ErrorCode::FencedLeaderEpoch);
        }
        if epoch < wish.current_epoch {
            return refuse(ErrorCode::UnknownLeaderEpoch);
        }
        let committed = self.log.high_watermark();
        let mut read = Read {
            high_watermark: committed,
            last_stable: committed,
            log_start: self.log.start(),
            leader,
            ..Read::default()
        };
        if wish.last_fetched_epoch.0 != -1 {
            use ottla_quorum::Continuity;
            match ottla_quorum::log_view::continuity(&self.log, wish.offset, wish.last_fetched_epoch) {
                Continuity::Follows => {}
                Continuity::Diverges(end) => read.diverging = Some((end.epoch, end.offset)),
                Continuity::NeedsSnapshot(end) => read.snapshot = Some((end.epoch, end.offset)),
            }
        }
        if read.diverging.is_some() || read.snapshot.is_some() || committed <= wish.offset {
            return Ok((read, None));
        }
        let bytes_max = task.bytes_max.min(wish.bytes_max);
        match self.log.read(wish.offset, committed, bytes_max) {
            Ok(span) => {
                read.length = span.as_ref().map_or(0, |span| span.length);
                Ok((read, span))
            }
            Err(_) => refuse(ErrorCode::OffsetOutOfRange),
        }
    }

    /// The latest snapshot, for a broker that begins to follow.
    pub(crate) fn snapshot(&self) -> Result<Option<(SnapshotId, Vec<u8>)>, ottla_commit_log::FileError> {
        let Some(id) = self.log.latest_snapshot_id() else { return Ok(None) };
        Ok(self.log.read_snapshot(id)?.map(|bytes| (id, bytes)))
    }
}
