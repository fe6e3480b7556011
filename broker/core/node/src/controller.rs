//! The controller: leads the metadata log and decides what goes into it.
//!
//! Given commands and the clock; appends records, replays them at once into the state that the next decision sees, and
//! lets each reply wait until the log is committed up to what it saw. Syncing the log happens outside of the controller's
//! lock, in one go for all that was appended meanwhile. Deciding is `metadata`'s, voting `quorum`'s; this file is where
//! their actions become files.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use ottla_api::command::{Answers, Command};
use ottla_api::fetch::{Read, TopicKey};
use ottla_api::{Context, create_partitions, create_topics, describe_quorum, registration, update_features};
use ottla_commit_log::{FileFault, Files, FlushOutcome, FlushWork, SpanOf};
use ottla_config::BrokerConfig;
use ottla_metadata::decide::configs::{decide_alter_configs, decide_incremental_alter_configs};
use ottla_metadata::decide::create_partitions::decide_create_partitions;
use ottla_metadata::decide::create_topics::decide_create_topics;
use ottla_metadata::decide::delete_topics::decide_delete_topics;
use ottla_metadata::decide::features::decide_update_features;
use ottla_metadata::decide::fence::decide_fence_stale;
use ottla_metadata::decide::heartbeat::decide_heartbeat;
use ottla_metadata::decide::producer_ids::decide_allocate_producer_ids;
use ottla_metadata::decide::register::{decide_register_broker, decide_register_controller};
use ottla_metadata::decide::{self, RECORDS_MAX, Record, Refusal};
use ottla_metadata::log::{BATCH_BYTES_MAX, Control, encode_batch, encode_epoch_start};
use ottla_metadata::{Metadata, Sessions, SnapshotId};
use ottla_quorum::{Action, EpochStart, Event, LogView, Quorum, ReplicaKey, Timeouts, Voter, Voters};
use ottla_replicated::waiting::Waiting;
use ottla_vocabulary::{BrokerEpoch, Duration, Instant, NodeId, Now, Offset, Timestamp};
use ottla_wire::voters_record::{Endpoint as VoterEndpoint, KRaftVersionFeature, Voter as VoterOnDisk};
use ottla_wire::{
    AllocateProducerIdsRequest, AllocateProducerIdsResponse, BrokerHeartbeatRequest, BrokerHeartbeatResponse,
    BrokerRegistrationRequest, BrokerRegistrationResponse, ControllerRegistrationRequest, ErrorCode, VotersRecord,
    WireError,
};

use crate::boot::BootError;
use crate::entropy::Entropy;
use crate::metadata_log::{METADATA_TOPIC_ID, MetadataLog};
use crate::reply::Token;

/// More replies than this do not wait for the disk; a client that comes later is told to try again.
const WAITING_MAX: usize = 10_000;
/// How long a broker's own commands wait; they are repeated.
const OWN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long after a fencing that could not be written the next attempt is made.
const FENCING_BACKOFF: Duration = Duration::from_secs(1);

/// To whom a reply goes.
#[derive(Debug)]
pub(crate) enum Waiter {
    /// A connection.
    Connection(Token, Answers),
    /// This node's own broker.
    Own(OwnReply),
}

/// What the node's own broker is answered.
#[derive(Debug)]
pub(crate) enum OwnReply {
    Registered(BrokerRegistrationResponse),
    Heard(BrokerHeartbeatResponse),
    Ids(AllocateProducerIdsResponse),
    /// Topics were made on the way of another request; nobody waits.
    Created,
}

/// A reply whose wait is over: well, or with this code.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) waiter: Waiter,
    pub(crate) failure: Option<ErrorCode>,
}

/// The controller of a node.
#[derive(Debug)]
pub(crate) struct Controller<F: Files> {
    cluster_id: String,
    quorum: Quorum,
    log: MetadataLog<F>,
    state: Metadata,
    bootstrap: Vec<Record>,
    kraft_version: i16,
    /// While this node leads.
    sessions: Option<Sessions>,
    waiting: Waiting<Waiter, ErrorCode>,
    settled: VecDeque<Settled>,
    entropy: Arc<Entropy>,
    /// A flush is under way.
    flushing: bool,
    /// Something was appended that no flush has taken up.
    unflushed: bool,
    /// Why nothing of the last decision was appended, if so: its reply is this refusal.
    refusal: Option<ErrorCode>,
    /// Until when nobody is fenced, because the last attempt could not be written.
    fencing_rests_until: Instant,
    /// The log cannot be written any more; this node must not lead on.
    failure: Option<String>,
    /// Brokers fenced for silence, for metrics.
    pub(crate) timed_out_heartbeats: u64,
}

