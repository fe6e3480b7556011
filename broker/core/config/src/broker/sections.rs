//! The typed sections of a broker's configuration, each named for the part of the product that takes it.
//!
//! A field's doc is its key; what the key means is in the table. Times are durations, sizes and counts are unsigned, "no
//! limit" is `None` where Kafka writes a number for it.

use ottla_vocabulary::Duration;

use crate::endpoint::{HostPort, Voter};
use crate::layers::listener_key;
use crate::properties::Properties;
use crate::values::Values;

/// The metadata quorum, its log and its snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuorumConfig {
    /// `controller.quorum.voters`: set on a static quorum only.
    pub voters: Vec<Voter>,
    /// `controller.quorum.bootstrap.servers`.
    pub bootstrap_servers: Vec<HostPort>,
    /// `controller.quorum.auto.join.enable`.
    pub auto_join: bool,
    /// `controller.quorum.election.timeout.ms`.
    pub election_timeout: Duration,
    /// `controller.quorum.election.backoff.max.ms`.
    pub election_backoff_max: Duration,
    /// `controller.quorum.fetch.timeout.ms`.
    pub fetch_timeout: Duration,
    /// `controller.quorum.request.timeout.ms`.
    pub request_timeout: Duration,
    /// `controller.quorum.retry.backoff.ms`.
    pub retry_backoff: Duration,
    /// `controller.quorum.append.linger.ms`.
    pub append_linger: Duration,
    /// `controller.quorum.fetch.max.bytes`.
    pub fetch_bytes_max: u32,
    /// `controller.quorum.fetch.snapshot.max.bytes`.
    pub fetch_snapshot_bytes_max: u32,
    /// `metadata.log.dir`, or the first of `log.dirs`.
    pub metadata_log_dir: String,
    /// `metadata.log.segment.bytes`, or `internal.metadata.log.segment.bytes` where that is set.
    pub segment_bytes: u32,
    /// `metadata.log.segment.ms`.
    pub segment_age: Duration,
    /// `metadata.max.retention.bytes`.
    pub retention_bytes: i64,
    /// `metadata.max.retention.ms`.
    pub retention_ms: i64,
    /// `metadata.log.max.record.bytes.between.snapshots`.
    pub snapshot_bytes: u64,
    /// `metadata.log.max.snapshot.interval.ms`; zero is never by time.
    pub snapshot_interval: Option<Duration>,
    /// `metadata.max.idle.interval.ms`; zero is no idle records.
    pub idle_interval: Option<Duration>,
    /// `internal.metadata.delete.delay.millis`.
    pub delete_delay: Duration,
}

/// Registration and heartbeats with the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// `broker.heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
    /// `broker.session.timeout.ms`.
    pub session_timeout: Duration,
    /// `initial.broker.registration.timeout.ms`.
    pub initial_registration_timeout: Duration,
    /// `controlled.shutdown.enable`.
    pub controlled_shutdown: bool,
}

/// Sockets, connections and requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkConfig {
    /// `socket.request.max.bytes`.
    pub request_bytes_max: u32,
    /// `socket.send.buffer.bytes`; unset or −1 leaves it to the system.
    pub send_buffer_bytes: Option<u32>,
    /// `socket.receive.buffer.bytes`; unset or −1 leaves it to the system.
    pub receive_buffer_bytes: Option<u32>,
    /// `socket.listen.backlog.size`.
    pub listen_backlog: u32,
    /// `connections.max.idle.ms`; negative is never.
    pub connection_idle_max: Option<Duration>,
    /// `max.connections`.
    pub connections_max: u32,
    /// `listener.name.<name>.max.connections`, by the listener's name in lower case.
    pub connections_max_of: Vec<(String, u32)>,
    /// `max.connection.creation.rate`, a second.
    pub connection_rate_max: u32,
    /// `max.connections.per.ip`.
    pub connections_per_ip_max: u32,
    /// `max.connections.per.ip.overrides`.
    pub connections_per_ip_overrides: Vec<(String, u32)>,
    /// `queued.max.requests`.
    pub queued_requests_max: u32,
    /// `queued.max.request.bytes`, if there is such a limit.
    pub queued_request_bytes_max: Option<u64>,
    /// `fetch.max.bytes`.
    pub fetch_bytes_max: u32,
    /// `max.incremental.fetch.session.cache.slots`.
    pub fetch_session_slots: u32,
    /// `max.request.partition.size.limit`.
    pub request_partitions_max: u32,
    /// `request.timeout.ms`, for what brokers ask of each other.
    pub request_timeout: Duration,
    /// `connection.failed.authentication.delay.ms`.
    pub failed_authentication_delay: Duration,
    /// `num.network.threads`.
    pub network_threads: u32,
    /// `num.io.threads`.
    pub io_threads: u32,
}

