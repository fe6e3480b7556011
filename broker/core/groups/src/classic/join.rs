//! JoinGroup: a member comes, comes back, or says anew what it offers.

use ottla_vocabulary::{Duration, GroupId, MemberId, Now};
use ottla_wire::ErrorCode;

use crate::group::{Group, State};
use crate::member::Member;
use crate::record::{GenerationMember, Record};
use crate::request::{Join, Joined, Reply};
use crate::shard::{Out, Purpose, Shard};
use crate::timers::Timer;

/// How long a new member's join may wait before the member is given up. It cannot beat, as it does not know its id, and
/// one that disconnected meanwhile and came again would be counted twice for as long.
const NEW_MEMBER_PATIENCE: Duration = Duration::from_secs(5 * 60);

/// The longest text that a record and an answer can carry, and so the longest id that a member can have: its client's or
/// its instance's id is the greater part of it.
const MEMBER_ID_BYTES_MAX: usize = i16::MAX as usize;

/// What the ids of one shard may take that were given out and not used yet: those of some 80,000 clients with usual
/// names. Asking for an id costs a stranger nothing, and it is remembered for up to the longest session timeout.
const PENDING_BYTES_MAX: usize = 8 << 20;

/// A static member that came back under a new id while its group is stable: nobody else needs to know.
#[derive(Debug)]
pub(crate) struct StaticRejoin<To> {
    pub(crate) group: GroupId,
    old: MemberId,
    new: MemberId,
    join: Join,
    to: To,
}

impl<To> StaticRejoin<To> {
    /// The group could not be kept under the new id.
    pub(crate) fn refuse(self, error: ErrorCode, out: &mut Out<'_, To>) {
        out.reply(self.to, Reply::Join(Joined::refused(self.join.member, error)));
    }
}

impl<To> Shard<To> {
    pub(crate) fn join(&mut self, now: Now, join: Join, to: To) {
        let is_stranger = join.member.as_str().is_empty();
        let refusal = if join.group.as_str().is_empty() {
            Some(ErrorCode::InvalidGroupId)
        } else if join.session_timeout < self.settings.session_timeout_min
            || self.settings.session_timeout_max < join.session_timeout
        {
            Some(ErrorCode::InvalidSessionTimeout)
        } else if self.foreign.contains(&join.group) {
            Some(ErrorCode::InconsistentGroupProtocol)
        } else if !is_stranger && !self.groups.contains_key(&join.group) {
            Some(ErrorCode::UnknownMemberId)
        } else {
            None
        };
        if let Some(error) = refusal {
            self.out(now).reply(to, Reply::Join(Joined::refused(join.member, error)));
            return;
        }
        let id = join.group.clone();
        self.groups.entry(id.clone()).or_insert_with(|| Group::new(id.clone()));
        self.with_group(now, &id, |group, out| group.join(join, to, out));
        self.forget_if_never_joined(&id);
    }
}

