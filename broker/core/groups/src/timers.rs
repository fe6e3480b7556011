//! What falls due, by time. A timer is never cancelled: when it falls due, its owner looks whether it still means
//! something, so that a heartbeat costs no more than a new deadline in its member.

use std::collections::BTreeMap;

use ottla_vocabulary::{GroupId, Instant, MemberId};

/// What falls due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// A member may have been silent for too long.
    Heartbeat(GroupId, MemberId),
    /// A member that was given an id has not come back with it.
    Pending(GroupId, MemberId),
    /// The members of a rebalance that have not joined are given up; valid for this rebalance only.
    Join(GroupId, u64),
    /// The members of a generation that have not synced are given up; valid for this rebalance only.
    Sync(GroupId, u64),
    /// Look for offsets that nobody will want again.
    ExpireOffsets,
}

#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeMap<(Instant, u64), Timer>,
    count: u64,
}

impl Timers {
    pub(crate) fn at(&mut self, due: Instant, timer: Timer) {
        self.by_time.insert((due, self.count), timer);
        self.count += 1;
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.by_time.first_key_value().map(|((due, _), _)| *due)
    }

    /// The first timer that is due by now.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Timer> {
        let first = self.by_time.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }
}
