//! A KafkaTopic: observe the topic, plan, carry out, report; round by round, until nothing is left to do.
//!
//! Woken by changes of the resource and of its cluster, and from time to time without any, so that what a client changed
//! by hand is changed back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::Store;
use kube::runtime::{WatchStreamExt, reflector, watcher};
use ottla_client::{Admin, ClientError};
use ottla_crds::{Kafka, KafkaTopic, Kind};
use ottla_plan::names;
use ottla_plan::topics::{FinalizerChange, TopicPlan, plan_topic, topic_failed, topic_name};
use serde_json::json;

use crate::clusters::Link;
use crate::context::{Context, now};
use crate::error::{Attempt, Error};
use crate::settings::Scope;
use crate::{brokers, kubernetes, report, wake};

/// How many topics are worked on at a time. Those of one cluster take turns at its connection.
const CONCURRENT_MAX: u16 = 16;
/// Create, then configure what was refused a place at the creation, then look: what takes longer waits for its next turn.
const ROUNDS_MAX: usize = 4;
/// When the rounds were not enough.
const NEXT_TURN: Duration = Duration::from_secs(1);

/// What a reconciliation of a topic needs besides the topic.
struct Topics {
    context: Arc<Context>,
    store: Store<KafkaTopic>,
}

/// Serves the KafkaTopics of a namespace, or of all, until told to stop.
pub(crate) async fn run(
    context: Arc<Context>,
    namespace: Option<String>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    // A topic without the label is nobody's.
    let labelled = watcher::Config::default().labels(names::CLUSTER);
    let (store, writer) = reflector::store::<KafkaTopic>();
    let api = kubernetes::resources::<KafkaTopic>(&context.client, namespace.as_deref());
    let resources = watcher(api, labelled).modify(wake::slim).default_backoff().reflect(writer).touched_objects();
    let resources = wake::mended(resources);
    context.metrics.count(Kind::KafkaTopic, {
        let store = store.clone();
        move || store.state().iter().map(|topic| (topic.namespace().to_owned(), is_paused(topic))).collect()
    });
    let controller = Controller::for_stream(resources, store.clone())
        .with_config(Config::default().concurrency(CONCURRENT_MAX))
        .graceful_shutdown_on(stop)
        .reconcile_all_on(context.clusters.changes());
    let topics = Arc::new(Topics { context: Arc::clone(&context), store });
    let results = controller.run(reconcile, |_, _: &Infallible, _| Action::await_change(), topics);
    wake::drive(results, |namespace, name| context.gone(Kind::KafkaTopic, namespace, name)).await;
}

async fn reconcile(topic: Arc<KafkaTopic>, topics: Arc<Topics>) -> Result<Action, Infallible> {
    let context = &topics.context;
    let (namespace, name) = (topic.namespace().to_owned(), topic.name().to_owned());
    let work = Box::pin(work(&topics, &topic));
    Ok(context.reconcile(Kind::KafkaTopic, &namespace, &name, work).await)
}

async fn work(topics: &Topics, topic: &KafkaTopic) -> Result<Action, Error> {
    let context = &*topics.context;
    let Some((topic, siblings)) = current(topics, topic).await? else { return Ok(Action::await_change()) };
    let Some(cluster) = topic.label(names::CLUSTER) else { return Ok(Action::await_change()) };
    let Some(link) = context.clusters.of_topics(topic.namespace(), cluster) else {
        return without_cluster(context, &topic, cluster).await;
    };
    let Some(controller) = &link.topics else {
        // Nobody is to control topics, so nobody would ever let the resource go.
        release(context, &topic).await?;
        return Ok(Action::requeue(context.settings.full_interval));
    };
    if needs_no_brokers(&topic, &siblings) {
        let plan = plan_topic(&topic, &siblings, None, now());
        let topic = finalize(context, &topic, plan.finalizer).await?;
        if let Some(status) = plan.status {
            report::status(&context.client, &topic, &status).await?;
        }
    } else if !rounds(context, &link, topic, &siblings).await? {
        return Ok(Action::requeue(NEXT_TURN));
    }
    let interval = u64::try_from(controller.interval_ms).map_or(context.settings.full_interval, Duration::from_millis);
    Ok(Action::requeue(interval.max(NEXT_TURN)))
}

/// The resource, and those that name the same topic. What was kept from a watch is good enough for making topics; where a
/// topic may be deleted, everything is read afresh.
async fn current(topics: &Topics, topic: &KafkaTopic) -> Result<Option<(KafkaTopic, Vec<KafkaTopic>)>, Error> {
    let name = topic_name(topic).to_owned();
    if topic.metadata.deletion_timestamp.is_none() {
        let kept = topics.store.state();
        let same = kept.iter().filter(|other| other.namespace() == topic.namespace() && topic_name(other) == name);
        return Ok(Some((topic.clone(), same.map(|other| KafkaTopic::clone(other)).collect())));
    }
    let api: Api<KafkaTopic> = Api::namespaced(topics.context.client.clone(), topic.namespace());
    let all = api.list(&ListParams::default().labels(names::CLUSTER)).await;
    let all = all.attempt(|| format!("list the KafkaTopics of {}", topic.namespace()))?.items;
    let Some(fresh) = all.iter().find(|other| other.metadata.uid == topic.metadata.uid).cloned() else {
        return Ok(None);
    };
    let same = all.into_iter().filter(|other| topic_name(other) == topic_name(&fresh)).collect();
    Ok(Some((fresh, same)))
}

/// Whether the plan for a resource that is not going away is complete without asking: paused, unmanaged, or wrong.
fn needs_no_brokers(topic: &KafkaTopic, siblings: &[KafkaTopic]) -> bool {
    topic.metadata.deletion_timestamp.is_none() && plan_topic(topic, siblings, None, now()).commands.is_empty()
}

