//! Formatting: gives the log directories of a new node their ids and the metadata log its beginning, in the files that
//! Kafka's storage tool writes.
//!
//! What a new cluster's first records are is `metadata`'s matter (`bootstrap`); reading the command line is the shell's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use ottla_commit_log::files::{Durability, replace_whole};
use ottla_commit_log::layout::{LOCK, META_PROPERTIES};
use ottla_commit_log::{Files, LogDirectory, MetaProperties};
use ottla_config::broker::listeners::Listener;
use ottla_config::{BrokerConfig, HostPort};
use ottla_metadata::SnapshotId;
use ottla_metadata::bootstrap::{bootstrap_records, bootstrap_snapshot};
use ottla_quorum::{Endpoint, ReplicaKey, Voter, Voters};
use ottla_vocabulary::{NodeId, Now, Offset, Uuid};

use crate::boot::{BootError, metadata_directory};
use crate::controller::{own_voter, voters_record};
use crate::entropy::Entropy;
use crate::metadata_log::metadata_partition;

/// Who votes at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitialVoters {
    /// This node alone.
    Standalone,
    /// These nodes, each with the id of its metadata directory.
    Named(Vec<InitialVoter>),
    /// This node does not know yet: it is added to a quorum that runs, or is no controller.
    Unknown,
}

/// One of the first voters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialVoter {
    /// Its id.
    pub node: NodeId,
    /// Its host.
    pub host: String,
    /// Its controller's port.
    pub port: u16,
    /// The id that its metadata directory has or gets.
    pub directory: Uuid,
}

/// How to format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// The cluster's id.
    pub cluster_id: String,
    /// Its first voters.
    pub voters: InitialVoters,
    /// Levels of features to begin with, beside the usual ones.
    pub features: Vec<(String, i16)>,
    /// Leave directories alone that are formatted already, rather than refuse.
    pub ignore_formatted: bool,
}

/// Formats all log directories of a node; answers those that it formatted.
///
/// # Errors
/// When a directory is formatted already, belongs to another node or cluster, or the disk refuses.
pub fn format<F: Files>(
    files: &F,
    config: &BrokerConfig,
    format: &Format,
    seed: u64,
    now: Now,
) -> Result<Vec<PathBuf>, BootError> {
    let entropy = Entropy::new(seed);
    let records = bootstrap_records(&format.features).map_err(|error| BootError::Format(error.to_string()))?;
    let metadata = metadata_directory(config);
    let mut paths: Vec<PathBuf> = config.log.dirs.iter().map(PathBuf::from).collect();
    if !paths.contains(&metadata) {
        paths.push(metadata.clone());
    }
    let mut directories = Vec::new();
    for path in &paths {
        let directory = LogDirectory::open(files.clone(), path)?;
        if let Some(meta) = directory.meta() {
            if meta.cluster_id != format.cluster_id || meta.node_id != config.node_id {
                let (cluster, node) = (meta.cluster_id.clone(), meta.node_id);
                return Err(BootError::Foreign { path: path.clone(), cluster, node });
            }
            if !format.ignore_formatted {
                return Err(BootError::Format(format!("log directory {} is already formatted", path.display())));
            }
        }
        directories.push(directory);
    }
    let mut formatted = Vec::new();
    for (path, directory) in paths.iter().zip(&mut directories) {
        if directory.meta().is_some() {
            continue;
        }
        let is_metadata = *path == metadata;
        let id = directory_id(config, format, is_metadata, &entropy)?;
        if is_metadata {
            let voters = voters(config, format, id);
            let bytes = bootstrap_snapshot(records.clone(), voters.map(|voters| voters_record(&voters)), now.wall)
                .map_err(|error| BootError::Format(error.to_string()))?;
            let folder = path.join(metadata_partition().to_string());
            files.create_folder(&folder)?;
            replace_whole(files, &folder.join(SnapshotId::BOOTSTRAP.file_name()), &bytes, Durability::Synced)?;
        }
        // Last: what has this file is formatted.
        let meta =
            MetaProperties { cluster_id: format.cluster_id.clone(), node_id: config.node_id, directory_id: Some(id) };
        directory.write_meta(meta)?;
        formatted.push(path.clone());
    }
    Ok(formatted)
}

fn directory_id(
    config: &BrokerConfig,
    format: &Format,
    is_metadata: bool,
    entropy: &Entropy,
) -> Result<Uuid, BootError> {
    let InitialVoters::Named(voters) = &format.voters else { return Ok(entropy.uuid()) };
    if !is_metadata || !config.roles.controller {
        return Ok(entropy.uuid());
    }
    let own = voters.iter().find(|voter| voter.node == config.node_id);
    own.map(|own| own.directory).ok_or_else(|| {
        BootError::Format(format!("node {} is a controller and not among the initial controllers", config.node_id))
    })
}

fn voters(config: &BrokerConfig, format: &Format, own_directory: Uuid) -> Option<Voters> {
    let own = own_voter(config, ReplicaKey::new(config.node_id, own_directory));
    match &format.voters {
        InitialVoters::Unknown => None,
        InitialVoters::Standalone => Some(Voters::new([own], Offset::NONE)),
        InitialVoters::Named(named) => {
            let listener = config.listeners.controller_names.first().cloned().unwrap_or_default();
            let voter = |named: &InitialVoter| Voter {
                key: ReplicaKey::new(named.node, named.directory),
                endpoints: vec![Endpoint { listener: listener.clone(), host: named.host.clone(), port: named.port }],
                kraft_version_min: own.kraft_version_min,
                kraft_version_max: own.kraft_version_max,
            };
            Some(Voters::new(named.iter().map(voter), Offset::NONE))
        }
    }
}

