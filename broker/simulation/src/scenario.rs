//! What a seed's world is like: its topics, its clients, and which faults it knows. Each seed knows some of the faults only
//! (a swarm): where everything goes wrong at once, the rare order of two faults never comes up.

use crate::random::Random;

/// A topic of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// How many partitions it has.
    pub partitions: i32,
    /// Whether it has `flush.messages=1`: what is acknowledged survives a loss of power.
    pub is_flushed: bool,
    /// `segment.ms`: how soon its logs roll.
    pub segment_ms: u64,
}

/// How often each fault comes, in a thousand steps; most are 0 in most seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The process is killed between two requests.
    pub kill: u64,
    /// The process is killed within some later operation of the disk.
    pub kill_midway: u64,
    /// The power goes between two requests.
    pub power: u64,
    /// The power goes within some later operation of the disk.
    pub power_midway: u64,
    /// The process is told to end, and ends.
    pub stop: u64,
    /// Syncs fail for a while.
    pub failing_syncs: u64,
    /// One operation fails.
    pub input_output: u64,
    /// The disk is full for a while.
    pub full: u64,
    /// Reads fail for a while.
    pub failing_reads: u64,
    /// The wall clock jumps, back by minutes or forward by hours.
    pub clock: u64,
}

/// A bug that is planted at the seam between the node and its world, to see that the checkers find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// Syncs are answered before anything is durable: acknowledgements come before what they promise.
    SyncsAreLies,
    /// The same of the metadata log alone.
    MetadataUnsynced,
    /// The same of folders: files are durable and their names are not.
    FoldersUnsynced,
    /// Batches are acknowledged while they are in the memory of the process, and lost with it.
    AppendsBuffered,
    /// A sync that failed is asked again, and then believed.
    FailedSyncsRepeated,
    /// Who wrote what is forgotten at a restart: a repeated batch is appended again.
    ProducersForgotten,
    /// A batch that the disk refused is acknowledged.
    RefusalsAcknowledged,
    /// A commit of a former generation of a group is taken for one of the present generation.
    OldGenerationsCommit,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Mutant; 8] = [
        Mutant::SyncsAreLies,
        Mutant::MetadataUnsynced,
        Mutant::FoldersUnsynced,
        Mutant::AppendsBuffered,
        Mutant::FailedSyncsRepeated,
        Mutant::ProducersForgotten,
        Mutant::RefusalsAcknowledged,
        Mutant::OldGenerationsCommit,
    ];

    /// As it is named on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Mutant::SyncsAreLies => "syncs-are-lies",
            Mutant::MetadataUnsynced => "metadata-unsynced",
            Mutant::FoldersUnsynced => "folders-unsynced",
            Mutant::AppendsBuffered => "appends-buffered",
            Mutant::FailedSyncsRepeated => "failed-syncs-repeated",
            Mutant::ProducersForgotten => "producers-forgotten",
            Mutant::RefusalsAcknowledged => "refusals-acknowledged",
            Mutant::OldGenerationsCommit => "old-generations-commit",
        }
    }

    /// The mutant of a name.
    pub fn named(name: &str) -> Option<Mutant> {
        Mutant::ALL.into_iter().find(|mutant| mutant.name() == name)
    }
}

/// A world before its first step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// From which all else follows.
    pub seed: u64,
    /// The topics that the administrator makes.
    pub topics: Vec<Topic>,
    /// How many producers there are; they take the partitions in turn.
    pub producers: usize,
    /// How many consumers there are, likewise.
    pub consumers: usize,
    /// How many members the one group has.
    pub members: usize,
    /// Steps before the world is healed.
    pub steps: u64,
    /// What goes wrong.
    pub faults: Faults,
    /// How many of a hundred steps let the disk catch up with the metadata log.
    pub sync_percent: u64,
    /// For how long at most the metadata log waits for the disk.
    pub stall_ms: u64,
    /// Whether the broker's configuration has every topic flushed, and so the groups' offsets too.
    pub flushes_all: bool,
    /// Whether snapshots of the metadata are made all the time.
    pub makes_snapshots: bool,
    /// How many of a thousand of the administrator's acts delete a topic.
    pub deletions: u64,
    /// What is planted.
    pub mutant: Option<Mutant>,
}

/// A stall that no session outlives.
pub const LONG_STALL_MS: u64 = 30_000;

impl Scenario {
    /// The scenario of a seed.
    pub fn of(seed: u64, mutant: Option<Mutant>) -> Scenario {
        let mut random = Random::new(seed);
        let flushes_all = random.percent(20);
        let topics = (0..1 + random.below(3)).map(|place| Topic {
            name: format!("topic-{place}"),
            partitions: 1 + random.below(2) as i32,
            is_flushed: random.percent(60) || flushes_all,
            segment_ms: [50, 500, 60_000][random.index(3)],
        });
        let topics = topics.collect();
        let mut faults = Faults::default();
        let swarm: [(&mut u64, u64); 10] = [
            (&mut faults.kill, 8),
            (&mut faults.kill_midway, 8),
            (&mut faults.power, 8),
            (&mut faults.power_midway, 8),
            (&mut faults.stop, 6),
            (&mut faults.failing_syncs, 6),
            (&mut faults.input_output, 6),
            (&mut faults.full, 8),
            (&mut faults.failing_reads, 6),
            (&mut faults.clock, 20),
        ];
        for (rate, often) in swarm {
            if random.percent(35) {
                *rate = 1 + random.below(often);
            }
        }
        Scenario {
            seed,
            topics,
            producers: 1 + random.index(4),
            consumers: 1 + random.index(2),
            members: random.index(3),
            steps: 300 + random.below(900),
            faults,
            sync_percent: [5, 20, 60][random.index(3)],
            stall_ms: if random.percent(10) { LONG_STALL_MS } else { 500 + random.below(1000) },
            flushes_all,
            makes_snapshots: random.percent(40),
            deletions: if random.percent(40) { 5 + random.below(60) } else { 0 },
            mutant,
        }
    }
}
