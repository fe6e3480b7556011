//! A KafkaTopic: observe the topic, plan, carry out, report; round by round, until nothing is left to do.
//!
//! Woken by changes of the resource and of its cluster, and from time to time without any, so that what a client changed
//! by hand is changed back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use kube::Resource;
use kube::api::{Api, ListParams};
use kube::runtime::controller::{Action, Config, Controller};
use kube::runtime::reflector::Store;
use kube::runtime::{WatchStreamExt, reflector, watcher};
use ottla_client::{Admin, ClientError};
use ottla_crds::{KafkaTopic, Kind};
use ottla_plan::names;
use ottla_plan::topics::{ObservedTopic, TopicCommand, TopicPlan, plan_topic, topic_failed, topic_name};
use ottla_vocabulary::Uuid;

use crate::clusters::{Away, Link};
use crate::context::{Context, now};
use crate::error::{Attempt, Error};
use crate::glimpse::{KafkaGlimpse, TopicGlimpse};
use crate::settings::Scope;
use crate::{brokers, finalizer, kubernetes, report, wake};

/// How many topics are worked on at a time. Those of one cluster take turns at its connection.
const CONCURRENT_MAX: u16 = 16;
/// Create, then configure what was refused a place at the creation, then look: what takes longer waits for its next turn.
const ROUNDS_MAX: usize = 4;
/// When the rounds were not enough.
const NEXT_TURN: Duration = Duration::from_secs(1);
/// Until then every Kafka resource that there is was looked at, if all goes well. Who speaks of a missing one before is
/// taken back a moment later.
const SETTLING: Duration = Duration::from_secs(15);

/// What a reconciliation of a topic needs besides the topic.
struct Topics {
    context: Arc<Context>,
    store: Store<TopicGlimpse>,
}

/// A topic as it was read, and those that name the same one.
struct Read {
    topic: KafkaTopic,
    siblings: Vec<KafkaTopic>,
}

/// Serves the KafkaTopics of a namespace, or of all, until told to stop.
pub(crate) async fn run(
    context: Arc<Context>,
    namespace: Option<String>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let (store, writer) = reflector::store::<TopicGlimpse>();
    let api = kubernetes::resources::<TopicGlimpse>(&context.patient, namespace.as_deref());
    // Those without the label too: a topic is nobody's without it, and yet what is ours may be on it.
    let resources = watcher(api, watcher::Config::default()).default_backoff().reflect(writer).touched_objects();
    let resources = wake::mended(resources);
    context.metrics.count(Kind::KafkaTopic, {
        let store = store.clone();
        move || {
            let topics = store.state();
            let ours = topics.iter().filter(|topic| topic.label(names::CLUSTER).is_some());
            ours.map(|topic| (topic.namespace().to_owned(), is_paused(topic))).collect()
        }
    });
    let controller = Controller::for_stream(resources, store.clone())
        .with_config(Config::default().concurrency(CONCURRENT_MAX))
        .graceful_shutdown_on(stop)
        .reconcile_all_on(context.clusters.changes());
    let topics = Arc::new(Topics { context: Arc::clone(&context), store });
    let results = controller.run(reconcile, |_, _: &Infallible, _| Action::await_change(), topics);
    wake::drive(results, |namespace, name| context.gone(Kind::KafkaTopic, namespace, name)).await;
}

async fn reconcile(seen: Arc<TopicGlimpse>, topics: Arc<Topics>) -> Result<Action, Infallible> {
    let context = &topics.context;
    let link = seen.label(names::CLUSTER).and_then(|cluster| context.clusters.of_topics(seen.namespace(), cluster));
    // Before anything is read: there may be thousands of them.
    if let Some(Err(Away::Busy { wait })) = link.map(|link| link.turn().map(drop)) {
        return Ok(Action::requeue(wait));
    }
    let work = Box::pin(work(&topics, &seen));
    Ok(context.reconcile(Kind::KafkaTopic, seen.namespace(), seen.name(), work).await)
}

