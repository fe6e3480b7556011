//! What the clients of a world know, and what follows from it: which records were acknowledged, at which offsets, and how
//! long that must last. Every rule that a broker can break is a function here that fails with [`Violation`].
//!
//! What lasts, which is what Kafka promises with one replica, and where it says less, what we say:
//! - a process that ends or is killed loses nothing that was acknowledged, with acks of 1 or all, whatever is flushed;
//! - a loss of power takes what was not flushed, and that from the end of a log only. Flushed is: all before a clean stop; all that
//!   was acknowledged in a topic with `flush.messages=1`, repeated batches too; groups' offsets where the broker's
//!   configuration says `log.flush.interval.messages=1`; topics, their configurations and producer ids always;
//! - a sync that failed is as bad for its log as a loss of power, since the kernel forgets what it could not write. From then on
//!   the log takes nothing until the next start, and what was appended to it with that sync is not shown to anybody;
//! - with acks of 0 nothing is promised, except that what is there is whole, in its place, and there once.
//!
//! Three fates of a batch are told apart: acknowledged, refused for good, and unknown. What is unknown may be in the log or not, but
//! where it was seen once it stays, and it is never there twice.

use std::collections::{BTreeMap, BTreeSet};

use ottla_vocabulary::Uuid;

use crate::scenario::Scenario;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// Whether all promises were kept.
pub type Kept<T = ()> = Result<T, Violation>;

/// Fails with a formatted violation.
#[macro_export]
macro_rules! broken {
    ($($what:tt)*) => { return Err($crate::model::Violation(format!($($what)*))) };
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No answer yet, or none that says.
    Unknown,
    /// Acknowledged at this offset.
    Acknowledged(i64),
    /// It is not in the log and never will be.
    Refused,
}

/// A batch that was sent. Its values are its number and the place in it.
#[derive(Clone, Debug)]
pub struct Batch {
    /// How many records it has.
    pub count: i64,
    /// The producer id and the first sequence.
    pub written_by: Option<(i64, i32)>,
    /// What became of it.
    pub fate: Fate,
    /// Which process it was first sent to.
    pub life: u64,
}

/// A batch as it was read: where it begins, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its first offset.
    pub base: i64,
    /// Its number.
    pub batch: usize,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It closed all its files.
    Clean,
    /// It was killed; the machine lived on.
    Kill,
    /// So did the machine.
    Power,
}

/// A log of which something is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// Of a topic by its place in the scenario, with the index.
    Partition(usize, i32),
    /// Any of those that keep the groups' offsets.
    Offsets,
}

/// One partition as its clients know it.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Its topic's place in the scenario.
    pub topic: usize,
    /// Its index.
    pub index: i32,
    /// Whether an acknowledgement promises that a loss of power is survived.
    pub is_flushed: bool,
    /// All that was sent.
    pub batches: Vec<Batch>,
    /// What is known to be in the log, by first offset.
    pub log: BTreeMap<i64, usize>,
    /// What lies before survives a loss of power.
    pub durable_end: i64,
    /// The log begins at least here, in this process' life.
    pub start_min: i64,
    /// The same in every process' life.
    durable_start_min: i64,
    /// Nobody asked for more to be deleted.
    pub start_max: i64,
    /// A sync of this log failed in this process' life.
    pub is_failed: bool,
    /// This process has opened the log: from now on it reads.
    pub is_open: bool,
    /// Since it was last looked at, the power was lost, or a sync of this log failed: what was not flushed may be gone.
    pub is_torn: bool,
}

impl Partition {
    fn new(topic: usize, index: i32, is_flushed: bool) -> Partition {
        Partition {
            topic,
            index,
            is_flushed,
            batches: Vec::new(),
            log: BTreeMap::new(),
            durable_end: 0,
            start_min: 0,
            durable_start_min: 0,
            start_max: 0,
            is_failed: false,
            is_open: false,
            is_torn: false,
        }
    }

    /// Where the log ends at least.
    pub fn end(&self) -> i64 {
        self.log.last_key_value().map_or(0, |(base, batch)| base + self.batches[*batch].count)
    }

    /// A batch is about to be sent.
    pub fn send(&mut self, count: i64, written_by: Option<(i64, i32)>, life: u64) -> usize {
        self.batches.push(Batch { count, written_by, fate: Fate::Unknown, life });
        self.batches.len() - 1
    }

    /// A batch was acknowledged.
    ///
    /// # Errors
    /// When another is known to be there, or this one elsewhere, or the log had failed.
    pub fn acknowledged(&mut self, batch: usize, base: i64) -> Kept {
        if self.is_failed {
            broken!("batch {batch} is acknowledged after a sync of its log failed");
        }
        self.place(Found { base, batch })?;
        self.batches[batch].fate = Fate::Acknowledged(base);
        if self.is_flushed {
            self.durable_end = self.durable_end.max(base + self.batches[batch].count);
        }
        Ok(())
    }

