//! The rules of sequences, epochs and transactions, one by one.

use ottla_records::{Attributes, BatchHeader};
use ottla_vocabulary::LeaderEpoch;

use super::*;

fn batch(offset: i64, producer: i64, epoch: i16, sequence: i32, count: i32) -> BatchHeader {
    BatchHeader {
        base_offset: Offset(offset),
        batch_length: 49,
        partition_leader_epoch: LeaderEpoch(0),
        crc: 0,
        attributes: Attributes::default(),
        last_offset_delta: count - 1,
        base_timestamp: Timestamp(offset),
        max_timestamp: Timestamp(offset),
        producer_id: ProducerId(producer),
        producer_epoch: ProducerEpoch(epoch),
        base_sequence: Sequence(sequence),
        records_count: count,
    }
}

fn transactional(header: BatchHeader) -> BatchHeader {
    BatchHeader { attributes: header.attributes.with_transactional(true), ..header }
}

fn control(offset: i64, producer: i64, epoch: i16) -> BatchHeader {
    let header = transactional(batch(offset, producer, epoch, -1, 1));
    BatchHeader { attributes: header.attributes.with_control(true), ..header }
}

fn decide(state: &ProducerState, header: &BatchHeader) -> Result<Verdict, ProducerRefusal> {
    state.decide(header, None, Origin::Client)
}

fn state_after(headers: &[BatchHeader]) -> ProducerState {
    let mut state = ProducerState::default();
    for header in headers {
        assert_eq!(decide(&state, header), Ok(Verdict::Append));
        assert_eq!(state.replay(header, None), None);
    }
    state
}

#[test]
fn one_of_the_last_five_batches_is_recognised_when_it_comes_again() {
    let sent: Vec<BatchHeader> = (0..6).map(|place| batch(10 + place * 3, 1, 0, place as i32 * 3, 3)).collect();
    let state = state_after(&sent);
    for again in &sent[1..] {
        let Ok(Verdict::Duplicate(known)) = decide(&state, again) else { panic!("{again:?}") };
        assert_eq!((known.first_offset(), known.last_offset), (again.base_offset, again.last_offset()));
    }
    assert!(matches!(decide(&state, &sent[0]), Err(ProducerRefusal::OutOfOrderSequence { .. })), "too long ago");
    let part_of_one = batch(50, 1, 0, 15, 2);
    assert!(matches!(decide(&state, &part_of_one), Err(ProducerRefusal::OutOfOrderSequence { .. })));
    assert_eq!(decide(&state, &batch(50, 1, 0, 18, 1)), Ok(Verdict::Append));
}

#[test]
fn sequences_have_no_gap_and_turn_over() {
    let state = state_after(&[batch(0, 1, 0, 0, 2)]);
    assert_eq!(
        decide(&state, &batch(2, 1, 0, 3, 1)),
        Err(ProducerRefusal::OutOfOrderSequence {
            producer: ProducerId(1),
            first_sequence: Sequence(3),
            last_sequence: Sequence(1),
        })
    );
    let turned = state_after(&[batch(0, 1, 0, i32::MAX - 1, 3)]);
    assert_eq!(turned.producers().next().unwrap().1.last_sequence(), Sequence(0));
    assert!(matches!(decide(&turned, &batch(0, 1, 0, i32::MAX - 1, 3)), Ok(Verdict::Duplicate(_))));
    assert_eq!(decide(&turned, &batch(3, 1, 0, 1, 1)), Ok(Verdict::Append));
}

#[test]
fn a_producer_that_is_not_known_may_begin_anywhere() {
    let state = ProducerState::default();
    assert_eq!(decide(&state, &batch(0, 1, 4, 77, 1)), Ok(Verdict::Append));
}

#[test]
fn a_new_epoch_begins_at_zero_and_fences_the_old() {
    let state = state_after(&[batch(0, 1, 3, 0, 5)]);
    assert!(matches!(decide(&state, &batch(5, 1, 4, 5, 1)), Err(ProducerRefusal::OutOfOrderSequence { .. })));
    let state = state_after(&[batch(0, 1, 3, 0, 5), batch(5, 1, 4, 0, 1)]);
    assert_eq!(
        decide(&state, &batch(6, 1, 3, 5, 1)),
        Err(ProducerRefusal::InvalidProducerEpoch {
            producer: ProducerId(1),
            epoch: ProducerEpoch(3),
            last: ProducerEpoch(4),
        })
    );
}

#[test]
fn a_coordinators_batches_need_no_sequence() {
    let state = state_after(&[batch(0, 1, 3, 0, 5)]);
    assert_eq!(state.decide(&batch(5, 1, 3, -1, 1), None, Origin::Coordinator), Ok(Verdict::Append));
    assert!(state.decide(&batch(5, 1, 2, -1, 1), None, Origin::Coordinator).is_err());
}

#[test]
fn the_first_unstable_offset_waits_for_all_markers_to_be_replicated() {
    let mut state = state_after(&[transactional(batch(0, 1, 0, 0, 2)), transactional(batch(2, 2, 0, 0, 2))]);
    assert_eq!(state.first_unstable(), Some(Offset(0)));
    let abort = Marker { aborts: true, coordinator_epoch: 1 };
    assert_eq!(
        state.replay(&control(4, 1, 0), Some(abort)),
        Some(AbortedTransaction {
            producer: ProducerId(1),
            first_offset: Offset(0),
            last_offset: Offset(4),
            last_stable_offset: Offset(2),
        })
    );
    assert_eq!(state.first_unstable(), Some(Offset(0)), "its marker is not replicated");
    state.on_high_watermark(Offset(5));
    assert_eq!(state.first_unstable(), Some(Offset(2)));
    let commit = Marker { aborts: false, coordinator_epoch: 1 };
    assert_eq!(state.replay(&control(5, 2, 0), Some(commit)), None);
    state.on_high_watermark(Offset(6));
    assert_eq!(state.first_unstable(), None);
    assert_eq!(state.replay(&control(6, 2, 0), Some(abort)), None, "nothing was open");
}

#[test]
fn a_marker_of_a_replaced_coordinator_is_refused() {
    let mut state = state_after(&[transactional(batch(0, 1, 0, 0, 2))]);
    state.replay(&control(2, 1, 0), Some(Marker { aborts: false, coordinator_epoch: 5 }));
    let stale = Marker { aborts: true, coordinator_epoch: 4 };
    assert_eq!(
        state.decide(&control(3, 1, 0), Some(stale), Origin::Coordinator),
        Err(ProducerRefusal::CoordinatorFenced { producer: ProducerId(1), epoch: 4, last: 5 })
    );
}

#[test]
fn within_a_transaction_all_is_transactional() {
    let state = state_after(&[transactional(batch(0, 1, 0, 0, 2))]);
    assert_eq!(
        decide(&state, &batch(2, 1, 0, 2, 1)),
        Err(ProducerRefusal::InvalidTransactionState { producer: ProducerId(1) })
    );
}

#[test]
fn the_silent_are_forgotten_unless_a_transaction_is_open() {
    let mut state = state_after(&[batch(10, 1, 0, 0, 1), transactional(batch(11, 2, 0, 0, 1)), batch(99, 3, 0, 0, 1)]);
    assert_eq!(state.expire(Timestamp(100), 50), 1);
    let left: Vec<i64> = state.producers().map(|(producer, _)| producer.0).collect();
    assert_eq!(left, [2, 3]);
}
