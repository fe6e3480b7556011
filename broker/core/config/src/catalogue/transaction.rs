//! Keys of transaction.

use crate::key::{Key, boolean, int, short};

pub(super) const BROKER: &[Key] = &[
    int("add.partitions.to.txn.retry.backoff.max.ms", "100").at_least(0).high(),
    int("add.partitions.to.txn.retry.backoff.ms", "20").at_least(1).high(),
    int("producer.id.expiration.check.interval.ms", "600000").at_least(1).low().internal(),
    int("producer.id.expiration.ms", "86400000").at_least(1).low().cluster_wide(),
    int("transaction.abort.timed.out.transaction.cleanup.interval.ms", "10000").at_least(1).low(),
    int("transaction.max.timeout.ms", "900000").at_least(1).high(),
    boolean("transaction.partition.verification.enable", true).low().cluster_wide(),
    int("transaction.remove.expired.transaction.cleanup.interval.ms", "3600000").at_least(1).low(),
    int("transaction.state.log.load.buffer.size", "5242880").at_least(1).high(),
    int("transaction.state.log.min.isr", "2").at_least(1).high(),
    int("transaction.state.log.num.partitions", "50").at_least(1).high(),
    short("transaction.state.log.replication.factor", "3").at_least(1).high(),
    int("transaction.state.log.segment.bytes", "104857600").at_least(1).high(),
    boolean("transaction.two.phase.commit.enable", false).low(),
    int("transactional.id.expiration.ms", "604800000").at_least(1).high(),
];
