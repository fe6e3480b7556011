//! What there is to measure of a node, as plain facts: the shell gives them the names that dashboards ask for.

use std::collections::BTreeSet;
use std::sync::Arc;

use ottla_api::describe_log_dirs::{Directory, Log as LogFacts};
use ottla_commit_log::Files;
use ottla_vocabulary::{NodeId, Offset, PartitionIndex, TopicName};
use ottla_wire::ErrorCode;

use crate::broker::Stage;
use crate::counts::Traffic;
use crate::node::Node;
use crate::partition::Partition;

/// A node at one moment.
#[derive(Clone, Debug)]
pub struct Measures {
    /// Where the broker is in its life.
    pub stage: Stage,
    /// The partitions that lie here.
    pub partitions: Vec<PartitionMeasures>,
    /// The traffic of each topic.
    pub topics: Vec<(TopicName, Traffic)>,
    /// The traffic of all topics together, those that are gone included.
    pub all: Traffic,
    /// Log directories that take no records any more.
    pub offline_directories: usize,
    /// Requests since the start.
    pub requests: u64,
    /// Fetches that wait now.
    pub waiting_fetches: usize,
    /// Fetch sessions, their partitions, and how many gave way.
    pub sessions: (usize, usize, u64),
    /// The metadata quorum.
    pub quorum: QuorumMeasures,
    /// The cluster.
    pub cluster: ClusterMeasures,
}

/// One partition that lies here.
#[derive(Clone, Debug)]
pub struct PartitionMeasures {
    /// Its topic.
    pub topic: TopicName,
    /// Its number.
    pub index: PartitionIndex,
    /// Whether this node leads it.
    pub is_leader: bool,
    /// How many replicas it has.
    pub replicas: usize,
    /// How many of them are in sync.
    pub in_sync: usize,
    /// How many must be, for produces with acks all: no more than there are.
    pub in_sync_min: usize,
    /// Bytes of its segments.
    pub bytes: u64,
    /// Where it begins.
    pub log_start: Offset,
    /// Where it ends.
    pub log_end: Offset,
    /// Whether it can no longer be written.
    pub has_failed: bool,
}

/// The metadata quorum as this node knows it.
#[derive(Clone, Copy, Debug)]
pub struct QuorumMeasures {
    /// Who leads.
    pub leader: Option<NodeId>,
    /// The epoch.
    pub epoch: i32,
    /// Whether this node leads, and decides.
    pub is_active: bool,
    /// Up to where the log is committed.
    pub high_watermark: Offset,
    /// Where it ends.
    pub log_end: Offset,
    /// Its bytes.
    pub log_bytes: u64,
    /// Brokers that were fenced for silence.
    pub timed_out_heartbeats: u64,
}

/// The cluster in numbers.
#[derive(Clone, Copy, Debug)]
pub struct ClusterMeasures {
    /// Topics.
    pub topics: usize,
    /// Partitions of all topics.
    pub partitions: usize,
    /// Those that nobody leads.
    pub offline_partitions: usize,
    /// Those that another than the preferred replica leads.
    pub not_preferred: usize,
    /// Brokers that serve.
    pub active_brokers: usize,
    /// Brokers that do not.
    pub fenced_brokers: usize,
    /// Up to where the image goes.
    pub metadata_end: Offset,
}

impl<F: Files> Node<F> {
    /// Takes all measures.
    pub fn measure(&self) -> Measures {
        let topics: Vec<(TopicName, Traffic)> =
            self.topic_counts.read().iter().map(|(topic, counts)| (topic.clone(), counts.read())).collect();
        let mut all = self.counts.read();
        for (_, traffic) in &topics {
            all += *traffic;
        }
        Measures {
            stage: self.stage(),
            partitions: self.all_partitions().iter().filter_map(|partition| measure_partition(partition)).collect(),
            topics,
            all,
            offline_directories: self.healths.iter().filter(|health| health.failure().is_some()).count(),
            requests: self.requests_handled(),
            waiting_fetches: self.parked.len(),
            sessions: self.sessions.lock().measure(),
            quorum: self.measure_quorum(),
            cluster: self.measure_cluster(),
        }
    }

