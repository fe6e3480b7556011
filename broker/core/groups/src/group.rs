//! One classic group: its state, its members, and the questions that the protocol's steps (in `classic`) ask of them.

use std::collections::{BTreeMap, BTreeSet};

use ottla_vocabulary::{Duration, GroupId, MemberId, Timestamp};
use ottla_wire::ErrorCode;

use crate::member::Member;
use crate::record::Generation;
use crate::request::{Identity, Protocol};
use crate::timers::{TimerId, Timers};

/// Where a group is in its cycle. A group that is forgotten ("Dead") is no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No members; its offsets may be there.
    Empty,
    /// Members are joining.
    PreparingRebalance,
    /// All have joined, and the leader computes the assignment.
    CompletingRebalance,
    /// Everybody has an assignment.
    Stable,
}

impl State {
    /// As tools print it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Empty => "Empty",
            State::PreparingRebalance => "PreparingRebalance",
            State::CompletingRebalance => "CompletingRebalance",
            State::Stable => "Stable",
        }
    }
}

/// The wait of an empty group's first members for others (`group.initial.rebalance.delay.ms`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct InitialDelay {
    /// Of the whole wait, after the timer that runs.
    pub(crate) remaining: Duration,
    /// Somebody joined since that timer was set.
    pub(crate) member_added: bool,
}

/// A classic group. `To` is whom a reply goes to.
#[derive(Debug)]
pub(crate) struct Group<To> {
    pub(crate) id: GroupId,
    pub(crate) state: State,
    /// Since when it is in this state.
    pub(crate) since: Option<Timestamp>,
    pub(crate) generation: i32,
    /// None until a member names one.
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: Option<MemberId>,
    pub(crate) members: BTreeMap<MemberId, Member<To>>,
    /// Static members by their own names.
    pub(crate) instances: BTreeMap<String, MemberId>,
    /// Ids that were given out and not yet used, with what ends the wait for each.
    pub(crate) pending: BTreeMap<MemberId, TimerId>,
    /// Members of this generation that have not synced.
    pub(crate) unsynced: BTreeSet<MemberId>,
    /// Ends the wait for joins, or for syncs.
    pub(crate) timer: Option<TimerId>,
    pub(crate) initial: Option<InitialDelay>,
    /// The log tells of it, so that only a tombstone ends it. Kafka writes a group down before its first generation.
    pub(crate) is_kept: bool,
}

impl<To> Group<To> {
    /// A group without members or past.
    pub(crate) fn new(id: GroupId) -> Group<To> {
        Group {
            id,
            state: State::Empty,
            since: None,
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            pending: BTreeMap::new(),
            unsynced: BTreeSet::new(),
            timer: None,
            initial: None,
            is_kept: false,
        }
    }

    /// The group as the log keeps it.
    pub(crate) fn kept(id: GroupId, kept: &Generation) -> Group<To> {
        let mut group = Group::new(id);
        group.generation = kept.number;
        group.protocol_type = Some(kept.protocol_type.clone());
        group.protocol.clone_from(&kept.protocol);
        group.leader.clone_from(&kept.leader);
        group.since = kept.since;
        for member in &kept.members {
            let member = Member::kept(member, kept.protocol.as_deref().unwrap_or_default());
            group.insert(member);
        }
        group.state = if group.members.is_empty() { State::Empty } else { State::Stable };
        group.is_kept = true;
        group
    }

    /// What a record keeps of the group, with everybody's present assignment.
    pub(crate) fn to_kept(&self) -> Generation {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        Generation {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            number: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            since: self.since,
            members: self.members.values().map(|member| member.to_kept(protocol)).collect(),
        }
    }

    /// Takes a member in; the first one leads.
    pub(crate) fn insert(&mut self, member: Member<To>) {
        if self.leader.is_none() {
            self.leader = Some(member.id.clone());
        }
        if let Some(instance) = &member.instance {
            self.instances.insert(instance.clone(), member.id.clone());
        }
        self.members.insert(member.id.clone(), member);
    }

    /// Lets a member go; another one leads when it led.
    pub(crate) fn remove(&mut self, id: &MemberId, timers: &mut Timers) -> Option<Member<To>> {
        let mut member = self.members.remove(id)?;
        member.stop_timer(timers);
        if let Some(instance) = &member.instance {
            self.instances.remove(instance);
        }
        self.unsynced.remove(id);
        if self.leader.as_ref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
        Some(member)
    }