/// The level of metadata.version of a release, `4.4` or `4.4-IV2`.
pub fn metadata_version_of(release: &str) -> Option<i16> {
    ottla_metadata::image::MetadataVersion::named(release).map(|version| version.0)
}

/// The name of a level of metadata.version, or of the one that a cluster begins with when nothing is said: `4.4-IV2`.
pub fn release_of(metadata_version: Option<i16>) -> Option<&'static str> {
    use ottla_metadata::image::MetadataVersion;
    metadata_version.map_or(MetadataVersion::LATEST, MetadataVersion).name()
}

/// Formats a node that was never started and can only be a cluster of its own: all its directories are empty, and it is
/// the only voter. Answers the new cluster's id; `None` when a directory holds something, or the node is no controller.
///
/// Whether it is the only voter is read from the configuration alone, and in doubt it is not: a node that takes itself for
/// a new cluster splits the one that it was to join. It is when
///
/// - `controller.quorum.voters` names one voter, with this node's id (the id settles it, whatever its address), or
/// - `controller.quorum.bootstrap.servers` names one server, which is this node's controller by port and host. The host is
///   one under which this node says that it is reached (`advertised.listeners` of a controller's listener, or of the
///   listener between brokers), or one on which its controller listens: the same name or address, or `localhost` and
///   the loopback addresses where it listens on all addresses of the machine.
///
/// # Errors
/// When it is not the only voter and has nothing yet: that is for a person to decide. When the disk refuses.
pub fn format_if_new<F: Files>(
    files: &F,
    config: &BrokerConfig,
    seed: u64,
    now: Now,
) -> Result<Option<String>, BootError> {
    if !config.roles.controller {
        return Ok(None);
    }
    for path in config.log.dirs.iter().map(Path::new).chain([metadata_directory(config).as_path()]) {
        if files.facts(path)?.is_some() && !was_never_formatted(files, path)? {
            return Ok(None);
        }
    }
    only_voter(config).map_err(|why| {
        let hint = "a node that may belong to a cluster does not format itself: `ottla-broker format` does it";
        BootError::Format(format!("the log directories are empty, and {why}; {hint}"))
    })?;
    let cluster_id = Entropy::new(seed).uuid().to_string();
    let how = Format {
        cluster_id: cluster_id.clone(),
        voters: InitialVoters::Standalone,
        features: Vec::new(),
        ignore_formatted: false,
    };
    format(files, config, &how, seed.wrapping_add(1), now)?;
    Ok(Some(cluster_id))
}

/// Whether a directory holds nothing, or only what [`format`] leaves when the process is killed before it has written
/// `meta.properties`, its last file: the lock, and a metadata log of nothing but its beginning.
fn was_never_formatted<F: Files>(files: &F, path: &Path) -> Result<bool, BootError> {
    let metadata = metadata_partition().to_string();
    let beginning = SnapshotId::BOOTSTRAP.file_name();
    for entry in files.list(path)? {
        let is_left_over = match entry.name.as_str() {
            "lost+found" | LOCK => true,
            name if name == metadata => {
                let mut inside = files.list(&path.join(name))?.into_iter();
                inside.all(|entry| entry.name.strip_suffix(".tmp").unwrap_or(&entry.name) == beginning)
            }
            name => name.strip_suffix(".tmp") == Some(META_PROPERTIES),
        };
        if !is_left_over {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Fails, saying why, unless the configuration names this node's controller and no other.
fn only_voter(config: &BrokerConfig) -> Result<(), String> {
    match (config.quorum.voters.as_slice(), config.quorum.bootstrap_servers.as_slice()) {
        ([only], _) if only.id == config.node_id => Ok(()),
        ([], [only]) if is_own_controller(config, only) => Ok(()),
        ([], [only]) => Err(format!(
            "controller.quorum.bootstrap.servers={}:{} is not known to be this node's own controller: none of its \
             controller listeners listens or is advertised there",
            only.host, only.port
        )),
        ([], servers) => Err(format!("controller.quorum.bootstrap.servers names {} controllers", servers.len())),
        (voters, _) => Err(format!("controller.quorum.voters names {} voters", voters.len())),
    }
}

fn is_own_controller(config: &BrokerConfig, server: &HostPort) -> bool {
    let listeners = &config.listeners;
    let inter_broker = |own: &&Listener| own.endpoint.name == listeners.inter_broker;
    let told = listeners.advertised_broker.iter().find(inter_broker).map(|own| own.endpoint.host.as_str());
    let is_told = |own: &Listener| {
        let mut hosts = [own.endpoint.host.as_str()].into_iter().chain(told);
        own.endpoint.port == server.port && hosts.any(|host| is_same_host(host, &server.host))
    };
    let is_bound = |own: &Listener| {
        let host = own.endpoint.host.as_str();
        let is_everywhere = host.is_empty() || host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified());
        let here = if is_everywhere { is_loopback(&server.host) } else { is_same_host(host, &server.host) };
        own.endpoint.port == server.port && here
    };
    listeners.advertised_controller.iter().any(is_told) || listeners.controller().any(is_bound)
}

/// Whether two texts name one host as far as can be said without asking anybody. An empty one names none.
fn is_same_host(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim_end_matches('.'), other.trim_end_matches('.'));
    let is_localhost = |name: &str, address: &str| {
        let localhost = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        name.eq_ignore_ascii_case("localhost") && address.parse::<IpAddr>().is_ok_and(|ip| localhost.contains(&ip))
    };
    match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one.to_canonical() == other.to_canonical() && !one.is_unspecified(),
        (Err(_), Err(_)) => !one.is_empty() && one.eq_ignore_ascii_case(other),
        _ => is_localhost(one, other) || is_localhost(other, one),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests;
