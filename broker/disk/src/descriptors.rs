//! The budget of open files: handles open their file when it is used, and when the budget is spent the one that has not
//! been used for the longest is closed.
//!
//! "Longest" by the clock algorithm: a hand goes round the open handles, passes over those that were used since it last
//! came by, and closes the first that was not. Using a file then costs one flag and no common lock.
//!
//! A file that was written and not synced may be closed too. Linux keeps an error of writing it back with the file, not
//! with the descriptor, and tells it to the first who syncs afterwards, so that no failure is lost by closing.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::fault::is_out_of_descriptors;
use crate::handle::Slot;

/// Of all descriptors that the process may have, a log's files get half: the others are for connections.
const SHARE: u64 = 2;

/// What a process gets where the limit is endless: more does not make it faster, and each costs kernel memory.
const BUDGET_MAX: u64 = 1 << 20;

/// So many handles that are gone may be remembered besides as many as are open: each takes memory, and forgetting them costs
/// a look at all. Where the budget is never spent nobody else does it.
const GONE_MAX: usize = 64;

/// All open files of a disk.
#[derive(Debug)]
pub(crate) struct Descriptors {
    budget: usize,
    open: AtomicUsize,
    clock: Mutex<VecDeque<Weak<Slot>>>,
}

impl Descriptors {
    pub(crate) fn new(budget: usize) -> Descriptors {
        Descriptors { budget: budget.max(1), open: AtomicUsize::new(0), clock: Mutex::new(VecDeque::new()) }
    }

    /// How many files are open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Makes room for one more, before it is opened.
    pub(crate) fn make_room(&self) {
        while self.open() >= self.budget {
            if !self.close_one() {
                return; // all are in use this moment: better one too many than a failed request
            }
        }
    }

    /// Opens something. When the process has fewer descriptors left than the budget supposed, half of the files are closed
    /// and it is tried once more.
    pub(crate) fn open_with_room<T>(&self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match open() {
            Err(error) if is_out_of_descriptors(&error) => {
                self.close_half();
                open()
            }
            opened => opened,
        }
    }

    fn close_half(&self) {
        for _ in 0..self.open().div_ceil(2) {
            if !self.close_one() {
                return;
            }
        }
    }

    /// Takes in a handle whose file was opened just now.
    pub(crate) fn opened(&self, slot: &Arc<Slot>) {
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        let mut clock = self.clock.lock();
        if GONE_MAX + 2 * open < clock.len() {
            clock.retain(|weak| 0 < weak.strong_count());
        }
        clock.push_back(Arc::downgrade(slot));
    }

    /// Hears that a handle closed its file by itself.
    pub(crate) fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    fn close_one(&self) -> bool {
        // Each handle is passed over once at most, and those that are gone are forgotten.
        let mut clock = self.clock.lock();
        for _ in 0..clock.len() * 2 {
            let Some(weak) = clock.pop_front() else { return false };
            let Some(slot) = weak.upgrade() else { continue };
            match slot.close_if_unused() {
                Closing::Closed(file) => {
                    drop(clock);
                    self.closed();
                    drop(file); // may take long on a slow disk, so without the lock
                    return true;
                }
                Closing::WasUsed => clock.push_back(weak),
                Closing::WasClosed => {}
            }
        }
        false
    }
}

/// What became of an attempt to close a handle's file.
pub(crate) enum Closing {
    Closed(Arc<File>),
    WasUsed,
    WasClosed,
}

/// Raises the process's limit on open files to what the system allows it, and answers the limit. Kafka's scripts do so
/// with `ulimit`; a container often starts with 1,024 of a million allowed.
pub fn raise_descriptor_limit() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    limit.current = limit.maximum;
    let now = if setrlimit(Resource::Nofile, limit).is_ok() { limit.maximum } else { before };
    now.unwrap_or(BUDGET_MAX * SHARE)
}

/// The budget for log files that fits a process with this limit on open files.
pub fn budget_of_process(limit: u64) -> usize {
    usize::try_from((limit / SHARE).clamp(1, BUDGET_MAX)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::handle::Handle;

    #[test]
    fn handles_that_are_gone_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let descriptors = Arc::new(Descriptors::new(1000));
        let create = |name: &str| Handle::create(&folder.path().join(Path::new(name)), &descriptors).unwrap();
        let _open = ["a", "b", "c"].map(create);
        for _ in 0..10_000 {
            drop(create("d"));
        }
        assert_eq!(descriptors.open(), 3);
        let remembered = descriptors.clock.lock().len();
        assert!(remembered <= GONE_MAX + 2 * 4 + 1, "{remembered} are remembered");
    }
}
