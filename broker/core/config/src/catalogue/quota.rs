//! The windows in which quotas are measured, and the throttles of replication that are set dynamically only.

use super::MAX_LONG;
use crate::key::{Key, Kind, int, long, unset};

pub(super) const BROKER: &[Key] = &[
    int("alter.log.dirs.replication.quota.window.num", "11")
        .at_least(1)
        .low()
        .not_yet("quotas")
        .doc("How many windows are kept in which the moving of replicas between directories is measured."),
    int("alter.log.dirs.replication.quota.window.size.seconds", "1")
        .at_least(1)
        .low()
        .not_yet("quotas")
        .doc("How long each of these windows is."),
    unset("client.quota.callback.class", Kind::Class)
        .low()
        .not_yet("quotas")
        .doc("A class that decides which quota holds for a client."),
    int("controller.quota.window.num", "11")
        .at_least(1)
        .low()
        .not_yet("quotas")
        .doc("How many windows are kept in which changes of topics are measured."),
    int("controller.quota.window.size.seconds", "1")
        .at_least(1)
        .low()
        .not_yet("quotas")
        .doc("How long each of these windows is."),
    int("quota.window.num", "11")
        .at_least(1)
        .low()
        .not_yet("quotas")
        .doc("How many windows are kept in which clients' bytes and request times are measured."),
    int("quota.window.size.seconds", "1").at_least(1).low().not_yet("quotas").doc("How long each of these windows is."),
    int("replication.quota.window.num", "11")
        .at_least(1)
        .low()
        .not_yet("quotas")
        .doc("How many windows are kept in which throttled replication is measured."),
    int("replication.quota.window.size.seconds", "1")
        .at_least(1)
        .low()
        .not_yet("quotas")
        .doc("How long each of these windows is."),
];

pub(super) const REPLICATION_QUOTA: &[Key] = &[
    long("follower.replication.throttled.rate", MAX_LONG)
        .at_least(0)
        .cluster_wide()
        .not_yet("quotas")
        .doc("The most bytes a second that throttled replicas on this broker fetch."),
    long("leader.replication.throttled.rate", MAX_LONG)
        .at_least(0)
        .cluster_wide()
        .not_yet("quotas")
        .doc("The most bytes a second that this broker sends to throttled replicas."),
    long("replica.alter.log.dirs.io.max.bytes.per.second", MAX_LONG)
        .at_least(0)
        .cluster_wide()
        .not_yet("quotas")
        .doc("The most bytes a second that moving replicas between directories may use."),
];
