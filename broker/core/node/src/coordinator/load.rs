//! Reading a partition of `__consumer_offsets` into a shard, from its start to its end.
//!
//! Offsets that were committed in a transaction count once the transaction's marker says so: we do not serve transactions
//! yet, but a directory that another broker wrote may have them.

use std::collections::BTreeMap;

use ottla_commit_log::{Files, ReadError, ReadLimits};
use ottla_groups::{Record, Shard};
use ottla_records::{BatchView, ControlRecordType, Decompressor, batches};
use ottla_replicated::Machine;
use ottla_vocabulary::{Offset, ProducerId};

use super::gathering::To;
use crate::partition::Partition;

/// Coordinators write batches of at most max.message.bytes; what claims to unpack to more than this is not theirs.
const UNPACKED_BYTES_MAX: usize = 256 << 20;

/// What reading a partition came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loaded {
    /// Records that were replayed.
    pub(crate) records: u64,
    /// Records and batches that could not be read, and stay where they are: where the first of them is, and what is wrong.
    pub(crate) unreadable: Option<(Offset, String)>,
}

/// Replays the partition into the shard, `bytes_max` at a time; a batch that is larger is read whole.
pub(super) fn load<F: Files>(
    partition: &Partition<F>,
    shard: &mut Shard<To>,
    bytes_max: u32,
) -> Result<Loaded, ReadError> {
    let mut loading = Loading::default();
    let mut offset = None;
    loop {
        // The lock is held to find the bytes and not while they are read: producers of other groups go on.
        let span = {
            let mut state = partition.lock();
            let Some(log) = &mut state.log else { return Ok(loading.loaded) };
            let from = offset.unwrap_or(log.log_start());
            let limits = ReadLimits { upper_bound: log.log_end(), bytes_max, at_least_one: true };
            log.read(from, limits)?
        };
        let Some(span) = span else { return Ok(loading.loaded) };
        let bytes = span.read()?;
        let before = offset;
        for batch in batches(&bytes) {
            match batch {
                Ok(batch) => {
                    offset = Some(batch.header().last_offset().next());
                    loading.replay(&batch, shard);
                }
                Err(error) => {
                    loading.note(offset.unwrap_or_default(), error.to_string());
                    break;
                }
            }
        }
        if offset == before {
            return Ok(loading.loaded); // nothing whole could be read: what is wrong was noted
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
    fn replay(&mut self, batch: &BatchView<'_>, shard: &mut Shard<To>) {
        let header = batch.header();
        let mut read = Vec::new();
        let mut marker = None;
        let mut unreadable = None;
        match batch.records(&mut self.decompressor, UNPACKED_BYTES_MAX) {
            Ok(records) => {
                for record in records {
                    let found = record.map_err(|error| error.to_string()).and_then(|record| {
                        if header.attributes.is_control() {
                            marker = ControlRecordType::of(&record);
                            return Ok(None);
                        }
                        let key = record.key.ok_or("a record without a key")?;
                        let decoded = Record::from_bytes(key, record.value).map_err(|error| error.to_string())?;
                        Ok(Some((record.offset, decoded)))
                    });
                    match found {
                        Ok(found) => read.extend(found),
                        Err(error) => unreadable = unreadable.or(Some(error)),
                    }
                }
            }
            Err(error) => unreadable = Some(error.to_string()),
        }
        if let Some(error) = unreadable {
            self.note(header.base_offset, error);
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
    }

    fn apply(&mut self, records: Vec<(Offset, Record)>, shard: &mut Shard<To>) {
        for (offset, record) in records {
            let Ok(()) = shard.replay(offset, &record);
            self.loaded.records += 1;
        }
    }

    fn note(&mut self, offset: Offset, error: String) {
        self.loaded.unreadable.get_or_insert((offset, error));
    }
}
