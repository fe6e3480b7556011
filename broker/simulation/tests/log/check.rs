//! Compares a log that was found on a disk with what must be there.

use ottla_commit_log::{EpochHistory, Log, ReadLimits, TimestampOffset};
use ottla_records::{BatchHeader, BatchView, ControlRecordType, Decompressor, batches};
use ottla_simulation::SimulatedDisk;
use ottla_vocabulary::{Map, Offset, Timestamp};

use crate::model::{Model, ModelBatch};
use crate::script::Machine;

/// Opens the log and checks all that was promised of it; then goes on with it, stops cleanly and looks again.
pub(crate) fn check(disk: &SimulatedDisk, model: &Model, what: &str) {
    let mut machine = Machine::start(disk).unwrap_or_else(|| panic!("{what}: does not start"));
    let found = contents(&mut machine.log, what);
    check_promises(&machine.log, &found, model, what);
    check_lookups(&mut machine.log, &found, what);
    check_derived(&mut machine.log, &found, model, what);
    let end = machine.log.log_end();
    machine.stop().unwrap_or_else(|| panic!("{what}: does not stop"));

    let mut again = Machine::start(disk).unwrap();
    assert_eq!(again.recovery.segments_scanned, 0, "{what}: a clean stop");
    assert_eq!(again.log.log_end(), end, "{what}");
    assert_eq!(contents(&mut again.log, what), found, "{what}: after a clean stop");
    check_lookups(&mut again.log, &found, what);
    check_derived(&mut again.log, &found, model, what);
}

/// Only that what was acknowledged can be read after a restart.
pub(crate) fn check_readable(disk: &SimulatedDisk, model: &Model, what: &str) {
    let mut machine = Machine::start(disk).unwrap_or_else(|| panic!("{what}: does not start"));
    let found = contents(&mut machine.log, what);
    let is_all = model.histories().iter().any(|history| {
        let expected = from(history, machine.log.log_start());
        // Nothing that was acknowledged is missing, but after a truncation that failed, or a sync.
        let may_be_less = !model.alternatives.is_empty() || model.sync_failed;
        found == expected || (may_be_less && expected.starts_with(&found))
    });
    let histories: Vec<_> = model.histories().iter().map(|history| offsets(history)).collect();
    assert!(is_all, "{what}: found {:?}, not one of {histories:?}", offsets(&found));
}

/// All batches from the log's start on, as a reader gets them.
pub(crate) fn contents(log: &mut Log<SimulatedDisk>, what: &str) -> Vec<ModelBatch> {
    let mut found: Vec<ModelBatch> = Vec::new();
    let mut next = log.log_start();
    let mut round = 0;
    while next < log.log_end() {
        round += 1;
        let bytes_max = [1, 200, 1000, 1 << 20][round % 4];
        let limits = ReadLimits { upper_bound: Offset(i64::MAX), bytes_max, at_least_one: true };
        let Some(span) = log.read(next, limits).unwrap_or_else(|error| panic!("{what}: {error}")) else { break };
        let bytes = span.read().unwrap();
        assert_eq!(bytes.len(), span.length as usize, "{what}: a span that is not there");
        let before = next;
        for batch in batches(&bytes) {
            let batch = batch.unwrap_or_else(|error| panic!("{what}: torn span at {next}: {error}"));
            batch.check_crc().unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(batch.header().next_offset() > next, "{what}: a span with what was not asked for");
            next = batch.header().next_offset();
            found.push(ModelBatch { header: *batch.header(), bytes: batch.bytes().to_vec() });
        }
        assert!(next > before, "{what}: reading stands still");
    }
    found
}

fn check_promises(log: &Log<SimulatedDisk>, found: &[ModelBatch], model: &Model, what: &str) {
    let (start, end) = (log.log_start(), log.log_end());
    assert!(end >= model.flushed, "{what}: {end} is before {}, which was flushed", model.flushed);
    assert!(model.durable_start <= start && start <= model.log_start.max(model.log_end()), "{what}: begins at {start}");
    let is_beginning = model.histories().iter().any(|history| from(history, start).starts_with(found));
    assert!(
        is_beginning,
        "{what}: found {:?} from {start}, not a beginning of any of {:?}",
        offsets(found),
        model.histories().iter().map(|history| offsets(history)).collect::<Vec<_>>()
    );
    assert!(start <= log.high_watermark() && log.high_watermark() <= end, "{what}");
    assert!(log.recovery_point() <= end, "{what}");
}

/// Each offset and each time is found by the indexes where it is.
fn check_lookups(log: &mut Log<SimulatedDisk>, found: &[ModelBatch], what: &str) {
    let limits = ReadLimits { upper_bound: Offset(i64::MAX), bytes_max: 1, at_least_one: true };
    for batch in found {
        let offset = batch.header.last_offset();
        let span = log.read(offset, limits).unwrap().unwrap_or_else(|| panic!("{what}: nothing at {offset}"));
        assert_eq!(span.read().unwrap(), batch.bytes, "{what}: at {offset}");
        // What lies below a bound is all that is read.
        let below = ReadLimits { upper_bound: batch.header.base_offset, bytes_max: 1 << 20, at_least_one: true };
        if let Some(span) = log.read(log.log_start(), below).unwrap() {
            for batch in batches(&span.read().unwrap()) {
                let batch =
                    batch.unwrap_or_else(|error| panic!("{what}: below {}: {error} {log:?}", below.upper_bound));
                assert!(batch.header().next_offset() <= below.upper_bound, "{what}");
            }
        }
    }
    let records = records(found, log.log_start());
    let mut times: Vec<Timestamp> = records.iter().map(|record| record.timestamp).collect();
    times.sort_unstable();
    times.dedup();
    for time in times.iter().step_by(3) {
        for asked in [Timestamp(time.0 - 1), *time] {
            let expected = records.iter().find(|record| record.timestamp >= asked).copied();
            assert_eq!(log.offset_for_time(asked).unwrap(), expected, "{what}: at time {asked:?}");
        }
    }
    let later = Timestamp(times.last().map_or(0, |last| last.0 + 1));
    assert_eq!(log.offset_for_time(later).unwrap(), None, "{what}");
    let latest = log.offset_of_max_timestamp().unwrap();
    if log.log_start() == Offset(0) {
        let greatest = times.last().copied();
        assert_eq!(latest.map(|found| found.timestamp), greatest, "{what}");
    }
}

