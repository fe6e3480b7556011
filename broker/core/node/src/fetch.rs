//! Fetch: reads partitions for a session until there is enough, or the wait is over.
//!
//! Given a task, [`Node::fetch`] answers at once or parks it; an append to one of its partitions looks at it again.

use std::sync::Arc;

use ottla_api::fetch::{self as api, Place, Read, Task, Wish};
use ottla_api::{Context, Encoded, Late};
use ottla_commit_log::{Files, SpanOf};
use ottla_vocabulary::Now;
use ottla_wire::{ErrorCode, WireError};
use parking_lot::Mutex;

use crate::fetch_session::{Scope, SessionFields, Told};
use crate::node::Node;
use crate::parked::{Parked, Waiting};
use crate::partition::Partition;
use crate::reply::{DescriptorOf, Handled, Reply, Splice, Token};

/// One answer brings records of no more partitions than this: each span keeps its file open until a client, however slow,
/// has taken it. Those that are left out come first in the next answer of a session, as where a limit of bytes leaves out.
const SPANS_MAX: usize = 256;

/// A partition to read, or why it is not read.
#[derive(Debug)]
pub(crate) struct Target<F: Files> {
    wish: Wish,
    partition: Result<Arc<Partition<F>>, ErrorCode>,
}

impl<F: Files> Waiting<F> {
    /// The partitions that know of it.
    fn partitions(&self) -> impl Iterator<Item = &Arc<Partition<F>>> {
        self.targets.iter().filter_map(|target| target.partition.as_ref().ok())
    }
}

/// What reading all targets gave.
struct Harvest<F: Files> {
    read: Vec<Read>,
    spans: Vec<SpanOf<F>>,
    bytes: u64,
    /// Something is to be told at once, however few bytes there are.
    is_urgent: bool,
}

impl<F: Files> Node<F> {
    pub(crate) fn fetch(
        &self,
        context: &Context<'_>,
        token: Token,
        mut task: Task,
    ) -> Result<Handled<DescriptorOf<F>>, WireError> {
        let fields = SessionFields { id: task.session_id, epoch: task.session_epoch };
        let asked = std::mem::take(&mut task.asked);
        let forgotten = std::mem::take(&mut task.forgotten);
        let begun = self.sessions.lock().begin(context.now.instant, fields, task.by_id, asked, &forgotten);
        let (scope, wishes) = match begun {
            Ok(begun) => begun,
            Err(code) => return Ok(Handled::Reply(plain(api::refuse(context, code)?))),
        };
        let targets: Vec<Target<F>> = wishes.into_iter().map(|wish| self.target(context, &task, wish)).collect();
        let harvest = reap(&task, &targets);
        let is_enough = harvest.is_urgent || task.bytes_min <= harvest.bytes;
        if is_enough || task.wait_max.is_zero() || targets.is_empty() {
            return Ok(Handled::Reply(self.tell(context, scope, &targets, harvest)?));
        }
        let waiting = Waiting { late: Late::of(context), task, scope, targets };
        Ok(self.park(context.now, token, waiting))
    }

    fn target(&self, context: &Context<'_>, task: &Task, wish: Wish) -> Target<F> {
        let found = api::resolve(context, task, &wish.place);
        let partition = found.and_then(|topic| {
            // A follower's fetch is for a replica that the partition has; with one node there is no other.
            if task.replica.is_some() {
                return Err(ErrorCode::NotLeaderOrFollower);
            }
            self.partition(topic.id, wish.place.partition)
        });
        Target { wish, partition }
    }

    fn park(&self, now: Now, token: Token, waiting: Waiting<F>) -> Handled<DescriptorOf<F>> {
        let deadline = now.instant + waiting.task.wait_max;
        let partitions: Vec<_> = waiting.partitions().cloned().collect();
        let parked = Arc::new(Parked { token, deadline, fetch: Mutex::new(Some(waiting)) });
        // First to the table: as soon as a partition knows the fetch, somebody may answer it and take it out of both.
        let is_earliest = self.parked.insert(&parked);
        for partition in &partitions {
            partition.lock().waiting.push(Arc::clone(&parked));
        }
        if is_earliest {
            self.note_deadline();
        }
        // Something may have been appended between reading and being known to the partition.
        if let Some(reply) = self.try_finish(now, &parked, false) {
            return Handled::Reply(reply);
        }
        // Who answered it meanwhile took it from the partitions that knew it then; others came to know it since.
        if parked.fetch.lock().is_none() {
            self.unpark(&parked, &partitions);
        }
        Handled::Later
    }

    /// Answers a parked fetch if there is enough now, or in any case.
    fn try_finish(&self, now: Now, parked: &Arc<Parked<F>>, in_any_case: bool) -> Option<Reply<DescriptorOf<F>>> {
        let mut guard = parked.fetch.lock();
        let waiting = guard.as_ref()?;
        let harvest = reap(&waiting.task, &waiting.targets);
        if !in_any_case && !harvest.is_urgent && harvest.bytes < waiting.task.bytes_min {
            return None;
        }
        let waiting = guard.take()?;
        drop(guard);
        self.unpark(parked, waiting.partitions());
        let seen = self.seen();
        let context = waiting.late.context(now, seen.view(self));
        match self.tell(&context, waiting.scope, &waiting.targets, harvest) {
            Ok(reply) => Some(reply),
            Err(error) => {
                self.close_later(parked.token, &error);
                None
            }
        }
    }

