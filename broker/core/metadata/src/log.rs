//! Between decisions and the bytes of the metadata log: records into batches, batches into the state.
//!
//! Given: records, or batches read from the log. Gives: a batch to append, or the state after its records, and what its
//! control records say of the quorum. Where batches come from and go to is the caller's.

use ottla_records::{BatchBuilder, BatchError, BatchOptions, BatchView, BuildError, ControlRecordType, Decompressor};
use ottla_replicated::Machine;
use ottla_vocabulary::{LeaderEpoch, NodeId, Offset, Timestamp};
use ottla_wire::voters_record::{Endpoint, KRaftVersionFeature, Voter};
use ottla_wire::{KRaftVersionRecord, LeaderChangeMessage, Message, MetadataRecord, VotersRecord, WireError};

use crate::image::MetadataVersion;
use crate::replay::{Metadata, ReplayError};
use crate::versions::record_bytes;

/// The largest batch that the metadata log takes, as in Kafka; what one decision makes stays far below.
pub const BATCH_BYTES_MAX: usize = 8 << 20;

/// What a control record of the quorum says.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// An epoch begins under this leader.
    LeaderChange(NodeId),
    /// The quorum's feature level.
    KRaftVersion(i16),
    /// Who votes from here on.
    Voters(VotersRecord<'static>),
    /// A snapshot begins; the time of the last record that is in it.
    SnapshotHeader(Timestamp),
    /// It ends: nothing is missing.
    SnapshotFooter,
}

/// Bytes that are no metadata log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A batch is broken.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A record is.
    #[error("the record at offset {offset} is not one of the metadata log: {error}")]
    Record {
        /// Where.
        offset: Offset,
        /// What is wrong with it.
        error: WireError,
    },
    /// A record contradicts those before it.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// The batch of a decision's records, to be appended at `base`.
///
/// # Errors
/// When it gets too large for the format; [`BATCH_BYTES_MAX`] is the caller's to check.
pub fn encode_batch(
    records: &[MetadataRecord<'_>],
    finalized: MetadataVersion,
    base: Offset,
    epoch: LeaderEpoch,
    now: Timestamp,
) -> Result<Vec<u8>, BuildError> {
    let mut builder = BatchBuilder::new(options(base, epoch, false));
    for record in records {
        builder.push(now, None, Some(&record_bytes(record, finalized)), &[]);
    }
    builder.finish()
}

/// The control batch with which a leader begins its epoch: who leads, and where the log does not say it yet
/// kraft.version 1 and who votes.
///
/// # Errors
/// When it gets too large for the format.
pub fn encode_epoch_start(
    leader: NodeId,
    voters: &[NodeId],
    granting: &[NodeId],
    write_voters: Option<&VotersRecord<'_>>,
    base: Offset,
    epoch: LeaderEpoch,
    now: Timestamp,
) -> Result<Vec<u8>, BuildError> {
    use ottla_wire::leader_change_message::Voter as Named;
    let named = |nodes: &[NodeId]| {
        nodes.iter().map(|node| Named { voter_id: node.0, ..Named::default() }).collect::<Vec<_>>().into()
    };
    let change = LeaderChangeMessage {
        version: 0,
        leader_id: leader.0,
        voters: named(voters),
        granting_voters: named(granting),
    };
    let mut builder = BatchBuilder::new(options(base, epoch, true));
    push_control(&mut builder, now, ControlRecordType::LeaderChange, &change);
    if let Some(voters) = write_voters {
        push_control(
            &mut builder,
            now,
            ControlRecordType::KraftVersion,
            &KRaftVersionRecord { version: 0, k_raft_version: 1 },
        );
        push_control(&mut builder, now, ControlRecordType::KraftVoters, voters);
    }
    builder.finish()
}

/// Replays a batch that was read from the log, checked by its sum. `on_control` is told of control records.
///
/// # Errors
/// When the batch is broken or contradicts the state; the state is then of no more use.
pub fn replay_batch(
    metadata: &mut Metadata,
    batch: &BatchView<'_>,
    decompressor: &mut Decompressor,
    on_control: &mut dyn FnMut(Offset, Control),
) -> Result<(), LogError> {
    batch.check_crc()?;
    let header = *batch.header();
    for record in batch.records(decompressor, BATCH_BYTES_MAX)? {
        let record = record?;
        let offset = record.offset;
        let broken = |error| LogError::Record { offset, error };
        if header.attributes.is_control() {
            let kind = ControlRecordType::of(&record);
            let control = kind.map(|kind| read_control(kind, record.value.unwrap_or_default())).transpose();
            if let Some(control) = control.map_err(broken)?.flatten() {
                on_control(offset, control);
            }
        } else {
            let value = MetadataRecord::from_bytes(record.value.unwrap_or_default()).map_err(broken)?;
            metadata.replay(offset, &value)?;
        }
    }
    metadata.advance(header.next_offset(), header.partition_leader_epoch);
    Ok(())
}

pub(crate) fn options(base: Offset, epoch: LeaderEpoch, is_control: bool) -> BatchOptions {
    BatchOptions { base_offset: base, partition_leader_epoch: epoch, is_control, ..BatchOptions::default() }
}

pub(crate) fn push_control<'a>(
    builder: &mut BatchBuilder,
    now: Timestamp,
    kind: ControlRecordType,
    message: &impl Message<'a>,
) {
    let value = message.to_bytes(0).expect("every control record has a version 0");
    builder.push(now, Some(&kind.key()), Some(&value), &[]);
}

/// Reads a control record; `None` for one of a kind that is of no meaning here.
fn read_control(kind: ControlRecordType, value: &[u8]) -> Result<Option<Control>, WireError> {
    use ottla_wire::SnapshotHeaderRecord;
    Ok(Some(match kind {
        ControlRecordType::LeaderChange => {
            Control::LeaderChange(NodeId(LeaderChangeMessage::from_bytes(value, 0)?.leader_id))
        }
        ControlRecordType::KraftVersion => {
            Control::KRaftVersion(KRaftVersionRecord::from_bytes(value, 0)?.k_raft_version)
        }
        ControlRecordType::KraftVoters => Control::Voters(owned_voters(&VotersRecord::from_bytes(value, 0)?)),
        ControlRecordType::SnapshotHeader => {
            let header = SnapshotHeaderRecord::from_bytes(value, 0)?;
            Control::SnapshotHeader(Timestamp(header.last_contained_log_timestamp))
        }
        ControlRecordType::SnapshotFooter => Control::SnapshotFooter,
        ControlRecordType::Abort | ControlRecordType::Commit | ControlRecordType::Unknown(_) => return Ok(None),
    }))
}

fn owned_voters(record: &VotersRecord<'_>) -> VotersRecord<'static> {
    let endpoint = |endpoint: Endpoint<'_>| Endpoint {
        name: endpoint.name.into_owned().into(),
        host: endpoint.host.into_owned().into(),
        port: endpoint.port,
    };
    let voter = |voter: Voter<'_>| Voter {
        voter_id: voter.voter_id,
        voter_directory_id: voter.voter_directory_id,
        endpoints: voter.endpoints.iter().map(endpoint).collect(),
        k_raft_version_feature: KRaftVersionFeature {
            min_supported_version: voter.k_raft_version_feature.min_supported_version,
            max_supported_version: voter.k_raft_version_feature.max_supported_version,
        },
    };
    VotersRecord { version: record.version, voters: record.voters.iter().map(voter).collect() }
}
