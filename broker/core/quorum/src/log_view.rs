//! What the quorum asks of the log: numbers only. The shell answers from `commit-log`, a test from a list of epochs.

use ottla_vocabulary::{LeaderEpoch, Offset};

/// A place in the log's history: everything before `offset`, of which the last was written in `epoch`. Kafka's
/// "offset and epoch", which names snapshots too.
///
/// Ordered by epoch, then offset: the order in which logs are compared in an election.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogEnd {
    /// The epoch of the last record before it.
    pub epoch: LeaderEpoch,
    /// The offset after that record.
    pub offset: Offset,
}

impl LogEnd {
    /// Puts the two together.
    pub fn new(epoch: LeaderEpoch, offset: Offset) -> LogEnd {
        LogEnd { epoch, offset }
    }
}

/// The metadata log and its snapshots, as numbers.
pub trait LogView {
    /// The first offset that is still in the log.
    fn start(&self) -> Offset;

    /// The end of the log; with epoch 0 and offset 0 when nothing was ever written.
    fn end(&self) -> LogEnd;

    /// Where the largest epoch that is not above `epoch` ends in this log, and which one it is.
    fn end_of(&self, epoch: LeaderEpoch) -> LogEnd;

    /// The oldest snapshot, the one that formatting wrote (0-0) left aside.
    fn earliest_snapshot(&self) -> Option<LogEnd>;

    /// The newest snapshot, the one that formatting wrote (0-0) left aside.
    fn latest_snapshot(&self) -> Option<LogEnd>;
}

/// Whether a follower that asks from an offset has the leader's history before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuity {
    /// It has: records can follow.
    Follows,
    /// It has not: its log agrees with the leader's at most up to here.
    Diverges(LogEnd),
    /// What it asks for is no longer in the log: it must fetch this snapshot first.
    NeedsSnapshot(LogEnd),
}

/// Compares the end of a follower's log with the leader's, as Kafka's leader does.
pub fn continuity(log: &impl LogView, offset: Offset, last_epoch: LeaderEpoch) -> Continuity {
    if let Some(latest) = log.latest_snapshot().filter(|_| offset == Offset::ZERO) {
        return Continuity::NeedsSnapshot(latest);
    }
    if log.start() == Offset::ZERO && offset == Offset::ZERO {
        return Continuity::Follows;
    }
    if let (Some(earliest), Some(latest)) = (log.earliest_snapshot(), log.latest_snapshot()) {
        let at_start_of_another_history = offset == log.start() && last_epoch != earliest.epoch;
        if offset < log.start() || at_start_of_another_history || last_epoch < earliest.epoch {
            return Continuity::NeedsSnapshot(latest);
        }
    }
    let ours = log.end_of(last_epoch);
    if ours.epoch != last_epoch || ours.offset < offset { Continuity::Diverges(ours) } else { Continuity::Follows }
}

/// Where a follower cuts its log when the leader said that histories part at `diverging`.
pub fn truncation(log: &impl LogView, diverging: LogEnd) -> Offset {
    let ours = log.end_of(diverging.epoch);
    if ours.epoch == diverging.epoch { ours.offset.min(diverging.offset) } else { ours.offset }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A log as the list of its records' epochs.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
    pub(crate) struct Epochs(pub(crate) Vec<i32>);

    impl LogView for Epochs {
        fn start(&self) -> Offset {
            Offset::ZERO
        }
        fn end(&self) -> LogEnd {
            self.end_of(LeaderEpoch(i32::MAX))
        }
        fn end_of(&self, epoch: LeaderEpoch) -> LogEnd {
            let count = self.0.iter().take_while(|own| **own <= epoch.0).count();
            let last = count.checked_sub(1).map_or(0, |index| self.0[index]);
            LogEnd::new(LeaderEpoch(last), Offset(count as i64))
        }
        fn earliest_snapshot(&self) -> Option<LogEnd> {
            None
        }
        fn latest_snapshot(&self) -> Option<LogEnd> {
            None
        }
    }

    struct Cut {
        log: Epochs,
        start: i64,
        snapshots: [LogEnd; 2],
    }

    impl LogView for Cut {
        fn start(&self) -> Offset {
            Offset(self.start)
        }
        fn end(&self) -> LogEnd {
            self.log.end()
        }
        fn end_of(&self, epoch: LeaderEpoch) -> LogEnd {
            self.log.end_of(epoch)
        }
        fn earliest_snapshot(&self) -> Option<LogEnd> {
            Some(self.snapshots[0])
        }
        fn latest_snapshot(&self) -> Option<LogEnd> {
            Some(self.snapshots[1])
        }
    }

    fn end(epoch: i32, offset: i64) -> LogEnd {
        LogEnd::new(LeaderEpoch(epoch), Offset(offset))
    }

    #[test]
    fn a_follower_with_our_history_follows() {
        let log = Epochs(vec![1, 1, 3, 3, 3]);
        let ask = |offset, epoch| continuity(&log, Offset(offset), LeaderEpoch(epoch));
        assert_eq!(ask(0, 0), Continuity::Follows);
        assert_eq!(ask(2, 1), Continuity::Follows);
        assert_eq!(ask(5, 3), Continuity::Follows);
        assert_eq!(ask(3, 1), Continuity::Diverges(end(1, 2)), "it wrote more in epoch 1 than survived");
        assert_eq!(ask(4, 2), Continuity::Diverges(end(1, 2)), "epoch 2 never was");
        assert_eq!(ask(6, 3), Continuity::Diverges(end(3, 5)));
    }

    #[test]
    fn what_is_gone_from_the_log_is_had_from_the_snapshot() {
        let log = Cut { log: Epochs(vec![1, 1, 3, 3, 3]), start: 2, snapshots: [end(1, 2), end(3, 4)] };
        let ask = |offset, epoch| continuity(&log, Offset(offset), LeaderEpoch(epoch));
        assert_eq!(ask(0, 0), Continuity::NeedsSnapshot(end(3, 4)));
        assert_eq!(ask(1, 1), Continuity::NeedsSnapshot(end(3, 4)));
        assert_eq!(ask(2, 0), Continuity::NeedsSnapshot(end(3, 4)));
        assert_eq!(ask(2, 1), Continuity::Follows);
    }

    #[test]
    fn truncation_goes_to_the_last_common_record() {
        let log = Epochs(vec![1, 1, 2, 2]);
        assert_eq!(truncation(&log, end(1, 2)), Offset(2));
        assert_eq!(truncation(&log, end(2, 3)), Offset(3));
        assert_eq!(truncation(&log, end(0, 0)), Offset(0));
    }
}
