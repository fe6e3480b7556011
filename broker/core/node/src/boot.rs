//! Opening a node: directories, controller, logs, in the order in which one needs the other; and closing it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_api::{Authorizer, Loggers, Quotas};
use ottla_commit_log::files::read_whole;
use ottla_commit_log::log_directory::LogPositions;
use ottla_commit_log::{DirectoryError, FileError, Files, Log, LogDirectory, LogSettings};
use ottla_config::BrokerConfig;
use ottla_metadata::decide::Record;
use ottla_quorum::ReplicaKey;
use ottla_vocabulary::{BrokerEpoch, NodeId, Now, TopicId, TopicPartition, Uuid};

use crate::broker::{Life, Stage};
use crate::controller::{Controller, Setup as ControllerSetup};
use crate::entropy::Entropy;
use crate::metadata_log::{MetadataLog, metadata_partition};
use crate::node::{Identity, Node, Parts};
use crate::settings::TopicSettings;

/// Why a node does not start, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// A log directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// A directory was never formatted.
    #[error("log directory {} is not formatted: `ottla-broker format` does it", .0.display())]
    Unformatted(PathBuf),
    /// A directory of another node or cluster.
    #[error("log directory {} belongs to node {node} of cluster {cluster}", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// The cluster that its file names.
        cluster: String,
        /// The node that its file names.
        node: NodeId,
    },
    /// Formatting was refused.
    #[error("{0}")]
    Format(String),
    /// A file of the metadata log is damaged.
    #[error("{} is damaged: {}", .0.display(), .1)]
    Damaged(PathBuf, String),
    /// More than one controller.
    #[error("the metadata log has more than one voter, which this version does not serve yet")]
    SeveralVoters,
    /// Only one of the two roles.
    #[error("process.roles must be broker,controller: a node of one role is not served yet")]
    OneRole,
    /// The node leads nothing after all that it could do.
    #[error("this node does not become the controller: it is not the only voter of its metadata log")]
    NoLeader,
}

/// What a node is opened with.
pub struct Setup<F: Files> {
    /// The disk.
    pub files: F,
    /// The configuration.
    pub config: BrokerConfig,
    /// From which ids and waiting times are drawn.
    pub seed: u64,
    /// Who may do what.
    pub authorizer: Box<dyn Authorizer>,
    /// Who must wait.
    pub quotas: Box<dyn Quotas>,
    /// The levels of this process' loggers.
    pub loggers: Box<dyn Loggers>,
}

/// The directory of the metadata log.
pub(crate) fn metadata_directory(config: &BrokerConfig) -> PathBuf {
    match config.quorum.metadata_log_dir.as_str() {
        "" => PathBuf::from(config.log.dirs.first().map_or("", String::as_str)),
        path => PathBuf::from(path),
    }
}

/// How many rounds of syncing bring a single voter's broker into service: election, registration, unfencing, and some to
/// spare. More would mean that it never comes.
const ROUNDS_MAX: usize = 32;

impl<F: Files> Node<F> {
    /// Opens a node on formatted directories, and brings its broker into service.
    ///
    /// # Errors
    /// When a directory cannot be used or the metadata log cannot be led.
    pub fn open(setup: Setup<F>, now: Now) -> Result<Node<F>, BootError> {
        let Setup { files, config, seed, authorizer, quotas, loggers } = setup;
        if !config.roles.broker || !config.roles.controller {
            return Err(BootError::OneRole);
        }
        let (mut directories, identity) = open_directories(&files, &config)?;
        let metadata_path = metadata_directory(&config);
        let place = directories.iter().position(|directory| directory.path() == metadata_path);
        let place = place.ok_or_else(|| BootError::Unformatted(metadata_path.clone()))?;
        let ids: Vec<Uuid> = directories.iter().map(directory_id).collect();
        let former_epoch = directories.iter().map(|directory| directory.clean_stop()).collect::<Option<Vec<_>>>();
        let former_epoch = former_epoch.and_then(|stops| stops.first().and_then(|stop| stop.broker_epoch));
        let entropy = Arc::new(Entropy::new(seed));
        let log = MetadataLog::open(&files, &mut directories[place], metadata_settings(&config), now)?;
        let controller = ControllerSetup {
            config: &config,
            cluster_id: identity.cluster_id.clone(),
            key: ReplicaKey::new(identity.node_id, ids[place]),
            log,
            entropy: Arc::clone(&entropy),
            older_bootstrap: older_bootstrap(&files, &metadata_path)?,
        };
        let controller = Controller::open(controller, now)?;
        let life = Life::new(entropy.uuid(), former_epoch, ids, now);
        let parts =
            Parts { files, identity, config, directories, controller, life, entropy, authorizer, quotas, loggers };
        let node = Node::assemble(parts, now);
        node.enter_service(now)?;
        node.sort_out_strays();
        Ok(node)
    }

    fn enter_service(&self, now: Now) -> Result<(), BootError> {
        for round in 0..ROUNDS_MAX {
            self.sync_metadata(now);
            if round == 0 {
                self.register_controller(now);
            }
            self.tick(now);
            if self.stage() == Stage::Running {
                return Ok(());
            }
        }
        Err(BootError::NoLeader)
    }

