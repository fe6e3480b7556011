//! What a topic's configuration demands of its partitions, in the forms that `records` and `commit-log` take.

use std::sync::Arc;

use ottla_commit_log::LogSettings;
use ottla_config::{BrokerConfig, CompressionType, TimestampType, TopicConfig};
use ottla_metadata::Image;
use ottla_metadata::image::Resource;
use ottla_records::{Codec, Compression, ProduceRules};
use ottla_vocabulary::{Duration, TopicName};

/// The settings of one topic's partitions. They change as a whole.
#[derive(Clone, Debug)]
pub(crate) struct TopicSettings {
    /// What a batch must be like; the version is each request's.
    pub(crate) rules: ProduceRules,
    pub(crate) log: Arc<LogSettings>,
    /// `flush.messages`: after so many records the log is synced before they are acknowledged.
    pub(crate) flush_messages: i64,
    /// `flush.ms`: no record stays unsynced longer.
    pub(crate) flush_ms: i64,
    /// `min.insync.replicas`.
    pub(crate) in_sync_min: usize,
}

/// The settings of a topic: its own over the broker's.
pub(crate) fn of_topic(config: &BrokerConfig, image: &Image, name: &TopicName) -> TopicSettings {
    let overrides = image.configs.properties(&Resource::topic(name.as_str()));
    // What is wrong in a record was said when it was altered, or comes from another version; it is passed over.
    let (topic, _warnings) = config.topic_defaults.with_overrides(&overrides);
    of_config(config, &topic)
}

fn of_config(config: &BrokerConfig, topic: &TopicConfig) -> TopicSettings {
    let max_message_bytes = i32::try_from(topic.message_bytes_max).unwrap_or(i32::MAX);
    let rules = ProduceRules {
        max_message_bytes,
        max_decompressed_message_bytes: i32::try_from(topic.decompressed_message_bytes_max).unwrap_or(i32::MAX),
        decompressed_batch_bytes_max: ProduceRules::decompressed_bytes_for(max_message_bytes),
        compression: compression(topic),
        timestamp_type: match topic.timestamp_type {
            TimestampType::CreateTime => ottla_records::TimestampType::CreateTime,
            TimestampType::LogAppendTime => ottla_records::TimestampType::LogAppendTime,
        },
        timestamp_before_max_ms: topic.timestamp_before_max_ms,
        timestamp_after_max_ms: topic.timestamp_after_max_ms,
        is_compacted: topic.cleanup_compacts,
        ..ProduceRules::default()
    };
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let log = LogSettings {
        segment_bytes: topic.segment_bytes,
        segment_ms: topic.segment_ms,
        // Spreading rolls over time matters where thousands of logs are rolled in one moment; a share of half is fixed.
        segment_jitter_ms: topic.segment_jitter_ms / 2,
        index_bytes_max: topic.segment_index_bytes,
        index_interval_bytes: topic.index_interval_bytes,
        cleanup_deletes: topic.cleanup_deletes,
        retention_ms: topic.retention_ms,
        retention_bytes: topic.retention_bytes,
        file_delete_delay: Duration::from_millis(u64::try_from(topic.file_delete_delay_ms).unwrap_or(0)),
        producer_expiration_ms: millis(config.producers.id_expiration),
    };
    TopicSettings {
        rules,
        log: Arc::new(log),
        flush_messages: topic.flush_messages,
        flush_ms: topic.flush_ms,
        in_sync_min: topic.in_sync_replicas_min as usize,
    }
}

fn compression(topic: &TopicConfig) -> Option<Compression> {
    match topic.compression {
        CompressionType::Producer => None,
        CompressionType::Uncompressed => Some(Compression::new(Codec::None)),
        CompressionType::Gzip => Some(Compression::with_level(Codec::Gzip, topic.compression_gzip_level)),
        CompressionType::Snappy => Some(Compression::new(Codec::Snappy)),
        CompressionType::Lz4 => Some(Compression::with_level(Codec::Lz4, topic.compression_lz4_level)),
        CompressionType::Zstd => Some(Compression::with_level(Codec::Zstd, topic.compression_zstd_level)),
    }
}
