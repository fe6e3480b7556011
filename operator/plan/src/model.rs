//! The cluster that is wanted, checked: only what `validate` lets through exists in this form, and everything after it
//! reads nothing else.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use ottla_vocabulary::{NodeId, Uuid};
use serde_json::Value;

use crate::names::Keys;

/// A cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The name of its Kafka resource.
    pub name: String,
    /// The namespace of everything.
    pub namespace: String,
    /// The Kafka resource as the owner of everything, that of pools too: were a pool's nodes owned by the pool, deleting it
    /// would take them away before anybody had asked whether they still hold data.
    pub owner: OwnerReference,
    /// The labels of the Kafka resource that its objects inherit.
    pub inherited_labels: Keys,
    /// Kafka's id of the cluster.
    pub cluster_id: Uuid,
    /// The domain of Kubernetes' services.
    pub service_domain: String,
    /// The nodes, pool by pool, in the order of the pools' names.
    pub pools: Vec<Pool>,
    /// The listeners that are opened.
    pub listeners: Vec<Listener>,
    /// Configuration of every broker, without what differs from node to node.
    pub config: BTreeMap<String, String>,
    /// The image of every pod.
    pub image: String,
    /// What is laid over the objects of the whole cluster.
    pub templates: Templates,
    /// How many nodes may be down at once for the sake of maintenance.
    pub nodes_down_max: i32,
    /// What the Kafka resource says of probes.
    pub probes: Probes,
    /// The controller of topics, where one is asked for.
    pub topics: Option<TopicController>,
}

/// Nodes that are alike.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Its name; `kafka` for a cluster without pools.
    pub name: String,
    /// Labels of the resource that its objects inherit.
    pub inherited_labels: Keys,
    /// Whether its nodes are brokers.
    pub is_broker: bool,
    /// Whether its nodes are controllers.
    pub is_controller: bool,
    /// Its nodes in the order of their ordinals, which are consecutive.
    pub nodes: Vec<Node>,
    /// Where its nodes keep data.
    pub storage: Storage,
    /// CPU and memory of a node.
    pub resources: Option<core::ResourceRequirements>,
    /// What is laid over its objects.
    pub templates: PoolTemplates,
}

/// One broker or controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// The number in its pod's name.
    pub ordinal: i32,
    /// Its pod.
    pub pod: String,
}

/// Where clients connect: of type internal, without TLS and without authentication. What asks for more is not opened.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its name in the resource.
    pub name: String,
    /// Its port.
    pub port: u16,
    /// Who may connect; everybody when `None`.
    pub peers: Option<Vec<NetworkPolicyPeer>>,
    /// Whether addresses are written with the domain of the cluster's services.
    pub with_service_domain: bool,
    /// The host that brokers give to clients, with `{nodeId}` and `{nodePodName}` to be filled in.
    pub advertised_host_template: Option<String>,
    /// The host and port that single brokers give to clients.
    pub advertised: BTreeMap<i64, (Option<String>, Option<u16>)>,
    /// Bounds on connections, as broker configuration.
    pub limits: BTreeMap<&'static str, i64>,
}

/// The data of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Its volumes by id; one without an id, or several (or one) with.
    pub volumes: Vec<Volume>,
    /// The place in `volumes` of the one that holds the metadata log.
    pub metadata: usize,
}

/// One volume of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its id among several.
    pub id: Option<i64>,
    /// What it is made of.
    pub source: VolumeSource,
}

/// What a volume is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeSource {
    /// Gone with the pod.
    Ephemeral {
        /// Its largest size.
        size_limit: Option<String>,
    },
    /// A claim that outlives the pod.
    Claim {
        /// How much is claimed.
        size: String,
        /// The class of storage.
        class: Option<String>,
        /// The class of attributes.
        attributes_class: Option<String>,
        /// Labels of the volumes that may be bound.
        selector: Keys,
        /// Whether it is deleted with the cluster.
        delete_claim: bool,
    },
}

/// What users lay over the objects of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    /// Over the bootstrap service.
    pub bootstrap_service: ServiceTemplate,
    /// Over the headless service.
    pub brokers_service: ServiceTemplate,
    /// Over the service account.
    pub service_account: Metadata,
    /// Over the disruption budget.
    pub disruption_budget: Metadata,
}

