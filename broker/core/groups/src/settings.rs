//! What a coordinator is configured with, out of the broker's configuration.

use ottla_vocabulary::Duration;

/// The settings of a [`crate::Shard`], each named after its configuration key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `group.min.session.timeout.ms`: a shorter session is refused.
    pub session_timeout_min: Duration,
    /// `group.max.session.timeout.ms`: a longer session is refused.
    pub session_timeout_max: Duration,
    /// `group.initial.rebalance.delay.ms`: how long the first members of an empty group wait for others.
    pub initial_rebalance_delay: Duration,
    /// `group.max.size`: members of one group.
    pub size_max: usize,
    /// `offset.metadata.max.bytes`: the text that may go with a committed offset.
    pub offset_metadata_bytes_max: usize,
    /// `offsets.commit.timeout.ms`: how long a reply waits for what it tells of to be committed.
    pub commit_timeout: Duration,
    /// `offsets.retention.minutes`: how long an offset outlives its group.
    pub offsets_retention: Duration,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_retention_check_interval: Duration,
}

impl Default for Settings {
    /// Kafka's defaults.
    fn default() -> Settings {
        Settings {
            session_timeout_min: Duration::from_secs(6),
            session_timeout_max: Duration::from_secs(30 * 60),
            initial_rebalance_delay: Duration::from_secs(3),
            size_max: usize::MAX,
            offset_metadata_bytes_max: 4096,
            commit_timeout: Duration::from_secs(5),
            offsets_retention: Duration::from_secs(7 * 24 * 60 * 60),
            offsets_retention_check_interval: Duration::from_secs(10 * 60),
        }
    }
}
