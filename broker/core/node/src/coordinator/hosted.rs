//! One shard with its partition: carries out what the shard asks for, and holds replies back until they are committed.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use ottla_api::group::Told;
use ottla_commit_log::{Files, NewBatch};
use ottla_groups::{Action, Record, Reply, Request, Settings, Shard};
use ottla_records::{BatchBuilder, BatchOptions, batches};
use ottla_replicated::Waiting;
use ottla_vocabulary::{Duration, Instant, LeaderEpoch, Now, Offset, TopicName};
use ottla_wire::ErrorCode;

use super::Done;
use super::gathering::{To, coordinator_code};
use super::load::{LoadError, Loaded, load};
use crate::partition::Partition;

/// How many replies of one shard may wait for a commit. Each holds a request of a client, which waits with it.
const WAITING_MAX: usize = 100_000;

/// How long nobody tries again to read a partition that could not be read: each try reads it up to where it is broken,
/// and clients ask again and again.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A coordinator of one partition.
#[derive(Debug)]
pub(crate) struct Hosted<F: Files> {
    partition: Arc<Partition<F>>,
    epoch: LeaderEpoch,
    settings: Settings,
    shard: Shard<To>,
    life: Life,
    /// Topics that were deleted while the groups were not known: what is committed for them is removed as soon as they are.
    deleted: BTreeSet<TopicName>,
    load_bytes: u32,
    waiting: Waiting<(To, Told), ErrorCode>,
}

/// Whether the shard knows its groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Nobody has asked for them.
    New,
    /// The partition is being read, without this coordinator's lock.
    Loading,
    /// The partition has been read. Members' silence counts from the next event, for reading may have taken long.
    Read,
    /// It knows them.
    Loaded,
    /// The partition could not be read.
    Failed { again: Instant },
    /// It knew them. Whoever took hold of this coordinator just before is sent on.
    Resigned,
}

/// A partition to be read, without any lock.
#[derive(Debug)]
pub(super) struct Loading<F: Files> {
    partition: Arc<Partition<F>>,
    settings: Settings,
    load_bytes: u32,
}

impl<F: Files> Loading<F> {
    /// Reads it. May take as long as a disk does.
    pub(super) fn run(self) -> Result<(Shard<To>, Loaded), LoadError> {
        let mut shard = Shard::new(self.settings);
        let loaded = load(&self.partition, &mut shard, self.load_bytes)?;
        Ok((shard, loaded))
    }
}

impl<F: Files> Hosted<F> {
    pub(super) fn new(
        settings: Settings,
        load_bytes: u32,
        partition: Arc<Partition<F>>,
        epoch: LeaderEpoch,
    ) -> Hosted<F> {
        let (shard, waiting) = (Shard::new(settings.clone()), Waiting::new(WAITING_MAX));
        Hosted { partition, epoch, settings, shard, life: Life::New, deleted: BTreeSet::new(), load_bytes, waiting }
    }

    pub(super) fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// Asks the shard; the reply may come at once, later, or never when the coordinator moves.
    pub(super) fn ask(&mut self, now: Now, request: Request, to: To, done: &mut Done<F>) {
        if let Err(code) = self.know(now, done) {
            return to.tell(Err(code), &mut done.answered);
        }
        let actions = self.shard.on_request(now, request, to);
        self.carry_out(now, actions, done);
    }

    /// Which groups there are.
    pub(super) fn list(&mut self, now: Now, done: &mut Done<F>) -> Told {
        self.know(now, done).map(|()| Reply::List(self.shard.list()))
    }

    /// Makes sure that the groups are known. What one read brings is read at once: the client would wait longer before it
    /// asked again. A larger partition is left to the upkeep. One that cannot be read has no coordinator: its clients
    /// look on.
    fn know(&mut self, now: Now, done: &mut Done<F>) -> Result<(), ErrorCode> {
        if matches!(self.life, Life::New | Life::Failed { .. })
            && self.is_small()
            && let Some(loading) = self.begin_load(now)
        {
            self.end_load(now, loading.run());
        }
        self.start(now, done);
        match self.life {
            Life::Loaded => Ok(()),
            Life::Resigned => Err(ErrorCode::NotCoordinator),
            Life::Failed { again } if now.instant < again => Err(ErrorCode::NotCoordinator),
            Life::New | Life::Loading | Life::Read | Life::Failed { .. } => Err(ErrorCode::CoordinatorLoadInProgress),
        }
    }

    fn is_small(&self) -> bool {
        self.partition.lock().log.as_ref().is_none_or(|log| log.bytes() <= u64::from(self.load_bytes))
    }

    /// What is to be read, unless it has been read or somebody reads it.
    pub(super) fn begin_load(&mut self, now: Now) -> Option<Loading<F>> {
        match self.life {
            Life::Loading | Life::Read | Life::Loaded | Life::Resigned => return None,
            Life::Failed { again } if now.instant < again => return None,
            Life::New | Life::Failed { .. } => {}
        }
        self.life = Life::Loading;
        let (partition, settings) = (Arc::clone(&self.partition), self.settings.clone());
        Some(Loading { partition, settings, load_bytes: self.load_bytes })
    }

    /// Hears how that went; answers whether the groups are known now.
    pub(super) fn end_load(&mut self, now: Now, outcome: Result<(Shard<To>, Loaded), LoadError>) -> bool {
        if self.life != Life::Loading {
            return false; // it resigned meanwhile
        }
        let name = &self.partition.name;
        match outcome {
            Ok((shard, loaded)) => {
                tracing::debug!(partition = %name, records = loaded.records, "groups are read");
                if 0 < loaded.unknown {
                    let records = loaded.unknown;
                    tracing::warn!(partition = %name, records, "records of unknown kinds are among the groups'");
                }
                self.shard = shard;
                self.life = Life::Read;
            }
            Err(error) => {
                tracing::error!(partition = %name, "read the groups: {error}");
                self.life = Life::Failed { again: now.instant + AGAIN_AFTER };
            }
        }
        self.life == Life::Read
    }

