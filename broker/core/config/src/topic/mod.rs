//! What holds for one topic: its own settings over the broker's over the defaults, typed.

pub mod validate;

use crate::catalogue;
use crate::error::{Warning, Warnings};
use crate::properties::Properties;
use crate::value::Value;
use crate::values::Values;

/// The effective configuration of a topic. Times are Kafka's milliseconds and keep its −1, as they are compared with
/// timestamps and sizes that records carry.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicConfig {
    /// `cleanup.policy` contains `compact`.
    pub cleanup_compacts: bool,
    /// `cleanup.policy` contains `delete`. Neither of the two: keep for ever.
    pub cleanup_deletes: bool,
    /// `compression.type`.
    pub compression: CompressionType,
    /// `compression.gzip.level`: 1 to 9, or −1 for the codec's own.
    pub compression_gzip_level: i32,
    /// `compression.lz4.level`.
    pub compression_lz4_level: i32,
    /// `compression.zstd.level`.
    pub compression_zstd_level: i32,
    /// `delete.retention.ms`.
    pub delete_retention_ms: i64,
    /// `file.delete.delay.ms`.
    pub file_delete_delay_ms: i64,
    /// `flush.messages`.
    pub flush_messages: i64,
    /// `flush.ms`.
    pub flush_ms: i64,
    /// `follower.replication.throttled.replicas`, as written.
    pub follower_throttled_replicas: Vec<String>,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u32,
    /// `leader.replication.throttled.replicas`, as written.
    pub leader_throttled_replicas: Vec<String>,
    /// `max.compaction.lag.ms`.
    pub compaction_lag_max_ms: i64,
    /// `max.decompressed.message.bytes`.
    pub decompressed_message_bytes_max: u32,
    /// `max.message.bytes`: the largest record batch that is accepted.
    pub message_bytes_max: u32,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_max_ms: i64,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `min.cleanable.dirty.ratio`.
    pub cleanable_dirty_ratio_min: f64,
    /// `min.compaction.lag.ms`.
    pub compaction_lag_min_ms: i64,
    /// `min.insync.replicas`.
    pub in_sync_replicas_min: u32,
    /// `preallocate`.
    pub preallocate: bool,
    /// `remote.storage.enable`.
    pub remote_storage: bool,
    /// `retention.bytes`; below zero for no limit.
    pub retention_bytes: i64,
    /// `retention.ms`; −1 for ever.
    pub retention_ms: i64,
    /// `segment.bytes`, or `internal.segment.bytes` where that is set.
    pub segment_bytes: u32,
    /// `segment.index.bytes`.
    pub segment_index_bytes: u32,
    /// `segment.jitter.ms`.
    pub segment_jitter_ms: i64,
    /// `segment.ms`.
    pub segment_ms: i64,
    /// `unclean.leader.election.enable`.
    pub unclean_leader_election: bool,
}

/// `compression.type`: what a broker does with the codec that a producer chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompressionType {
    /// Keep it.
    Producer,
    /// Store without compression.
    Uncompressed,
    /// Store with gzip.
    Gzip,
    /// Store with snappy.
    Snappy,
    /// Store with lz4.
    Lz4,
    /// Store with zstd.
    Zstd,
}

/// `message.timestamp.type`: whose clock a record's timestamp is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The broker's, when it appended.
    LogAppendTime,
}

impl TopicConfig {
    /// What holds for a topic of a broker that sets nothing itself.
    pub fn of_broker(values: &Values) -> TopicConfig {
        let mut config = TopicConfig::table_defaults();
        for key in catalogue::TOPIC {
            if let Some(value) = broker_value(key.name, values) {
                config.take(key.name, &value);
            }
        }
        config
    }

    /// What holds for a topic that sets these. What is unknown or wrong is passed over with a warning: such records may
    /// come from another version, and altering checks values before they become records.
    pub fn with_overrides(&self, overrides: &Properties) -> (TopicConfig, Warnings) {
        let mut config = self.clone();
        let mut warnings = Warnings::new();
        for (name, text) in overrides.iter() {
            match catalogue::topic_key(name).map(|key| key.parse(text)) {
                Some(Ok(value)) => config.take(name, &value),
                Some(Err(complaint)) => warnings.push(Warning::new(name, format!("passed over: {complaint}"))),
                None => warnings.push(Warning::new(name, "passed over: no topic configuration has this name")),
            }
        }
        if let Some(Value::Integer(bytes)) = overrides
            .get("internal.segment.bytes")
            .and_then(|text| catalogue::topic_key("internal.segment.bytes")?.parse(text).ok())
        {
            config.segment_bytes = u32::try_from(bytes).unwrap_or(config.segment_bytes);
        }
        (config, warnings)
    }

    fn table_defaults() -> TopicConfig {
        let mut config = TopicConfig {
            cleanup_compacts: false,
            cleanup_deletes: true,
            compression: CompressionType::Producer,
            compression_gzip_level: 0,
            compression_lz4_level: 0,
            compression_zstd_level: 0,
            delete_retention_ms: 0,
            file_delete_delay_ms: 0,
            flush_messages: 0,
            flush_ms: 0,
            follower_throttled_replicas: Vec::new(),
            index_interval_bytes: 0,
            leader_throttled_replicas: Vec::new(),
            compaction_lag_max_ms: 0,
            decompressed_message_bytes_max: 0,
            message_bytes_max: 0,
            timestamp_after_max_ms: 0,
            timestamp_before_max_ms: 0,
            timestamp_type: TimestampType::CreateTime,
            cleanable_dirty_ratio_min: 0.0,
            compaction_lag_min_ms: 0,
            in_sync_replicas_min: 0,
            preallocate: false,
            remote_storage: false,
            retention_bytes: 0,
            retention_ms: 0,
            segment_bytes: 0,
            segment_index_bytes: 0,
            segment_jitter_ms: 0,
            segment_ms: 0,
            unclean_leader_election: false,
        };
        // Every field is then set from the table: the zeros above never show.
        for key in catalogue::TOPIC {
            config.take(key.name, &key.default_value());
        }
        config
    }