/// What a controller begins with.
pub(crate) struct Setup<'a, F: Files> {
    pub(crate) config: &'a BrokerConfig,
    pub(crate) cluster_id: String,
    pub(crate) key: ReplicaKey,
    pub(crate) log: MetadataLog<F>,
    pub(crate) entropy: Arc<Entropy>,
    /// The records of a file `bootstrap.checkpoint` of an older Kafka, where there is one.
    pub(crate) older_bootstrap: Option<Vec<Record>>,
}

impl<F: Files> Controller<F> {
    /// Replays what is on disk and begins to vote. A node that is the only voter leads when this returns.
    pub(crate) fn open(setup: Setup<'_, F>, now: Now) -> Result<Controller<F>, BootError> {
        let Setup { config, cluster_id, key, mut log, entropy, older_bootstrap } = setup;
        let mut state = Metadata::default();
        let mut bootstrap = older_bootstrap.unwrap_or_default();
        let mut kraft_version = 0;
        let mut voters = Voters::default();
        let damaged = |error: String| BootError::Damaged(log.folder().to_owned(), error);
        if let Some(bytes) = log.read_snapshot(SnapshotId::BOOTSTRAP)? {
            let read = ottla_metadata::bootstrap::read_bootstrap(&bytes).map_err(|error| damaged(error.to_string()))?;
            if !read.0.is_empty() {
                bootstrap = read.0;
            }
            kraft_version = read.1.kraft_version;
            if let Some(record) = &read.1.voters {
                voters = voters_of(record, Offset::NONE);
            }
        }
        if let Some(id) = log.latest_snapshot_id() {
            let bytes = log.read_snapshot(id)?.unwrap_or_default();
            let (loaded, quorum) =
                ottla_metadata::snapshot::read_snapshot(id, &bytes).map_err(|error| damaged(error.to_string()))?;
            state = loaded;
            kraft_version = quorum.kraft_version;
            if let Some(record) = &quorum.voters {
                voters = voters_of(record, id.end);
            }
        }
        let end = log.end_offset();
        log.replay(&mut state, end, &mut |offset, control| match control {
            Control::KRaftVersion(version) => kraft_version = version,
            Control::Voters(record) => voters = voters_of(&record, offset),
            Control::LeaderChange(_) | Control::SnapshotHeader(_) | Control::SnapshotFooter => {}
        })?;
        let own = own_voter(config, key);
        if voters.is_empty() && config.quorum.voters.iter().any(|voter| voter.id == key.id) {
            // Formatted with static voters: the log learns them, with directories, from its next leader.
            if 1 < config.quorum.voters.len() {
                return Err(BootError::SeveralVoters);
            }
            voters = Voters::new([own.clone()], Offset::NONE);
        }
        if 1 < voters.len() {
            return Err(BootError::SeveralVoters);
        }
        let timeouts = Timeouts {
            election: config.quorum.election_timeout,
            fetch: config.quorum.fetch_timeout,
            election_backoff_max: config.quorum.election_backoff_max,
        };
        let stored = log.election_state()?;
        let (quorum, actions) = Quorum::open(own, timeouts, voters, stored, now, entropy.draw() as u32, &log);
        let mut controller = Controller {
            cluster_id,
            quorum,
            log,
            state,
            bootstrap,
            kraft_version,
            sessions: None,
            waiting: Waiting::new(WAITING_MAX),
            settled: VecDeque::new(),
            entropy,
            flushing: false,
            unflushed: false,
            refusal: None,
            fencing_rests_until: now.instant,
            failure: None,
            timed_out_heartbeats: 0,
        };
        controller.perform(config, actions, now)?;
        Ok(controller)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.sessions.is_some()
    }

    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.quorum.leader()
    }

    pub(crate) fn quorum(&self) -> &Quorum {
        &self.quorum
    }

    pub(crate) fn log_end(&self) -> Offset {
        self.log.end_offset()
    }

    pub(crate) fn log_bytes(&self) -> u64 {
        self.log.bytes()
    }

    pub(crate) fn high_watermark(&self) -> Offset {
        self.log.high_watermark()
    }

    pub(crate) fn bytes_since_snapshot(&self) -> u64 {
        self.log.bytes_since_snapshot()
    }

    pub(crate) fn latest_snapshot(&self) -> Option<SnapshotId> {
        self.log.latest_snapshot_id()
    }

    pub(crate) fn log_folder(&self) -> PathBuf {
        self.log.folder().to_owned()
    }

    /// What a snapshot says of the quorum.
    pub(crate) fn snapshot_quorum(&self, last_record: Timestamp) -> ottla_metadata::snapshot::Quorum {
        let voters = Some(voters_record(self.quorum.voters()));
        ottla_metadata::snapshot::Quorum { last_record, kraft_version: self.kraft_version, voters }
    }

    /// Hears of a new snapshot.
    pub(crate) fn on_snapshot(&mut self, id: SnapshotId, now: Now) {
        if let Err(error) = self.log.on_snapshot(id, now) {
            tracing::error!("remove what a snapshot of the metadata has taken up: {error}");
        }
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let sessions = self.sessions.as_ref().and_then(Sessions::next_expiry);
        let sessions = sessions.map(|expiry| expiry.max(self.fencing_rests_until));
        self.quorum.next_timeout().into_iter().chain(self.waiting.next_deadline()).chain(sessions).min()
    }

    /// Whether a flush is to be begun.
    pub(crate) fn wants_flush(&self) -> bool {
        self.unflushed && !self.flushing
    }

    /// The replies whose wait is over. They are to be sent once the image has caught up with the log.
    pub(crate) fn drain(&mut self) -> Vec<Settled> {
        self.settled.drain(..).collect()
    }

    /// Takes replies back that cannot be sent yet; they come first again.
    pub(crate) fn put_back(&mut self, settled: Vec<Settled>) {
        settled.into_iter().rev().for_each(|settled| self.settled.push_front(settled));
    }

    /// Takes up everything appended so far: to be run outside of the lock.
    pub(crate) fn begin_flush(&mut self) -> Option<FlushWork<F>> {
        if !self.wants_flush() {
            return None;
        }
        self.unflushed = false;
        match self.log.begin_flush() {
            Ok(Some(work)) => {
                self.flushing = true;
                Some(work)
            }
            Ok(None) => None,
            Err(error) => {
                self.fail(&error.to_string());
                None
            }
        }
    }

    /// Hears how that went: what is synced is committed by one voter's vote.
    pub(crate) fn finish_flush(&mut self, config: &BrokerConfig, outcome: FlushOutcome, now: Now) {
        self.flushing = false;
        if let Err(error) = self.log.finish_flush(outcome) {
            self.fail(&error.to_string());
            return;
        }
        self.step(config, Event::Synced { end: self.log.synced_end() }, now);
    }

    /// It got later.
    pub(crate) fn tick(&mut self, config: &BrokerConfig, now: Now) {
        for (waiter, code) in self.waiting.on_time(now.instant) {
            self.settled.push_back(Settled { waiter, failure: Some(code) });
        }
        if self.quorum.next_timeout().is_some_and(|at| at <= now.instant) {
            self.step(config, Event::Time, now);
        }
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

    /// Ends a broker's session, unless what ends it could not be written.
    fn forget(&mut self, broker: NodeId) {
        if self.refusal.is_none()
            && let Some(sessions) = &mut self.sessions
        {
            sessions.forget(broker);
        }
    }

    fn step(&mut self, config: &BrokerConfig, event: Event, now: Now) {
        let draw = self.entropy.draw() as u32;
        let actions = self.quorum.step(now, draw, &self.log, event);
        if let Err(error) = self.perform(config, actions, now) {
            self.fail(&error.to_string());
        }
    }

    fn perform(&mut self, config: &BrokerConfig, actions: Vec<Action>, now: Now) -> Result<(), BootError> {
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
        if voters.is_some() {
            self.kraft_version = 1;
        }
        self.state.advance(self.log.end_offset(), start.epoch);
        self.unflushed = true;
        Ok(())
    }

    /// Begins to decide: on an empty log what formatting decided comes first.
    fn activate(&mut self, config: &BrokerConfig, now: Now) {
        let in_transaction = self.state.open_transaction().is_some();
        let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
        let decision = decide::activate::decide_activate(context, &self.bootstrap, in_transaction);
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

    fn fail(&mut self, why: &str) {
        tracing::error!("the metadata log can no longer be written: {why}");
        self.failure.get_or_insert_with(|| why.to_owned());
        self.deactivate();
    }

    /// Appends the records of one decision as one batch and replays them; a decision that makes too many is refused.
    fn append(&mut self, records: &[Record], now: Now) {
        self.refusal = None;
        if records.is_empty() || self.failure.is_some() {
            return;
        }
        if RECORDS_MAX < records.len() {
            self.refusal = Some(ErrorCode::PolicyViolation);
            return;
        }
        match self.encode(records, now) {
            Some(batch) => self.append_batch(&batch, records, now),
            None => self.refusal = Some(ErrorCode::PolicyViolation),
        }
    }

    /// Appends records each of which holds by itself, in as many batches as they need: what must happen to a broker with
    /// very many partitions is refused to nobody.
    fn append_in_parts(&mut self, records: &[Record], now: Now) {
        self.refusal = None;
        if records.is_empty() || self.failure.is_some() {
            return;
        }
        match self.encode(records, now) {
            Some(batch) => self.append_batch(&batch, records, now),
            None if records.len() == 1 => self.refusal = Some(ErrorCode::PolicyViolation),
            None => {
                let (first, rest) = records.split_at(records.len() / 2);
                self.append_in_parts(first, now);
                if self.refusal.is_none() {
                    self.append_in_parts(rest, now);
                }
            }
        }
    }

    /// The batch of these records; `None` when the log takes none so large.
    fn encode(&self, records: &[Record], now: Now) -> Option<Vec<u8>> {
        let finalized = self.state.image().features.metadata_version();
        let batch = encode_batch(records, finalized, self.log.end_offset(), self.quorum.epoch(), now.wall).ok()?;
        let bytes_max = self.log.batch_bytes_max().min(BATCH_BYTES_MAX);
        (batch.len() <= bytes_max).then_some(batch)
    }

    fn append_batch(&mut self, batch: &[u8], records: &[Record], now: Now) {
        let epoch = self.quorum.epoch();
        let base = self.log.end_offset();
        match self.log.append(batch, epoch, now) {
            Ok(()) => {}
            Err(BootError::File(error)) if error.fault == FileFault::Full => {
                tracing::error!("the metadata log has no room: {error}");
                self.refusal = Some(ErrorCode::KafkaStorageError);
                return;
            }
            Err(error) => return self.fail(&error.to_string()),
        }
        for (offset, record) in (base.0..).zip(records) {
            use ottla_replicated::Machine;
            if let Err(error) = self.state.replay(Offset(offset), record) {
                // A decision made a record that replay refuses: the state is of no more use.
                self.fail(&error.to_string());
                return;
            }
        }
        self.state.advance(self.log.end_offset(), epoch);
        self.unflushed = true;
    }

    /// Lets a reply wait for everything that it saw.
    fn answer(&mut self, waiter: Waiter, timeout: Duration, now: Now) {
        if let Some(code) = self.refusal.take() {
            self.settled.push_back(Settled { waiter, failure: Some(code) });
            return;
        }
        if self.failure.is_some() {
            self.settled.push_back(Settled { waiter, failure: Some(ErrorCode::NotController) });
            return;
        }
        let until = self.log.end_offset();
        match self.waiting.park(until, now.instant + timeout, ErrorCode::RequestTimedOut, waiter) {
            Ok(Some(waiter)) => self.settled.push_back(Settled { waiter, failure: None }),
            Ok(None) => {}
            Err(full) => {
                self.settled.push_back(Settled { waiter: full.0, failure: Some(ErrorCode::ThrottlingQuotaExceeded) });
            }
        }
    }
}

/// Commands.
impl<F: Files> Controller<F> {
    /// Decides on a client's command; `false` when this node does not lead, and so cannot.
    pub(crate) fn command(
        &mut self,
        asker: &Context<'_>,
        token: Token,
        command: Command<'_>,
    ) -> Result<bool, WireError> {
        let config = asker.view.config;
        let (head, now) = (asker.head, asker.now);
        if self.sessions.is_none() {
            return Ok(false);
        }
        let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
        let entropy = Arc::clone(&self.entropy);
        let mut random = || entropy.draw();
        let default_timeout = config.network.request_timeout;
        let (records, answers, timeout) = match command {
            Command::CreateTopics(task) => {
                let may_describe = |name: &str| !task.hidden.contains(name);
                let decision =
                    decide_create_topics(context, &task.topics, task.validate_only, &may_describe, &mut random);
                let decided = decision.reply.unwrap_or_else(|refusal| {
                    let refused = |topic: &ottla_wire::create_topics_request::CreatableTopic<'_>| {
                        decide::create_topics::refused(&topic.name, refusal.clone())
                    };
                    task.topics.iter().map(refused).collect()
                });
                (decision.records, create_topics::answer(head, task.refused, decided)?, task.timeout)
            }
            Command::DeleteTopics(task) => {
                let decision = decide_delete_topics(context, &task.ids());
                let timeout = task.timeout;
                (decision.records, task.answer(head, &decision.reply)?, timeout)
            }
            Command::CreatePartitions(task) => {
                let decision = decide_create_partitions(context, &task.topics, task.validate_only, &mut random);
                let names = task.topics.iter().map(|topic| topic.name.clone().into_owned()).collect();
                let answers = create_partitions::answer(head, names, task.refused, &decision.reply)?;
                (decision.records, answers, task.timeout)
            }
            Command::AlterConfigs(task) => {
                use ottla_api::configs::alter::{Recorded, answer};
                let resources = task.recorded.resources();
                let decision = match &task.recorded {
                    Recorded::Incremental(changes) => {
                        decide_incremental_alter_configs(context, changes, task.validate_only, true)
                    }
                    Recorded::Whole(settings) => decide_alter_configs(context, settings, task.validate_only, true),
                };
                let tried = resources.into_iter().zip(decision.reply).collect();
                (decision.records, answer(head, tried, task.refused)?, default_timeout)
            }
            Command::UpdateFeatures(task) => {
                let decision = decide_update_features(context, &task.updates, task.validate_only);
                let timeout = task.timeout;
                (decision.records, update_features::answer(head, task, &decision.reply)?, timeout)
            }
            Command::Register(request) => {
                let response = self.register(config, &request, 3 <= head.version, now);
                let answers = typed(head, response, registration::registered)?;
                self.answer(Waiter::Connection(token, answers), default_timeout, now);
                return Ok(true);
            }
            Command::Heartbeat(request) => {
                let response = self.heartbeat(config, &request, now);
                let answers = typed(head, response, registration::heard)?;
                self.answer(Waiter::Connection(token, answers), default_timeout, now);
                return Ok(true);
            }
            Command::AllocateProducerIds(request) => {
                let (records, response) = self.allocate(config, &request);
                (records, typed(head, response, registration::allocated)?, default_timeout)
            }
            // Questions, which the node answers without a decision.
            Command::DescribeQuorum(_) | Command::FetchMetadata(_) => return Ok(false),
        };
        self.append(&records, now);
        self.answer(Waiter::Connection(token, answers), timeout, now);
        Ok(true)
    }

    /// Makes topics on the way of another request, whose client asks again.
    pub(crate) fn create_on_the_way(
        &mut self,
        config: &BrokerConfig,
        topics: &[ottla_api::outcome::NewTopic],
        now: Now,
    ) {
        if self.sessions.is_none() {
            return;
        }
        let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
        let asked: Vec<_> = topics.iter().map(create_topics::on_the_way).collect();
        let entropy = Arc::clone(&self.entropy);
        let decision = decide_create_topics(context, &asked, false, &|_| false, &mut || entropy.draw());
        for topic in decision.reply.iter().flatten().filter(|topic| topic.error_code != 0) {
            // Two clients may ask at once; the second finds the first one's topic.
            if topic.error_code != ErrorCode::TopicAlreadyExists.code() {
                let why = topic.error_message.as_deref().unwrap_or_default();
                tracing::warn!(topic = %topic.name, "cannot make a topic that a client asked for: {why}");
            }
        }
        self.append(&decision.records, now);
        self.answer(Waiter::Own(OwnReply::Created), OWN_TIMEOUT, now);
    }

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

    fn register(
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

    fn heartbeat(
        &mut self,
        config: &BrokerConfig,
        request: &BrokerHeartbeatRequest<'_>,
        now: Now,
    ) -> Result<decide::heartbeat::HeartbeatReply, Refusal> {
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

    fn allocate(
        &mut self,
        config: &BrokerConfig,
        request: &AllocateProducerIdsRequest,
    ) -> (Vec<Record>, Result<decide::producer_ids::ProducerIdBlock, Refusal>) {
        if self.sessions.is_none() {
            return not_controller();
        }
        let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
        let (broker, epoch) = (NodeId(request.broker_id), BrokerEpoch(request.broker_epoch));
        let decision = decide_allocate_producer_ids(context, broker, epoch);
        (decision.records, decision.reply)
    }

    /// The quorum as its leader sees it.
    pub(crate) fn describe(&self, now: Now) -> Option<describe_quorum::Quorum> {
        let description = self.quorum.describe(now.wall)?;
        let replica = |state: &ottla_quorum::ReplicaState| describe_quorum::Replica {
            node: state.key.id,
            directory: state.key.directory,
            log_end: state.log_end_offset,
            last_fetch: state.last_fetch,
            last_caught_up: state.last_caught_up,
        };
        Some(describe_quorum::Quorum {
            leader: description.leader,
            epoch: description.epoch,
            high_watermark: description.high_watermark,
            voters: description.voters.iter().map(replica).collect(),
            observers: description.observers.iter().map(replica).collect(),
        })
    }

    /// Reads the metadata log for a fetch: of whoever asks, up to what is committed.
    pub(crate) fn fetch(&mut self, task: &ottla_api::fetch::Task) -> Result<(Read, Option<SpanOf<F>>), ErrorCode> {
        if task.cluster_id.as_ref().is_some_and(|id| *id != self.cluster_id) {
            return Err(ErrorCode::InconsistentClusterId);
        }
        let [wish] = task.asked.as_slice() else { return Err(ErrorCode::InvalidRequest) };
        let is_metadata = match &wish.place.topic {
            TopicKey::Id(id) => *id == METADATA_TOPIC_ID.0,
            TopicKey::Name(name) => name.as_ref() == create_topics::METADATA_TOPIC,
        };
        if !is_metadata || wish.place.partition.0 != 0 {
            return Ok((Read::failed(ErrorCode::UnknownTopicOrPartition), None));
        }
        let epoch = self.quorum.epoch();
        let leader = self.quorum.leader().map(|leader| (leader, epoch));
        let refuse = |code| Ok((Read { leader, ..Read::failed(code) }, None));
        if !self.quorum.is_leader() {
            return refuse(ErrorCode::NotLeaderOrFollower);
        }
        if wish.current_epoch.0 != -1 && wish.current_epoch < epoch {
            return refuse(ErrorCode::FencedLeaderEpoch);
        }
        if epoch < wish.current_epoch {
            return refuse(ErrorCode::UnknownLeaderEpoch);
        }
        let committed = self.log.high_watermark();
        let mut read = Read {
            high_watermark: committed,
            last_stable: committed,
            log_start: self.log.start(),
            leader,
            ..Read::default()
        };
        if wish.last_fetched_epoch.0 != -1 {
            use ottla_quorum::Continuity;
            match ottla_quorum::log_view::continuity(&self.log, wish.offset, wish.last_fetched_epoch) {
                Continuity::Follows => {}
                Continuity::Diverges(end) => read.diverging = Some((end.epoch, end.offset)),
                Continuity::NeedsSnapshot(end) => read.snapshot = Some((end.epoch, end.offset)),
            }
        }
        if read.diverging.is_some() || read.snapshot.is_some() || committed <= wish.offset {
            return Ok((read, None));
        }
        let bytes_max = task.bytes_max.min(wish.bytes_max);
        match self.log.read(wish.offset, committed, bytes_max) {
            Ok(span) => {
                read.length = span.as_ref().map_or(0, |span| span.length);
                Ok((read, span))
            }
            Err(_) => refuse(ErrorCode::OffsetOutOfRange),
        }
    }

    /// Ends: what was appended is synced.
    pub(crate) fn close(self, now: Now) -> Result<(), ottla_commit_log::FileError> {
        self.log.close(now)
    }

    /// The latest snapshot, for a broker that begins to follow.
    pub(crate) fn snapshot(&self) -> Result<Option<(SnapshotId, Vec<u8>)>, ottla_commit_log::FileError> {
        let Some(id) = self.log.latest_snapshot_id() else { return Ok(None) };
        Ok(self.log.read_snapshot(id)?.map(|bytes| (id, bytes)))
    }
}

fn not_controller<T>() -> (Vec<Record>, Result<T, Refusal>) {
    (Vec::new(), Err(Refusal::of(ErrorCode::NotController)))
}

/// The answers of a command whose response is one message of numbers.
fn typed<T: 'static, M: ottla_wire::Message<'static> + 'static>(
    head: ottla_api::Head,
    decided: Result<T, Refusal>,
    response: fn(Result<T, Refusal>) -> M,
) -> Result<Answers, WireError> {
    let committed = head.encode(&response(decided))?;
    Ok(Answers { committed, failed: Box::new(move |code| head.encode(&response(Err(Refusal::of(code))))) })
}

fn context_of<'a>(
    state: &'a Metadata,
    config: &'a BrokerConfig,
    cluster_id: &'a str,
    kraft_version: i16,
) -> decide::Context<'a> {
    decide::Context { image: state.image(), config, cluster_id, kraft_version }
}

