//! What the operator takes: its memory while it serves a namespace with clusters of its users beside an API server without
//! nodes, through two full passes over all of them.

use std::time::Duration;

use anyhow::{Context, Result};
use ottla_harness::ottla_broker::peak_resident_bytes;
use ottla_test_kubernetes::operator::{Operator, eventually, service_account};
use ottla_test_kubernetes::{api_server, checkout, documents};

use crate::report::{Figure, Report};
use crate::scenario::MIB;
use crate::server::Whose;

const RESIDENT: Figure =
    Figure { name: "operator, resident at most with 20 clusters", unit: "MiB", goal: "≤ 32 MiB" };

/// Of the same manifest, each under a name of its own.
const CLUSTERS: usize = 20;

/// Starts the operator that `OTTLA_OPERATOR` names, gives it clusters, and takes its measure.
///
/// # Errors
/// When the process has ended.
pub fn measure(report: &mut Report) -> Result<()> {
    let server = api_server();
    let namespace = server.namespace("bench");
    let kubeconfig = service_account(server, &namespace, Some(&[&namespace]));
    let environment = [("STRIMZI_NAMESPACE", namespace.as_str()), ("STRIMZI_FULL_RECONCILIATION_INTERVAL_MS", "10000")];
    let operator = Operator::start(&kubeconfig, &namespace, &environment);
    let example = documents(&checkout().join("deploy/examples/kafka-ephemeral.yaml"));
    for number in 0..CLUSTERS {
        for mut document in example.clone() {
            let text = document.to_string().replace("my-cluster", &format!("cluster-{number}"));
            document = serde_json::from_str(&text).context("read the example again")?;
            document["metadata"]["namespace"] = namespace.as_str().into();
            // The pool's own name is in no other place.
            if document["kind"] == "KafkaNodePool" {
                document["metadata"]["name"] = format!("pool-{number}").into();
            }
            server.apply(&document);
        }
    }
    eventually("every cluster has a StatefulSet", || {
        let made = server.run(&["--namespace", &namespace, "get", "statefulsets", "--output", "name"]);
        made.lines().count() == CLUSTERS
    });
    std::thread::sleep(Duration::from_secs(20));
    report.push(RESIDENT, Whose::Ottla, peak_resident_bytes(operator.process_id())? as f64 / MIB);
    Ok(())
}