    /// Begins to coordinate what was read.
    fn start(&mut self, now: Now, done: &mut Done<F>) {
        if self.life != Life::Read {
            return;
        }
        self.shard.on_loaded(now);
        self.life = Life::Loaded;
        let deleted: Vec<TopicName> = std::mem::take(&mut self.deleted).into_iter().collect();
        if !deleted.is_empty() {
            self.on_topics_deleted(now, &deleted, done);
        }
    }

    pub(super) fn on_topics_deleted(&mut self, now: Now, topics: &[TopicName], done: &mut Done<F>) {
        match self.life {
            Life::Loaded => {
                let actions = self.shard.on_topics_deleted(topics);
                self.carry_out(now, actions, done);
            }
            Life::Resigned => {}
            // A topic's deletion is told once.
            Life::New | Life::Loading | Life::Read | Life::Failed { .. } => self.deleted.extend(topics.iter().cloned()),
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        if self.life == Life::Read {
            return Some(Instant::default());
        }
        [self.shard.next_due(), self.waiting.next_deadline()].into_iter().flatten().min()
    }

    pub(super) fn tick(&mut self, now: Now, done: &mut Done<F>) {
        self.start(now, done);
        if self.shard.next_due().is_some_and(|due| due <= now.instant) {
            let actions = self.shard.on_time(now);
            self.carry_out(now, actions, done);
        }
        self.settle(now, done);
    }

    pub(super) fn resign(&mut self, now: Now, done: &mut Done<F>) {
        for action in self.shard.on_leadership_lost(now) {
            // A shard that is given up only sends its waiting requests away.
            if let Action::Reply { to, reply } = action {
                to.tell(Ok(reply), &mut done.answered);
            }
        }
        self.shard = Shard::new(self.settings.clone());
        self.life = Life::Resigned;
        self.send_away(done);
    }

    /// Nothing that waits for a commit will be told of one here.
    fn send_away(&mut self, done: &mut Done<F>) {
        for (to, _) in self.waiting.on_leadership_lost() {
            to.tell(Err(ErrorCode::NotCoordinator), &mut done.answered);
        }
    }

    /// Does what the shard asks for, and what comes of that, in order.
    fn carry_out(&mut self, now: Now, actions: Vec<Action<To>>, done: &mut Done<F>) {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Reply { to, reply } => self.hold_back(now, to, Ok(reply), done),
                Action::Append { records, then } => {
                    let more = match self.append(now, &records, done) {
                        Ok(offset) => self.shard.on_appended(now, offset, &records, then),
                        Err(code) => self.shard.on_append_failed(now, coordinator_code(code), then),
                    };
                    // What comes of an append comes before whatever was asked for after it.
                    for action in more.into_iter().rev() {
                        actions.push_front(action);
                    }
                }
            }
        }
        self.settle(now, done);
    }

    /// Lets a reply wait until the log is committed as far as it goes now.
    fn hold_back(&mut self, now: Now, to: To, told: Told, done: &mut Done<F>) {
        let Some((log_end, committed)) = self.ends() else {
            return to.tell(Err(ErrorCode::NotCoordinator), &mut done.answered);
        };
        for (to, told) in self.waiting.on_committed(committed) {
            to.tell(told, &mut done.answered);
        }
        let deadline = now.instant + self.settings.commit_timeout;
        match self.waiting.park(log_end, deadline, ErrorCode::CoordinatorNotAvailable, (to, told)) {
            Ok(Some((to, told))) => to.tell(told, &mut done.answered),
            Ok(None) => {}
            Err(full) => full.0.0.tell(Err(ErrorCode::CoordinatorNotAvailable), &mut done.answered),
        }
    }

    /// Sends what no longer has to wait.
    fn settle(&mut self, now: Now, done: &mut Done<F>) {
        let Some((_, committed)) = self.ends() else { return self.send_away(done) };
        for (to, told) in self.waiting.on_committed(committed) {
            to.tell(told, &mut done.answered);
        }
        for ((to, _), code) in self.waiting.on_time(now.instant) {
            to.tell(Err(code), &mut done.answered);
        }
    }

    /// Where the log ends, and up to where it is committed; none once the log is closed or removed.
    fn ends(&self) -> Option<(Offset, Offset)> {
        self.partition.lock().log.as_ref().map(|log| (log.log_end(), log.high_watermark()))
    }

    /// Appends records as one batch and gives the first one's offset.
    fn append(&self, now: Now, records: &[Record], done: &mut Done<F>) -> Result<Offset, ErrorCode> {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for record in records {
            let (key, value) = record.to_bytes().map_err(|_| ErrorCode::InvalidRequest)?;
            builder.push(now.wall, Some(&key), value.as_deref(), &[]);
        }
        let bytes = builder.finish().map_err(|_| ErrorCode::MessageTooLarge)?;
        let bytes_max = usize::try_from(self.partition.settings.load().rules.max_message_bytes).unwrap_or(0);
        if bytes_max < bytes.len() {
            return Err(ErrorCode::MessageTooLarge);
        }
        let batch = batches(&bytes).next().and_then(Result::ok).ok_or(ErrorCode::UnknownServerError)?;
        let new = NewBatch { header: *batch.header(), records: batch.records_bytes() };
        let (offset, woken) = self.partition.append_own(new, self.epoch, now)?;
        done.woken.extend(woken);
        Ok(offset)
    }
}
