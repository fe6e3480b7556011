//! The leader: how far each replica's log goes, what of it is therefore committed, and whether a majority still comes
//! to fetch.

use std::collections::{BTreeMap, BTreeSet};

use ottla_vocabulary::{Duration, Instant, NodeId, Now, Offset, Timestamp};

use crate::voters::{ReplicaKey, Voters};

/// An observer that has not fetched for so long is forgotten: Kafka's five minutes.
const OBSERVER_SESSION: Duration = Duration::from_secs(300);

/// What a leader knows, beside the epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leader {
    own: ReplicaKey,
    /// The end of the log at the election; nothing older is committed by counting until something newer is.
    pub(crate) epoch_start: Offset,
    voters: BTreeMap<NodeId, Replica>,
    observers: BTreeMap<ReplicaKey, Replica>,
    high_watermark: Option<Offset>,
    fetched: BTreeSet<NodeId>,
    pub(crate) check_quorum_at: Option<Instant>,
    pub(crate) begin_epoch_at: Option<Instant>,
}

/// What the leader knows of one replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Replica {
    pub(crate) key: ReplicaKey,
    pub(crate) end: Option<Offset>,
    last_fetch: Option<Instant>,
    pub(crate) last_fetch_wall: Timestamp,
    leader_end_at_last_fetch: Option<Offset>,
    pub(crate) last_caught_up_wall: Timestamp,
}

impl Replica {
    fn new(key: ReplicaKey) -> Replica {
        Replica {
            key,
            end: None,
            last_fetch: None,
            last_fetch_wall: Timestamp::NONE,
            leader_end_at_last_fetch: None,
            last_caught_up_wall: Timestamp::NONE,
        }
    }

    fn on_fetch(&mut self, now: Now, offset: Offset, leader_end: Option<Offset>) {
        if let Some(leader_end) = leader_end {
            if leader_end <= offset {
                self.last_caught_up_wall = self.last_caught_up_wall.max(now.wall);
            } else if self.leader_end_at_last_fetch.is_some_and(|end| end <= offset) {
                // It now has what was all there was when it last asked: it was caught up then.
                self.last_caught_up_wall = self.last_caught_up_wall.max(self.last_fetch_wall);
            }
            self.leader_end_at_last_fetch = Some(leader_end);
        }
        self.last_fetch = Some(now.instant);
        self.last_fetch_wall = self.last_fetch_wall.max(now.wall);
        self.end = Some(offset);
    }
}

impl Leader {
    pub(crate) fn new(own: ReplicaKey, voters: &Voters, epoch_start: Offset, now: Instant, wait: Duration) -> Leader {
        let alone = voters.is_only(&own);
        Leader {
            own,
            epoch_start,
            voters: voters.iter().map(|voter| (voter.key.id, Replica::new(voter.key))).collect(),
            observers: BTreeMap::new(),
            high_watermark: None,
            fetched: BTreeSet::new(),
            check_quorum_at: (!alone).then(|| now + wait),
            begin_epoch_at: (!alone).then_some(now),
        }
    }

    pub(crate) fn high_watermark(&self) -> Option<Offset> {
        self.high_watermark
    }

    /// The voters that have not fetched for so long, or never: who must be told that we lead.
    pub(crate) fn silent_voters(&self, now: Instant, silence: Duration) -> Vec<ReplicaKey> {
        let silent = |replica: &&Replica| replica.last_fetch.is_none_or(|fetch| silence <= now.since(fetch));
        self.voters.values().filter(|replica| replica.key.id != self.own.id).filter(silent).map(|r| r.key).collect()
    }

    /// The other voters, the one with the longest log first: whom a leader that goes wishes to follow it.
    pub(crate) fn successors(&self) -> Vec<ReplicaKey> {
        let mut others: Vec<&Replica> = self.voters.values().filter(|replica| replica.key.id != self.own.id).collect();
        others.sort_by_key(|replica| (core::cmp::Reverse(replica.end), replica.key));
        others.into_iter().map(|replica| replica.key).collect()
    }

