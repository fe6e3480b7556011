//! One member of a classic group, as this coordinator knows it.

use ottla_vocabulary::{Duration, Instant, MemberId};
use ottla_wire::ErrorCode;

use crate::record::GenerationMember;
use crate::request::{Join, Joined, JoinedMember, Protocol, Reply, Synced};
use crate::shard::Out;
use crate::timers::{Timer, TimerId, Timers};
use ottla_vocabulary::GroupId;

/// A member. `To` is whom a reply goes to.
#[derive(Debug)]
pub(crate) struct Member<To> {
    pub(crate) id: MemberId,
    pub(crate) instance: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    /// What it got in the group's generation.
    pub(crate) assignment: Vec<u8>,
    /// Its join waits for the others.
    pub(crate) joining: Option<To>,
    /// Its sync waits for the leader.
    pub(crate) syncing: Option<To>,
    /// It has not been told its first generation yet, so it cannot know when to retry.
    pub(crate) is_new: bool,
    /// Silent beyond this, it is gone.
    pub(crate) deadline: Instant,
    /// Looks whether it was; may fire before the deadline, and is then set anew.
    pub(crate) timer: Option<TimerId>,
}

impl<To> Member<To> {
    /// A member as it first joins.
    pub(crate) fn new(id: MemberId, join: &Join) -> Member<To> {
        Member {
            id,
            instance: join.instance.clone(),
            client_id: join.client_id.clone(),
            client_host: join.client_host.clone(),
            protocols: join.protocols.clone(),
            session_timeout: join.session_timeout,
            rebalance_timeout: join.rebalance_timeout,
            assignment: Vec::new(),
            joining: None,
            syncing: None,
            is_new: true,
            deadline: Instant::default(),
            timer: None,
        }
    }

    /// A member of a generation that was read from the log. Its silence is counted from when the coordinator is loaded.
    pub(crate) fn kept(kept: &GenerationMember, protocol: &str) -> Member<To> {
        let millis = |value: i32| Duration::from_millis(u64::try_from(value).unwrap_or(0));
        Member {
            id: kept.member.clone(),
            instance: kept.instance.clone(),
            client_id: kept.client_id.clone(),
            client_host: kept.client_host.clone(),
            protocols: vec![Protocol { name: protocol.to_owned(), metadata: kept.subscription.clone() }],
            session_timeout: millis(kept.session_timeout_ms),
            rebalance_timeout: millis(kept.rebalance_timeout_ms),
            assignment: kept.assignment.clone(),
            joining: None,
            syncing: None,
            is_new: false,
            deadline: Instant::default(),
            timer: None,
        }
    }

    /// The member as a record keeps it.
    pub(crate) fn to_kept(&self, protocol: &str) -> GenerationMember {
        let millis = |timeout: Duration| i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        GenerationMember {
            member: self.id.clone(),
            instance: self.instance.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            rebalance_timeout_ms: millis(self.rebalance_timeout),
            session_timeout_ms: millis(self.session_timeout),
            subscription: self.metadata(protocol).to_vec(),
            assignment: self.assignment.clone(),
        }
    }

    /// Takes what a later join says anew.
    pub(crate) fn update(&mut self, join: &Join) {
        self.protocols.clone_from(&join.protocols);
        self.session_timeout = join.session_timeout;
        self.rebalance_timeout = join.rebalance_timeout;
    }

    /// Takes what a static member says that may have been started elsewhere.
    pub(crate) fn come_back(&mut self, join: &Join) {
        self.update(join);
        self.client_id.clone_from(&join.client_id);
        self.client_host.clone_from(&join.client_host);
    }

    /// Its metadata for a protocol; empty when it does not offer that one.
    pub(crate) fn metadata(&self, protocol: &str) -> &[u8] {
        self.protocols.iter().find(|offered| offered.name == protocol).map_or(&[], |offered| &offered.metadata)
    }

    /// Whether it may be silent past its deadline: while it waits for us, only we can end the silence.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.is_new && (self.joining.is_some() || self.syncing.is_some())
    }

    /// Counts its silence from now.
    pub(crate) fn heard(&mut self, group: &GroupId, out: &mut Out<'_, To>) {
        self.silent_until(out.now.instant + self.session_timeout, group, out);
    }

    /// Expects to hear from it by `deadline`. A timer that fires before goes on running and finds the later deadline, so
    /// that a heartbeat costs no more than a new deadline.
    pub(crate) fn silent_until(&mut self, deadline: Instant, group: &GroupId, out: &mut Out<'_, To>) {
        self.deadline = deadline;
        if self.timer.is_none_or(|timer| deadline < timer.due) {
            self.stop_timer(out.timers);
            self.timer = Some(out.timers.at(deadline, Timer::Heartbeat(group.clone(), self.id.clone())));
        }
    }

    /// Nobody listens for its silence any more.
    pub(crate) fn stop_timer(&mut self, timers: &mut Timers) {
        if let Some(timer) = self.timer.take() {
            timers.cancel(timer);
        }
    }

    /// Answers its join, if one waits.
    pub(crate) fn answer_join(&mut self, joined: Joined, out: &mut Out<'_, To>) {
        if let Some(to) = self.joining.take() {
            out.reply(to, Reply::Join(joined));
        }
    }

    /// Refuses whatever of it waits.
    pub(crate) fn refuse(&mut self, error: ErrorCode, out: &mut Out<'_, To>) {
        let refused = Joined::refused(self.id.clone(), error);
        self.answer_join(refused, out);
        if let Some(to) = self.syncing.take() {
            out.reply(to, Reply::Sync(Synced::refused(error)));
        }
    }

    /// As the leader is told of it.
    pub(crate) fn to_joined(&self, protocol: &str) -> JoinedMember {
        JoinedMember {
            member: self.id.clone(),
            instance: self.instance.clone(),
            metadata: self.metadata(protocol).to_vec(),
        }
    }
}
