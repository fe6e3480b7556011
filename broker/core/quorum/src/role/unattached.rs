//! A replica that follows nobody: it knows an epoch, perhaps its leader by id, and waits to hear from one.

use ottla_vocabulary::{Instant, NodeId};

use crate::voters::ReplicaKey;

/// What an unattached replica knows, beside the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unattached {
    /// The leader, where it is known and yet cannot be followed.
    pub leader: Option<NodeId>,
    /// Whom it voted for in this epoch.
    pub voted: Option<ReplicaKey>,
    /// When it stands for election; an observer never does.
    pub(crate) election_at: Option<Instant>,
}