async fn work(topics: &Topics, seen: &TopicGlimpse) -> Result<Action, Error> {
    let context = &*topics.context;
    let Some(cluster) = seen.label(names::CLUSTER) else {
        finalizer::release(context, seen.meta()).await?;
        return Ok(Action::await_change());
    };
    let later = Action::requeue(context.settings.full_interval);
    let Some(link) = context.clusters.of_topics(seen.namespace(), cluster) else {
        return without_cluster(topics, seen, cluster).await;
    };
    let Some(controller) = &link.topics else {
        // Nobody is to control topics, so nobody would ever let the resource go. Its status is left to whoever controls
        // topics of such clusters.
        finalizer::release(context, seen.meta()).await?;
        return Ok(later);
    };
    let Some(Read { topic, siblings }) = read(topics, seen).await? else { return Ok(later) };
    let plan = without_asking(&topic, &siblings);
    let sooner = match &link.bootstrap {
        _ if plan.commands.is_empty() => conclude(context, topic, plan).await.map(|()| None)?,
        Some(bootstrap) => rounds(context, &link, bootstrap, topic, &siblings).await?,
        None => {
            unserved(context, &topic, &format!("the cluster {cluster} has no open listener")).await?;
            return Ok(later);
        }
    };
    let interval = u64::try_from(controller.interval_ms).map_or(context.settings.full_interval, Duration::from_millis);
    Ok(Action::requeue(sooner.unwrap_or_else(|| interval.max(NEXT_TURN))))
}

/// The resource, and those that name the same topic; nothing when it is gone, or cannot be read, which is told. What was
/// kept from a watch is good enough for making topics; where a topic may be deleted, everything is read afresh.
async fn read(topics: &Topics, seen: &TopicGlimpse) -> Result<Option<Read>, Error> {
    let client = &topics.context.client;
    let api: Api<KafkaTopic> = Api::namespaced(client.clone(), seen.namespace());
    let attempt = || format!("read KafkaTopic {}/{}", seen.namespace(), seen.name());
    let topic = match api.get(seen.name()).await {
        Ok(topic) => topic,
        Err(error) if kubernetes::is_absent(&error) => return Ok(None),
        // Whether it may go is decided by what was seen of it.
        Err(kube::Error::SerdeError(_)) if seen.meta().deletion_timestamp.is_some() => seen.resource(),
        Err(kube::Error::SerdeError(error)) => {
            tracing::warn!(namespace = seen.namespace(), name = seen.name(), %error, "a KafkaTopic cannot be read");
            return Ok(None);
        }
        Err(error) => return Err(error).attempt(attempt),
    };
    let name = topic_name(&topic);
    let same = |other: &TopicGlimpse| {
        if other.namespace() != seen.namespace() {
            return None; // before anything of it is copied: there may be thousands
        }
        let other = other.resource();
        (topic_name(&other) == name).then_some(other)
    };
    let siblings = match topic.metadata.deletion_timestamp {
        None => topics.store.state().iter().filter_map(|other| same(other)).collect(),
        Some(_) => {
            let api: Api<TopicGlimpse> = Api::namespaced(client.clone(), seen.namespace());
            let all = api.list(&ListParams::default().labels(names::CLUSTER)).await;
            let all = all.attempt(|| format!("list the KafkaTopics of {}", seen.namespace()))?;
            all.items.iter().filter_map(same).collect()
        }
    };
    Ok(Some(Read { topic, siblings }))
}

/// The plan as it is while nobody knows the topic. Where it has no commands it is complete: the resource is paused,
/// unmanaged or wrong, or has no say over the topic that would be deleted with it.
fn without_asking(topic: &KafkaTopic, siblings: &[KafkaTopic]) -> TopicPlan {
    let absent = plan_topic(topic, siblings, None, now());
    // There is no topic that Kafka could not name.
    if topic.metadata.deletion_timestamp.is_none() || absent.topic.is_none() {
        return absent;
    }
    let there = ObservedTopic { id: Uuid([0; 16]), partitions: 1, replication_factor: 1, config: Default::default() };
    plan_topic(topic, siblings, Some(&there), now())
}

/// Finalizer and status of a plan without commands.
async fn conclude(context: &Context, mut topic: KafkaTopic, plan: TopicPlan) -> Result<(), Error> {
    topic.metadata = finalizer::change(context, &topic.metadata, plan.finalizer).await?;
    match plan.status {
        Some(status) => report::status(&context.client, &topic, &status).await,
        None => Ok(()),
    }
}

