//! From resources as users wrote them to the checked [`Cluster`], with everything that is to be said about them.
//!
//! The schema is checked first, so that the rules below it find each field of the right kind or absent. A refusal gives no
//! cluster: then nothing is written and what runs goes on as it is. What no rule has read at the end becomes a warning
//! with its path: nothing that a user writes is ignored in silence.

mod config;
mod listeners;
mod nodes;
mod storage;
mod template;
mod unread;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use ottla_crds::{CustomResource, Fault, Kafka, KafkaNodePool, Kind, Path, Problem, STORED_VERSION};
use ottla_vocabulary::Uuid;
use serde_json::Value;

pub(crate) use config::judge;
pub(crate) use nodes::pools_of;

use crate::document::{Document, Place};
use crate::finding::{Findings, Reason, Subject};
use crate::fingerprint;
use crate::model::{Cluster, TopicController};
use crate::names::{self, Keys};
use crate::object::ObjectKind;
use crate::settings::{Settings, WATCHED_NAMESPACES};
use crate::world::{self, World};

/// How often topics are looked at when the resource does not say: Strimzi's period.
const TOPIC_INTERVAL_MS: i64 = 120_000;
/// The release whose protocol our brokers speak; `spec.kafka.version` may say so without a warning.
pub(crate) const KAFKA_VERSION: &str = "4.4.0";
/// The metadata version that clusters are made with.
pub(crate) const METADATA_VERSION: &str = "4.4";

/// Checks a Kafka resource and its pools against each other and against what stands in the world. Where there are refusals,
/// a cluster may be given all the same, for further checks to say at once what else is wrong; nothing is done with it.
pub(crate) fn validate(
    kafka: &Kafka,
    pools: &[&KafkaNodePool],
    world: &World,
    settings: &Settings,
) -> (Option<Cluster>, Findings) {
    let mut findings = Findings::default();
    check_schema(kafka, Kind::Kafka, &Subject::Kafka, &mut findings);
    for pool in pools {
        check_schema(pool, Kind::KafkaNodePool, &Subject::Pool(pool.name().to_owned()), &mut findings);
    }
    if !findings.refusals.is_empty() {
        return (None, findings);
    }
    let document = Document::new("spec", &kafka.spec);
    let cluster = read(kafka, pools, &document.place(), world, settings, &mut findings);
    // Where reading ended early, what was not read says nothing.
    if cluster.is_some() {
        unread::report(&document, &Subject::Kafka, &mut findings);
    }
    (cluster, findings)
}

fn check_schema<K: ottla_crds::resource::Marker>(
    resource: &CustomResource<K>,
    kind: Kind,
    subject: &Subject,
    findings: &mut Findings,
) {
    let spec = if resource.spec.is_null() { Value::Object(serde_json::Map::new()) } else { resource.spec.clone() };
    let problems = kind.schema().check(&serde_json::json!({ "spec": spec }));
    for Problem { path, fault } in problems {
        match fault {
            Fault::Unknown { nearest } => {
                let nearest = nearest.as_deref();
                let meant = nearest.map(|name| format!(": did you mean {name}?")).unwrap_or_default();
                let message = format!("{path} is not a field of {}{meant}", kind.name());
                match kind == Kind::Kafka && is_about_access(&path, nearest) {
                    true => findings.refuse_as(subject, Reason::InvalidResource, message),
                    false => findings.warn(subject, Reason::UnknownFields, message),
                }
            }
            Fault::Missing => findings.refuse(subject, &path, "is missing"),
            Fault::Wrong { expected, found } => {
                findings.refuse(subject, &path, format!("must be {expected}, and is {found}"));
            }
        }
    }
}

/// Whether a field that nobody knows may have been meant to keep somebody out: then a cluster without it could be open to
/// everybody. All that is below a listener is taken for such; the API server lets it through as it stands.
fn is_about_access(path: &Path, nearest: Option<&str>) -> bool {
    let part = field(&["spec", "kafka"]);
    part.field("listeners").contains(path) || (part.contains(path) && nearest == Some("authorization"))
}

fn read(
    kafka: &Kafka,
    pools: &[&KafkaNodePool],
    spec: &Place<'_>,
    world: &World,
    settings: &Settings,
    findings: &mut Findings,
) -> Option<Cluster> {
    let part = spec.field("kafka").enter();
    let template = part.field("template").enter();
    if !part.is_present() {
        findings.refuse(&Subject::Kafka, part.path(), "is missing");
        return None;
    }
    let name = kafka.name().to_owned();
    if !nodes::check_names(&name, pools, findings) || !nodes::check_pools(kafka, pools, findings) {
        return None;
    }
    let broker_count = nodes::broker_count(&part, pools);
    let pools = nodes::read(kafka, pools, &part, world, settings, findings);
    let listeners = listeners::read(&part, &pools, findings);
    let config = config::read(&part.field("config"), broker_count, &listeners, findings);
    check_versions(&part, findings);
    let cluster = Cluster {
        namespace: kafka.namespace().to_owned(),
        owner: owner(&kafka.metadata, Kind::Kafka),
        inherited_labels: inherited(&kafka.metadata, settings),
        cluster_id: cluster_id(kafka, world),
        service_domain: settings.service_domain.clone(),
        listeners,
        config,
        image: image(&part, settings, findings),
        templates: template::of_cluster(&template, findings),
        nodes_down_max: template::nodes_down_max(&template),
        probes: template::probes(&part, findings),
        topics: topics(kafka, spec, settings, findings),
        pools,
        name,
    };
    Some(cluster)
}