/// Directories and background work of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// `log.dirs`, or `log.dir`.
    pub dirs: Vec<String>,
    /// `cordoned.log.dirs`: `*` for all.
    pub cordoned_dirs: Vec<String>,
    /// `log.dir.failure.timeout.ms`.
    pub dir_failure_timeout: Duration,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval: Duration,
    /// `log.flush.offset.checkpoint.interval.ms`.
    pub recovery_point_interval: Duration,
    /// `log.flush.start.offset.checkpoint.interval.ms`.
    pub start_offset_interval: Duration,
    /// `log.initial.task.delay.ms`.
    pub initial_task_delay: Duration,
    /// `num.recovery.threads.per.data.dir`.
    pub recovery_threads_per_dir: u32,
    /// `log.cleaner.enable`.
    pub cleaner: bool,
    /// `log.cleaner.threads`.
    pub cleaner_threads: u32,
    /// `log.cleaner.dedupe.buffer.size`.
    pub cleaner_dedupe_bytes: u64,
    /// `log.cleaner.io.buffer.load.factor`.
    pub cleaner_load_factor: f64,
    /// `log.cleaner.io.buffer.size`.
    pub cleaner_io_bytes: u32,
    /// `log.cleaner.io.max.bytes.per.second`.
    pub cleaner_bytes_per_second_max: f64,
    /// `log.cleaner.backoff.ms`.
    pub cleaner_backoff: Duration,
}

/// How topics come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicCreation {
    /// `auto.create.topics.enable`.
    pub auto_create: bool,
    /// `delete.topic.enable`.
    pub deletion: bool,
    /// `num.partitions`.
    pub partitions: u32,
    /// `default.replication.factor`.
    pub replication_factor: i16,
}

/// Replication between brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicationConfig {
    /// `num.replica.fetchers`.
    pub fetchers: u32,
    /// `replica.fetch.min.bytes`.
    pub fetch_bytes_min: u32,
    /// `replica.fetch.max.bytes`, of one partition.
    pub fetch_bytes_max: u32,
    /// `replica.fetch.response.max.bytes`.
    pub fetch_response_bytes_max: u32,
    /// `replica.fetch.wait.max.ms`.
    pub fetch_wait_max: Duration,
    /// `replica.fetch.backoff.ms`.
    pub fetch_backoff: Duration,
    /// `replica.lag.time.max.ms`.
    pub lag_max: Duration,
    /// `replica.socket.timeout.ms`.
    pub socket_timeout: Duration,
    /// `replica.high.watermark.checkpoint.interval.ms`.
    pub high_watermark_interval: Duration,
    /// `auto.leader.rebalance.enable`.
    pub leader_rebalance: bool,
    /// `leader.imbalance.check.interval.seconds`.
    pub leader_rebalance_interval: Duration,
}

/// Classic and consumer groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupConfig {
    /// `group.min.session.timeout.ms`.
    pub session_timeout_min: Duration,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_max: Duration,
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay: Duration,
    /// `group.max.size`.
    pub size_max: u32,
    /// `group.consumer.session.timeout.ms`.
    pub consumer_session_timeout: Duration,
    /// `group.consumer.heartbeat.interval.ms`.
    pub consumer_heartbeat_interval: Duration,
    /// `group.consumer.max.size`.
    pub consumer_size_max: u32,
    /// `group.coordinator.append.linger.ms`; −1 is chosen by the coordinator.
    pub append_linger: Option<Duration>,
}

