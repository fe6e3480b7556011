//! SyncGroup: the leader hands the assignment over, and everybody gets theirs once it is kept.

use ottla_vocabulary::Now;
use ottla_wire::ErrorCode;

use crate::group::{Group, State};
use crate::record::{Generation, Record};
use crate::request::{Reply, Sync, Synced};
use crate::shard::{Out, Purpose, Shard};

impl<To> Shard<To> {
    pub(crate) fn sync(&mut self, now: Now, sync: Sync, to: To) {
        let refusal = match self.groups.get(&sync.who.group) {
            _ if sync.who.group.as_str().is_empty() => Some(ErrorCode::InvalidGroupId),
            None => Some(ErrorCode::UnknownMemberId),
            Some(group) => group.check_sync(&sync).err(),
        };
        match refusal {
            Some(error) => self.out(now).reply(to, Reply::Sync(Synced::refused(error))),
            None => self.with_group(now, &sync.who.group.clone(), |group, out| group.sync(sync, to, out)),
        }
    }
}

impl<To> Group<To> {
    fn check_sync(&self, sync: &Sync) -> Result<(), ErrorCode> {
        self.check(&sync.who)?;
        let differs = |said: &Option<String>, ours: &Option<String>| said.is_some() && ours.is_some() && said != ours;
        if differs(&sync.protocol_type, &self.protocol_type) || differs(&sync.protocol_name, &self.protocol) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        match self.state {
            State::Empty => Err(ErrorCode::UnknownMemberId),
            State::PreparingRebalance => Err(ErrorCode::RebalanceInProgress),
            State::CompletingRebalance | State::Stable => Ok(()),
        }
    }

    fn sync(&mut self, sync: Sync, to: To, out: &mut Out<'_, To>) {
        let id = sync.who.member;
        self.unsynced.remove(&id);
        if self.state == State::Stable {
            self.members.get_mut(&id).expect("check_sync looked the member up").heard(&self.id, out);
            let synced = self.synced(&id);
            return out.reply(to, Reply::Sync(synced));
        }
        let leads = self.is_leader(&id);
        let member = self.members.get_mut(&id).expect("check_sync looked the member up");
        if let Some(earlier) = member.syncing.replace(to) {
            out.reply(earlier, Reply::Sync(Synced::refused(ErrorCode::RebalanceInProgress)));
        }
        if leads {
            let mut generation = self.to_kept();
            for kept in &mut generation.members {
                let given = sync.assignments.iter().find(|(member, _)| *member == kept.member);
                kept.assignment = given.map(|(_, assignment)| assignment.clone()).unwrap_or_default();
            }
            let record = Record::Group { group: self.id.clone(), generation: Some(generation) };
            out.append(vec![record], Purpose::Assignment { group: self.id.clone() });
        }
    }

    /// Whether a record tells of the present generation with its present members.
    pub(crate) fn is_generation(&self, kept: &Generation) -> bool {
        self.generation == kept.number
            && self.members.len() == kept.members.len()
            && kept.members.iter().all(|member| self.members.contains_key(&member.member))
    }

    /// Takes over what a record of the present generation keeps.
    pub(crate) fn keep(&mut self, kept: &Generation) {
        self.is_kept = true;
        self.since = kept.since;
        self.leader.clone_from(&kept.leader);
        for member in &kept.members {
            if let Some(live) = self.members.get_mut(&member.member) {
                live.assignment.clone_from(&member.assignment);
            }
        }
        if self.state == State::CompletingRebalance {
            self.state = State::Stable;
        }
    }

    /// The assignment is kept: everybody who waits for theirs gets it.
    pub(crate) fn hand_over(&mut self, out: &mut Out<'_, To>) {
        self.enter(State::Stable, out);
        let ids: Vec<_> = self.members.values().filter(|one| one.syncing.is_some()).map(|one| one.id.clone()).collect();
        for id in ids {
            let synced = self.synced(&id);
            let member = self.members.get_mut(&id).expect("the id was just read from the members");
            member.heard(&self.id, out);
            if let Some(to) = member.syncing.take() {
                out.reply(to, Reply::Sync(synced));
            }
        }
    }

    /// The assignment could not be kept: everybody is told, and joins again.
    pub(crate) fn take_back(&mut self, error: ErrorCode, out: &mut Out<'_, To>) {
        self.refuse_syncs(error, out);
        self.prepare_rebalance(out);
    }

    /// Nobody gets an assignment in this generation.
    pub(crate) fn refuse_syncs(&mut self, error: ErrorCode, out: &mut Out<'_, To>) {
        let group = self.id.clone();
        for member in self.members.values_mut() {
            member.assignment.clear();
            if let Some(to) = member.syncing.take() {
                member.heard(&group, out);
                out.reply(to, Reply::Sync(Synced::refused(error)));
            }
        }
    }

    fn synced(&self, id: &ottla_vocabulary::MemberId) -> Synced {
        Synced {
            error: ErrorCode::None,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment: self.members.get(id).map(|member| member.assignment.clone()).unwrap_or_default(),
        }
    }
}
