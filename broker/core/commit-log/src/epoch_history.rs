//! Which leader epoch began at which offset (`leader-epoch-checkpoint`): what followers, and consumers that were
//! elsewhere, find the end of their common past by (KIP-101, KIP-279, KIP-320).
//!
//! In memory here, in Kafka's order of entries; the log writes it to its file before the first record of an epoch.

use std::path::Path;

use ottla_vocabulary::{LeaderEpoch, Offset};

use crate::checkpoint::{self, CheckpointError};
use crate::files::{Durability, FileError, Files, read_whole, replace_whole};

/// A million epochs; a longer file is not one of ours.
const BYTES_MAX: u64 = 32 << 20;

/// A leader epoch and the offset of its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// Where it began.
    pub start: Offset,
}

/// The epochs of a partition, rising in both epoch and start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochHistory {
    entries: Vec<EpochStart>,
}

impl EpochHistory {
    /// Reads the file; without one there are no epochs.
    ///
    /// # Errors
    /// When the file cannot be read, or is not such a file.
    pub fn read<F: Files>(files: &F, path: &Path) -> Result<EpochHistory, CheckpointError> {
        let Some(text) = read_whole(files, path, BYTES_MAX)? else { return Ok(EpochHistory::default()) };
        let entries = checkpoint::parse(path, &text, |line| {
            let mut words = line.split_whitespace();
            let epoch = words.next()?.parse().ok().filter(|epoch| *epoch >= 0)?;
            let start = words.next()?.parse().ok().filter(|start| *start >= 0)?;
            words.next().is_none().then_some(EpochStart { epoch: LeaderEpoch(epoch), start: Offset(start) })
        })?;
        let mut history = EpochHistory::default();
        for entry in entries {
            history.assign(entry.epoch, entry.start);
        }
        Ok(history)
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// When the disk refuses; then the old file stands.
    pub fn write<F: Files>(&self, files: &F, path: &Path, durability: Durability) -> Result<(), FileError> {
        let lines = self.entries.iter().map(|entry| format!("{} {}", entry.epoch, entry.start));
        replace_whole(files, path, checkpoint::render(lines).as_bytes(), durability)
    }

    /// All epochs, the oldest first.
    pub fn entries(&self) -> &[EpochStart] {
        &self.entries
    }

    /// The last epoch that began.
    pub fn latest(&self) -> Option<EpochStart> {
        self.entries.last().copied()
    }

    /// Notes that an epoch began at an offset, and tells whether that is news. Entries that contradict it go: they are of
    /// records that were never there or are no longer.
    pub fn assign(&mut self, epoch: LeaderEpoch, start: Offset) -> bool {
        let is_news = self.latest().is_none_or(|latest| latest.epoch != epoch || start < latest.start);
        if is_news {
            let contradicts = |entry: &EpochStart| entry.epoch >= epoch || entry.start >= start;
            let keep = self.entries.iter().rposition(|entry| !contradicts(entry)).map_or(0, |last| last + 1);
            self.entries.truncate(keep);
            self.entries.push(EpochStart { epoch, start });
        }
        is_news
    }

    /// Which epoch a record at this offset is of.
    pub fn epoch_of(&self, offset: Offset) -> Option<LeaderEpoch> {
        let above = self.entries.partition_point(|entry| entry.start <= offset);
        above.checked_sub(1).map(|place| self.entries[place].epoch)
    }

    /// Where the records of an epoch end, and of which epoch these really are: the asked one or, when it left no records,
    /// the nearest before it. `None` for an epoch that this log cannot know. Kafka's answers for every case.
    pub fn end_of(&self, epoch: LeaderEpoch, log_end: Offset) -> Option<(LeaderEpoch, Offset)> {
        if epoch < LeaderEpoch(0) {
            return None;
        }
        if self.latest().is_some_and(|latest| latest.epoch == epoch) {
            return Some((epoch, log_end));
        }
        let above = self.entries.partition_point(|entry| entry.epoch <= epoch);
        let next = self.entries.get(above)?;
        // Of an epoch older than all that are left, the records ended at the latest where the oldest of them began.
        let known = above.checked_sub(1).map_or(epoch, |place| self.entries[place].epoch);
        Some((known, next.start))
    }

    /// Forgets the epochs that began at or after this offset, and tells whether there were any.
    pub fn truncate_from_end(&mut self, end: Offset) -> bool {
        let keep = self.entries.partition_point(|entry| entry.start < end);
        let changed = keep < self.entries.len();
        self.entries.truncate(keep);
        changed
    }

    /// Forgets the epochs that ended before this offset: the one that it is in begins there now. Tells whether anything
    /// changed.
    pub fn truncate_from_start(&mut self, start: Offset) -> bool {
        let above = self.entries.partition_point(|entry| entry.start <= start);
        let Some(place) = above.checked_sub(1) else { return false };
        let changed = place > 0 || self.entries[place].start != start;
        self.entries[place].start = start;
        self.entries.drain(..place);
        changed
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.entries = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(entries: &[(i32, i64)]) -> EpochHistory {
        let mut history = EpochHistory::default();
        for (epoch, start) in entries {
            history.assign(LeaderEpoch(*epoch), Offset(*start));
        }
        history
    }

    fn shown(history: &EpochHistory) -> Vec<(i32, i64)> {
        history.entries().iter().map(|entry| (entry.epoch.0, entry.start.0)).collect()
    }

    #[test]
    fn a_new_epoch_drops_what_contradicts_it() {
        assert_eq!(shown(&history(&[(0, 0), (2, 10), (2, 20)])), [(0, 0), (2, 10)], "it began once");
        assert_eq!(shown(&history(&[(0, 0), (2, 10), (3, 10)])), [(0, 0), (3, 10)], "epoch 2 left no record");
        assert_eq!(shown(&history(&[(0, 0), (2, 10), (4, 20), (1, 5)])), [(0, 0), (1, 5)]);
        assert_eq!(shown(&history(&[(3, 7), (3, 4)])), [(3, 4)]);
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let history = history(&[(2, 10), (4, 20), (7, 30)]);
        let end = |epoch| history.end_of(LeaderEpoch(epoch), Offset(42)).map(|(epoch, end)| (epoch.0, end.0));
        assert_eq!(end(-1), None);
        assert_eq!(end(1), Some((1, 10)), "older than all that is left");
        assert_eq!(end(2), Some((2, 20)));
        assert_eq!(end(3), Some((2, 20)), "it left no record");
        assert_eq!(end(6), Some((4, 30)));
        assert_eq!(end(7), Some((7, 42)), "it goes on");
        assert_eq!(end(8), None, "not known here");
        assert_eq!(EpochHistory::default().end_of(LeaderEpoch(0), Offset(0)), None);
    }

    #[test]
    fn both_ends_can_be_cut() {
        let mut cut = history(&[(2, 10), (4, 20), (7, 30)]);
        assert!(cut.truncate_from_end(Offset(30)));
        assert!(!cut.truncate_from_end(Offset(30)));
        assert_eq!(shown(&cut), [(2, 10), (4, 20)]);
        assert!(cut.truncate_from_start(Offset(25)));
        assert!(!cut.truncate_from_start(Offset(25)));
        assert_eq!(shown(&cut), [(4, 25)]);
        assert_eq!(cut.epoch_of(Offset(24)), None);
        assert_eq!(cut.epoch_of(Offset(99)), Some(LeaderEpoch(4)));
    }
}
