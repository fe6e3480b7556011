//! A world: one node on a simulated disk, its clients, and what goes wrong, all on one thread and in virtual time.
//!
//! A step lets time pass, lets the disk catch up with the metadata log, lets a client ask, or lets a fault happen; the scenario's
//! seed chooses. After each step the answers that came are handed to their clients, who hold them against the model.
//! What clients do is in [`workload`](crate::workload), what answers may say in [`check`](crate::check).

use std::sync::Arc;

use ottla_api::{AllowAll, FixedLoggers, Listener, ListenerRole, NoQuotas, Peer};
use ottla_config::{BrokerConfig, Properties};
use ottla_metadata::Image;
use ottla_node::{BootError, DescriptorOf, Handled, Node, Reply, Setup, Stage, Token, format_if_new};
use ottla_vocabulary::{Instant, Now, Principal, Timestamp};

use crate::broken;
use crate::disk::{DishonestSyncs, Fault, SimulatedDisk};
use crate::model::{End, Kept, Log, Model, Violation};
use crate::random::Random;
use crate::scenario::{LONG_STALL_MS, Mutant, Scenario};
use crate::trace::Trace;
use crate::workload::{Client, Question, Waiting};
use crate::{asking, workload};

/// What may refuse since the process started, and so which answers are excused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excuses {
    /// The disk may have refused to write: writes may be refused.
    pub writes: bool,
    /// The disk may have refused to read.
    pub reads: bool,
    /// Logs may not have been opened, as the disk refused during the start.
    pub opening: bool,
    /// Syncs may have failed, and nothing else may have: a refused write says that its log failed.
    pub only_syncs: bool,
    /// The broker may lead nothing: it was told to end, or the disk stalls for longer than its session.
    pub leading: bool,
}

/// What was counted, to see that runs do something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that were answered.
    pub answers: u64,
    /// Batches that were acknowledged.
    pub acknowledged: u64,
    /// Batches that the disk refused.
    pub refused: u64,
    /// Batches that were sent again and not appended again.
    pub repeated: u64,
    /// Offsets whose commit was acknowledged.
    pub commits: u64,
    /// Batches that consumers read.
    pub read: u64,
    /// Processes that were killed.
    pub kills: u64,
    /// Losses of power.
    pub power_losses: u64,
    /// Clean stops.
    pub stops: u64,
    /// Starts that a faulty disk prevented.
    pub failed_starts: u64,
    /// Virtual time, in milliseconds.
    pub millis: u64,
}

/// A node and everything around it.
pub struct World {
    pub(crate) scenario: Scenario,
    pub(crate) random: Random,
    pub(crate) disk: SimulatedDisk,
    pub(crate) node: Option<Node<SimulatedDisk>>,
    pub(crate) now: Now,
    pub(crate) model: Model,
    pub(crate) clients: Vec<Client>,
    pub(crate) trace: Trace,
    pub(crate) tally: Tally,
    pub(crate) excuses: Excuses,
    pub(crate) is_healed: bool,
    /// How long the answer that is being looked at was waited for.
    pub(crate) waited_ms: u64,
    peer: Peer,
    next_token: u64,
    /// Since when the metadata log waits for the disk.
    wants_sync: Option<Instant>,
    /// How the process ends when the disk reaches the operation that was planned for it.
    planned_end: Option<End>,
    syncs_fail: bool,
    is_full: bool,
    reads_fail: bool,
    /// How far off the wall clock is.
    clock_ms: i64,
    /// The image that the latest process showed.
    pub(crate) last_image: Arc<Image>,
}

/// What clients' timestamps count from, too.
const WALL_AT_START: i64 = 1_700_000_000_000;

const BROKER: &str = "\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:9093
log.dirs=/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
group.initial.rebalance.delay.ms=100
log.flush.offset.checkpoint.interval.ms=3000
log.retention.check.interval.ms=2000
log.initial.task.delay.ms=500
";

/// How often a start is tried on a disk that may refuse, before the disk is made to work.
const FAULTY_STARTS_MAX: usize = 3;

