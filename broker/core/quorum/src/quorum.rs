//! The quorum's replica as one piece: getters, the step, and the transitions between roles.
//!
//! Given: an event, both clocks, a random draw (for election timeouts) and the log as numbers. Gives: actions. Names of
//! rules are those of KIP-595, 853 and 996; where Kafka 4.4's code and a KIP differ, the code was followed.

use ottla_vocabulary::{Duration, Instant, LeaderEpoch, NodeId, Now, Offset};

use crate::action::{Action, Answer, EpochStart};
use crate::election::{ElectionState, Votes};
use crate::event::{Event, FetchAnswer, FetchRequest, Refusal, Standing, VoteAnswer, VoteRequest};
use crate::log_view::{LogEnd, LogView, continuity, truncation};
use crate::role::{Candidate, Follower, Leader, Prospective, Resigned, Role, Unattached};
use crate::voters::{ReplicaKey, Voter, Voters};

/// How long is waited for what: Kafka's `controller.quorum.*` configs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timeouts {
    /// `controller.quorum.election.timeout.ms`; each replica draws between this and twice as much.
    pub election: Duration,
    /// `controller.quorum.fetch.timeout.ms`.
    pub fetch: Duration,
    /// `controller.quorum.election.backoff.max.ms`.
    pub election_backoff_max: Duration,
}

impl Default for Timeouts {
    /// Kafka's defaults.
    fn default() -> Timeouts {
        let ms = Duration::from_millis;
        Timeouts { election: ms(1000), fetch: ms(2000), election_backoff_max: ms(1000) }
    }
}

/// No message moves a replica to an epoch above this, so that one lie cannot use up all epochs there are: what is left
/// is a thousand million elections.
const EPOCH_MAX: LeaderEpoch = LeaderEpoch(i32::MAX / 2);

/// One replica of the metadata quorum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Quorum {
    own: Voter,
    timeouts: Timeouts,
    voters: Voters,
    epoch: LeaderEpoch,
    role: Role,
    high_watermark: Option<Offset>,
    synced: Offset,
}

/// What one step needs beside the event.
struct Step<'a, L> {
    now: Now,
    draw: u32,
    log: &'a L,
    actions: Vec<Action>,
}

impl Quorum {
    /// Begins with what is on disk: the file `quorum-state` if there is one, the voters that the log or a snapshot names
    /// last, and the log. A node that is the only voter leads when this returns.
    pub fn open(
        own: Voter,
        timeouts: Timeouts,
        voters: Voters,
        stored: Option<ElectionState>,
        now: Now,
        draw: u32,
        log: &impl LogView,
    ) -> (Quorum, Vec<Action>) {
        let stored = stored.unwrap_or_default();
        let waiting = |leader, voted| Role::Unattached(Unattached { leader, voted, election_at: None });
        let mut quorum = Quorum {
            own,
            timeouts,
            voters,
            epoch: stored.epoch,
            role: waiting(None, stored.voted),
            high_watermark: None,
            synced: log.end().offset,
        };
        let mut step = Step { now, draw, log, actions: Vec::new() };
        let key = quorum.own.key;
        if stored.epoch < log.end().epoch {
            quorum.epoch = log.end().epoch;
            quorum.role = waiting(None, None);
        } else if stored.leader == Some(key.id) {
            quorum.role = Role::Resigned(Resigned { election_at: quorum.draw_election(&step) });
        } else if stored.voted == Some(key) {
            let votes = Votes::new(&quorum.voters, key.id);
            quorum.role = Role::Candidate(Candidate { votes, election_at: quorum.draw_election(&step) });
        } else if let Some(leader) = stored.leader {
            quorum.role = match quorum.voters.get(leader) {
                Some(_) => Role::Follower(Follower::new(leader, stored.voted, now.instant, timeouts.fetch)),
                None => waiting(Some(leader), stored.voted),
            };
        }
        if let (true, Role::Unattached(_)) = (quorum.is_voter(), &quorum.role) {
            let election_at = quorum.draw_election(&step);
            quorum.set_election_at(Some(election_at));
        }
        quorum.persist(&mut step);
        if quorum.voters.is_only(&key) && !matches!(quorum.role, Role::Candidate(_)) {
            quorum.become_prospective(&mut step);
        } else if matches!(quorum.role, Role::Candidate(_)) {
            quorum.canvass_or_win(&mut step);
        }
        (quorum, step.actions)
    }

