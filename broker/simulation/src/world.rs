//! A world: one node on a simulated disk, its clients, and what goes wrong, all on one thread and in virtual time.
//!
//! A step lets time pass, lets the disk catch up with the metadata log, lets a client ask, or lets a fault happen; the scenario's
//! seed chooses. After each step the answers that came are handed to their clients, who hold them against the model.
//! What goes wrong is in `faults`, how a process starts and ends in `process`, what clients do in
//! [`workload`](crate::workload), what answers may say in [`check`](crate::check).

mod faults;
mod process;

use std::sync::Arc;

use ottla_api::{Listener, ListenerRole, Peer};
use ottla_metadata::Image;
use ottla_node::{DescriptorOf, Handled, Node, Reply, Token};
use ottla_vocabulary::{Instant, Now, Principal, Timestamp};

use crate::broken;
use crate::disk::SimulatedDisk;
use crate::model::{End, Kept, Model, Violation};
use crate::random::Random;
use crate::scenario::Scenario;
use crate::trace::Trace;
use crate::workload::{Client, Question, Waiting};
use crate::{asking, workload};

pub use faults::Excuses;

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
