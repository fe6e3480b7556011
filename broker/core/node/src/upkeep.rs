//! What a node does apart from requests, now and then: checkpoints, retention, syncing by time, removal of what was
//! deleted, snapshots of the metadata.

use std::sync::Arc;

use ottla_commit_log::{Act, FileError, FileFault, Files, FlushWork, Log};
use ottla_config::BrokerConfig;
use ottla_vocabulary::{Duration, Instant, Now};

use crate::node::Node;
use crate::partition::Partition;

/// When each kind of work is next due.
#[derive(Debug)]
pub(crate) struct Upkeep {
    checkpoint: Instant,
    high_watermarks: Instant,
    log_starts: Instant,
    producers: Instant,
    retention: Instant,
    removal: Instant,
    /// When a snapshot of the metadata is due by time; `None` for never.
    snapshot: Option<Instant>,
    /// Folders of deleted partitions, by directory, each with the time from which it may go.
    doomed: Vec<(usize, String)>,
}

/// What is due of it.
#[derive(Debug)]
struct Work {
    checkpoint: bool,
    high_watermarks: bool,
    log_starts: bool,
    producers: bool,
    retention: bool,
    snapshot: bool,
    removal: bool,
    doomed: Vec<(usize, String)>,
}

/// Which checkpoints to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checkpoint {
    All,
    HighWatermarks,
    LogStarts,
}

/// Kafka waits `file.delete.delay.ms` before it removes a deleted partition's folder; readers that are sending from its
/// files hold them open here, so it need not be that long.
const REMOVAL_INTERVAL: Duration = Duration::from_secs(1);

/// How soon logs are synced again when a descriptor was lacking: connections may have ended by then.
const FLUSH_AGAIN: Duration = Duration::from_secs(1);

impl Upkeep {
    pub(crate) fn new(config: &BrokerConfig, now: Instant) -> Upkeep {
        Upkeep {
            checkpoint: now + config.log.recovery_point_interval,
            high_watermarks: now + config.replication.high_watermark_interval,
            log_starts: now + config.log.start_offset_interval,
            producers: now + config.producers.id_expiration_check_interval,
            retention: now + config.log.initial_task_delay,
            removal: now + REMOVAL_INTERVAL,
            snapshot: config.quorum.snapshot_interval.map(|interval| now + interval),
            doomed: Vec::new(),
        }
    }

    /// Notes a folder that is to be removed.
    pub(crate) fn doom(&mut self, directory: usize, folder: String) {
        self.doomed.push((directory, folder));
    }
}

impl<F: Files> Node<F> {
    /// Whether [`Node::upkeep`] has something to do.
    pub fn upkeep_due(&self, now: Instant) -> bool {
        let upkeep = self.upkeep.lock();
        let others = [upkeep.checkpoint, upkeep.high_watermarks, upkeep.log_starts, upkeep.producers, upkeep.retention];
        upkeep.removal <= now || others.iter().any(|due| *due <= now)
    }

    /// Does what is due. May take as long as a disk does.
    pub fn upkeep(&self, now: Now) {
        let config = self.config.load_full();
        let is_due = |due: &mut Instant, interval: Duration| {
            let is_due = *due <= now.instant;
            if is_due {
                *due = now.instant + interval;
            }
            is_due
        };
        let due = {
            let mut upkeep = self.upkeep.lock();
            let upkeep = &mut *upkeep;
            let removal = is_due(&mut upkeep.removal, REMOVAL_INTERVAL);
            Work {
                checkpoint: is_due(&mut upkeep.checkpoint, config.log.recovery_point_interval),
                high_watermarks: is_due(&mut upkeep.high_watermarks, config.replication.high_watermark_interval),
                log_starts: is_due(&mut upkeep.log_starts, config.log.start_offset_interval),
                producers: is_due(&mut upkeep.producers, config.producers.id_expiration_check_interval),
                retention: is_due(&mut upkeep.retention, config.log.retention_check_interval),
                snapshot: match (&mut upkeep.snapshot, config.quorum.snapshot_interval) {
                    (Some(due), Some(interval)) => is_due(due, interval),
                    _ => false,
                },
                removal,
                doomed: if removal { std::mem::take(&mut upkeep.doomed) } else { Vec::new() },
            }
        };
        if due.removal {
            self.place_unopened(now);
        }
        self.remove(due.doomed);
        while self.coordinators.load_one(now) {
            self.note_deadline(); // its members' sessions are watched from now on
        }
        self.note_deadline(); // whoever looked for deadlines just now passed over what was in hand here
        if due.producers {
            for partition in self.all_partitions() {
                if let Some(log) = &mut partition.lock().log {
                    log.expire_producers(now.wall);
                }
            }
        }
        if due.retention {
            self.retain(now);
        }
        self.flush_rolled_and_late(now);
        self.snapshot_if_due(now, due.snapshot);
        if due.checkpoint {
            self.flush_all(now.instant);
            self.checkpoint(Checkpoint::All);
        } else {
            if due.high_watermarks {
                self.checkpoint(Checkpoint::HighWatermarks);
            }
            if due.log_starts {
                self.checkpoint(Checkpoint::LogStarts);
            }
        }
    }

