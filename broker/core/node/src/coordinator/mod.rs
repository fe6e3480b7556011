//! The group coordinators of this node: a shard for each partition of `__consumer_offsets` that it leads, with the log
//! that makes the shard's state last.
//!
//! Given questions of [`ottla_api::group`], leadership and the time, it gives [`Answered`]: requests whose shards have all
//! replied, to be encoded and sent. A reply goes out once the log is committed up to where it ended when the reply was
//! given. What a reply means stands in `groups`, how it is encoded in `api`.

mod gathering;
mod hosted;
mod load;

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_api::context::Late;
use ottla_api::group::{Place, Task, Told};
use ottla_commit_log::Files;
use ottla_groups::{Request, Settings};
use ottla_vocabulary::{GroupId, Instant, LeaderEpoch, Now, PartitionIndex, TopicName, Uuid};
use ottla_wire::ErrorCode;
use parking_lot::Mutex;

use self::gathering::{Gathering, To};
use self::hosted::Hosted;
use crate::partition::Partition;
use crate::reply::Token;

pub(crate) use self::gathering::Answered;
pub(crate) use self::load::Loaded;

/// The coordinators of this node.
#[derive(Debug)]
pub(crate) struct Coordinators<F: Files> {
    settings: Settings,
    /// By partition of `__consumer_offsets`. A coordinator that still reads its partition has its place already.
    hosted: Mutex<BTreeMap<PartitionIndex, Arc<Mutex<Hosted<F>>>>>,
}

impl<F: Files> Coordinators<F> {
    /// A node that coordinates nothing yet.
    pub(crate) fn new(settings: Settings) -> Coordinators<F> {
        Coordinators { settings, hosted: Mutex::new(BTreeMap::new()) }
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
    ) -> Vec<Answered> {
        let gathering = Gathering::new(token, late, task.answer, task.asks.len());
        let mut answered = Vec::new();
        for (place, mut ask) in task.asks.into_iter().enumerate() {
            if let Request::Join(join) = &mut ask.request {
                join.unique = hyphenated(random());
            }
            let to = To { gathering: Arc::clone(&gathering), place };
            let hosted = match &ask.place {
                Place::Group(group) => {
                    let index = partition_of(group);
                    index.and_then(|index| self.hosted.lock().get(&index).cloned()).into_iter().collect()
                }
                Place::EveryShard => self.hosted.lock().values().cloned().collect::<Vec<_>>(),
            };
            match (&ask.place, hosted.as_slice()) {
                (Place::Group(_), [hosted]) => hosted.lock().ask(now, ask.request, to, &mut answered),
                (Place::Group(_), _) => to.tell(Err(ErrorCode::NotCoordinator), &mut answered),
                (Place::EveryShard, every) => {
                    // One question, many replies: they are told together, in place of one.
                    let replies: Vec<Told> = every.iter().map(|one| one.lock().ask_now(now, &ask.request)).collect();
                    to.tell_many(replies, &mut answered);
                }
            }
        }
        answered
    }

    /// This node leads a partition of `__consumer_offsets` from now on: reads it, and coordinates its groups.
    ///
    /// # Errors
    /// When the partition cannot be read; its groups then have no coordinator here.
    pub(crate) fn lead(
        &self,
        now: Now,
        partition: Arc<Partition<F>>,
        epoch: LeaderEpoch,
    ) -> Result<Loaded, ottla_commit_log::ReadError> {
        let index = partition.index();
        let hosted = Arc::new(Mutex::new(Hosted::new(self.settings.clone(), partition, epoch)));
        let mut loading = hosted.lock();
        self.hosted.lock().insert(index, Arc::clone(&hosted));
        let loaded = loading.load(now);
        if loaded.is_err() {
            self.hosted.lock().remove(&index);
        }
        loaded
    }

    /// This node leads a partition no longer, or in another epoch: whoever waits for its groups is sent away.
    pub(crate) fn resign(&self, now: Now, index: PartitionIndex) -> Vec<Answered> {
        let mut answered = Vec::new();
        let hosted = self.hosted.lock().remove(&index);
        if let Some(hosted) = hosted {
            hosted.lock().resign(now, &mut answered);
        }
        answered
    }

    /// In which epoch this node coordinates the groups of a partition, if it does.
    pub(crate) fn epoch(&self, index: PartitionIndex) -> Option<LeaderEpoch> {
        self.hosted.lock().get(&index).map(|hosted| hosted.lock().epoch())
    }

    /// Topics are gone, and with them what groups had read of them.
    pub(crate) fn on_topics_deleted(&self, now: Now, topics: &[TopicName]) -> Vec<Answered> {
        self.each(|hosted, answered| hosted.on_topics_deleted(now, topics, answered))
    }

    /// When [`Coordinators::tick`] is next of use.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.hosted.lock().values().filter_map(|hosted| hosted.lock().next_due()).min()
    }

    /// It is now this late.
    pub(crate) fn tick(&self, now: Now) -> Vec<Answered> {
        self.each(|hosted, answered| hosted.tick(now, answered))
    }

    fn each(&self, mut act: impl FnMut(&mut Hosted<F>, &mut Vec<Answered>)) -> Vec<Answered> {
        let hosted: Vec<_> = self.hosted.lock().values().cloned().collect();
        let mut answered = Vec::new();
        for one in hosted {
            act(&mut one.lock(), &mut answered);
        }
        answered
    }
}

/// An id as Java prints a UUID, which is what the ids of members end in.
fn hyphenated(id: Uuid) -> String {
    let hex: String = id.0.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
