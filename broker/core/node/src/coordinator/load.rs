//! Reading a partition of `__consumer_offsets` into a shard, from its start to its end.
//!
//! Offsets that were committed in a transaction count once the transaction's marker says so: we do not serve transactions
//! yet, but a directory that another broker wrote may have them.
//!
//! What cannot be read ends the reading: a coordinator that had passed over a generation or an offset would send members to
//! where they have been, or take offsets from those that it does not know. Only kinds of records that are not known at all
//! are left where they are, as Kafka does: a newer release may have been here.

use std::collections::BTreeMap;

use ottla_commit_log::{FileError, Files, ReadError, ReadLimits};
use ottla_groups::record::RecordError;
use ottla_groups::{Record, Shard};
use ottla_records::{BatchError, BatchView, ControlRecordType, Decompressor, batches};
use ottla_replicated::Machine;
use ottla_vocabulary::{Offset, ProducerId};

use super::gathering::To;
use crate::partition::Partition;

/// Coordinators write batches of at most max.message.bytes; what claims to unpack to more than this is not theirs.
const UNPACKED_BYTES_MAX: usize = 256 << 20;

/// Why a partition could not be read. Whatever the reason, its groups have no coordinator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// Its log was closed or removed.
    #[error("the partition is not here any more")]
    Gone,
    /// The log does not have what it should.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The disk refused.
    #[error(transparent)]
    Storage(#[from] FileError),
    /// A batch is not what was written.
    #[error("at offset {0}: {1}")]
    Batch(Offset, BatchError),
    /// A record is none that a coordinator writes.
    #[error("at offset {0}: {1}")]
    Record(Offset, RecordError),
    /// A record says nothing of what it is about.
    #[error("at offset {0}: a record without a key")]
    NoKey(Offset),
    /// The file ends where the log says that there is more.
    #[error("at offset {0}: there should be more")]
    Short(Offset),
}

/// What reading a partition came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loaded {
    /// Records that were replayed.
    pub(crate) records: u64,
    /// Records of kinds that are not known, and stay where they are.
    pub(crate) unknown: u64,
}

/// Replays the partition into the shard, `bytes_max` at a time; a batch that is larger is read whole.
pub(super) fn load<F: Files>(
    partition: &Partition<F>,
    shard: &mut Shard<To>,
    bytes_max: u32,
) -> Result<Loaded, LoadError> {
    let mut loading = Loading::default();
    let mut reached = None;
    loop {
        // The lock is held to find the bytes and not while they are read: producers of other groups go on.
        let (from, span) = {
            let mut state = partition.lock();
            let log = state.log.as_mut().ok_or(LoadError::Gone)?;
            let from = reached.unwrap_or(log.log_start());
            let limits = ReadLimits { upper_bound: log.log_end(), bytes_max, at_least_one: true };
            (from, log.read(from, limits)?)
        };
        let Some(span) = span else { return Ok(loading.loaded) };
        let bytes = span.read()?;
        for batch in batches(&bytes) {
            let at = reached.unwrap_or(from);
            let batch = batch.map_err(|error| LoadError::Batch(at, error))?;
            loading.replay(&batch, shard)?;
            reached = Some(batch.header().last_offset().next());
        }
        if reached.is_none_or(|reached| reached <= from) {
            return Err(LoadError::Short(from));
        }
    }
}

#[derive(Default)]
struct Loading {
    loaded: Loaded,
    decompressor: Decompressor,
    /// Records of transactions that have no marker yet.
    open: BTreeMap<ProducerId, Vec<(Offset, Record)>>,
}

impl Loading {
    fn replay(&mut self, batch: &BatchView<'_>, shard: &mut Shard<To>) -> Result<(), LoadError> {
        let header = batch.header();
        let broken = |error| LoadError::Batch(header.base_offset, error);
        batch.check_crc().map_err(broken)?;
        let mut read = Vec::new();
        let mut marker = None;
        for record in batch.records(&mut self.decompressor, UNPACKED_BYTES_MAX).map_err(broken)? {
            let record = record.map_err(broken)?;
            if header.attributes.is_control() {
                marker = ControlRecordType::of(&record);
                continue;
            }
            let key = record.key.ok_or(LoadError::NoKey(record.offset))?;
            match Record::from_bytes(key, record.value) {
                Ok(decoded) => read.push((record.offset, decoded)),
                Err(RecordError::UnknownKind(_)) => self.loaded.unknown += 1,
                Err(error) => return Err(LoadError::Record(record.offset, error)),
            }
        }
        if header.attributes.is_control() {
            let ended = self.open.remove(&header.producer_id).unwrap_or_default();
            if marker == Some(ControlRecordType::Commit) {
                self.apply(ended, shard);
            }
        } else if header.attributes.is_transactional() {
            self.open.entry(header.producer_id).or_default().extend(read);
        } else {
            self.apply(read, shard);
        }
        Ok(())
    }

    fn apply(&mut self, records: Vec<(Offset, Record)>, shard: &mut Shard<To>) {
        for (offset, record) in records {
            let Ok(()) = shard.replay(offset, &record);
            self.loaded.records += 1;
        }
    }
}
