//! Whole files: what a broker starts with and what it refuses.

use ottla_config::{BrokerConfig, Properties};

use crate::kafka::{Answer, ask_each};

/// A good combined node, to which the cases below add lines.
pub(crate) const COMBINED: &str = "process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
controller.listener.names=CONTROLLER
controller.quorum.voters=1@localhost:9093
";

const CONTROLLER: &str = "process.roles=controller
node.id=1
listeners=CONTROLLER://:9093
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=localhost:9093
";

const BROKER: &str = "process.roles=broker
node.id=2
listeners=PLAINTEXT://:9092
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=localhost:9093
";

/// Files on which Kafka and we agree; a later line wins over an earlier one.
const CASES: &[(&str, &str)] = &[
    (COMBINED, ""),
    (CONTROLLER, ""),
    (BROKER, ""),
    ("", "node.id=1"),
    ("", "process.roles=broker\nnode.id=1"),
    (COMBINED, "node.id=-5"),
    (COMBINED, "broker.id=2"),
    (COMBINED, "broker.id=1"),
    (COMBINED, "node.id=2"),
    (COMBINED, "process.roles=zookeeper"),
    (COMBINED, "process.roles=broker,broker"),
    (COMBINED, "process.roles="),
    (COMBINED, "controller.quorum.voters="),
    (COMBINED, "controller.quorum.voters=\ncontroller.quorum.bootstrap.servers=localhost:9093"),
    (COMBINED, "controller.listener.names=OTHER"),
    (COMBINED, "controller.listener.names=controller"),
    (COMBINED, "controller.listener.names=CONTROLLER,OTHER"),
    (COMBINED, "listeners=PLAINTEXT://:9092"),
    (COMBINED, "listeners=CONTROLLER://:9093"),
    (COMBINED, "listeners=PLAINTEXT://:9092,CONTROLLER://:9092"),
    (COMBINED, "listeners=PLAINTEXT://:9092,PLAINTEXT://:9094,CONTROLLER://:9093"),
    (COMBINED, "listeners=PLAINTEXT://:9092,plaintext://:9094,CONTROLLER://:9093"),
    (COMBINED, "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://[::1]:9092"),
    (COMBINED, "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.2:9092"),
    (COMBINED, "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://[::1]:9092,SSL://:9092"),
    (COMBINED, "listeners=PLAINTEXT://:0,CONTROLLER://:0"),
    (COMBINED, "listeners=PLAINTEXT:9092"),
    (COMBINED, "listeners=FOO://:9092,CONTROLLER://:9093"),
    (COMBINED, "listeners="),
    (COMBINED, "advertised.listeners=PLAINTEXT://0.0.0.0:9092"),
    (COMBINED, "listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://:9093"),
    (COMBINED, "listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://:9093\nadvertised.listeners=PLAINTEXT://h:9092"),
    (COMBINED, "advertised.listeners=OTHER://h:9092"),
    (COMBINED, "advertised.listeners=SSL://h:9092"),
    (COMBINED, "advertised.listeners=PLAINTEXT://h:9092,SSL://h:9092"),
    (COMBINED, "advertised.listeners=PLAINTEXT://h:9092,CONTROLLER://h:9093"),
    (COMBINED, "advertised.listeners=CONTROLLER://h:9093"),
    (COMBINED, "listener.security.protocol.map=PLAINTEXT:PLAINTEXT"),
    (COMBINED, "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:TLS"),
    (COMBINED, "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:plaintext"),
    (COMBINED, "inter.broker.listener.name=OTHER"),
    (COMBINED, "inter.broker.listener.name=CONTROLLER"),
    (COMBINED, "inter.broker.listener.name=plaintext"),
    (COMBINED, "inter.broker.listener.name=PLAINTEXT\nsecurity.inter.broker.protocol=PLAINTEXT"),
    (COMBINED, "security.inter.broker.protocol=SSL"),
    (COMBINED, "log.roll.ms=0"),
    (COMBINED, "log.roll.jitter.ms=-1"),
    (COMBINED, "log.retention.ms=0"),
    (COMBINED, "log.retention.minutes=0"),
    (COMBINED, "log.retention.hours=-5"),
    (COMBINED, "log.retention.ms=-1"),
    (COMBINED, "log.dirs=/a,/b"),
    (COMBINED, "log.dirs="),
    (COMBINED, "log.dir="),
    (COMBINED, "log.cleaner.dedupe.buffer.size=5"),
    (COMBINED, "log.cleaner.threads=200"),
    (COMBINED, "cordoned.log.dirs=*"),
    (COMBINED, "cordoned.log.dirs=*,/tmp/kafka-logs"),
    (COMBINED, "log.dirs=/a,/a"),
    (COMBINED, "log.dirs=/a,,/b"),
    (COMBINED, "sasl.enabled.mechanisms=A,A"),
    (COMBINED, "controller.quorum.auto.join.enable=true"),
    (BROKER, "controller.quorum.auto.join.enable=true"),
    (CONTROLLER, "inter.broker.listener.name=CONTROLLER"),
    (COMBINED, "group.consumer.assignment.interval.ms=20000"),
    (COMBINED, "group.consumer.heartbeat.interval.ms=46000\ngroup.consumer.max.heartbeat.interval.ms=60000"),
    (COMBINED, "group.share.max.share.sessions=1"),
    (COMBINED, "group.share.min.partition.max.record.locks=2000\ngroup.share.partition.max.record.locks=100"),
    (COMBINED, "group.streams.num.warmup.replicas=50"),
    (COMBINED, "group.streams.task.offset.interval.ms=1"),
    (COMBINED, "group.streams.assignors=highly_available"),
    (COMBINED, "replica.socket.timeout.ms=100"),
    (COMBINED, "replica.lag.time.max.ms=100"),
    (COMBINED, "queued.max.request.bytes=5"),
    (COMBINED, "queued.max.request.bytes=0"),
    (COMBINED, "max.connections.per.ip=0"),
    (COMBINED, "max.connections.per.ip=0\nmax.connections.per.ip.overrides=127.0.0.1:5"),
    (COMBINED, "max.connections.per.ip.overrides=h ost:5"),
    (COMBINED, "connections.max.idle.ms=100"),
    (COMBINED, "connections.max.idle.ms=-1"),
    (COMBINED, "connection.failed.authentication.delay.ms=700000"),
    (COMBINED, "group.consumer.heartbeat.interval.ms=60000"),
    (COMBINED, "group.consumer.session.timeout.ms=5000"),
    (COMBINED, "group.consumer.min.session.timeout.ms=70000"),
    (COMBINED, "group.consumer.min.heartbeat.interval.ms=20000"),
    (COMBINED, "group.consumer.assignors=range"),
    (COMBINED, "group.consumer.assignors=foo.Bar"),
    (COMBINED, "group.share.heartbeat.interval.ms=60000"),
    (COMBINED, "group.share.session.timeout.ms=5000"),
    (COMBINED, "group.share.record.lock.duration.ms=1000"),
    (COMBINED, "group.share.delivery.count.limit=10\ngroup.share.max.delivery.count.limit=5"),
    (COMBINED, "group.share.partition.max.record.locks=10000"),
    (COMBINED, "group.streams.heartbeat.interval.ms=60000"),
    (COMBINED, "group.streams.session.timeout.ms=5000"),
    (COMBINED, "group.streams.num.standby.replicas=5"),
    (COMBINED, "group.coordinator.rebalance.protocols=consumer"),
    (COMBINED, "group.coordinator.rebalance.protocols=classic,foo"),
    (COMBINED, "group.initial.rebalance.delay.ms=-1"),
    (COMBINED, "group.min.session.timeout.ms=9000000"),
    (COMBINED, "offsets.topic.compression.codec=9"),
    (COMBINED, "offset.metadata.max.bytes=-1"),
    (COMBINED, "share.coordinator.state.topic.compression.codec=9"),
    (COMBINED, "log.cleaner.min.compaction.lag.ms=10\nlog.cleaner.max.compaction.lag.ms=5"),
    (COMBINED, "log.message.timestamp.type=x"),
    (COMBINED, "broker.heartbeat.interval.ms=9000"),
    (COMBINED, "broker.session.timeout.ms=1"),
    (COMBINED, "metadata.log.segment.bytes=100"),
    (COMBINED, "internal.metadata.log.segment.bytes=100"),
    (COMBINED, "create.topic.policy.class.name=foo.Bar"),
    (COMBINED, "principal.builder.class=foo.Bar"),
    (COMBINED, "cordoned.log.dirs=/nowhere"),
    (COMBINED, "early.start.listeners=OTHER"),
    (COMBINED, "early.start.listeners=PLAINTEXT"),
    (COMBINED, "num.partitions=0"),
    (COMBINED, "num.partitions=many"),
    (COMBINED, "zookeeper.connect=localhost:2181"),
    (COMBINED, "inter.broker.protocol.version=3.4"),
    (COMBINED, "no.such.key=1"),
    (COMBINED, "listener.name.plaintext.max.connections=5"),
    (COMBINED, "metrics.recording.level=x"),
    (COMBINED, "delegation.token.expiry.time.ms=0"),
    (COMBINED, "transaction.two.phase.commit.enable=true"),
    (COMBINED, "unstable.api.versions.enable=true"),
    (CONTROLLER, "listeners=CONTROLLER://:9093,PLAINTEXT://:9092"),
    (CONTROLLER, "controller.quorum.bootstrap.servers="),
    (CONTROLLER, "controller.quorum.voters=2@h:1"),
    (CONTROLLER, "controller.listener.names=OTHER"),
    (CONTROLLER, "controller.listener.names=SSL\nlisteners=CONTROLLER://:9093"),
    (CONTROLLER, "advertised.listeners=CONTROLLER://h:9093"),
    (CONTROLLER, "advertised.listeners=PLAINTEXT://h:9093"),
    (CONTROLLER, "listeners=CONTROLLER://0.0.0.0:9093"),
    (CONTROLLER, "inter.broker.listener.name=OTHER"),
    (BROKER, "controller.quorum.bootstrap.servers="),
    (BROKER, "controller.quorum.bootstrap.servers=h"),
    (BROKER, "controller.quorum.voters=2@h:1"),
    (BROKER, "controller.quorum.voters=3@h:1"),
    (BROKER, "listeners=PLAINTEXT://:9092,CONTROLLER://:9093"),
    (BROKER, "controller.listener.names="),
    (BROKER, "controller.listener.names=A,B"),
    (BROKER, "listener.security.protocol.map=PLAINTEXT:PLAINTEXT"),
    (BROKER, "controller.listener.names=SSL"),
    (
        BROKER,
        "listeners=FOO://:9092\nlistener.security.protocol.map=FOO:PLAINTEXT,CONTROLLER:PLAINTEXT\ninter.broker.listener.name=FOO",
    ),
    (BROKER, "listeners=FOO://:9092\nlistener.security.protocol.map=FOO:PLAINTEXT,CONTROLLER:PLAINTEXT"),
    (BROKER, "metadata.log.dir=/m"),
];

#[test]
fn whole_files_are_accepted_and_refused_as_by_kafka() {
    let texts: Vec<String> = CASES.iter().map(|(base, more)| format!("{base}{more}")).collect();
    let questions: Vec<Vec<&str>> = texts.iter().map(|text| vec!["load", text]).collect();
    let mut differences = Vec::new();
    for ((_, more), (text, theirs)) in CASES.iter().zip(texts.iter().zip(ask_each(&questions))) {
        let ours = BrokerConfig::load(&Properties::parse(text).expect("no escapes"));
        // Kafka stops at the first complaint, we give all: hers must be among ours.
        let agree = match (&theirs, &ours) {
            (Answer::Good(_), Ok(_)) => true,
            (Answer::Bad(theirs), Err(ours)) => ours.0.iter().any(|complaint| complaint.message == *theirs),
            _ => false,
        };
        if !agree {
            let ours = ours.map(|_| "good").map_err(|errors| errors.to_string());
            differences.push(format!("{more:?}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}
