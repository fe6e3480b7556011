//! What a partition knows of its idempotent and transactional producers: the last five batches of each, its epoch, the
//! start of its open transaction. Kafka's ProducerStateManager and ProducerAppendInfo.
//!
//! [`ProducerState::decide`] judges a batch before it is appended and changes nothing; [`ProducerState::replay`] takes a
//! batch that is in the log and refuses nothing, so that appending, following and recovering share it. Reading and
//! writing the `.snapshot` files is [`crate::producer_snapshot`].

use std::collections::BTreeMap;

use ottla_records::BatchHeader;
use ottla_vocabulary::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};

use crate::transaction_index::AbortedTransaction;

/// How many batches of a producer are remembered: as many as a client may have in flight (KIP-98).
pub const BATCHES_REMEMBERED: usize = 5;

/// Who appends, and so what is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A producer: epoch, sequence and transaction are checked, and a repeated batch is recognised.
    Client,
    /// A coordinator or the controller: its records have no sequences, so only epochs are checked.
    Coordinator,
}

/// A batch that a producer wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RememberedBatch {
    /// The sequence of its last record.
    pub last_sequence: Sequence,
    /// The offset of its last record.
    pub last_offset: Offset,
    /// The last offset less the first.
    pub offset_delta: i32,
    /// Its greatest timestamp.
    pub timestamp: Timestamp,
}

impl RememberedBatch {
    /// The offset of its first record.
    pub fn first_offset(&self) -> Offset {
        Offset(self.last_offset.0 - i64::from(self.offset_delta))
    }

    /// The sequence of its first record, with the turn from 2³¹−1 to 0.
    pub fn first_sequence(&self) -> Sequence {
        let first = i64::from(self.last_sequence.0) - i64::from(self.offset_delta);
        let turned = if first < 0 && self.last_sequence != Sequence::NONE { first + (1 << 31) } else { first };
        Sequence(turned as i32)
    }
}

/// One producer's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    /// The highest epoch seen.
    pub epoch: ProducerEpoch,
    /// The epoch of the transaction coordinator that wrote the last marker; −1 before one did.
    pub coordinator_epoch: i32,
    /// When it last wrote.
    pub last_timestamp: Timestamp,
    /// The first offset of its open transaction.
    pub transaction_start: Option<Offset>,
    /// Its last batches in this epoch, the oldest first; at most [`BATCHES_REMEMBERED`].
    batches: Vec<RememberedBatch>,
}

/// A marker that ends a transaction, as found in a control batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Whether it aborts; else it commits.
    pub aborts: bool,
    /// The epoch of the coordinator that wrote it.
    pub coordinator_epoch: i32,
}

/// What is to be done with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes into the log.
    Append,
    /// It is there already: the producer did not hear of it.
    Duplicate(RememberedBatch),
}

/// Why a batch may not go into the log. The texts are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerRefusal {
    /// OUT_OF_ORDER_SEQUENCE_NUMBER: a batch before it is missing.
    #[error(
        "Out of order sequence number for producer {}: {} (incoming seq. number), {} (current end sequence number)",
        producer.0, first_sequence.0, last_sequence.0
    )]
    OutOfOrderSequence {
        /// Whose batch.
        producer: ProducerId,
        /// Its first sequence.
        first_sequence: Sequence,
        /// The last sequence that is in the log.
        last_sequence: Sequence,
    },
    /// INVALID_PRODUCER_EPOCH: a later life of the producer has written.
    #[error("Epoch of producer {} is {}, which is smaller than the last seen epoch {}", producer.0, epoch.0, last.0)]
    InvalidProducerEpoch {
        /// Whose batch.
        producer: ProducerId,
        /// Its epoch.
        epoch: ProducerEpoch,
        /// The epoch that fences it.
        last: ProducerEpoch,
    },
    /// INVALID_TXN_STATE: a batch outside of the transaction that its producer has open.
    #[error("Expected transactional write from producer {}", producer.0)]
    InvalidTransactionState {
        /// Whose batch.
        producer: ProducerId,
    },
    /// TRANSACTION_COORDINATOR_FENCED: a marker by a coordinator that has been replaced.
    #[error("Invalid coordinator epoch for producer {}: {epoch} (zombie), {last} (current)", producer.0)]
    CoordinatorFenced {
        /// Whose transaction.
        producer: ProducerId,
        /// The epoch of the marker's writer.
        epoch: i32,
        /// The epoch that fences it.
        last: i32,
    },
}

