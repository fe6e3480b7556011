//! `ottla-broker format`: prepares the directories of a new node, by the flags of Kafka's storage tool.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use ottla_config::{BrokerConfig, Properties};
use ottla_disk::Disk;
use ottla_node::{InitialVoter, InitialVoters};
use ottla_vocabulary::{NodeId, Uuid};

use crate::boot::seed;
use crate::options::Format;
use crate::shell::Clocks;

/// Formats; answers the lines to print.
///
/// # Errors
/// When the flags contradict each other or the configuration, a directory is formatted already, or the disk refuses.
pub fn run(options: &Format) -> Result<Vec<String>> {
    if !options.add_scram.is_empty() {
        bail!("--add-scram: SASL is not served yet, so there is nobody who could log in by it");
    }
    let path = &options.config;
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let properties = Properties::parse(&text).with_context(|| format!("read {}", path.display()))?;
    let (config, _warnings) = BrokerConfig::load(&properties).map_err(|errors| anyhow!("{errors}"))?;
    let cluster_id = options.cluster_id.clone();
    if cluster_id.trim().is_empty() {
        bail!("the cluster id is empty: `ottla-broker random-uuid` makes one");
    }
    let mut features = options
        .feature
        .iter()
        .map(|(name, level)| {
            let level = level.parse().map_err(|_| anyhow!("the level `{level}` of feature {name} is not a number"))?;
            Ok((name.clone(), level))
        })
        .collect::<Result<Vec<(String, i16)>>>()?;
    if features.iter().any(|(name, _)| name == METADATA_VERSION) {
        bail!("Use --release-version instead of --feature metadata.version=X to avoid ambiguity.");
    }
    let mut release = None;
    if let Some(told) = &options.release_version {
        let level = ottla_node::metadata_version_of(told)
            .ok_or_else(|| anyhow!("`{told}` is not a release that is known: 4.4 or 4.4-IV2 are such"))?;
        features.push((METADATA_VERSION.to_owned(), level));
        release = Some(level);
    }
    let format = ottla_node::Format {
        cluster_id,
        voters: voters(options, &config)?,
        features,
        ignore_formatted: options.ignore_formatted,
    };
    let clocks = Clocks::start();
    let formatted = ottla_node::format(&Disk::new(64), &config, &format, seed()?, clocks.now())?;
    if formatted.is_empty() {
        return Ok(vec!["All of the log directories are already formatted.".to_owned()]);
    }
    let release = ottla_node::release_of(release).unwrap_or_default();
    let lines = formatted.iter().map(|path| {
        let kind = kind_of(&config, &format.voters, path);
        format!("Formatting {kind} {} with {METADATA_VERSION} {release}.", path.display())
    });
    Ok(lines.collect())
}

const METADATA_VERSION: &str = "metadata.version";

/// What a directory is, in the words of Kafka's storage tool.
fn kind_of(config: &BrokerConfig, voters: &InitialVoters, path: &Path) -> &'static str {
    if path != Path::new(&config.quorum.metadata_log_dir) {
        return "data directory";
    }
    match voters {
        _ if !config.quorum.voters.is_empty() => "metadata directory",
        InitialVoters::Unknown => "dynamic metadata directory",
        InitialVoters::Standalone | InitialVoters::Named(_) => "dynamic metadata voter directory",
    }
}

fn voters(options: &Format, config: &BrokerConfig) -> Result<InitialVoters> {
    let is_dynamic = options.standalone || options.initial_controllers.is_some() || options.no_initial_controllers;
    if is_dynamic && !config.quorum.voters.is_empty() {
        bail!("controller.quorum.voters is set: then the flags for initial controllers may not be used");
    }
    if options.standalone {
        if !config.roles.controller {
            bail!("--standalone is for a node with the role of a controller");
        }
        return Ok(InitialVoters::Standalone);
    }
    if let Some(named) = &options.initial_controllers {
        return Ok(InitialVoters::Named(named.split(',').map(voter).collect::<Result<_>>()?));
    }
    if config.roles.controller && !options.no_initial_controllers && config.quorum.voters.is_empty() {
        bail!(
            "because controller.quorum.voters is not set on this controller, one of --standalone, --initial-controllers \
             or --no-initial-controllers must be given"
        );
    }
    Ok(InitialVoters::Unknown)
}

