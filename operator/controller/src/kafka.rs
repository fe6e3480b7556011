//! A Kafka resource: observe, plan, apply, report.
//!
//! Woken by changes of the resource, its pools and everything made for it, and from time to time without any.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use ottla_crds::{Kafka, Kind};
use ottla_plan::{Plan, World, names, plan_kafka, standing};

use crate::apply::apply;
use crate::clusters::Link;
use crate::context::{Context, now};
use crate::error::Error;
use crate::glimpse::KafkaGlimpse;
use crate::{kubernetes, observe, report, wake};

/// How many clusters are worked on at a time. More would only wait for the same API server.
const CONCURRENT_MAX: u16 = 8;
/// What was just done shows itself soon, should no watch tell.
const AFTER_ACTIONS: Duration = Duration::from_secs(2);
/// What is awaited is looked for so often, should no watch tell.
const WHILE_WAITING: Duration = Duration::from_secs(10);

/// Serves the Kafka resources of a namespace, or of all, until told to stop.
pub(crate) async fn run(
    context: Arc<Context>,
    namespace: Option<String>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let (client, namespace) = (context.patient.clone(), namespace.as_deref());
    let config = watcher::Config { label_selector: context.settings.selector.clone(), ..watcher::Config::default() };
    let (store, writer) = reflector::store::<KafkaGlimpse>();
    let resources = watcher(kubernetes::resources::<KafkaGlimpse>(&client, namespace), config);
    let resources = resources.default_backoff().reflect(writer).touched_objects();
    let resources = wake::mended(resources);
    context.metrics.count(Kind::Kafka, {
        let store = store.clone();
        move || store.state().iter().map(|kafka| (kafka.namespace().to_owned(), is_paused(kafka))).collect()
    });
    let mut controller = Controller::for_stream(resources, store)
        .with_config(Config::default().concurrency(CONCURRENT_MAX))
        .graceful_shutdown_on(stop)
        .watches_stream(wake::pools(&client, namespace), |pool| wake::cluster_of(&pool));
    for kind in wake::OWNED {
        let owned = wake::owned(&client, namespace, kind);
        controller =
            controller.watches_stream_with(owned, |object| wake::cluster_of(&object), kubernetes::resource(kind));
    }
    let results = controller.run(reconcile, |_, _: &Infallible, _| Action::await_change(), Arc::clone(&context));
    wake::drive(results, |namespace, name| {
        context.clusters.forget(namespace, name);
        context.gone(Kind::Kafka, namespace, name);
    })
    .await;
}

async fn reconcile(kafka: Arc<KafkaGlimpse>, context: Arc<Context>) -> Result<Action, Infallible> {
    let work = Box::pin(work(&context, kafka.namespace(), kafka.name()));
    Ok(context.reconcile(Kind::Kafka, kafka.namespace(), kafka.name(), work).await)
}

async fn work(context: &Context, namespace: &str, name: &str) -> Result<Action, Error> {
    let client = &context.client;
    let Some((kafka, pools)) = observe::resource(client, namespace, name).await? else {
        context.clusters.forget(namespace, name);
        return Ok(Action::await_change());
    };
    if kafka.metadata.deletion_timestamp.is_some() {
        // Kubernetes takes what was made away with its owner.
        context.clusters.forget(namespace, name);
        return Ok(Action::await_change());
    }
    let settings = &context.settings.plan;
    let world = observe::world(client, &kafka, &pools, settings).await?;
    let plan = plan_kafka(&kafka, &pools, &world, settings, now());
    let applied = apply(context, &kafka, &plan, &world).await;
    // Whatever came of it: topics are served as long as there are brokers.
    learn(context, &kafka, &plan, &world);
    report::cluster(client, &kafka, &pools, &plan, applied.as_ref().err(), now()).await?;
    applied?;
    Ok(Action::requeue(next_look(context, &plan)))
}

/// A plan without objects was refused or is paused: what runs goes on as it was, and topics with it.
fn learn(context: &Context, kafka: &Kafka, plan: &Plan, world: &World) {
    let (namespace, name) = (kafka.namespace(), kafka.name());
    let link = if !plan.objects.is_empty() {
        Link::new(plan.operator_bootstrap.clone(), plan.topics.clone(), plan.is_settled())
    } else if let (false, Some(found)) =
        (context.clusters.knows(namespace, name), standing(kafka, world, &context.settings.plan))
    {
        Link::new(found.operator_bootstrap, found.topics, false)
    } else {
        return;
    };
    context.clusters.learn(namespace, name, link);
}

fn next_look(context: &Context, plan: &Plan) -> Duration {
    let longest = context.settings.full_interval;
    match (plan.actions.is_empty(), plan.waits.is_empty()) {
        (false, _) => AFTER_ACTIONS.min(longest),
        (true, false) => WHILE_WAITING.min(longest),
        (true, true) => longest,
    }
}

fn is_paused(kafka: &KafkaGlimpse) -> bool {
    kafka.annotation(names::PAUSE) == Some("true")
}