/// All producers of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerState {
    /// Strangers choose the keys, so the map is an ordered one.
    producers: BTreeMap<ProducerId, ProducerEntry>,
    /// Open transactions by their first offset.
    open: BTreeMap<Offset, ProducerId>,
    /// Ended transactions whose markers are not below the high watermark yet: first offset to marker's offset.
    unreplicated: BTreeMap<Offset, Offset>,
    /// The offset after the last batch taken in.
    end: Offset,
}

impl ProducerEntry {
    /// The state of a producer that was not seen yet.
    fn unseen() -> ProducerEntry {
        ProducerEntry {
            epoch: ProducerEpoch::NONE,
            coordinator_epoch: -1,
            last_timestamp: Timestamp::NONE,
            transaction_start: None,
            batches: Vec::new(),
        }
    }

    /// The state that a snapshot holds: of the batches only the last.
    pub(crate) fn from_snapshot(
        epoch: ProducerEpoch,
        coordinator_epoch: i32,
        last_timestamp: Timestamp,
        transaction_start: Option<Offset>,
        last_batch: Option<RememberedBatch>,
    ) -> ProducerEntry {
        let batches = last_batch.into_iter().collect();
        ProducerEntry { epoch, coordinator_epoch, last_timestamp, transaction_start, batches }
    }

    /// Its last batch in this epoch.
    pub fn last_batch(&self) -> Option<&RememberedBatch> {
        self.batches.last()
    }

    /// The sequence of its last record in this epoch.
    pub fn last_sequence(&self) -> Sequence {
        self.last_batch().map_or(Sequence::NONE, |batch| batch.last_sequence)
    }

    fn remember(&mut self, batch: RememberedBatch) {
        if self.batches.len() == BATCHES_REMEMBERED {
            self.batches.remove(0);
        }
        self.batches.reserve_exact(1);
        self.batches.push(batch);
    }

    fn enter_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.batches.clear();
        }
    }

    fn duplicate_of(&self, header: &BatchHeader) -> Option<RememberedBatch> {
        let same = |batch: &&RememberedBatch| {
            batch.first_sequence() == header.base_sequence && batch.last_sequence == header.last_sequence()
        };
        if header.producer_epoch == self.epoch { self.batches.iter().find(same).copied() } else { None }
    }
}

impl ProducerState {
    /// A partition without producers whose first batch comes at this offset.
    pub fn starting_at(end: Offset) -> ProducerState {
        ProducerState { end, ..ProducerState::default() }
    }

    /// A partition's producers as a snapshot of the log up to `end` has them.
    pub fn from_entries(end: Offset, entries: impl IntoIterator<Item = (ProducerId, ProducerEntry)>) -> ProducerState {
        let mut state = ProducerState::starting_at(end);
        for (producer, entry) in entries {
            if let Some(start) = entry.transaction_start {
                state.open.insert(start, producer);
            }
            state.producers.insert(producer, entry);
        }
        state
    }

    /// The offset after the last batch taken in.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// The producers, by id: DescribeProducers shows them.
    pub fn producers(&self) -> impl ExactSizeIterator<Item = (ProducerId, &ProducerEntry)> {
        self.producers.iter().map(|(producer, entry)| (*producer, entry))
    }

    /// What is to be done with a batch that is about to be appended. `marker` is given of a control batch.
    ///
    /// # Errors
    /// When its producer may not write it.
    pub fn decide(
        &self,
        header: &BatchHeader,
        marker: Option<Marker>,
        origin: Origin,
    ) -> Result<Verdict, ProducerRefusal> {
        if !header.has_producer_id() {
            return Ok(Verdict::Append);
        }
        let unseen = ProducerEntry::unseen();
        let entry = self.producers.get(&header.producer_id).unwrap_or(&unseen);
        if origin == Origin::Client
            && let Some(duplicate) = entry.duplicate_of(header)
        {
            return Ok(Verdict::Duplicate(duplicate));
        }
        check_epoch(header, entry)?;
        if let Some(marker) = marker {
            check_coordinator_epoch(header, marker, entry)?;
        } else if !header.attributes.is_control() {
            if origin == Origin::Client {
                check_sequence(header, entry)?;
            }
            if entry.transaction_start.is_some() && !header.attributes.is_transactional() {
                return Err(ProducerRefusal::InvalidTransactionState { producer: header.producer_id });
            }
        }
        Ok(Verdict::Append)
    }