    /// Why the node can no longer do its work, if so: the metadata log, without which nothing can be decided.
    pub fn failure(&self) -> Option<String> {
        self.controller.lock().as_ref().and_then(|controller| controller.failure().map(str::to_owned))
    }

    pub(crate) fn all_partitions(&self) -> Vec<Arc<Partition<F>>> {
        self.partitions.read().values().cloned().collect()
    }

    fn measure_quorum(&self) -> QuorumMeasures {
        let guard = self.controller.lock();
        let Some(controller) = guard.as_ref() else {
            let none = Offset::NONE;
            return QuorumMeasures {
                leader: None,
                epoch: -1,
                is_active: false,
                high_watermark: none,
                log_end: none,
                log_bytes: 0,
                timed_out_heartbeats: 0,
            };
        };
        QuorumMeasures {
            leader: controller.leader(),
            epoch: controller.quorum().epoch().0,
            is_active: controller.is_active(),
            high_watermark: controller.high_watermark(),
            log_end: controller.log_end(),
            log_bytes: controller.log_bytes(),
            timed_out_heartbeats: controller.timed_out_heartbeats,
        }
    }

    fn measure_cluster(&self) -> ClusterMeasures {
        let image = self.image();
        let partitions = || image.topics.partitions().map(|(_, _, partition)| partition);
        let brokers = || image.cluster.brokers.values();
        ClusterMeasures {
            topics: image.topics.len(),
            partitions: image.topics.partition_count(),
            offline_partitions: partitions().filter(|partition| partition.leader.is_none()).count(),
            not_preferred: partitions().filter(|partition| !partition.has_preferred_leader()).count(),
            active_brokers: brokers().filter(|broker| !broker.fenced).count(),
            fenced_brokers: brokers().filter(|broker| broker.fenced).count(),
            metadata_end: image.end,
        }
    }

    /// The log directories for DescribeLogDirs.
    pub(crate) fn describe_log_dirs(&self, asked: Option<&BTreeSet<(TopicName, PartitionIndex)>>) -> Vec<Directory> {
        let mut directories: Vec<Directory> = {
            let directories = self.directories.lock();
            let describe = |directory: &ottla_commit_log::LogDirectory<F>| Directory {
                path: directory.path().display().to_string(),
                code: ErrorCode::None,
                logs: Vec::new(),
                volume: self.volumes.as_ref().and_then(|of| of(directory.path())),
                is_cordoned: false,
            };
            directories.iter().map(describe).collect()
        };
        for (directory, health) in directories.iter_mut().zip(&self.healths) {
            if health.failure().is_some() {
                directory.code = ErrorCode::KafkaStorageError;
            }
        }
        let mut partitions = self.all_partitions();
        partitions.sort_by(|a, b| a.name.cmp(&b.name));
        for partition in partitions {
            let key = (partition.name.topic.clone(), partition.index());
            if asked.is_some_and(|asked| !asked.contains(&key)) {
                continue;
            }
            let Some(bytes) = partition.lock().log.as_ref().map(ottla_commit_log::Log::bytes) else { continue };
            let Some(directory) = directories.get_mut(partition.directory) else { continue };
            let facts = LogFacts { index: partition.index(), bytes, lag: 0 };
            match directory.logs.last_mut() {
                Some((topic, logs)) if *topic == partition.name.topic => logs.push(facts),
                _ => directory.logs.push((partition.name.topic.clone(), vec![facts])),
            }
        }
        directories
    }
}

fn measure_partition<F: Files>(partition: &Partition<F>) -> Option<PartitionMeasures> {
    let in_sync_min = partition.settings.load().in_sync_min;
    let state = partition.lock();
    let log = state.log.as_ref()?;
    let role = state.role();
    Some(PartitionMeasures {
        topic: partition.name.topic.clone(),
        index: partition.index(),
        is_leader: role.is_leader,
        replicas: role.replicas,
        in_sync: role.in_sync,
        in_sync_min: in_sync_min.min(role.replicas),
        bytes: log.bytes(),
        log_start: log.log_start(),
        log_end: log.log_end(),
        has_failed: log.failure().is_some() || partition.health.failure().is_some(),
    })
}
