//! A voter that asks whether it could win, before it disturbs anyone by a new epoch (KIP-996).

use ottla_vocabulary::{Instant, NodeId};

use crate::election::Votes;
use crate::voters::ReplicaKey;

/// What a prospective candidate knows, beside the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prospective {
    /// The leader it lost touch with.
    pub leader: Option<NodeId>,
    /// Whom it voted for in this epoch.
    pub voted: Option<ReplicaKey>,
    /// The pre-votes so far.
    pub votes: Votes,
    /// When it gives up.
    pub(crate) election_at: Instant,
}
