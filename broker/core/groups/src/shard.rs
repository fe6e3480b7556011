//! The coordinator of one partition of `__consumer_offsets`: takes requests, records and the time, and gives actions.
//!
//! Whoever drives it holds it alone while it takes an event and carries out the actions in their order. Every reply waits
//! until the log is committed up to where it ended when the reply was given: it may tell of a record that was appended
//! just before.

use std::collections::{BTreeMap, BTreeSet};

use ottla_replicated::Machine;
use ottla_vocabulary::{GroupId, Instant, Now, Offset, PartitionIndex, TopicName};
use ottla_wire::ErrorCode;

use crate::classic::StaticRejoin;
use crate::group::Group;
use crate::record::Record;
use crate::request::{Committed, Reply, Request};
use crate::settings::Settings;
use crate::timers::{Timer, Timers};

/// Committed offsets of one group.
pub(crate) type Offsets = BTreeMap<(TopicName, PartitionIndex), Committed>;

/// What must be done, in this order.
#[derive(Debug)]
pub enum Action<To> {
    /// Answer, once what was appended so far is committed.
    Reply {
        /// Whom.
        to: To,
        /// What.
        reply: Reply,
    },
    /// Append these as one, and come back with [`Shard::on_appended`] or [`Shard::on_append_failed`] before anything else.
    Append {
        /// In this order.
        records: Vec<Record>,
        /// To be handed back.
        then: Then<To>,
    },
}

/// What an append was for.
#[derive(Debug)]
pub struct Then<To>(pub(crate) Purpose<To>);

#[derive(Debug)]
pub(crate) enum Purpose<To> {
    /// Nobody waits for it.
    Keep,
    /// Somebody waits for it: the answer when it worked, and the one when it did not, given the code.
    Answer { to: To, reply: Reply, failed: fn(&Reply, ErrorCode) -> Reply },
    /// The assignment of this group's generation.
    Assignment { group: GroupId },
    /// A static member came back under a new id.
    Rejoin(Box<StaticRejoin<To>>),
}

/// The most records that are appended as one where they need not be one: well below `max.message.bytes` as tombstones.
const RECORDS_AT_ONCE: usize = 1000;

/// Appends that nobody waits for, each of a size that the log takes.
pub(crate) fn keep<To>(records: Vec<Record>) -> Vec<Action<To>> {
    let mut records = records.into_iter();
    let mut actions = Vec::new();
    loop {
        let some: Vec<Record> = records.by_ref().take(RECORDS_AT_ONCE).collect();
        if some.is_empty() {
            return actions;
        }
        actions.push(Action::Append { records: some, then: Then(Purpose::Keep) });
    }
}

/// What the steps of the protocol write to.
pub(crate) struct Out<'s, To> {
    pub(crate) now: Now,
    pub(crate) settings: &'s Settings,
    pub(crate) timers: &'s mut Timers,
    pub(crate) actions: &'s mut Vec<Action<To>>,
}

impl<To> Out<'_, To> {
    pub(crate) fn reply(&mut self, to: To, reply: Reply) {
        self.actions.push(Action::Reply { to, reply });
    }

    pub(crate) fn append(&mut self, records: Vec<Record>, purpose: Purpose<To>) {
        self.actions.push(Action::Append { records, then: Then(purpose) });
    }
}

/// The coordinator of one partition. `To` is whom a reply goes to; the shard only carries it.
#[derive(Debug)]
pub struct Shard<To> {
    pub(crate) settings: Settings,
    pub(crate) groups: BTreeMap<GroupId, Group<To>>,
    pub(crate) offsets: BTreeMap<GroupId, Offsets>,
    /// Groups of newer kinds, whose names are taken.
    pub(crate) foreign: BTreeSet<GroupId>,
    timers: Timers,
    pub(crate) actions: Vec<Action<To>>,
}

impl<To> Shard<To> {
    /// A coordinator that knows nothing yet: replay the partition, then call [`Shard::on_loaded`].
    pub fn new(settings: Settings) -> Shard<To> {
        Shard {
            settings,
            groups: BTreeMap::new(),
            offsets: BTreeMap::new(),
            foreign: BTreeSet::new(),
            timers: Timers::default(),
            actions: Vec::new(),
        }
    }