    fn unpark<'a>(&self, parked: &Arc<Parked<F>>, partitions: impl IntoIterator<Item = &'a Arc<Partition<F>>>)
    where
        F: 'a,
    {
        self.parked.remove(parked);
        for partition in partitions {
            partition.lock().waiting.retain(|other| !Arc::ptr_eq(other, parked));
        }
    }

    /// Looks again at fetches whose partition has changed.
    pub(crate) fn wake(&self, now: Now, waiting: Vec<Arc<Parked<F>>>) {
        for parked in waiting {
            if let Some(reply) = self.try_finish(now, &parked, false) {
                self.reply_later(parked.token, reply);
            }
        }
    }

    /// Answers the fetches whose time is over.
    pub(crate) fn expire_fetches(&self, now: Now) {
        for parked in self.parked.due(now.instant) {
            if let Some(reply) = self.try_finish(now, &parked, true) {
                self.reply_later(parked.token, reply);
            }
            // Whoever has it, it is not due again: a deadline that stays in the past would be looked at without end.
            self.parked.remove(&parked);
        }
    }

    /// Forgets the fetch of a connection that ended.
    pub(crate) fn forget_fetch(&self, token: Token) {
        let Some(parked) = self.parked.of(token) else { return };
        let taken = parked.fetch.lock().take();
        if let Some(waiting) = taken {
            self.unpark(&parked, waiting.partitions());
        }
    }

    /// Makes the answer of what was read, and counts it.
    fn tell(
        &self,
        context: &Context<'_>,
        scope: Scope,
        targets: &[Target<F>],
        harvest: Harvest<F>,
    ) -> Result<Reply<DescriptorOf<F>>, WireError> {
        for (target, read) in targets.iter().zip(&harvest.read) {
            match &target.partition {
                Ok(partition) if read.code == ErrorCode::None => partition.counts.fetched(u64::from(read.length)),
                Ok(partition) => partition.counts.fetch_failed(),
                Err(_) => self.counts.fetch_failed(),
            }
        }
        let places = targets.iter().map(|target| target.wish.place.clone());
        let told: Vec<(Place, Told)> = places.clone().zip(harvest.read.iter().map(told)).collect();
        let selected = match scope {
            Scope::Sessionless => vec![true; told.len()],
            scope => self.sessions.lock().select(scope, &told),
        };
        let read = places.zip(harvest.read).zip(selected).filter(|(_, selected)| *selected).map(|(read, _)| read);
        Ok(spliced::<F>(api::answer(context, scope.id(), read)?, harvest.spans))
    }
}

fn told(read: &Read) -> Told {
    let has_error = read.code != ErrorCode::None;
    Told {
        high_watermark: read.high_watermark,
        log_start: read.log_start,
        must_tell: has_error || 0 < read.length || read.diverging.is_some(),
        has_error,
    }
}

fn reap<F: Files>(task: &Task, targets: &[Target<F>]) -> Harvest<F> {
    let mut harvest =
        Harvest { read: Vec::with_capacity(targets.len()), spans: Vec::new(), bytes: 0, is_urgent: false };
    for target in targets {
        let partition = match &target.partition {
            Ok(partition) => partition,
            Err(code) => {
                harvest.is_urgent = true;
                // Kafka says of a partition that it did not look into that it has no aborted transactions.
                harvest.read.push(Read { aborted: Some(Vec::new()), ..Read::failed(*code) });
                continue;
            }
        };
        let is_full = SPANS_MAX <= harvest.spans.len();
        let left = if is_full { 0 } else { u64::from(task.bytes_max).saturating_sub(harvest.bytes) };
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        // The first batch that is found goes out whatever its size, or a large one would stop its reader for ever.
        let at_least_one = harvest.bytes == 0;
        let (mut read, span) = partition.fetch(&target.wish, task.isolation, left, at_least_one);
        harvest.is_urgent |= is_full || read.code != ErrorCode::None || read.diverging.is_some();
        harvest.bytes += u64::from(read.length);
        if let Some(span) = span {
            read.tag = harvest.spans.len() as u32;
            harvest.spans.push(span);
        }
        harvest.read.push(read);
    }
    harvest
}

/// An answer without records.
pub(crate) fn plain<D>(encoded: Encoded) -> Reply<D> {
    debug_assert!(encoded.splices.is_empty(), "records that lie in files need their spans");
    Reply { bytes: encoded.bytes, splices: Vec::new(), mute_ms: encoded.mute_ms }
}

/// An answer with the spans that its tags name.
pub(crate) fn spliced<F: Files>(encoded: Encoded, spans: Vec<SpanOf<F>>) -> Reply<DescriptorOf<F>> {
    let mut spans: Vec<Option<SpanOf<F>>> = spans.into_iter().map(Some).collect();
    let splices = encoded.splices.iter().map(|splice| {
        let span = spans[splice.tag as usize].take().expect("an answer names each span once");
        Splice { at: splice.at, descriptor: span.file, position: span.position, length: span.length }
    });
    let splices = splices.collect();
    Reply { bytes: encoded.bytes, splices, mute_ms: encoded.mute_ms }
}