impl<To> Group<To> {
    fn join(&mut self, join: Join, to: To, out: &mut Out<'_, To>) {
        let refuse = |to, join: Join, error, out: &mut Out<'_, To>| {
            out.reply(to, Reply::Join(Joined::refused(join.member, error)));
        };
        if !self.has_room_for(&join.member, out.settings.size_max) {
            let nobody = MemberId::new("");
            return out.reply(to, Reply::Join(Joined::refused(nobody, ErrorCode::GroupMaxSizeReached)));
        }
        if !self.supports(&join.protocol_type, &join.protocols) {
            return refuse(to, join, ErrorCode::InconsistentGroupProtocol, out);
        }
        if join.member.as_str().is_empty() {
            self.join_new(join, to, out);
        } else if self.forget_pending(&join.member, out.timers) {
            let id = join.member.clone();
            self.take_in(id, join, to, out);
        } else if let Err(error) = self.check_member(&join.member, join.instance.as_deref()) {
            refuse(to, join, error, out);
        } else {
            self.join_again(&join, to, out);
        }
    }

    /// Whether a member may (still) wait for this group; `group.max.size`.
    fn has_room_for(&self, member: &MemberId, size_max: usize) -> bool {
        match self.state {
            State::Empty => true,
            State::PreparingRebalance => {
                let waits = |member: &Member<To>| member.joining.is_some();
                self.members.get(member).is_some_and(waits)
                    || self.members.values().filter(|one| waits(one)).count() < size_max
            }
            State::CompletingRebalance | State::Stable => {
                self.members.contains_key(member) || self.members.len() < size_max
            }
        }
    }

    fn join_new(&mut self, join: Join, to: To, out: &mut Out<'_, To>) {
        let name = join.instance.as_deref().unwrap_or(&join.client_id);
        let id = MemberId::new(&format!("{name}-{}", join.unique));
        if MEMBER_ID_BYTES_MAX < id.as_str().len() {
            return out.reply(to, Reply::Join(Joined::refused(join.member, ErrorCode::InvalidRequest)));
        }
        match join.instance.as_ref().map(|instance| self.instances.get(instance).cloned()) {
            Some(Some(old)) => self.rejoin_static(old, id, join, to, out),
            Some(None) => self.take_in(id, join, to, out),
            // KIP-394: a member that never learns its id would be counted once for every retry.
            None if join.asks_for_id_first => self.give_id(id, &join, to, out),
            None => self.take_in(id, join, to, out),
        }
    }

    /// Tells a new member its id, and expects it to come back with it.
    fn give_id(&mut self, id: MemberId, join: &Join, to: To, out: &mut Out<'_, To>) {
        if PENDING_BYTES_MAX < out.timers.pending_bytes() + self.id.as_str().len() + id.as_str().len() {
            // Clients come again after a pause, by when others have used their ids or lost them.
            return out
                .reply(to, Reply::Join(Joined::refused(join.member.clone(), ErrorCode::CoordinatorLoadInProgress)));
        }
        let due = out.now.instant + join.session_timeout;
        let timer = out.timers.at(due, Timer::Pending(self.id.clone(), id.clone()));
        self.pending.insert(id.clone(), timer);
        out.reply(to, Reply::Join(Joined::refused(id, ErrorCode::MemberIdRequired)));
    }

    /// A member that was not in the group is from now on.
    fn take_in(&mut self, id: MemberId, join: Join, to: To, out: &mut Out<'_, To>) {
        let mut member = Member::new(id, &join);
        member.joining = Some(to);
        member.silent_until(out.now.instant + NEW_MEMBER_PATIENCE, &self.id, out);
        self.protocol_type = Some(join.protocol_type);
        self.insert(member);
        if let Some(initial) = &mut self.initial {
            initial.member_added = true;
        }
        self.rebalance_or_complete(out);
    }

    /// A member that is in the group joins anew.
    fn join_again(&mut self, join: &Join, to: To, out: &mut Out<'_, To>) {
        let member = &self.members[&join.member];
        let says_the_same = member.protocols == join.protocols;
        let leads = self.is_leader(&join.member);
        match self.state {
            // It missed the answer to the join that made this generation, or asks again what stands.
            State::CompletingRebalance if says_the_same => {
                let joined = self.joined(&join.member, false);
                out.reply(to, Reply::Join(joined));
            }
            State::Stable if says_the_same && !leads => {
                let joined = self.joined(&join.member, false);
                out.reply(to, Reply::Join(joined));
            }
            // The leader joins again when it saw that topics or partitions changed.
            State::Stable | State::CompletingRebalance | State::PreparingRebalance | State::Empty => {
                let id = join.member.clone();
                self.expect_again(&id, join, to, out);
                self.rebalance_or_complete(out);
            }
        }
    }

    /// Parks a known member's join; one that it still has waiting is answered, as the member has given it up.
    fn expect_again(&mut self, id: &MemberId, join: &Join, to: To, out: &mut Out<'_, To>) {
        let member = self.members.get_mut(id).expect("the caller looked the member up");
        member.answer_join(Joined::refused(id.clone(), ErrorCode::RebalanceInProgress), out);
        member.update(join);
        member.joining = Some(to);
    }

    /// A static member is back, without the id it had: it gets a new one, and whoever holds the old one is fenced (KIP-345).
    fn rejoin_static(&mut self, old: MemberId, new: MemberId, join: Join, to: To, out: &mut Out<'_, To>) {
        if self.state == State::Stable && self.would_choose_the_same(&old, &join) {
            let mut generation = self.to_kept();
            let protocol = self.protocol.as_deref().unwrap_or_default();
            for member in generation.members.iter_mut().filter(|member| member.member == old) {
                let assignment = std::mem::take(&mut member.assignment);
                *member = GenerationMember { assignment, ..Member::<To>::new(new.clone(), &join).to_kept(protocol) };
            }
            if generation.leader.as_ref() == Some(&old) {
                generation.leader = Some(new.clone());
            }
            let record = Record::Group { group: self.id.clone(), generation: Some(generation) };
            let rejoin = StaticRejoin { group: self.id.clone(), old, new, join, to };
            out.append(vec![record], Purpose::Rejoin(Box::new(rejoin)));
            return;
        }
        self.rename(&old, &new, out);
        self.expect_again(&new, &join, to, out);
        if let Some(member) = self.members.get_mut(&new) {
            member.heard(&self.id, out);
        }
        self.rebalance_or_complete(out);
    }

    /// The group is kept under the member's new id.
    pub(crate) fn finish_static_rejoin(&mut self, rejoin: StaticRejoin<To>, out: &mut Out<'_, To>) {
        let StaticRejoin { old, new, join, to, .. } = rejoin;
        let led = self.is_leader(&old);
        self.rename(&old, &new, out);
        let member = self.members.get_mut(&new).expect("the member was just renamed");
        member.come_back(&join);
        member.heard(&self.id, out);
        let mut joined = self.joined(&new, join.can_skip_assignment);
        if led && !join.can_skip_assignment {
            // An old client that is told that it leads would assign anew; so it is told that its former self leads.
            joined.leader = old;
            joined.members = Vec::new();
        }
        out.reply(to, Reply::Join(joined));
    }

    fn would_choose_the_same(&mut self, member: &MemberId, join: &Join) -> bool {
        let Some(changed) = self.members.get_mut(member) else { return false };
        let before = std::mem::replace(&mut changed.protocols, join.protocols.clone());
        let chosen = self.choose_protocol();
        if let Some(changed) = self.members.get_mut(member) {
            changed.protocols = before;
        }
        chosen == self.protocol
    }

    /// Gives a member another id; whatever waits under the old one is fenced.
    fn rename(&mut self, old: &MemberId, new: &MemberId, out: &mut Out<'_, To>) {
        let led = self.is_leader(old);
        let was_unsynced = self.unsynced.contains(old);
        let Some(mut member) = self.remove(old, out.timers) else { return };
        member.refuse(ErrorCode::FencedInstanceId, out);
        member.id = new.clone();
        self.insert(member);
        if led {
            self.leader = Some(new.clone());
        }
        if was_unsynced {
            self.unsynced.insert(new.clone());
        }
    }

    /// The present generation as a member is told of it.
    pub(crate) fn joined(&self, id: &MemberId, skip_assignment: bool) -> Joined {
        let leads = self.is_leader(id);
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let members = self.members.values().filter(|_| leads).map(|member| member.to_joined(protocol));
        Joined {
            error: ErrorCode::None,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_else(|| MemberId::new("")),
            skip_assignment: skip_assignment && leads,
            member: id.clone(),
            members: members.collect(),
        }
    }
}