    /// Removes the folders of deleted partitions. What only lacked a descriptor is tried again; what cannot be removed is
    /// found by the next start.
    fn remove(&self, doomed: Vec<(usize, String)>) {
        for (place, folder) in doomed {
            let mut directories = self.directories.lock();
            let Some(directory) = directories.get_mut(place) else { continue };
            let Err(error) = directory.remove_deleted(&folder) else { continue };
            drop(directories);
            tracing::error!("remove a deleted partition: {error}");
            if error.act == Act::Sync {
                self.healths[place].on_refusal(&error); // what is not removed harms nobody, what is not synced does
            }
            if error.fault == FileFault::Descriptors {
                self.upkeep.lock().doom(place, folder);
            }
        }
    }

    fn retain(&self, now: Now) {
        for partition in self.writable_partitions() {
            let mut state = partition.lock();
            let Some(log) = &mut state.log else { continue };
            let retained = log.retain(now).and_then(|removed| log.remove_doomed(now).map(|_| removed));
            log.rest();
            match retained {
                Ok(0) => {}
                Ok(removed) => tracing::info!(partition = %partition.name, segments = removed, "removed old segments"),
                Err(error) => {
                    tracing::error!(partition = %partition.name, "remove old segments: {error}");
                    partition.health.on_refusal(&error);
                }
            }
        }
    }

    /// Those whose directory has not failed: of the others nothing is to be hoped, and it was said once.
    fn writable_partitions(&self) -> Vec<Arc<Partition<F>>> {
        let mut partitions = self.all_partitions();
        partitions.retain(|partition| partition.health.failure().is_none());
        partitions
    }

    /// Syncs segments that are full, and logs whose `flush.ms` is over.
    fn flush_rolled_and_late(&self, now: Now) {
        for partition in self.writable_partitions() {
            let flush_ms = partition.settings.load().flush_ms;
            let work = {
                let mut state = partition.lock();
                let is_late = state.is_flush_late(flush_ms, now.instant);
                let rolled = std::mem::take(&mut state.rolled);
                let Some(log) = &mut state.log else { continue };
                match (is_late, rolled) {
                    (true, _) => log.begin_flush(),
                    (false, true) => log.begin_flush_of_rolled(),
                    (false, false) => continue,
                }
            };
            self.flush(&partition, work, now.instant);
        }
    }

    fn flush_all(&self, now: Instant) {
        for partition in self.writable_partitions() {
            let work = partition.lock().log.as_mut().map_or(Ok(None), Log::begin_flush);
            self.flush(&partition, work, now);
        }
    }

    /// Syncs outside of the partition's lock. What only lacked a descriptor is tried again soon, with everything else.
    fn flush(&self, partition: &Partition<F>, work: Result<Option<FlushWork<F>>, FileError>, now: Instant) {
        let finished = work.and_then(|work| {
            let Some(work) = work else { return Ok(()) };
            let outcome = work.run();
            partition.lock().log.as_mut().map_or(Ok(()), |log| log.finish_flush(outcome))
        });
        let Err(error) = finished else { return };
        tracing::error!(partition = %partition.name, "sync the log: {error}");
        partition.health.on_refusal(&error);
        if error.fault == FileFault::Descriptors {
            let mut upkeep = self.upkeep.lock();
            upkeep.checkpoint = upkeep.checkpoint.min(now + FLUSH_AGAIN);
        }
    }

    /// Writes down how far each log is on disk, so that a start after a crash looks only at what came later.
    fn checkpoint(&self, which: Checkpoint) {
        let partitions = self.all_partitions();
        let mut directories = self.directories.lock();
        for ((place, directory), health) in directories.iter_mut().enumerate().zip(&self.healths) {
            if health.failure().is_some() {
                continue;
            }
            let mine = partitions.iter().filter(|partition| partition.directory == place);
            let positions: Vec<(&Partition<F>, _)> = mine
                .filter_map(|partition| {
                    let positions = partition.lock().log.as_ref().map(Log::positions);
                    Some((partition.as_ref(), positions?))
                })
                .collect();
            let told = positions.iter().map(|(partition, positions)| (&partition.name, *positions));
            let written = match which {
                Checkpoint::All => directory.checkpoint(told),
                Checkpoint::HighWatermarks => directory.checkpoint_high_watermarks(told),
                Checkpoint::LogStarts => directory.checkpoint_log_starts(told),
            };
            if let Err(error) = written {
                tracing::error!("checkpoint the logs: {error}");
                health.on_refusal(&error);
            } else if which == Checkpoint::All {
                for (partition, positions) in positions {
                    if let Some(log) = partition.lock().log.as_mut() {
                        log.on_recovery_point_checkpointed(positions.recovery_point);
                    }
                }
            }
        }
    }
}
