//! Appending what was decided, syncing it, and letting replies wait for that.
//!
//! A decision's records are one batch, replayed as soon as they are in the log. What does not fit, or finds no room on the
//! disk, is refused: the reply says so, and nothing has changed. Any other failure ends this node's leadership.

use ottla_commit_log::{FileError, FileFault, Files, FlushOutcome, FlushWork};
use ottla_config::BrokerConfig;
use ottla_metadata::decide::{RECORDS_MAX, Record};
use ottla_metadata::log::{BATCH_BYTES_MAX, encode_batch};
use ottla_quorum::Event;
use ottla_vocabulary::{Duration, Instant, Now, Offset};
use ottla_wire::ErrorCode;

use super::{Controller, Settled, Waiter};
use crate::boot::BootError;

/// How long after a flush that found too many files open the next attempt is made.
const FLUSH_BACKOFF: Duration = Duration::from_millis(100);

impl<F: Files> Controller<F> {
    /// Appends the records of one decision as one batch and replays them; a decision that makes too many is refused.
    pub(super) fn append(&mut self, records: &[Record], now: Now) {
        self.refusal = None;
        if records.is_empty() || self.failure.is_some() {
            return;
        }
        if RECORDS_MAX < records.len() {
            self.refusal = Some(ErrorCode::PolicyViolation);
            return;
        }
        match self.encode(records, now) {
            Some(batch) => self.append_batch(&batch, records, now),
            None => self.refusal = Some(ErrorCode::PolicyViolation),
        }
    }

    /// Appends records each of which holds by itself, in as many batches as they need: what must happen to a broker with
    /// very many partitions is refused to nobody.
    pub(super) fn append_in_parts(&mut self, records: &[Record], now: Now) {
        self.refusal = None;
        if records.is_empty() || self.failure.is_some() {
            return;
        }
        match self.encode(records, now) {
            Some(batch) => self.append_batch(&batch, records, now),
            None if records.len() == 1 => self.refusal = Some(ErrorCode::PolicyViolation),
            None => {
                let (first, rest) = records.split_at(records.len() / 2);
                self.append_in_parts(first, now);
                if self.refusal.is_none() {
                    self.append_in_parts(rest, now);
                }
            }
        }
    }

    /// The batch of these records; `None` when the log takes none so large.
    fn encode(&self, records: &[Record], now: Now) -> Option<Vec<u8>> {
        let finalized = self.state.image().features.metadata_version();
        let batch = encode_batch(records, finalized, self.log.end_offset(), self.quorum.epoch(), now.wall).ok()?;
        let bytes_max = self.log.batch_bytes_max().min(BATCH_BYTES_MAX);
        (batch.len() <= bytes_max).then_some(batch)
    }

    fn append_batch(&mut self, batch: &[u8], records: &[Record], now: Now) {
        let epoch = self.quorum.epoch();
        let base = self.log.end_offset();
        match self.log.append(batch, epoch, now) {
            Ok(()) => {}
            Err(BootError::File(error)) if passes(&error) => {
                tracing::error!("the metadata log takes no records now: {error}");
                self.refusal = Some(ErrorCode::KafkaStorageError);
                return;
            }
            Err(error) => return self.fail(&error.to_string()),
        }
        for (offset, record) in (base.0..).zip(records) {
            use ottla_replicated::Machine;
            if let Err(error) = self.state.replay(Offset(offset), record) {
                // A decision made a record that replay refuses: the state is of no more use.
                self.fail(&error.to_string());
                return;
            }
        }
        self.state.advance(self.log.end_offset(), epoch);
        self.unflushed = true;
    }

    /// Lets a reply wait for everything that it saw.
    pub(super) fn answer(&mut self, waiter: Waiter, timeout: Duration, now: Now) {
        if let Some(code) = self.refusal.take() {
            self.settled.push_back(Settled { waiter, failure: Some(code) });
            return;
        }
        if self.failure.is_some() {
            self.settled.push_back(Settled { waiter, failure: Some(ErrorCode::NotController) });
            return;
        }
        let until = self.log.end_offset();
        match self.waiting.park(until, now.instant + timeout, ErrorCode::RequestTimedOut, waiter) {
            Ok(Some(waiter)) => self.settled.push_back(Settled { waiter, failure: None }),
            Ok(None) => {}
            Err(full) => {
                self.settled.push_back(Settled { waiter: full.0, failure: Some(ErrorCode::ThrottlingQuotaExceeded) });
            }
        }
    }

    /// Whether a flush is to be begun.
    pub(crate) fn wants_flush(&self) -> bool {
        self.unflushed && !self.flushing && self.flushing_rests_until.is_none()
    }

    /// Takes up everything appended so far: to be run outside of the lock.
    pub(crate) fn begin_flush(&mut self, now: Instant) -> Option<FlushWork<F>> {
        if !self.wants_flush() {
            return None;
        }
        self.unflushed = false;
        match self.log.begin_flush() {
            Ok(Some(work)) => {
                self.flushing = true;
                Some(work)
            }
            Ok(None) => None,
            Err(error) => {
                self.not_flushed(&error, now);
                None
            }
        }
    }

    /// Hears how that went: what is synced is committed by one voter's vote.
    pub(crate) fn finish_flush(&mut self, config: &BrokerConfig, outcome: FlushOutcome, now: Now) {
        self.flushing = false;
        if let Err(error) = self.log.finish_flush(outcome) {
            return self.not_flushed(&error, now.instant);
        }
        self.step(config, Event::Synced { end: self.log.synced_end() }, now);
    }

    /// A lack of room or of descriptors passes, unless the log itself had failed by it: then nothing is lost, and the next
    /// flush has it all to do.
    fn not_flushed(&mut self, error: &FileError, now: Instant) {
        if !passes(error) || self.log.has_failed() {
            return self.fail(&error.to_string());
        }
        tracing::error!("the metadata log is synced later: {error}");
        self.unflushed = true;
        self.flushing_rests_until = Some(now + FLUSH_BACKOFF);
    }
}

/// Whether what the disk refused now it may take later.
fn passes(error: &FileError) -> bool {
    matches!(error.fault, FileFault::Full | FileFault::Descriptors)
}