    /// Where the broker is in its life.
    pub fn stage(&self) -> Stage {
        self.life.lock().stage
    }

    /// Opens the log of a partition that lies here already, or makes one.
    pub(crate) fn open_or_create(
        &self,
        name: &TopicPartition,
        topic: TopicId,
        wanted: Option<Uuid>,
        settings: &TopicSettings,
        now: Now,
    ) -> Result<(usize, Log<F>), (usize, FileError)> {
        let mut directories = self.directories.lock();
        let lies_here = |directory: &LogDirectory<F>| {
            let mut found = directory.partitions().iter();
            found.any(|found| found.partition == *name && found.topic.is_none_or(|id| id == topic))
        };
        let is_there = |folder: &Path, place| {
            let facts = self.files.facts(folder).map_err(|error| (place, error))?;
            Ok(facts.is_some())
        };
        let log = Arc::clone(&settings.log);
        if let Some(place) = directories.iter().position(lies_here)
            && is_there(&directories[place].path().join(name.to_string()), place)?
        {
            directories[place].adopt(name, topic).map_err(|error| (place, error))?;
            let (log, recovery) = directories[place].open_log(name, log, now).map_err(|error| (place, error))?;
            if 0 < recovery.bytes_cut {
                let bytes = recovery.bytes_cut;
                tracing::warn!(partition = %name, bytes, "cut off what was not whole after an unclean stop");
            }
            return Ok((place, log));
        }
        let wanted = directories.iter().position(|directory| Some(directory_id(directory)) == wanted);
        let place = wanted.unwrap_or_else(|| self.emptiest_directory());
        let folder = directories[place].path().join(name.to_string());
        if is_there(&folder, place)? {
            // An attempt to create it that the disk refused half way is made again each second, and leaves nothing each time.
            let is_gone = directories[place].remove_unused(name, topic);
            let cleared = is_gone.and_then(|is_gone| if is_gone { Ok(()) } else { self.set_aside(&folder) });
            cleared.map_err(|error| (place, error))?;
        }
        let log = directories[place].create_log(name, topic, log, now).map_err(|error| (place, error))?;
        Ok((place, log))
    }

    /// Kafka's choice for a replica that is assigned to no directory: of those that can be written, the one with the
    /// fewest.
    fn emptiest_directory(&self) -> usize {
        let mut logs = vec![0usize; self.healths.len()];
        for partition in self.partitions.read().values() {
            logs[partition.directory] += 1;
        }
        let busyness = |place: &usize| (self.healths[*place].failure().is_some(), logs[*place]);
        (0..logs.len()).min_by_key(busyness).unwrap_or(0)
    }

    /// Takes a folder of a topic that is not in the cluster out of the way; a person may still want what is in it.
    fn set_aside(&self, folder: &Path) -> Result<(), FileError> {
        let hex: String = self.entropy.uuid().0.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stray = folder.with_file_name(format!("{name}.{hex}-stray"));
        tracing::warn!(folder = %folder.display(), stray = %stray.display(), "set a partition aside that the cluster does not know");
        self.files.rename(folder, &stray)
    }

    /// What lies here and is none of the cluster's.
    fn sort_out_strays(&self) {
        let image = self.image();
        let directories = self.directories.lock();
        for (place, directory) in directories.iter().enumerate() {
            for found in directory.partitions().iter().filter(|found| found.partition != metadata_partition()) {
                let topic = image.topics.by_name(&found.partition.topic);
                let is_known = topic.is_some_and(|topic| {
                    let index = found.partition.partition;
                    let is_mine = match self.partition(topic.id, index) {
                        Ok(partition) => partition.directory == place,
                        // It may be the one that the disk refused to open and that is tried again.
                        Err(_) => self.unopened.lock().contains(&(topic.id, index)),
                    };
                    is_mine && found.topic.is_none_or(|id| id == topic.id)
                });
                let folder = directory.path().join(found.partition.to_string());
                let is_there = !is_known && matches!(self.files.facts(&folder), Ok(Some(_)));
                if is_there && let Err(error) = self.set_aside(&folder) {
                    tracing::error!("set a stray partition aside: {error}");
                }
            }
            for (name, _) in directory.others().iter().filter(|(name, _)| name.ends_with("-delete")) {
                self.upkeep.lock().doom(place, name.clone());
            }
        }
    }

    /// Asks the controller for leave to go. [`Node::may_close`] tells when it has it; without controlled shutdown it
    /// needs none.
    pub fn begin_shutdown(&self, now: Now) {
        if !self.config.load().session.controlled_shutdown {
            self.life.lock().may_stop = true;
            return;
        }
        self.life.lock().begin_shutdown(now.instant);
        self.tick(now);
    }

    /// Whether the controller has nothing against this node's going.
    pub fn may_close(&self) -> bool {
        self.life.lock().may_stop
    }