    /// Our own log is synced up to `end`. Answers the new high watermark, if it rose.
    pub(crate) fn on_synced(&mut self, end: Offset) -> Option<Offset> {
        let own = self.own;
        self.replica_mut(own).end = Some(end);
        self.raise_high_watermark()
    }

    /// A replica fetched from `offset`, so it has what is before. Answers the new high watermark, if it rose.
    pub(crate) fn on_fetch(&mut self, now: Now, replica: ReplicaKey, offset: Offset, wait: Duration) -> Option<Offset> {
        if replica.id.0 < 0 || replica.id == self.own.id {
            return None;
        }
        let own = self.own;
        let leader_end = self.replica_mut(own).end;
        self.forget_idle_observers(now.instant);
        self.replica_mut(replica).on_fetch(now, offset, leader_end);
        let votes = self.voters.get(&replica.id).is_some_and(|voter| voter.key.matches(&replica));
        if !votes {
            return None;
        }
        self.fetched.insert(replica.id);
        let own_votes = usize::from(self.voters.contains_key(&self.own.id));
        if self.voters.len() / 2 < self.fetched.len() + own_votes {
            self.fetched.clear();
            self.check_quorum_at = Some(now.instant + wait);
        }
        self.raise_high_watermark()
    }

    /// The log names other voters now. A voter that was an observer keeps what is known of it, and the reverse.
    pub(crate) fn on_voters(&mut self, voters: &Voters) -> Option<Offset> {
        let mut former = core::mem::take(&mut self.voters);
        for voter in voters.iter() {
            let known = match former.remove(&voter.key.id) {
                Some(replica) if replica.key.matches(&voter.key) => Some(replica),
                other => {
                    former.extend(other.map(|replica| (replica.key.id, replica)));
                    self.observers.remove(&voter.key)
                }
            };
            let mut replica = known.unwrap_or_else(|| Replica::new(voter.key));
            replica.key = voter.key;
            self.voters.insert(voter.key.id, replica);
        }
        self.observers.extend(former.into_values().map(|replica| (replica.key, replica)));
        if voters.is_only(&self.own) {
            (self.check_quorum_at, self.begin_epoch_at) = (None, None);
        }
        self.raise_high_watermark()
    }

    /// Every replica that is known, voters first; the leader's own entry carries the present time, as Kafka shows it.
    pub(crate) fn replicas(&self) -> (impl Iterator<Item = &Replica>, impl Iterator<Item = &Replica>) {
        (self.voters.values(), self.observers.values())
    }

    fn replica_mut(&mut self, key: ReplicaKey) -> &mut Replica {
        match self.voters.get(&key.id).is_some_and(|voter| voter.key.matches(&key)) {
            true => self.voters.get_mut(&key.id).expect("just found"),
            false => self.observers.entry(key).or_insert_with(|| Replica::new(key)),
        }
    }

    fn forget_idle_observers(&mut self, now: Instant) {
        let own = self.own;
        let idle = |replica: &Replica| replica.last_fetch.is_some_and(|fetch| OBSERVER_SESSION <= now.since(fetch));
        self.observers.retain(|key, replica| *key == own || !idle(replica));
    }

    /// The offset that a majority of voters has; committed once it is past the start of this epoch (Raft, section 5.4.2).
    fn raise_high_watermark(&mut self) -> Option<Offset> {
        let mut ends: Vec<Option<Offset>> = self.voters.values().map(|replica| replica.end).collect();
        ends.sort_by_key(|end| core::cmp::Reverse(*end));
        let reached = ends.get(self.voters.len() / 2).copied().flatten().filter(|end| self.epoch_start < *end)?;
        if self.high_watermark.is_some_and(|known| reached <= known) {
            return None; // it may compute lower after voters changed; what was committed stays so
        }
        self.high_watermark = Some(reached);
        Some(reached)
    }

    #[cfg(test)]
    pub(crate) fn forget_times(&mut self) {
        self.check_quorum_at = self.check_quorum_at.map(|_| Instant::default());
        self.begin_epoch_at = self.begin_epoch_at.map(|_| Instant::default());
        for replica in self.voters.values_mut().chain(self.observers.values_mut()) {
            replica.last_fetch = replica.last_fetch.map(|_| Instant::default());
        }
    }
}
