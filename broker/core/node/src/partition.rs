//! One partition that lies here: its log behind a lock, and what of the metadata its leader must know.
//!
//! The task of the connection that wants something takes the lock; there is no hop to another task on the way of a
//! produce. What needs no log (checking and unpacking a batch) is done before the lock is taken. Every way in compares
//! the leader epoch that the client knows with the partition's.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ottla_api::fetch::{Read, Wish};
use ottla_api::list_offsets::{Found, Isolation, Question, Target};
use ottla_api::produce::{Acks, NotWritten, Written};
use ottla_commit_log::{
    AppendError, DeleteRecordsError, FileError, Files, Log, NewBatch, Origin, ProducerRefusal, ReadError, ReadLimits,
    SpanOf,
};
use ottla_records::{Decompressor, ProduceRules, Refusal, validate_produce};
use ottla_vocabulary::{Duration, Instant, LeaderEpoch, NodeId, Now, Offset, PartitionIndex, TopicPartition};
use ottla_wire::ErrorCode;
use ottla_wire::describe_producers_response::ProducerState;
use parking_lot::{Mutex, MutexGuard};

use crate::counts::TrafficCounts;
use crate::directory_health::DirectoryHealth;
use crate::parked::Parked;
use crate::settings::TopicSettings;

/// A partition of which this node keeps a replica.
#[derive(Debug)]
pub(crate) struct Partition<F: Files> {
    pub(crate) name: TopicPartition,
    /// In which of the node's log directories it lies.
    pub(crate) directory: usize,
    pub(crate) health: Arc<DirectoryHealth>,
    pub(crate) settings: ArcSwap<TopicSettings>,
    pub(crate) counts: Arc<TrafficCounts>,
    state: Mutex<State<F>>,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct State<F: Files> {
    /// Gone once the partition was deleted, or closed for the end.
    pub(crate) log: Option<Log<F>>,
    role: Role,
    /// Fetches that wait for records of this partition.
    pub(crate) waiting: Vec<Arc<Parked<F>>>,
    /// Records since the last sync, for `flush.messages`.
    unsynced_records: i64,
    /// Since when there are such.
    unsynced_since: Option<Instant>,
    pub(crate) rolled: bool,
}

/// What the image says of the partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Role {
    pub(crate) leader: Option<NodeId>,
    pub(crate) is_leader: bool,
    pub(crate) epoch: LeaderEpoch,
    pub(crate) in_sync: usize,
    pub(crate) replicas: usize,
}

impl Role {
    pub(crate) fn of(own: NodeId, partition: &ottla_metadata::image::Partition) -> Role {
        Role {
            leader: partition.leader,
            is_leader: partition.leader == Some(own),
            epoch: partition.leader_epoch,
            in_sync: partition.isr.len(),
            replicas: partition.replicas.len(),
        }
    }

    /// Whether a client that knows this epoch may be served here.
    fn check(&self, known: LeaderEpoch) -> Result<(), ErrorCode> {
        if known != LeaderEpoch::NONE && known < self.epoch {
            return Err(ErrorCode::FencedLeaderEpoch);
        }
        if self.epoch < known {
            return Err(ErrorCode::UnknownLeaderEpoch);
        }
        if self.is_leader { Ok(()) } else { Err(ErrorCode::NotLeaderOrFollower) }
    }
}

/// The fetches that may now have enough.
pub(crate) type Woken<F> = Vec<Arc<Parked<F>>>;

/// A batch that went into the log.
struct Appended<F: Files> {
    written: Written,
    records: u64,
    waiting: Woken<F>,
}