    /// A batch was seen at an offset.
    ///
    /// # Errors
    /// When that is not its place, or not a place for it.
    pub fn place(&mut self, found: Found) -> Kept {
        let Found { base, batch } = found;
        let Some(known) = self.batches.get(batch) else { broken!("a batch that nobody sent is at offset {base}") };
        let end = base + known.count;
        match known.fate {
            Fate::Acknowledged(acknowledged) if acknowledged != base => {
                broken!("batch {batch} is at offset {base} and was acknowledged at {acknowledged}")
            }
            Fate::Refused => broken!("batch {batch} was refused and is at offset {base}"),
            _ => {}
        }
        if self.log.get(&base) == Some(&batch) {
            return Ok(());
        }
        if let Some((other, _)) = self.log.iter().find(|(_, known)| **known == batch) {
            broken!("batch {batch} is at offsets {other} and {base}");
        }
        let before = self.log.range(..end).next_back();
        if let Some((other_base, other)) = before
            && base < other_base + self.batches[*other].count
        {
            broken!("batch {batch} is at offset {base}, where batch {other} was (from {other_base})");
        }
        self.log.insert(base, batch);
        Ok(())
    }

    fn ended(&mut self, how: End, sync_failed: bool) {
        self.is_torn |= sync_failed || how == End::Power;
        if how == End::Clean {
            self.durable_end = self.durable_end.max(self.end());
            self.durable_start_min = self.start_min;
        }
        self.start_min = self.durable_start_min;
        (self.is_failed, self.is_open) = (false, false);
    }

    /// The log as a new process shows it, from its start to its end.
    ///
    /// # Errors
    /// When it lacks what it must have, or has what it must not.
    pub fn reopened(&mut self, start: i64, end: i64, found: &[Found]) -> Kept {
        self.check_start(start)?;
        let kept_end = if std::mem::take(&mut self.is_torn) { self.durable_end } else { self.end() };
        for (base, batch) in &self.log {
            let batch_end = base + self.batches[*batch].count;
            if batch_end <= start || found.contains(&Found { base: *base, batch: *batch }) {
                continue;
            }
            if batch_end <= kept_end {
                broken!("batch {batch} ({:?}) at offset {base} is lost", self.batches[*batch].fate);
            }
            if *base < end {
                broken!("batch {batch} at offset {base} is lost out of the middle: the log ends at {end}");
            }
        }
        // What is gone is gone: its places may be given to others, but it must not come back.
        let lost: Vec<i64> = self.log.range(end..).map(|(base, _)| *base).collect();
        for base in lost {
            if let Some(batch) = self.log.remove(&base) {
                self.batches[batch].fate = Fate::Refused;
            }
        }
        self.read(start, end, found)?;
        let there: BTreeSet<usize> = self.log.values().copied().collect();
        for (number, batch) in self.batches.iter_mut().enumerate() {
            if batch.fate == Fate::Unknown && !there.contains(&number) {
                batch.fate = Fate::Refused; // unless its producer sends it again
            }
        }
        self.check_sequences()
    }

    /// What a read of the whole log shows.
    ///
    /// # Errors
    /// When there is a gap, or something is not in its place.
    pub fn read(&mut self, start: i64, end: i64, found: &[Found]) -> Kept {
        let mut expected = None;
        for one in found {
            if expected.is_some_and(|expected| expected != one.base) || (expected.is_none() && one.base > start) {
                broken!("a gap before offset {}: the log begins at {start}", one.base);
            }
            self.place(*one)?;
            expected = Some(one.base + self.batches[one.batch].count);
        }
        if expected.unwrap_or(end) != end {
            broken!("the log ends at {end}, and its last batch at {expected:?}");
        }
        Ok(())
    }

    /// Where the log begins.
    ///
    /// # Errors
    /// When more or less is deleted than was asked for.
    pub fn check_start(&self, start: i64) -> Kept {
        if start < self.start_min || self.start_max < start {
            broken!("the log begins at {start}, not within {}..={}", self.start_min, self.start_max);
        }
        Ok(())
    }

    /// Records were deleted up to an offset.
    pub fn deleted(&mut self, low: i64) -> Kept {
        if self.start_max < low {
            broken!("records up to {low} are deleted, {} was asked for", self.start_max);
        }
        self.start_min = self.start_min.max(low);
        Ok(())
    }

    /// Each producer's sequences rise by one in the log.
    fn check_sequences(&self) -> Kept {
        let mut next: BTreeMap<i64, i32> = BTreeMap::new();
        for batch in self.log.values() {
            let Some((producer, sequence)) = self.batches[*batch].written_by else { continue };
            let expected = next.insert(producer, sequence + self.batches[*batch].count as i32).unwrap_or(0);
            if expected != sequence {
                broken!("producer {producer} has sequence {sequence} where {expected} comes next");
            }
        }
        Ok(())
    }
}

