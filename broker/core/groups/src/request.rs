//! What a shard is asked and what it answers, without the wire: a request is owned, because it may wait for minutes.

use ottla_vocabulary::{
    Duration, GroupId, LeaderEpoch, MemberId, Offset, PartitionIndex, Timestamp, TopicId, TopicName,
};
use ottla_wire::ErrorCode;

use crate::describe::{Description, Listed};

/// One request to the coordinator of a group. The group's id has been authorized and is not checked for emptiness yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Become, or stay, a member.
    Join(Join),
    /// Hand over or receive the assignment of a generation.
    Sync(Sync),
    /// I am still here.
    Heartbeat(Identity),
    /// I, or these members, go.
    Leave {
        /// From this group.
        group: GroupId,
        /// Who goes.
        members: Vec<Leaving>,
    },
    /// Remember how far we have read.
    OffsetCommit(OffsetCommit),
    /// How far have we read?
    OffsetFetch {
        /// Of this group.
        group: GroupId,
        /// Of these partitions; none for all.
        partitions: Option<Vec<Partition>>,
    },
    /// Forget how far we have read.
    OffsetDelete {
        /// Of this group.
        group: GroupId,
        /// Of these partitions.
        partitions: Vec<Partition>,
    },
    /// Forget the whole group.
    Delete {
        /// This group.
        group: GroupId,
    },
    /// Who is in the group?
    Describe {
        /// This group.
        group: GroupId,
    },
    /// Which groups are there?
    List,
}

/// A partition of a topic, by name, with the topic's id where the asker knew it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    /// The topic.
    pub topic: TopicName,
    /// Its id, all zeroes where unknown.
    pub topic_id: TopicId,
    /// The partition within it.
    pub partition: PartitionIndex,
}

/// Who speaks, in which generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// In this group.
    pub group: GroupId,
    /// The id that the coordinator gave; empty for a stranger.
    pub member: MemberId,
    /// The member's own name for itself (KIP-345).
    pub instance: Option<String>,
    /// The generation it believes in; −1 for none.
    pub generation: i32,
}

/// A JoinGroup request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The group.
    pub group: GroupId,
    /// The id that the coordinator gave; empty for a new member.
    pub member: MemberId,
    /// The member's own name for itself.
    pub instance: Option<String>,
    /// From the request's header.
    pub client_id: String,
    /// Where it comes from, as DescribeGroups shows it.
    pub client_host: String,
    /// `consumer`, or what another kind of group calls itself.
    pub protocol_type: String,
    /// The assignors it knows, the preferred first, with its metadata for each.
    pub protocols: Vec<Protocol>,
    /// How long it may be silent.
    pub session_timeout: Duration,
    /// How long others wait for it in a rebalance.
    pub rebalance_timeout: Duration,
    /// It must be given its id before it is taken in (version 4 and later).
    pub asks_for_id_first: bool,
    /// It understands that it leads and still has nothing to assign (version 9 and later, KIP-814).
    pub can_skip_assignment: bool,
    /// Random, unique: what makes a new member's id.
    pub unique: String,
}

/// A protocol that a member offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The assignor's name.
    pub name: String,
    /// Opaque here: the member's subscription, for a consumer.
    pub metadata: Vec<u8>,
}

/// A SyncGroup request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sync {
    /// Who asks.
    pub who: Identity,
    /// Checked against the group's when it is given.
    pub protocol_type: Option<String>,
    /// Checked against the group's when it is given.
    pub protocol_name: Option<String>,
    /// From the leader: what each member gets.
    pub assignments: Vec<(MemberId, Vec<u8>)>,
}

/// A member that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Its id; empty when it is named by its instance id alone.
    pub member: MemberId,
    /// Its own name for itself.
    pub instance: Option<String>,
}

/// An OffsetCommit request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetCommit {
    /// Who commits; a stranger with generation −1 may for an empty group.
    pub who: Identity,
    /// How long the offsets are kept, where the request says so (versions 2 to 4).
    pub retention: Option<Duration>,
    /// The request is of version 9 or later, whose answer for an unknown group differs.
    pub knows_group_not_found: bool,
    /// What is committed.
    pub offsets: Vec<(Partition, Commit)>,
}

/// An offset to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The next offset to be read.
    pub offset: Offset,
    /// Of the last record that was read.
    pub leader_epoch: LeaderEpoch,
    /// Whatever the member wants to find again.
    pub metadata: String,
}

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to be read.
    pub offset: Offset,
    /// Of the last record that was read; [`LeaderEpoch::NONE`] when it was not told.
    pub leader_epoch: LeaderEpoch,
    /// Whatever the member wanted to find again.
    pub metadata: String,
    /// When it was committed.
    pub at: Timestamp,
    /// When it expires, where the member said so.
    pub expires: Option<Timestamp>,
    /// Of the topic it was committed for; all zeroes when it was not told.
    pub topic_id: TopicId,
}

/// What a shard answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To a join.
    Join(Joined),
    /// To a sync.
    Sync(Synced),
    /// To a heartbeat.
    Heartbeat(ErrorCode),
    /// To leaving members, each with its own code.
    Leave(Result<Vec<(Leaving, ErrorCode)>, ErrorCode>),
    /// To a commit, in the order of the request.
    OffsetCommit(Vec<(Partition, ErrorCode)>),
    /// To a fetch: every partition that was asked for, none where nothing is committed.
    OffsetFetch(Result<Vec<(Partition, Option<Committed>)>, ErrorCode>),
    /// To a deletion of offsets.
    OffsetDelete(Result<Vec<(Partition, ErrorCode)>, ErrorCode>),
    /// To a deletion.
    Delete(ErrorCode),
    /// To a question after one group.
    Describe(Description),
    /// To a question after all.
    List(Vec<Listed>),
}

/// The answer to a join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Whether it worked.
    pub error: ErrorCode,
    /// The generation; −1 without one.
    pub generation: i32,
    /// The group's protocol type, once it has one.
    pub protocol_type: Option<String>,
    /// The protocol that was chosen.
    pub protocol_name: Option<String>,
    /// Who assigns.
    pub leader: MemberId,
    /// The leader has nothing to assign: the assignment stands.
    pub skip_assignment: bool,
    /// The member's id from now on.
    pub member: MemberId,
    /// For the leader: everybody's metadata.
    pub members: Vec<JoinedMember>,
}

/// A member as the leader is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember {
    /// Its id.
    pub member: MemberId,
    /// Its own name for itself.
    pub instance: Option<String>,
    /// Its metadata for the chosen protocol.
    pub metadata: Vec<u8>,
}

impl Joined {
    /// A refusal that names the member as it should call itself from now on.
    pub fn refused(member: MemberId, error: ErrorCode) -> Joined {
        Joined {
            error,
            generation: -1,
            protocol_type: None,
            protocol_name: None,
            leader: MemberId::new(""),
            skip_assignment: false,
            member,
            members: Vec::new(),
        }
    }
}

/// The answer to a sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synced {
    /// Whether it worked.
    pub error: ErrorCode,
    /// The group's protocol type.
    pub protocol_type: Option<String>,
    /// The protocol that was chosen.
    pub protocol_name: Option<String>,
    /// What the member gets.
    pub assignment: Vec<u8>,
}

impl Synced {
    /// A refusal.
    pub fn refused(error: ErrorCode) -> Synced {
        Synced { error, protocol_type: None, protocol_name: None, assignment: Vec::new() }
    }
}