impl World {
    /// A world before its first step.
    pub fn new(scenario: Scenario, trace: Trace) -> World {
        let mut random = Random::new(scenario.seed ^ 0x0771_a000_0771_a000);
        let disk = SimulatedDisk::new(random.number());
        let listener = Listener { name: "PLAINTEXT".to_owned(), role: ListenerRole::Broker };
        let address = ([127, 0, 0, 1], 40_000).into();
        World {
            random,
            disk,
            node: None,
            now: Now { instant: Instant::from_millis(1000), wall: Timestamp(WALL_AT_START) },
            model: Model::new(&scenario),
            clients: workload::clients(&scenario),
            trace,
            tally: Tally::default(),
            excuses: Excuses::default(),
            is_healed: false,
            waited_ms: 0,
            peer: Peer { principal: Principal::anonymous(), address, listener: Arc::new(listener) },
            next_token: 1,
            wants_sync: None,
            planned_end: None,
            syncs_fail: false,
            is_full: false,
            reads_fail: false,
            clock_ms: 0,
            last_image: Arc::default(),
            scenario,
        }
    }

    /// The first start, on an empty disk that works.
    ///
    /// # Errors
    /// When the node does not start.
    pub fn begin(&mut self) -> Kept {
        self.lie();
        let config = config(&self.scenario);
        let formatted = format_if_new(&self.disk, &config, self.random.number(), self.now);
        if let Err(error) = formatted {
            broken!("an empty disk is not formatted: {error}");
        }
        self.start()
    }

    /// One step.
    ///
    /// # Errors
    /// When a promise was broken.
    pub fn step(&mut self) -> Kept {
        match self.random.below(100) {
            0..15 => self.pass_time(),
            share if self.wants_sync.is_some() && share < 15 + self.scenario.sync_percent => self.sync_metadata(),
            _ => {
                if !self.is_healed && self.random.below(1000) < self.fault_rate() {
                    self.fault()?;
                } else {
                    let client = self.random.index(self.clients.len());
                    self.act(client)?;
                }
            }
        }
        self.hear()?;
        self.whisper();
        self.bury_the_dead()
    }

    /// Tells what the disk did to who reads along.
    fn whisper(&self) {
        if self.trace.is_shown() {
            self.trace.whisper(&self.disk.story());
        }
    }

    fn fault_rate(&self) -> u64 {
        let faults = &self.scenario.faults;
        let rates = [
            faults.kill,
            faults.kill_midway,
            faults.power,
            faults.power_midway,
            faults.stop,
            faults.failing_syncs,
            faults.input_output,
            faults.full,
            faults.failing_reads,
            faults.clock,
        ];
        rates.into_iter().sum()
    }

    /// Lets one of the scenario's faults happen, or one that lasts be over.
    fn fault(&mut self) -> Kept {
        let faults = self.scenario.faults;
        let mut chosen = self.random.below(self.fault_rate().max(1));
        let mut is_chosen = |rate: u64| {
            let is_it = chosen < rate;
            chosen = if is_it { u64::MAX } else { chosen.saturating_sub(rate) };
            is_it && rate > 0
        };
        if is_chosen(faults.kill) {
            return self.end(End::Kill);
        }
        if is_chosen(faults.kill_midway) {
            self.plan_end(End::Kill);
        } else if is_chosen(faults.power) {
            return self.end(End::Power);
        } else if is_chosen(faults.power_midway) {
            self.plan_end(End::Power);
        } else if is_chosen(faults.stop) {
            return self.stop();
        } else if is_chosen(faults.failing_syncs) {
            self.syncs_fail = !self.syncs_fail;
            self.disk.set_syncs_fail(self.syncs_fail);
            self.excuses.only_syncs = !self.excuses.writes || self.excuses.only_syncs;
            self.excuses.writes = true;
            self.trace.tell(format_args!("syncs fail: {}", self.syncs_fail));
        } else if is_chosen(faults.input_output) {
            let operation = self.disk.operations() + self.random.below(20);
            self.disk.plan(operation, if self.random.percent(80) { Fault::Io } else { Fault::Full });
            self.excuses = Excuses { writes: true, only_syncs: false, ..self.excuses };
            self.trace.tell(format_args!("operation {operation} will fail"));
        } else if is_chosen(faults.full) {
            self.is_full = !self.is_full;
            let room = self.random.below(400);
            self.disk.set_capacity(self.is_full.then(|| self.disk.used() + room));
            self.excuses = Excuses { writes: true, only_syncs: false, ..self.excuses };
            self.trace.tell(format_args!("the disk is full: {}", self.is_full));
        } else if is_chosen(faults.clock) {
            // No farther back than clients' timestamps may lie ahead, nor forward than producers are remembered.
            self.clock_ms = self.random.below(740 * 60_000) as i64 - 20 * 60_000;
            self.trace.tell(format_args!("the wall clock is {} ms off", self.clock_ms));
        } else {
            self.reads_fail = !self.reads_fail;
            self.disk.set_reads_fail(self.reads_fail);
            // Who cannot read the metadata log cannot follow it: it may look silent, and then it leads nothing.
            self.excuses = Excuses { writes: true, reads: true, leading: true, only_syncs: false, ..self.excuses };
            self.trace.tell(format_args!("reads fail: {}", self.reads_fail));
        }
        Ok(())
    }

