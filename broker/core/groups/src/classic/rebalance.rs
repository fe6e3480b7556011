//! A rebalance: everybody is asked to join, and once all have (or the patience for the missing ends) the next generation
//! begins.

use ottla_vocabulary::{Duration, MemberId};
use ottla_wire::ErrorCode;

use crate::group::{Group, InitialDelay, State};
use crate::record::{Generation, Record};
use crate::shard::{Out, Purpose};
use crate::timers::Timer;

/// How long at least static members are waited for who are away, when nobody else is there to lead. They may have said
/// that nobody need wait for them at all, and then we would look for them without a pause.
const AWAY_WAIT_MIN: Duration = Duration::from_secs(1);

impl<To> Group<To> {
    /// Something changed: begins a rebalance, or ends the one under way when nobody is missing any more.
    pub(crate) fn rebalance_or_complete(&mut self, out: &mut Out<'_, To>) {
        if self.state == State::PreparingRebalance { self.maybe_complete(out) } else { self.prepare_rebalance(out) }
    }

    /// Begins a rebalance.
    pub(crate) fn prepare_rebalance(&mut self, out: &mut Out<'_, To>) {
        if self.state == State::CompletingRebalance {
            self.refuse_syncs(ErrorCode::RebalanceInProgress, out);
        }
        let was_empty = self.state == State::Empty;
        self.enter(State::PreparingRebalance, out);
        if was_empty {
            let delay = out.settings.initial_rebalance_delay;
            let remaining = self.rebalance_timeout().saturating_sub(delay);
            self.initial = Some(InitialDelay { remaining, member_added: false });
            self.wait_for_joins(delay, out);
        } else {
            self.wait_for_joins(self.rebalance_timeout(), out);
            self.maybe_complete(out);
        }
    }

    /// The wait for joins is over.
    pub(crate) fn join_is_due(&mut self, out: &mut Out<'_, To>) {
        debug_assert_eq!(self.state, State::PreparingRebalance, "another phase cancels the timer of this one");
        self.timer = None;
        match &mut self.initial {
            // While members keep coming, the first rebalance waits on, up to the members' own patience.
            Some(initial) if initial.member_added && !initial.remaining.is_zero() => {
                let delay = out.settings.initial_rebalance_delay.min(initial.remaining);
                *initial = InitialDelay { remaining: initial.remaining.saturating_sub(delay), member_added: false };
                self.wait_for_joins(delay, out);
            }
            _ => self.complete(out),
        }
    }

    /// Ends the rebalance under way, unless somebody is missing or the first members still wait for others.
    pub(crate) fn maybe_complete(&mut self, out: &mut Out<'_, To>) {
        if self.state == State::PreparingRebalance && self.initial.is_none() && self.all_joined() {
            self.complete(out);
        }
    }

    /// Begins the next generation with those who joined.
    fn complete(&mut self, out: &mut Out<'_, To>) {
        // A static member that is missing keeps its place until its session ends: it may just be restarting.
        let missing = |member: &crate::member::Member<To>| member.joining.is_none() && member.instance.is_none();
        let gone: Vec<MemberId> = self.members.values().filter(|one| missing(one)).map(|one| one.id.clone()).collect();
        for id in &gone {
            self.remove(id, out.timers);
        }
        if !self.members.is_empty() && !self.elect_joined_leader() {
            // Only static members that are away: nobody could compute an assignment.
            self.wait_for_joins(self.rebalance_timeout().max(AWAY_WAIT_MIN), out);
            return;
        }
        self.initial = None;
        self.generation += 1;
        if self.members.is_empty() {
            self.protocol = None;
            self.enter(State::Empty, out);
            let generation = Generation { leader: None, ..self.to_kept() };
            let record = Record::Group { group: self.id.clone(), generation: Some(generation) };
            out.append(vec![record], Purpose::Keep);
            return;
        }
        self.protocol = self.choose_protocol();
        self.enter(State::CompletingRebalance, out);
        self.unsynced = self.members.keys().cloned().collect();
        let due = out.now.instant + self.rebalance_timeout();
        self.timer = Some(out.timers.at(due, Timer::Sync(self.id.clone())));
        let ids: Vec<MemberId> = self.members.keys().cloned().collect();
        for id in ids {
            let joined = self.joined(&id, false);
            let member = self.members.get_mut(&id).expect("the id was just read from the members");
            member.is_new = false;
            member.heard(&self.id, out);
            member.answer_join(joined, out);
        }
    }

    /// Makes sure that whoever leads is here; whether there is such a member.
    fn elect_joined_leader(&mut self) -> bool {
        let joined = |id: &MemberId| self.members.get(id).is_some_and(|member| member.joining.is_some());
        if self.leader.as_ref().is_some_and(joined) {
            return true;
        }
        let candidate = self.members.values().find(|member| member.joining.is_some()).map(|member| member.id.clone());
        let found = candidate.is_some();
        if found {
            self.leader = candidate;
        }
        found
    }

    /// Members that joined and never synced are given up: their generation would otherwise never become stable.
    pub(crate) fn sync_is_due(&mut self, out: &mut Out<'_, To>) {
        debug_assert!(matches!(self.state, State::CompletingRebalance | State::Stable), "another phase cancels it");
        self.timer = None;
        if self.unsynced.is_empty() {
            return;
        }
        for id in std::mem::take(&mut self.unsynced) {
            self.remove(&id, out.timers);
        }
        self.prepare_rebalance(out);
    }

    /// Moves on; the wait of the phase before ends, but for the one for syncs, which outlives the move to Stable.
    pub(crate) fn enter(&mut self, state: State, out: &mut Out<'_, To>) {
        if state != State::Stable {
            self.stop_waiting(out);
        }
        self.state = state;
        self.since = Some(out.now.wall);
    }

    fn wait_for_joins(&mut self, wait: Duration, out: &mut Out<'_, To>) {
        self.stop_waiting(out);
        self.timer = Some(out.timers.at(out.now.instant + wait, Timer::Join(self.id.clone())));
    }

    fn stop_waiting(&mut self, out: &mut Out<'_, To>) {
        if let Some(timer) = self.timer.take() {
            out.timers.cancel(timer);
        }
    }
}