/// What the quorum's own levels are.
const KRAFT_VERSIONS: (i16, i16) = (0, 1);

/// This node as a voter.
pub(crate) fn own_voter(config: &BrokerConfig, key: ReplicaKey) -> Voter {
    let endpoints = config.listeners.advertised_controller.iter().map(|listener| ottla_quorum::Endpoint {
        listener: listener.endpoint.name.clone(),
        host: listener.endpoint.host.clone(),
        port: listener.endpoint.port,
    });
    let (kraft_version_min, kraft_version_max) = KRAFT_VERSIONS;
    Voter { key, endpoints: endpoints.collect(), kraft_version_min, kraft_version_max }
}

/// The voters as the log's record names them.
pub(crate) fn voters_record(voters: &Voters) -> VotersRecord<'static> {
    let voters = voters.iter().map(|voter| VoterOnDisk {
        voter_id: voter.key.id.0,
        voter_directory_id: voter.key.directory,
        endpoints: voter
            .endpoints
            .iter()
            .map(|endpoint| VoterEndpoint {
                name: endpoint.listener.clone().into(),
                host: endpoint.host.clone().into(),
                port: endpoint.port,
            })
            .collect(),
        k_raft_version_feature: KRaftVersionFeature {
            min_supported_version: voter.kraft_version_min,
            max_supported_version: voter.kraft_version_max,
        },
    });
    VotersRecord { version: 0, voters: voters.collect() }
}

fn voters_of(record: &VotersRecord<'_>, offset: Offset) -> Voters {
    let voters = record.voters.iter().map(|voter| Voter {
        key: ReplicaKey::new(NodeId(voter.voter_id), voter.voter_directory_id),
        endpoints: voter
            .endpoints
            .iter()
            .map(|endpoint| ottla_quorum::Endpoint {
                listener: endpoint.name.into_owned(),
                host: endpoint.host.into_owned(),
                port: endpoint.port,
            })
            .collect(),
        kraft_version_min: voter.k_raft_version_feature.min_supported_version,
        kraft_version_max: voter.k_raft_version_feature.max_supported_version,
    });
    Voters::new(voters, offset)
}
