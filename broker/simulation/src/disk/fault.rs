//! What goes wrong on a simulated disk, and when.

use std::collections::BTreeMap;
use std::path::Path;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The power goes: the operation is done in part or not at all, and everything after it fails until a restart.
    PowerLoss,
    /// The operation fails with an error of the disk. A write may have been done in part; of a sync, what it should have
    /// made durable is lost, and no later sync says so.
    Io,
    /// The disk is full: a write is done in part.
    Full,
}

/// Which operation meets which fault, and how large the disk is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// By the number of the operation, from 0.
    pub(crate) planned: BTreeMap<u64, Fault>,
    /// No more bytes than these fit.
    pub(crate) capacity: Option<u64>,
    /// Reads fail.
    pub(crate) reads_fail: bool,
    /// What has a path that ends in this cannot be opened, and so neither be written nor synced.
    pub(crate) unopenable: Option<&'static str>,
    /// Syncs fail.
    pub(crate) syncs_fail: bool,
    /// Syncs do not do what they say.
    pub(crate) dishonest: Option<DishonestSyncs>,
}

impl Faults {
    pub(crate) fn is_unopenable(&self, path: &Path) -> bool {
        self.unopenable.is_some_and(|end| path.to_string_lossy().ends_with(end))
    }
}

/// A disk, or what stands between it and the log, that lies about syncs: to see that the checkers of a world notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DishonestSyncs {
    /// They do nothing and say that they did: those of paths that contain this.
    Skipped(&'static str),
    /// Those of folders do nothing: new names are not durable.
    OfFoldersSkipped,
    /// Those that fail are asked again, and then report success, as Linux does.
    FailuresHidden,
}
