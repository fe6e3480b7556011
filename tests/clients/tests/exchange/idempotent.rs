//! An idempotent producer without a library, which outlives the brokers that it writes to.

use std::time::Instant;

use ottla_records::{BatchBuilder, BatchOptions};
use ottla_test_clients::Place;
use ottla_vocabulary::{ProducerEpoch, ProducerId, Sequence, Timestamp};
use ottla_wire::*;

use crate::peer::Peer;
use crate::{STOP_MAX, create};

/// An idempotent producer without a library: it says what it sends.
pub(crate) struct Idempotent {
    id: i64,
    sent: i32,
    /// Where the last batch is.
    offset: i64,
}

impl Idempotent {
    pub(crate) const TOPIC: &str = "idempotent";

    pub(crate) fn new(place: &Place) -> Idempotent {
        create(place, Idempotent::TOPIC, 1, &[]);
        let mut peer = Peer::connect(&place.bootstrap()).unwrap();
        let deadline = Instant::now() + STOP_MAX;
        let id = loop {
            let answer = peer.ask(&InitProducerIdRequest { transactional_id: None, ..Default::default() }, 4).unwrap();
            let answer: InitProducerIdResponse = peer.read(&answer);
            if answer.error_code == 0 {
                break answer.producer_id;
            }
            assert!(Instant::now() < deadline, "error {} instead of a producer id", answer.error_code);
        };
        Idempotent { id, sent: 0, offset: -1 }
    }

    /// Whoever runs knows the producer: a repeated batch is where it was, one that is missing is missed, the next one
    /// goes on.
    pub(crate) fn go_on(&mut self, place: &Place) {
        let mut peer = Peer::connect(&place.bootstrap()).unwrap();
        if 0 < self.sent {
            assert_eq!(self.send(&mut peer, self.sent - 1), Ok(self.offset), "a repeated batch");
            assert_eq!(self.send(&mut peer, self.sent + 1), Err(ErrorCode::OutOfOrderSequenceNumber), "a gap");
        }
        for _ in 0..3 {
            assert_eq!(self.send(&mut peer, self.sent), Ok(self.offset + 1), "the next batch");
            self.sent += 1;
            self.offset += 1;
        }
    }

    fn send(&self, peer: &mut Peer, sequence: i32) -> Result<i64, ErrorCode> {
        let mut builder = BatchBuilder::new(BatchOptions {
            producer_id: ProducerId(self.id),
            producer_epoch: ProducerEpoch(0),
            base_sequence: Sequence(sequence),
            ..BatchOptions::default()
        });
        // A producer whose last record is older than a day is forgotten.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        builder.push(Timestamp(now.as_millis() as i64), None, Some(b"once"), &[]);
        let batch = builder.finish().unwrap();
        let data = produce_request::PartitionProduceData { index: 0, records: Some(Records::Bytes(&batch)) };
        let topic = produce_request::TopicProduceData {
            name: Idempotent::TOPIC.into(),
            partition_data: vec![data].into(),
            ..Default::default()
        };
        let request =
            ProduceRequest { acks: -1, timeout_ms: 20_000, topic_data: vec![topic].into(), ..Default::default() };
        let answer = peer.ask(&request, 9).unwrap();
        let answer: ProduceResponse<'_> = peer.read(&answer);
        let partition = answer.responses.iter().next().unwrap().partition_responses.iter().next().unwrap();
        match ErrorCode::from_code(partition.error_code) {
            ErrorCode::None => Ok(partition.base_offset),
            code => Err(code),
        }
    }
}