    /// Takes in a batch that is in the log. `marker` is given of a control batch, unless compaction emptied it. Answers
    /// the transaction that the batch aborted.
    pub fn replay(&mut self, header: &BatchHeader, marker: Option<Marker>) -> Option<AbortedTransaction> {
        self.end = header.next_offset();
        if !header.has_producer_id() {
            return None;
        }
        if header.attributes.is_control() {
            return marker.and_then(|marker| self.replay_marker(header, marker));
        }
        let entry = self.producers.entry(header.producer_id).or_insert_with(ProducerEntry::unseen);
        entry.enter_epoch(header.producer_epoch);
        entry.remember(RememberedBatch {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
        entry.last_timestamp = header.max_timestamp;
        if header.attributes.is_transactional() && entry.transaction_start.is_none() {
            entry.transaction_start = Some(header.base_offset);
            self.open.insert(header.base_offset, header.producer_id);
        }
        None
    }

    fn replay_marker(&mut self, header: &BatchHeader, marker: Marker) -> Option<AbortedTransaction> {
        let entry = self.producers.entry(header.producer_id).or_insert_with(ProducerEntry::unseen);
        entry.enter_epoch(header.producer_epoch);
        entry.coordinator_epoch = marker.coordinator_epoch;
        entry.last_timestamp = header.max_timestamp;
        // A marker of a transaction without records here changes nothing that a reader could see.
        let start = entry.transaction_start.take()?;
        let last_offset = header.base_offset;
        self.open.remove(&start);
        let last_stable_offset = self.open.keys().next().copied().unwrap_or(last_offset.next());
        self.unreplicated.insert(start, last_offset);
        let producer = header.producer_id;
        marker.aborts.then_some(AbortedTransaction { producer, first_offset: start, last_offset, last_stable_offset })
    }

    /// Says that the log goes on at this offset though the last batch ended before it.
    pub fn skip_to(&mut self, end: Offset) {
        self.end = self.end.max(end);
    }

    /// The first offset whose fate is open: of a transaction that goes on, or whose marker is not replicated yet.
    pub fn first_unstable(&self) -> Option<Offset> {
        let open = self.open.keys().next().copied();
        let unreplicated = self.unreplicated.keys().next().copied();
        open.into_iter().chain(unreplicated).min()
    }

    /// Hears that what is below this offset is replicated.
    pub fn on_high_watermark(&mut self, high_watermark: Offset) {
        if !self.unreplicated.is_empty() {
            self.unreplicated.retain(|_, marker| *marker >= high_watermark);
        }
    }

    /// Forgets producers that have not written for long and have no transaction open, and tells how many.
    pub fn expire(&mut self, now: Timestamp, expiration_ms: i64) -> usize {
        let before = self.producers.len();
        self.producers.retain(|_, entry| {
            entry.transaction_start.is_some() || now.0.saturating_sub(entry.last_timestamp.0) < expiration_ms
        });
        before - self.producers.len()
    }
}

fn check_epoch(header: &BatchHeader, entry: &ProducerEntry) -> Result<(), ProducerRefusal> {
    let (producer, epoch, last) = (header.producer_id, header.producer_epoch, entry.epoch);
    if epoch < last { Err(ProducerRefusal::InvalidProducerEpoch { producer, epoch, last }) } else { Ok(()) }
}

fn check_coordinator_epoch(header: &BatchHeader, marker: Marker, entry: &ProducerEntry) -> Result<(), ProducerRefusal> {
    let (producer, epoch, last) = (header.producer_id, marker.coordinator_epoch, entry.coordinator_epoch);
    if epoch < last { Err(ProducerRefusal::CoordinatorFenced { producer, epoch, last }) } else { Ok(()) }
}

fn check_sequence(header: &BatchHeader, entry: &ProducerEntry) -> Result<(), ProducerRefusal> {
    // Of a producer that is not known, perhaps because its records are gone, any sequence is taken (KIP-360).
    if entry.epoch == ProducerEpoch::NONE {
        return Ok(());
    }
    let first_sequence = header.base_sequence;
    let last_sequence = entry.last_sequence();
    let in_order = if header.producer_epoch == entry.epoch {
        // "No sequence" is −1, so the first of a producer without remembered batches is 0.
        first_sequence == last_sequence.plus(1)
    } else {
        first_sequence == Sequence(0)
    };
    if in_order {
        return Ok(());
    }
    Err(ProducerRefusal::OutOfOrderSequence { producer: header.producer_id, first_sequence, last_sequence })
}

#[cfg(test)]
#[path = "producer_state/tests.rs"]
mod tests;
