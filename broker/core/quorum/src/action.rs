//! All that a replica of the quorum wants done. The list is closed: the shell's loop is a match over it.

use ottla_vocabulary::{LeaderEpoch, NodeId, Offset};

use crate::election::ElectionState;
use crate::event::{Refusal, Standing, VoteAnswer};
use crate::log_view::{Continuity, LogEnd};
use crate::voters::{ReplicaKey, Voters};

/// One thing to do. Actions are done in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write and sync `quorum-state` before anything that follows here.
    Persist(ElectionState),
    /// Answer the request that was the event.
    Answer(Answer),
    /// Ask this voter for its vote.
    SendVote {
        /// Whom.
        to: ReplicaKey,
        /// For which epoch (a pre-vote names the present one).
        epoch: LeaderEpoch,
        /// The end of our log.
        last: LogEnd,
        /// Only ask whether we could win.
        pre_vote: bool,
    },
    /// Tell this voter that we lead.
    SendBeginEpoch {
        /// Whom.
        to: ReplicaKey,
        /// Which epoch.
        epoch: LeaderEpoch,
    },
    /// Tell this voter that we no longer lead.
    SendEndEpoch {
        /// Whom.
        to: ReplicaKey,
        /// Which epoch.
        epoch: LeaderEpoch,
        /// Who should follow us, the best first.
        successors: Vec<ReplicaKey>,
    },
    /// We lead: append the control batch that begins the epoch, sync, and say [`crate::Event::Synced`].
    AppendEpochStart(EpochStart),
    /// The log is committed up to here.
    AdvanceHighWatermark(Offset),
    /// Cut the log's end off: what is behind this offset is not in the leader's history.
    Truncate(Offset),
    /// Someone else leads now, or nobody that we know of. Whoever led here before drops its state.
    LeaderChanged(Standing),
}

/// The content of the control batch with which a leader begins its epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochStart {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// For the LeaderChangeMessage: everyone who votes.
    pub voters: Vec<NodeId>,
    /// For the LeaderChangeMessage: who voted for us.
    pub granting: Vec<NodeId>,
    /// Where the log does not name the voters yet, or names us with an old address: a KRaftVersionRecord (version 1)
    /// and this VotersRecord follow in the same batch.
    pub write_voters: Option<Voters>,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a vote request.
    Vote(VoteAnswer),
    /// To BeginEpoch and EndEpoch.
    Epoch(Standing, Option<Refusal>),
    /// To a fetch: the high watermark and whether records may follow, or why not.
    Fetch(Standing, Result<(Option<Offset>, Continuity), Refusal>),
}
