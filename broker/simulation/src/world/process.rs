//! The process of a world's node: how it starts, ends and is told to end.

use ottla_api::{AllowAll, FixedLoggers, NoQuotas};
use ottla_config::{BrokerConfig, Properties};
use ottla_node::{BootError, Node, Setup, format_if_new};

use crate::broken;
use crate::model::{End, Kept, Log};
use crate::scenario::{LONG_STALL_MS, Mutant, Scenario};

use super::{Excuses, World};

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

    pub(super) fn bury_the_dead(&mut self) -> Kept {
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
