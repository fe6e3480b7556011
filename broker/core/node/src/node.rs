//! One broker and controller: what they share, the way of a request through them, and the clock.
//!
//! Every method may be called from any thread. A caller hands in the time, and afterwards takes the [`Effects`]. The way
//! of a request: [`Node::handle`] lets `api` say what it comes to, and does it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use ottla_api::command::Command;
use ottla_api::{Authorizer, Context, Encoded, Late, Loggers, Outcome, Peer, Quotas, Unanswerable, View};
use ottla_api::{delete_records, describe_producers, init_producer_id, list_offsets, offset_for_leader_epoch};
use ottla_commit_log::{Files, LogDirectory};
use ottla_config::BrokerConfig;
use ottla_metadata::{Image, Metadata};
use ottla_records::Decompressor;
use ottla_vocabulary::group::coordinator_partition;
use ottla_vocabulary::{GroupId, Instant, Map, NodeId, Now, PartitionIndex, Set, TopicId, TopicName};
use ottla_wire::{ErrorCode, WireError};
use parking_lot::{Mutex, RwLock};

use crate::broker::Life;
use crate::controller::Controller;
use crate::coordinator::{Coordinators, Done};
use crate::counts::TrafficCounts;
use crate::directory_health::DirectoryHealth;
use crate::entropy::Entropy;
use crate::fetch::{plain, spliced};
use crate::fetch_session::FetchSessions;
use crate::parked::ParkedFetches;
use crate::partition::Partition;
use crate::producer_ids::ProducerIds;
use crate::reply::{Close, DescriptorOf, Effects, Handled, Reply, Token};
use crate::upkeep::Upkeep;

type Partitions<F> = Map<(TopicId, PartitionIndex), Arc<Partition<F>>>;

/// A node over some [`Files`].
pub struct Node<F: Files> {
    pub(crate) files: F,
    pub(crate) identity: Identity,
    pub(crate) config: ArcSwap<BrokerConfig>,
    /// The cluster as this broker knows it: committed, and its partitions here are as it says.
    pub(crate) image: ArcSwap<Image>,
    pub(crate) partitions: RwLock<Partitions<F>>,
    /// Partitions that lie here and whose logs the disk refused to open; tried again now and then.
    pub(crate) unopened: Mutex<Set<(TopicId, PartitionIndex)>>,
    pub(crate) directories: Mutex<Vec<LogDirectory<F>>>,
    /// In the same order.
    pub(crate) healths: Vec<Arc<DirectoryHealth>>,
    pub(crate) sessions: Mutex<FetchSessions>,
    pub(crate) parked: ParkedFetches<F>,
    pub(crate) coordinators: Coordinators<F>,
    pub(crate) controller: Mutex<Option<Controller<F>>>,
    pub(crate) life: Mutex<Life>,
    /// The state that makes the image, and up to where it has followed the metadata log.
    pub(crate) follower: Mutex<Metadata>,
    pub(crate) producer_ids: Mutex<ProducerIds>,
    pub(crate) upkeep: Mutex<Upkeep>,
    pub(crate) entropy: Arc<Entropy>,
    pub(crate) counts: TrafficCounts,
    pub(crate) topic_counts: RwLock<Map<TopicName, Arc<TrafficCounts>>>,
    pub(crate) authorizer: Box<dyn Authorizer>,
    pub(crate) quotas: Box<dyn Quotas>,
    pub(crate) loggers: Box<dyn Loggers>,
    pub(crate) volumes: Option<Volumes>,
    decompressors: Mutex<Vec<Decompressor>>,
    requests: AtomicU64,
    effects: Mutex<Effects<DescriptorOf<F>>>,
    has_effects: AtomicBool,
}

impl<F: Files> core::fmt::Debug for Node<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// Who this node is; fixed when it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The cluster.
    pub cluster_id: String,
    /// The node in it.
    pub node_id: NodeId,
}

