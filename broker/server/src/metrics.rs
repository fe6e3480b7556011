//! Prometheus' text of a node's measures, under the names that Strimzi's dashboards and alerts query (the spelling that
//! its JMX rules make).
//!
//! What is measured is the node's matter (`ottla_node::measure`); counts of sockets are the shell's. Java's own numbers
//! (heap, garbage, threads of its pools) have no meaning here and are not invented; the process' memory is told instead.

use std::fmt::{Display, Write};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ottla_node::measure::{PartitionMeasures, QuorumMeasures};
use ottla_node::{Measures, Stage};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::http::{Answers, Standing};
use crate::listener::Served;
use crate::shell::{Shell, Traffic};

/// What the HTTP paths answer: of the process from its first moment on, of the node once it is open.
pub(crate) struct Exposition {
    /// The runtime that serves connections; who asks is on another.
    runtime: Handle,
    open: OnceLock<Open>,
}

struct Open {
    shell: Arc<Shell>,
    listeners: Vec<Arc<Served>>,
    /// Rates are those between two readings.
    last: Mutex<Reading>,
}

/// What rates are computed from.
#[derive(Clone, Debug)]
struct Reading {
    at: Instant,
    /// How long each of the runtime's threads was busy.
    busy: Vec<Duration>,
    metadata_end: i64,
    commits: u64,
    commit_time: Duration,
}

impl Reading {
    fn take(runtime: &Handle, traffic: &Traffic, quorum: &QuorumMeasures) -> Reading {
        let runtime = runtime.metrics();
        let threads = 0..runtime.num_workers();
        Reading {
            at: Instant::now(),
            busy: threads.map(|thread| runtime.worker_total_busy_duration(thread)).collect(),
            metadata_end: quorum.log_end.0,
            commits: traffic.syncs.load(Ordering::Relaxed),
            commit_time: Duration::from_nanos(traffic.sync_nanos.load(Ordering::Relaxed)),
        }
    }
}

impl Exposition {
    /// Tells of a process whose connections this runtime will serve.
    pub(crate) fn new(runtime: Handle) -> Exposition {
        Exposition { runtime, open: OnceLock::new() }
    }

    /// The node is open, and will be reached by these listeners.
    pub(crate) fn on_open(&self, shell: Arc<Shell>, listeners: Vec<Arc<Served>>) {
        let last = Mutex::new(Reading::take(&self.runtime, &shell.traffic, &shell.node.measure().quorum));
        let open = self.open.set(Open { shell, listeners, last });
        debug_assert!(open.is_ok(), "a process has one node");
    }
}

impl Answers for Exposition {
    fn standing(&self) -> Standing {
        let Some(open) = self.open.get() else {
            return Standing::Busy("starting: it opens its log directories and recovers their logs");
        };
        if let Some(failure) = open.shell.node.failure() {
            return Standing::Failed(failure);
        }
        match open.shell.node.stage() {
            Stage::Running => Standing::Ready,
            Stage::NotRunning | Stage::Starting => {
                Standing::Busy("starting: it registers with the controller and catches up with the metadata")
            }
            Stage::PendingControlledShutdown => Standing::Busy("stopping: it waits for the controller's leave"),
            Stage::ShuttingDown => Standing::Busy("stopping: it closes its logs"),
        }
    }

    fn metrics(&self) -> String {
        let mut page = Page::default();
        match self.open.get() {
            Some(open) => open.tell(&mut page, &self.runtime),
            None => state(&mut page, Stage::Starting),
        }
        process(&mut page);
        page.text
    }
}

impl Open {
    fn tell(&self, page: &mut Page, runtime: &Handle) {
        let measures = self.shell.node.measure();
        partitions(page, &measures);
        traffic(page, &measures);
        state(page, measures.stage);
        cluster(page, &measures);
        quorum(page, &measures, self.shell.node.identity().node_id.0);
        let reading = Reading::take(runtime, &self.shell.traffic, &measures.quorum);
        let last = std::mem::replace(&mut *self.last.lock(), reading.clone());
        rates(page, &last, &reading);
        self.sockets(page, &measures);
    }

