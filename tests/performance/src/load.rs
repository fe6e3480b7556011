//! The requests that the scenarios send: topics, batches of records that look like JSON lines, fetches from the start.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use ottla_wire::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use ottla_wire::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use ottla_wire::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use ottla_wire::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use ottla_wire::{CreateTopicsResponse, FetchResponse, ListOffsetsResponse, Message, ProduceResponse, Records};

use crate::connection::{Connection, frame};

// Newest versions that name topics by their names, so that a frame is made without asking for ids first.
const PRODUCE: i16 = 12;
const FETCH: i16 = 12;
const CREATE_TOPICS: i16 = 7;
const LIST_OFFSETS: i16 = 7;

/// Creates a topic and waits until the leader of every partition serves it.
///
/// # Errors
/// When the broker refuses.
pub fn create_topic(connection: &mut Connection, name: &str, partitions: i32) -> Result<()> {
    let topic =
        CreatableTopic { name: name.into(), num_partitions: partitions, replication_factor: 1, ..Default::default() };
    let request = CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: 60_000, ..Default::default() };
    connection.send(&frame(&request, CREATE_TOPICS)?)?;
    let response = CreateTopicsResponse::from_bytes(connection.receive()?, CREATE_TOPICS)?;
    let created = response.topics.iter().next().context("an answer for the topic")?;
    ensure!(created.error_code == 0, "create {name}: error {} {:?}", created.error_code, created.error_message);
    // Metadata names a leader before its log exists; a leader that can tell its end serves.
    while end_offsets(connection, name, 0..partitions)?.iter().any(|(error, _)| *error != 0) {}
    Ok(())
}

/// A produce request frame with one batch for one partition.
///
/// # Errors
/// When it cannot be encoded.
pub fn produce(topic: &str, partition: i32, acks: i16, batch: &[u8]) -> Result<Vec<u8>> {
    let data = PartitionProduceData { index: partition, records: Some(Records::Bytes(batch)) };
    let topic = TopicProduceData { name: topic.into(), partition_data: vec![data].into(), ..Default::default() };
    let request = ProduceRequest { acks, timeout_ms: 30_000, topic_data: vec![topic].into(), ..Default::default() };
    frame(&request, PRODUCE)
}

/// Reads a produce's answer.
///
/// # Errors
/// When the records were refused.
pub fn produced(connection: &mut Connection) -> Result<()> {
    let response = ProduceResponse::from_bytes(connection.receive()?, PRODUCE)?;
    for topic in &response.responses {
        for partition in &topic.partition_responses {
            ensure!(partition.error_code == 0, "produce: error {} {:?}", partition.error_code, partition.error_message);
        }
    }
    Ok(())
}

/// A fetch request frame for one partition.
///
/// # Errors
/// When it cannot be encoded.
pub fn fetch(topic: &str, partition: i32, offset: i64) -> Result<Vec<u8>> {
    let partition =
        FetchPartition { partition, fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
    let topic = FetchTopic { topic: topic.into(), partitions: vec![partition].into(), ..Default::default() };
    let request = FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        max_bytes: 50 << 20,
        topics: vec![topic].into(),
        ..Default::default()
    };
    frame(&request, FETCH)
}

/// Reads a fetch's answer: the bytes of records, and the offset to go on from.
///
/// # Errors
/// When the fetch was refused or gave nothing.
pub fn fetched(connection: &mut Connection) -> Result<(usize, i64)> {
    let response = FetchResponse::from_bytes(connection.receive()?, FETCH)?;
    let topic = response.responses.iter().next().context("an answer for the topic")?;
    let partition = topic.partitions.iter().next().context("an answer for the partition")?;
    ensure!(partition.error_code == 0, "fetch: error {}", partition.error_code);
    let Some(Records::Bytes(bytes)) = partition.records else { return Ok((0, -1)) };
    let mut next = -1;
    let mut at = 0;
    // Whole batches only: base offset at 0, length at 8, last offset delta at 23.
    while let Some(header) = bytes.get(at..at + 27) {
        let length = 12 + u32::from_be_bytes(header[8..12].try_into()?) as usize;
        if at + length > bytes.len() {
            break;
        }
        let base = i64::from_be_bytes(header[..8].try_into()?);
        next = base + i64::from(i32::from_be_bytes(header[23..27].try_into()?)) + 1;
        at += length;
    }
    Ok((at, next))
}

/// The offset behind a partition's last record.
///
/// # Errors
/// When the broker refuses.
pub fn end_offset(connection: &mut Connection, topic: &str, partition: i32) -> Result<i64> {
    let (error, offset) = end_offsets(connection, topic, partition..partition + 1)?.swap_remove(0);
    ensure!(error == 0, "list offsets: error {error}");
    Ok(offset)
}

/// For each of the partitions the error code and the offset behind its last record.
fn end_offsets(connection: &mut Connection, topic: &str, partitions: Range<i32>) -> Result<Vec<(i16, i64)>> {
    let count = partitions.len();
    let of = |partition_index| ListOffsetsPartition { partition_index, timestamp: -1, ..Default::default() };
    let topic = ListOffsetsTopic { name: topic.into(), partitions: partitions.map(of).collect::<Vec<_>>().into() };
    let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic].into(), ..Default::default() };
    connection.send(&frame(&request, LIST_OFFSETS)?)?;
    let response = ListOffsetsResponse::from_bytes(connection.receive()?, LIST_OFFSETS)?;
    let topic = response.topics.iter().next().context("an answer for the topic")?;
    let found: Vec<_> = topic.partitions.iter().map(|partition| (partition.error_code, partition.offset)).collect();
    ensure!(found.len() == count, "{} answers for {count} partitions", found.len());
    Ok(found)
}