/// Tells the size of the volume of a directory and what of it is free, in bytes.
pub type Volumes = Box<dyn Fn(&Path) -> Option<(u64, u64)> + Send + Sync>;

/// What a request sees: nothing of it changes while it is answered.
pub(crate) struct Seen {
    image: Arc<Image>,
    config: Arc<BrokerConfig>,
    controller: Option<NodeId>,
}

impl Seen {
    pub(crate) fn view<'a, F: Files>(&'a self, node: &'a Node<F>) -> View<'a> {
        View {
            image: &self.image,
            config: &self.config,
            authorizer: node.authorizer.as_ref(),
            quotas: node.quotas.as_ref(),
            loggers: node.loggers.as_ref(),
            cluster_id: &node.identity.cluster_id,
            node_id: node.identity.node_id,
            controller: self.controller,
        }
    }
}

/// What [`Node::assemble`] puts together.
pub(crate) struct Parts<F: Files> {
    pub(crate) files: F,
    pub(crate) identity: Identity,
    pub(crate) config: BrokerConfig,
    pub(crate) directories: Vec<LogDirectory<F>>,
    pub(crate) controller: Controller<F>,
    pub(crate) life: Life,
    pub(crate) entropy: Arc<Entropy>,
    pub(crate) authorizer: Box<dyn Authorizer>,
    pub(crate) quotas: Box<dyn Quotas>,
    pub(crate) loggers: Box<dyn Loggers>,
}

/// How long Kafka keeps a fetch session that nobody uses (`min.incremental.fetch.session.eviction.ms`).
const SESSION_EVICTION: ottla_vocabulary::Duration = ottla_vocabulary::Duration::from_secs(120);

impl<F: Files> Node<F> {
    pub(crate) fn assemble(parts: Parts<F>, now: Now) -> Node<F> {
        let first_session = (parts.entropy.draw() >> 33) as i32;
        let slots = parts.config.network.fetch_session_slots as usize;
        let coordinators = Coordinators::new(group_settings(&parts.config), parts.config.offsets.load_buffer_bytes);
        let healths = parts.directories.iter().map(|directory| Arc::new(DirectoryHealth::new(directory.path())));
        Node {
            healths: healths.collect(),
            coordinators,
            upkeep: Mutex::new(Upkeep::new(&parts.config, now.instant)),
            files: parts.files,
            identity: parts.identity,
            config: ArcSwap::from_pointee(parts.config),
            image: ArcSwap::from_pointee(Image::default()),
            partitions: RwLock::default(),
            unopened: Mutex::default(),
            directories: Mutex::new(parts.directories),
            sessions: Mutex::new(FetchSessions::new(slots, SESSION_EVICTION, first_session)),
            parked: ParkedFetches::new(),
            controller: Mutex::new(Some(parts.controller)),
            life: Mutex::new(parts.life),
            follower: Mutex::new(Metadata::default()),
            producer_ids: Mutex::default(),
            entropy: parts.entropy,
            counts: TrafficCounts::default(),
            topic_counts: RwLock::default(),
            authorizer: parts.authorizer,
            quotas: parts.quotas,
            loggers: parts.loggers,
            volumes: None,
            decompressors: Mutex::default(),
            requests: AtomicU64::new(0),
            effects: Mutex::default(),
            has_effects: AtomicBool::new(false),
        }
    }

    /// Lets the node ask for the sizes of its directories' volumes; without this it tells none.
    pub fn set_volumes(&mut self, volumes: Volumes) {
        self.volumes = Some(volumes);
    }

