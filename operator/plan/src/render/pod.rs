//! The pods of a pool, which share one template. They are admitted under Pod Security *restricted* unless the user's own
//! template says otherwise.
//!
//! A pod finds its own entry of the pool's configuration by its name. The first container prepares empty log directories
//! with the cluster's id and leaves prepared ones alone; the second is the node.

use k8s_openapi::api::core::v1::Volume as PodVolume;
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, EnvVarSource,
    HTTPGetAction, LocalObjectReference, ObjectFieldSelector, PodSecurityContext, PodSpec, PodTemplateSpec, Probe,
    SeccompProfile, SecurityContext, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::properties;
use crate::fingerprint;
use crate::model::{Cluster, ContainerTemplate, Listener, Pool, Volume, VolumeSource};
use crate::names;
use crate::settings::Settings;

/// The user and group that nodes run as, and that their volumes belong to; Strimzi's images use the same.
const USER: i64 = 1001;
/// Where the pool's configuration is mounted.
const CONFIG_PATH: &str = "/etc/ottla";
/// The volume of the pool's configuration.
const CONFIG_VOLUME: &str = "kafka-config";
/// The volume of `/tmp`; the root of the file system cannot be written.
const TMP_VOLUME: &str = "strimzi-tmp";
/// The largest size of `/tmp` when nobody says: it is memory.
const TMP_SIZE: &str = "5Mi";
/// A node is asked to leave, hands its partitions over and flushes within this; then it is killed.
const TERMINATION_SECONDS: i64 = 30;

/// A node that has shown no sign of life for so long since its start is started anew: longer than the largest disks take
/// to be read through.
const STARTUP_SECONDS_MAX: i32 = 3600;

/// The template of a pool's pods, but for its revision.
pub(super) fn template(cluster: &Cluster, pool: &Pool, settings: &Settings) -> PodTemplateSpec {
    let mut labels = cluster.inherited_labels.clone();
    labels.extend(pool.inherited_labels.clone());
    labels.extend(pool.templates.pod.labels.clone());
    // By these the operator knows its own pods, and the stateful set and the services theirs.
    labels.extend(names::labels(&cluster.name));
    labels.extend(names::keys([
        (names::POOL_NAME, pool.name.as_str()),
        (names::BROKER_ROLE, if pool.is_broker { "true" } else { "false" }),
        (names::CONTROLLER_ROLE, if pool.is_controller { "true" } else { "false" }),
    ]));
    let mut annotations = pool.templates.pod.annotations.clone();
    let configuration = fingerprint::of_text(&properties::of_any_node(cluster, pool));
    annotations.insert(names::CONFIGURATION_HASH.to_owned(), configuration);
    PodTemplateSpec {
        metadata: Some(ObjectMeta { labels: Some(labels), annotations: Some(annotations), ..ObjectMeta::default() }),
        spec: Some(spec(cluster, pool, settings)),
    }
}

/// Where a volume is mounted.
pub(super) fn mount_path(volume: &Volume) -> String {
    format!("/var/lib/kafka/{}", names::volume(volume.id))
}

fn spec(cluster: &Cluster, pool: &Pool, settings: &Settings) -> PodSpec {
    let laid = &pool.templates.pod_spec.spec;
    let default_secrets =
        settings.image_pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() }).collect::<Vec<_>>();
    let mut volumes = own_volumes(cluster, pool);
    volumes.extend(laid.volumes.iter().flatten().cloned());
    PodSpec {
        init_containers: Some(vec![init_container(cluster, pool, settings)]),
        containers: vec![container(cluster, pool, settings)],
        volumes: Some(volumes),
        service_account_name: Some(names::component(&cluster.name)),
        // A node asks nothing of the API server.
        automount_service_account_token: Some(false),
        termination_grace_period_seconds: laid.termination_grace_period_seconds.or(Some(TERMINATION_SECONDS)),
        security_context: laid.security_context.clone().or_else(|| Some(pod_security())),
        image_pull_secrets: laid
            .image_pull_secrets
            .clone()
            .or(Some(default_secrets).filter(|secrets| !secrets.is_empty())),
        ..laid.clone()
    }
}

fn own_volumes(cluster: &Cluster, pool: &Pool) -> Vec<PodVolume> {
    let named = |name: &str| PodVolume { name: name.to_owned(), ..PodVolume::default() };
    let config = ConfigMapVolumeSource {
        name: names::pool_config(&cluster.name, &pool.name),
        ..ConfigMapVolumeSource::default()
    };
    let tmp_size = pool.templates.pod_spec.tmp_size_limit.as_deref().unwrap_or(TMP_SIZE);
    let tmp =
        EmptyDirVolumeSource { medium: Some("Memory".to_owned()), size_limit: Some(Quantity(tmp_size.to_owned())) };
    let mut volumes = vec![
        PodVolume { config_map: Some(config), ..named(CONFIG_VOLUME) },
        PodVolume { empty_dir: Some(tmp), ..named(TMP_VOLUME) },
    ];
    for volume in &pool.storage.volumes {
        // Claims are mounted by the stateful set under the names of their templates.
        if let VolumeSource::Ephemeral { size_limit } = &volume.source {
            let source = EmptyDirVolumeSource { size_limit: size_limit.clone().map(Quantity), medium: None };
            volumes.push(PodVolume { empty_dir: Some(source), ..named(&names::volume(volume.id)) });
        }
    }
    volumes
}