/// What a group committed for one partition: offsets that rise with every commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// What is there at least.
    pub floor: i64,
    /// What survives a loss of power.
    pub durable: i64,
    /// What was sent last.
    pub sent: i64,
}

impl Committed {
    const NOTHING: Committed = Committed { floor: -1, durable: -1, sent: -1 };
}

/// What is known of a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownTopic {
    /// Its creation was acknowledged, or it was seen: it is there until somebody asks for its deletion.
    pub exists: bool,
    /// Its id, once it was seen.
    pub id: Option<Uuid>,
    /// Somebody asked for its creation since it was last known not to be there.
    pub may_exist: bool,
    /// Somebody asked for its deletion, and was not told yet that it is gone.
    pub is_leaving: bool,
    /// How many topics of its name there were before.
    pub incarnation: u32,
}

/// All that is known.
#[derive(Clone, Debug)]
pub struct Model {
    /// By place in the scenario.
    pub topics: Vec<KnownTopic>,
    /// The ids of topics that are gone.
    pub former_ids: BTreeSet<Uuid>,
    /// All partitions of all topics.
    pub partitions: Vec<Partition>,
    /// The group's offsets, by place in `partitions`.
    pub committed: Vec<Committed>,
    /// Producer ids that were given out.
    pub producer_ids: BTreeSet<i64>,
    /// How many processes have ended.
    pub life: u64,
}

impl Model {
    /// Nothing has happened yet.
    pub fn new(scenario: &Scenario) -> Model {
        let partitions: Vec<Partition> = scenario
            .topics
            .iter()
            .enumerate()
            .flat_map(|(place, topic)| {
                (0..topic.partitions).map(move |index| Partition::new(place, index, topic.is_flushed))
            })
            .collect();
        Model {
            topics: vec![KnownTopic::default(); scenario.topics.len()],
            former_ids: BTreeSet::new(),
            committed: vec![Committed::NOTHING; partitions.len()],
            partitions,
            producer_ids: BTreeSet::new(),
            life: 0,
        }
    }

    /// A topic is about to be deleted: nothing is promised of it any more.
    pub fn begin_deletion(&mut self, topic: usize) {
        let known = &mut self.topics[topic];
        self.former_ids.extend(known.id.take());
        (known.exists, known.is_leaving) = (false, true);
        known.incarnation += 1;
        for (partition, committed) in self.partitions.iter_mut().zip(&mut self.committed) {
            if partition.topic == topic {
                *partition = Partition::new(topic, partition.index, partition.is_flushed);
                *committed = Committed { sent: committed.sent, ..Committed::NOTHING };
            }
        }
    }

    /// A topic is gone.
    pub fn deleted(&mut self, topic: usize) {
        let known = &mut self.topics[topic];
        (known.is_leaving, known.may_exist) = (false, false);
    }

    /// A topic is there with this id.
    ///
    /// # Errors
    /// When it had another id, or nobody asked for it since it was deleted.
    pub fn topic_seen(&mut self, topic: usize, id: Uuid) -> Kept {
        let known = &mut self.topics[topic];
        if known.id.is_some_and(|known| known != id) {
            broken!("topic {topic} has another id than before");
        }
        if !known.may_exist || self.former_ids.contains(&id) {
            broken!("topic {topic} is there again after its deletion");
        }
        (known.exists, known.id) = (true, Some(id));
        Ok(())
    }

    /// What a fetch of a committed offset shows, in the same process that took the commits.
    ///
    /// # Errors
    /// When a commit was forgotten, or one is there that nobody made.
    pub fn offset_fetched(&mut self, partition: usize, offset: i64) -> Kept {
        let known = &mut self.committed[partition];
        if offset < known.floor || known.sent < offset {
            broken!("the committed offset is {offset}, not within {}..={}", known.floor, known.sent);
        }
        known.floor = offset;
        Ok(())
    }

    /// The process ended: what is promised by the next. `sync_failed` says of which logs a sync failed: what the kernel
    /// could not write it forgets, so a mere kill may now lose as much as a loss of power.
    pub fn ended(&mut self, how: End, sync_failed: impl Fn(&Log) -> bool) {
        self.life += 1;
        for partition in &mut self.partitions {
            partition.ended(how, sync_failed(&Log::Partition(partition.topic, partition.index)));
        }
        let is_torn = how == End::Power || sync_failed(&Log::Offsets);
        for known in &mut self.committed {
            match how {
                End::Clean => known.durable = known.floor,
                _ if is_torn => known.floor = known.durable,
                _ => {}
            }
        }
    }
}