    fn sockets(&self, page: &mut Page, measures: &Measures) {
        let traffic = &self.shell.traffic;
        page.family("kafka_server_socket_server_metrics_connection_count", "gauge", "Open connections.");
        // One of Kafka's threads serves one listener; any of ours serves all, and the label's 0 stands for them.
        for served in &self.listeners {
            let labels = [("listener", served.listener.name.as_str()), ("networkProcessor", "0")];
            page.sample(&labels, served.connections.load(Ordering::Relaxed));
        }
        page.single("ottla_requests_total", "counter", "Requests handled.", measures.requests);
        let refused = traffic.refused.load(Ordering::Relaxed);
        page.single(
            "ottla_connections_refused_total",
            "counter",
            "Connections closed for what came over them.",
            refused,
        );
        let panics = traffic.panics.load(Ordering::Relaxed);
        page.single("ottla_handler_panics_total", "counter", "Requests whose handling broke an invariant.", panics);
        let waiting = measures.waiting_fetches;
        page.family(
            "kafka_server_delayedoperationpurgatory_purgatorysize",
            "gauge",
            "Requests that wait, by what they ask for.",
        );
        page.sample(&[("delayedOperation", "Fetch")], waiting);
        let (sessions, places, evicted) = measures.sessions;
        page.single("kafka_server_fetchsessioncache_numincrementalfetchsessions", "gauge", "Fetch sessions.", sessions);
        let help = "Partitions that fetch sessions remember.";
        page.single("kafka_server_fetchsessioncache_numincrementalfetchpartitionscached", "gauge", help, places);
        let help = "Fetch sessions that gave way to others.";
        page.single("kafka_server_fetchsessioncache_incrementalfetchsessionevictions_total", "counter", help, evicted);
    }
}

/// A page in Prometheus' text format.
#[derive(Debug, Default)]
struct Page {
    text: String,
    name: &'static str,
}

impl Page {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        // Writing to a string cannot fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(self.name);
        for (place, (label, value)) in labels.iter().enumerate() {
            self.text.push(if place == 0 { '{' } else { ',' });
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{label}=\"{escaped}\"");
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }

    fn single(&mut self, name: &'static str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(&[], value);
    }
}

