//! What the operator itself is set to: the same for every resource, known at its start.

use std::collections::BTreeMap;

/// The variable of [`Settings::watched_namespaces`], which messages name.
pub const WATCHED_NAMESPACES: &str = "STRIMZI_ENTITY_OPERATOR_WATCHED_NAMESPACE_ENABLED";

/// Settings of the operator that change what it plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Image of brokers and controllers, where the resource names none.
    pub image: String,
    /// Whether and when kubelets pull images; Kubernetes' default when absent.
    pub image_pull_policy: Option<String>,
    /// Secrets for pulling images, where the resource names none.
    pub image_pull_secrets: Vec<String>,
    /// The namespace that the operator runs in, whence it may connect to the brokers.
    pub operator_namespace: String,
    /// The labels of the operator's own pods.
    pub operator_labels: BTreeMap<String, String>,
    /// The version that a successful reconciliation is noted with.
    pub operator_version: String,
    /// The domain of the cluster's services.
    pub service_domain: String,
    /// Whether network policies are made.
    pub network_policies: bool,
    /// Whether disruption budgets are made.
    pub disruption_budgets: bool,
    /// Whether topics of another namespace than a cluster's own are served where `watchedNamespace` asks for it. Whoever may
    /// make a cluster could otherwise take over the topics of every namespace that the operator sees.
    pub watched_namespaces: bool,
    /// Labels of resources that are not copied to what is made for them: an expression over keys.
    pub labels_exclusion: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            image: "localhost/ottla-broker:latest".to_owned(),
            image_pull_policy: None,
            image_pull_secrets: Vec::new(),
            operator_namespace: "ottla".to_owned(),
            operator_labels: BTreeMap::from([("app.kubernetes.io/name".to_owned(), "ottla-operator".to_owned())]),
            operator_version: env!("CARGO_PKG_VERSION").to_owned(),
            service_domain: "cluster.local".to_owned(),
            network_policies: true,
            disruption_budgets: true,
            watched_namespaces: false,
            labels_exclusion: None,
        }
    }
}