    /// Who this node is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<BrokerConfig> {
        self.config.load_full()
    }

    /// The cluster as this broker knows it.
    pub fn image(&self) -> Arc<Image> {
        self.image.load_full()
    }

    /// How many requests were handled since the start.
    pub fn requests_handled(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// What must be done outside of the node, if anything. To be called after every other call.
    pub fn effects(&self) -> Option<Effects<DescriptorOf<F>>> {
        if !self.has_effects.swap(false, Ordering::AcqRel) {
            return None;
        }
        Some(std::mem::take(&mut *self.effects.lock()))
    }

    pub(crate) fn reply_later(&self, token: Token, reply: Reply<DescriptorOf<F>>) {
        self.effects.lock().replies.push((token, reply));
        self.has_effects.store(true, Ordering::Release);
    }

    /// Sends a late answer; a connection whose answer cannot be written is closed.
    pub(crate) fn answer_later(&self, token: Token, encoded: Result<Encoded, WireError>) {
        match encoded {
            Ok(encoded) => self.reply_later(token, plain(encoded)),
            Err(error) => self.close_later(token, &error),
        }
    }

    pub(crate) fn close_later(&self, token: Token, error: &WireError) {
        tracing::error!("a late answer cannot be encoded: {error}");
        self.effects.lock().closes.push((token, Close::Unwritable(error.to_string())));
        self.has_effects.store(true, Ordering::Release);
    }

    pub(crate) fn note_deadline(&self) {
        self.effects.lock().deadline = true;
        self.has_effects.store(true, Ordering::Release);
    }

    pub(crate) fn note_sync(&self) {
        self.effects.lock().sync_metadata = true;
        self.has_effects.store(true, Ordering::Release);
    }

    pub(crate) fn seen(&self) -> Seen {
        let image = self.image.load_full();
        // This node's controller leads whenever its broker is registered: there is one voter.
        let controller = image.cluster.controllers.keys().next().copied();
        Seen { image, config: self.config.load_full(), controller }
    }

    /// Handles one request of a connection, which has no other in work under this token.
    pub fn handle(&self, now: Now, peer: &Peer, token: Token, frame: &[u8]) -> Handled<DescriptorOf<F>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let seen = self.seen();
        let (context, outcome) = match ottla_api::receive(now, peer, seen.view(self), frame) {
            Ok(received) => received,
            Err(unanswerable) => return Handled::Close(close(&unanswerable)),
        };
        match self.perform(&context, token, outcome) {
            Ok(handled) => handled,
            Err(error) => {
                let api = context.head.api.name();
                tracing::error!(api, version = context.head.version, "an answer cannot be encoded: {error}");
                Handled::Close(Close::Unwritable(error.to_string()))
            }
        }
    }

    fn perform(
        &self,
        context: &Context<'_>,
        token: Token,
        outcome: Outcome<'_>,
    ) -> Result<Handled<DescriptorOf<F>>, WireError> {
        let reply = |encoded: Encoded| Ok(Handled::Reply(plain(encoded)));
        match outcome {
            Outcome::Reply(encoded) => reply(encoded),
            Outcome::CreateAndReply { topics, reply: encoded } => {
                if let Some(controller) = self.controller.lock().as_mut() {
                    controller.create_on_the_way(context.view.config, &topics, context.now);
                }
                self.settle(context.now);
                reply(encoded)
            }
            Outcome::Produce(task) => self.produce(context, task),
            Outcome::Fetch(task) => self.fetch(context, token, task),
            Outcome::ListOffsets(task) => {
                let isolation = task.isolation;
                let found = task.topics.into_iter().map(|topic| {
                    topic.map(|id, index, job| {
                        job.and_then(|question| self.partition(id, index)?.list_offset(isolation, question))
                    })
                });
                reply(list_offsets::answer(context, found.collect())?)
            }
            Outcome::DeleteRecords(task) => {
                let done = task.into_iter().map(|topic| {
                    topic.map(|id, index, job| job.and_then(|before| self.partition(id, index)?.delete_records(before)))
                });
                reply(delete_records::answer(context, done.collect())?)
            }
            Outcome::OffsetForLeaderEpoch(task) => {
                let found = task.into_iter().map(|topic| {
                    topic.map(|id, index, job| {
                        job.and_then(|asked| self.partition(id, index)?.epoch_end(asked.current_epoch, asked.epoch))
                    })
                });
                reply(offset_for_leader_epoch::answer(context, found.collect())?)
            }
            Outcome::DescribeProducers(task) => {
                let found = task
                    .into_iter()
                    .map(|topic| topic.map(|id, index, job| job.and_then(|()| self.partition(id, index)?.producers())));
                reply(describe_producers::answer(context, found.collect())?)
            }
            Outcome::DescribeLogDirs(task) => {
                reply(ottla_api::describe_log_dirs::answer(context, self.describe_log_dirs(task.as_ref()))?)
            }
            Outcome::InitProducerId => self.init_producer_id(context, token),
            Outcome::Group(task) => {
                self.ask_groups(context, token, task);
                Ok(Handled::Later)
            }
            Outcome::Controller(command) => self.command(context, token, command),
        }
    }

    /// A partition that lies here.
    pub(crate) fn partition(&self, topic: TopicId, index: PartitionIndex) -> Result<Arc<Partition<F>>, ErrorCode> {
        let place = (topic, index);
        self.partitions.read().get(&place).cloned().ok_or_else(|| match self.unopened.lock().contains(&place) {
            true => ErrorCode::KafkaStorageError,
            false => ErrorCode::NotLeaderOrFollower,
        })
    }

    /// Asks the coordinators of groups; the answer comes among the effects, even when it comes at once.
    fn ask_groups(&self, context: &Context<'_>, token: Token, task: ottla_api::group::Task) {
        let topic = context.view.image.topics.by_text(ottla_api::outcome::OFFSETS);
        let count = topic.and_then(|topic| i32::try_from(topic.partitions.len()).ok()).filter(|count| 0 < *count);
        let partition_of = |group: &GroupId| count.map(|count| coordinator_partition(group.as_str(), count));
        let random = || self.entropy.uuid();
        let done = self.coordinators.ask(context.now, token, Late::of(context), task, partition_of, random);
        self.finish(context.now, done);
        self.note_deadline();
    }

    /// Sends what coordinators have answered.
    pub(crate) fn finish(&self, now: Now, done: Done<F>) {
        let Done { answered, woken } = done;
        self.wake(now, woken);
        if answered.is_empty() {
            return;
        }
        let seen = self.seen();
        for one in answered {
            self.answer_later(one.token, one.answer.encode(&one.late.context(now, seen.view(self)), one.told));
        }
    }

    fn init_producer_id(&self, context: &Context<'_>, token: Token) -> Result<Handled<DescriptorOf<F>>, WireError> {
        let mut ids = self.producer_ids.lock();
        if let Some(id) = ids.take() {
            return Ok(Handled::Reply(plain(init_producer_id::answer(context.head, Ok(id))?)));
        }
        if !ids.wait(token, Late::of(context)) {
            let busy = Err(ErrorCode::CoordinatorLoadInProgress);
            return Ok(Handled::Reply(plain(init_producer_id::answer(context.head, busy)?)));
        }
        drop(ids);
        if !self.ask_for_producer_ids(context.now) {
            self.serve_producer_ids();
        }
        self.settle(context.now);
        Ok(Handled::Later)
    }

    fn command(
        &self,
        context: &Context<'_>,
        token: Token,
        command: Command<'_>,
    ) -> Result<Handled<DescriptorOf<F>>, WireError> {
        let now = context.now;
        match command {
            Command::DescribeQuorum(task) => {
                let quorum = self.controller.lock().as_ref().and_then(|controller| controller.describe(now));
                let told = ottla_api::describe_quorum::answer(context.head, context.view.image, &task, quorum.as_ref());
                Ok(Handled::Reply(plain(told?)))
            }
            Command::FetchMetadata(task) => {
                let read = match self.controller.lock().as_mut() {
                    Some(controller) => controller.fetch(&task),
                    None => Err(ErrorCode::NotController),
                };
                let place = task.asked.first().map(|wish| wish.place.clone());
                Ok(Handled::Reply(match (read, place) {
                    (Ok((read, span)), Some(place)) => {
                        let answer = ottla_api::fetch::answer(context, 0, [(place, read)])?;
                        spliced::<F>(answer, span.into_iter().collect())
                    }
                    (Err(code), _) => plain(ottla_api::fetch::refuse(context, code)?),
                    (Ok(_), None) => plain(ottla_api::fetch::refuse(context, ErrorCode::InvalidRequest)?),
                }))
            }
            Command::AlterConfigs(task) => self.alter_configs(context, token, task),
            command => self.decide(context, token, command),
        }
    }

    pub(crate) fn decide(
        &self,
        context: &Context<'_>,
        token: Token,
        command: Command<'_>,
    ) -> Result<Handled<DescriptorOf<F>>, WireError> {
        let taken = match self.controller.lock().as_mut() {
            Some(controller) => controller.command(context, token, command)?,
            None => false,
        };
        if !taken {
            return Ok(Handled::Close(Close::NoController));
        }
        self.settle(context.now);
        Ok(Handled::Later)
    }

    /// Hears that a connection ended: nothing waits for it any more.
    pub fn disconnected(&self, token: Token) {
        self.forget_fetch(token);
        self.producer_ids.lock().forget(token);
    }

    /// When [`Node::tick`] is next of use.
    pub fn next_deadline(&self) -> Option<Instant> {
        let controller = self.controller.lock().as_ref().and_then(Controller::next_deadline);
        let life = self.life.lock().next_deadline();
        let groups = self.coordinators.next_due();
        controller.into_iter().chain(life).chain(self.parked.next_deadline()).chain(groups).min()
    }

    /// It got later.
    pub fn tick(&self, now: Now) {
        self.expire_fetches(now);
        self.finish(now, self.coordinators.tick(now));
        // The own heartbeat before the silence of brokers is judged: after the process stood still both are late, and this
        // broker was silent for no other reason.
        self.live(now);
        let config = self.config.load_full();
        if let Some(controller) = self.controller.lock().as_mut() {
            controller.tick(&config, now);
        }
        self.settle(now);
    }

    pub(crate) fn with_decompressor<T>(&self, act: impl FnOnce(&mut Decompressor) -> T) -> T {
        let mut decompressor = self.decompressors.lock().pop().unwrap_or_default();
        let done = act(&mut decompressor);
        // One for each thread that ever unpacks at the same time; what a bomb made large goes.
        const KEPT_BYTES_MAX: usize = 1 << 20;
        if decompressor.kept_bytes() <= KEPT_BYTES_MAX {
            self.decompressors.lock().push(decompressor);
        }
        done
    }
}

fn close(unanswerable: &Unanswerable) -> Close {
    match unanswerable {
        Unanswerable::Header(error) => Close::Header(error.to_string()),
        Unanswerable::Unserved { api, version } => Close::Unserved { key: api.key(), version: *version },
        Unanswerable::Body { api, version, error } => {
            Close::Body { api: api.name(), version: *version, reason: error.to_string() }
        }
    }
}

/// What coordinators of groups are configured with.
fn group_settings(config: &BrokerConfig) -> ottla_groups::Settings {
    ottla_groups::Settings {
        session_timeout_min: config.groups.session_timeout_min,
        session_timeout_max: config.groups.session_timeout_max,
        initial_rebalance_delay: config.groups.initial_rebalance_delay,
        size_max: config.groups.size_max as usize,
        offset_metadata_bytes_max: config.offsets.metadata_bytes_max as usize,
        commit_timeout: config.offsets.commit_timeout,
        offsets_retention: config.offsets.retention,
        offsets_retention_check_interval: config.offsets.retention_check_interval,
    }
}
