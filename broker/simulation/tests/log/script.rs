//! Random acts on a log, done to it and to its model.

use std::path::Path;
use std::sync::Arc;

use ottla_commit_log::{AppendError, Log, LogDirectory, LogSettings, NewBatch, Origin, TruncateError};
use ottla_records::control::control_batch;
use ottla_records::{
    BatchBuilder, BatchHeader, BatchOptions, BatchView, Codec, Compression, ControlRecordType, EndTransactionMarker,
};
use ottla_simulation::{Random, SimulatedDisk};
use ottla_vocabulary::{
    BrokerEpoch, Duration, Instant, LeaderEpoch, Map, Now, Offset, PartitionIndex, ProducerEpoch, ProducerId, Sequence,
    Timestamp, TopicId, TopicName, TopicPartition, Uuid,
};

use crate::check::contents;
use crate::model::{Model, ModelBatch};

const ACTS: usize = 40;

pub(crate) fn partition() -> TopicPartition {
    TopicPartition::new(TopicName::new("flights").unwrap(), PartitionIndex(0))
}

pub(crate) fn settings() -> Arc<LogSettings> {
    Arc::new(LogSettings {
        segment_bytes: 3000,
        index_interval_bytes: 300,
        index_bytes_max: 120,
        retention_ms: -1,
        retention_bytes: 6000,
        file_delete_delay: Duration::from_millis(5),
        ..LogSettings::default()
    })
}

/// A log directory with its one log.
pub(crate) struct Machine {
    pub(crate) directory: LogDirectory<SimulatedDisk>,
    pub(crate) log: Log<SimulatedDisk>,
    pub(crate) recovery: ottla_commit_log::Recovery,
}

impl Machine {
    /// Opens what is on a disk; `None` when the disk refuses.
    pub(crate) fn start(disk: &SimulatedDisk) -> Option<Machine> {
        let mut directory = LogDirectory::open(disk.clone(), Path::new("/data")).ok()?;
        let exists = directory.partitions().iter().any(|found| found.partition == partition());
        let (log, recovery) = if exists {
            directory.open_log(&partition(), settings(), now(0)).ok()?
        } else {
            let log = directory.create_log(&partition(), TopicId(Uuid::ONE), settings(), now(0)).ok()?;
            (log, ottla_commit_log::Recovery::default())
        };
        Some(Machine { directory, log, recovery })
    }

    pub(crate) fn checkpoint(&mut self) -> bool {
        let positions = self.log.positions();
        let written = self.directory.checkpoint([(&partition(), positions)]).is_ok();
        if written {
            self.log.on_recovery_point_checkpointed(positions.recovery_point);
        }
        written
    }

    /// A clean stop; `None` when it was none.
    pub(crate) fn stop(self) -> Option<()> {
        let Machine { directory, mut log, .. } = self;
        let end = log.log_end();
        log.advance_high_watermark(end);
        let mut positions = log.positions();
        positions.recovery_point = log.close(now(0)).ok()?;
        directory.close([(&partition(), positions)], BrokerEpoch(1)).ok()
    }
}

pub(crate) fn now(millis: u64) -> Now {
    Now { instant: Instant::from_millis(millis), wall: Timestamp(1_000_000 + millis as i64) }
}

/// Does a seed's acts until they are done or the disk is without power.
pub(crate) fn run(disk: &SimulatedDisk, model: &mut Model, seed: u64) {
    let mut random = Random::new(seed);
    let mut world = World { random: random.fork(), producers: Map::default(), epoch: 0, generation: 0, millis: 0 };
    let Some(mut machine) = Machine::start(disk) else { return };
    for _ in 0..ACTS {
        if !disk.has_power() {
            return;
        }
        world.millis += world.random.below(4);
        machine = match world.act(disk, machine, model) {
            Some(machine) => machine,
            None => return,
        };
    }
}

struct World {
    random: Random,
    producers: Map<i64, Producer>,
    epoch: i32,
    generation: i64,
    millis: u64,
}

#[derive(Clone, Copy, Default)]
struct Producer {
    epoch: i16,
    sequence: i32,
    is_open: bool,
}

