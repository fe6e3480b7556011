//! Figures about the operator, under the names that Strimzi's dashboards and alerts ask for.
//!
//! Given what happened, it counts; asked for its text, it counts the resources that are there as well.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ottla_crds::Kind;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds: a settled cluster takes a tenth, one that is being made some, and a stuck one the timeout.
const BUCKETS: [f64; 8] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0];

/// The labels of all figures.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    kind: &'static str,
    namespace: String,
}

/// A resource that is there: its namespace, and whether it is paused.
pub(crate) type Present = (String, bool);
type Census = Box<dyn Fn() -> Vec<Present> + Send>;

/// The figures.
pub(crate) struct Metrics {
    registry: Registry,
    total: Family<Labels, Counter>,
    successful: Family<Labels, Counter>,
    failed: Family<Labels, Counter>,
    restarts: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram>,
    resources: Family<Labels, Gauge>,
    paused: Family<Labels, Gauge>,
    censuses: Mutex<Vec<(Kind, Census)>>,
}

impl Metrics {
    /// All figures at zero.
    pub(crate) fn new() -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::default(),
            total: Family::default(),
            successful: Family::default(),
            failed: Family::default(),
            restarts: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            resources: Family::default(),
            paused: Family::default(),
            censuses: Mutex::default(),
        };
        let registry = metrics.registry.sub_registry_with_prefix("strimzi");
        registry.register("reconciliations", "Reconciliations done, well or not", metrics.total.clone());
        registry.register("reconciliations_successful", "Reconciliations that ended well", metrics.successful.clone());
        registry.register("reconciliations_failed", "Reconciliations that ended in an error", metrics.failed.clone());
        let what = "How long reconciliations take";
        registry.register_with_unit("reconciliations_duration", what, Unit::Seconds, metrics.seconds.clone());
        registry.register("resources", "Custom resources that are there", metrics.resources.clone());
        registry.register("resources_paused", "Custom resources that are paused", metrics.paused.clone());
        let ours = metrics.registry.sub_registry_with_prefix("ottla");
        ours.register("pod_restarts", "Pods that the operator has restarted", metrics.restarts.clone());
        metrics
    }

    /// Counts a reconciliation.
    pub(crate) fn reconciled(&self, kind: Kind, namespace: &str, took: Duration, is_done: bool) {
        let labels = Labels { kind: kind.name(), namespace: namespace.to_owned() };
        self.total.get_or_create(&labels).inc();
        // Both are made, so that an alert on failures has a zero to rise from.
        self.successful.get_or_create(&labels).inc_by(u64::from(is_done));
        self.failed.get_or_create(&labels).inc_by(u64::from(!is_done));
        self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts a restarted pod of a cluster.
    pub(crate) fn restarted(&self, namespace: &str) {
        let labels = Labels { kind: Kind::Kafka.name(), namespace: namespace.to_owned() };
        self.restarts.get_or_create(&labels).inc();
    }

    /// Has the resources of a kind counted whenever somebody asks.
    pub(crate) fn count(&self, kind: Kind, census: impl Fn() -> Vec<Present> + Send + 'static) {
        self.censuses.lock().unwrap_or_else(PoisonError::into_inner).push((kind, Box::new(census)));
    }

    /// All figures as OpenMetrics text.
    pub(crate) fn text(&self) -> String {
        self.resources.clear();
        self.paused.clear();
        for (kind, census) in &*self.censuses.lock().unwrap_or_else(PoisonError::into_inner) {
            for (namespace, is_paused) in census() {
                let labels = Labels { kind: kind.name(), namespace };
                self.resources.get_or_create(&labels).inc();
                self.paused.get_or_create(&labels).inc_by(i64::from(is_paused));
            }
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_dashboards_ask_for() {
        let metrics = Metrics::new();
        metrics.count(Kind::KafkaTopic, || vec![("a".to_owned(), true), ("a".to_owned(), false)]);
        metrics.reconciled(Kind::Kafka, "a", Duration::from_millis(20), false);
        let text = metrics.text();
        for line in [
            "strimzi_reconciliations_total{kind=\"Kafka\",namespace=\"a\"} 1",
            "strimzi_reconciliations_failed_total{kind=\"Kafka\",namespace=\"a\"} 1",
            "strimzi_reconciliations_successful_total{kind=\"Kafka\",namespace=\"a\"} 0",
            "strimzi_reconciliations_duration_seconds_count{kind=\"Kafka\",namespace=\"a\"} 1",
            "strimzi_resources{kind=\"KafkaTopic\",namespace=\"a\"} 2",
            "strimzi_resources_paused{kind=\"KafkaTopic\",namespace=\"a\"} 1",
        ] {
            assert!(text.lines().any(|present| present == line), "{line} is missing:\n{text}");
        }
    }
}
