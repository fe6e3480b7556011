//! From options to the configuration of a node: a file, or what `--dev` stands for.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, anyhow};
use ottla_config::{BrokerConfig, Properties};
use tokio::net::lookup_host;

use crate::options::{LogFormat, Serve};

const METRICS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9404);

/// The configuration that the options ask for; what is accepted with a warning is returned as lines to log.
///
/// # Errors
/// When the file cannot be read, or something in it is wrong; all of what is wrong is named.
pub fn load(options: &Serve) -> Result<(BrokerConfig, Vec<String>)> {
    let mut properties = match &options.config {
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
            Properties::parse(&text).with_context(|| format!("read {}", path.display()))?
        }
        None if options.dev => development(options),
        None => return Err(anyhow!("--config FILE or --dev is needed; see --help")),
    };
    for (key, value) in &options.overrides {
        properties.set(key, value);
    }
    advertise_by_name(&mut properties);
    let (config, warnings) = BrokerConfig::load(&properties).map_err(|errors| anyhow!("{errors}"))?;
    // Of what `--dev` itself sets nobody needs to be warned.
    let is_asked = |key: &str| !options.dev || options.overrides.iter().any(|(name, _)| name == key);
    let asked = warnings.iter().filter(|warning| is_asked(&warning.key));
    Ok((config, asked.map(ToString::to_string).collect()))
}

/// How log lines look: as the option says, or `ottla.log.format`.
///
/// # Errors
/// As [`load`].
pub fn log_format(options: &Serve) -> Result<LogFormat> {
    if let Some(format) = options.log_format {
        return Ok(format);
    }
    Ok(match load(options)?.0.ottla.log_format {
        ottla_config::ottla::LogFormat::Text => LogFormat::Text,
        ottla_config::ottla::LogFormat::Json => LogFormat::Json,
    })
}

/// Where health and metrics are served: as the option says, or `ottla.metrics.listener`, or where Strimzi's pods have
/// them, on this machine only.
///
/// # Errors
/// When the host has no address.
pub async fn metrics_address(options: &Serve, config: &BrokerConfig) -> Result<SocketAddr> {
    if let Some(address) = options.metrics {
        return Ok(address);
    }
    let Some(told) = &config.ottla.metrics_listener else { return Ok(METRICS) };
    let host = if told.host.is_empty() { "0.0.0.0" } else { &told.host };
    let mut found = lookup_host((host, told.port)).await.with_context(|| format!("find the address {host}"))?;
    found.next().with_context(|| format!("{host} of ottla.metrics.listener has no address"))
}

/// One node that is everything, for a developer's machine.
fn development(options: &Serve) -> Properties {
    let mut properties = Properties::new();
    let (listen, controller) = (options.listen, options.controller_listen);
    for (key, value) in [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", "1".to_owned()),
        ("listeners", format!("PLAINTEXT://{listen},CONTROLLER://{controller}")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("controller.quorum.bootstrap.servers", controller.to_string()),
        ("log.dirs", options.data_dir.display().to_string()),
        ("offsets.topic.replication.factor", "1".to_owned()),
        ("transaction.state.log.replication.factor", "1".to_owned()),
        ("transaction.state.log.min.isr", "1".to_owned()),
        ("share.coordinator.state.topic.replication.factor", "1".to_owned()),
        ("share.coordinator.state.topic.min.isr", "1".to_owned()),
        // Faster than Kafka's, so that a restart is served in a second and not in nine.
        ("broker.heartbeat.interval.ms", "500".to_owned()),
        ("broker.session.timeout.ms", "3000".to_owned()),
    ] {
        properties.set(key, &value);
    }
    properties
}

/// A listener on all addresses that is not told otherwise is advertised by the machine's name, as Kafka does it.
fn advertise_by_name(properties: &mut Properties) {
    let told =
        |properties: &Properties| properties.get("advertised.listeners").is_some_and(|told| !told.trim().is_empty());
    let Some(listeners) = properties.get("listeners").filter(|_| !told(properties)) else { return };
    if !listeners.contains("://:") {
        return;
    }
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let advertised = listeners.replace("://:", &format!("://{name}:"));
    properties.set("advertised.listeners", &advertised);
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn options(arguments: &[&str]) -> Serve {
        crate::options::Options::try_parse_from([&["ottla-broker"], arguments].concat()).unwrap().serve
    }

    #[test]
    fn a_node_for_development_needs_nothing_and_can_be_told_more() {
        let (config, _) = load(&options(&["--dev", "--override", "num.partitions=3"])).unwrap();
        assert!(config.roles.broker && config.roles.controller);
        assert_eq!(config.topics.partitions, 3);
        assert_eq!(config.session.heartbeat_interval.as_millis(), 500);
    }

    #[tokio::test]
    async fn an_option_wins_over_the_settings_and_they_over_the_default() {
        let keys = ["--dev", "--override", "ottla.metrics.listener=127.0.0.1:7", "--override", "ottla.log.format=json"];
        for (more, address, format) in [
            (&["--metrics", "127.0.0.1:8", "--log-format", "text"][..], "127.0.0.1:8", LogFormat::Text),
            (&[], "127.0.0.1:7", LogFormat::Json),
        ] {
            let options = options(&[&keys, more].concat());
            let config = load(&options).unwrap().0;
            assert_eq!(metrics_address(&options, &config).await.unwrap().to_string(), address);
            assert_eq!(log_format(&options).unwrap(), format);
        }
        let options = options(&["--dev"]);
        let address = metrics_address(&options, &load(&options).unwrap().0).await.unwrap();
        assert_eq!((address, log_format(&options).unwrap()), (METRICS, LogFormat::Text));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = load(&options(&["--dev", "--override", "num.partitions=many"])).unwrap_err().to_string();
        assert!(error.contains("num.partitions") && error.contains("many"), "{error}");
        assert!(load(&options(&[])).is_err());
    }
}
