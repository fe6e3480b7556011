//! Keys of metrics.

use super::DISTINCT;
use crate::key::{Key, int, list, long, string};

pub(super) const BROKER: &[Key] = &[
    int("kafka.metrics.polling.interval.secs", "10").at_least(1).low(),
    list("kafka.metrics.reporters", "").bounds(DISTINCT).low(),
    list("metric.reporters", "org.apache.kafka.common.metrics.JmxReporter").bounds(DISTINCT).low().cluster_wide(),
    int("metrics.num.samples", "2").at_least(1).low(),
    string("metrics.recording.level", "INFO").low(),
    long("metrics.sample.window.ms", "30000").at_least(1).low(),
    int("telemetry.max.bytes", "1048576").at_least(1).low(),
];

pub(super) const CLIENT_METRICS: &[Key] = &[
    int("interval.ms", "300000").cluster_wide(),
    list("match", "").bounds(DISTINCT).cluster_wide(),
    list("metrics", "").bounds(DISTINCT).cluster_wide(),
];
