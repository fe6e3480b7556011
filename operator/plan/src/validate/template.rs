//! What users lay over the objects that are made: templates, and the fields that were their forerunners in older ages
//! (affinity and tolerations beside the template).
//!
//! Pieces that are Kubernetes' own go over into Kubernetes' own types; one that does not fit them refuses the resource
//! with its path. A part of the template that a pool sets stands in the place of the same part of the Kafka resource.

use k8s_openapi::api::core::v1 as core;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::document::{Place, plain_text};
use crate::finding::{Findings, Reason, Subject};
use crate::model::{ContainerTemplate, Metadata, PodTemplate, PoolTemplates, Probes, ServiceTemplate, Templates};
use crate::names::{self, Keys};
use crate::quantity;

/// Where users may mount volumes of their own, as in Strimzi: elsewhere they would hide what the broker needs.
const MOUNTS: &str = "/mnt";

/// The templates of the objects of the whole cluster.
pub(super) fn of_cluster(template: &Place<'_>, findings: &mut Findings) -> Templates {
    let subject = Subject::Kafka;
    Templates {
        bootstrap_service: service(&template.field("bootstrapService"), &subject, findings),
        brokers_service: service(&template.field("brokersService"), &subject, findings),
        service_account: metadata(&template.field("serviceAccount"), &subject, findings),
        disruption_budget: metadata(&template.field("podDisruptionBudget"), &subject, findings),
    }
}

/// How many nodes may be down for maintenance at once.
pub(super) fn nodes_down_max(template: &Place<'_>) -> i32 {
    let most = template.field("podDisruptionBudget").field("maxUnavailable").whole();
    most.and_then(|most| i32::try_from(most).ok()).unwrap_or(1)
}

/// The templates of the objects of a pool: of its own resource where that says something, else of the Kafka resource.
pub(super) fn of_pool(
    of_kafka: &Place<'_>,
    of_pool: Option<&Place<'_>>,
    part: &Place<'_>,
    subject: &Subject,
    findings: &mut Findings,
) -> PoolTemplates {
    let choose = |name: &str| match of_pool.map(|template| template.field(name)).filter(Place::is_present) {
        Some(own) => (own.enter(), subject.clone()),
        None => (of_kafka.field(name).enter(), Subject::Kafka),
    };
    let mut stateful_set = Metadata::default();
    for name in ["statefulset", "podSet"] {
        let (place, subject) = choose(name);
        let Metadata { labels, annotations } = metadata(&place, &subject, findings);
        stateful_set.labels.extend(labels);
        stateful_set.annotations.extend(annotations);
    }
    let (pod, pod_subject) = choose("pod");
    let (container_place, container_subject) = choose("kafkaContainer");
    let (init_place, init_subject) = choose("initContainer");
    let (claim_place, claim_subject) = choose("persistentVolumeClaim");
    PoolTemplates {
        stateful_set,
        pod: metadata(&pod, &pod_subject, findings),
        pod_spec: pod_spec(&pod, part, &pod_subject, findings),
        container: container(&container_place, &container_subject, findings),
        init_container: container(&init_place, &init_subject, findings),
        claim: metadata(&claim_place, &claim_subject, findings),
    }
}

/// CPU and memory. Quantities come as texts and, in older ages, as numbers.
pub(super) fn resources(
    place: &Place<'_>,
    subject: &Subject,
    findings: &mut Findings,
) -> Option<core::ResourceRequirements> {
    let mut value = Map::new();
    for name in ["limits", "requests"] {
        let place = place.field(name);
        let mut quantities = Map::new();
        for (resource, place) in place.fields() {
            match place.take().and_then(quantity::text).filter(|text| quantity::parse(text) >= Some(0.0)) {
                Some(text) => {
                    quantities.insert(resource.to_owned(), Value::String(quantity::rounded(resource, &text)));
                }
                None => findings.refuse(subject, place.path(), "must be a quantity such as 500m or 2Gi"),
            }
        }
        if place.is_present() {
            place.take();
            value.insert(name.to_owned(), Value::Object(quantities));
        }
    }
    if let Some(claims) = place.field("claims").take() {
        value.insert("claims".to_owned(), claims.clone());
    }
    place.is_present().then(|| typed(&Value::Object(value), place, subject, findings)).flatten()
}

/// When a node counts as alive and as ready.
pub(super) fn probes(part: &Place<'_>, findings: &mut Findings) -> Probes {
    let mut probe = |name: &str| {
        let place = part.field(name);
        let mut value = Map::new();
        for (field, place) in place.fields() {
            // Older ages let zeroes through, and Kubernetes took them for nothing said.
            let number = place.whole().filter(|number| *number != 0 || field == "initialDelaySeconds");
            value.extend(number.map(|number| (field.to_owned(), json!(number))));
        }
        typed(&Value::Object(value), &place, &Subject::Kafka, findings).unwrap_or_default()
    };
    Probes { liveness: probe("livenessProbe"), readiness: probe("readinessProbe") }
}

fn service(place: &Place<'_>, subject: &Subject, findings: &mut Findings) -> ServiceTemplate {
    let families = place.field("ipFamilies").elements();
    ServiceTemplate {
        metadata: metadata(place, subject, findings),
        ip_family_policy: place.field("ipFamilyPolicy").text().map(str::to_owned),
        ip_families: families.iter().filter_map(|family| family.text().map(str::to_owned)).collect(),
    }
}