impl World {
    fn act(&mut self, disk: &SimulatedDisk, mut machine: Machine, model: &mut Model) -> Option<Machine> {
        match self.random.below(100) {
            0..55 => self.append(&mut machine.log, model),
            55..62 => self.append_replicated(&mut machine.log, model),
            62..65 => drop(machine.log.roll(now(self.millis))),
            65..73 => flush(&mut machine.log, model),
            73..76 => flush_of_rolled(&mut machine.log, model),
            76..81 => {
                let start = machine.log.log_start();
                if machine.checkpoint() {
                    model.durable_start = start;
                }
            }
            81..86 => self.truncate(&mut machine, model),
            86..87 => self.start_anew(&mut machine, model),
            87..90 => self.delete_records(&mut machine.log, model),
            90..94 => {
                let end = machine.log.log_end();
                machine.log.advance_high_watermark(Offset(end.0 - self.random.below(3) as i64));
                let _ = machine.log.retain(now(self.millis));
                let _ = machine.log.remove_doomed(now(self.millis));
                model.log_start = machine.log.log_start();
            }
            94..97 => {
                machine.log.rest();
            }
            97..99 => {
                let (start, end) = (machine.log.log_start(), machine.log.log_end());
                machine.stop()?;
                model.flushed_up_to(end);
                model.durable_start = start;
                model.alternatives.clear();
                return self.restart(disk, model);
            }
            _ => {
                drop(machine);
                return self.restart(disk, model);
            }
        }
        Some(machine)
    }

    /// Starts on the same disk: a process that was stopped or killed loses nothing.
    fn restart(&mut self, disk: &SimulatedDisk, model: &mut Model) -> Option<Machine> {
        let mut machine = Machine::start(disk)?;
        let start = machine.log.log_start();
        let found = contents(&mut machine.log, "restart");
        let is_as_left = model.batches.iter().filter(|batch| batch.header.next_offset() > start).eq(&found);
        // After a fault the log may be one of several, and which one only the check at the end finds out.
        assert!(is_as_left || disk.faults_met() > 0, "a restart finds another log");
        model.log_start = model.log_start.max(start);
        is_as_left.then_some(machine)
    }

    fn append(&mut self, log: &mut Log<SimulatedDisk>, model: &mut Model) {
        let base = log.log_end();
        let (bytes, origin) = self.batch();
        let view = BatchView::parse(&bytes).unwrap();
        let batch = NewBatch { header: *view.header(), records: view.records_bytes() };
        let placed = placed(view.header(), view.records_bytes(), base, self.epoch);
        match log.append(batch, LeaderEpoch(self.epoch), origin, now(self.millis)) {
            Ok(appended) => {
                assert_eq!(appended.base_offset, base);
                model.appended(placed);
            }
            Err(AppendError::Storage(_)) => self.failed(vec![placed], model),
            Err(error) => panic!("{error}"),
        }
    }

    fn append_replicated(&mut self, log: &mut Log<SimulatedDisk>, model: &mut Model) {
        let mut all = Vec::new();
        let mut sent = Vec::new();
        let mut base = log.log_end();
        for _ in 0..=self.random.below(3) {
            let (bytes, _) = self.batch();
            let view = BatchView::parse(&bytes).unwrap();
            // Compaction leaves gaps.
            base = Offset(base.0 + if self.random.percent(10) { 3 } else { 0 });
            let batch = placed(view.header(), view.records_bytes(), base, self.epoch);
            base = batch.header.next_offset();
            all.extend(&batch.bytes);
            sent.push(batch);
        }
        let part = [1, 20, 70][self.random.index(3)];
        let cut = sent[0].bytes[..part.min(sent[0].bytes.len() - 1)].to_vec();
        all.extend(cut);
        match log.append_replicated(&all, now(self.millis)) {
            Ok(_) => sent.into_iter().for_each(|batch| model.appended(batch)),
            Err(AppendError::Storage(_)) => self.failed(sent, model),
            Err(error) => panic!("{error}"),
        }
    }

    fn failed(&mut self, batches: Vec<ModelBatch>, model: &mut Model) {
        model.append_failed(batches);
        self.forget_producers();
    }

    /// What producers wrote last is not known any more, so from now on others write.
    fn forget_producers(&mut self) {
        self.generation += 1;
        self.producers.clear();
    }