    /// The partition has been replayed to its end: members' silence counts from now.
    pub fn on_loaded(&mut self, now: Now) {
        self.each_group(now, |group, out| {
            let id = group.id.clone();
            for member in group.members.values_mut() {
                member.heard(&id, out);
            }
            if out.settings.size_max < group.members.len() {
                group.prepare_rebalance(out); // the setting has changed: only so many can join again
            }
        });
        self.timers.at(now.instant + self.settings.offsets_retention_check_interval, Timer::ExpireOffsets);
    }

    /// A request; the answer goes to `to`, now or later.
    pub fn on_request(&mut self, now: Now, request: Request, to: To) -> Vec<Action<To>> {
        match request {
            Request::Join(join) => self.join(now, join, to),
            Request::Sync(sync) => self.sync(now, sync, to),
            Request::Heartbeat(who) => self.heartbeat(now, &who, to),
            Request::Leave { group, members } => self.leave(now, &group, members, to),
            Request::OffsetCommit(commit) => self.commit_offsets(now, commit, to),
            Request::OffsetFetch { group, partitions } => {
                let reply = self.fetch_offsets(&group, partitions);
                self.actions.push(Action::Reply { to, reply: Reply::OffsetFetch(reply) });
            }
            Request::OffsetDelete { group, partitions } => self.delete_offsets(now, &group, partitions, to),
            Request::Delete { group } => self.delete_group(now, &group, to),
            Request::Describe { group } => {
                let reply = Reply::Describe(self.describe(&group));
                self.actions.push(Action::Reply { to, reply });
            }
            Request::List => {
                let reply = Reply::List(self.list());
                self.actions.push(Action::Reply { to, reply });
            }
        }
        std::mem::take(&mut self.actions)
    }

    /// The records of an [`Action::Append`] are in the log from `offset` on.
    pub fn on_appended(&mut self, now: Now, offset: Offset, records: &[Record], then: Then<To>) -> Vec<Action<To>> {
        let purpose = match then.0 {
            Purpose::Rejoin(rejoin) => {
                self.with_group(now, &rejoin.group.clone(), |group, out| group.finish_static_rejoin(*rejoin, out));
                Purpose::Keep
            }
            other => other,
        };
        for (place, record) in records.iter().enumerate() {
            // What we decided on this state cannot contradict it.
            let replayed = self.replay(Offset(offset.0 + place as i64), record);
            debug_assert_eq!(replayed, Ok(()));
        }
        match purpose {
            Purpose::Answer { to, reply, .. } => self.actions.push(Action::Reply { to, reply }),
            Purpose::Assignment { group } => self.with_group(now, &group, |group, out| group.hand_over(out)),
            Purpose::Keep | Purpose::Rejoin(_) => {}
        }
        std::mem::take(&mut self.actions)
    }

    /// The records of an [`Action::Append`] are not in the log and never will be.
    pub fn on_append_failed(&mut self, now: Now, error: ErrorCode, then: Then<To>) -> Vec<Action<To>> {
        match then.0 {
            Purpose::Keep => {}
            Purpose::Answer { to, reply, failed } => {
                let reply = failed(&reply, error);
                self.actions.push(Action::Reply { to, reply });
            }
            Purpose::Assignment { group } => self.with_group(now, &group, |group, out| group.take_back(error, out)),
            Purpose::Rejoin(rejoin) => self.with_group(now, &rejoin.group.clone(), |_, out| rejoin.refuse(error, out)),
        }
        std::mem::take(&mut self.actions)
    }

    /// When [`Shard::on_time`] is next of use.
    pub fn next_due(&self) -> Option<Instant> {
        self.timers.next_due()
    }

    /// It is now this late.
    pub fn on_time(&mut self, now: Now) -> Vec<Action<To>> {
        let set = self.timers.set_so_far();
        while let Some(timer) = self.timers.pop(now.instant, set) {
            match timer {
                Timer::Heartbeat(group, member) => {
                    self.with_group(now, &group, |group, out| group.expire(&member, out));
                }
                Timer::Pending(group, member) => {
                    self.with_group(now, &group, |group, out| group.expire_pending(&member, out));
                    self.forget_if_never_joined(&group);
                }
                Timer::Join(group) => self.with_group(now, &group, Group::join_is_due),
                Timer::Sync(group) => self.with_group(now, &group, Group::sync_is_due),
                Timer::ExpireOffsets => {
                    self.expire_offsets(now);
                    self.timers.at(now.instant + self.settings.offsets_retention_check_interval, Timer::ExpireOffsets);
                }
            }
        }
        std::mem::take(&mut self.actions)
    }

