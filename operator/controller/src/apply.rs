//! Carries out the actions of a plan, in their order, up to the first that fails.
//!
//! Each is bound to what was seen when the plan was made: an object that somebody has made, changed hands of, or made anew
//! since then is left alone, and the next look decides again.

use std::time::Instant;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions};
use kube::runtime::events::{Event, EventType};
use ottla_crds::Kafka;
use ottla_plan::roll::RestartReason;
use ottla_plan::{Action, Object, ObjectKey, ObjectKind, Plan, World, is_as_wanted, names, world};
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{Attempt, Error};
use crate::kubernetes::{self, FIELD_MANAGER};

/// The action that events of restarts carry; users select by it.
const RESTART: &str = "StrimziInitiatedPodRestart";

/// Carries out the actions of a plan.
///
/// # Errors
/// That of the first action that failed; those before it are done, those after it are not.
pub(crate) async fn apply(context: &Context, kafka: &Kafka, plan: &Plan, world: &World) -> Result<(), Error> {
    let namespace = kafka.namespace();
    for action in &plan.actions {
        tracing::info!(cluster = %format_args!("{namespace}/{}", kafka.name()), "{action}");
        match action {
            Action::Apply(object) => write(context, namespace, object, world).await?,
            Action::Delete { key, uid } => {
                let delete = DeleteParams::background().preconditions(unchanged(key, uid, world));
                remove(context, namespace, key, &delete).await?;
            }
            Action::Replace { key, uid, .. } => {
                let delete = DeleteParams::orphan().preconditions(unchanged(key, uid, world));
                remove(context, namespace, key, &delete).await?;
            }
            Action::Annotate { key, annotation, value } => {
                annotate(context, namespace, key, annotation, value.as_deref(), world).await?;
            }
            Action::RestartPod { pod, uid, reasons } => {
                let key = ObjectKind::Pod.named(pod);
                let delete = DeleteParams::default().preconditions(unchanged(&key, uid, world));
                remove(context, namespace, &key, &delete).await?;
                context.metrics.restarted(namespace);
                tell_restart(context, kafka, pod, uid, reasons).await;
            }
        }
    }
    Ok(())
}

/// Server-side apply. What was there when the plan was made is taken from other managers, and only while it is the same
/// object. What was not there is made without force, so that something which somebody else has made in the meantime
/// is a conflict instead of ours.
async fn write(context: &Context, namespace: &str, object: &Object, world: &World) -> Result<(), Error> {
    let api = api(context, namespace, object.key.kind);
    let attempt = || format!("apply {}", object.key);
    let params = PatchParams::apply(FIELD_MANAGER);
    let Some(seen) = world.get(&object.key) else {
        return api.patch(&object.key.name, &params, &Patch::Apply(&object.body)).await.map(drop).attempt(attempt);
    };
    let name = format!("{namespace}/{}", object.key);
    let wanted = world::annotation(&object.body, names::APPLIED).unwrap_or_default();
    let rewritten = |field| Error::Rewritten { object: object.key.to_string(), field };
    if let Some(field) = context.rewrites.field(&name, wanted, Instant::now()) {
        return Err(rewritten(field));
    }
    let mut body = object.body.clone();
    body["metadata"]["uid"] = Value::from(world::uid(seen));
    let params = params.force();
    let written = api.patch(&object.key.name, &params, &Patch::Apply(&body)).await;
    let is_invalid = matches!(&written, Err(kube::Error::Api(status)) if status.code == 422);
    if is_invalid || changed_field(object, &written.attempt(attempt)?).is_some() {
        overwrite(&api, &object.key, &body).await.attempt(attempt)?;
        let written = api.patch(&object.key.name, &params, &Patch::Apply(&body)).await.attempt(attempt)?;
        if let Some(field) = changed_field(object, &written) {
            context.rewrites.note(&name, wanted, &field, Instant::now());
            return Err(rewritten(field));
        }
    }
    context.rewrites.settled(&name);
    Ok(())
}

/// Writes lists as a whole. Server-side apply leaves elements of lists that others have added or renamed, since they own
/// them: a port that was changed by hand would stay beside ours, or be in its way.
///
/// What is written like this is owned twice, and would stay when it is no longer wanted; so the second ownership is given up.
async fn overwrite(api: &Api<DynamicObject>, key: &ObjectKey, body: &Value) -> kube::Result<()> {
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let written = api.patch(&key.name, &params, &Patch::Merge(body)).await?;
    let is_kept = |entry: &&ManagedFieldsEntry| {
        entry.manager.as_deref() != Some(FIELD_MANAGER) || entry.operation.as_deref() != Some("Update")
    };
    let managers: Vec<&ManagedFieldsEntry> = written.metadata.managed_fields.iter().flatten().filter(is_kept).collect();
    let metadata = json!({"uid": written.metadata.uid, "managedFields": managers});
    api.patch(&key.name, &params, &Patch::Merge(&json!({"metadata": metadata}))).await.map(drop)
}

