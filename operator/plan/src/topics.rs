//! One KafkaTopic: the difference between the resource and the topic, as commands for the brokers.
//!
//! Only the resource is the truth: a topic is created, adopted, grown and configured to match it, and what a client
//! changed is changed back. What cannot be done (fewer partitions, another number of copies, another name) is said in the
//! status with Strimzi's reasons, and the rest is done all the same.
//!
//! The shell carries out [`TopicPlan::commands`], observes again and plans again; a status is given once nothing is left
//! to do, or by [`topic_failed`] when a broker refused.

use std::collections::{BTreeMap, BTreeSet};

use ottla_config::catalogue;
use ottla_crds::{Fault, KafkaTopic, Kind, Path};
use ottla_vocabulary::{Timestamp, TopicName, Uuid};
use serde_json::{Value, json};

use crate::document::plain_text;
use crate::effect;
use crate::finding::Reason;
use crate::names;
use crate::status::dated;

/// Settings that tools which move copies set for a while; they are nobody's wish for good, and are left alone.
const THROTTLES: [&str; 2] = ["leader.replication.throttled.replicas", "follower.replication.throttled.replicas"];

/// A topic as the brokers describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedTopic {
    /// Its id.
    pub id: Uuid,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many copies its partitions have.
    pub replication_factor: i32,
    /// What was set for this topic itself, not what it inherits.
    pub config: BTreeMap<String, String>,
}

/// A command for the brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicCommand {
    /// Make the topic; `None` leaves the choice to the brokers.
    Create {
        /// How many partitions.
        partitions: Option<i32>,
        /// How many copies.
        replication_factor: Option<i16>,
        /// Its own settings.
        config: BTreeMap<String, String>,
    },
    /// Add partitions.
    Grow {
        /// How many there are to be.
        partitions: i32,
    },
    /// Change its own settings.
    Configure {
        /// What to set.
        set: BTreeMap<String, String>,
        /// What to take away, so that what is inherited holds.
        remove: BTreeSet<String>,
    },
    /// Delete the topic.
    Delete,
}

/// What is to be done about the finalizer, by which a deleted resource waits until its topic is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FinalizerChange {
    /// It is as it ought to be.
    #[default]
    Keep,
    /// Add it, before any command.
    Add,
    /// Remove it, after which the resource may be gone.
    Remove,
}

/// What is to be done for one KafkaTopic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPlan {
    /// The topic; `None` when the resource names none that Kafka would take.
    pub topic: Option<TopicName>,
    /// The finalizer.
    pub finalizer: FinalizerChange,
    /// What to ask of the brokers, in this order.
    pub commands: Vec<TopicCommand>,
    /// The status to write; `None` while commands are to be carried out, or when the resource is about to be gone.
    pub status: Option<Value>,
}

/// The name of a resource's topic: what it says, or its own name.
pub fn topic_name(resource: &KafkaTopic) -> &str {
    resource.spec["topicName"].as_str().unwrap_or(resource.name())
}

/// Plans for one KafkaTopic. `siblings` are all the KafkaTopics of the cluster, itself among them or not.
pub fn plan_topic(
    resource: &KafkaTopic,
    siblings: &[KafkaTopic],
    observed: Option<&ObservedTopic>,
    now: Timestamp,
) -> TopicPlan {
    let topic = TopicName::new(topic_name(resource)).ok();
    if resource.metadata.deletion_timestamp.is_some() {
        return TopicPlan { topic, ..plan_deletion(resource, siblings, observed) };
    }
    if is_paused(resource) {
        let status = status(resource, vec![json!({"type": "ReconciliationPaused", "status": "True"})], None, now);
        return TopicPlan { topic, status: Some(status), ..TopicPlan::default() };
    }
    if !is_managed(resource) {
        let finalizer = if has_finalizer(resource) { FinalizerChange::Remove } else { FinalizerChange::Keep };
        let status = status(resource, vec![json!({"type": "Unmanaged", "status": "True"})], None, now);
        return TopicPlan { topic, finalizer, status: Some(status), ..TopicPlan::default() };
    }
    let (warnings, refusal) = check(resource, siblings);
    if let Some((reason, message)) = refusal {
        let status = status(resource, not_ready(&warnings, reason, &message), None, now);
        return TopicPlan { topic, status: Some(status), ..TopicPlan::default() };
    }
    let finalizer = if has_finalizer(resource) { FinalizerChange::Keep } else { FinalizerChange::Add };
    let (commands, refused) = match observed {
        None => (vec![create(resource)], Vec::new()),
        Some(observed) => difference(resource, observed),
    };
    let conditions = match refused.is_empty() {
        true => ready(&warnings),
        false => not_ready(&warnings, "NotSupported", &refused.join("; ")),
    };
    let status = commands.is_empty().then(|| status(resource, conditions, observed, now));
    TopicPlan { topic, finalizer, commands, status }
}