    /// This coordinator leads its partition no longer: whoever waits is sent away. The shard is then of no more use.
    pub fn on_leadership_lost(&mut self, now: Now) -> Vec<Action<To>> {
        self.each_group(now, |group, out| {
            for member in group.members.values_mut() {
                member.refuse(ErrorCode::NotCoordinator, out);
            }
        });
        std::mem::take(&mut self.actions)
    }

    /// A group that nobody ever joined was never there: strangers who ask for an id leave nothing behind.
    pub(crate) fn forget_if_never_joined(&mut self, id: &GroupId) {
        if self.groups.get(id).is_some_and(Group::was_never_joined) {
            self.groups.remove(id);
        }
    }

    /// Runs a step of a group's protocol, when the group is there.
    pub(crate) fn with_group(&mut self, now: Now, id: &GroupId, step: impl FnOnce(&mut Group<To>, &mut Out<'_, To>)) {
        if let Some(group) = self.groups.get_mut(id) {
            let mut out = Out { now, settings: &self.settings, timers: &mut self.timers, actions: &mut self.actions };
            step(group, &mut out);
        }
    }

    /// What a step outside of a group writes to.
    pub(crate) fn out(&mut self, now: Now) -> Out<'_, To> {
        Out { now, settings: &self.settings, timers: &mut self.timers, actions: &mut self.actions }
    }

    /// A group is no longer there.
    fn end(&mut self, former: Option<Group<To>>) {
        if let Some(mut former) = former {
            former.stop_timers(&mut self.timers);
        }
    }

    fn each_group(&mut self, now: Now, mut step: impl FnMut(&mut Group<To>, &mut Out<'_, To>)) {
        let mut out = Out { now, settings: &self.settings, timers: &mut self.timers, actions: &mut self.actions };
        for group in self.groups.values_mut() {
            step(group, &mut out);
        }
    }
}

impl<To> Machine for Shard<To> {
    type Record<'a> = Record;
    type Refusal = core::convert::Infallible;

    fn replay(&mut self, _offset: Offset, record: &Record) -> Result<(), Self::Refusal> {
        match record {
            Record::Offset { group, topic, partition, committed: Some(committed) } => {
                let offsets = self.offsets.entry(group.clone()).or_default();
                offsets.insert((topic.clone(), *partition), committed.clone());
            }
            Record::Offset { group, topic, partition, committed: None } => {
                if let Some(offsets) = self.offsets.get_mut(group) {
                    offsets.remove(&(topic.clone(), *partition));
                    if offsets.is_empty() {
                        self.offsets.remove(group);
                    }
                }
            }
            Record::Group { group, generation: Some(kept) } => match self.groups.get_mut(group) {
                // Ours, as the record tells of it: whoever waits in it goes on waiting.
                Some(live) if live.is_generation(kept) => live.keep(kept),
                _ => {
                    let former = self.groups.insert(group.clone(), Group::kept(group.clone(), kept));
                    self.end(former);
                }
            },
            Record::Group { group, generation: None } => {
                let former = self.groups.remove(group);
                self.end(former);
            }
            Record::Foreign { group, present: true } => {
                self.foreign.insert(group.clone());
            }
            Record::Foreign { group, present: false } => {
                self.foreign.remove(group);
            }
            Record::Other => {}
        }
        Ok(())
    }
}

impl<To> Shard<To> {
    /// Everything that the log is to say of this shard, as records: what the law "replay of the log gives the state in
    /// memory" compares. A group whose rebalance is under way is told without members, as its last record may be old.
    pub fn kept(&self) -> Vec<Record> {
        use crate::group::State;

        let offsets = self.offsets.iter().flat_map(|(group, offsets)| {
            offsets.iter().map(move |((topic, partition), committed)| Record::Offset {
                group: group.clone(),
                topic: topic.clone(),
                partition: *partition,
                committed: Some(committed.clone()),
            })
        });
        let settled = |group: &&Group<To>| matches!(group.state, State::Stable) && group.unsynced.is_empty();
        let groups = self.groups.values().filter(settled).map(|group| {
            let mut generation = group.to_kept();
            generation.since = None; // the coordinator's own clock, told when the group was last written
            Record::Group { group: group.id.clone(), generation: Some(generation) }
        });
        offsets.chain(groups).collect()
    }
}

#[cfg(test)]
mod tests;