/// The offsets topic and what is kept in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetsConfig {
    /// `offsets.topic.num.partitions`.
    pub partitions: u32,
    /// `offsets.topic.replication.factor`.
    pub replication_factor: i16,
    /// `offsets.topic.segment.bytes`.
    pub segment_bytes: u32,
    /// `offsets.topic.compression.codec`: the number of a codec.
    pub compression_codec: i32,
    /// `offset.metadata.max.bytes`.
    pub metadata_bytes_max: u32,
    /// `offsets.retention.minutes`.
    pub retention: Duration,
    /// `offsets.retention.check.interval.ms`.
    pub retention_check_interval: Duration,
    /// `offsets.commit.timeout.ms`.
    pub commit_timeout: Duration,
    /// `offsets.load.buffer.size`.
    pub load_buffer_bytes: u32,
}

/// Transactions and their topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionConfig {
    /// `transaction.state.log.num.partitions`.
    pub partitions: u32,
    /// `transaction.state.log.replication.factor`.
    pub replication_factor: i16,
    /// `transaction.state.log.segment.bytes`.
    pub segment_bytes: u32,
    /// `transaction.state.log.min.isr`.
    pub in_sync_replicas_min: u32,
    /// `transaction.max.timeout.ms`.
    pub timeout_max: Duration,
    /// `transactional.id.expiration.ms`.
    pub id_expiration: Duration,
    /// `transaction.partition.verification.enable`.
    pub partition_verification: bool,
}

/// Producer ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerConfig {
    /// `producer.id.expiration.ms`.
    pub id_expiration: Duration,
    /// `producer.id.expiration.check.interval.ms`.
    pub id_expiration_check_interval: Duration,
}

/// Windows in which quotas are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaConfig {
    /// `quota.window.num`.
    pub windows: u32,
    /// `quota.window.size.seconds`.
    pub window: Duration,
    /// `controller.quota.window.num`.
    pub controller_windows: u32,
    /// `controller.quota.window.size.seconds`.
    pub controller_window: Duration,
}

impl QuorumConfig {
    pub(super) fn read(values: &Values) -> QuorumConfig {
        let dirs = LogConfig::read_dirs(values);
        let interval = |name| Some(values.millis(name)).filter(|interval| !interval.is_zero());
        QuorumConfig {
            voters: values.list("controller.quorum.voters").iter().filter_map(|text| Voter::parse(text).ok()).collect(),
            bootstrap_servers: values
                .list("controller.quorum.bootstrap.servers")
                .iter()
                .filter_map(|text| HostPort::parse(text))
                .collect(),
            auto_join: values.boolean("controller.quorum.auto.join.enable"),
            election_timeout: values.millis("controller.quorum.election.timeout.ms"),
            election_backoff_max: values.millis("controller.quorum.election.backoff.max.ms"),
            fetch_timeout: values.millis("controller.quorum.fetch.timeout.ms"),
            request_timeout: values.millis("controller.quorum.request.timeout.ms"),
            retry_backoff: values.millis("controller.quorum.retry.backoff.ms"),
            append_linger: values.millis("controller.quorum.append.linger.ms"),
            fetch_bytes_max: values.size("controller.quorum.fetch.max.bytes"),
            fetch_snapshot_bytes_max: values.size("controller.quorum.fetch.snapshot.max.bytes"),
            metadata_log_dir: values.text("metadata.log.dir").or_else(|| dirs.first().cloned()).unwrap_or_default(),
            segment_bytes: if values.is_set("internal.metadata.log.segment.bytes") {
                values.size("internal.metadata.log.segment.bytes")
            } else {
                values.size("metadata.log.segment.bytes")
            },
            segment_age: values.millis("metadata.log.segment.ms"),
            retention_bytes: values.long("metadata.max.retention.bytes"),
            retention_ms: values.long("metadata.max.retention.ms"),
            snapshot_bytes: values.long("metadata.log.max.record.bytes.between.snapshots").unsigned_abs(),
            snapshot_interval: interval("metadata.log.max.snapshot.interval.ms"),
            idle_interval: interval("metadata.max.idle.interval.ms"),
            delete_delay: values.millis("internal.metadata.delete.delay.millis"),
        }
    }
}

impl SessionConfig {
    pub(super) fn read(values: &Values) -> SessionConfig {
        SessionConfig {
            heartbeat_interval: values.millis("broker.heartbeat.interval.ms"),
            session_timeout: values.millis("broker.session.timeout.ms"),
            initial_registration_timeout: values.millis("initial.broker.registration.timeout.ms"),
            controlled_shutdown: values.boolean("controlled.shutdown.enable"),
        }
    }
}