/// The status of a KafkaTopic whose commands a broker refused, or could not be asked to carry out.
pub fn topic_failed(resource: &KafkaTopic, message: &str, now: Timestamp) -> Value {
    let (warnings, _) = check(resource, &[]);
    status(resource, not_ready(&warnings, "KafkaError", message), None, now)
}

/// The topic goes with its resource, unless the resource had no say over it, or another one now has.
fn plan_deletion(resource: &KafkaTopic, siblings: &[KafkaTopic], observed: Option<&ObservedTopic>) -> TopicPlan {
    if !has_finalizer(resource) || is_paused(resource) {
        return TopicPlan::default();
    }
    // A name that is no text, or another than the topic was made under, says nothing certain about which topic to delete.
    let is_certain =
        matches!(resource.spec["topicName"], Value::Null | Value::String(_)) && changed_name(resource).is_none();
    let has_say = is_managed(resource) && is_certain && winner(resource, siblings).is_none();
    let has_heir =
        siblings.iter().any(|other| claims_same(resource, other) && other.metadata.deletion_timestamp.is_none());
    match observed {
        Some(_) if has_say && !has_heir => TopicPlan { commands: vec![TopicCommand::Delete], ..TopicPlan::default() },
        _ => TopicPlan { finalizer: FinalizerChange::Remove, ..TopicPlan::default() },
    }
}