/// Leader epochs, producers and aborted transactions are those of the batches.
fn check_derived(log: &mut Log<SimulatedDisk>, found: &[ModelBatch], model: &Model, what: &str) {
    // What was deleted once may have come back without those who wrote it.
    let was_never_cut = log.log_start() == Offset(0) && model.log_start == Offset(0);
    let mut epochs = EpochHistory::default();
    let mut producers: Map<i64, (BatchHeader, Option<Offset>)> = Map::default();
    let mut aborted = Vec::new();
    for batch in found {
        let header = batch.header;
        let start = header.base_offset.max(log.log_start());
        epochs.assign(header.partition_leader_epoch, start);
        if !header.has_producer_id() {
            continue;
        }
        let open = producers.get(&header.producer_id.0).and_then(|(_, open)| *open);
        if header.attributes.is_control() {
            if let Some(first) = open
                && kind(batch) == ControlRecordType::Abort
            {
                aborted.push((first, header.base_offset));
            }
            producers.remove(&header.producer_id.0);
        } else {
            let open = if header.attributes.is_transactional() { open.or(Some(header.base_offset)) } else { None };
            producers.insert(header.producer_id.0, (header, open));
        }
    }
    let found_epochs = log.epochs().entries().to_vec();
    let mut expected = epochs.entries().to_vec();
    // An epoch may be known before the log's start where the log does not tell it any more.
    if let (Some(first), Some(known)) = (expected.first_mut(), found_epochs.first())
        && first.epoch == known.epoch
    {
        first.start = known.start.min(first.start).max(log.log_start()).min(first.start);
    }
    let known: Vec<_> = found_epochs.iter().filter(|entry| expected.iter().any(|e| e.epoch == entry.epoch)).collect();
    assert_eq!(known.len(), expected.len(), "{what}: epochs {found_epochs:?} instead of {expected:?}");
    for (known, expected) in known.iter().zip(&expected) {
        assert!(known.start <= expected.start, "{what}: epochs {found_epochs:?} instead of {expected:?}");
    }
    for batch in found {
        let offset = batch.header.base_offset.max(log.log_start());
        assert_eq!(log.epoch_of(offset), Some(batch.header.partition_leader_epoch), "{what}: epoch at {offset}");
    }
    producers.retain(|_, (last, _)| last.last_offset() >= model.log_start);
    for (producer, (last, open)) in &producers {
        let state = log.producers().producers().find(|(id, _)| id.0 == *producer);
        let (_, state) = state.unwrap_or_else(|| panic!("{what}: producer {producer} is forgotten"));
        assert_eq!(state.epoch, last.producer_epoch, "{what}");
        assert_eq!(state.last_sequence(), last.last_sequence(), "{what}: producer {producer}");
        assert_eq!(state.last_batch().map(|batch| batch.last_offset), Some(last.last_offset()), "{what}");
        // A transaction that began before the log's start shows its first batch here later.
        if was_never_cut {
            assert_eq!(state.transaction_start, *open, "{what}: producer {producer}");
        }
    }
    if was_never_cut {
        let listed = log.aborted_transactions(Offset(0), Offset(i64::MAX)).unwrap();
        let listed: Vec<_> = listed.iter().map(|entry| (entry.first_offset, entry.last_offset)).collect();
        assert_eq!(listed, aborted, "{what}: aborted transactions");
    }
}

fn kind(batch: &ModelBatch) -> ControlRecordType {
    let view = BatchView::parse(&batch.bytes).unwrap();
    let mut decompressor = Decompressor::new();
    let record = view.records(&mut decompressor, 1 << 20).unwrap().next().unwrap().unwrap();
    ControlRecordType::of(&record).unwrap()
}

fn records(found: &[ModelBatch], start: Offset) -> Vec<TimestampOffset> {
    let mut records = Vec::new();
    let mut decompressor = Decompressor::new();
    for batch in found {
        let view = BatchView::parse(&batch.bytes).unwrap();
        for record in view.records(&mut decompressor, 1 << 20).unwrap() {
            let record = record.unwrap();
            if record.offset >= start {
                records.push(TimestampOffset { timestamp: record.timestamp, offset: record.offset });
            }
        }
    }
    records
}

fn from(history: &[ModelBatch], start: Offset) -> Vec<ModelBatch> {
    history.iter().filter(|batch| batch.header.next_offset() > start).cloned().collect()
}

fn offsets(batches: &[ModelBatch]) -> Vec<(i64, i64)> {
    batches.iter().map(|batch| (batch.header.base_offset.0, batch.header.last_offset().0)).collect()
}
