//! What is counted of a topic's traffic. The shell makes metrics of it; nothing here decides by it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start, of one topic or of all.
#[derive(Debug, Default)]
pub struct TrafficCounts {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    records_in: AtomicU64,
    bytes_rejected: AtomicU64,
    produces: AtomicU64,
    failed_produces: AtomicU64,
    fetches: AtomicU64,
    failed_fetches: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of batches that were appended.
    pub bytes_in: u64,
    /// Bytes of batches that were answered to consumers.
    pub bytes_out: u64,
    /// Records that were appended.
    pub records_in: u64,
    /// Bytes of batches that were refused.
    pub bytes_rejected: u64,
    /// Produces of one partition.
    pub produces: u64,
    /// Those of them that failed.
    pub failed_produces: u64,
    /// Fetches of one partition.
    pub fetches: u64,
    /// Those of them that failed.
    pub failed_fetches: u64,
}

impl TrafficCounts {
    pub(crate) fn produced(&self, bytes: u64, records: u64) {
        self.produces.fetch_add(1, Ordering::Relaxed);
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
        self.records_in.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn produce_failed(&self, bytes: u64) {
        self.produces.fetch_add(1, Ordering::Relaxed);
        self.failed_produces.fetch_add(1, Ordering::Relaxed);
        self.bytes_rejected.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn fetched(&self, bytes: u64) {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn fetch_failed(&self) {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        self.failed_fetches.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes in the counts of a topic that goes, so that the sum over all topics never falls.
    pub(crate) fn absorb(&self, gone: Traffic) {
        let add = |count: &AtomicU64, more| count.fetch_add(more, Ordering::Relaxed);
        add(&self.bytes_in, gone.bytes_in);
        add(&self.bytes_out, gone.bytes_out);
        add(&self.records_in, gone.records_in);
        add(&self.bytes_rejected, gone.bytes_rejected);
        add(&self.produces, gone.produces);
        add(&self.failed_produces, gone.failed_produces);
        add(&self.fetches, gone.fetches);
        add(&self.failed_fetches, gone.failed_fetches);
    }

    /// The counts now.
    pub fn read(&self) -> Traffic {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Traffic {
            bytes_in: get(&self.bytes_in),
            bytes_out: get(&self.bytes_out),
            records_in: get(&self.records_in),
            bytes_rejected: get(&self.bytes_rejected),
            produces: get(&self.produces),
            failed_produces: get(&self.failed_produces),
            fetches: get(&self.fetches),
            failed_fetches: get(&self.failed_fetches),
        }
    }
}

impl core::ops::AddAssign for Traffic {
    fn add_assign(&mut self, other: Traffic) {
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.records_in += other.records_in;
        self.bytes_rejected += other.bytes_rejected;
        self.produces += other.produces;
        self.failed_produces += other.failed_produces;
        self.fetches += other.fetches;
        self.failed_fetches += other.failed_fetches;
    }
}
