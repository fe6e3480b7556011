//! The transitions between roles. Each makes the new role, persists what must not be forgotten before anything is
//! promised, and tells the shell.

use super::*;

impl Quorum {
    pub(super) fn resign(&mut self, step: &mut Step<'_, impl LogView>) {
        let Role::Leader(leader) = &self.role else { return };
        let successors = leader.successors();
        for to in successors.iter().copied() {
            step.actions.push(Action::SendEndEpoch { to, epoch: self.epoch, successors: successors.clone() });
        }
        // In memory only: on disk this node stays the leader of the epoch, and so begins resigned after a restart.
        self.role = Role::Resigned(Resigned { election_at: self.draw_election(step) });
        step.actions.push(Action::LeaderChanged(Standing { epoch: self.epoch, leader: None }));
    }

    pub(super) fn become_unattached(
        &mut self,
        step: &mut Step<'_, impl LogView>,
        epoch: LeaderEpoch,
        leader: Option<NodeId>,
    ) {
        assert!(self.epoch <= epoch, "an epoch never falls");
        let voted = self.role.voted(self.own.key).filter(|_| epoch == self.epoch);
        let running = match &self.role {
            Role::Unattached(role) => role.election_at,
            Role::Prospective(role) if !role.votes.is_lost() && step.now.instant < role.election_at => {
                Some(role.election_at)
            }
            Role::Candidate(role) => Some(role.election_at),
            Role::Resigned(role) => Some(role.election_at),
            _ => None,
        };
        let election_at = self.is_voter().then(|| running.unwrap_or_else(|| self.draw_election(step)));
        self.epoch = epoch;
        self.role = Role::Unattached(Unattached { leader, voted, election_at });
        self.persist(step);
        step.actions.push(Action::LeaderChanged(self.standing()));
    }

    pub(super) fn become_follower(&mut self, step: &mut Step<'_, impl LogView>, epoch: LeaderEpoch, leader: NodeId) {
        assert!(self.epoch <= epoch, "an epoch never falls");
        let voted = self.role.voted(self.own.key).filter(|_| epoch == self.epoch);
        self.epoch = epoch;
        self.role = Role::Follower(Follower::new(leader, voted, step.now.instant, self.timeouts.fetch));
        self.persist(step);
        step.actions.push(Action::LeaderChanged(self.standing()));
    }

    pub(super) fn become_prospective(&mut self, step: &mut Step<'_, impl LogView>) {
        // In memory only: nothing is promised by asking.
        self.role = Role::Prospective(Prospective {
            leader: self.leader().filter(|_| !matches!(self.role, Role::Resigned(_))),
            voted: self.role.voted(self.own.key),
            votes: Votes::new(&self.voters, self.own.key.id),
            election_at: self.draw_election(step),
        });
        self.canvass_or_win(step);
    }

    pub(super) fn become_candidate(&mut self, step: &mut Step<'_, impl LogView>) {
        self.epoch = self.next_epoch();
        let votes = Votes::new(&self.voters, self.own.key.id);
        self.role = Role::Candidate(Candidate { votes, election_at: self.draw_election(step) });
        self.persist(step);
        step.actions.push(Action::LeaderChanged(self.standing()));
        self.canvass_or_win(step);
    }

    pub(super) fn become_leader(&mut self, step: &mut Step<'_, impl LogView>) {
        let Role::Candidate(candidate) = &self.role else { unreachable!("only a candidate is elected") };
        let granting = candidate.votes.granting().collect();
        let unwritten = (self.voters.offset == Offset::NONE).then(|| self.voters.clone());
        let start = EpochStart {
            epoch: self.epoch,
            voters: self.voters.iter().map(|voter| voter.key.id).collect(),
            granting,
            write_voters: self.voters.with_updated(&self.own).or(unwritten),
        };
        let end = step.log.end().offset;
        let wait = self.check_quorum_wait();
        self.role = Role::Leader(Leader::new(self.own.key, &self.voters, end, step.now.instant, wait));
        self.persist(step);
        step.actions.push(Action::AppendEpochStart(start));
        step.actions.push(Action::LeaderChanged(self.standing()));
        self.assert_leadership(step);
    }