/// What is wrong with a resource, whatever its topic is like: warnings, and what stops everything.
fn check(resource: &KafkaTopic, siblings: &[KafkaTopic]) -> (Vec<Value>, Option<(&'static str, String)>) {
    let spec = if resource.spec.is_null() { json!({}) } else { resource.spec.clone() };
    let problems = Kind::KafkaTopic.schema().check(&json!({ "spec": spec }));
    let (unknown, wrong): (Vec<_>, Vec<_>) =
        problems.iter().partition(|problem| matches!(problem.fault, Fault::Unknown { .. }));
    let warning = |reason: &str, message: String| json!({"type": "Warning", "status": "True", "reason": reason, "message": message});
    let mut warnings = Vec::new();
    if !unknown.is_empty() {
        warnings.push(warning("UnknownFields", joined(&unknown)));
    }
    let throttled: Vec<&str> = THROTTLES.into_iter().filter(|key| resource.spec["config"].get(key).is_some()).collect();
    if !throttled.is_empty() {
        let message = format!("spec.config sets {}, which is left to what moves copies", throttled.join(" and "));
        warnings.push(warning("InvalidConfig", message));
    }
    let idle = idle_settings(resource);
    if !idle.is_empty() {
        warnings.push(warning(Reason::Configuration.name(), idle.join("; ")));
    }
    let odd = odd_settings(resource);
    let refusal = if !wrong.is_empty() {
        Some(("InvalidResourceException", joined(&wrong)))
    } else if !odd.is_empty() {
        Some(("InvalidResourceException", odd.join("; ")))
    } else if let Err(error) = TopicName::new(topic_name(resource)) {
        let place = if resource.spec["topicName"].is_string() { "spec.topicName" } else { "metadata.name" };
        Some(("InvalidResourceException", format!("{place} cannot name a topic: {error}")))
    } else if let Some(before) = changed_name(resource) {
        let message =
            format!("spec.topicName was {before} and is {}: changing it is not supported", topic_name(resource));
        Some(("NotSupported", message))
    } else {
        winner(resource, siblings).map(|winner| {
            let message = format!("Managed by KafkaTopic {}/{}, which is older", winner.namespace(), winner.name());
            ("ResourceConflict", message)
        })
    };
    (warnings, refusal)
}

fn joined<T: ToString>(problems: &[T]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn odd_settings(resource: &KafkaTopic) -> Vec<String> {
    let settings = resource.spec["config"].as_object().into_iter().flatten();
    let mut odd: Vec<String> = settings
        .filter(|(_, value)| !value.is_null() && setting(value).is_none())
        .map(|(key, _)| format!("{} must be a plain value or a list of such", path_of(key)))
        .collect();
    for (key, text) in self::settings(resource) {
        // A key that the table does not have is for the brokers to judge, which may be of another version.
        if let Some(Err(complaint)) = catalogue::topic_key(&key).map(|row| row.parse(&text)) {
            odd.push(format!("{} is refused by brokers: {complaint}", path_of(&key)));
        }
    }
    if resource.spec["partitions"].as_i64().is_some_and(|count| i64::from(i32::MAX) < count) {
        odd.push(format!("spec.partitions must be at most {}, and is {}", i32::MAX, resource.spec["partitions"]));
    }
    odd
}

/// What brokers take and do not act on.
fn idle_settings(resource: &KafkaTopic) -> Vec<String> {
    let why = |(key, text): (String, String)| {
        let row = catalogue::topic_key(&key)?;
        Some(format!("{} {}", path_of(&key), effect::why_none(row, &row.parse(&text).ok()?)?))
    };
    settings(resource).into_iter().filter_map(why).collect()
}

/// A setting as messages name it.
fn path_of(key: &str) -> Path {
    Path::root().field("spec").field("config").field(key)
}

/// The name that the topic had, when it is another now.
fn changed_name(resource: &KafkaTopic) -> Option<&str> {
    resource.status["topicName"].as_str().filter(|before| *before != topic_name(resource))
}

/// The older resource that has the say over the same topic, if there is one.
fn winner<'a>(resource: &KafkaTopic, siblings: &'a [KafkaTopic]) -> Option<&'a KafkaTopic> {
    let age = |topic: &KafkaTopic| {
        let created = topic.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (created, topic.namespace().to_owned(), topic.name().to_owned())
    };
    siblings
        .iter()
        .filter(|other| claims_same(resource, other) && age(other) < age(resource))
        .min_by_key(|other| age(other))
}

fn claims_same(resource: &KafkaTopic, other: &KafkaTopic) -> bool {
    let is_self = other.name() == resource.name() && other.namespace() == resource.namespace();
    !is_self
        && is_managed(other)
        && changed_name(other).is_none()
        && other.label(names::CLUSTER) == resource.label(names::CLUSTER)
        && topic_name(other) == topic_name(resource)
}

fn create(resource: &KafkaTopic) -> TopicCommand {
    TopicCommand::Create {
        partitions: resource.spec["partitions"].as_i64().and_then(|count| i32::try_from(count).ok()),
        replication_factor: resource.spec["replicas"].as_i64().and_then(|count| i16::try_from(count).ok()),
        config: settings(resource),
    }
}

