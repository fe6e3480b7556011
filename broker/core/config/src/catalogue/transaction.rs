//! Transactions, their topic, and what partitions remember of producers.

use crate::key::{Key, boolean, int, short};

pub(super) const BROKER: &[Key] = &[
    int("add.partitions.to.txn.retry.backoff.max.ms", "100")
        .at_least(0)
        .high()
        .not_yet("transactions")
        .doc("How long the broker tries to add a partition to a transaction on behalf of a producer."),
    int("add.partitions.to.txn.retry.backoff.ms", "20")
        .at_least(1)
        .high()
        .not_yet("transactions")
        .doc("How long the broker waits before it tries again to add a partition to a transaction."),
    int("producer.id.expiration.check.interval.ms", "600000")
        .at_least(1)
        .low()
        .internal()
        .by("producer state")
        .doc("How often expired producer ids are looked for."),
    int("producer.id.expiration.ms", "86400000").at_least(1).low().cluster_wide().by("producer state").doc(
        "How long a partition remembers a producer that sends nothing. A longer memory guards against late \
         duplicates and costs memory.",
    ),
    int("transaction.abort.timed.out.transaction.cleanup.interval.ms", "10000")
        .at_least(1)
        .low()
        .not_yet("transactions")
        .doc("How often transactions that ran out of time are looked for, to abort them."),
    int("transaction.max.timeout.ms", "900000")
        .at_least(1)
        .high()
        .not_yet("transactions")
        .doc("The longest transaction timeout that a producer may ask for."),
    boolean("transaction.partition.verification.enable", true)
        .low()
        .cluster_wide()
        .not_yet("transactions")
        .doc("Whether a partition asks the coordinator, before it appends, if it is part of the transaction."),
    int("transaction.remove.expired.transaction.cleanup.interval.ms", "3600000")
        .at_least(1)
        .low()
        .not_yet("transactions")
        .doc("How often expired transactional ids are looked for."),
    int("transaction.state.log.load.buffer.size", "5242880")
        .at_least(1)
        .high()
        .not_yet("transactions")
        .doc("How many bytes are read at a time when a coordinator loads its part of the transaction log."),
    int("transaction.state.log.min.isr", "2")
        .at_least(1)
        .high()
        .not_yet("transactions")
        .doc("min.insync.replicas of the transaction log."),
    int("transaction.state.log.num.partitions", "50")
        .at_least(1)
        .high()
        .not_yet("transactions")
        .doc("How many partitions the transaction log gets when it is created. Later changes have no effect."),
    short("transaction.state.log.replication.factor", "3")
        .at_least(1)
        .high()
        .not_yet("transactions")
        .doc("How many replicas the transaction log gets. It is not created before there are as many brokers."),
    int("transaction.state.log.segment.bytes", "104857600")
        .at_least(1)
        .high()
        .not_yet("transactions")
        .doc("How large a segment of the transaction log gets. Small ones load faster."),
    boolean("transaction.two.phase.commit.enable", false)
        .low()
        .not_yet("two-phase commit")
        .doc("Whether producers may take part in two-phase commits, whose transactions never run out of time."),
    int("transactional.id.expiration.ms", "604800000")
        .at_least(1)
        .high()
        .not_yet("transactions")
        .doc("How long a transactional id without a transaction is remembered."),
];
