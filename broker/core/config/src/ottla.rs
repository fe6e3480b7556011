//! Keys that Kafka does not have: what this product can and Kafka cannot be told. All begin with `ottla.`.

use crate::endpoint::HostPort;
use crate::error::Complaint;
use crate::properties::Properties;

/// What Kafka has no key for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OttlaConfig {
    /// `ottla.metrics.listener`: where health, readiness and Prometheus metrics are served, read-only.
    pub metrics_listener: Option<HostPort>,
    /// `ottla.log.format`: how the process writes its own log.
    pub log_format: LogFormat,
}

/// How the process writes its own log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// Our own keys: name, what is allowed, default, documentation.
pub const KEYS: &[(&str, &str, &str, &str)] = &[
    (
        "ottla.log.format",
        "text, json",
        "text",
        "How the process writes its own log: lines for people, or a JSON object a line.",
    ),
    (
        "ottla.metrics.listener",
        "host:port",
        "127.0.0.1:9404",
        "Where health, readiness and Prometheus metrics are served, read-only. The option --metrics wins over it.",
    ),
];

/// Whether this is one of our own keys.
pub fn is_known(name: &str) -> bool {
    KEYS.iter().any(|(key, ..)| *key == name)
}

impl OttlaConfig {
    pub(crate) fn read(properties: &Properties, complaints: &mut Vec<Complaint>) -> OttlaConfig {
        let mut config = OttlaConfig::default();
        let mut refuse = |key: &str, value: &str| {
            let allowed = KEYS.iter().find(|(name, ..)| *name == key).map(|(_, allowed, ..)| (*allowed).to_owned());
            let message = format!("Invalid value {value} for configuration {key}");
            complaints.push(Complaint { allowed, ..Complaint::new(key, message) });
        };
        if let Some(text) = properties.get("ottla.metrics.listener") {
            match HostPort::parse(text.trim()) {
                Some(address) => config.metrics_listener = Some(address),
                None => refuse("ottla.metrics.listener", text),
            }
        }
        match properties.get("ottla.log.format").map(str::trim) {
            None | Some("text") => {}
            Some("json") => config.log_format = LogFormat::Json,
            Some(other) => refuse("ottla.log.format", other),
        }
        config
    }
}