    fn plan_end(&mut self, how: End) {
        let operation = self.disk.operations() + self.random.below(30);
        self.disk.plan(operation, Fault::PowerLoss);
        self.planned_end.get_or_insert(how);
        self.trace.tell(format_args!("{how:?} within operation {operation}"));
    }

    /// Lets the disk work from now on, without a restart.
    pub(crate) fn heal(&mut self) {
        (self.syncs_fail, self.is_full, self.reads_fail) = (false, false, false);
        self.disk.set_syncs_fail(false);
        self.disk.set_capacity(None);
        self.disk.set_reads_fail(false);
        self.is_healed = true;
        self.trace.tell(format_args!("the disk works again"));
    }

    /// Whether something that happened is for good until the process starts anew.
    pub(crate) fn needs_restart(&self) -> bool {
        let Some(node) = &self.node else { return true };
        let has_failed = node.measure().partitions.iter().any(|partition| partition.has_failed);
        self.planned_end.is_some()
            || self.scenario.faults.input_output > 0 // may be planned still
            || has_failed
            || self.excuses.opening
            || node.failure().is_some()
            || node.stage() != Stage::Running
    }

    fn pass_time(&mut self) {
        let deadline = self.node.as_ref().and_then(Node::next_deadline);
        let until = deadline.map_or(u64::MAX, |deadline| deadline.as_millis());
        let now = self.now.instant.as_millis();
        let step = match self.random.below(10) {
            0 => 1000 + self.random.below(3000),
            1..4 => until.saturating_sub(now).min(2000),
            _ => self.random.below(50),
        };
        self.advance(step);
    }

    pub(crate) fn advance(&mut self, millis: u64) {
        let now = self.now.instant.as_millis() + millis;
        let stall_ms = if self.is_healed { 100 } else { self.scenario.stall_ms };
        if self.wants_sync.is_some_and(|since| since.as_millis() + stall_ms < now) {
            self.sync_metadata();
        }
        let wall = Timestamp(WALL_AT_START + now as i64 + self.clock_ms);
        self.now = Now { instant: Instant::from_millis(now), wall };
        self.disk.set_wall(self.now.wall);
        self.tally.millis += millis;
        self.trace.tell(format_args!("{now} ms"));
        if let Some(node) = &self.node {
            node.tick(self.now);
            if node.upkeep_due(self.now.instant) {
                node.upkeep(self.now);
            }
        }
    }

    pub(crate) fn sync_metadata(&mut self) {
        self.wants_sync = None;
        self.trace.tell(format_args!("sync the metadata log"));
        if let Some(node) = &self.node {
            node.sync_metadata(self.now);
        }
    }

    /// Hands a request to the node; its answer comes to [`World::answered`] now or later.
    pub(crate) fn ask(&mut self, client: usize, question: Question) -> Kept {
        let Some(node) = &self.node else { return Ok(()) };
        let token = Token(self.next_token);
        self.next_token += 1;
        let frame = question.frame(token.0 as i32);
        self.trace.tell(format_args!("{client} asks {}: {question}", token.0));
        let handled = node.handle(self.now, &self.peer, token, &frame);
        if !self.disk.has_power() {
            return Ok(()); // nobody is there to answer
        }
        match handled {
            Handled::Reply(reply) => self.reply(client, token, question, &reply),
            Handled::Later => {
                self.clients[client].waits_for = Some(Waiting { token, question, since: self.now.instant });
                Ok(())
            }
            Handled::Silent { .. } => Ok(()),
            Handled::Close(close) => {
                self.trace.tell(format_args!("{} closed: {close}", token.0));
                if self.excuses.writes || self.excuses.opening {
                    return Ok(());
                }
                broken!("the connection of {question} is closed: {close}")
            }
        }
    }

    /// Hands a request to the node that is answered at once, by no client.
    pub(crate) fn handle_at_once(&mut self, question: &Question) -> Option<Reply<DescriptorOf<SimulatedDisk>>> {
        match self.node.as_ref()?.handle(self.now, &self.peer, Token(0), &question.frame(0)) {
            Handled::Reply(reply) => Some(reply),
            Handled::Later | Handled::Silent { .. } | Handled::Close(_) => None,
        }
    }

