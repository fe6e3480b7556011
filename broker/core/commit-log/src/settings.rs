//! What a topic's configuration says to its logs, as plain numbers: `node` takes them from `config`.

use std::time::Duration;

/// The settings of a log. The defaults are Kafka's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// `segment.bytes`: a segment that would become larger is rolled.
    pub segment_bytes: u32,
    /// `segment.ms`: a segment is rolled when its first batch is older than this, by the records' own timestamps.
    pub segment_ms: i64,
    /// What this log's share of `segment.jitter.ms` is: it is rolled that much earlier, so that not all are at once.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`: a segment whose index would become larger is rolled.
    pub index_bytes_max: u32,
    /// `index.interval.bytes`: after so many bytes a batch gets an index entry.
    pub index_interval_bytes: u32,
    /// Whether `cleanup.policy` contains `delete`: without it the next two have no effect.
    pub cleanup_deletes: bool,
    /// `retention.ms`: a segment is removed when its latest record is older; −1 for never.
    pub retention_ms: i64,
    /// `retention.bytes`: the oldest segments are removed while the log without them has as many bytes; −1 for never.
    pub retention_bytes: i64,
    /// `file.delete.delay.ms`: how long removed files keep their content for readers that are about to send them.
    pub file_delete_delay: Duration,
    /// `producer.id.expiration.ms`: a producer that was silent as long is forgotten.
    pub producer_expiration_ms: i64,
}

impl Default for LogSettings {
    fn default() -> LogSettings {
        LogSettings {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3_600_000,
            segment_jitter_ms: 0,
            index_bytes_max: 10 << 20,
            index_interval_bytes: 4096,
            cleanup_deletes: true,
            retention_ms: 7 * 24 * 3_600_000,
            retention_bytes: -1,
            file_delete_delay: Duration::from_secs(60),
            producer_expiration_ms: 24 * 3_600_000,
        }
    }
}
