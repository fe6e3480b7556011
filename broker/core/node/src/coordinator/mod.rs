//! The group coordinators of this node: a shard for each partition of `__consumer_offsets` that it leads, with the log
//! that makes the shard's state last.
//!
//! Given questions of [`ottla_api::group`], leadership and the time, it gives [`Done`]: requests whose shards have all
//! replied, to be encoded and sent. A reply goes out once the log is committed up to where it ended when the reply was
//! given. What a reply means stands in `groups`, how it is encoded in `api`.

mod gathering;
mod hosted;
mod load;

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_api::Late;
use ottla_api::group::{Place, Task, Told};
use ottla_commit_log::Files;
use ottla_groups::{Request, Settings};
use ottla_vocabulary::{GroupId, Instant, LeaderEpoch, Now, PartitionIndex, TopicName, Uuid};
use ottla_wire::ErrorCode;
use parking_lot::Mutex;

use self::gathering::{Gathering, To};
use self::hosted::Hosted;
use crate::parked::Parked;
use crate::partition::Partition;
use crate::reply::Token;

pub(crate) use self::gathering::Answered;

/// What came of an event.
#[derive(Debug)]
pub(crate) struct Done<F: Files> {
    /// Requests that can be answered now.
    pub(crate) answered: Vec<Answered>,
    /// Fetches of `__consumer_offsets` that may have enough now.
    pub(crate) woken: Vec<Arc<Parked<F>>>,
}

impl<F: Files> Default for Done<F> {
    fn default() -> Done<F> {
        Done { answered: Vec::new(), woken: Vec::new() }
    }
}

/// The coordinators of this node, by partition of `__consumer_offsets`.
#[derive(Debug)]
pub(crate) struct Coordinators<F: Files> {
    settings: Settings,
    /// `offsets.load.buffer.size`.
    load_bytes: u32,
    #[allow(clippy::type_complexity)] // a table of locks: each coordinator is taken by whoever asks it
    hosted: Mutex<BTreeMap<PartitionIndex, Arc<Mutex<Hosted<F>>>>>,
}

impl<F: Files> Coordinators<F> {
    /// A node that coordinates nothing yet.
    pub(crate) fn new(settings: Settings, load_bytes: u32) -> Coordinators<F> {
        Coordinators { settings, load_bytes, hosted: Mutex::default() }
    }

    /// Asks what a request wants to know. `partition_of` says where a group is kept: none while the topic is not there;
    /// `random` draws what makes the id of a new member.
    pub(crate) fn ask(
        &self,
        now: Now,
        token: Token,
        late: Late,
        task: Task,
        partition_of: impl Fn(&GroupId) -> Option<PartitionIndex>,
        random: impl Fn() -> Uuid,
    ) -> Done<F> {
        let gathering = Gathering::new(token, late, task.answer, task.asks.len());
        let mut done = Done::default();
        for (place, ask) in task.asks.into_iter().enumerate() {
            let (asked, mut request) = ask.question();
            if let Request::Join(join) = &mut request {
                join.unique = hyphenated(random());
            }
            let to = To { gathering: Arc::clone(&gathering), place };
            match &asked {
                Place::Group(group) => match partition_of(group).and_then(|index| self.at(index)) {
                    Some(hosted) => hosted.lock().ask(now, request, to, &mut done),
                    None => to.tell(Err(ErrorCode::NotCoordinator), &mut done.answered),
                },
                Place::EveryShard => {
                    // One question, many replies: they are told together, in place of one.
                    let all = self.all();
                    let replies: Vec<Told> = all.iter().map(|one| one.lock().list(now, &mut done)).collect();
                    to.tell_many(replies, &mut done.answered);
                }
            }
        }
        done
    }

    /// This node leads a partition of `__consumer_offsets` in this epoch: its groups are coordinated here from now on. The
    /// partition is read by [`Coordinators::load_one`]; a small one also when somebody asks before.
    pub(crate) fn lead(&self, now: Now, partition: &Arc<Partition<F>>, epoch: LeaderEpoch) -> Done<F> {
        let index = partition.name.partition;
        if self.at(index).is_some_and(|hosted| hosted.lock().epoch() == epoch) {
            return Done::default();
        }
        let done = self.resign(now, index);
        let hosted = Hosted::new(self.settings.clone(), self.load_bytes, Arc::clone(partition), epoch);
        self.hosted.lock().insert(index, Arc::new(Mutex::new(hosted)));
        done
    }

    /// This node leads a partition no longer: whoever waits for its groups is sent away.
    pub(crate) fn resign(&self, now: Now, index: PartitionIndex) -> Done<F> {
        let mut done = Done::default();
        let hosted = self.hosted.lock().remove(&index);
        if let Some(hosted) = hosted {
            hosted.lock().resign(now, &mut done);
        }
        done
    }

    /// Reads one partition that was not read yet, so that its groups can be asked for, the sessions of its members and the
    /// age of its offsets are watched. Answers whether there was one. May take as long as reading the partition does;
    /// meanwhile whoever asks is told to come again.
    pub(crate) fn load_one(&self, now: Now) -> bool {
        self.all().into_iter().any(|hosted| {
            let loading = hosted.lock().begin_load(now);
            loading.is_some_and(|loading| {
                let outcome = loading.run();
                hosted.lock().end_load(now, outcome)
            })
        })
    }

    /// Topics are gone, and with them what groups had read of them.
    pub(crate) fn on_topics_deleted(&self, now: Now, topics: &[TopicName]) -> Done<F> {
        let mut done = Done::default();
        for one in self.all() {
            one.lock().on_topics_deleted(now, topics, &mut done);
        }
        done
    }

    /// When [`Coordinators::tick`] is next of use. Of one that somebody has in hand this is not known; that one looks for
    /// deadlines afterwards.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.all().iter().filter_map(|hosted| hosted.try_lock()?.next_due()).min()
    }

    /// It is now this late. Nobody is waited for: others' deadlines would pass meanwhile.
    pub(crate) fn tick(&self, now: Now) -> Done<F> {
        let mut done = Done::default();
        for one in self.all() {
            if let Some(mut hosted) = one.try_lock() {
                hosted.tick(now, &mut done);
            }
        }
        done
    }

    fn at(&self, index: PartitionIndex) -> Option<Arc<Mutex<Hosted<F>>>> {
        self.hosted.lock().get(&index).cloned()
    }

    fn all(&self) -> Vec<Arc<Mutex<Hosted<F>>>> {
        self.hosted.lock().values().cloned().collect()
    }
}

/// An id as Java prints a UUID, which is what the ids of members end in.
fn hyphenated(id: Uuid) -> String {
    let hex: String = id.0.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests;