/// How soon the topic is to be looked at again, where that is not the usual time.
async fn rounds(
    context: &Context,
    link: &Link,
    bootstrap: &str,
    mut topic: KafkaTopic,
    siblings: &[KafkaTopic],
) -> Result<Option<Duration>, Error> {
    let mut connection = match link.turn() {
        Ok(connection) => connection,
        Err(Away::Busy { wait }) => return Ok(Some(wait)),
        Err(Away::Silent { wait, why }) => {
            if !is_ready(&topic) {
                unserved(context, &topic, &why).await?;
            }
            return Ok(Some(wait));
        }
    };
    let (mut last, mut is_repeated) = (Vec::new(), false);
    for _ in 0..ROUNDS_MAX {
        let (admin, plan) = match round(&mut connection, bootstrap, &topic, siblings).await {
            Ok(round) => round,
            Err(error) => return Err(give_up(context, link, &topic, error).await),
        };
        link.reached();
        if plan.commands.is_empty() {
            return conclude(context, topic, plan).await.map(|()| None);
        }
        topic.metadata = finalizer::change(context, &topic.metadata, plan.finalizer).await?;
        let name = plan.topic.as_ref().map_or_else(|| topic_name(&topic), |name| name.as_str()).to_owned();
        for command in &plan.commands {
            tracing::info!(resource = %format_args!("{}/{}", topic.namespace(), topic.name()), topic = %name, ?command, "topic");
            if let Err(error) = brokers::carry_out(admin, &name, command.clone()).await {
                return Err(give_up(context, link, &topic, error).await);
            }
        }
        is_repeated = plan.commands == last;
        last = plan.commands;
    }
    let [TopicCommand::Configure { set, remove }] = &last[..] else { return Ok(Some(NEXT_TURN)) };
    if !is_repeated {
        return Ok(Some(NEXT_TURN));
    }
    let keys: Vec<&str> = set.keys().chain(remove).map(String::as_str).collect();
    unserved(context, &topic, &format!("the brokers take {} and keep another value", keys.join(", "))).await?;
    Ok(None)
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
        None => connection.insert(Admin::connect(&[bootstrap.to_owned()], brokers::settings()).await?),
    };
    let observed = brokers::observe(admin, topic_name(topic)).await?;
    let plan = plan_topic(topic, siblings, observed.as_ref(), now());
    Ok((admin, plan))
}

/// Says in the status what the brokers said. A topic that is ready stays so while only the way to the brokers fails: a
/// broker that restarts is no news about its topics.
async fn give_up(context: &Context, link: &Link, topic: &KafkaTopic, error: ClientError) -> Error {
    let is_unreachable = brokers::is_unreachable(&error);
    match is_unreachable {
        true => link.unreached(error.to_string()),
        false => link.reached(),
    }
    if !(is_unreachable && is_ready(topic))
        && let Err(error) = unserved(context, topic, &error.to_string()).await
    {
        tracing::warn!(%error, "the status of a topic could not be written");
    }
    Error::Kafka { attempt: format!("control the topic {}", topic_name(topic)), error }
}

/// Says in the status why the resource does not come true.
async fn unserved(context: &Context, topic: &KafkaTopic, why: &str) -> Result<(), Error> {
    report::status(&context.client, topic, &topic_failed(topic, why, now())).await
}

/// A topic whose cluster was not seen since the process was started. If there is none any more, a resource that is being
/// deleted may go: its topic went with the cluster. Of a cluster that is there and not known, another operator may know.
async fn without_cluster(topics: &Topics, seen: &TopicGlimpse, cluster: &str) -> Result<Action, Error> {
    let context = &*topics.context;
    let is_leaving = seen.meta().deletion_timestamp.is_some();
    if !is_leaving && context.since_start() < SETTLING {
        return Ok(Action::requeue(SETTLING));
    }
    let later = Action::requeue(context.settings.full_interval);
    if exists(context, seen.namespace(), cluster).await? {
        return Ok(later);
    }
    if is_leaving {
        finalizer::release(context, seen.meta()).await?;
        return Ok(later);
    }
    let Some(Read { topic, siblings }) = read(topics, seen).await? else { return Ok(later) };
    let plan = without_asking(&topic, &siblings);
    match plan.status {
        Some(status) => report::status(&context.client, &topic, &status).await?,
        None => unserved(context, &topic, &format!("there is no Kafka {cluster}")).await?,
    }
    Ok(later)
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
        let api = kubernetes::resources::<KafkaGlimpse>(&context.client, namespace);
        if !api.list(&named).await.attempt(attempt)?.items.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_ready(topic: &KafkaTopic) -> bool {
    let conditions = topic.status["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|each| each["type"] == "Ready" && each["status"] == "True")
}

fn is_paused(topic: &TopicGlimpse) -> bool {
    topic.annotation(names::PAUSE) == Some("true")
}

#[cfg(test)]
mod tests;
