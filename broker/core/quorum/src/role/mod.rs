//! What a replica is in its epoch. An observer is no role of its own: it is an [`Unattached`] or a [`Follower`] that
//! does not vote, and never stands for election.

mod candidate;
mod follower;
mod leader;
mod prospective;
mod resigned;
mod unattached;

pub use candidate::Candidate;
pub use follower::Follower;
pub use leader::Leader;
pub(crate) use leader::Replica;
pub use prospective::Prospective;
pub use resigned::Resigned;
pub use unattached::Unattached;

use ottla_vocabulary::{Instant, NodeId};

use crate::voters::ReplicaKey;

/// The role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Follows nobody.
    Unattached(Unattached),
    /// Asks whether it could win.
    Prospective(Prospective),
    /// Stands for election.
    Candidate(Candidate),
    /// Leads.
    Leader(Leader),
    /// Follows a leader.
    Follower(Follower),
    /// Led this epoch, and leads no more.
    Resigned(Resigned),
}

impl Role {
    /// Kafka's word for it, as its metric `current-state` shows it.
    pub fn name(&self) -> &'static str {
        match self {
            Role::Unattached(Unattached { voted: None, .. }) => "unattached",
            Role::Unattached(_) => "unattached-voted",
            Role::Prospective(Prospective { voted: None, .. }) => "prospective",
            Role::Prospective(_) => "prospective-voted",
            Role::Candidate(_) => "candidate",
            Role::Leader(_) => "leader",
            Role::Follower(_) => "follower",
            Role::Resigned(_) => "resigned",
        }
    }

    /// The leader it knows, given its own id.
    pub(crate) fn leader(&self, own: NodeId) -> Option<NodeId> {
        match self {
            Role::Unattached(role) => role.leader,
            Role::Prospective(role) => role.leader,
            Role::Candidate(_) => None,
            Role::Leader(_) | Role::Resigned(_) => Some(own),
            Role::Follower(role) => Some(role.leader),
        }
    }

    /// Whom it voted for, given its own key.
    pub(crate) fn voted(&self, own: ReplicaKey) -> Option<ReplicaKey> {
        match self {
            Role::Unattached(role) => role.voted,
            Role::Prospective(role) => role.voted,
            Role::Candidate(_) => Some(own),
            Role::Leader(_) | Role::Resigned(_) => None,
            Role::Follower(role) => role.voted,
        }
    }

    /// Whether it votes for `candidate` in the present epoch. Pre-votes promise nothing, so more of them are given.
    pub(crate) fn may_grant(&self, candidate: ReplicaKey, log_is_up_to_date: bool, pre_vote: bool) -> bool {
        match self {
            Role::Unattached(Unattached { leader, voted, .. })
            | Role::Prospective(Prospective { leader, voted, .. }) => match (pre_vote, voted) {
                (true, _) => log_is_up_to_date,
                (false, Some(voted)) => voted.matches(&candidate),
                (false, None) => leader.is_none() && log_is_up_to_date,
            },
            Role::Candidate(_) | Role::Resigned(_) => pre_vote && log_is_up_to_date,
            Role::Follower(role) => pre_vote && !role.has_fetched && log_is_up_to_date,
            Role::Leader(_) => false,
        }
    }

    /// When time alone makes something happen.
    pub(crate) fn next_timeout(&self, votes: bool) -> Option<Instant> {
        match self {
            Role::Unattached(role) => role.election_at,
            Role::Prospective(role) => Some(role.election_at),
            Role::Candidate(role) => Some(role.election_at),
            Role::Leader(role) => role.check_quorum_at.into_iter().chain(role.begin_epoch_at).min(),
            Role::Follower(role) => Some(role.fetch_by).filter(|_| votes),
            Role::Resigned(role) => Some(role.election_at),
        }
    }
}
