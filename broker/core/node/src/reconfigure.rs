//! What of the dynamic configuration can be in force: everything, unless some of it contradicts the rest.
//!
//! What a client sets is checked before it becomes a record, but the file beneath it may be another one after a restart,
//! and records may be another version's. Then only the keys that are at odds are passed over: a broker that fell back to
//! its file altogether would, say, delete what a dynamic retention keeps.

use ottla_api::configs::keeps_listeners;
use ottla_config::error::{ConfigErrors, Warnings};
use ottla_config::{BrokerConfig, Properties};

/// The keys that say where a node listens, as far as they are dynamic.
const LISTENER_KEYS: &[&str] = &["listeners", "listener.security.protocol.map"];

/// The two dynamic layers of a broker.
#[derive(Clone)]
pub(crate) struct Dynamic {
    pub(crate) cluster: Properties,
    pub(crate) broker: Properties,
}

/// A configuration, and what there is to say of it.
pub(crate) struct InForce {
    pub(crate) config: BrokerConfig,
    pub(crate) warnings: Warnings,
    /// The names that cannot be in force, each with why.
    pub(crate) left_out: Vec<(String, String)>,
}

/// The configuration with as much of the dynamic layers as can be in force.
///
/// # Errors
/// When nothing that is left out helps.
pub(crate) fn in_force(now: &BrokerConfig, mut dynamic: Dynamic) -> Result<InForce, ConfigErrors> {
    let mut left_out: Vec<(String, String)> = Vec::new();
    // Every round takes a key out, so there are as many as there are keys at the most.
    loop {
        let (names, errors) = match dynamic.load(now) {
            Ok((config, warnings)) if keeps_listeners(now, &config) => {
                return Ok(InForce { config, warnings, left_out });
            }
            Ok(_) => {
                let why = "a node listens where its file said at the start";
                let names = LISTENER_KEYS.iter().map(|name| ((*name).to_owned(), why.to_owned()));
                (names.collect::<Vec<_>>(), ConfigErrors(Vec::new()))
            }
            Err(errors) => {
                let named = errors.0.iter().map(|complaint| (complaint.key.clone(), complaint.to_string()));
                (named.collect(), errors)
            }
        };
        let before = left_out.len();
        for (name, why) in names {
            if dynamic.remove(&name) {
                left_out.push((name, why));
            }
        }
        if left_out.len() == before {
            // The complaints name what the file sets; a dynamic value stands against it.
            let Some(name) = dynamic.culprit(now, errors.0.len()) else { return Err(errors) };
            dynamic.remove(&name);
            left_out.push((name, errors.to_string()));
        }
    }
}

impl Dynamic {
    fn load(&self, config: &BrokerConfig) -> Result<(BrokerConfig, Warnings), ConfigErrors> {
        config.with_dynamic(self.cluster.clone(), self.broker.clone())
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.cluster.contains(name) || self.broker.contains(name)
    }

    /// Takes the value out that counts: the broker's, or without one the cluster's.
    fn remove(&mut self, name: &str) -> bool {
        self.broker.remove(name).is_some() || self.cluster.remove(name).is_some()
    }

    /// A name without which there are fewer complaints than so many.
    fn culprit(&self, config: &BrokerConfig, complaints: usize) -> Option<String> {
        let names = self.broker.iter().chain(self.cluster.iter()).map(|(name, _)| name);
        let helps = |name: &&str| {
            let mut without = self.clone();
            without.remove(name);
            without.load(config).err().map_or(0, |errors| errors.0.len()) < complaints
        };
        names.into_iter().find(helps).map(str::to_owned)
    }
}