/// The first field that is not as it was written, if there is one.
fn changed_field(object: &Object, written: &DynamicObject) -> Option<String> {
    let written = serde_json::to_value(written).unwrap_or_default();
    (!is_as_wanted(object, &written)).then(|| difference(&object.key, &object.body, &written))
}

/// The way down to the first field that is not as it ought to be.
fn difference(key: &ObjectKey, wanted: &Value, present: &Value) -> String {
    let is_same = |wanted: &Value, present: &Value| {
        is_as_wanted(&Object { key: key.clone(), body: json!({"value": wanted}) }, &json!({"value": present}))
    };
    let (mut path, mut wanted, mut present) = (String::new(), wanted, present);
    loop {
        let below: Vec<(String, &Value, &Value)> = match (wanted, present) {
            (Value::Object(fields), Value::Object(_)) => {
                fields.iter().map(|(name, wanted)| (format!(".{name}"), wanted, &present[name])).collect()
            }
            (Value::Array(elements), Value::Array(others)) if elements.len() == others.len() => {
                let pairs = elements.iter().zip(others).enumerate();
                pairs.map(|(index, (wanted, present))| (format!("[{index}]"), wanted, present)).collect()
            }
            _ => Vec::new(),
        };
        let Some((step, inner, other)) = below.into_iter().find(|(_, wanted, present)| !is_same(wanted, present))
        else {
            return path.trim_start_matches('.').to_owned();
        };
        path += &step;
        (wanted, present) = (inner, other);
    }
}

/// What is gone already need not be deleted.
async fn remove(context: &Context, namespace: &str, key: &ObjectKey, delete: &DeleteParams) -> Result<(), Error> {
    match api(context, namespace, key.kind).delete(&key.name, delete).await {
        Err(error) if kubernetes::is_absent(&error) => Ok(()),
        done => done.map(drop).attempt(|| format!("delete {key}")),
    }
}

async fn annotate(
    context: &Context,
    namespace: &str,
    key: &ObjectKey,
    annotation: &str,
    value: Option<&str>,
    world: &World,
) -> Result<(), Error> {
    let uid = world.get(key).map(world::uid);
    let patch = json!({"metadata": {"uid": uid, "annotations": {annotation: value}}});
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let done = api(context, namespace, key.kind).patch(&key.name, &params, &Patch::Merge(&patch)).await;
    done.map(drop).attempt(|| format!("annotate {key}"))
}

/// The very object that was seen, in the very state.
fn unchanged(key: &ObjectKey, uid: &str, world: &World) -> Preconditions {
    let resource_version = world.get(key).and_then(kubernetes::resource_version);
    Preconditions { uid: Some(uid.to_owned()), resource_version }
}

/// One event for each reason, on the pod. That an event cannot be told is no reason to stop.
async fn tell_restart(context: &Context, kafka: &Kafka, pod: &str, uid: &str, reasons: &[RestartReason]) {
    let reference = ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Pod".to_owned()),
        name: Some(pod.to_owned()),
        namespace: Some(kafka.namespace().to_owned()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    };
    for reason in reasons {
        let event = Event {
            type_: EventType::Normal,
            reason: reason.name().to_owned(),
            note: Some(format!("{pod} was restarted: {reason}")),
            action: RESTART.to_owned(),
            secondary: Some(resource_reference(kafka)),
        };
        if let Err(error) = context.recorder.publish(&event, &reference).await {
            tracing::warn!(%pod, %error, "the event of a restart could not be told");
        }
    }
}

fn resource_reference(kafka: &Kafka) -> ObjectReference {
    ObjectReference {
        api_version: Some(kafka.api_version.clone()),
        kind: Some(kafka.kind.clone()),
        name: kafka.metadata.name.clone(),
        namespace: kafka.metadata.namespace.clone(),
        uid: kafka.metadata.uid.clone(),
        ..ObjectReference::default()
    }
}

fn api(context: &Context, namespace: &str, kind: ObjectKind) -> Api<DynamicObject> {
    kubernetes::objects(&context.client, namespace, kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_changed_field_is_named_with_the_way_to_it() {
        let wanted = json!({"metadata": {"name": "a"}, "spec": {"ports": [{"port": 1}, {"port": 2}], "cpu": "1000m"}});
        let difference = |present: Value| difference(&ObjectKind::Service.named("a"), &wanted, &present);
        let mut present = wanted.clone();
        present["spec"]["cpu"] = json!("1");
        present["spec"]["more"] = json!(true);
        present["spec"]["ports"][1]["port"] = json!(3);
        assert_eq!(difference(present.clone()), "spec.ports[1].port");
        present["spec"]["ports"] = json!([{"port": 1}]);
        assert_eq!(difference(present), "spec.ports");
        assert_eq!(difference(json!({"metadata": {"name": "a"}})), "spec");
    }
}
