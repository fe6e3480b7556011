//! What a node does apart from requests, now and then: checkpoints, retention, syncing by time, removal of what was
//! deleted, snapshots of the metadata.

use ottla_commit_log::Files;
use ottla_config::BrokerConfig;
use ottla_vocabulary::{Duration, Instant, Now, TopicPartition};

use crate::node::Node;

/// When each kind of work is next due.
#[derive(Debug)]
pub(crate) struct Upkeep {
    checkpoint: Instant,
    retention: Instant,
    removal: Instant,
    /// When a snapshot of the metadata is due by time; `None` for never.
    snapshot: Option<Instant>,
    /// Folders of deleted partitions, by directory, each with the time from which it may go.
    doomed: Vec<(usize, String)>,
}

/// Kafka waits `file.delete.delay.ms` before it removes a deleted partition's folder; readers that are sending from its
/// files hold them open here, so it need not be that long.
const REMOVAL_INTERVAL: Duration = Duration::from_secs(1);

impl Upkeep {
    pub(crate) fn new(config: &BrokerConfig, now: Instant) -> Upkeep {
        Upkeep {
            checkpoint: now + config.log.recovery_point_interval,
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
        upkeep.checkpoint <= now || upkeep.retention <= now || upkeep.removal <= now
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
        let (checkpoint, retention, snapshot, doomed) = {
            let mut upkeep = self.upkeep.lock();
            let upkeep = &mut *upkeep;
            let removal = is_due(&mut upkeep.removal, REMOVAL_INTERVAL);
            (
                is_due(&mut upkeep.checkpoint, config.log.recovery_point_interval),
                is_due(&mut upkeep.retention, config.log.retention_check_interval),
                match (&mut upkeep.snapshot, config.quorum.snapshot_interval) {
                    (Some(due), Some(interval)) => is_due(due, interval),
                    _ => false,
                },
                if removal { std::mem::take(&mut upkeep.doomed) } else { Vec::new() },
            )
        };
        for (directory, folder) in doomed {
            let mut directories = self.directories.lock();
            if let Some(directory) = directories.get_mut(directory)
                && let Err(error) = directory.remove_deleted(&folder)
            {
                tracing::error!("remove a deleted partition: {error}");
            }
        }
        while self.coordinators.load_one(now) {
            self.note_deadline(); // its members' sessions are watched from now on
        }
        if retention {
            self.retain(now);
        }
        self.flush_rolled_and_late(now);
        self.snapshot_if_due(now, snapshot);
        if checkpoint && let Err(error) = self.checkpoint() {
            tracing::error!("checkpoint the logs: {error}");
        }
    }

    fn retain(&self, now: Now) {
        for partition in self.all_partitions() {
            let mut state = partition.lock();
            let Some(log) = &mut state.log else { continue };
            log.expire_producers(now.wall);
            let retained = log.retain(now).and_then(|removed| log.remove_doomed(now).map(|_| removed));
            log.rest();
            match retained {
                Ok(0) => {}
                Ok(removed) => tracing::info!(partition = %partition.name, segments = removed, "removed old segments"),
                Err(error) => tracing::error!(partition = %partition.name, "remove old segments: {error}"),
            }
        }
    }

    /// Syncs segments that are full, and logs whose `flush.ms` is over; outside of the partitions' locks.
    fn flush_rolled_and_late(&self, now: Now) {
        for partition in self.all_partitions() {
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
            let finished = work.and_then(|work| {
                let Some(work) = work else { return Ok(()) };
                let outcome = work.run();
                let mut state = partition.lock();
                state.log.as_mut().map_or(Ok(()), |log| log.finish_flush(outcome))
            });
            if let Err(error) = finished {
                tracing::error!(partition = %partition.name, "sync the log: {error}");
            }
        }
    }

    /// Writes down how far each log is on disk, so that a start after a crash looks only at what came later.
    fn checkpoint(&self) -> Result<(), ottla_commit_log::FileError> {
        let partitions = self.all_partitions();
        for partition in &partitions {
            let work = match partition.lock().log.as_mut() {
                Some(log) => log.begin_flush()?,
                None => None,
            };
            if let Some(work) = work {
                let outcome = work.run();
                if let Some(log) = partition.lock().log.as_mut() {
                    log.finish_flush(outcome)?;
                }
            }
        }
        let mut directories = self.directories.lock();
        for (place, directory) in directories.iter_mut().enumerate() {
            let mut positions: Vec<(TopicPartition, _)> = Vec::new();
            for partition in partitions.iter().filter(|partition| partition.directory == place) {
                if let Some(log) = &partition.lock().log {
                    positions.push((partition.name.clone(), log.positions()));
                }
            }
            directory.checkpoint(positions.iter().map(|(name, positions)| (name, *positions)))?;
            for partition in partitions.iter().filter(|partition| partition.directory == place) {
                let written = positions.iter().find(|(name, _)| *name == partition.name);
                if let (Some((_, positions)), Some(log)) = (written, partition.lock().log.as_mut()) {
                    log.on_recovery_point_checkpointed(positions.recovery_point);
                }
            }
        }
        Ok(())
    }
}
