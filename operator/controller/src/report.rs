//! Writes statuses, where they differ from what stands there.
//!
//! Given a status as the plan made it, it writes it by server-side apply, so that a field which is no longer said goes
//! away, and only to the very resource that the plan was made for.

use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use ottla_crds::resource::Marker;
use ottla_crds::{CustomResource, Kafka, KafkaNodePool};
use ottla_plan::Plan;
use ottla_vocabulary::Timestamp;
use serde_json::{Value, json};

use crate::error::{Attempt, Error};
use crate::glimpse::Glimpse;
use crate::kubernetes::{self, FIELD_MANAGER};

/// The reason of a resource for which the API server refuses something: the name that users know from Strimzi.
const REFUSED: &str = "KubernetesClientException";

/// Writes the statuses of a Kafka resource and its pools. `failure` is what stopped the plan's actions, if anything did.
pub(crate) async fn cluster(
    client: &Client,
    kafka: &Kafka,
    pools: &[KafkaNodePool],
    plan: &Plan,
    failure: Option<&Error>,
    now: Timestamp,
) -> Result<(), Error> {
    let told = |status: &Value, old: &Value| match failure.filter(|error| error.is_refusal()) {
        Some(error) => not_ready(status, old, REFUSED, &error.to_string(), now),
        None => status.clone(),
    };
    status(client, kafka, &told(&plan.status, &kafka.status)).await?;
    for pool in pools {
        if let Some(planned) = plan.pool_statuses.get(pool.name()) {
            status(client, pool, &told(planned, &pool.status)).await?;
        }
    }
    Ok(())
}

/// Writes the status of a resource, unless it stands there already.
pub(crate) async fn status<K: Marker>(
    client: &Client,
    resource: &CustomResource<K>,
    status: &Value,
) -> Result<(), Error> {
    if resource.status == *status {
        return Ok(());
    }
    let body = json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": resource.name(), "uid": resource.metadata.uid},
        "status": status,
    });
    // What comes back is of no interest, and may be nested too deeply to be read.
    let api: Api<Glimpse<K>> = Api::namespaced(client.clone(), resource.namespace());
    let params = PatchParams::apply(FIELD_MANAGER).force();
    match api.patch_status(resource.name(), &params, &Patch::Apply(&body)).await {
        Ok(_) => Ok(()),
        Err(error) if kubernetes::is_absent(&error) => Ok(()),
        Err(error) => Err(error)
            .attempt(|| format!("write the status of {} {}/{}", resource.kind, resource.namespace(), resource.name())),
    }
}

/// A status, but not ready: as a cluster, a pool and a user say it, and as a topic does not.
pub(crate) fn not_ready(planned: &Value, old: &Value, reason: &str, message: &str, now: Timestamp) -> Value {
    let mut status = planned.clone();
    let condition = json!({"type": "NotReady", "status": "True", "reason": reason, "message": message});
    let same = |old: &&Value| ["type", "reason", "message"].iter().all(|field| old[*field] == condition[*field]);
    let before = old["conditions"].as_array().into_iter().flatten().find(same);
    let time = before.map(|old| old["lastTransitionTime"].clone()).filter(Value::is_string);
    let mut condition = condition.clone();
    condition["lastTransitionTime"] = time.unwrap_or_else(|| Value::from(text(now)));
    let others = planned["conditions"].as_array().into_iter().flatten();
    let others = others.filter(|other| other["type"] != "Ready" && other["type"] != "NotReady").cloned();
    status["conditions"] = std::iter::once(condition).chain(others).collect();
    status
}

fn text(now: Timestamp) -> String {
    let time = k8s_openapi::jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_said_once_and_keeps_its_time() {
        let planned = json!({
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "Warning", "status": "True", "reason": "A"}],
            "clusterId": "x",
        });
        let first = not_ready(&planned, &Value::Null, REFUSED, "quota", Timestamp(0));
        assert_eq!(first["conditions"][0]["lastTransitionTime"], "1970-01-01T00:00:00Z");
        assert_eq!(first["conditions"][0]["type"], "NotReady");
        assert_eq!(first["conditions"][1]["reason"], "A");
        assert_eq!(first["clusterId"], "x");
        assert_eq!(not_ready(&planned, &first, REFUSED, "quota", Timestamp(5000)), first);
        assert_ne!(not_ready(&planned, &first, REFUSED, "another", Timestamp(5000)), first);
    }
}