    /// The highest epoch seen.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// Who leads that epoch, as far as is known here.
    pub fn leader(&self) -> Option<NodeId> {
        self.role.leader(self.own.key.id)
    }

    /// The role in that epoch.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// Whether this replica leads.
    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// Whether this replica votes; otherwise it observes.
    pub fn is_voter(&self) -> bool {
        self.voters.contains(&self.own.key)
    }

    /// This replica.
    pub fn own_key(&self) -> ReplicaKey {
        self.own.key
    }

    /// The voters.
    pub fn voters(&self) -> &Voters {
        &self.voters
    }

    /// Up to where the log is committed, once that is known.
    pub fn high_watermark(&self) -> Option<Offset> {
        self.high_watermark
    }

    /// When [`Event::Time`] is next of use.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.role.next_timeout(self.is_voter())
    }

    /// What must survive a restart.
    pub fn election_state(&self) -> ElectionState {
        let leader = if matches!(self.role, Role::Candidate(_)) { None } else { self.leader() };
        ElectionState { epoch: self.epoch, leader, voted: self.role.voted(self.own.key) }
    }

    /// Takes one event and says what must be done. `draw` is a random number; nothing depends on it but how long an
    /// election is waited for.
    pub fn step(&mut self, now: Now, draw: u32, log: &impl LogView, event: Event) -> Vec<Action> {
        let mut step = Step { now, draw, log, actions: Vec::new() };
        match event {
            Event::Time => self.on_time(&mut step),
            Event::Synced { end } => self.on_synced(&mut step, end),
            Event::VotersChanged(voters) => self.on_voters(&mut step, voters),
            Event::VoteRequest(request) => self.on_vote_request(&mut step, request),
            Event::VoteAnswer { from, answer } => self.on_vote_answer(&mut step, from, answer),
            Event::BeginEpochRequest { leader, epoch, voter } => self.on_begin_epoch(&mut step, leader, epoch, voter),
            Event::EndEpochRequest { leader, epoch, successors } => {
                self.on_end_epoch(&mut step, leader, epoch, &successors);
            }
            Event::EpochAnswer { standing, refusal } => {
                self.on_standing(&mut step, standing, refusal);
            }
            Event::FetchRequest(request) => self.on_fetch_request(&mut step, request),
            Event::FetchAnswer(answer) => self.on_fetch_answer(&mut step, answer),
            Event::Resign => self.resign(&mut step),
        }
        step.actions
    }

    // Events.

    fn on_time(&mut self, step: &mut Step<'_, impl LogView>) {
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

    fn on_synced(&mut self, step: &mut Step<'_, impl LogView>, end: Offset) {
        self.synced = end;
        let risen = match &mut self.role {
            Role::Leader(leader) => leader.on_synced(end),
            Role::Follower(follower) => follower.leader_high_watermark.map(|committed| committed.min(end)),
            _ => None,
        };
        self.raise_high_watermark(step, risen);
    }

    fn on_voters(&mut self, step: &mut Step<'_, impl LogView>, voters: Voters) {
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

    fn on_vote_request(&mut self, step: &mut Step<'_, impl LogView>, request: VoteRequest) {
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

    fn on_vote_answer(&mut self, step: &mut Step<'_, impl LogView>, from: NodeId, answer: VoteAnswer) {
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

    fn on_begin_epoch(
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

    fn on_end_epoch(
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

    fn on_fetch_request(&mut self, step: &mut Step<'_, impl LogView>, request: FetchRequest) {
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

    fn on_fetch_answer(&mut self, step: &mut Step<'_, impl LogView>, answer: FetchAnswer) {
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

    // Transitions.

    fn resign(&mut self, step: &mut Step<'_, impl LogView>) {
        let Role::Leader(leader) = &self.role else { return };
        let successors = leader.successors();
        for to in successors.iter().copied() {
            step.actions.push(Action::SendEndEpoch { to, epoch: self.epoch, successors: successors.clone() });
        }
        // In memory only: on disk this node stays the leader of the epoch, and so begins resigned after a restart.
        self.role = Role::Resigned(Resigned { election_at: self.draw_election(step) });
        step.actions.push(Action::LeaderChanged(Standing { epoch: self.epoch, leader: None }));
    }

    fn become_unattached(&mut self, step: &mut Step<'_, impl LogView>, epoch: LeaderEpoch, leader: Option<NodeId>) {
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

    fn become_follower(&mut self, step: &mut Step<'_, impl LogView>, epoch: LeaderEpoch, leader: NodeId) {
        assert!(self.epoch <= epoch, "an epoch never falls");
        let voted = self.role.voted(self.own.key).filter(|_| epoch == self.epoch);
        self.epoch = epoch;
        self.role = Role::Follower(Follower::new(leader, voted, step.now.instant, self.timeouts.fetch));
        self.persist(step);
        step.actions.push(Action::LeaderChanged(self.standing()));
    }

    fn become_prospective(&mut self, step: &mut Step<'_, impl LogView>) {
        // In memory only: nothing is promised by asking.
        self.role = Role::Prospective(Prospective {
            leader: self.leader().filter(|_| !matches!(self.role, Role::Resigned(_))),
            voted: self.role.voted(self.own.key),
            votes: Votes::new(&self.voters, self.own.key.id),
            election_at: self.draw_election(step),
        });
        self.canvass_or_win(step);
    }

    fn become_candidate(&mut self, step: &mut Step<'_, impl LogView>) {
        self.epoch = self.next_epoch();
        let votes = Votes::new(&self.voters, self.own.key.id);
        self.role = Role::Candidate(Candidate { votes, election_at: self.draw_election(step) });
        self.persist(step);
        step.actions.push(Action::LeaderChanged(self.standing()));
        self.canvass_or_win(step);
    }

    fn become_leader(&mut self, step: &mut Step<'_, impl LogView>) {
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
    fn canvass_or_win(&mut self, step: &mut Step<'_, impl LogView>) {
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
    fn give_up_pre_vote(&mut self, step: &mut Step<'_, impl LogView>) {
        let Role::Prospective(role) = &self.role else { return };
        match role.leader.filter(|leader| self.voters.get(*leader).is_some() && *leader != self.own.key.id) {
            Some(leader) => self.become_follower(step, self.epoch, leader),
            None => self.become_unattached(step, self.epoch, role.leader),
        }
    }

    /// Tells every voter that has not come to fetch that this replica leads.
    fn assert_leadership(&mut self, step: &mut Step<'_, impl LogView>) {
        let silence = self.timeouts.fetch / 2;
        let epoch = self.epoch;
        let Role::Leader(leader) = &mut self.role else { return };
        if leader.begin_epoch_at.is_some() {
            let silent = leader.silent_voters(step.now.instant, silence);
            step.actions.extend(silent.into_iter().map(|to| Action::SendBeginEpoch { to, epoch }));
            leader.begin_epoch_at = Some(step.now.instant + silence);
        }
    }

    // Shared rules.

    /// Takes in what another replica knows. Answers whether the event is settled by it.
    fn on_standing(&mut self, step: &mut Step<'_, impl LogView>, standing: Standing, refusal: Option<Refusal>) -> bool {
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
    fn hear_of(&mut self, step: &mut Step<'_, impl LogView>, standing: Standing) {
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

    /// A request of a leader must not contradict who leads the epoch: that would be two leaders, or a stranger's lie.
    fn refuse_leader(&self, leader: NodeId, epoch: LeaderEpoch) -> Option<Refusal> {
        let contradicts = epoch == self.epoch && self.leader().is_some_and(|known| known != leader);
        self.refuse_voter_request(leader, epoch).or(contradicts.then_some(Refusal::InvalidRequest))
    }

    fn refuse_voter_request(&self, from: NodeId, epoch: LeaderEpoch) -> Option<Refusal> {
        if epoch < self.epoch {
            return Some(Refusal::FencedLeaderEpoch);
        }
        (from.0 < 0 || EPOCH_MAX < epoch).then_some(Refusal::InvalidRequest)
    }

    fn record_vote(&mut self, step: &mut Step<'_, impl LogView>, candidate: ReplicaKey) {
        let election_at = self.draw_election(step);
        match &mut self.role {
            Role::Unattached(role) if role.voted.is_none() => {
                (role.voted, role.election_at) = (Some(candidate), role.election_at.map(|_| election_at));
            }
            Role::Prospective(role) if role.voted.is_none() => {
                let (votes, leader) = (Votes::new(&self.voters, self.own.key.id), role.leader);
                *role = Prospective { leader, voted: Some(candidate), votes, election_at };
            }
            _ => return,
        }
        self.persist(step);
    }

    fn raise_high_watermark(&mut self, step: &mut Step<'_, impl LogView>, risen: Option<Offset>) {
        if let Some(risen) = risen.filter(|risen| self.high_watermark.is_none_or(|known| known < *risen)) {
            self.high_watermark = Some(risen);
            step.actions.push(Action::AdvanceHighWatermark(risen));
        }
    }

    fn persist(&self, step: &mut Step<'_, impl LogView>) {
        step.actions.push(Action::Persist(self.election_state()));
    }

    fn answer_vote(&self, step: &mut Step<'_, impl LogView>, granted: bool, refusal: Option<Refusal>) {
        let answer = VoteAnswer { standing: self.standing(), granted, refusal };
        step.actions.push(Action::Answer(Answer::Vote(answer)));
    }

    fn next_epoch(&self) -> LeaderEpoch {
        LeaderEpoch(self.epoch.0.checked_add(1).expect("two thousand million elections do not happen"))
    }

    fn standing(&self) -> Standing {
        Standing { epoch: self.epoch, leader: self.leader().filter(|_| !matches!(self.role, Role::Resigned(_))) }
    }

    fn set_election_at(&mut self, at: Option<Instant>) {
        if let Role::Unattached(role) = &mut self.role {
            role.election_at = at;
        }
    }

    fn draw_election(&self, step: &Step<'_, impl LogView>) -> Instant {
        let spread = self.timeouts.election.as_millis().max(1) as u64;
        step.now.instant + self.timeouts.election + Duration::from_millis(u64::from(step.draw) % spread)
    }

    /// For models, in which any wait may be over at any time.
    #[cfg(test)]
    fn forget_times(&mut self) {
        let zero = Instant::default();
        match &mut self.role {
            Role::Unattached(role) => role.election_at = role.election_at.map(|_| zero),
            Role::Prospective(role) => role.election_at = zero,
            Role::Candidate(role) => role.election_at = zero,
            Role::Leader(role) => role.forget_times(),
            Role::Follower(role) => role.fetch_by = zero,
            Role::Resigned(role) => role.election_at = zero,
        }
    }

    /// How long a leader goes on without a majority's fetches: one and a half fetch timeouts, as Kafka.
    fn check_quorum_wait(&self) -> Duration {
        self.timeouts.fetch * 3 / 2
    }
}

#[cfg(test)]
mod exhaust;
#[cfg(test)]
mod simulate;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
