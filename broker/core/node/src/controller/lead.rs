//! What the quorum says becomes files: votes, epochs, the high watermark; and leading begins and ends.

use ottla_commit_log::Files;
use ottla_config::BrokerConfig;
use ottla_metadata::Sessions;
use ottla_metadata::decide::activate::decide_activate;
use ottla_metadata::log::encode_epoch_start;
use ottla_quorum::{Action, EpochStart, Event};
use ottla_vocabulary::Now;
use ottla_wire::ErrorCode;

use super::{Controller, Settled, context_of, voters_record};
use crate::boot::BootError;

impl<F: Files> Controller<F> {
    /// It got later.
    pub(crate) fn tick(&mut self, config: &BrokerConfig, now: Now) {
        for (waiter, code) in self.waiting.on_time(now.instant) {
            self.settled.push_back(Settled { waiter, failure: Some(code) });
        }
        if self.quorum.next_timeout().is_some_and(|at| at <= now.instant) {
            self.step(config, Event::Time, now);
        }
        self.flushing_rests_until = self.flushing_rests_until.filter(|until| now.instant < *until);
        self.fence_silent(config, now);
    }

    pub(super) fn step(&mut self, config: &BrokerConfig, event: Event, now: Now) {
        let draw = self.entropy.draw() as u32;
        let actions = self.quorum.step(now, draw, &self.log, event);
        if let Err(error) = self.perform(config, actions, now) {
            self.fail(&error.to_string());
        }
    }

    pub(super) fn perform(&mut self, config: &BrokerConfig, actions: Vec<Action>, now: Now) -> Result<(), BootError> {
        for action in actions {
            match action {
                Action::Persist(state) => self.log.persist(&state)?,
                Action::AppendEpochStart(start) => {
                    self.append_epoch_start(&start, now)?;
                    self.activate(config, now);
                }
                Action::AdvanceHighWatermark(offset) => {
                    self.log.advance_high_watermark(offset);
                    let ready = self.waiting.on_committed(offset);
                    self.settled.extend(ready.into_iter().map(|waiter| Settled { waiter, failure: None }));
                }
                Action::LeaderChanged(_) if !self.quorum.is_leader() => self.deactivate(),
                Action::LeaderChanged(_) => {}
                // With one voter there is nobody to send to and nobody to cut the log for; opening refuses more.
                Action::Answer(_)
                | Action::SendVote { .. }
                | Action::SendBeginEpoch { .. }
                | Action::SendEndEpoch { .. }
                | Action::Truncate(_) => {}
            }
        }
        Ok(())
    }

    fn append_epoch_start(&mut self, start: &EpochStart, now: Now) -> Result<(), BootError> {
        let voters = start.write_voters.as_ref().map(voters_record);
        let own = self.quorum.own_key().id;
        let base = self.log.end_offset();
        let batch =
            encode_epoch_start(own, &start.voters, &start.granting, voters.as_ref(), base, start.epoch, now.wall)
                .map_err(|error| BootError::Damaged(self.log.folder().to_owned(), error.to_string()))?;
        self.log.append(&batch, start.epoch, now)?;
        if voters.is_some() && self.kraft_version < 1 {
            self.kraft_version = 1;
            tracing::info!("the metadata log names its voters from now on: kraft.version is 1, and was 0");
        }
        self.state.advance(self.log.end_offset(), start.epoch);
        self.unflushed = true;
        Ok(())
    }

    /// Begins to decide: on an empty log what formatting decided comes first.
    fn activate(&mut self, config: &BrokerConfig, now: Now) {
        let in_transaction = self.state.open_transaction().is_some();
        let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
        let decision = decide_activate(context, &self.bootstrap, in_transaction);
        self.append(&decision.records, now);
        if self.refusal.is_some() {
            // What an empty log begins with is missing; nothing can be decided on top of that.
            return self.fail("its first records cannot be written");
        }
        self.sessions = Some(Sessions::begin(self.state.image(), config.session.session_timeout, now.instant));
        tracing::info!(epoch = self.quorum.epoch().0, "this node leads the metadata log");
    }

    fn deactivate(&mut self) {
        self.sessions = None;
        let lost = self.waiting.on_leadership_lost();
        let failed = |waiter| Settled { waiter, failure: Some(ErrorCode::NotController) };
        self.settled.extend(lost.into_iter().map(failed));
    }

    pub(super) fn fail(&mut self, why: &str) {
        tracing::error!("the metadata log can no longer be written: {why}");
        self.failure.get_or_insert_with(|| why.to_owned());
        self.deactivate();
    }
}