/// What users lay over the objects of a pool.
#[derive(Clone, Debug, Default)]
pub struct PoolTemplates {
    /// Over the stateful set.
    pub stateful_set: Metadata,
    /// Over the pods' metadata.
    pub pod: Metadata,
    /// Over the pods' spec: fields set here win over ours.
    pub pod_spec: PodTemplate,
    /// Over the broker's container.
    pub container: ContainerTemplate,
    /// Over the container that prepares the log directories.
    pub init_container: ContainerTemplate,
    /// Over the claims.
    pub claim: Metadata,
}

/// Labels and annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Labels.
    pub labels: Keys,
    /// Annotations.
    pub annotations: Keys,
}

/// What users lay over a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceTemplate {
    /// Labels and annotations.
    pub metadata: Metadata,
    /// One IP family or two.
    pub ip_family_policy: Option<String>,
    /// Which.
    pub ip_families: Vec<String>,
}

/// What users lay over a pod's spec.
#[derive(Clone, Debug, Default)]
pub struct PodTemplate {
    /// Fields of Kubernetes' pod spec that are taken over as they are.
    pub spec: core::PodSpec,
    /// The largest size of `/tmp`.
    pub tmp_size_limit: Option<String>,
}

/// What users lay over a container.
#[derive(Clone, Debug, Default)]
pub struct ContainerTemplate {
    /// Further environment.
    pub environment: Vec<core::EnvVar>,
    /// In the place of our own.
    pub security_context: Option<core::SecurityContext>,
    /// Further mounts.
    pub volume_mounts: Vec<core::VolumeMount>,
}

/// When a node counts as alive and as ready; what is absent is ours.
#[derive(Clone, Debug, Default)]
pub struct Probes {
    /// Alive.
    pub liveness: core::Probe,
    /// Ready.
    pub readiness: core::Probe,
}

/// The controller of topics of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicController {
    /// The namespace whose KafkaTopics it serves.
    pub namespace: String,
    /// How often it looks at every topic even when nothing has changed.
    pub interval_ms: i64,
}

impl Cluster {
    /// How many nodes are brokers.
    pub fn broker_count(&self) -> usize {
        self.pools.iter().filter(|pool| pool.is_broker).map(|pool| pool.nodes.len()).sum()
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.pools.iter().map(|pool| pool.nodes.len()).sum()
    }

    /// Whether the listeners of nodes among each other are open beyond their own pod. They carry neither TLS nor
    /// authentication yet, so they are only where a client's listener without both is open too, by the user's own wish:
    /// whoever asked for security must not get a back door.
    pub fn is_open(&self) -> bool {
        !self.listeners.is_empty()
    }
}

impl Storage {
    /// The storage as it is remembered on the stateful set.
    pub fn to_value(&self) -> Value {
        let volumes: Vec<Value> = self.volumes.iter().map(Volume::to_value).collect();
        serde_json::json!({ "volumes": volumes, "metadata": self.metadata })
    }

    /// The storage that was remembered.
    pub fn from_value(value: &Value) -> Option<Storage> {
        let volumes: Vec<Volume> =
            value["volumes"].as_array()?.iter().map(Volume::from_value).collect::<Option<_>>()?;
        let metadata = usize::try_from(value["metadata"].as_u64()?).ok().filter(|place| *place < volumes.len())?;
        Some(Storage { volumes, metadata })
    }
}

impl Volume {
    fn to_value(&self) -> Value {
        match &self.source {
            VolumeSource::Ephemeral { size_limit } => {
                serde_json::json!({ "id": self.id, "type": "ephemeral", "sizeLimit": size_limit })
            }
            VolumeSource::Claim { size, class, attributes_class, selector, delete_claim } => serde_json::json!({
                "id": self.id,
                "type": "persistent-claim",
                "size": size,
                "class": class,
                "volumeAttributesClass": attributes_class,
                "selector": selector,
                "deleteClaim": delete_claim,
            }),
        }
    }

    fn from_value(value: &Value) -> Option<Volume> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let source = match value["type"].as_str()? {
            "ephemeral" => VolumeSource::Ephemeral { size_limit: text("sizeLimit") },
            "persistent-claim" => VolumeSource::Claim {
                size: text("size")?,
                class: text("class"),
                attributes_class: text("volumeAttributesClass"),
                selector: serde_json::from_value(value["selector"].clone()).unwrap_or_default(),
                delete_claim: value["deleteClaim"].as_bool().unwrap_or(false),
            },
            _ => return None,
        };
        Some(Volume { id: value["id"].as_i64(), source })
    }
}
