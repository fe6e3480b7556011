//! A KafkaUser: it is not served yet, and its status says so.
//!
//! Nothing else is done: no Secret is read or made, and no broker is asked. Users of clusters that this operator does not
//! run are another's.

use std::convert::Infallible;
use std::sync::Arc;

use kube::Resource;
use kube::api::Api;
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use ottla_crds::{KafkaUser, Kind};
use ottla_plan::names;
use serde_json::json;

use crate::context::{Context, now};
use crate::error::{Attempt, Error};
use crate::glimpse::UserGlimpse;
use crate::{kubernetes, report, wake};

/// There is nothing to do but a status to write.
const CONCURRENT_MAX: u16 = 2;
/// The reason that other resources give for what is not built.
const NOT_SUPPORTED: &str = "NotSupported";
const MESSAGE: &str = "users are not served yet: nothing is made of this resource, and listeners with authentication are \
                       not opened";

/// Watches the KafkaUsers of a namespace, or of all, until told to stop.
pub(crate) async fn run(
    context: Arc<Context>,
    namespace: Option<String>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    // A user without the label is nobody's.
    let labelled = watcher::Config::default().labels(names::CLUSTER);
    let (store, writer) = reflector::store::<UserGlimpse>();
    let api = kubernetes::resources::<UserGlimpse>(&context.patient, namespace.as_deref());
    let resources = watcher(api, labelled).default_backoff().reflect(writer).touched_objects();
    let controller = Controller::for_stream(wake::mended(resources), store)
        .with_config(Config::default().concurrency(CONCURRENT_MAX))
        .graceful_shutdown_on(stop)
        .reconcile_all_on(context.clusters.changes());
    let results = controller.run(reconcile, |_, _: &Infallible, _| Action::await_change(), Arc::clone(&context));
    wake::drive(results, |namespace, name| context.gone(Kind::KafkaUser, namespace, name)).await;
}

async fn reconcile(seen: Arc<UserGlimpse>, context: Arc<Context>) -> Result<Action, Infallible> {
    let work = Box::pin(work(&context, &seen));
    Ok(context.reconcile(Kind::KafkaUser, seen.namespace(), seen.name(), work).await)
}

async fn work(context: &Context, seen: &UserGlimpse) -> Result<Action, Error> {
    let is_ours = seen.label(names::CLUSTER).is_some_and(|cluster| context.clusters.knows(seen.namespace(), cluster));
    let is_paused = seen.annotation(names::PAUSE) == Some("true");
    if !is_ours || is_paused || seen.meta().deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let api: Api<KafkaUser> = Api::namespaced(context.client.clone(), seen.namespace());
    let user = match api.get(seen.name()).await {
        Err(error) if kubernetes::is_absent(&error) => return Ok(Action::await_change()),
        done => done.attempt(|| format!("read KafkaUser {}/{}", seen.namespace(), seen.name()))?,
    };
    let status = json!({"observedGeneration": user.metadata.generation.unwrap_or(0)});
    let status = report::not_ready(&status, &user.status, NOT_SUPPORTED, MESSAGE, now());
    report::status(&context.client, &user, &status).await?;
    Ok(Action::await_change())
}