/// The owner reference by which Kubernetes deletes what was made for a resource along with it.
pub(crate) fn owner(metadata: &ObjectMeta, kind: Kind) -> OwnerReference {
    OwnerReference {
        api_version: format!("{}/{STORED_VERSION}", ottla_crds::GROUP),
        kind: kind.name().to_owned(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
        controller: Some(false),
        block_owner_deletion: Some(false),
    }
}

/// The labels that what is made for a resource inherits: all but the operator's own and those that tools put on to know
/// what *they* manage.
fn inherited(metadata: &ObjectMeta, settings: &Settings) -> Keys {
    let passes = |key: &str| match &settings.labels_exclusion {
        Some(pattern) => !pattern.matches(key),
        None if key.starts_with("app.kubernetes.io/") => key == "app.kubernetes.io/part-of",
        None => !key.starts_with("kustomize.toolkit.fluxcd.io"),
    };
    let labels = metadata.labels.iter().flatten();
    labels
        .filter(|(key, _)| !key.starts_with(names::STRIMZI) && passes(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The id of the cluster: what its volumes hold, else what its status says, else the resource's uid, which is a random
/// UUID as Kafka's own ids are. A cluster made again over kept claims thus finds its data.
fn cluster_id(kafka: &Kafka, world: &World) -> Uuid {
    let claims = world.of_kind(ObjectKind::PersistentVolumeClaim);
    let of_claims = claims
        .filter(|(_, claim)| world::is_marked_ours(claim, kafka.name()))
        .find_map(|(_, claim)| world::annotation(claim, names::CLUSTER_ID)?.parse().ok());
    let of_status = || kafka.status["clusterId"].as_str().and_then(|text| text.parse().ok());
    of_claims.or_else(of_status).unwrap_or_else(|| {
        let uid = kafka.metadata.uid.as_deref().unwrap_or_default();
        let digits: String = uid.chars().filter(char::is_ascii_hexdigit).collect();
        // Only a dry run has no uid; it still shows a plan, and the same one each time.
        let fallback = || fingerprint::number(&format!("{}/{}", kafka.namespace(), kafka.name()));
        let bits = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32).unwrap_or_else(fallback);
        // Where Kafka would draw again, another bit is as good as another draw.
        let draw = |bits: u128| Uuid::from_random(bits.to_be_bytes());
        draw(bits).or_else(|| draw(bits ^ (1 << 127))).unwrap_or(Uuid(bits.to_be_bytes()))
    })
}

/// The image of brokers. One of Strimzi's holds Apache Kafka with Strimzi's scripts, which an Ottla pod cannot run: it
/// stands in manifests that pinned it, and is passed over.
fn image(part: &Place<'_>, settings: &Settings, findings: &mut Findings) -> String {
    let place = part.field("image");
    match place.text() {
        Some(image) if image.contains("strimzi/") => {
            let message = format!(
                "{} names an image of Strimzi, which holds no Ottla broker: {} is used",
                place.path(),
                settings.image
            );
            findings.warn(&Subject::Kafka, Reason::UnsupportedFields, message);
            settings.image.clone()
        }
        Some(image) => image.to_owned(),
        None => settings.image.clone(),
    }
}

fn check_versions(part: &Place<'_>, findings: &mut Findings) {
    let version = part.field("version");
    if let Some(text) = version.text()
        && !is_kafka_version(text)
    {
        let message = format!(
            "{} is {text}, which is no version of Kafka up to {KAFKA_VERSION}: the brokers speak {KAFKA_VERSION}",
            version.path()
        );
        findings.warn(&Subject::Kafka, Reason::KafkaVersion, message);
    }
    let metadata = part.field("metadataVersion");
    if let Some(text) = metadata.text()
        && text != METADATA_VERSION
        && !text.starts_with(&format!("{METADATA_VERSION}-"))
    {
        let message = format!("{} is {text}: clusters are made with {METADATA_VERSION}", metadata.path());
        findings.warn(&Subject::Kafka, Reason::KafkaMetadataVersion, message);
    }
}

/// Releases of Apache Kafka that manifests of any age name: 2.0 to 4.4 with an optional patch.
fn is_kafka_version(text: &str) -> bool {
    let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    match numbers.as_deref() {
        Some([2, minor] | [2, minor, _]) => *minor <= 8,
        Some([3, minor] | [3, minor, _]) => *minor <= 9,
        Some([4, minor] | [4, minor, _]) => *minor <= 4,
        _ => false,
    }
}

/// Topics are served where `entityOperator.topicOperator` asks for it, or the `topicOperator` of the oldest age.
pub(crate) fn topics(
    kafka: &Kafka,
    spec: &Place<'_>,
    settings: &Settings,
    findings: &mut Findings,
) -> Option<TopicController> {
    let section = [spec.field("entityOperator").field("topicOperator"), spec.field("topicOperator")];
    let section = section.into_iter().find(Place::is_present)?.enter();
    let watched = section.field("watchedNamespace");
    let namespace = match watched.text() {
        Some(other) if other != kafka.namespace() && !settings.watched_namespaces => {
            let message = format!(
                "{} has no effect: topics of other namespaces are served only where the operator's \
                 {WATCHED_NAMESPACES} is true",
                watched.path()
            );
            findings.warn(&Subject::Kafka, Reason::UnsupportedFields, message);
            kafka.namespace()
        }
        watched => watched.unwrap_or(kafka.namespace()),
    };
    let namespace = namespace.to_owned();
    let seconds = section.field("reconciliationIntervalSeconds").whole().map(|seconds| seconds.saturating_mul(1000));
    let interval_ms = section.field("reconciliationIntervalMs").whole().or(seconds).unwrap_or(TOPIC_INTERVAL_MS);
    Some(TopicController { namespace, interval_ms })
}

/// Where a rule of ours was broken.
pub(crate) fn field(path: &[&str]) -> Path {
    path.iter().fold(Path::root(), |path, name| path.field(name))
}
