//! Requests as frames, and answers out of frames: what every Kafka client does before it means anything.

use ottla_commit_log::Descriptor;
use ottla_node::{DescriptorOf, Reply};
use ottla_records::{BatchBuilder, BatchOptions, Codec, Compression, Decompressor, batches};
use ottla_vocabulary::{ProducerEpoch, ProducerId, Sequence, Timestamp};
use ottla_wire::frame::request_frame;
use ottla_wire::{ApiKey, Message, Reader, ResponseHeader};

use crate::broken;
use crate::disk::SimulatedDisk;
use crate::model::{Found, Kept, Violation};

/// The frame of a request, without its length.
pub(crate) fn frame<'a, M: Message<'a>>(request: &M, version: i16, correlation: i32) -> Vec<u8> {
    let writer = request_frame(request, version, correlation, Some("simulation"));
    let mut bytes = writer.expect("the simulator's requests have no field that their version lacks").into_bytes();
    bytes.drain(..4);
    bytes
}

/// The bytes of an answer; `None` when the disk refuses to read what it refers to.
///
/// # Errors
/// When it is not as long as it says, or speaks of bytes that no file has.
pub(crate) fn whole(reply: &Reply<DescriptorOf<SimulatedDisk>>) -> Kept<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut sent = 0;
    for splice in &reply.splices {
        bytes.extend_from_slice(&reply.bytes[sent..splice.at]);
        sent = splice.at;
        let mut span = vec![0; splice.length as usize];
        match splice.descriptor.read_at(splice.position, &mut span) {
            Err(_) => return Ok(None),
            Ok(read) if read < span.len() => broken!("an answer refers to more of a file than there is"),
            Ok(_) => bytes.extend(span),
        }
    }
    bytes.extend_from_slice(&reply.bytes[sent..]);
    let announced = bytes.first_chunk().map(|length| u32::from_be_bytes(*length) as usize);
    if announced.map(|announced| announced + 4) != Some(bytes.len()) {
        broken!("an answer announces {announced:?} bytes and has {}", bytes.len());
    }
    Ok(Some(bytes))
}

/// Reads an answer.
///
/// # Errors
/// When it is none to this request.
pub(crate) fn read<'a, M: Message<'a>>(bytes: &'a [u8], version: i16, correlation: i32) -> Kept<M> {
    let unreadable = |error| Violation(format!("an answer to {} cannot be read: {error}", M::NAME));
    let api = ApiKey::from_key(M::KEY).expect("the simulator asks for live APIs");
    let mut reader = Reader::new(&bytes[4..]);
    let header = ResponseHeader::read_frame(&mut reader, api, version).map_err(unreadable)?;
    if header.correlation_id != correlation {
        broken!("the answer to request {correlation} is to {}", header.correlation_id);
    }
    let message = M::read(&mut reader, version).map_err(unreadable)?;
    reader.finish().map_err(unreadable)?;
    Ok(message)
}

/// A batch whose values say which one it is, the same whenever it is asked for.
pub(crate) fn batch(partition: usize, number: usize, count: i64, written_by: Option<(i64, i32)>) -> Vec<u8> {
    let (producer, sequence) = written_by.unwrap_or((-1, -1));
    let codec = [Codec::None, Codec::None, Codec::Lz4, Codec::Zstd, Codec::Snappy, Codec::Gzip][number % 6];
    let mut builder = BatchBuilder::new(BatchOptions {
        producer_id: ProducerId(producer),
        producer_epoch: ProducerEpoch(if producer < 0 { -1 } else { 0 }),
        base_sequence: Sequence(sequence),
        compression: Compression::new(codec),
        ..BatchOptions::default()
    });
    for place in 0..count {
        let value = format!("{partition}:{number}:{place}:{}", "x".repeat(number * 37 % 400));
        builder.push(Timestamp(1_700_000_000_000 + number as i64), Some(b"key"), Some(value.as_bytes()), &[]);
    }
    builder.finish().expect("a batch of some hundred bytes")
}

/// The batches of a fetch's answer.
///
/// # Errors
/// When one is not whole, not sound, or not one that was sent to this partition.
pub(crate) fn found(partition: usize, bytes: &[u8], counts: impl Fn(usize) -> Option<i64>) -> Kept<Vec<Found>> {
    let mut decompressor = Decompressor::new();
    let mut all = Vec::new();
    for batch in batches(bytes) {
        let unsound = |error: &dyn std::fmt::Display| {
            let last = all.last().map(|found: &Found| found.base);
            Violation(format!(
                "a fetch of partition {partition} shows an unsound batch after that at {last:?}: {error}"
            ))
        };
        let batch = batch.map_err(|error| unsound(&error))?;
        batch.check_crc().map_err(|error| unsound(&error))?;
        let base = batch.header().base_offset.0;
        let mut number = None;
        let mut places = 0;
        for record in batch.records(&mut decompressor, 1 << 20).map_err(|error| unsound(&error))? {
            let record = record.map_err(|error| unsound(&error))?;
            let value = String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
            let mut words = value.split(':').map(str::parse::<usize>);
            let told = (words.next(), words.next(), words.next());
            let (Some(Ok(of)), Some(Ok(batch)), Some(Ok(place))) = told else {
                broken!("offset {base} has a value that nobody sent: {value}");
            };
            if of != partition || place != places || number.is_some_and(|number| number != batch) {
                broken!("partition {partition} has the value {value} in the batch at {base}");
            }
            number = Some(batch);
            places += 1;
        }
        let Some(batch) = number else { broken!("the batch at {base} is empty") };
        if counts(batch) != Some(places as i64) {
            broken!("batch {batch} at {base} has {places} records and was sent with {:?}", counts(batch));
        }
        all.push(Found { base, batch });
    }
    Ok(all)
}