    /// An id that was given out is used, or will not be; whether it was given out.
    pub(crate) fn forget_pending(&mut self, id: &MemberId, timers: &mut Timers) -> bool {
        let timer = self.pending.remove(id);
        if let Some(timer) = timer {
            timers.cancel(timer);
        }
        timer.is_some()
    }

    /// The group is no more: nothing of it falls due.
    pub(crate) fn stop_timers(&mut self, timers: &mut Timers) {
        for member in self.members.values_mut() {
            member.stop_timer(timers);
        }
        for timer in std::mem::take(&mut self.pending).into_values().chain(self.timer.take()) {
            timers.cancel(timer);
        }
    }

    /// Whether whoever speaks is a member and is who it says.
    ///
    /// # Errors
    /// The code that Kafka answers.
    pub(crate) fn check_member(&self, member: &MemberId, instance: Option<&str>) -> Result<(), ErrorCode> {
        if let Some(instance) = instance {
            return match self.instances.get(instance) {
                None => Err(ErrorCode::UnknownMemberId),
                Some(known) if known == member => Ok(()),
                Some(_) => Err(ErrorCode::FencedInstanceId),
            };
        }
        if self.members.contains_key(member) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    /// The same, and in the group's generation.
    ///
    /// # Errors
    /// The code that Kafka answers.
    pub(crate) fn check(&self, who: &Identity) -> Result<(), ErrorCode> {
        self.check_member(&who.member, who.instance.as_deref())?;
        if who.generation == self.generation { Ok(()) } else { Err(ErrorCode::IllegalGeneration) }
    }

    /// Whether a member with these protocols could ever agree with those who are here.
    pub(crate) fn supports(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.members.is_empty() {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let common = self.common_protocols();
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|one| common.contains(one.name.as_str()))
    }

    /// The protocols that everybody offers.
    fn common_protocols(&self) -> BTreeSet<&str> {
        let offered = |member: &'_ Member<To>| -> BTreeSet<String> {
            member.protocols.iter().map(|one| one.name.clone()).collect()
        };
        let mut members = self.members.values();
        let Some(first) = members.next() else { return BTreeSet::new() };
        let mut common: BTreeSet<&str> = first.protocols.iter().map(|one| one.name.as_str()).collect();
        for member in members {
            let offered = offered(member);
            common.retain(|name| offered.contains(*name));
        }
        common
    }

    /// The protocol of the next generation: each member votes for the first of its own that everybody offers.
    pub(crate) fn choose_protocol(&self) -> Option<String> {
        let common = self.common_protocols();
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let vote = member.protocols.iter().map(|one| one.name.as_str()).find(|name| common.contains(name));
            if let Some(vote) = vote {
                *votes.entry(vote).or_default() += 1;
            }
        }
        // Among equals the first by name, so that every run chooses alike.
        let most = votes.values().copied().max()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name.to_owned())
    }

    /// The longest time that a member wants to be waited for.
    pub(crate) fn rebalance_timeout(&self) -> Duration {
        self.members.values().map(|member| member.rebalance_timeout).max().unwrap_or_default()
    }

    /// Whether nobody is missing from a rebalance.
    pub(crate) fn all_joined(&self) -> bool {
        self.pending.is_empty() && self.members.values().all(|member| member.joining.is_some())
    }

    /// Whether nobody is, was, or is about to be a member, and the log knows nothing of it.
    pub(crate) fn was_never_joined(&self) -> bool {
        let is_empty = self.state == State::Empty && self.members.is_empty() && self.pending.is_empty();
        is_empty && self.generation == 0 && !self.is_kept
    }

    /// Whether this member leads.
    pub(crate) fn is_leader(&self, id: &MemberId) -> bool {
        self.leader.as_ref() == Some(id)
    }

    /// The topics that the members of a consumer group subscribe to; none when the group is of another kind, or when a
    /// subscription cannot be read and so any topic may be meant.
    pub(crate) fn subscribed_topics(&self) -> Option<BTreeSet<String>> {
        use ottla_wire::{ConsumerProtocolSubscription, Message, Reader};

        if self.protocol_type.as_deref() != Some("consumer") {
            return None;
        }
        let protocol = self.protocol.as_deref()?;
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            let mut reader = Reader::new(member.metadata(protocol));
            let version = reader.int16().ok()?.min(ConsumerProtocolSubscription::VERSION_MAX);
            let subscription = ConsumerProtocolSubscription::read(&mut reader, version).ok()?;
            topics.extend(subscription.topics.iter().map(|topic| topic.into_owned()));
        }
        Some(topics)
    }
}