impl<F: Files> Partition<F> {
    pub(crate) fn new(
        name: TopicPartition,
        (directory, health): (usize, Arc<DirectoryHealth>),
        settings: TopicSettings,
        counts: Arc<TrafficCounts>,
        log: Log<F>,
        role: Role,
    ) -> Partition<F> {
        let mut log = log;
        advance_alone(&mut log, &role);
        // After an unclean stop the log's end was found and not synced.
        let unsynced_records = log.log_end().0 - log.recovery_point().0;
        let state =
            State { log: Some(log), role, waiting: Vec::new(), unsynced_records, unsynced_since: None, rolled: false };
        Partition {
            name,
            directory,
            health,
            settings: ArcSwap::from_pointee(settings),
            counts,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn index(&self) -> PartitionIndex {
        self.name.partition
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.state.lock()
    }

    /// Follows the image; answers the fetches that may now have enough, or be refused.
    pub(crate) fn set_role(&self, role: Role) -> Woken<F> {
        let mut state = self.lock();
        if let Some(log) = &mut state.log {
            advance_alone(log, &role);
        }
        state.role = role;
        state.waiting.clone()
    }

    /// Follows the topic's configuration.
    pub(crate) fn set_settings(&self, settings: TopicSettings) {
        if let Some(log) = &mut self.lock().log {
            log.set_settings(Arc::clone(&settings.log));
        }
        self.settings.store(Arc::new(settings));
    }

    /// Appends one batch; also answers the fetches that may now have enough.
    pub(crate) fn produce(
        &self,
        bytes: &[u8],
        version: i16,
        acks: Acks,
        now: Now,
        decompressor: &mut Decompressor,
    ) -> (Result<Written, NotWritten>, Vec<Arc<Parked<F>>>) {
        let settings = self.settings.load();
        let rules = ProduceRules { produce_version: version, ..settings.rules };
        let appended = match validate_produce(bytes, &rules, now.wall, decompressor) {
            Ok(valid) => {
                let batch = NewBatch { header: valid.header, records: &valid.records };
                self.append(batch, &settings, acks, now)
            }
            Err(refusal) => Err(refused(&refusal, &self.name)),
        };
        match appended {
            Ok(appended) => {
                self.counts.produced(bytes.len() as u64, appended.records);
                (Ok(appended.written), appended.waiting)
            }
            Err(error) => {
                self.counts.produce_failed(bytes.len() as u64);
                (Err(error), Vec::new())
            }
        }
    }

    fn append(
        &self,
        batch: NewBatch<'_>,
        settings: &TopicSettings,
        acks: Acks,
        now: Now,
    ) -> Result<Appended<F>, NotWritten> {
        let mut guard = self.lock();
        let state = &mut *guard;
        if !state.role.is_leader {
            let leader = state.role.leader.map(|leader| (leader, state.role.epoch));
            return Err(NotWritten { leader, ..ErrorCode::NotLeaderOrFollower.into() });
        }
        let in_sync_min = settings.in_sync_min.min(state.role.replicas);
        if acks == Acks::All && state.role.in_sync < in_sync_min {
            return Err(ErrorCode::NotEnoughReplicas.into());
        }
        self.check_writable()?;
        let epoch = state.role.epoch;
        let log = state.log.as_mut().ok_or(ErrorCode::NotLeaderOrFollower)?;
        let log_start = log.log_start();
        let count = i64::from(batch.header.records_count);
        let appended =
            log.append(batch, epoch, Origin::Client, now).map_err(|error| self.not_appended(&error, log_start))?;
        let append_time = match settings.rules.timestamp_type {
            ottla_records::TimestampType::LogAppendTime => appended.duplicate_of.unwrap_or(now.wall),
            ottla_records::TimestampType::CreateTime => ottla_vocabulary::Timestamp::NONE,
        };
        let written = Written { base_offset: appended.base_offset, append_time, log_start };
        // A repeated batch is acknowledged like the first one, which may not have been synced and shown: the disk did not do
        // it then, or the process before this one did not live to do it.
        let count = if appended.duplicate_of.is_some() { 0 } else { count };
        state.rolled |= appended.rolled;
        state.sync_if_due(count, settings.flush_messages, now).map_err(|error| self.refused(&error))?;
        state.expose();
        Ok(Appended { written, records: count as u64, waiting: state.waiting.clone() })
    }

    /// Appends what a coordinator on this node keeps, if the partition is led here in its epoch; gives the first offset,
    /// and the fetches that may now have enough.
    pub(crate) fn append_own(
        &self,
        batch: NewBatch<'_>,
        epoch: LeaderEpoch,
        now: Now,
    ) -> Result<(Offset, Woken<F>), ErrorCode> {
        let settings = self.settings.load();
        let mut guard = self.lock();
        let state = &mut *guard;
        if !state.role.is_leader || state.role.epoch != epoch {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        if state.role.in_sync < settings.in_sync_min.min(state.role.replicas) {
            return Err(ErrorCode::NotEnoughReplicas);
        }
        self.check_writable()?;
        let log = state.log.as_mut().ok_or(ErrorCode::NotLeaderOrFollower)?;
        let log_start = log.log_start();
        let count = i64::from(batch.header.records_count);
        let appended = log.append(batch, epoch, Origin::Coordinator, now);
        let appended = appended.map_err(|error| self.not_appended(&error, log_start).code)?;
        state.rolled |= appended.rolled;
        state.sync_if_due(count, settings.flush_messages, now).map_err(|error| self.refused(&error).code)?;
        state.expose();
        Ok((appended.base_offset, state.waiting.clone()))
    }

    /// Reads from one partition.
    pub(crate) fn fetch(
        &self,
        wish: &Wish,
        isolation: Isolation,
        bytes_max: u32,
        at_least_one: bool,
    ) -> (Read, Option<SpanOf<F>>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        if let Err(code) = state.role.check(wish.current_epoch) {
            let tells_leader = matches!(code, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch);
            let leader = state.role.leader.filter(|_| tells_leader).map(|leader| (leader, state.role.epoch));
            return (Read { leader, ..Read::failed(code) }, None);
        }
        let Some(log) = &mut state.log else { return (Read::failed(ErrorCode::NotLeaderOrFollower), None) };
        read(log, wish, isolation, bytes_max, at_least_one)
            .unwrap_or_else(|error| (Read::failed(read_code(&error, &self.name)), None))
    }

    /// Looks an offset up.
    pub(crate) fn list_offset(&self, isolation: Isolation, question: Question) -> Result<Found, ErrorCode> {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.role.check(question.current_epoch)?;
        let epoch = state.role.epoch;
        let log = state.log.as_mut().ok_or(ErrorCode::NotLeaderOrFollower)?;
        let end = match isolation {
            Isolation::ReadUncommitted => log.high_watermark(),
            Isolation::ReadCommitted => log.last_stable_offset(),
        };
        let at = |offset: Offset, epoch: LeaderEpoch| Found { offset, epoch, ..Found::NOTHING };
        let of_record = |log: &Log<F>, found: Option<ottla_commit_log::TimestampOffset>| match found {
            Some(found) if found.offset < end => Found {
                offset: found.offset,
                timestamp: found.timestamp,
                epoch: log.epoch_of(found.offset).unwrap_or(LeaderEpoch::NONE),
            },
            _ => Found::NOTHING,
        };
        match question.target {
            Target::Latest => Ok(at(end, epoch)),
            Target::Earliest | Target::EarliestLocal => {
                let start = log.log_start();
                Ok(at(start, log.epoch_of(start).unwrap_or(LeaderEpoch::NONE)))
            }
            Target::LatestTiered | Target::EarliestPendingUpload => Ok(Found::NOTHING),
            Target::Time(time) => {
                let found = log.offset_for_time(time).map_err(|error| read_code(&error, &self.name))?;
                Ok(of_record(log, found))
            }
            Target::MaxTimestamp => {
                let found = log.offset_of_max_timestamp().map_err(|error| read_code(&error, &self.name))?;
                Ok(of_record(log, found))
            }
        }
    }

    /// Moves the log's start up; −1 is the high watermark.
    pub(crate) fn delete_records(&self, before: Offset) -> Result<Offset, ErrorCode> {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.role.check(LeaderEpoch::NONE)?;
        let log = state.log.as_mut().ok_or(ErrorCode::NotLeaderOrFollower)?;
        if !log.settings().cleanup_deletes && self.settings.load().rules.is_compacted {
            return Err(ErrorCode::PolicyViolation);
        }
        self.check_writable()?;
        let before = if before == Offset::NONE { log.high_watermark() } else { before };
        log.delete_records(before).map_err(|error| match error {
            DeleteRecordsError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
            DeleteRecordsError::Storage(error) => self.refused(&error).code,
        })
    }

    /// Where an epoch ended.
    pub(crate) fn epoch_end(
        &self,
        known: LeaderEpoch,
        epoch: LeaderEpoch,
    ) -> Result<Option<(LeaderEpoch, Offset)>, ErrorCode> {
        let guard = self.lock();
        guard.role.check(known)?;
        let log = guard.log.as_ref().ok_or(ErrorCode::NotLeaderOrFollower)?;
        if epoch == guard.role.epoch {
            return Ok(Some((epoch, log.log_end())));
        }
        Ok(log.epoch_end_offset(epoch))
    }

    /// Who writes with idempotence or transactions.
    pub(crate) fn producers(&self) -> Result<Vec<ProducerState>, ErrorCode> {
        let guard = self.lock();
        guard.role.check(LeaderEpoch::NONE)?;
        let log = guard.log.as_ref().ok_or(ErrorCode::NotLeaderOrFollower)?;
        let told = log.producers().producers().map(|(id, entry)| ProducerState {
            producer_id: id.0,
            producer_epoch: i32::from(entry.epoch.0),
            last_sequence: entry.last_sequence().0,
            last_timestamp: entry.last_timestamp.0,
            coordinator_epoch: entry.coordinator_epoch,
            current_txn_start_offset: entry.transaction_start.map_or(-1, |start| start.0),
        });
        Ok(told.collect())
    }
}

/// Disks that refuse.
impl<F: Files> Partition<F> {
    /// Nothing is written to a directory whose disk failed.
    fn check_writable(&self) -> Result<(), ErrorCode> {
        self.health.failure().map_or(Ok(()), |_| Err(ErrorCode::KafkaStorageError))
    }

    fn refused(&self, error: &FileError) -> NotWritten {
        tracing::error!(partition = %self.name, "{error}");
        self.health.on_refusal(error);
        ErrorCode::KafkaStorageError.into()
    }

    fn not_appended(&self, error: &AppendError, log_start: Offset) -> NotWritten {
        let code = match error {
            AppendError::Storage(error) => return self.refused(error),
            AppendError::Producer(refusal) => match refusal {
                ProducerRefusal::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
                ProducerRefusal::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
                ProducerRefusal::InvalidTransactionState { .. } => ErrorCode::InvalidTxnState,
                ProducerRefusal::CoordinatorFenced { .. } => ErrorCode::TransactionCoordinatorFenced,
            },
            AppendError::LargerThanSegment { .. } => ErrorCode::RecordListTooLarge,
            AppendError::Batch(_) | AppendError::UnexpectedOffset { .. } => ErrorCode::CorruptMessage,
        };
        NotWritten { message: Some(error.to_string()), log_start: Some(log_start), ..code.into() }
    }
}

impl<F: Files> State<F> {
    /// Counts records that were appended, and syncs the log when so many are due. In this mode an acknowledgement says that
    /// the records are on disk, so it waits for the disk.
    fn sync_if_due(&mut self, appended: i64, flush_messages: i64, now: Now) -> Result<(), FileError> {
        self.unsynced_records += appended;
        if self.unsynced_records == 0 {
            return Ok(());
        }
        self.unsynced_since.get_or_insert(now.instant);
        if self.unsynced_records < flush_messages {
            return Ok(());
        }
        self.log.as_mut().map_or(Ok(()), Log::flush)?;
        (self.unsynced_records, self.unsynced_since) = (0, None);
        Ok(())
    }

    /// Lets what was appended be read, if nobody else must have it before. Comes after the sync: what was read stays.
    fn expose(&mut self) {
        if let Some(log) = &mut self.log {
            advance_alone(log, &self.role);
        }
    }

    /// Whether records are unsynced for longer than `flush.ms` allows; whoever asks then syncs them.
    pub(crate) fn is_flush_late(&mut self, flush_ms: i64, now: Instant) -> bool {
        let allowed = Duration::from_millis(u64::try_from(flush_ms).unwrap_or(u64::MAX));
        let is_late = self.unsynced_since.is_some_and(|since| allowed <= now.since(since));
        if is_late {
            self.unsynced_records = 0;
            self.unsynced_since = None;
        }
        is_late
    }

    pub(crate) fn role(&self) -> &Role {
        &self.role
    }
}

/// Who is in sync all alone has everything that is in sync; but a log that failed may end with records that were refused.
fn advance_alone<F: Files>(log: &mut Log<F>, role: &Role) {
    if role.is_leader && role.in_sync == 1 && log.failure().is_none() {
        log.advance_high_watermark(log.log_end());
    }
}

fn read<F: Files>(
    log: &mut Log<F>,
    wish: &Wish,
    isolation: Isolation,
    bytes_max: u32,
    at_least_one: bool,
) -> Result<(Read, Option<SpanOf<F>>), ReadError> {
    let last_stable = log.last_stable_offset();
    let mut told =
        Read { high_watermark: log.high_watermark(), last_stable, log_start: log.log_start(), ..Read::default() };
    if wish.last_fetched_epoch != LeaderEpoch::NONE {
        let Some((epoch, end)) = log.epoch_end_offset(wish.last_fetched_epoch) else {
            return Ok((Read::failed(ErrorCode::OffsetOutOfRange), None));
        };
        if epoch < wish.last_fetched_epoch || end < wish.offset {
            told.diverging = Some((epoch, end));
            return Ok((told, None));
        }
    }
    let upper_bound = match isolation {
        Isolation::ReadUncommitted => told.high_watermark,
        Isolation::ReadCommitted => last_stable,
    };
    let limits = ReadLimits { upper_bound, bytes_max: bytes_max.min(wish.bytes_max), at_least_one };
    let span = log.read(wish.offset, limits)?;
    if isolation == Isolation::ReadCommitted {
        let aborted = match &span {
            Some(_) => log.aborted_transactions(wish.offset, upper_bound)?,
            None => Vec::new(),
        };
        told.aborted = Some(aborted.iter().map(|aborted| (aborted.producer.0, aborted.first_offset)).collect());
    }
    told.length = span.as_ref().map_or(0, |span| span.length);
    Ok((told, span))
}

fn read_code(error: &ReadError, name: &TopicPartition) -> ErrorCode {
    match error {
        ReadError::OutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        ReadError::Storage(error) => {
            tracing::error!(partition = %name, "{error}");
            ErrorCode::KafkaStorageError
        }
        ReadError::Corrupt { .. } => {
            tracing::error!(partition = %name, "{error}");
            ErrorCode::CorruptMessage
        }
    }
}

fn refused(refusal: &Refusal, name: &TopicPartition) -> NotWritten {
    let records = refusal.records.iter().map(|record| (record.index, record.message(name))).collect();
    let message = refusal.message(name);
    // The one who must find the client that sends such batches reads this log, not the client's.
    tracing::info!(partition = %name, "refused a batch: {message}");
    NotWritten {
        code: ErrorCode::from_code(refusal.rejection().code()),
        message: Some(message),
        records,
        ..NotWritten::default()
    }
}
