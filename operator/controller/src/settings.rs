//! What the operator is told by its environment, in Strimzi's names where Strimzi has them. Empty and absent are the same.
//!
//! Given a way to read variables, it gives checked settings or says which variable is wrong and what is allowed.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use ottla_plan::settings::{KeyPattern, WATCHED_NAMESPACES};

/// Everything that the process is set to.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Which namespaces are served.
    pub(crate) scope: Scope,
    /// A label selector that Kafka resources must match.
    pub(crate) selector: Option<String>,
    /// Every resource is looked at again after this time, whether or not anything was seen to change.
    pub(crate) full_interval: Duration,
    /// The longest time that one reconciliation may take.
    pub(crate) operation_timeout: Duration,
    /// How one of several operators is chosen; nobody else is asked when absent.
    pub(crate) election: Option<Election>,
    /// Where health and metrics are served.
    pub(crate) http_address: SocketAddr,
    /// The name of the operator's pod, told in events.
    pub(crate) instance: String,
    /// What the plan is made with.
    pub(crate) plan: ottla_plan::Settings,
    log_filter: String,
    log_json: bool,
}

/// Which namespaces are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every one, those to come included.
    All,
    /// These; when none is named, the one that the client's configuration says is its own.
    Some(Vec<String>),
}

/// How one of several operators is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Election {
    /// The lease that is held.
    pub(crate) lease: String,
    /// Its namespace; the client's own when empty.
    pub(crate) namespace: String,
    /// Who holds it.
    pub(crate) identity: String,
    /// How long others leave it to a holder that does not renew it; whole seconds.
    pub(crate) duration: Duration,
    /// How long its holder tries to renew it before it stops working; less than the duration.
    pub(crate) renew_deadline: Duration,
    /// How often it is looked at, and renewed by its holder; less than the deadline.
    pub(crate) retry: Duration,
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first variable whose value is not allowed.
    pub(crate) fn from_environment(read: &dyn Fn(&str) -> Option<String>) -> Result<Settings> {
        let text = |name: &str| read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let millis = |name: &str, default: u64| match text(name) {
            Some(value) => value
                .parse::<u64>()
                .ok()
                .filter(|millis| 0 < *millis)
                .with_context(|| format!("{name} is {value:?} and must be a number of milliseconds above 0")),
            None => Ok(default),
        };
        let flag = |name: &str, default: bool| match text(name).as_deref() {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => bail!("{name} is {other:?} and must be true or false"),
            None => Ok(default),
        };
        let pattern = |name: &str| match text(name) {
            Some(value) => KeyPattern::read(&value)
                .map_err(|error| anyhow!("{name} is {value:?} and must be a regular expression: {error}")),
            None => Ok(None),
        };
        let instance = text("STRIMZI_OPERATOR_NAME").or_else(|| text("HOSTNAME")).unwrap_or("ottla-operator".into());
        let http_address = text("OTTLA_HTTP_ADDRESS").unwrap_or_else(|| "0.0.0.0:8080".to_owned());
        let defaults = ottla_plan::Settings::default();
        let plan = ottla_plan::Settings {
            image: text("OTTLA_BROKER_IMAGE").unwrap_or(defaults.image),
            image_pull_policy: text("STRIMZI_IMAGE_PULL_POLICY"),
            image_pull_secrets: text("STRIMZI_IMAGE_PULL_SECRETS").map(|list| words(&list)).unwrap_or_default(),
            operator_namespace: text("STRIMZI_OPERATOR_NAMESPACE").unwrap_or(defaults.operator_namespace),
            service_domain: text("KUBERNETES_SERVICE_DNS_DOMAIN").unwrap_or(defaults.service_domain),
            network_policies: flag("STRIMZI_NETWORK_POLICY_GENERATION", true)?,
            disruption_budgets: flag("STRIMZI_POD_DISRUPTION_BUDGET_GENERATION", true)?,
            watched_namespaces: flag(WATCHED_NAMESPACES, false)?,
            labels_exclusion: pattern("STRIMZI_LABELS_EXCLUSION_PATTERN")?,
            operator_labels: defaults.operator_labels,
            operator_version: defaults.operator_version,
        };
        let election = match flag("STRIMZI_LEADER_ELECTION_ENABLED", true)? {
            false => None,
            true => {
                // A lease counts in seconds.
                let duration = millis("STRIMZI_LEADER_ELECTION_LEASE_DURATION_MS", 15_000)?.div_ceil(1000) * 1000;
                let renew_deadline = millis("STRIMZI_LEADER_ELECTION_RENEW_DEADLINE_MS", 10_000)?;
                let retry = millis("STRIMZI_LEADER_ELECTION_RETRY_PERIOD_MS", 2_000)?;
                if !(retry < renew_deadline && renew_deadline < duration) {
                    bail!(
                        "of STRIMZI_LEADER_ELECTION_RETRY_PERIOD_MS ({retry}), STRIMZI_LEADER_ELECTION_RENEW_DEADLINE_MS \
                         ({renew_deadline}) and STRIMZI_LEADER_ELECTION_LEASE_DURATION_MS ({duration}) each must be less \
                         than the next"
                    );
                }
                Some(Election {
                    lease: text("STRIMZI_LEADER_ELECTION_LEASE_NAME").unwrap_or("ottla-cluster-operator".into()),
                    namespace: text("STRIMZI_LEADER_ELECTION_LEASE_NAMESPACE").unwrap_or_default(),
                    identity: text("STRIMZI_LEADER_ELECTION_IDENTITY").unwrap_or_else(|| instance.clone()),
                    duration: Duration::from_millis(duration),
                    renew_deadline: Duration::from_millis(renew_deadline),
                    retry: Duration::from_millis(retry),
                })
            }
        };
        let log_json = match text("OTTLA_LOG_FORMAT").as_deref() {
            None | Some("text") => false,
            Some("json") => true,
            Some(other) => bail!("OTTLA_LOG_FORMAT is {other:?} and must be text or json"),
        };
        Ok(Settings {
            scope: scope(text("STRIMZI_NAMESPACE").as_deref()),
            selector: text("STRIMZI_CUSTOM_RESOURCE_SELECTOR"),
            full_interval: Duration::from_millis(millis("STRIMZI_FULL_RECONCILIATION_INTERVAL_MS", 120_000)?),
            operation_timeout: Duration::from_millis(millis("STRIMZI_OPERATION_TIMEOUT_MS", 300_000)?),
            election,
            http_address: http_address
                .parse()
                .with_context(|| format!("OTTLA_HTTP_ADDRESS is {http_address:?} and must be address:port"))?,
            instance,
            plan,
            log_filter: text("STRIMZI_LOG_LEVEL").unwrap_or_else(|| "info".to_owned()).to_lowercase(),
            log_json,
        })
    }

    /// Starts logging to standard output.
    ///
    /// # Errors
    /// When the filter cannot be read.
    pub(crate) fn log(&self) -> Result<()> {
        let filter = tracing_subscriber::EnvFilter::try_new(&self.log_filter).with_context(|| {
            format!("STRIMZI_LOG_LEVEL is {:?} and must be a level or a filter of tracing", self.log_filter)
        })?;
        let log = tracing_subscriber::fmt().with_env_filter(filter);
        match self.log_json {
            true => log.json().init(),
            false => log.with_ansi(false).init(),
        }
        Ok(())
    }
}