/// Reads `id@host:port:directory-id`.
fn voter(text: &str) -> Result<InitialVoter> {
    let refuse = || anyhow!("`{text}` is not of the form id@host:port:directory-id");
    let (id, rest) = text.trim().split_once('@').ok_or_else(refuse)?;
    let (address, directory) = rest.rsplit_once(':').ok_or_else(refuse)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(refuse)?;
    let directory: Uuid = directory.parse().map_err(|error| anyhow!("{error}"))?;
    Ok(InitialVoter {
        node: NodeId(id.parse().map_err(|_| refuse())?),
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: port.parse().map_err(|_| refuse())?,
        directory,
    })
}

/// A new cluster id, as `kafka-storage.sh random-uuid` prints one.
///
/// # Errors
/// When the system gives no random numbers.
pub fn random_uuid() -> Result<String> {
    loop {
        let (high, low) = (seed()?, seed()?);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_ne_bytes());
        bytes[8..].copy_from_slice(&low.to_ne_bytes());
        if let Some(id) = Uuid::from_random(bytes) {
            return Ok(id.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(folder: &Path, more: &[&str]) -> Result<Vec<String>, String> {
        use clap::Parser;
        let (data, other) = (folder.join("data"), folder.join("other"));
        let file = folder.join("server.properties");
        let text = format!(
            "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2\n\
             controller.listener.names=CONTROLLER\ncontroller.quorum.bootstrap.servers=127.0.0.1:2\nlog.dirs={},{}\n",
            data.display(),
            other.display()
        );
        std::fs::write(&file, text).unwrap();
        let file = file.display().to_string();
        let fixed = ["ottla-broker", "format", "-c", &file, "-t", "p7_FuSncS4iZV_9Ggqk_cg"];
        let options = crate::options::Options::try_parse_from([&fixed, more].concat()).unwrap();
        let Some(crate::options::Command::Format(how)) = options.command else { panic!("not format") };
        let folder = format!("{}/", folder.display());
        let done = run(&how).map(|lines| lines.into_iter().map(|line| line.replace(&folder, "")).collect());
        done.map_err(|error| error.to_string())
    }

    #[test]
    fn formatting_says_what_kafkas_tool_says() {
        let folder = tempfile::tempdir().unwrap();
        let ambiguous = formatted(folder.path(), &["-s", "-f", "metadata.version=25"]);
        assert!(ambiguous.unwrap_err().starts_with("Use --release-version instead"));
        assert!(formatted(folder.path(), &["-s", "-S", "SCRAM-SHA-256=[name=a,password=b]"]).is_err());
        assert!(formatted(folder.path(), &[]).unwrap_err().contains("--standalone"));
        assert_eq!(
            formatted(folder.path(), &["--standalone"]).unwrap(),
            [
                "Formatting dynamic metadata voter directory data with metadata.version 4.4-IV2.",
                "Formatting data directory other with metadata.version 4.4-IV2.",
            ]
        );
        assert!(formatted(folder.path(), &["-s"]).unwrap_err().contains("already formatted"));
        let again = formatted(folder.path(), &["-s", "-g"]).unwrap();
        assert_eq!(again, ["All of the log directories are already formatted."]);
        std::fs::remove_dir_all(folder.path().join("other")).unwrap();
        let one = formatted(folder.path(), &["-N", "-g", "-r", "4.0"]).unwrap();
        assert_eq!(one, ["Formatting data directory other with metadata.version 4.0-IV3."]);
    }

    #[test]
    fn voters_are_read_as_kafka_writes_them() {
        let found = voter("3@[::1]:9093:vPeOCWypqUOSepEvx0cbog").unwrap();
        assert_eq!((found.node, found.host.as_str(), found.port), (NodeId(3), "::1", 9093));
        for wrong in ["3", "3@host:9093", "x@host:9093:vPeOCWypqUOSepEvx0cbog", "3@host:p:vPeOCWypqUOSepEvx0cbog"] {
            assert!(voter(wrong).is_err(), "{wrong}");
        }
    }
}
