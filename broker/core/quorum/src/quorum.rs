//! The quorum's replica as one piece: how it begins, its getters, the step, and the rules that steps share. What an event
//! does is in `events`, how roles change in `transitions`.
//!
//! Given: an event, both clocks, a random draw (for election timeouts) and the log as numbers. Gives: actions. Names of
//! rules are those of KIP-595, 853 and 996; where Kafka 4.4's code and a KIP differ, the code was followed.

mod events;
mod transitions;

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

    // Rules that the steps share.

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
