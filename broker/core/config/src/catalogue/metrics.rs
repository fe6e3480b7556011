//! Metrics of the broker, and of clients that are asked for theirs.

use super::DISTINCT;
use crate::key::{Key, int, list, long, string};

pub(super) const BROKER: &[Key] = &[
    int("kafka.metrics.polling.interval.secs", "10")
        .at_least(1)
        .low()
        .no_effect("metrics are scraped, not polled")
        .doc("How often reporters of the old metrics look."),
    list("kafka.metrics.reporters", "")
        .bounds(DISTINCT)
        .low()
        .no_effect("metrics are served to Prometheus, there is no Java here to load reporters in")
        .doc("Classes that report the old metrics."),
    list("metric.reporters", "org.apache.kafka.common.metrics.JmxReporter")
        .bounds(DISTINCT)
        .low()
        .cluster_wide()
        .no_effect("metrics are served to Prometheus, there is no Java here to load reporters in")
        .doc("Classes that report metrics."),
    int("metrics.num.samples", "2")
        .at_least(1)
        .low()
        .no_effect("metrics are counters, whose rates the reader computes")
        .doc("How many samples a metric keeps to compute a rate."),
    string("metrics.recording.level", "INFO")
        .low()
        .no_effect("all metrics are always kept")
        .doc("Which metrics are kept: INFO, DEBUG or TRACE."),
    long("metrics.sample.window.ms", "30000")
        .at_least(1)
        .low()
        .no_effect("metrics are counters, whose rates the reader computes")
        .doc("How long each of these samples is."),
    int("telemetry.max.bytes", "1048576")
        .at_least(1)
        .low()
        .not_yet("client metrics")
        .doc("The most bytes of metrics that a client may push at once."),
];

pub(super) const CLIENT_METRICS: &[Key] = &[
    int("interval.ms", "300000")
        .cluster_wide()
        .not_yet("client metrics")
        .doc("How often the clients of a subscription push their metrics."),
    list("match", "")
        .bounds(DISTINCT)
        .cluster_wide()
        .not_yet("client metrics")
        .doc("Which clients a subscription is for, as key=pattern entries."),
    list("metrics", "")
        .bounds(DISTINCT)
        .cluster_wide()
        .not_yet("client metrics")
        .doc("Prefixes of the metrics that a subscription asks for; an empty one asks for all."),
];
