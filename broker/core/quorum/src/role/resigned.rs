//! A voter that led this epoch and leads it no longer: it may not vote in it, nor follow anybody.
//!
//! A leader that restarts begins here too: what it appended last may be on nobody's disk, and a second leadership of
//! the same epoch could write other records at the same offsets.

use ottla_vocabulary::Instant;

/// What a resigned leader knows, beside the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resigned {
    /// When it leaves the epoch, if nobody was elected by then.
    pub(crate) election_at: Instant,
}
