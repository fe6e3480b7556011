//! What each event does: refuse it, answer it, count it, and make the transition that follows from it.

use super::*;

impl Quorum {
    pub(super) fn on_time(&mut self, step: &mut Step<'_, impl LogView>) {
        let due = |at: Instant| at <= step.now.instant;
        let votes = self.is_voter();
        match &self.role {
            Role::Unattached(role) if votes && role.election_at.is_some_and(due) => self.become_prospective(step),
            Role::Prospective(role) if due(role.election_at) => self.give_up_pre_vote(step),
            Role::Candidate(role) if due(role.election_at) => self.become_prospective(step),
            Role::Follower(role) if votes && due(role.fetch_by) => self.become_prospective(step),
            Role::Resigned(role) if due(role.election_at) => {
                let epoch = self.next_epoch();
                self.become_unattached(step, epoch, None);
            }
            Role::Leader(role) if role.check_quorum_at.is_some_and(due) => self.resign(step),
            Role::Leader(role) if role.begin_epoch_at.is_some_and(due) => self.assert_leadership(step),
            _ => {}
        }
    }

    pub(super) fn on_synced(&mut self, step: &mut Step<'_, impl LogView>, end: Offset) {
        self.synced = end;
        let risen = match &mut self.role {
            Role::Leader(leader) => leader.on_synced(end),
            Role::Follower(follower) => follower.leader_high_watermark.map(|committed| committed.min(end)),
            _ => None,
        };
        self.raise_high_watermark(step, risen);
    }

    pub(super) fn on_voters(&mut self, step: &mut Step<'_, impl LogView>, voters: Voters) {
        let voted_before = self.is_voter();
        self.voters = voters;
        let risen = match &mut self.role {
            Role::Leader(leader) => leader.on_voters(&self.voters),
            _ => None,
        };
        self.raise_high_watermark(step, risen);
        match (voted_before, self.is_voter(), &self.role) {
            (false, true, Role::Unattached(_)) => {
                let election_at = self.draw_election(step);
                self.set_election_at(Some(election_at));
            }
            (true, false, Role::Prospective(_) | Role::Candidate(_)) => {
                self.become_unattached(step, self.epoch, None);
            }
            _ => {}
        }
        if self.voters.is_only(&self.own.key) && !self.is_leader() && !matches!(self.role, Role::Candidate(_)) {
            self.become_prospective(step);
        }
    }

    pub(super) fn on_vote_request(&mut self, step: &mut Step<'_, impl LogView>, request: VoteRequest) {
        let impossible_end = match request.pre_vote {
            true => request.epoch < request.last.epoch,
            false => request.epoch <= request.last.epoch,
        };
        let negative = request.last.offset < Offset::ZERO || request.last.epoch < LeaderEpoch(0);
        let refusal = if negative || impossible_end {
            Some(Refusal::InvalidRequest)
        } else {
            self.refuse_voter_request(request.candidate.id, request.epoch)
        };
        if refusal.is_some() {
            return self.answer_vote(step, false, refusal);
        }
        if self.epoch < request.epoch {
            self.become_unattached(step, request.epoch, None);
        }
        if request.voter.is_some_and(|voter| !voter.matches(&self.own.key)) {
            return self.answer_vote(step, false, Some(Refusal::InvalidVoterKey));
        }
        let granted = self.role.may_grant(request.candidate, step.log.end() <= request.last, request.pre_vote);
        if granted && !request.pre_vote {
            self.record_vote(step, request.candidate);
        }
        self.answer_vote(step, granted, None);
    }

    pub(super) fn on_vote_answer(&mut self, step: &mut Step<'_, impl LogView>, from: NodeId, answer: VoteAnswer) {
        if self.on_standing(step, answer.standing, answer.refusal) || answer.refusal.is_some() {
            return;
        }
        match &mut self.role {
            Role::Prospective(role) => {
                role.votes.count(from, answer.granted);
                match (role.votes.is_won(), role.votes.is_lost()) {
                    (true, _) => self.become_candidate(step),
                    (_, true) => self.give_up_pre_vote(step),
                    _ => {}
                }
            }
            Role::Candidate(role) => {
                role.votes.count(from, answer.granted);
                if role.votes.is_won() {
                    self.become_leader(step);
                }
            }
            _ => {}
        }
    }