fn container(cluster: &Cluster, pool: &Pool, settings: &Settings) -> Container {
    let mut ports = vec![port(names::METRICS_PORT_NAME, names::METRICS_PORT)];
    if pool.is_controller {
        ports.push(port("tcp-ctrlplane", names::CONTROL_PLANE_PORT));
    }
    if pool.is_broker {
        ports.push(port("tcp-replication", names::REPLICATION_PORT));
        let of_listener =
            |listener: &Listener| port(&names::listener_port(&listener.name, listener.port), listener.port);
        ports.extend(cluster.listeners.iter().map(of_listener));
    }
    Container {
        name: names::CONTAINER.to_owned(),
        args: Some(vec![
            "--config".to_owned(),
            format!("{CONFIG_PATH}/$(POD_NAME).properties"),
            "--metrics".to_owned(),
            format!("0.0.0.0:{}", names::METRICS_PORT),
        ]),
        ports: Some(ports),
        resources: pool.resources.clone(),
        startup_probe: Some(startup_probe()),
        liveness_probe: Some(probe("/healthz", &cluster.probes.liveness)),
        readiness_probe: Some(probe("/readyz", &cluster.probes.readiness)),
        ..common(cluster, pool, &pool.templates.container, settings)
    }
}

fn init_container(cluster: &Cluster, pool: &Pool, settings: &Settings) -> Container {
    let arguments = [
        "format".to_owned(),
        "--config".to_owned(),
        format!("{CONFIG_PATH}/$(POD_NAME).properties"),
        "--cluster-id".to_owned(),
        cluster.cluster_id.to_string(),
        "--standalone".to_owned(),
        "--ignore-formatted".to_owned(),
    ];
    Container {
        name: names::INIT_CONTAINER.to_owned(),
        args: Some(arguments.to_vec()),
        // As for the node itself: a namespace whose quota demands limits takes no container without.
        resources: pool.resources.clone(),
        ..common(cluster, pool, &pool.templates.init_container, settings)
    }
}

/// What both containers have.
fn common(cluster: &Cluster, pool: &Pool, template: &ContainerTemplate, settings: &Settings) -> Container {
    let pod_name = EnvVarSource {
        field_ref: Some(ObjectFieldSelector {
            field_path: "metadata.name".to_owned(),
            ..ObjectFieldSelector::default()
        }),
        ..EnvVarSource::default()
    };
    let mut environment = vec![EnvVar { name: "POD_NAME".to_owned(), value: None, value_from: Some(pod_name) }];
    // What the pod needs to find itself is not the user's to change.
    environment.extend(template.environment.iter().filter(|variable| variable.name != "POD_NAME").cloned());
    let mut mounts = vec![mount(CONFIG_VOLUME, CONFIG_PATH, true), mount(TMP_VOLUME, "/tmp", false)];
    mounts
        .extend(pool.storage.volumes.iter().map(|volume| mount(&names::volume(volume.id), &mount_path(volume), false)));
    mounts.extend(template.volume_mounts.clone());
    Container {
        image: Some(cluster.image.clone()),
        image_pull_policy: settings.image_pull_policy.clone(),
        env: Some(environment),
        volume_mounts: Some(mounts),
        security_context: template.security_context.clone().or_else(|| Some(container_security())),
        ..Container::default()
    }
}

/// After a crash of its machine a node reads its logs again before it serves, which takes minutes where they are large.
/// Until it was seen alive once, its liveness is not asked for, so it is not killed while it does so; and as it is asked
/// each second, one that starts at once is not held up.
fn startup_probe() -> Probe {
    Probe {
        http_get: Some(ask("/healthz")),
        timeout_seconds: Some(5),
        period_seconds: Some(1),
        failure_threshold: Some(STARTUP_SECONDS_MAX),
        ..Probe::default()
    }
}

/// Asks the node's own HTTP listener.
fn ask(path: &str) -> HTTPGetAction {
    HTTPGetAction {
        path: Some(path.to_owned()),
        port: IntOrString::String(names::METRICS_PORT_NAME.to_owned()),
        scheme: Some("HTTP".to_owned()),
        ..HTTPGetAction::default()
    }
}

/// The user's numbers win over ours, which suit a node that is up in a second.
fn probe(path: &str, laid: &Probe) -> Probe {
    Probe {
        http_get: Some(ask(path)),
        initial_delay_seconds: laid.initial_delay_seconds,
        timeout_seconds: laid.timeout_seconds.or(Some(5)),
        period_seconds: laid.period_seconds.or(Some(if path == "/readyz" { 1 } else { 10 })),
        success_threshold: laid.success_threshold.or(Some(1)),
        failure_threshold: laid.failure_threshold.or(Some(3)),
        ..Probe::default()
    }
}

fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        fs_group: Some(USER),
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        ..PodSecurityContext::default()
    }
}

fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        capabilities: Some(Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        ..SecurityContext::default()
    }
}

fn port(name: &str, number: u16) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: number.into(),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

fn mount(name: &str, path: &str, is_read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: is_read_only.then_some(true),
        ..VolumeMount::default()
    }
}