fn partitions(page: &mut Page, measures: &Measures) {
    let all = &measures.partitions;
    let count = |test: &dyn Fn(&PartitionMeasures) -> bool| all.iter().filter(|partition| test(partition)).count();
    let led = |partition: &PartitionMeasures| partition.is_leader;
    let gauge = "gauge";
    page.single("kafka_server_replicamanager_leadercount", gauge, "Partitions that this broker leads.", count(&led));
    page.single("kafka_server_replicamanager_partitioncount", gauge, "Partitions that lie here.", all.len());
    let under = count(&|one| led(one) && one.in_sync < one.replicas);
    page.single(
        "kafka_server_replicamanager_underreplicatedpartitions",
        gauge,
        "Led partitions with fewer replicas in sync than there are.",
        under,
    );
    let under_min = count(&|one| led(one) && one.in_sync < one.in_sync_min);
    page.single(
        "kafka_server_replicamanager_underminisrpartitioncount",
        gauge,
        "Led partitions with fewer replicas in sync than must be.",
        under_min,
    );
    let at_min = count(&|one| led(one) && one.in_sync == one.in_sync_min);
    page.single(
        "kafka_server_replicamanager_atminisrpartitioncount",
        gauge,
        "Led partitions with just as many replicas in sync as must be.",
        at_min,
    );
    let offline = count(&|one| one.has_failed);
    page.single(
        "kafka_server_replicamanager_offlinereplicacount",
        gauge,
        "Replicas here that can no longer be written.",
        offline,
    );
    page.single(
        "kafka_log_logmanager_offlinelogdirectorycount",
        gauge,
        "Log directories that take no records any more.",
        measures.offline_directories,
    );
    type Value = fn(&PartitionMeasures) -> i128;
    let families: [(&'static str, &str, Value); 6] = [
        ("kafka_cluster_partition_underminisr", "1 for a partition with fewer replicas in sync than must be.", |one| {
            i128::from(one.in_sync < one.in_sync_min)
        }),
        (
            "kafka_cluster_partition_atminisr",
            "1 for a partition with just as many replicas in sync as must be.",
            |one| i128::from(one.in_sync == one.in_sync_min),
        ),
        ("kafka_cluster_partition_replicascount", "Replicas of a partition.", |one| one.replicas as i128),
        ("kafka_log_log_size", "Bytes of a partition's segments.", |one| i128::from(one.bytes)),
        ("kafka_log_log_logstartoffset", "Where a partition's log begins.", |one| i128::from(one.log_start.0)),
        ("kafka_log_log_logendoffset", "Where a partition's log ends.", |one| i128::from(one.log_end.0)),
    ];
    for (name, help, value) in families {
        page.family(name, gauge, help);
        for one in all {
            let index = one.index.to_string();
            page.sample(&[("topic", one.topic.as_str()), ("partition", &index)], value(one));
        }
    }
}

fn traffic(page: &mut Page, measures: &Measures) {
    type Count = fn(&ottla_node::counts::Traffic) -> u64;
    let families: [(&'static str, &str, Count); 8] = [
        ("kafka_server_brokertopicmetrics_bytesin_total", "Bytes of batches that producers wrote.", |one| one.bytes_in),
        ("kafka_server_brokertopicmetrics_bytesout_total", "Bytes of batches that consumers read.", |one| {
            one.bytes_out
        }),
        ("kafka_server_brokertopicmetrics_messagesin_total", "Records that producers wrote.", |one| one.records_in),
        ("kafka_server_brokertopicmetrics_bytesrejected_total", "Bytes of batches that were refused.", |one| {
            one.bytes_rejected
        }),
        ("kafka_server_brokertopicmetrics_totalproducerequests_total", "Produces of a partition.", |one| one.produces),
        (
            "kafka_server_brokertopicmetrics_failedproducerequests_total",
            "Produces of a partition that failed.",
            |one| one.failed_produces,
        ),
        ("kafka_server_brokertopicmetrics_totalfetchrequests_total", "Fetches of a partition.", |one| one.fetches),
        ("kafka_server_brokertopicmetrics_failedfetchrequests_total", "Fetches of a partition that failed.", |one| {
            one.failed_fetches
        }),
    ];
    for (name, help, count) in families {
        page.family(name, "counter", help);
        page.sample(&[], count(&measures.all));
        for (topic, traffic) in &measures.topics {
            page.sample(&[("topic", topic.as_str())], count(traffic));
        }
    }
}

fn state(page: &mut Page, stage: Stage) {
    let help = "Kafka's number of the broker's state; 3 is running.";
    page.single("kafka_server_kafkaserver_brokerstate", "gauge", help, stage as u8);
}

fn cluster(page: &mut Page, measures: &Measures) {
    let cluster = &measures.cluster;
    let gauge = "gauge";
    let active = u8::from(measures.quorum.is_active);
    page.single(
        "kafka_controller_kafkacontroller_activecontrollercount",
        gauge,
        "1 on the controller that decides.",
        active,
    );
    page.single(
        "kafka_controller_kafkacontroller_activebrokercount",
        gauge,
        "Brokers that serve.",
        cluster.active_brokers,
    );
    page.single(
        "kafka_controller_kafkacontroller_fencedbrokercount",
        gauge,
        "Brokers that do not.",
        cluster.fenced_brokers,
    );
    page.single("kafka_controller_kafkacontroller_globaltopiccount", gauge, "Topics.", cluster.topics);
    page.single("kafka_controller_kafkacontroller_globalpartitioncount", gauge, "Partitions.", cluster.partitions);
    page.single(
        "kafka_controller_kafkacontroller_offlinepartitionscount",
        gauge,
        "Partitions that nobody leads.",
        cluster.offline_partitions,
    );
    page.single(
        "kafka_controller_kafkacontroller_preferredreplicaimbalancecount",
        gauge,
        "Partitions that another than the preferred replica leads.",
        cluster.not_preferred,
    );
    let timed_out = measures.quorum.timed_out_heartbeats;
    page.single(
        "kafka_controller_kafkacontroller_timedoutbrokerheartbeatcount",
        gauge,
        "Brokers that were fenced for silence.",
        timed_out,
    );
    // Unclean elections need a replica that is not in sync, and so a second broker.
    page.single(
        "kafka_controller_controllerstats_uncleanleaderelections_total",
        "counter",
        "Leaders elected that lacked committed records.",
        0,
    );
    let applied = cluster.metadata_end.0 - 1;
    page.single(
        "kafka_server_broker_metadata_metrics_last_applied_record_offset",
        gauge,
        "Up to where the metadata is applied.",
        applied,
    );
}

fn quorum(page: &mut Page, measures: &Measures, node_id: i32) {
    let quorum = &measures.quorum;
    let gauge = "gauge";
    let leader = quorum.leader.map_or(-1, |leader| leader.0);
    page.single("kafka_server_raftmetrics_current_leader", gauge, "Who leads the metadata log.", leader);
    let vote = if quorum.is_active { node_id } else { -1 };
    page.single("kafka_server_raftmetrics_current_vote", gauge, "Whom this node voted for.", vote);
    page.single("kafka_server_raftmetrics_current_epoch", gauge, "The epoch of the metadata log.", quorum.epoch);
    page.family("kafka_server_raftmetrics_current_state", gauge, "1 under the state that this node is in.");
    let state = if quorum.is_active { "leader" } else { "unattached" };
    page.sample(&[("current_state", state)], 1);
    page.single(
        "kafka_server_raftmetrics_high_watermark",
        gauge,
        "Up to where the metadata log is committed.",
        quorum.high_watermark.0,
    );
    page.single("kafka_server_raftmetrics_log_end_offset", gauge, "Where the metadata log ends.", quorum.log_end.0);
    page.single("ottla_metadata_log_bytes", gauge, "Bytes of the metadata log.", quorum.log_bytes);
}

/// What is told as a rate or a share of time: since the page was read last.
fn rates(page: &mut Page, last: &Reading, now: &Reading) {
    let gauge = "gauge";
    let seconds = (now.at - last.at).as_secs_f64().max(1e-3);
    let threads = now.busy.iter().zip(&last.busy).map(|(now, last)| now.saturating_sub(*last).as_secs_f64());
    let idle: Vec<f64> = threads.map(|busy| (1.0 - busy / seconds).clamp(0.0, 1.0)).collect();
    // Connections are read, requests handled and answers written by the same threads.
    page.family(
        "kafka_network_socketserver_networkprocessoravgidle_percent",
        gauge,
        "The share of time, 0 to 1, in which a thread that serves connections had nothing to do.",
    );
    for (thread, idle) in idle.iter().enumerate() {
        page.sample(&[("networkProcessor", &thread.to_string())], idle);
    }
    page.single(
        "kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent",
        gauge,
        "The same of all threads together.",
        idle.iter().sum::<f64>() / idle.len().max(1) as f64,
    );
    page.single(
        "kafka_server_raftmetrics_append_records_rate",
        gauge,
        "Records a second that the leader of the metadata log appended.",
        (now.metadata_end - last.metadata_end) as f64 / seconds,
    );
    // The leader fetches from nobody; with one voter there is no other role.
    page.single(
        "kafka_server_raftmetrics_fetch_records_rate",
        gauge,
        "Records a second that a follower of the metadata log fetched.",
        0,
    );
    let commits = now.commits - last.commits;
    let latency = (now.commit_time - last.commit_time).as_secs_f64() * 1e3 / commits as f64;
    page.single(
        "kafka_server_raftmetrics_commit_latency_avg",
        gauge,
        "Milliseconds that committing the metadata log took; NaN when nothing was to be committed.",
        latency,
    );
    let channel: [(&'static str, &str); 4] = [
        ("kafka_server_raftchannelmetrics_incoming_byte_total", "Bytes that other voters sent."),
        ("kafka_server_raftchannelmetrics_outgoing_byte_total", "Bytes that were sent to other voters."),
        ("kafka_server_raftchannelmetrics_request_total", "Requests to other voters."),
        ("kafka_server_raftchannelmetrics_response_total", "Answers of other voters."),
    ];
    for (name, help) in channel {
        page.single(name, "counter", help, 0);
    }
}

/// The process' own numbers, from Linux' files about it.
fn process(page: &mut Page) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok())
    };
    if let Some(resident) = kibibytes("VmRSS:") {
        page.single("process_resident_memory_bytes", "gauge", "Memory in use.", resident * 1024);
    }
    if let Some(threads) = kibibytes("Threads:") {
        page.single("process_threads", "gauge", "Threads.", threads);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        page.single("process_open_fds", "gauge", "Open file descriptors.", open.count());
    }
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let bytes = |key: &str| io.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok());
    if let Some(read) = bytes("read_bytes:") {
        page.single("kafka_server_kafkaserver_linux_disk_read_bytes", "gauge", "Bytes read from disks.", read);
    }
    if let Some(written) = bytes("write_bytes:") {
        page.single("kafka_server_kafkaserver_linux_disk_write_bytes", "gauge", "Bytes written to disks.", written);
    }
    if let Some(seconds) = processor_seconds() {
        page.single("process_cpu_seconds_total", "counter", "Processor time used.", seconds);
    }
}

