//! The metadata quorum, its log and snapshots, and how brokers register and send heartbeats.

use super::DISTINCT_SOME;
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, int, list, long, required, unset};

pub(super) const BROKER: &[Key] =
    &[
        int("broker.heartbeat.interval.ms", "2000")
            .by("heartbeats")
            .doc("How often a broker tells the controller that it lives."),
        int("broker.session.timeout.ms", "9000").by("heartbeats").doc(
            "How long the controller waits for a broker's heartbeat before it fences the broker and moves its \
             leaderships.",
        ),
        required("controller.listener.names", Kind::List).bounds(DISTINCT_SOME).high().by("listeners").doc(
            "The names of the listeners that controllers use. A broker reaches the controllers by the first of them.",
        ),
        long("controller.performance.always.log.threshold.ms", "2000")
            .at_least(0)
            .internal()
            .no_effect("the controller's events are measured, not logged one by one")
            .doc("An event of the controller that takes longer is always logged."),
        long("controller.performance.sample.period.ms", "60000")
            .at_least(100)
            .internal()
            .no_effect("the controller's events are measured, not logged one by one")
            .doc("How often the controller logs how long its events took."),
        int("controller.quorum.append.linger.ms", "25")
            .at_least(0)
            .not_yet("a quorum of several voters")
            .doc("How long the leader collects records before it writes and syncs them together."),
        boolean("controller.quorum.auto.join.enable", false)
            .low()
            .not_yet("a quorum of several voters")
            .doc("Whether a controller that is no voter adds itself to the quorum."),
        list("controller.quorum.bootstrap.servers", "")
            .bounds(Bounds::BootstrapServers)
            .high()
            .by("the metadata quorum")
            .doc("Where to ask for the quorum's leader, as host:port entries. It need not name every controller."),
        int("controller.quorum.election.backoff.max.ms", "1000")
            .at_least(0)
            .high()
            .not_yet("a quorum of several voters")
            .doc("The longest random wait after an election that nobody won."),
        int("controller.quorum.election.timeout.ms", "1000")
            .at_least(0)
            .high()
            .not_yet("a quorum of several voters")
            .doc("How long a candidate waits for votes before it starts another election."),
        int("controller.quorum.fetch.max.bytes", "1048576")
            .at_least(1)
            .low()
            .not_yet("a quorum of several voters")
            .doc("The most bytes of the metadata log that one fetch asks for."),
        int("controller.quorum.fetch.snapshot.max.bytes", "1048576")
            .at_least(1)
            .low()
            .not_yet("a quorum of several voters")
            .doc("The most bytes of a snapshot that one request asks for."),
        int("controller.quorum.fetch.timeout.ms", "2000").at_least(0).high().not_yet("a quorum of several voters").doc(
            "How long a voter goes without hearing from the leader, or the leader without hearing from most voters, \
             before it gives the leadership up for lost.",
        ),
        int("controller.quorum.request.timeout.ms", "2000")
            .at_least(0)
            .not_yet("a quorum of several voters")
            .doc("How long a voter waits for the answer to a request of the quorum."),
        int("controller.quorum.retry.backoff.ms", "20")
            .at_least(0)
            .low()
            .not_yet("a quorum of several voters")
            .doc("How long a voter waits before it repeats a request that failed."),
        list("controller.quorum.voters", "").bounds(Bounds::Voters).high().by("the metadata quorum").doc(
            "The voters of a quorum whose members never change, as id@host:port entries. Leave it empty on clusters \
             that keep their voters in the metadata log.",
        ),
        int("controller.socket.timeout.ms", "30000")
            .not_yet("replication between brokers")
            .doc("How long a request from a broker to the controller may take on its connection."),
        int("initial.broker.registration.timeout.ms", "60000")
            .not_yet("a controller on another node")
            .doc("How long a starting broker tries to register with the controller before it gives up."),
        long("internal.metadata.delete.delay.millis", "60000")
            .low()
            .internal()
            .not_yet("trimming of the metadata log")
            .doc("How long the files of removed segments of the metadata log stay on disk."),
        unset("internal.metadata.log.segment.bytes", Kind::Int).low().internal().by("metadata log").doc(
            "How large a segment of the metadata log gets; it may be smaller than metadata.log.segment.bytes \
             allows. For tests.",
        ),
        int("internal.metadata.max.batch.size.in.bytes", "8388608")
            .low()
            .internal()
            .no_effect("what a request decides is one batch, bounded by its 10,000 records")
            .doc("The largest batch that is written to the metadata log."),
        unset("metadata.log.dir", Kind::String)
            .high()
            .by("log directories")
            .doc("The directory of the metadata log. If unset, it is the first of log.dirs."),
        long("metadata.log.max.record.bytes.between.snapshots", "20971520")
            .at_least(1)
            .high()
            .by("metadata snapshots")
            .doc("After how many bytes of new records a snapshot of the metadata is written."),
        long("metadata.log.max.snapshot.interval.ms", "3600000").at_least(0).high().by("metadata snapshots").doc(
            "After how long a snapshot of the metadata is written if there is anything new. Zero writes none by \
             time.",
        ),
        int("metadata.log.segment.bytes", "1073741824")
            .at_least(8_388_608)
            .high()
            .by("metadata log")
            .doc("How large a segment of the metadata log gets."),
        long("metadata.log.segment.ms", "604800000")
            .high()
            .by("metadata log")
            .doc("After how long a segment of the metadata log is closed."),
        int("metadata.max.idle.interval.ms", "500").at_least(0).low().not_yet("a quorum of several voters").doc(
            "How often an idle leader of the quorum writes an empty record, so that followers know how current they \
             are. Zero writes none.",
        ),
        long("metadata.max.retention.bytes", "104857600")
            .high()
            .not_yet("trimming of the metadata log")
            .doc("How large the metadata log and its snapshots get before the oldest are removed."),
        long("metadata.max.retention.ms", "604800000")
            .high()
            .not_yet("trimming of the metadata log")
            .doc("How old the metadata log and its snapshots get before they are removed."),
    ];
