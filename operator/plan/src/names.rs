//! Every name, label, annotation and port that the operator gives, in one place. They are Strimzi's: users' scripts,
//! alerts and dashboards select by them.
//!
//! Given the names of a cluster, a pool and a node, these functions give text; what carries it is in `render`.

use std::collections::BTreeMap;

/// Labels and annotations by key.
pub type Keys = BTreeMap<String, String>;

/// The prefix of labels and annotations that are the operator's, and that users must not set in templates.
pub const STRIMZI: &str = "strimzi.io/";

/// The prefix of annotations that only this operator knows, and that users must not set in templates either.
pub const OTTLA: &str = "ottla.io/";

/// Label: the kind of the resource that an object was made for.
pub const KIND: &str = "strimzi.io/kind";
/// Label: the cluster that an object belongs to.
pub const CLUSTER: &str = "strimzi.io/cluster";
/// Label: the component, such as `my-cluster-kafka`.
pub const NAME: &str = "strimzi.io/name";
/// Label: the type of the component, such as `kafka`.
pub const COMPONENT_TYPE: &str = "strimzi.io/component-type";
/// Label: the pool of a node.
pub const POOL_NAME: &str = "strimzi.io/pool-name";
/// Label: whether the node is a broker.
pub const BROKER_ROLE: &str = "strimzi.io/broker-role";
/// Label: whether the node is a controller.
pub const CONTROLLER_ROLE: &str = "strimzi.io/controller-role";
/// Label and annotation: how a program finds the listeners of a service.
pub const DISCOVERY: &str = "strimzi.io/discovery";
/// Label of Kubernetes: who makes and changes an object. By it, and by the owner, we know our own.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`] on what is ours. Strimzi's is another, so neither takes the other's for its own.
pub const OPERATOR: &str = "ottla-operator";

/// Annotation that users set: stop acting on a resource.
pub const PAUSE: &str = "strimzi.io/pause-reconciliation";
/// Annotation that users set on a pod or a stateful set: restart it.
pub const MANUAL_ROLLING_UPDATE: &str = "strimzi.io/manual-rolling-update";
/// Annotation that users set on a pool: ids to be given to its next nodes, such as `[0, 1, 10-15]`.
pub const NEXT_NODE_IDS: &str = "strimzi.io/next-node-ids";
/// Annotation that users set on a cluster: `enabled` leaves its nodes to pools, whatever the resource itself says.
pub const NODE_POOLS: &str = "strimzi.io/node-pools";
/// Annotation that users set on a topic: `false` leaves the topic alone.
pub const MANAGED: &str = "strimzi.io/managed";
/// The finalizer of topics.
pub const TOPIC_FINALIZER: &str = "strimzi.io/topic-operator";

/// Annotation of pods: fingerprint of the configuration that the node was started with.
pub const CONFIGURATION_HASH: &str = "strimzi.io/configuration-hash";
/// Annotation of pods: fingerprint of the whole template that the pod was made from.
pub const REVISION: &str = "strimzi.io/revision";
/// Annotation of stateful sets, and of a pool's configuration, which outlives them: the storage that the nodes were made with.
pub const STORAGE: &str = "strimzi.io/storage";
/// Annotation of claims: whether the claim goes with the cluster.
pub const DELETE_CLAIM: &str = "strimzi.io/delete-claim";
/// Annotation of claims: the cluster whose data the volume holds, so that a cluster made again finds its id.
pub const CLUSTER_ID: &str = "ottla.io/cluster-id";
/// Annotation of a pool's configuration: which node id each pod has.
pub const NODE_IDS: &str = "ottla.io/node-ids";
/// Annotation of stateful sets: fingerprint of what they were made with and what cannot be changed afterwards.
pub const FIXED: &str = "ottla.io/fixed";
/// Annotation of everything that is applied: fingerprint of what was applied, by which a removed field is noticed.
pub const APPLIED: &str = "ottla.io/applied";

/// Listener of the controllers.
pub const CONTROL_PLANE_PORT: u16 = 9090;
/// Listener of the brokers among each other, and of the operator.
pub const REPLICATION_PORT: u16 = 9091;
/// Health, readiness and metrics.
pub const METRICS_PORT: u16 = 9404;
/// Ports that no listener may take: metrics, and Java's remote management in Strimzi's pods.
pub const RESERVED_PORTS: [u16; 2] = [9404, 9999];
/// Name of the port of the metrics.
pub const METRICS_PORT_NAME: &str = "tcp-prometheus";

