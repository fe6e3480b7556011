//! What goes wrong in a world, and which answers are excused by it.

use ottla_node::Stage;

use crate::disk::{DishonestSyncs, Fault};
use crate::model::{End, Kept};
use crate::scenario::Mutant;

use super::World;

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

impl World {
    pub(super) fn fault_rate(&self) -> u64 {
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
    pub(super) fn fault(&mut self) -> Kept {
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

    /// Lets the disk fail during a start too, now and then.
    pub(super) fn spoil_start(&mut self) {
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

    /// The disk that a mutant has.
    pub(super) fn lie(&self) {
        self.disk.set_dishonest(match self.scenario.mutant {
            Some(Mutant::SyncsAreLies) => Some(DishonestSyncs::Skipped("")),
            Some(Mutant::MetadataUnsynced) => Some(DishonestSyncs::Skipped("__cluster_metadata")),
            Some(Mutant::FoldersUnsynced) => Some(DishonestSyncs::OfFoldersSkipped),
            Some(Mutant::FailedSyncsRepeated) => Some(DishonestSyncs::FailuresHidden),
            _ => None,
        });
    }
}