    fn reply(
        &mut self,
        client: usize,
        token: Token,
        question: Question,
        reply: &Reply<DescriptorOf<SimulatedDisk>>,
    ) -> Kept {
        self.tally.answers += 1;
        match asking::whole(reply)? {
            Some(bytes) => self.answered(client, token.0 as i32, question, &bytes),
            None if self.excuses.reads => Ok(()),
            None => broken!("the answer to {question} cannot be read from the disk"),
        }
    }

    /// Takes what the node wants to be done.
    pub(crate) fn hear(&mut self) -> Kept {
        while let Some(effects) = self.node.as_ref().and_then(Node::effects) {
            if effects.sync_metadata {
                self.wants_sync.get_or_insert(self.now.instant);
            }
            if !self.disk.has_power() {
                return Ok(());
            }
            if let Some((token, close)) = effects.closes.first() {
                broken!("request {} gets no answer: {close}", token.0)
            }
            for (token, reply) in effects.replies {
                let waits = |client: &Client| client.waits_for.as_ref().is_some_and(|waiting| waiting.token == token);
                let Some(client) = self.clients.iter().position(waits) else {
                    broken!("request {} is answered, which nobody waits for", token.0)
                };
                if let Some(Waiting { question, since, .. }) = self.clients[client].waits_for.take() {
                    self.waited_ms = self.now.instant.as_millis() - since.as_millis();
                    self.reply(client, token, question, &reply)?;
                    self.waited_ms = 0;
                }
            }
        }
        Ok(())
    }

    fn bury_the_dead(&mut self) -> Kept {
        if self.disk.has_power() {
            return Ok(());
        }
        let how = self.planned_end.take().unwrap_or(End::Power);
        self.end(how)
    }

    /// Ends the process at once, and starts another.
    pub(crate) fn end(&mut self, how: End) -> Kept {
        self.die(how);
        self.start()
    }

    fn die(&mut self, how: End) {
        self.whisper();
        self.trace.tell(format_args!("{how:?}"));
        if let Some(node) = self.node.take() {
            self.last_image = node.image();
        }
        self.wants_sync = None;
        self.planned_end = None;
        let failed = self.disk.syncs_failed();
        let topics: Vec<String> = self.scenario.topics.iter().map(|topic| topic.name.clone()).collect();
        let seed = self.random.number();
        match how {
            End::Power => {
                self.tally.power_losses += 1;
                self.disk = self.disk.after_power_loss(seed);
            }
            End::Kill => {
                self.tally.kills += 1;
                self.disk = match self.scenario.mutant {
                    Some(Mutant::AppendsBuffered) => self.disk.after_power_loss(seed),
                    _ => self.disk.after_kill(seed),
                };
            }
            End::Clean => {
                self.tally.stops += 1;
                self.disk = self.disk.after_kill(seed);
            }
        }
        self.model.ended(how, |log| {
            failed.iter().filter_map(|path| path.to_str()).any(|path| match log {
                Log::Partition(topic, index) => path.contains(&format!("/{}-{index}", topics[*topic])),
                Log::Offsets => path.contains("/__consumer_offsets-"),
            })
        });
        (self.syncs_fail, self.is_full, self.reads_fail) = (false, false, false);
        self.lie();
    }

    /// The disk that a mutant has.
    fn lie(&self) {
        self.disk.set_dishonest(match self.scenario.mutant {
            Some(Mutant::SyncsAreLies) => Some(DishonestSyncs::Skipped("")),
            Some(Mutant::MetadataUnsynced) => Some(DishonestSyncs::Skipped("__cluster_metadata")),
            Some(Mutant::FoldersUnsynced) => Some(DishonestSyncs::OfFoldersSkipped),
            Some(Mutant::FailedSyncsRepeated) => Some(DishonestSyncs::FailuresHidden),
            _ => None,
        });
    }

