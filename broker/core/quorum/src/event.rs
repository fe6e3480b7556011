//! All that can happen to a quorum's replica.

use ottla_vocabulary::{LeaderEpoch, NodeId, Offset};

use crate::log_view::LogEnd;
use crate::voters::{ReplicaKey, Voters};

/// One thing that happened. Every request is answered at once by an [`crate::Action::Answer`] of the same kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// It got later: what [`crate::Quorum::next_timeout`] announced may be due.
    Time,
    /// The local log is on disk up to here: after an append of the leader, or of what a follower fetched.
    Synced {
        /// The end of what is synced.
        end: Offset,
    },
    /// The log (or a snapshot that was loaded) now names these voters last.
    VotersChanged(Voters),
    /// Another replica asks for this one's vote.
    VoteRequest(VoteRequest),
    /// A voter answered ours.
    VoteAnswer {
        /// Who.
        from: NodeId,
        /// What.
        answer: VoteAnswer,
    },
    /// A new leader presents itself.
    BeginEpochRequest {
        /// Who.
        leader: NodeId,
        /// Of which epoch.
        epoch: LeaderEpoch,
        /// Whom it believes to be talking to, if it said.
        voter: Option<ReplicaKey>,
    },
    /// A leader resigns.
    EndEpochRequest {
        /// Who.
        leader: NodeId,
        /// Of which epoch.
        epoch: LeaderEpoch,
        /// Whom it wishes to follow it, the best first.
        successors: Vec<ReplicaKey>,
    },
    /// A voter answered our BeginEpoch or EndEpoch.
    EpochAnswer {
        /// What it knows now, and whether it refused.
        standing: Standing,
        /// Why it refused.
        refusal: Option<Refusal>,
    },
    /// A replica asks for records.
    FetchRequest(FetchRequest),
    /// The leader (or whom we took for it) answered ours. Records that came with it are appended by the shell, which
    /// then says [`Event::Synced`].
    FetchAnswer(FetchAnswer),
    /// This node is going down: let another lead.
    Resign,
}

/// A replica asks to be elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VoteRequest {
    /// Who asks.
    pub candidate: ReplicaKey,
    /// Whom it believes to be asking, if it said.
    pub voter: Option<ReplicaKey>,
    /// The epoch it wants to lead; with `pre_vote` the epoch it is in.
    pub epoch: LeaderEpoch,
    /// The end of its log.
    pub last: LogEnd,
    /// Only asks whether it could win (KIP-996), so that a node that was cut off does not unseat a working leader.
    pub pre_vote: bool,
}

/// What a replica knows of the epoch; part of each answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Standing {
    /// The highest epoch it has seen.
    pub epoch: LeaderEpoch,
    /// Who leads it.
    pub leader: Option<NodeId>,
}

/// The answer to a [`VoteRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VoteAnswer {
    /// What the voter knows.
    pub standing: Standing,
    /// Whether it gave its vote.
    pub granted: bool,
    /// Why the request was not even considered.
    pub refusal: Option<Refusal>,
}

/// A replica asks the leader for records, and thereby says how far its own log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchRequest {
    /// Who; a negative id is a reader that counts for nothing.
    pub replica: ReplicaKey,
    /// The epoch it believes in.
    pub epoch: LeaderEpoch,
    /// The end of its log.
    pub offset: Offset,
    /// The epoch of the last record there.
    pub last_epoch: LeaderEpoch,
}

/// The numbers of an answer to a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchAnswer {
    /// What the answering replica knows.
    pub standing: Standing,
    /// Why there is nothing.
    pub refusal: Option<Refusal>,
    /// Up to where the log is committed.
    pub high_watermark: Option<Offset>,
    /// Where our history parts from the leader's.
    pub diverging: Option<LogEnd>,
}

/// Why a request is refused: Kafka's codes that the quorum's own rules give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The request is of an epoch that is over.
    FencedLeaderEpoch,
    /// The request is of an epoch that is not known here yet.
    UnknownLeaderEpoch,
    /// This replica does not lead.
    NotLeaderOrFollower,
    /// Numbers that cannot be.
    InvalidRequest,
    /// The request was for another replica.
    InvalidVoterKey,
}

impl Refusal {
    /// Kafka's error code.
    pub fn code(self) -> i16 {
        match self {
            Refusal::FencedLeaderEpoch => 74,
            Refusal::UnknownLeaderEpoch => 75,
            Refusal::NotLeaderOrFollower => 6,
            Refusal::InvalidRequest => 42,
            Refusal::InvalidVoterKey => 125,
        }
    }
}
