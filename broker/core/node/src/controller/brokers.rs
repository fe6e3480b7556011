//! Brokers and controllers say who they are, that they live, and that they need producer ids; who is silent for too long
//! is fenced.
//!
//! The node's own broker asks by the same requests as others, in process.

use ottla_api::registration;
use ottla_commit_log::Files;
use ottla_config::BrokerConfig;
use ottla_metadata::decide::fence::decide_fence_stale;
use ottla_metadata::decide::heartbeat::{HeartbeatReply, decide_heartbeat};
use ottla_metadata::decide::producer_ids::{ProducerIdBlock, decide_allocate_producer_ids};
use ottla_metadata::decide::register::{decide_register_broker, decide_register_controller};
use ottla_metadata::decide::{Record, Refusal};
use ottla_vocabulary::{BrokerEpoch, Duration, NodeId, Now, Offset};
use ottla_wire::{
    AllocateProducerIdsRequest, BrokerHeartbeatRequest, BrokerRegistrationRequest, ControllerRegistrationRequest,
    ErrorCode,
};

use super::{Controller, OWN_TIMEOUT, OwnReply, Waiter, context_of};

/// How long after a fencing that could not be written the next attempt is made.
const FENCING_BACKOFF: Duration = Duration::from_secs(1);

impl<F: Files> Controller<F> {
    /// Registers this node's own broker.
    pub(crate) fn register_own(&mut self, config: &BrokerConfig, request: &BrokerRegistrationRequest<'_>, now: Now) {
        // This process holds the lock on the directories, so the broker that was registered before is not alive: its
        // session need not run out first, or every restart after a crash would take as long.
        let before = self.sessions.clone();
        if let Some(sessions) = &mut self.sessions {
            sessions.forget(NodeId(request.broker_id));
        }
        let decided = self.register(config, request, true, now);
        if self.refusal.is_some() {
            // Until it is registered anew, the silence of the former one must be noticed.
            self.sessions = before;
        }
        self.answer(Waiter::Own(OwnReply::Registered(registration::registered(decided))), OWN_TIMEOUT, now);
    }

    /// Hears a heartbeat of this node's own broker.
    pub(crate) fn heartbeat_own(&mut self, config: &BrokerConfig, request: &BrokerHeartbeatRequest<'_>, now: Now) {
        let decided = self.heartbeat(config, request, now);
        self.answer(Waiter::Own(OwnReply::Heard(registration::heard(decided))), OWN_TIMEOUT, now);
    }

    /// Gives this node's own broker a block of producer ids.
    pub(crate) fn allocate_own(&mut self, config: &BrokerConfig, request: &AllocateProducerIdsRequest, now: Now) {
        let (records, decided) = self.allocate(config, request);
        self.append(&records, now);
        self.answer(Waiter::Own(OwnReply::Ids(registration::allocated(decided))), OWN_TIMEOUT, now);
    }

    /// Registers this controller, so that others learn where it listens.
    pub(crate) fn register_controller(
        &mut self,
        config: &BrokerConfig,
        request: &ControllerRegistrationRequest<'_>,
        now: Now,
    ) {
        if self.sessions.is_none() {
            return;
        }
        let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
        let decision = decide_register_controller(context, request);
        if let Err(refusal) = &decision.reply {
            tracing::warn!("cannot register this controller: {refusal}");
        }
        self.append(&decision.records, now);
        if let Some(code) = self.refusal.take() {
            tracing::warn!("cannot register this controller: {}", code.name());
        }
    }

    pub(super) fn register(
        &mut self,
        config: &BrokerConfig,
        request: &BrokerRegistrationRequest<'_>,
        says_previous_epoch: bool,
        now: Now,
    ) -> Result<BrokerEpoch, Refusal> {
        let Some(sessions) = &self.sessions else { return Err(Refusal::of(ErrorCode::NotController)) };
        let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
        // The epoch is the offset of the registration, which comes last of the decision's records.
        let end = self.log.end_offset();
        let decision = decide_register_broker(context, sessions, request, says_previous_epoch, end, now.instant);
        self.append_in_parts(&decision.records, now);
        if decision.reply.is_ok() {
            self.forget(NodeId(request.broker_id));
        }
        decision.reply
    }

    pub(super) fn heartbeat(
        &mut self,
        config: &BrokerConfig,
        request: &BrokerHeartbeatRequest<'_>,
        now: Now,
    ) -> Result<HeartbeatReply, Refusal> {
        let Some(sessions) = &mut self.sessions else { return Err(Refusal::of(ErrorCode::NotController)) };
        let (broker, epoch) = (NodeId(request.broker_id), BrokerEpoch(request.broker_epoch));
        let known = self.state.image().cluster.broker(broker).is_some_and(|broker| broker.epoch == epoch);
        if known {
            let known_to = Offset(request.current_metadata_offset);
            sessions.on_heartbeat(self.state.image(), broker, epoch, known_to, now.instant);
        }
        let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
        let decision = decide_heartbeat(context, sessions, request);
        self.append_in_parts(&decision.records, now);
        if decision.reply.as_ref().is_ok_and(|reply| reply.should_shut_down) {
            self.forget(broker);
        }
        decision.reply
    }

    pub(super) fn allocate(
        &mut self,
        config: &BrokerConfig,
        request: &AllocateProducerIdsRequest,
    ) -> (Vec<Record>, Result<ProducerIdBlock, Refusal>) {
        if self.sessions.is_none() {
            return not_controller();
        }
        let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
        let (broker, epoch) = (NodeId(request.broker_id), BrokerEpoch(request.broker_epoch));
        let decision = decide_allocate_producer_ids(context, broker, epoch);
        (decision.records, decision.reply)
    }

    /// Ends a broker's session, unless what ends it could not be written.
    fn forget(&mut self, broker: NodeId) {
        if self.refusal.is_none()
            && let Some(sessions) = &mut self.sessions
        {
            sessions.forget(broker);
        }
    }

    /// Fences the brokers whose sessions are over.
    pub(super) fn fence_silent(&mut self, config: &BrokerConfig, now: Now) {
        while self.fencing_rests_until <= now.instant
            && let Some(sessions) = &self.sessions
        {
            let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
            let decision = decide_fence_stale(context, sessions, now.instant);
            let Some(broker) = decision.reply else { break };
            self.append_in_parts(&decision.records, now);
            if self.refusal.take().is_some() {
                self.fencing_rests_until = now.instant + FENCING_BACKOFF;
                break;
            }
            tracing::warn!(broker = broker.0, "fenced a broker that was silent for longer than its session");
            if let Some(sessions) = &mut self.sessions {
                sessions.forget(broker);
            }
            self.timed_out_heartbeats += 1;
        }
    }
}

fn not_controller<T>() -> (Vec<Record>, Result<T, Refusal>) {
    (Vec::new(), Err(Refusal::of(ErrorCode::NotController)))
}