/// The name of the pool that stands for a cluster without pools: its pods are `<cluster>-kafka-<id>`.
pub const VIRTUAL_POOL: &str = "kafka";
/// The container of the broker.
pub const CONTAINER: &str = "kafka";
/// The container that prepares the log directories.
pub const INIT_CONTAINER: &str = "kafka-init";

/// The component: also the name of the service account and of the disruption budget.
pub fn component(cluster: &str) -> String {
    format!("{cluster}-kafka")
}

/// The headless service by which nodes are named.
pub fn brokers_service(cluster: &str) -> String {
    format!("{cluster}-kafka-brokers")
}

/// The service that clients begin with.
pub fn bootstrap_service(cluster: &str) -> String {
    format!("{cluster}-kafka-bootstrap")
}

/// The network policy.
pub fn network_policy(cluster: &str) -> String {
    format!("{cluster}-network-policy-kafka")
}

/// The stateful set of a pool; its pods are named after it.
pub fn pool(cluster: &str, pool: &str) -> String {
    format!("{cluster}-{pool}")
}

/// The configuration of a pool's nodes.
pub fn pool_config(cluster: &str, pool: &str) -> String {
    format!("{cluster}-{pool}-config")
}

/// The pod of a node.
pub fn pod(cluster: &str, pool: &str, ordinal: i32) -> String {
    format!("{cluster}-{pool}-{ordinal}")
}

/// The entry of a node in its pool's configuration, which is also its file's name.
pub fn pod_config(pod: &str) -> String {
    format!("{pod}.properties")
}

/// The volume of a storage: `data`, or `data-<id>` of several.
pub fn volume(id: Option<i64>) -> String {
    id.map_or_else(|| "data".to_owned(), |id| format!("data-{id}"))
}

/// The claim of a volume of a node.
pub fn claim(volume: &str, pod: &str) -> String {
    format!("{volume}-{pod}")
}

/// The name of a listener in the configuration of a broker, such as `PLAIN-9092`.
pub fn listener(name: &str, port: u16) -> String {
    format!("{}-{port}", name.to_uppercase())
}

/// The name of a listener's port in services. Three pairs keep the names that they had before listeners had names.
pub fn listener_port(name: &str, port: u16) -> String {
    match (name, port) {
        ("plain", 9092) => "tcp-clients".to_owned(),
        ("tls", 9093) => "tcp-clientstls".to_owned(),
        ("external", 9094) => "tcp-external".to_owned(),
        _ => format!("tcp-{name}"),
    }
}

/// Secrets that Strimzi keeps for a cluster: where one stands that is not ours, Strimzi runs the cluster.
pub fn authority_secrets(cluster: &str) -> [String; 5] {
    ["cluster-ca", "cluster-ca-cert", "clients-ca", "clients-ca-cert", "cluster-operator-certs"]
        .map(|part| format!("{cluster}-{part}"))
}

/// The labels by which everything of a cluster's nodes is selected.
pub fn selector(cluster: &str) -> Keys {
    keys([(CLUSTER, cluster), (KIND, "Kafka"), (NAME, &component(cluster))])
}

/// The labels by which the nodes of one pool are selected.
pub fn pool_selector(cluster: &str, pool: &str) -> Keys {
    let mut labels = selector(cluster);
    labels.insert(POOL_NAME.to_owned(), pool.to_owned());
    labels
}

/// The labels of every object of a cluster.
pub fn labels(cluster: &str) -> Keys {
    let mut labels = selector(cluster);
    labels.extend(keys([
        (COMPONENT_TYPE, "kafka"),
        ("app.kubernetes.io/name", "kafka"),
        ("app.kubernetes.io/instance", cluster),
        ("app.kubernetes.io/part-of", &format!("strimzi-{cluster}")),
        (MANAGED_BY, OPERATOR),
    ]));
    labels
}

/// Labels as a selector in text, as a scale subresource shows it.
pub fn selector_text(labels: &Keys) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// Pairs as a map.
pub fn keys<const N: usize>(pairs: [(&str, &str); N]) -> Keys {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}