    /// Asks the other voters, or goes on at once when this replica's own vote is enough.
    pub(super) fn canvass_or_win(&mut self, step: &mut Step<'_, impl LogView>) {
        let (won, pre_vote) = match &self.role {
            Role::Prospective(role) => (role.votes.is_won(), true),
            Role::Candidate(role) => (role.votes.is_won(), false),
            _ => return,
        };
        match (won, pre_vote) {
            (true, true) => self.become_candidate(step),
            (true, false) => self.become_leader(step),
            (false, _) => {
                let (epoch, last): (LeaderEpoch, LogEnd) = (self.epoch, step.log.end());
                let others = self.voters.iter().map(|voter| voter.key).filter(|key| key.id != self.own.key.id);
                step.actions.extend(others.map(|to| Action::SendVote { to, epoch, last, pre_vote }));
            }
        }
    }

    /// A pre-vote that failed goes back to where it came from.
    pub(super) fn give_up_pre_vote(&mut self, step: &mut Step<'_, impl LogView>) {
        let Role::Prospective(role) = &self.role else { return };
        match role.leader.filter(|leader| self.voters.get(*leader).is_some() && *leader != self.own.key.id) {
            Some(leader) => self.become_follower(step, self.epoch, leader),
            None => self.become_unattached(step, self.epoch, role.leader),
        }
    }

    /// Tells every voter that has not come to fetch that this replica leads.
    pub(super) fn assert_leadership(&mut self, step: &mut Step<'_, impl LogView>) {
        let silence = self.timeouts.fetch / 2;
        let epoch = self.epoch;
        let Role::Leader(leader) = &mut self.role else { return };
        if leader.begin_epoch_at.is_some() {
            let silent = leader.silent_voters(step.now.instant, silence);
            step.actions.extend(silent.into_iter().map(|to| Action::SendBeginEpoch { to, epoch }));
            leader.begin_epoch_at = Some(step.now.instant + silence);
        }
    }

    /// Takes in what another replica knows. Answers whether the event is settled by it.
    pub(super) fn on_standing(
        &mut self,
        step: &mut Step<'_, impl LogView>,
        standing: Standing,
        refusal: Option<Refusal>,
    ) -> bool {
        if standing.epoch < self.epoch || EPOCH_MAX < standing.epoch || refusal == Some(Refusal::UnknownLeaderEpoch) {
            return true;
        }
        let overtaken = matches!(refusal, Some(Refusal::FencedLeaderEpoch | Refusal::NotLeaderOrFollower));
        if self.epoch < standing.epoch || overtaken {
            self.hear_of(step, standing);
            return true;
        }
        if self.leader().is_none() {
            self.hear_of(step, standing);
        }
        false
    }

    /// Follows a leader that was not known, or enters a newer epoch.
    pub(super) fn hear_of(&mut self, step: &mut Step<'_, impl LogView>, standing: Standing) {
        let leader = standing.leader.filter(|leader| *leader != self.own.key.id);
        if self.epoch < standing.epoch {
            match leader {
                Some(leader) => self.become_follower(step, standing.epoch, leader),
                None => self.become_unattached(step, standing.epoch, None),
            }
        } else if let Some(leader) = leader {
            let waits_for_it = match &self.role {
                Role::Unattached(role) => role.leader.is_none_or(|known| known == leader),
                Role::Prospective(role) => role.leader.is_none(),
                Role::Candidate(_) => true,
                Role::Leader(_) | Role::Follower(_) | Role::Resigned(_) => false,
            };
            if waits_for_it {
                self.become_follower(step, standing.epoch, leader);
            }
        }
    }
}