/// The commands that make the topic match, and what cannot be made to match.
fn difference(resource: &KafkaTopic, observed: &ObservedTopic) -> (Vec<TopicCommand>, Vec<String>) {
    let (mut commands, mut refused) = (Vec::new(), Vec::new());
    if let Some(wanted) = resource.spec["partitions"].as_i64() {
        let present = i64::from(observed.partitions);
        if wanted < present {
            refused.push(format!(
                "spec.partitions is {wanted} and the topic has {present}: decreasing partitions is not supported"
            ));
        } else if let (true, Ok(partitions)) = (present < wanted, i32::try_from(wanted)) {
            commands.push(TopicCommand::Grow { partitions });
        }
    }
    let copies = i64::from(observed.replication_factor);
    if let Some(wanted) = resource.spec["replicas"].as_i64().filter(|wanted| *wanted != copies) {
        refused.push(format!(
            "spec.replicas is {wanted} and the topic has {copies}: replication factor change is not supported"
        ));
    }
    let wanted = settings(resource);
    let is_other = |(key, wanted): &(&String, &String)| {
        observed.config.get(*key).is_none_or(|present| answered(key, present) != answered(key, wanted))
    };
    let set: BTreeMap<String, String> =
        wanted.iter().filter(is_other).map(|(key, value)| (key.clone(), value.clone())).collect();
    let is_extra = |key: &&String| !wanted.contains_key(*key) && !THROTTLES.contains(&key.as_str());
    let remove: BTreeSet<String> = observed.config.keys().filter(is_extra).cloned().collect();
    if !set.is_empty() || !remove.is_empty() {
        commands.push(TopicCommand::Configure { set, remove });
    }
    (commands, refused)
}

fn settings(resource: &KafkaTopic) -> BTreeMap<String, String> {
    let settings = resource.spec["config"].as_object().into_iter().flatten();
    settings
        .filter(|(key, _)| !THROTTLES.contains(&key.as_str()))
        .filter_map(|(key, value)| Some((key.clone(), setting(value)?)))
        .collect()
}

/// A value as brokers answer it: `1` is told as `1.0` where a decimal is asked for, and `False` as `false`.
fn answered(key: &str, text: &str) -> String {
    let parsed = catalogue::topic_key(key).and_then(|row| row.parse(text).ok());
    parsed.and_then(|value| value.answer()).unwrap_or_else(|| text.to_owned())
}

fn setting(value: &Value) -> Option<String> {
    match value {
        Value::Array(parts) => Some(parts.iter().map(plain_text).collect::<Option<Vec<_>>>()?.join(",")),
        // A whole number that a tool wrote as 1e9 means the number.
        Value::Number(number) if number.is_f64() => number
            .as_f64()
            .filter(|number| number.fract() == 0.0)
            .map(|number| format!("{number:.0}"))
            .or_else(|| plain_text(value)),
        plain => plain_text(plain),
    }
}

fn is_paused(resource: &KafkaTopic) -> bool {
    resource.annotation(names::PAUSE) == Some("true")
}

fn is_managed(resource: &KafkaTopic) -> bool {
    resource.annotation(names::MANAGED) != Some("false")
}

fn has_finalizer(resource: &KafkaTopic) -> bool {
    resource.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == names::TOPIC_FINALIZER)
}

/// Unlike clusters, topics say `Ready=False`.
fn not_ready(warnings: &[Value], reason: &str, message: &str) -> Vec<Value> {
    let mut conditions = vec![json!({"type": "Ready", "status": "False", "reason": reason, "message": message})];
    conditions.extend_from_slice(warnings);
    conditions
}

fn ready(warnings: &[Value]) -> Vec<Value> {
    let mut conditions = vec![json!({"type": "Ready", "status": "True"})];
    conditions.extend_from_slice(warnings);
    conditions
}

fn status(resource: &KafkaTopic, conditions: Vec<Value>, observed: Option<&ObservedTopic>, now: Timestamp) -> Value {
    let mut status = resource.status.as_object().cloned().unwrap_or_default();
    status.insert("conditions".to_owned(), dated(conditions, &resource.status, now));
    status.insert("observedGeneration".to_owned(), json!(resource.metadata.generation.unwrap_or(0)));
    if let Some(observed) = observed {
        status.insert("topicName".to_owned(), json!(topic_name(resource)));
        status.insert("topicId".to_owned(), json!(observed.id.to_string()));
    }
    Value::Object(status)
}
