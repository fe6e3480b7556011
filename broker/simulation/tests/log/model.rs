//! What must be in the log, remembered in the simplest way.

use ottla_records::BatchHeader;
use ottla_vocabulary::Offset;

/// A batch as it lies in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelBatch {
    pub(crate) header: BatchHeader,
    pub(crate) bytes: Vec<u8>,
}

/// What a log must contain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Model {
    /// The batches as they were last seen to be.
    pub(crate) batches: Vec<ModelBatch>,
    /// What they were before truncations that may not have reached the disk, and would be with what an append was to add
    /// that was answered by an error.
    pub(crate) alternatives: Vec<Vec<ModelBatch>>,
    /// Whether a sync failed: what was not flushed before may be gone.
    pub(crate) sync_failed: bool,
    /// Where the log began at last.
    pub(crate) log_start: Offset,
    /// Where it must begin at least.
    pub(crate) durable_start: Offset,
    /// Up to where it must go.
    pub(crate) flushed: Offset,
}

impl Model {
    pub(crate) fn log_end(&self) -> Offset {
        self.batches.last().map_or(self.log_start, |batch| batch.header.next_offset())
    }

    /// What lies between the last batch and the log's end, where something was cut off, need not survive.
    fn batches_end(&self) -> Offset {
        self.batches.last().map_or(Offset::ZERO, |batch| batch.header.next_offset())
    }

    pub(crate) fn appended(&mut self, batch: ModelBatch) {
        self.batches.push(batch);
    }

    /// An append was answered by an error: the batches may be there after a restart.
    pub(crate) fn append_failed(&mut self, batches: Vec<ModelBatch>) {
        self.alternatives.push(self.batches.iter().cloned().chain(batches).collect());
    }

    /// A truncation begins that leaves the batches before this offset.
    pub(crate) fn truncating(&mut self, offset: Offset) {
        self.alternatives.push(self.batches.clone());
        self.batches.retain(|batch| batch.header.next_offset() <= offset);
        self.flushed = self.flushed.min(self.batches_end());
    }

    pub(crate) fn flushed_up_to(&mut self, offset: Offset) {
        self.flushed = self.flushed.max(offset.min(self.batches_end()));
    }

    /// The whole log as it is now is on disk.
    pub(crate) fn everything_is_flushed(&mut self) {
        self.flushed = self.batches_end();
    }

    /// All sequences of batches that a restart may find a beginning of.
    pub(crate) fn histories(&self) -> Vec<Vec<ModelBatch>> {
        let mut all = vec![self.batches.clone()];
        all.extend(self.alternatives.iter().rev().cloned());
        all
    }
}