/// User and system time; Linux counts it in hundredths of a second.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) as f64 / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut page = Page::default();
        page.family("a", "gauge", "Help.");
        page.sample(&[("topic", "x\"y\\z\n"), ("partition", "0")], 5);
        assert_eq!(page.text, "# HELP a Help.\n# TYPE a gauge\na{topic=\"x\\\"y\\\\z\\n\",partition=\"0\"} 5\n");
    }

    #[test]
    fn rates_are_those_since_the_last_reading() {
        let mut page = Page::default();
        let last = Reading {
            at: Instant::now(),
            busy: vec![Duration::ZERO; 2],
            metadata_end: 0,
            commits: 0,
            commit_time: Duration::ZERO,
        };
        let now = Reading {
            at: last.at + Duration::from_secs(2),
            busy: vec![Duration::from_millis(500), Duration::from_secs(3)],
            metadata_end: 10,
            commits: 4,
            commit_time: Duration::from_millis(6),
        };
        rates(&mut page, &last, &now);
        for sample in [
            "networkprocessoravgidle_percent{networkProcessor=\"0\"} 0.75\n",
            "networkprocessoravgidle_percent{networkProcessor=\"1\"} 0\n",
            "requesthandleravgidle_percent 0.375\n",
            "append_records_rate 5\n",
            "commit_latency_avg 1.5\n",
        ] {
            assert!(page.text.contains(sample), "{sample} is missing in {}", page.text);
        }
        rates(&mut page, &now, &now);
        assert!(page.text.ends_with("response_total 0\n") && page.text.contains("commit_latency_avg NaN\n"));
    }

    #[test]
    fn the_process_tells_of_itself() {
        let mut page = Page::default();
        process(&mut page);
        for name in ["process_resident_memory_bytes ", "process_open_fds ", "process_cpu_seconds_total "] {
            assert!(page.text.contains(name), "{name} is missing");
        }
    }
}