fn metadata(place: &Place<'_>, subject: &Subject, findings: &mut Findings) -> Metadata {
    let mut keys = |name: &str| -> Keys {
        let place = place.field("metadata").field(name);
        let mut keys = place.keys();
        keys.retain(|key, _| {
            let path = place.path().field(key);
            if key.starts_with(names::STRIMZI) || key.starts_with(names::OTTLA) {
                findings.refuse(subject, &path, "is the operator's to set");
                return false;
            }
            let is_own = name == "labels" && names::labels("").contains_key(key);
            if is_own {
                let message = format!("{path} has no effect: by this label the operator knows what is its own");
                findings.warn(subject, Reason::UnsupportedFields, message);
            }
            !is_own
        });
        keys
    };
    Metadata { labels: keys("labels"), annotations: keys("annotations") }
}

/// Fields of the template that are fields of Kubernetes' pod spec under the same name.
const POD_FIELDS: [&str; 12] = [
    "imagePullSecrets",
    "securityContext",
    "terminationGracePeriodSeconds",
    "topologySpreadConstraints",
    "priorityClassName",
    "schedulerName",
    "hostAliases",
    "dnsPolicy",
    "dnsConfig",
    "enableServiceLinks",
    "hostUsers",
    "volumes",
];

fn pod_spec(template: &Place<'_>, part: &Place<'_>, subject: &Subject, findings: &mut Findings) -> PodTemplate {
    let mut spec = core::PodSpec::default();
    for name in POD_FIELDS {
        lay(&template.field(name), name, subject, &mut spec, findings);
    }
    for name in ["affinity", "tolerations"] {
        // Beside the template in the oldest ages; the template's own word counts more.
        let (older, newer) = (part.field(name), template.field(name));
        lay(if newer.is_present() { &newer } else { &older }, name, subject, &mut spec, findings);
    }
    PodTemplate { spec, tmp_size_limit: template.field("tmpDirSizeLimit").text().map(str::to_owned) }
}

/// Lays one field of a pod's spec over it.
fn lay(place: &Place<'_>, name: &str, subject: &Subject, spec: &mut core::PodSpec, findings: &mut Findings) {
    let Some(value) = place.take() else { return };
    let mut value = value.clone();
    if name == "volumes" {
        value.as_array_mut().into_iter().flatten().for_each(mend_size_limit);
    }
    let part: Option<core::PodSpec> = typed(&json!({"containers": [], name: value}), place, subject, findings);
    let Some(part) = part else { return };
    match name {
        "imagePullSecrets" => spec.image_pull_secrets = part.image_pull_secrets,
        "securityContext" => spec.security_context = part.security_context,
        "terminationGracePeriodSeconds" => {
            spec.termination_grace_period_seconds = part.termination_grace_period_seconds;
        }
        "topologySpreadConstraints" => spec.topology_spread_constraints = part.topology_spread_constraints,
        "priorityClassName" => spec.priority_class_name = part.priority_class_name,
        "schedulerName" => spec.scheduler_name = part.scheduler_name,
        "hostAliases" => spec.host_aliases = part.host_aliases,
        "dnsPolicy" => spec.dns_policy = part.dns_policy,
        "dnsConfig" => spec.dns_config = part.dns_config,
        "enableServiceLinks" => spec.enable_service_links = part.enable_service_links,
        "hostUsers" => spec.host_users = part.host_users,
        "volumes" => spec.volumes = part.volumes,
        "affinity" => spec.affinity = part.affinity,
        "tolerations" => spec.tolerations = part.tolerations,
        other => unreachable!("{other} is not among the fields that are laid over a pod"),
    }
}

/// From 0.43 to 0.48 the size of an empty directory was an object of amount and format.
fn mend_size_limit(volume: &mut Value) {
    let Some(limit) = volume.get_mut("emptyDir").and_then(|directory| directory.get_mut("sizeLimit")) else { return };
    let part = |name: &str| limit.get(name).and_then(plain_text).unwrap_or_default();
    let text = if limit.is_object() { Some(part("amount") + &part("format")) } else { plain_text(limit) };
    *limit = text.map_or(Value::Null, Value::String);
}

fn container(place: &Place<'_>, subject: &Subject, findings: &mut Findings) -> ContainerTemplate {
    let mounts = place.field("volumeMounts");
    for mount in mounts.elements() {
        let path = mount.field("mountPath");
        let inside = path.peek().and_then(Value::as_str).is_some_and(|text| text.starts_with(MOUNTS));
        if !inside {
            findings.refuse(subject, path.path(), format!("must lie below {MOUNTS}"));
        }
    }
    ContainerTemplate {
        environment: taken(&place.field("env"), subject, findings).unwrap_or_default(),
        security_context: taken(&place.field("securityContext"), subject, findings),
        volume_mounts: taken(&mounts, subject, findings).unwrap_or_default(),
    }
}

fn taken<T: DeserializeOwned>(place: &Place<'_>, subject: &Subject, findings: &mut Findings) -> Option<T> {
    typed(place.take()?, place, subject, findings)
}

fn typed<T: DeserializeOwned>(
    value: &Value,
    place: &Place<'_>,
    subject: &Subject,
    findings: &mut Findings,
) -> Option<T> {
    match serde_json::from_value(value.clone()) {
        Ok(typed) => Some(typed),
        Err(error) => {
            findings.refuse(subject, place.path(), format!("is not what Kubernetes takes there: {error}"));
            None
        }
    }
}
