//! What nobody read: each place becomes a warning with its path and, where there is a lasting reason, with that reason.

use crate::document::Document;
use crate::finding::{Findings, Reason, Subject};

/// Why places are without effect: the longest beginning of a path decides.
const REASONS: &[(&str, &str)] = &[
    ("spec.zookeeper", "no ZooKeeper is run: the brokers keep their metadata themselves"),
    ("spec.jmxTrans", "metrics are served to Prometheus by the brokers themselves"),
    ("spec.kafka.jvmOptions", "the brokers have no Java virtual machine"),
    ("spec.jvmOptions", "the brokers have no Java virtual machine"),
    ("spec.kafka.jmxOptions", "the brokers have no Java virtual machine"),
    ("spec.kafka.metrics", "metrics are always served, under the names that the usual rules give them"),
    ("spec.kafka.metricsConfig", "metrics are always served, under the names that the usual rules give them"),
    ("spec.kafka.tlsSidecar", "no sidecar is needed"),
    ("spec.entityOperator.tlsSidecar", "no sidecar is needed"),
    ("spec.entityOperator.topicOperator", "topics are served by the operator itself, without a pod of their own"),
    ("spec.topicOperator", "topics are served by the operator itself, without a pod of their own"),
    ("spec.entityOperator.template", "there is no pod of an entity operator"),
    ("spec.entityOperator.affinity", "there is no pod of an entity operator"),
    ("spec.entityOperator.tolerations", "there is no pod of an entity operator"),
    ("spec.kafka.replicas", "the node pools say how many nodes there are"),
    ("spec.kafka.storage.overrides", "storage classes of single brokers are given by node pools"),
    ("spec.kafka.storage.id", "only volumes of jbod have ids"),
    ("spec.storage.id", "only volumes of jbod have ids"),
    ("spec.kafka.storage", "the node pools say where data lies"),
    ("spec.kafka.resources", "the node pools say what nodes may use"),
    ("spec.kafka.template.statefulset.podManagementPolicy", "pods are always managed in parallel"),
];

/// Warns of everything that was not read.
pub(super) fn report(document: &Document<'_>, subject: &Subject, findings: &mut Findings) {
    for path in document.unread() {
        let text = path.to_string();
        // What the schema does not have is reported by its check.
        let is_unknown = |finding: &crate::finding::Finding| {
            finding.subject == *subject
                && finding.reason == Reason::UnknownFields
                && finding.message.split(' ').next().is_some_and(|unknown| begins(&text, unknown))
        };
        if findings.warnings.iter().any(is_unknown) {
            continue;
        }
        let reason =
            REASONS.iter().filter(|(beginning, _)| begins(&text, beginning)).max_by_key(|(path, _)| path.len());
        let why = reason.map_or("it is not built yet", |(_, why)| why);
        findings.warn(subject, Reason::UnsupportedFields, format!("{text} has no effect: {why}"));
    }
}

/// Whether a path begins with another, whole fields only.
fn begins(path: &str, beginning: &str) -> bool {
    path.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