fn scope(namespaces: Option<&str>) -> Scope {
    match namespaces {
        Some("*") => Scope::All,
        Some(list) => Scope::Some(words(list)),
        None => Scope::Some(Vec::new()),
    }
}

fn words(list: &str) -> Vec<String> {
    let mut words: Vec<String> =
        list.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings> {
        Settings::from_environment(&|name| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn empty_is_absent() {
        let empty = settings(&[("STRIMZI_NAMESPACE", ""), ("STRIMZI_OPERATION_TIMEOUT_MS", " ")]).unwrap();
        assert_eq!(empty.scope, Scope::Some(Vec::new()));
        assert_eq!(empty.operation_timeout, Duration::from_secs(300));
        assert!(empty.plan.network_policies && empty.election.is_some());
        assert!(!empty.plan.watched_namespaces, "topics of other namespaces are nobody's to take by default");
    }

    #[test]
    fn namespaces_are_one_several_or_all() {
        let scope = |value| settings(&[("STRIMZI_NAMESPACE", value)]).unwrap().scope;
        assert_eq!(scope("kafka"), Scope::Some(vec!["kafka".to_owned()]));
        assert_eq!(scope("a, b"), Scope::Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(scope("*"), Scope::All);
    }

    #[test]
    fn a_holder_gives_its_lease_up_before_others_take_it() {
        let names = ["RETRY_PERIOD_MS", "RENEW_DEADLINE_MS", "LEASE_DURATION_MS"]
            .map(|part| format!("STRIMZI_LEADER_ELECTION_{part}"));
        let election = |values: [&str; 3]| {
            let variables: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values).collect();
            settings(&variables).map(|settings| settings.election)
        };
        let short = election(["100", "500", "900"]).unwrap().unwrap();
        assert_eq!((short.renew_deadline.as_millis(), short.duration.as_secs()), (500, 1));
        assert!(election(["", "", ""]).unwrap().is_some_and(|usual| usual.renew_deadline < usual.duration));
        for wrong in [["1000", "9000", "9000"], ["5000", "4000", "15000"]] {
            let error = election(wrong).expect_err("the order is wrong").to_string();
            assert!(names.iter().all(|name| error.contains(name)), "{error}");
        }
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_allowed() {
        for (name, value, complaint) in [
            ("STRIMZI_FULL_RECONCILIATION_INTERVAL_MS", "2m", "a number of milliseconds above 0"),
            ("STRIMZI_OPERATION_TIMEOUT_MS", "0", "a number of milliseconds above 0"),
            ("STRIMZI_LEADER_ELECTION_ENABLED", "yes", "true or false"),
            (WATCHED_NAMESPACES, "1", "true or false"),
            ("STRIMZI_LABELS_EXCLUSION_PATTERN", "team/(", "a regular expression"),
            ("OTTLA_LOG_FORMAT", "xml", "text or json"),
            ("OTTLA_HTTP_ADDRESS", "8080", "address:port"),
        ] {
            let error = settings(&[(name, value)]).expect_err(name).to_string();
            assert!(error.contains(name) && error.contains(value) && error.contains(complaint), "{error}");
        }
    }
}
