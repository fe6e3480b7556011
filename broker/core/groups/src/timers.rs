//! What falls due, by time. Whoever no longer wants a timer cancels it, so that what runs is bounded by who is there: one
//! for each member, one for each id that was given out and not used, one for each group that waits.

use std::collections::BTreeMap;

use ottla_vocabulary::{GroupId, Instant, MemberId};

/// What falls due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// A member may have been silent for too long.
    Heartbeat(GroupId, MemberId),
    /// A member that was given an id has not come back with it.
    Pending(GroupId, MemberId),
    /// The members of a rebalance that have not joined are given up.
    Join(GroupId),
    /// The members of a generation that have not synced are given up.
    Sync(GroupId),
    /// Look for offsets that nobody will want again.
    ExpireOffsets,
}

impl Timer {
    /// What a stranger has us remember by asking for an id: the id, and where it belongs.
    fn pending_bytes(&self) -> usize {
        match self {
            Timer::Pending(group, member) => group.as_str().len() + member.as_str().len(),
            _ => 0,
        }
    }
}

/// A timer that runs, or ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerId {
    pub(crate) due: Instant,
    /// In which order timers were set.
    order: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeMap<TimerId, Timer>,
    /// How many were ever set.
    count: u64,
    pending_bytes: usize,
}

impl Timers {
    pub(crate) fn at(&mut self, due: Instant, timer: Timer) -> TimerId {
        let id = TimerId { due, order: self.count };
        self.count += 1;
        self.pending_bytes += timer.pending_bytes();
        self.by_time.insert(id, timer);
        id
    }

    /// Ends a timer; one that has fired already is gone.
    pub(crate) fn cancel(&mut self, id: TimerId) {
        if let Some(timer) = self.by_time.remove(&id) {
            self.pending_bytes -= timer.pending_bytes();
        }
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.by_time.first_key_value().map(|(id, _)| id.due)
    }

    /// What the ids take that were given out and are not used yet.
    pub(crate) fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Where [`Timers::pop`] ends that begins now.
    pub(crate) fn set_so_far(&self) -> SetSoFar {
        SetSoFar(self.count)
    }

    /// The first timer that is due by now, among those that had been set by then: what firing one sets anew waits for the
    /// next time, so that a timer that is always due cannot hold up everything else.
    pub(crate) fn pop(&mut self, now: Instant, set: SetSoFar) -> Option<Timer> {
        let first = self.by_time.first_entry().filter(|entry| entry.key().due <= now && entry.key().order < set.0)?;
        let timer = first.remove();
        self.pending_bytes -= timer.pending_bytes();
        Some(timer)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_time.len()
    }
}

/// A point in the order in which timers were set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SetSoFar(u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_is_set_anew_while_it_fires_waits_for_the_next_time() {
        let now = Instant::from_millis(7);
        let mut timers = Timers::default();
        timers.at(now, Timer::ExpireOffsets);
        timers.at(Instant::from_millis(3), Timer::Join(GroupId::new("g")));
        for _ in 0..3 {
            let set = timers.set_so_far();
            let mut fired = 0;
            while let Some(timer) = timers.pop(now, set) {
                timers.at(now, timer);
                fired += 1;
            }
            assert_eq!(fired, 2, "each once");
        }
    }

    #[test]
    fn a_cancelled_timer_does_not_fire_and_one_that_fired_is_not_missed() {
        let now = Instant::from_millis(7);
        let mut timers = Timers::default();
        let pending = Timer::Pending(GroupId::new("g"), MemberId::new("m-1"));
        let (first, second) = (timers.at(now, pending.clone()), timers.at(now, pending));
        assert_eq!(timers.pending_bytes(), 8);
        timers.cancel(first);
        timers.cancel(first);
        assert!(timers.pop(now, timers.set_so_far()).is_some());
        timers.cancel(second);
        assert_eq!((timers.pop(now, timers.set_so_far()), timers.pending_bytes()), (None, 0));
    }
}
