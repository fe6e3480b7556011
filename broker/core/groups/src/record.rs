//! The records of `__consumer_offsets` that are ours, to and from the bytes of a key and a value.
//!
//! Records of the newer kinds of groups are told apart and kept: we do not serve those groups yet, and must neither lose
//! them nor take their names for our own.

use ottla_vocabulary::{GroupId, LeaderEpoch, MemberId, Offset, PartitionIndex, Timestamp, TopicId, TopicName};
use ottla_wire::group_metadata_value::{GroupMetadataValue, MemberMetadata};
use ottla_wire::{GroupMetadataKey, GroupRecordKey, GroupRecordValue, OffsetCommitKey, OffsetCommitValue, WireError};

use crate::request::Committed;

/// The newest version of a classic group's record; Kafka writes 3, which all its releases since 2.3 read.
const GROUP_METADATA: i16 = 3;
/// A committed offset with a leader epoch, and no topic id.
const OFFSET_COMMIT: i16 = 3;
/// The only version that carries an expiry of its own.
const OFFSET_COMMIT_EXPIRING: i16 = 1;
/// The first version with a topic id.
const OFFSET_COMMIT_WITH_ID: i16 = 4;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// How far a group has read in a partition; none forgets it.
    Offset {
        /// The group.
        group: GroupId,
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: PartitionIndex,
        /// What is remembered.
        committed: Option<Committed>,
    },
    /// A classic group's generation; none forgets the group.
    Group {
        /// The group.
        group: GroupId,
        /// What is remembered.
        generation: Option<Generation>,
    },
    /// The head of a group of a newer kind, which we do not serve yet; not there when it was forgotten.
    Foreign {
        /// The group.
        group: GroupId,
        /// Whether the group is there.
        present: bool,
    },
    /// A record of a newer kind that says nothing we need.
    Other,
}

/// A classic group's generation as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// `consumer`, or what another kind of group calls itself.
    pub protocol_type: String,
    /// Its number.
    pub number: i32,
    /// The chosen protocol; none in an empty group.
    pub protocol: Option<String>,
    /// Who assigned; none in an empty group.
    pub leader: Option<MemberId>,
    /// Since when the group is in its state.
    pub since: Option<Timestamp>,
    /// Everybody, with what they got.
    pub members: Vec<GenerationMember>,
}

/// A member of a generation as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationMember {
    /// Its id.
    pub member: MemberId,
    /// Its own name for itself.
    pub instance: Option<String>,
    /// From its requests' header.
    pub client_id: String,
    /// Where it comes from.
    pub client_host: String,
    /// How long others wait for it, in milliseconds.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent, in milliseconds.
    pub session_timeout_ms: i32,
    /// Its metadata for the chosen protocol.
    pub subscription: Vec<u8>,
    /// What it got.
    pub assignment: Vec<u8>,
}

