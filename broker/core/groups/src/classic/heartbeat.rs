//! Heartbeat: a member is still here, and hears whether it must join again. And what happens when it is not.

use ottla_vocabulary::{MemberId, Now};
use ottla_wire::ErrorCode;

use crate::group::{Group, State};
use crate::request::{Identity, Reply};
use crate::shard::{Out, Shard};

impl<To> Shard<To> {
    pub(crate) fn heartbeat(&mut self, now: Now, who: &Identity, to: To) {
        let mut code = match self.groups.get(&who.group) {
            _ if who.group.as_str().is_empty() => ErrorCode::InvalidGroupId,
            None => ErrorCode::UnknownMemberId,
            Some(group) => group.check(who).err().unwrap_or(ErrorCode::None),
        };
        if code == ErrorCode::None {
            self.with_group(now, &who.group, |group, out| code = group.beat(&who.member, out));
        }
        self.out(now).reply(to, Reply::Heartbeat(code));
    }
}

impl<To> Group<To> {
    fn beat(&mut self, member: &MemberId, out: &mut Out<'_, To>) -> ErrorCode {
        self.hear(member, out);
        match self.state {
            State::Empty => ErrorCode::UnknownMemberId,
            State::PreparingRebalance => ErrorCode::RebalanceInProgress,
            State::CompletingRebalance | State::Stable => ErrorCode::None,
        }
    }

    /// Counts a member's silence from now.
    pub(crate) fn hear(&mut self, member: &MemberId, out: &mut Out<'_, To>) {
        if let Some(member) = self.members.get_mut(member) {
            member.heard(&self.id, out);
        }
    }

    /// A member's timer fired: it may have been heard since, or wait for us.
    pub(crate) fn expire(&mut self, id: &MemberId, out: &mut Out<'_, To>) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.timer = None;
        if out.now.instant < member.deadline {
            return member.silent_until(member.deadline, &self.id, out);
        }
        // While it waits for us its silence means nothing; what ends the wait counts it anew.
        if !member.is_waiting() {
            self.let_go(id, out);
        }
    }

    /// A member that was given an id has not come back with it: the rebalance does not wait for it any longer.
    pub(crate) fn expire_pending(&mut self, id: &MemberId, out: &mut Out<'_, To>) {
        if self.pending.remove(id).is_some() {
            self.maybe_complete(out);
        }
    }

    /// A member is gone: the others share what it had.
    pub(crate) fn let_go(&mut self, id: &MemberId, out: &mut Out<'_, To>) {
        let Some(mut member) = self.remove(id, out.timers) else { return };
        // Its join may still wait; a client that is alive after all tries again with this answer.
        member.refuse(ErrorCode::UnknownMemberId, out);
        match self.state {
            State::Empty => {}
            State::Stable | State::CompletingRebalance => self.prepare_rebalance(out),
            State::PreparingRebalance => self.maybe_complete(out),
        }
    }
}
