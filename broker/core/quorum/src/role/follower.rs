//! A follower fetches from the leader it knows; as a voter it stands for election when the leader is silent.

use ottla_vocabulary::{Duration, Instant, NodeId, Offset};

use crate::voters::ReplicaKey;

/// What a follower (voter or observer) knows, beside the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Follower {
    /// Whom it follows.
    pub leader: NodeId,
    /// Whom it voted for in this epoch; kept, so that it does not vote twice.
    pub voted: Option<ReplicaKey>,
    /// By when the leader must have answered a fetch.
    pub(crate) fetch_by: Instant,
    /// Whether it has: then a pre-vote is refused, for the leader is alive (KIP-996).
    pub(crate) has_fetched: bool,
    /// What the leader called committed; ours is that far only once our log is.
    pub(crate) leader_high_watermark: Option<Offset>,
}

impl Follower {
    pub(crate) fn new(leader: NodeId, voted: Option<ReplicaKey>, now: Instant, fetch_timeout: Duration) -> Follower {
        Follower { leader, voted, fetch_by: now + fetch_timeout, has_fetched: false, leader_high_watermark: None }
    }

    /// How long a follower named at this place among the successors waits before it stands for election: the first not
    /// at all, each further one twice as long as the one before, a stranger to the list the longest.
    pub(crate) fn succession_wait(place: usize, count: usize, longest: Duration) -> Duration {
        match place {
            0 if 0 < count => Duration::ZERO,
            _ if count <= place => longest,
            _ => {
                let first = longest.as_millis() as u64 >> (count - 1).min(63);
                Duration::from_millis(first.saturating_mul(1 << (place - 1).min(62))).min(longest)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successors_stand_one_after_another() {
        let wait = |place, count| Follower::succession_wait(place, count, Duration::from_millis(1000)).as_millis();
        assert_eq!([wait(0, 3), wait(1, 3), wait(2, 3), wait(3, 3)], [0, 250, 500, 1000]);
        assert_eq!([wait(0, 1), wait(1, 1), wait(0, 0)], [0, 1000, 1000]);
        assert_eq!(wait(70, 100), 0, "a list too long for halving");
    }
}