    fn truncate(&mut self, machine: &mut Machine, model: &mut Model) {
        let (start, end) = (machine.log.log_start(), machine.log.log_end());
        let offset = Offset(end.0 - self.random.below((end.0 - start.0).max(1) as u64) as i64);
        if machine.log.lower_recovery_point(offset).is_err() {
            return;
        }
        if machine.directory.lower_recovery_points([(&partition(), &mut machine.log)]).is_err() {
            return;
        }
        model.truncating(offset);
        match machine.log.truncate_to(offset, now(self.millis)) {
            Ok(end) => assert!(model.log_end() <= end.max(model.log_start) && end <= offset, "cut to {end}"),
            Err(TruncateError::Storage(_)) => {}
            Err(error) => panic!("{error}"),
        }
        self.epoch += 1;
        self.forget_producers();
    }

    fn start_anew(&mut self, machine: &mut Machine, model: &mut Model) {
        let offset = Offset(machine.log.log_end().0 + 10);
        if machine.log.lower_recovery_point(Offset(0)).is_err() {
            return;
        }
        if machine.directory.lower_recovery_points([(&partition(), &mut machine.log)]).is_err() {
            return;
        }
        model.alternatives.push(model.batches.clone());
        model.batches.clear();
        (model.flushed, model.durable_start) = (Offset(0), Offset(0));
        let _ = machine.log.truncate_fully_and_start_at(offset, now(self.millis));
        model.log_start = offset;
        self.epoch += 1;
        self.forget_producers();
    }

    fn delete_records(&mut self, log: &mut Log<SimulatedDisk>, model: &mut Model) {
        let (start, end) = (log.log_start(), log.log_end());
        log.advance_high_watermark(end);
        let before = Offset(start.0 + self.random.below((end.0 - start.0 + 1) as u64) as i64);
        let _ = log.delete_records(before);
        model.log_start = log.log_start();
    }

    /// A batch of a random kind, and who writes it.
    fn batch(&mut self) -> (Vec<u8>, Origin) {
        let producer = self.random.below(4) as i64;
        let timestamp = 1_000_000 + self.millis as i64 - self.random.below(20) as i64;
        let state = self.producers.entry(producer).or_default();
        if state.is_open && self.random.percent(30) {
            state.is_open = false;
            let options = BatchOptions {
                producer_id: ProducerId(self.generation * 10 + producer),
                producer_epoch: ProducerEpoch(state.epoch),
                is_transactional: true,
                ..BatchOptions::default()
            };
            let kind = [ControlRecordType::Abort, ControlRecordType::Commit][self.random.index(2)];
            let value = EndTransactionMarker { coordinator_epoch: 1 }.to_bytes();
            return (control_batch(options, kind, Timestamp(timestamp), &value).unwrap(), Origin::Coordinator);
        }
        let mut options = BatchOptions::default();
        let count = 1 + self.random.below(4) as i32;
        if producer > 0 {
            if !state.is_open && self.random.percent(10) {
                (state.epoch, state.sequence) = (state.epoch + 1, 0);
            }
            options.producer_id = ProducerId(self.generation * 10 + producer);
            options.producer_epoch = ProducerEpoch(state.epoch);
            options.base_sequence = Sequence(state.sequence);
            options.is_transactional = producer > 2;
            state.is_open = options.is_transactional;
            state.sequence += count;
        }
        options.compression = [Compression::default(), Compression::new(Codec::Lz4)][self.random.index(2)];
        let mut builder = BatchBuilder::new(options);
        for place in 0..count {
            let length = 1 + self.random.below(120) as usize;
            let value: Vec<u8> = (0..length).map(|_| self.random.number() as u8).collect();
            builder.push(Timestamp(timestamp + i64::from(place)), None, Some(&value), &[]);
        }
        (builder.finish().unwrap(), Origin::Client)
    }
}

fn placed(header: &BatchHeader, records: &[u8], base: Offset, epoch: i32) -> ModelBatch {
    let header = BatchHeader { base_offset: base, partition_leader_epoch: LeaderEpoch(epoch), ..*header };
    ModelBatch { header, bytes: [&header.to_bytes()[..], records].concat() }
}

fn flush(log: &mut Log<SimulatedDisk>, model: &mut Model) {
    let end = log.log_end();
    if log.flush().is_ok() {
        assert_eq!(log.recovery_point(), end);
        model.flushed_up_to(end);
        model.alternatives.clear();
    } else {
        assert!(log.recovery_point() <= end);
    }
}

fn flush_of_rolled(log: &mut Log<SimulatedDisk>, model: &mut Model) {
    let Ok(Some(work)) = log.begin_flush_of_rolled() else { return };
    let up_to = work.up_to();
    if log.finish_flush(work.run()).is_ok() {
        model.flushed_up_to(up_to);
    }
}
