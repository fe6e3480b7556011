//! A voter that stands for election: it voted for itself in a new epoch and asks the others.

use ottla_vocabulary::Instant;

use crate::election::Votes;

/// What a candidate knows, beside the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The votes so far.
    pub votes: Votes,
    /// When it tries again; a lost election is waited out, so that two candidates do not chase each other.
    pub(crate) election_at: Instant,
}