impl NetworkConfig {
    pub(super) fn read(values: &Values, merged: &Properties) -> NetworkConfig {
        let of_listener = |(name, text): (&str, &str)| match listener_key(name) {
            Some((listener, "max.connections")) => Some((listener.to_ascii_lowercase(), text.trim().parse().ok()?)),
            _ => None,
        };
        // Kafka's default of 100 KiB would stop the system from letting a buffer grow to what the connection's way needs.
        let buffer = |name| u32::try_from(values.int(name)).ok().filter(|_| values.is_set(name));
        let idle = values.long("connections.max.idle.ms");
        let queued = values.long("queued.max.request.bytes");
        NetworkConfig {
            request_bytes_max: values.size("socket.request.max.bytes"),
            send_buffer_bytes: buffer("socket.send.buffer.bytes"),
            receive_buffer_bytes: buffer("socket.receive.buffer.bytes"),
            listen_backlog: values.size("socket.listen.backlog.size"),
            connection_idle_max: (0 <= idle).then(|| values.millis("connections.max.idle.ms")),
            connections_max: values.size("max.connections"),
            connections_max_of: merged.iter().filter_map(of_listener).collect(),
            connection_rate_max: values.size("max.connection.creation.rate"),
            connections_per_ip_max: values.size("max.connections.per.ip"),
            connections_per_ip_overrides: per_ip_overrides(
                &values.text("max.connections.per.ip.overrides").unwrap_or_default(),
            )
            .unwrap_or_default(),
            queued_requests_max: values.size("queued.max.requests"),
            queued_request_bytes_max: u64::try_from(queued).ok().filter(|bytes| 0 < *bytes),
            fetch_bytes_max: values.size("fetch.max.bytes"),
            fetch_session_slots: values.size("max.incremental.fetch.session.cache.slots"),
            request_partitions_max: values.size("max.request.partition.size.limit"),
            request_timeout: values.millis("request.timeout.ms"),
            failed_authentication_delay: values.millis("connection.failed.authentication.delay.ms"),
            network_threads: values.size("num.network.threads"),
            io_threads: values.size("num.io.threads"),
        }
    }
}

/// Parses `host:number,host:number`.
///
/// # Errors
/// The first entry that is something else.
pub(super) fn per_ip_overrides(text: &str) -> Result<Vec<(String, u32)>, String> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| {
            let (host, limit) = entry.rsplit_once(':').ok_or_else(|| entry.to_owned())?;
            let limit = limit.trim().parse().map_err(|_| entry.to_owned())?;
            Ok((host.trim().to_owned(), limit))
        })
        .collect()
}

impl LogConfig {
    pub(super) fn read(values: &Values) -> LogConfig {
        LogConfig {
            dirs: LogConfig::read_dirs(values),
            cordoned_dirs: values.list("cordoned.log.dirs"),
            dir_failure_timeout: values.millis("log.dir.failure.timeout.ms"),
            retention_check_interval: values.millis("log.retention.check.interval.ms"),
            recovery_point_interval: values.millis("log.flush.offset.checkpoint.interval.ms"),
            start_offset_interval: values.millis("log.flush.start.offset.checkpoint.interval.ms"),
            initial_task_delay: values.millis("log.initial.task.delay.ms"),
            recovery_threads_per_dir: values.size("num.recovery.threads.per.data.dir"),
            cleaner: values.boolean("log.cleaner.enable"),
            cleaner_threads: values.size("log.cleaner.threads"),
            cleaner_dedupe_bytes: values.long("log.cleaner.dedupe.buffer.size").unsigned_abs(),
            cleaner_load_factor: values.decimal("log.cleaner.io.buffer.load.factor"),
            cleaner_io_bytes: values.size("log.cleaner.io.buffer.size"),
            cleaner_bytes_per_second_max: values.decimal("log.cleaner.io.max.bytes.per.second"),
            cleaner_backoff: values.millis("log.cleaner.backoff.ms"),
        }
    }

    fn read_dirs(values: &Values) -> Vec<String> {
        let dirs = values.list("log.dirs");
        if dirs.is_empty() { values.list("log.dir") } else { dirs }
    }
}