impl Record {
    /// The record's key and value as they stand in the log; no value is a tombstone.
    ///
    /// # Errors
    /// When a text is longer than a record can carry: the requests it came from could not have carried it either.
    ///
    /// # Panics
    /// For a record of a newer kind: those are read and never written.
    pub fn to_bytes(&self) -> Result<(Vec<u8>, Option<Vec<u8>>), WireError> {
        match self {
            Record::Offset { group, topic, partition, committed } => {
                let key = OffsetCommitKey {
                    group: group.as_str().into(),
                    topic: topic.as_str().into(),
                    partition: partition.0,
                };
                let value = committed.as_ref().map(offset_value).transpose()?;
                Ok((GroupRecordKey::from(key).to_bytes()?, value))
            }
            Record::Group { group, generation } => {
                let key = GroupMetadataKey { group: group.as_str().into() };
                let value = generation.as_ref().map(group_value).transpose()?;
                Ok((GroupRecordKey::from(key).to_bytes()?, value))
            }
            Record::Foreign { .. } | Record::Other => panic!("records of kinds that we do not serve are never written"),
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When the bytes are not of a kind and version that Kafka 4.4 knows, or name what cannot be named so. Only a kind
    /// that is not known may be passed over: it is of a newer Kafka, which keeps it where older ones need not look.
    pub fn from_bytes(key: &[u8], value: Option<&[u8]>) -> Result<Record, RecordError> {
        use ottla_wire::Union;

        let key = match GroupRecordKey::from_bytes(key) {
            Err(WireError::UnknownKey { key, .. }) => return Err(RecordError::UnknownKind(key)),
            other => other?,
        };
        let foreign = |group: &str| Record::Foreign { group: GroupId::new(group), present: value.is_some() };
        Ok(match &key {
            GroupRecordKey::LegacyOffsetCommit(key) => {
                let key =
                    OffsetCommitKey { group: key.group.clone(), topic: key.topic.clone(), partition: key.partition };
                read_offset(&key, value)?
            }
            GroupRecordKey::OffsetCommit(key) => read_offset(key, value)?,
            GroupRecordKey::GroupMetadata(head) => {
                let read = |bytes| match GroupRecordValue::from_bytes(key.kind(), bytes)? {
                    GroupRecordValue::GroupMetadata(value) => Ok(read_generation(&value)),
                    other => Err(RecordError::Mismatch { key: key.kind(), value: other.kind() }),
                };
                Record::Group { group: GroupId::new(&head.group), generation: value.map(read).transpose()? }
            }
            GroupRecordKey::ConsumerGroupMetadata(key) => foreign(&key.group_id),
            GroupRecordKey::ShareGroupMetadata(key) => foreign(&key.group_id),
            GroupRecordKey::StreamsGroupMetadata(key) => foreign(&key.group_id),
            _ => Record::Other,
        })
    }
}

/// Why a record of `__consumer_offsets` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Its key is of no kind that Kafka 4.4 knows.
    #[error("a record of kind {0}, which is not known")]
    UnknownKind(i32),
    /// Its bytes are no such record.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// It names a topic as none can be named.
    #[error("an offset is committed for a topic that cannot be: {0}")]
    Topic(#[from] ottla_vocabulary::TopicNameError),
    /// Key and value are of different kinds.
    #[error("a key of kind {key} with a value of kind {value}")]
    Mismatch {
        /// The key's kind.
        key: i16,
        /// The value's kind.
        value: i16,
    },
}

fn read_offset(key: &OffsetCommitKey<'_>, value: Option<&[u8]>) -> Result<Record, RecordError> {
    use ottla_wire::Union;

    /// Key type of a committed offset, whose values all have one schema.
    const KIND: i16 = 1;
    let read = |bytes| match GroupRecordValue::from_bytes(KIND, bytes)? {
        GroupRecordValue::OffsetCommit(value) => Ok(Committed {
            offset: Offset(value.offset),
            leader_epoch: LeaderEpoch(value.leader_epoch),
            metadata: value.metadata.into_owned(),
            at: Timestamp(value.commit_timestamp),
            expires: (value.expire_timestamp >= 0).then_some(Timestamp(value.expire_timestamp)),
            topic_id: TopicId(value.topic_id),
        }),
        other => Err(RecordError::Mismatch { key: KIND, value: other.kind() }),
    };
    Ok(Record::Offset {
        group: GroupId::new(&key.group),
        topic: TopicName::new(&key.topic)?,
        partition: PartitionIndex(key.partition),
        committed: value.map(read).transpose()?,
    })
}

fn offset_value(committed: &Committed) -> Result<Vec<u8>, WireError> {
    let version = match committed {
        Committed { expires: Some(_), .. } => OFFSET_COMMIT_EXPIRING,
        Committed { topic_id, .. } if !topic_id.0.is_zero() => OFFSET_COMMIT_WITH_ID,
        _ => OFFSET_COMMIT,
    };
    let value = OffsetCommitValue {
        offset: committed.offset.0,
        leader_epoch: committed.leader_epoch.0,
        metadata: committed.metadata.as_str().into(),
        commit_timestamp: committed.at.0,
        expire_timestamp: committed.expires.map_or(-1, |time| time.0),
        topic_id: committed.topic_id.0,
    };
    GroupRecordValue::from(value).to_bytes(version)
}

fn group_value(generation: &Generation) -> Result<Vec<u8>, WireError> {
    let member = |member: &GenerationMember| MemberMetadata {
        member_id: member.member.to_string().into(),
        group_instance_id: member.instance.clone().map(Into::into),
        client_id: member.client_id.clone().into(),
        client_host: member.client_host.clone().into(),
        rebalance_timeout: member.rebalance_timeout_ms,
        session_timeout: member.session_timeout_ms,
        subscription: member.subscription.clone().into(),
        assignment: member.assignment.clone().into(),
    };
    let value = GroupMetadataValue {
        protocol_type: generation.protocol_type.as_str().into(),
        generation: generation.number,
        protocol: generation.protocol.as_deref().map(Into::into),
        leader: generation.leader.as_ref().map(|leader| leader.as_str().into()),
        current_state_timestamp: generation.since.map_or(-1, |time| time.0),
        members: generation.members.iter().map(member).collect(),
    };
    GroupRecordValue::from(value).to_bytes(GROUP_METADATA)
}

fn read_generation(value: &GroupMetadataValue<'_>) -> Generation {
    let member = |member: MemberMetadata<'_>| GenerationMember {
        member: MemberId::new(&member.member_id),
        instance: member.group_instance_id.map(|instance| instance.into_owned()),
        client_id: member.client_id.into_owned(),
        client_host: member.client_host.into_owned(),
        // Before version 1 one timeout served for both.
        rebalance_timeout_ms: if member.rebalance_timeout < 0 {
            member.session_timeout
        } else {
            member.rebalance_timeout
        },
        session_timeout_ms: member.session_timeout,
        subscription: member.subscription.into_owned(),
        assignment: member.assignment.into_owned(),
    };
    Generation {
        protocol_type: value.protocol_type.to_string(),
        number: value.generation,
        protocol: value.protocol.as_deref().map(str::to_owned),
        leader: value.leader.as_deref().map(MemberId::new),
        since: (value.current_state_timestamp >= 0).then_some(Timestamp(value.current_state_timestamp)),
        members: value.members.iter().map(member).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ottla_vocabulary::Uuid;

    fn round(record: &Record) -> Record {
        let (key, value) = record.to_bytes().unwrap();
        Record::from_bytes(&key, value.as_deref()).unwrap()
    }

    fn committed(expires: Option<Timestamp>, topic_id: Uuid, leader_epoch: i32) -> Record {
        let committed = Committed {
            offset: Offset(42),
            leader_epoch: LeaderEpoch(leader_epoch),
            metadata: "note".to_owned(),
            at: Timestamp(1000),
            expires,
            topic_id: TopicId(topic_id),
        };
        let (group, topic) = (GroupId::new("g"), TopicName::new("t").unwrap());
        Record::Offset { group, topic, partition: PartitionIndex(3), committed: Some(committed) }
    }

    #[test]
    fn offsets_survive_their_bytes_in_the_version_that_can_carry_them() {
        for record in [
            committed(None, Uuid::ZERO, 7),
            committed(None, Uuid::ONE, 7),
            committed(Some(Timestamp(5)), Uuid::ZERO, -1),
        ] {
            assert_eq!(round(&record), record);
        }
        let version = |record: Record| record.to_bytes().unwrap().1.unwrap()[1];
        assert_eq!(version(committed(None, Uuid::ZERO, 7)), 3);
        assert_eq!(version(committed(None, Uuid::ONE, 7)), 4);
        assert_eq!(version(committed(Some(Timestamp(5)), Uuid::ZERO, -1)), 1);
    }

    #[test]
    fn a_tombstone_has_no_value() {
        let record = Record::Group { group: GroupId::new("g"), generation: None };
        assert_eq!(record.to_bytes().unwrap().1, None);
        assert_eq!(round(&record), record);
    }

    #[test]
    fn a_kind_that_is_not_known_is_told_apart_from_what_is_broken() {
        assert_eq!(Record::from_bytes(&[0, 99, 1], Some(&[0, 0])), Err(RecordError::UnknownKind(99)));
        let broken = [0, 2, 0, 9, b'g'];
        assert!(matches!(Record::from_bytes(&broken, None), Err(RecordError::Wire(WireError::Truncated { .. }))));
        let newer_value = Record::from_bytes(&[0, 2, 0, 1, b'g'], Some(&[0, 99]));
        assert!(matches!(newer_value, Err(RecordError::Wire(_))), "{newer_value:?}");
    }

    #[test]
    fn groups_of_newer_kinds_are_known_by_name() {
        // Key type 3, ConsumerGroupMetadata, of group "new".
        let key = [0, 3, 0, 3, b'n', b'e', b'w'];
        let found = Record::from_bytes(&key, Some(&[0, 0, 0, 0, 0, 1, 0])).unwrap();
        assert_eq!(found, Record::Foreign { group: GroupId::new("new"), present: true });
    }
}