    /// Tells the process to end, and starts another once it did.
    pub(crate) fn stop(&mut self) -> Kept {
        self.trace.tell(format_args!("told to end"));
        self.excuses.leading = true;
        if let Some(node) = &self.node {
            node.begin_shutdown(self.now);
        }
        for _ in 0..50 {
            self.sync_metadata();
            self.hear()?;
            self.advance(10);
            if !self.disk.has_power() {
                return self.bury_the_dead();
            }
            if self.node.as_ref().is_none_or(Node::may_close) {
                break;
            }
        }
        let Some(node) = self.node.take() else { return Ok(()) };
        self.last_image = node.image();
        if !node.may_close() && !self.excuses.writes {
            broken!("the controller does not let the broker go");
        }
        match node.close(self.now) {
            Ok(()) if self.disk.has_power() => {
                drop(node);
                self.end(End::Clean)
            }
            Err(error) if !self.excuses.writes && self.planned_end.is_none() => broken!("a stop fails: {error}"),
            _ => {
                self.trace.tell(format_args!("the stop is not a clean one"));
                let how = self.planned_end.unwrap_or(End::Kill);
                self.end(how)
            }
        }
    }

    /// Starts a process; on a disk that may fail, as long as it takes.
    fn start(&mut self) -> Kept {
        for attempt in 0.. {
            let stalls = !self.is_healed && self.scenario.stall_ms == LONG_STALL_MS;
            self.excuses = Excuses { leading: stalls, ..Excuses::default() };
            let is_faulty = !self.is_healed && attempt < FAULTY_STARTS_MAX && self.tally.answers > 0;
            if is_faulty {
                self.spoil_start();
            }
            let setup = Setup {
                files: self.disk.clone(),
                config: config(&self.scenario),
                seed: self.random.number(),
                authorizer: Box::new(AllowAll),
                quotas: Box::new(NoQuotas),
                loggers: Box::new(FixedLoggers),
            };
            self.whisper();
            match Node::open(setup, self.now) {
                Ok(node) if self.disk.has_power() => {
                    self.node = Some(node);
                    break;
                }
                Err(error) if !self.excuses.opening && self.disk.has_power() => {
                    broken!("the node does not start: {error}")
                }
                outcome => {
                    self.tally.failed_starts += 1;
                    let why = outcome.map_or_else(|error: BootError| error.to_string(), |_| "it died".to_owned());
                    self.trace.tell(format_args!("no start: {why}"));
                    let how = self.planned_end.unwrap_or(End::Kill);
                    self.die(if self.disk.has_power() { End::Kill } else { how });
                }
            }
        }
        self.trace.tell(format_args!("started"));
        self.hear()?;
        self.check_reopened()
    }

    /// Lets the disk fail during a start too, now and then.
    fn spoil_start(&mut self) {
        let faults = self.scenario.faults;
        let planned = self.disk.operations() + self.random.below(60);
        if faults.power_midway + faults.kill_midway > 0 && self.random.percent(15) {
            self.planned_end = Some(if faults.power_midway > 0 { End::Power } else { End::Kill });
            self.disk.plan(planned, Fault::PowerLoss);
            self.trace.tell(format_args!("the start ends within operation {planned}"));
        } else if faults.input_output > 0 && self.random.percent(15) {
            self.disk.plan(planned, Fault::Io);
            self.excuses = Excuses { writes: true, opening: true, ..self.excuses };
            self.trace.tell(format_args!("operation {planned} of the start will fail"));
        } else if faults.full > 0 && self.random.percent(15) {
            self.is_full = true;
            self.disk.set_capacity(Some(self.disk.used() + self.random.below(2000)));
            self.excuses = Excuses { writes: true, opening: true, ..self.excuses };
            self.trace.tell(format_args!("the disk is full during the start"));
        }
    }

    /// A violation with what led to it.
    pub fn describe(&self, violation: &Violation) -> String {
        let mut told = String::new();
        for line in self.trace.tail() {
            told.push_str("  ");
            told.push_str(line);
            told.push('\n');
        }
        let mutant = self.scenario.mutant.map_or(String::new(), |mutant| format!(" --mutant {}", mutant.name()));
        format!(
            "{told}broken: {}\nagain with: cargo run -p ottla-simulation -- --seed {}{mutant} --trace",
            violation.0, self.scenario.seed
        )
    }
}

fn config(scenario: &Scenario) -> BrokerConfig {
    let mut properties = BROKER.to_owned();
    if scenario.flushes_all {
        properties.push_str("log.flush.interval.messages=1\n");
    }
    if scenario.makes_snapshots {
        properties.push_str("metadata.log.max.record.bytes.between.snapshots=2000\n");
    }
    let properties = Properties::parse(&properties).expect("the simulator's properties have no bad escape");
    BrokerConfig::load(&properties).expect("the simulator's configuration is one").0
}
