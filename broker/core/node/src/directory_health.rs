//! Whether a log directory can still be written: shared by all partitions in it.
//!
//! Given what the disk refused, it remembers the first refusal that is for good. From then on no partition of the
//! directory takes a record, because a disk that lost one write must not be trusted with others; what is there can still
//! be read. A full disk is none of this: it refuses until there is room.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ottla_commit_log::{Act, FileError, FileFault};

/// The health of one log directory.
#[derive(Debug)]
pub(crate) struct DirectoryHealth {
    path: PathBuf,
    failure: OnceLock<String>,
}

impl DirectoryHealth {
    pub(crate) fn new(path: &Path) -> DirectoryHealth {
        DirectoryHealth { path: path.to_owned(), failure: OnceLock::new() }
    }

    /// Why the directory is written no longer, if so.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Hears what the disk refused.
    pub(crate) fn on_refusal(&self, error: &FileError) {
        if is_for_good(error) {
            let is_news = self.failure.set(error.to_string()).is_ok();
            if is_news {
                let directory = self.path.display();
                tracing::error!(%directory, "the log directory is offline, its partitions can only be read: {error}");
            }
        }
    }
}

/// A full disk and too many open files pass, and what cannot be read harms nothing that is written elsewhere; what a failed
/// sync has lost does not come back, whatever the reason.
fn is_for_good(error: &FileError) -> bool {
    match error.act {
        Act::Sync => true,
        Act::Create | Act::Write | Act::Truncate | Act::Rename | Act::Remove => {
            !matches!(error.fault, FileFault::Full | FileFault::Descriptors)
        }
        Act::Open | Act::Read | Act::Measure | Act::List | Act::Lock => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_passes_and_a_broken_one_does_not() {
        let health = DirectoryHealth::new(Path::new("/data"));
        let error = |act, fault| FileError { act, path: PathBuf::from("/data/a-0/0.log"), fault };
        health.on_refusal(&error(Act::Write, FileFault::Full));
        health.on_refusal(&error(Act::Read, FileFault::Io("broken".to_owned())));
        assert_eq!(health.failure(), None);
        health.on_refusal(&error(Act::Sync, FileFault::Full));
        let first = health.failure().unwrap().to_owned();
        health.on_refusal(&error(Act::Write, FileFault::NotFound));
        assert_eq!(health.failure(), Some(first.as_str()), "the first refusal is told");
    }
}
