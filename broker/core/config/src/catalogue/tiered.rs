//! Tiered storage: what is kept on remote storage, and how it gets there.

use super::MAX_LONG;
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, double, int, long, string, unset};

pub(super) const BROKER: &[Key] = &[
    boolean("follower.fetch.last.tiered.offset.enable", false)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("Whether a new follower of a tiered topic begins behind what is already in remote storage."),
    long("log.local.retention.bytes", "-2")
        .at_least(-2)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("How many bytes of a tiered partition stay on the broker's disk. −2 takes log.retention.bytes."),
    long("log.local.retention.ms", "-2")
        .at_least(-2)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("How long records of a tiered partition stay on the broker's disk. −2 takes log.retention.ms."),
    long("log.remote.copy.lag.bytes", "-1").at_least(-1).cluster_wide().not_yet("tiered storage").doc(
        "How many bytes a closed segment may be behind the end of the log before it is copied to remote \
         storage. −1 waits as long as local retention allows.",
    ),
    long("log.remote.copy.lag.ms", "0").at_least(-1).cluster_wide().not_yet("tiered storage").doc(
        "How old a closed segment gets before it is copied to remote storage. −1 waits as long as local \
         retention allows.",
    ),
    int("remote.fetch.max.wait.ms", "500")
        .at_least(1)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("How long a fetch waits for remote storage."),
    long("remote.list.offsets.request.timeout.ms", "30000")
        .at_least(1)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("How long the look-up of an offset by time waits for remote storage."),
    long("remote.log.index.file.cache.total.size.bytes", "1073741824")
        .at_least(1)
        .low()
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("How much disk space indexes fetched from remote storage may take."),
    long("remote.log.index.file.cache.ttl.ms", "900000")
        .at_least(-1)
        .low()
        .internal()
        .not_yet("tiered storage")
        .doc("How long an index fetched from remote storage is kept after its last use."),
    int("remote.log.manager.copier.thread.pool.size", "10")
        .at_least(1)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("How many threads copy segments to remote storage."),
    long("remote.log.manager.copy.max.bytes.per.second", MAX_LONG)
        .at_least(1)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("The most bytes a second that are copied to remote storage."),
    int("remote.log.manager.copy.quota.window.num", "11")
        .at_least(1)
        .not_yet("tiered storage")
        .doc("How many windows are kept in which copying to remote storage is measured."),
    int("remote.log.manager.copy.quota.window.size.seconds", "1")
        .at_least(1)
        .not_yet("tiered storage")
        .doc("How long each of these windows is."),
    int("remote.log.manager.expiration.thread.pool.size", "10")
        .at_least(1)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("How many threads remove expired segments from remote storage."),
    long("remote.log.manager.fetch.max.bytes.per.second", MAX_LONG)
        .at_least(1)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("The most bytes a second that are fetched from remote storage."),
    int("remote.log.manager.fetch.quota.window.num", "11")
        .at_least(1)
        .not_yet("tiered storage")
        .doc("How many windows are kept in which fetching from remote storage is measured."),
    int("remote.log.manager.fetch.quota.window.size.seconds", "1")
        .at_least(1)
        .not_yet("tiered storage")
        .doc("How long each of these windows is."),
    int("remote.log.manager.follower.thread.pool.size", "2")
        .at_least(1)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("How many threads read remote metadata for followers."),
    long("remote.log.manager.task.interval.ms", "30000")
        .at_least(1)
        .low()
        .not_yet("tiered storage")
        .doc("How often segments to copy and segments to remove are looked for."),
    long("remote.log.manager.task.retry.backoff.max.ms", "30000")
        .at_least(1)
        .low()
        .internal()
        .not_yet("tiered storage")
        .doc("The longest wait before failed work with remote storage is tried again."),
    long("remote.log.manager.task.retry.backoff.ms", "500")
        .at_least(1)
        .low()
        .internal()
        .not_yet("tiered storage")
        .doc("The first wait before failed work with remote storage is tried again."),
    double("remote.log.manager.task.retry.jitter", "0.2")
        .bounds(Bounds::Fraction(0, 0.5))
        .low()
        .internal()
        .not_yet("tiered storage")
        .doc("The random part of these waits, as a fraction."),
    int("remote.log.manager.thread.pool.size", "2")
        .at_least(1)
        .not_yet("tiered storage")
        .doc("How many threads work with remote storage where no other key says more."),
    int("remote.log.metadata.custom.metadata.max.bytes", "128")
        .at_least(0)
        .low()
        .not_yet("tiered storage")
        .doc("The most bytes that a storage plug-in may keep with a segment's metadata."),
    string(
        "remote.log.metadata.manager.class.name",
        "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
    )
    .bounds(Bounds::NonEmpty)
    .not_yet("tiered storage")
    .doc("The class that keeps the metadata of remote segments."),
    unset("remote.log.metadata.manager.class.path", Kind::String)
        .not_yet("tiered storage")
        .doc("Where that class is loaded from."),
    string("remote.log.metadata.manager.impl.prefix", "rlmm.config.")
        .bounds(Bounds::NonEmpty)
        .not_yet("tiered storage")
        .doc("The prefix of keys that are handed to that class."),
    unset("remote.log.metadata.manager.listener.name", Kind::String)
        .bounds(Bounds::NonEmpty)
        .not_yet("tiered storage")
        .doc("The listener by which that class reaches the brokers."),
    int("remote.log.reader.max.pending.tasks", "100")
        .at_least(1)
        .not_yet("tiered storage")
        .doc("How many reads from remote storage may wait. Further ones fail."),
    int("remote.log.reader.threads", "10")
        .at_least(1)
        .cluster_wide()
        .not_yet("tiered storage")
        .doc("How many threads read from remote storage."),
    unset("remote.log.storage.manager.class.name", Kind::String)
        .bounds(Bounds::NonEmpty)
        .not_yet("tiered storage")
        .doc("The class that reads and writes remote storage."),
    unset("remote.log.storage.manager.class.path", Kind::String)
        .not_yet("tiered storage")
        .doc("Where that class is loaded from."),
    string("remote.log.storage.manager.impl.prefix", "rsm.config.")
        .bounds(Bounds::NonEmpty)
        .not_yet("tiered storage")
        .doc("The prefix of keys that are handed to that class."),
    boolean("remote.log.storage.system.enable", false)
        .not_yet("tiered storage")
        .doc("Whether this broker offers tiered storage at all."),
];