    /// Ends cleanly: all logs are on disk, and each directory of which all could be opened says so. Requests that come later are refused.
    ///
    /// # Errors
    /// When something could not be written; the stop is then not a clean one.
    pub fn close(&self, now: Now) -> Result<(), FileError> {
        // An image that is just being published is waited for: the logs that it opens are to be closed too. After this none
        // is opened.
        let _follower = self.follower.lock();
        let epoch = {
            let mut life = self.life.lock();
            life.stage = Stage::ShuttingDown;
            life.epoch.unwrap_or(BrokerEpoch(-1))
        };
        let partitions: Vec<_> = self.partitions.write().drain().map(|(_, partition)| partition).collect();
        let mut positions: Vec<Vec<(TopicPartition, LogPositions)>> = Vec::new();
        positions.resize_with(self.directories.lock().len(), Vec::new);
        let mut failure = None;
        for partition in partitions {
            let Some(log) = partition.lock().log.take() else { continue };
            let mut told = log.positions();
            match log.close(now) {
                Ok(end) => {
                    told.recovery_point = end;
                    positions[partition.directory].push((partition.name.clone(), told));
                }
                Err(error) => {
                    tracing::error!(partition = %partition.name, "close the log: {error}");
                    failure.get_or_insert(error);
                }
            }
        }
        if let Some(controller) = self.controller.lock().take()
            && let Err(error) = controller.close(now)
        {
            tracing::error!("close the metadata log: {error}");
            failure.get_or_insert(error);
        }
        if let Some(error) = failure {
            return Err(error);
        }
        let directories: Vec<_> = self.directories.lock().drain(..).collect();
        for (mut directory, positions) in directories.into_iter().zip(positions) {
            let positions = positions.iter().map(|(partition, positions)| (partition, *positions));
            match self.unopened_in(&directory) {
                // The mark says of all logs that they need no recovery, and of this one nobody knows.
                Some(unopened) => {
                    tracing::warn!(partition = %unopened, "its log was never opened: the directory gets no mark of a clean stop");
                    directory.checkpoint(positions)?;
                }
                None => directory.close(positions, epoch)?,
            }
        }
        Ok(())
    }

    /// A partition that has its folder here and whose log could not be opened.
    fn unopened_in(&self, directory: &LogDirectory<F>) -> Option<TopicPartition> {
        let image = self.image();
        let unopened = self.unopened.lock();
        let named = unopened.iter().filter_map(|(id, index)| {
            let topic = image.topics.get(*id)?;
            Some(TopicPartition::new(topic.name.clone(), *index))
        });
        let lies_here =
            |name: &TopicPartition| !matches!(self.files.facts(&directory.path().join(name.to_string())), Ok(None));
        named.into_iter().find(lies_here)
    }
}

fn directory_id<F: Files>(directory: &LogDirectory<F>) -> Uuid {
    directory.meta().and_then(|meta| meta.directory_id).unwrap_or(Uuid::ZERO)
}

fn open_directories<F: Files>(files: &F, config: &BrokerConfig) -> Result<(Vec<LogDirectory<F>>, Identity), BootError> {
    let mut paths: Vec<PathBuf> = config.log.dirs.iter().map(PathBuf::from).collect();
    let metadata = metadata_directory(config);
    if !paths.contains(&metadata) {
        paths.push(metadata);
    }
    let mut directories: Vec<LogDirectory<F>> = Vec::new();
    let mut identity: Option<Identity> = None;
    for path in &paths {
        let directory = LogDirectory::open(files.clone(), path)?;
        let meta = directory.meta().ok_or_else(|| BootError::Unformatted(path.clone()))?;
        let found = Identity { cluster_id: meta.cluster_id.clone(), node_id: meta.node_id };
        let is_ours = found.node_id == config.node_id && identity.as_ref().is_none_or(|identity| *identity == found);
        if !is_ours {
            return Err(BootError::Foreign { path: path.clone(), cluster: found.cluster_id, node: found.node_id });
        }
        identity = Some(found);
        directories.push(directory);
    }
    let identity = identity.ok_or_else(|| BootError::Format("log.dirs names no directory".to_owned()))?;
    Ok((directories, identity))
}

/// What Kafka before 4.4 wrote beside the metadata log; a larger file is none.
const BOOTSTRAP: &str = "bootstrap.checkpoint";
const BOOTSTRAP_BYTES_MAX: u64 = 16 << 20;

fn older_bootstrap<F: Files>(files: &F, directory: &Path) -> Result<Option<Vec<Record>>, BootError> {
    let path = directory.join(BOOTSTRAP);
    let Some(bytes) = read_whole(files, &path, BOOTSTRAP_BYTES_MAX)? else { return Ok(None) };
    match ottla_metadata::bootstrap::read_bootstrap(&bytes) {
        Ok((records, _)) => Ok(Some(records)),
        Err(error) => Err(BootError::Damaged(path, error.to_string())),
    }
}

fn metadata_settings(config: &BrokerConfig) -> LogSettings {
    LogSettings {
        segment_bytes: config.quorum.segment_bytes,
        segment_ms: i64::try_from(config.quorum.segment_age.as_millis()).unwrap_or(i64::MAX),
        // Its beginning goes only when a snapshot has taken it up, which is decided elsewhere.
        cleanup_deletes: false,
        retention_ms: -1,
        retention_bytes: -1,
        ..LogSettings::default()
    }
}