impl TopicCreation {
    pub(super) fn read(values: &Values) -> TopicCreation {
        TopicCreation {
            auto_create: values.boolean("auto.create.topics.enable"),
            deletion: values.boolean("delete.topic.enable"),
            partitions: values.size("num.partitions"),
            replication_factor: short(values, "default.replication.factor"),
        }
    }
}

impl ReplicationConfig {
    pub(super) fn read(values: &Values) -> ReplicationConfig {
        ReplicationConfig {
            fetchers: values.size("num.replica.fetchers"),
            fetch_bytes_min: values.size("replica.fetch.min.bytes"),
            fetch_bytes_max: values.size("replica.fetch.max.bytes"),
            fetch_response_bytes_max: values.size("replica.fetch.response.max.bytes"),
            fetch_wait_max: values.millis("replica.fetch.wait.max.ms"),
            fetch_backoff: values.millis("replica.fetch.backoff.ms"),
            lag_max: values.millis("replica.lag.time.max.ms"),
            socket_timeout: values.millis("replica.socket.timeout.ms"),
            high_watermark_interval: values.millis("replica.high.watermark.checkpoint.interval.ms"),
            leader_rebalance: values.boolean("auto.leader.rebalance.enable"),
            leader_rebalance_interval: values.seconds("leader.imbalance.check.interval.seconds"),
        }
    }
}

impl GroupConfig {
    pub(super) fn read(values: &Values) -> GroupConfig {
        let linger = values.long("group.coordinator.append.linger.ms");
        GroupConfig {
            session_timeout_min: values.millis("group.min.session.timeout.ms"),
            session_timeout_max: values.millis("group.max.session.timeout.ms"),
            initial_rebalance_delay: values.millis("group.initial.rebalance.delay.ms"),
            size_max: values.size("group.max.size"),
            consumer_session_timeout: values.millis("group.consumer.session.timeout.ms"),
            consumer_heartbeat_interval: values.millis("group.consumer.heartbeat.interval.ms"),
            consumer_size_max: values.size("group.consumer.max.size"),
            append_linger: u64::try_from(linger).ok().map(Duration::from_millis),
        }
    }
}

impl OffsetsConfig {
    pub(super) fn read(values: &Values) -> OffsetsConfig {
        OffsetsConfig {
            partitions: values.size("offsets.topic.num.partitions"),
            replication_factor: short(values, "offsets.topic.replication.factor"),
            segment_bytes: values.size("offsets.topic.segment.bytes"),
            compression_codec: values.int("offsets.topic.compression.codec"),
            metadata_bytes_max: values.size("offset.metadata.max.bytes"),
            retention: values.seconds("offsets.retention.minutes") * 60,
            retention_check_interval: values.millis("offsets.retention.check.interval.ms"),
            commit_timeout: values.millis("offsets.commit.timeout.ms"),
            load_buffer_bytes: values.size("offsets.load.buffer.size"),
        }
    }
}

impl TransactionConfig {
    pub(super) fn read(values: &Values) -> TransactionConfig {
        TransactionConfig {
            partitions: values.size("transaction.state.log.num.partitions"),
            replication_factor: short(values, "transaction.state.log.replication.factor"),
            segment_bytes: values.size("transaction.state.log.segment.bytes"),
            in_sync_replicas_min: values.size("transaction.state.log.min.isr"),
            timeout_max: values.millis("transaction.max.timeout.ms"),
            id_expiration: values.millis("transactional.id.expiration.ms"),
            partition_verification: values.boolean("transaction.partition.verification.enable"),
        }
    }
}

impl ProducerConfig {
    pub(super) fn read(values: &Values) -> ProducerConfig {
        ProducerConfig {
            id_expiration: values.millis("producer.id.expiration.ms"),
            id_expiration_check_interval: values.millis("producer.id.expiration.check.interval.ms"),
        }
    }
}

impl QuotaConfig {
    pub(super) fn read(values: &Values) -> QuotaConfig {
        QuotaConfig {
            windows: values.size("quota.window.num"),
            window: values.seconds("quota.window.size.seconds"),
            controller_windows: values.size("controller.quota.window.num"),
            controller_window: values.seconds("controller.quota.window.size.seconds"),
        }
    }
}

fn short(values: &Values, name: &str) -> i16 {
    i16::try_from(values.int(name)).unwrap_or(i16::MAX)
}