    pub(super) fn on_begin_epoch(
        &mut self,
        step: &mut Step<'_, impl LogView>,
        leader: NodeId,
        epoch: LeaderEpoch,
        voter: Option<ReplicaKey>,
    ) {
        let mut refusal = self.refuse_leader(leader, epoch);
        if refusal.is_none() {
            self.hear_of(step, Standing { epoch, leader: Some(leader) });
            refusal = voter.filter(|voter| !voter.matches(&self.own.key)).map(|_| Refusal::InvalidVoterKey);
        }
        step.actions.push(Action::Answer(Answer::Epoch(self.standing(), refusal)));
    }

    pub(super) fn on_end_epoch(
        &mut self,
        step: &mut Step<'_, impl LogView>,
        leader: NodeId,
        epoch: LeaderEpoch,
        successors: &[ReplicaKey],
    ) {
        let refusal = self.refuse_leader(leader, epoch);
        if refusal.is_none() {
            self.hear_of(step, Standing { epoch, leader: Some(leader) });
            let own = self.own.key;
            if let Role::Follower(follower) = &mut self.role
                && follower.leader == leader
            {
                let place = successors.iter().position(|named| named.matches(&own)).unwrap_or(successors.len());
                let longest = self.timeouts.election_backoff_max;
                follower.fetch_by = step.now.instant + Follower::succession_wait(place, successors.len(), longest);
            }
        }
        step.actions.push(Action::Answer(Answer::Epoch(self.standing(), refusal)));
    }

    pub(super) fn on_fetch_request(&mut self, step: &mut Step<'_, impl LogView>, request: FetchRequest) {
        let negative = request.offset < Offset::ZERO || request.last_epoch < LeaderEpoch(0);
        let refusal = if negative || request.epoch < request.last_epoch {
            Some(Refusal::InvalidRequest)
        } else if request.epoch < self.epoch {
            Some(Refusal::FencedLeaderEpoch)
        } else if self.epoch < request.epoch {
            Some(Refusal::UnknownLeaderEpoch)
        } else {
            None
        };
        let wait = self.check_quorum_wait();
        let Role::Leader(leader) = &mut self.role else {
            let refusal = refusal.unwrap_or(Refusal::NotLeaderOrFollower);
            return step.actions.push(Action::Answer(Answer::Fetch(self.standing(), Err(refusal))));
        };
        if let Some(refusal) = refusal {
            return step.actions.push(Action::Answer(Answer::Fetch(self.standing(), Err(refusal))));
        }
        let continuity = continuity(step.log, request.offset, request.last_epoch);
        if continuity == crate::log_view::Continuity::Follows {
            let risen = leader.on_fetch(step.now, request.replica, request.offset, wait);
            self.raise_high_watermark(step, risen);
        }
        let answer = Answer::Fetch(self.standing(), Ok((self.high_watermark, continuity)));
        step.actions.push(Action::Answer(answer));
    }

    pub(super) fn on_fetch_answer(&mut self, step: &mut Step<'_, impl LogView>, answer: FetchAnswer) {
        if self.on_standing(step, answer.standing, answer.refusal) || answer.refusal.is_some() {
            return;
        }
        let fetch_by = step.now.instant + self.timeouts.fetch;
        let synced = self.synced;
        let Role::Follower(follower) = &mut self.role else { return };
        if answer.standing.leader != Some(follower.leader) {
            return;
        }
        (follower.fetch_by, follower.has_fetched) = (fetch_by, true);
        if let Some(diverging) = answer.diverging {
            let cut = truncation(step.log, diverging);
            assert!(self.high_watermark.is_none_or(|committed| committed <= cut), "what is committed is never cut off");
            self.synced = synced.min(cut);
            return step.actions.push(Action::Truncate(cut));
        }
        follower.leader_high_watermark = follower.leader_high_watermark.max(answer.high_watermark);
        let risen = follower.leader_high_watermark.map(|committed| committed.min(synced));
        self.raise_high_watermark(step, risen);
    }
}
