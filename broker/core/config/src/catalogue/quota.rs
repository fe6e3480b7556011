//! Keys of quota.

use super::MAX_LONG;
use crate::key::{Key, Kind, int, long, unset};

pub(super) const BROKER: &[Key] = &[
    int("alter.log.dirs.replication.quota.window.num", "11").at_least(1).low(),
    int("alter.log.dirs.replication.quota.window.size.seconds", "1").at_least(1).low(),
    unset("client.quota.callback.class", Kind::Class).low(),
    int("controller.quota.window.num", "11").at_least(1).low(),
    int("controller.quota.window.size.seconds", "1").at_least(1).low(),
    int("quota.window.num", "11").at_least(1).low(),
    int("quota.window.size.seconds", "1").at_least(1).low(),
    int("replication.quota.window.num", "11").at_least(1).low(),
    int("replication.quota.window.size.seconds", "1").at_least(1).low(),
];

pub(super) const REPLICATION_QUOTA: &[Key] = &[
    long("follower.replication.throttled.rate", MAX_LONG).at_least(0).cluster_wide(),
    long("leader.replication.throttled.rate", MAX_LONG).at_least(0).cluster_wide(),
    long("replica.alter.log.dirs.io.max.bytes.per.second", MAX_LONG).at_least(0).cluster_wide(),
];