/// Whether all is done.
async fn rounds(context: &Context, link: &Link, topic: KafkaTopic, siblings: &[KafkaTopic]) -> Result<bool, Error> {
    let Some(bootstrap) = &link.bootstrap else { return Ok(true) };
    let mut topic = topic;
    let mut connection = link.admin.lock().await;
    for _ in 0..ROUNDS_MAX {
        let round = round(&mut connection, bootstrap, &topic, siblings).await;
        let (admin, plan) = match round {
            Ok(round) => round,
            Err(error) => return Err(give_up(context, &topic, error).await),
        };
        topic = finalize(context, &topic, plan.finalizer).await?;
        let name = plan.topic.as_ref().map_or_else(|| topic_name(&topic), |name| name.as_str()).to_owned();
        for command in plan.commands {
            tracing::info!(resource = %format_args!("{}/{}", topic.namespace(), topic.name()), topic = %name, ?command, "topic");
            if let Err(error) = brokers::carry_out(admin, &name, command).await {
                return Err(give_up(context, &topic, error).await);
            }
        }
        if let Some(status) = plan.status {
            report::status(&context.client, &topic, &status).await?;
            return Ok(true);
        }
        if plan.finalizer == FinalizerChange::Remove {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Looks at the topic and plans.
async fn round<'a>(
    connection: &'a mut Option<Admin>,
    bootstrap: &str,
    topic: &KafkaTopic,
    siblings: &[KafkaTopic],
) -> Result<(&'a mut Admin, TopicPlan), ClientError> {
    let admin = match connection {
        Some(admin) => admin,
        None => connection.insert(Admin::connect(&[bootstrap.to_owned()], Default::default()).await?),
    };
    let observed = brokers::observe(admin, topic_name(topic)).await?;
    let plan = plan_topic(topic, siblings, observed.as_ref(), now());
    Ok((admin, plan))
}

/// Says in the status what the brokers said. A topic that is ready stays so while only the way to the brokers fails: a
/// broker that restarts is no news about its topics.
async fn give_up(context: &Context, topic: &KafkaTopic, error: ClientError) -> Error {
    let conditions = topic.status["conditions"].as_array().into_iter().flatten();
    let is_ready = conditions.into_iter().any(|each| each["type"] == "Ready" && each["status"] == "True");
    if !(is_ready && brokers::is_unreachable(&error)) {
        let status = topic_failed(topic, &error.to_string(), now());
        if let Err(error) = report::status(&context.client, topic, &status).await {
            tracing::warn!(%error, "the status of a topic could not be written");
        }
    }
    Error::Kafka { attempt: format!("control the topic {}", topic_name(topic)), error }
}

/// A topic whose cluster was not seen since the process was started. If there is none any more, a resource that is being
/// deleted may go: its topic went with the cluster.
async fn without_cluster(context: &Context, topic: &KafkaTopic, cluster: &str) -> Result<Action, Error> {
    if topic.metadata.deletion_timestamp.is_some() && !exists(context, topic.namespace(), cluster).await? {
        release(context, topic).await?;
    }
    Ok(Action::requeue(context.settings.full_interval))
}

/// Whether a Kafka resource of this name stands in any namespace from which topics of this one may be controlled.
async fn exists(context: &Context, namespace: &str, cluster: &str) -> Result<bool, Error> {
    let attempt = || format!("look for a Kafka {cluster}");
    let named = ListParams::default().fields(&format!("metadata.name={cluster}"));
    let namespaces: Vec<Option<&str>> = match &context.settings.scope {
        Scope::All => vec![None],
        Scope::Some(served) => served.iter().map(String::as_str).chain([namespace]).map(Some).collect(),
    };
    for namespace in namespaces {
        let api = kubernetes::resources::<Kafka>(&context.client, namespace);
        if !api.list_metadata(&named).await.attempt(attempt)?.items.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lets a resource go that waits for nobody.
async fn release(context: &Context, topic: &KafkaTopic) -> Result<(), Error> {
    let is_held = topic.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == names::TOPIC_FINALIZER);
    if is_held && topic.metadata.deletion_timestamp.is_some() {
        finalize(context, topic, FinalizerChange::Remove).await?;
    }
    Ok(())
}

/// Changes the finalizer of a resource that is still as it was read, and gives the resource as it is then.
async fn finalize(context: &Context, topic: &KafkaTopic, change: FinalizerChange) -> Result<KafkaTopic, Error> {
    let mut finalizers = topic.metadata.finalizers.clone().unwrap_or_default();
    match change {
        FinalizerChange::Keep => return Ok(topic.clone()),
        FinalizerChange::Add => finalizers.push(names::TOPIC_FINALIZER.to_owned()),
        FinalizerChange::Remove => finalizers.retain(|finalizer| finalizer != names::TOPIC_FINALIZER),
    }
    let metadata = json!({
        "uid": topic.metadata.uid,
        "resourceVersion": topic.metadata.resource_version,
        "finalizers": finalizers,
    });
    let params = PatchParams { field_manager: Some(kubernetes::FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let api: Api<KafkaTopic> = Api::namespaced(context.client.clone(), topic.namespace());
    match api.patch(topic.name(), &params, &Patch::Merge(&json!({"metadata": metadata}))).await {
        // The last finalizer went, and the resource with it.
        Err(error) if kubernetes::is_absent(&error) => Ok(topic.clone()),
        done => done.attempt(|| format!("change the finalizer of KafkaTopic {}/{}", topic.namespace(), topic.name())),
    }
}

fn is_paused(topic: &KafkaTopic) -> bool {
    topic.annotation(names::PAUSE) == Some("true")
}
