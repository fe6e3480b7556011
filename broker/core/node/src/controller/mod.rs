//! The controller: leads the metadata log and decides what goes into it.
//!
//! Given commands and the clock; appends records, replays them at once into the state that the next decision sees, and
//! lets each reply wait until the log is committed up to what it saw. Syncing the log happens outside of the controller's
//! lock, in one go for all that was appended meanwhile. Deciding is `metadata`'s, voting `quorum`'s; here their actions
//! become files.

mod append;
mod brokers;
mod command;
mod lead;
mod questions;
mod voters;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use ottla_api::command::Answers;
use ottla_commit_log::Files;
use ottla_config::BrokerConfig;
use ottla_metadata::decide::{self, Record};
use ottla_metadata::log::Control;
use ottla_metadata::{Metadata, Sessions, SnapshotId};
use ottla_quorum::{Quorum, ReplicaKey, Timeouts, Voters};
use ottla_replicated::waiting::Waiting;
use ottla_vocabulary::{Duration, Instant, NodeId, Now, Offset, Timestamp};
use ottla_wire::{AllocateProducerIdsResponse, BrokerHeartbeatResponse, BrokerRegistrationResponse, ErrorCode};

use self::voters::voters_of;
pub(crate) use self::voters::{own_voter, voters_record};
use crate::boot::BootError;
use crate::entropy::Entropy;
use crate::metadata_log::MetadataLog;
use crate::reply::Token;

/// More replies than this do not wait for the disk; a client that comes later is told to try again.
const WAITING_MAX: usize = 10_000;
/// How long a broker's own commands wait; they are repeated.
const OWN_TIMEOUT: Duration = Duration::from_secs(30);

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
    /// Where the log ended when it was opened: what is committed up to there is what the process before knew.
    opened_end: Offset,
    /// While this node leads.
    sessions: Option<Sessions>,
    waiting: Waiting<Waiter, ErrorCode>,
    settled: VecDeque<Settled>,
    entropy: Arc<Entropy>,
    /// A flush is under way.
    flushing: bool,
    /// Something was appended that no flush has taken up.
    unflushed: bool,
    /// Until when none is begun, because too many files were open for the last one.
    flushing_rests_until: Option<Instant>,
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
            opened_end: end,
            sessions: None,
            waiting: Waiting::new(WAITING_MAX),
            settled: VecDeque::new(),
            entropy,
            flushing: false,
            unflushed: false,
            flushing_rests_until: None,
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

    /// Whether all that the log had when it was opened is committed, so that nobody acts on less than was known before.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.opened_end <= self.log.high_watermark()
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
        let others = [self.waiting.next_deadline(), self.flushing_rests_until, sessions];
        self.quorum.next_timeout().into_iter().chain(others.into_iter().flatten()).min()
    }

    /// The replies whose wait is over. They are to be sent once the image has caught up with the log.
    pub(crate) fn drain(&mut self) -> Vec<Settled> {
        self.settled.drain(..).collect()
    }

    /// Takes replies back that cannot be sent yet; they come first again.
    pub(crate) fn put_back(&mut self, settled: Vec<Settled>) {
        settled.into_iter().rev().for_each(|settled| self.settled.push_front(settled));
    }

    /// Ends: what was appended is synced.
    pub(crate) fn close(self, now: Now) -> Result<(), ottla_commit_log::FileError> {
        self.log.close(now)
    }
}

fn context_of<'a>(
    state: &'a Metadata,
    config: &'a BrokerConfig,
    cluster_id: &'a str,
    kraft_version: i16,
) -> decide::Context<'a> {
    decide::Context { image: state.image(), config, cluster_id, kraft_version }
}
