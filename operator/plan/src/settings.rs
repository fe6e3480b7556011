//! What the operator itself is set to: the same for every resource, known at its start.

use std::collections::BTreeMap;

use regex_lite::Regex;

/// The variable of [`Settings::watched_namespaces`], which messages name.
pub const WATCHED_NAMESPACES: &str = "STRIMZI_ENTITY_OPERATOR_WATCHED_NAMESPACE_ENABLED";

/// Strimzi's own patterns of labels that are not copied, of older and newer releases. They look ahead, which our
/// expressions cannot, and mean what holds without a pattern.
const OF_STRIMZI: [&str; 2] =
    ["^app.kubernetes.io/(?!part-of).*", "(^app.kubernetes.io/(?!part-of).*|^kustomize.toolkit.fluxcd.io.*)"];

/// An expression over keys of labels, which is right once it is made.
#[derive(Clone, Debug)]
pub struct KeyPattern(Regex);

impl KeyPattern {
    /// Reads a pattern; the one that Strimzi documents as its default is none.
    ///
    /// # Errors
    /// When the text is no regular expression.
    pub fn read(text: &str) -> Result<Option<KeyPattern>, regex_lite::Error> {
        if OF_STRIMZI.contains(&text) {
            return Ok(None);
        }
        // Checked by itself before it is put in brackets, where half of one could come to mean something.
        Regex::new(text)?;
        // As in Strimzi it has to match a key as a whole.
        Regex::new(&format!("^(?:{text})$")).map(KeyPattern).map(Some)
    }

    /// Whether a key is meant.
    pub fn matches(&self, key: &str) -> bool {
        self.0.is_match(key)
    }
}

impl PartialEq for KeyPattern {
    fn eq(&self, other: &KeyPattern) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for KeyPattern {}

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
    /// Labels of resources that are not copied to what is made for them.
    pub labels_exclusion: Option<KeyPattern>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            // As `cargo xtask images` names it: the brokers of this very release.
            image: concat!("localhost/ottla/broker:", env!("CARGO_PKG_VERSION")).to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_the_one_that_a_release_is_built_with() {
        assert_eq!(Settings::default().image, format!("localhost/ottla/broker:{}", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn a_pattern_is_right_or_is_none() {
        let pattern = KeyPattern::read("team/.*|tier").unwrap().unwrap();
        assert!(pattern.matches("team/a") && pattern.matches("tier") && !pattern.matches("my-tier"));
        assert!(OF_STRIMZI.iter().all(|text| matches!(KeyPattern::read(text), Ok(None))));
        assert!(KeyPattern::read("(").is_err() && KeyPattern::read("a)|(b").is_err());
    }
}