    /// Sets the field of a key. Keys of parts that are not built have no field.
    fn take(&mut self, name: &str, value: &Value) {
        match (name, value) {
            ("cleanup.policy", Value::List(policies)) => {
                self.cleanup_compacts = policies.iter().any(|policy| policy == "compact");
                self.cleanup_deletes = policies.iter().any(|policy| policy == "delete");
            }
            ("compression.type", Value::Text(name)) => self.compression = CompressionType::named(name),
            ("message.timestamp.type", Value::Text(name)) => {
                let appended = name == "LogAppendTime";
                self.timestamp_type = if appended { TimestampType::LogAppendTime } else { TimestampType::CreateTime };
            }
            ("min.cleanable.dirty.ratio", Value::Decimal(ratio)) => self.cleanable_dirty_ratio_min = *ratio,
            ("leader.replication.throttled.replicas", Value::List(list)) => {
                self.leader_throttled_replicas.clone_from(list);
            }
            ("follower.replication.throttled.replicas", Value::List(list)) => {
                self.follower_throttled_replicas.clone_from(list);
            }
            (name, Value::Boolean(on)) => self.take_switch(name, *on),
            (name, Value::Integer(number)) => self.take_number(name, *number),
            _ => {}
        }
    }

    fn take_switch(&mut self, name: &str, on: bool) {
        match name {
            "preallocate" => self.preallocate = on,
            "remote.storage.enable" => self.remote_storage = on,
            "unclean.leader.election.enable" => self.unclean_leader_election = on,
            _ => {}
        }
    }

    fn take_number(&mut self, name: &str, number: i64) {
        // The bounds in the table keep these in range; a test sets each to its extremes.
        let size = u32::try_from(number).unwrap_or(u32::MAX);
        let level = i32::try_from(number).unwrap_or(-1);
        match name {
            "compression.gzip.level" => self.compression_gzip_level = level,
            "compression.lz4.level" => self.compression_lz4_level = level,
            "compression.zstd.level" => self.compression_zstd_level = level,
            "delete.retention.ms" => self.delete_retention_ms = number,
            "file.delete.delay.ms" => self.file_delete_delay_ms = number,
            "flush.messages" => self.flush_messages = number,
            "flush.ms" => self.flush_ms = number,
            "index.interval.bytes" => self.index_interval_bytes = size,
            "max.compaction.lag.ms" => self.compaction_lag_max_ms = number,
            "max.decompressed.message.bytes" => self.decompressed_message_bytes_max = size,
            "max.message.bytes" => self.message_bytes_max = size,
            "message.timestamp.after.max.ms" => self.timestamp_after_max_ms = number,
            "message.timestamp.before.max.ms" => self.timestamp_before_max_ms = number,
            "min.compaction.lag.ms" => self.compaction_lag_min_ms = number,
            "min.insync.replicas" => self.in_sync_replicas_min = size,
            "retention.bytes" => self.retention_bytes = number,
            "retention.ms" => self.retention_ms = number,
            "segment.bytes" => self.segment_bytes = size,
            "segment.index.bytes" => self.segment_index_bytes = size,
            "segment.jitter.ms" => self.segment_jitter_ms = number,
            "segment.ms" => self.segment_ms = number,
            _ => {}
        }
    }
}

impl CompressionType {
    fn named(name: &str) -> CompressionType {
        match name {
            "uncompressed" => CompressionType::Uncompressed,
            "gzip" => CompressionType::Gzip,
            "snappy" => CompressionType::Snappy,
            "lz4" => CompressionType::Lz4,
            "zstd" => CompressionType::Zstd,
            _ => CompressionType::Producer,
        }
    }
}

/// What a broker says for a topic key: the value of the first of its synonyms that is set, in the topic key's unit, or
/// the default of the last. Nothing for keys that only topics have.
pub(crate) fn broker_value(topic_key: &str, values: &Values) -> Option<Value> {
    let synonyms = catalogue::topic_key(topic_key)?.broker_synonyms;
    let last = synonyms.last()?;
    let name = synonyms.iter().find(|name| values.is_set(name)).unwrap_or(last);
    let value = values.get(name);
    let millis = if name.ends_with(".hours") {
        3_600_000
    } else if name.ends_with(".minutes") {
        60_000
    } else {
        return Some(negative_retention_is_for_ever(topic_key, value));
    };
    match value {
        Value::Integer(number) => {
            Some(negative_retention_is_for_ever(topic_key, Value::Integer(number.saturating_mul(millis))))
        }
        other => Some(other),
    }
}

fn negative_retention_is_for_ever(topic_key: &str, value: Value) -> Value {
    match value {
        Value::Integer(number) if topic_key == "retention.ms" && number < 0 => Value::Integer(-1),
        other => other,
    }
}
