//! Produce: append one batch to each of several partitions.
//!
//! Needs Write on each topic. The batches stay in the request's frame; the node checks and appends them, and
//! [`answer`] tells what became of them. With acks 0 nothing is answered: a failure closes the connection.

use std::borrow::Cow;

use ottla_records::BatchView;
use ottla_vocabulary::{Duration, LeaderEpoch, NodeId, Offset, PartitionIndex, Timestamp, TopicId};
use ottla_wire::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use ottla_wire::{Budget, ErrorCode, ProduceRequest, ProduceResponse, Records, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::topics;
use crate::work::{Job, PartitionWork, TopicWork};

/// From this version on answers say who leads, and where that one is reached.
const LEADERS: i16 = 10;

/// Batches to append.
#[derive(Debug)]
pub struct Task<'a> {
    /// When the client counts a batch as written.
    pub acks: Acks,
    /// How long the replicas may take with acks all.
    pub timeout: Duration,
    /// The batches.
    pub topics: Vec<TopicWork<'a, Job<&'a [u8]>>>,
}

/// When a client counts a batch as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// When it was sent.
    None,
    /// When the leader has it.
    Leader,
    /// When all in-sync replicas have it.
    All,
}

/// Where a batch was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The offset of its first record.
    pub base_offset: Offset,
    /// The broker's time for topics that keep it.
    pub append_time: Timestamp,
    /// Where the log begins.
    pub log_start: Offset,
}

/// Why a batch was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotWritten {
    /// Kafka's code.
    pub code: ErrorCode,
    /// For a person.
    pub message: Option<String>,
    /// The records that are to blame: their places in the batch, and why.
    pub records: Vec<(i32, String)>,
    /// Where the log begins, when that is known.
    pub log_start: Option<Offset>,
    /// Who leads the partition, when it is not this node or no longer under the epoch that the client knows.
    pub leader: Option<(NodeId, LeaderEpoch)>,
}

impl From<ErrorCode> for NotWritten {
    fn from(code: ErrorCode) -> NotWritten {
        NotWritten { code, ..NotWritten::default() }
    }
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &ProduceRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let acks = match request.acks {
        0 => Some(Acks::None),
        1 => Some(Acks::Leader),
        -1 => Some(Acks::All),
        _ => None,
    };
    let transactional_id = request.transactional_id.as_deref();
    let may_transact =
        || transactional_id.is_some_and(|id| context.allows(Operation::Write, Resource::TransactionalId(id)));
    let refusal = if has_transactional_batch(request) && !may_transact() {
        Some(ErrorCode::TransactionalIdAuthorizationFailed)
    } else if acks.is_none() {
        Some(ErrorCode::InvalidRequiredAcks)
    } else {
        None
    };
    let mut topics = Vec::with_capacity(request.topic_data.len().min(64));
    for topic in &request.topic_data {
        budget.charge::<TopicWork<'_, ()>>(1)?;
        let found = if context.version() >= 13 {
            topics::of_id(context, Operation::Write, TopicId(topic.topic_id))
        } else {
            topics::of_name(context, Operation::Write, &topic.name)
        };
        let known = refusal.map_or(found, Err);
        let id = known.map_or(TopicId(topic.topic_id), |found| found.id);
        budget.charge::<PartitionWork<Job<&[u8]>>>(topic.partition_data.len())?;
        let partitions = topic.partition_data.iter().map(|partition| {
            let index = PartitionIndex(partition.index);
            let records = match partition.records {
                Some(Records::Bytes(bytes)) => Ok(bytes),
                // A record set elsewhere is ours alone to write.
                Some(Records::Elsewhere { .. }) | None => Err(ErrorCode::InvalidRecord),
            };
            let work = known.and_then(|found| {
                topics::has_partition(found, index)?;
                topics::is_writable(context, found)?;
                let records = records?;
                // Nobody would ever end the transaction, and what is behind its beginning could not be read as committed.
                // Kafka says this of a transactional id that its coordinator does not know, and here none is known.
                if is_transactional(records) {
                    return Err(ErrorCode::InvalidProducerIdMapping);
                }
                Ok(records)
            });
            PartitionWork { index, work }
        });
        topics.push(TopicWork { name: topic.name.clone(), id, partitions: partitions.collect() });
    }
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    Ok(Outcome::Produce(Task { acks: acks.unwrap_or(Acks::All), timeout, topics }))
}

/// Whether any batch is part of a transaction, which a transactional id must be allowed for.
fn has_transactional_batch(request: &ProduceRequest<'_>) -> bool {
    let mut topics = request.topic_data.iter();
    topics.any(|topic| {
        let mut partitions = topic.partition_data.iter();
        partitions.any(|partition| match partition.records {
            Some(Records::Bytes(bytes)) => is_transactional(bytes),
            Some(Records::Elsewhere { .. }) | None => false,
        })
    })
}

/// What is no whole batch is refused when it is checked.
fn is_transactional(bytes: &[u8]) -> bool {
    BatchView::parse(bytes).is_ok_and(|batch| batch.header().attributes.is_transactional())
}

/// The answer.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(
    context: &Context<'_>,
    topics: Vec<TopicWork<'_, Result<Written, NotWritten>>>,
) -> Result<Encoded, WireError> {
    let mut leaders: Vec<NodeId> = Vec::new();
    let responses = topics.into_iter().map(|topic| {
        let partition_responses = topic.partitions.into_iter().map(|partition| {
            if let Err(NotWritten { leader: Some((leader, _)), .. }) = partition.work
                && !leaders.contains(&leader)
            {
                leaders.push(leader);
            }
            partition_response(context.version(), partition)
        });
        TopicProduceResponse {
            name: topic.name,
            topic_id: topic.id.0,
            partition_responses: partition_responses.collect(),
        }
    });
    let responses = responses.collect();
    let leaders = leaders.into_iter().filter(|_| LEADERS <= context.version());
    let endpoints = leaders.filter_map(|leader| topics::endpoint(context, leader));
    let node_endpoints = endpoints.map(|endpoint| NodeEndpoint {
        node_id: endpoint.node.0,
        host: Cow::Borrowed(endpoint.host),
        port: endpoint.port,
        rack: endpoint.rack.map(Cow::Borrowed),
    });
    let node_endpoints = node_endpoints.collect();
    context.head.encode(&ProduceResponse { responses, throttle_time_ms: context.head.throttle(), node_endpoints })
}

fn partition_response(
    version: i16,
    partition: PartitionWork<Result<Written, NotWritten>>,
) -> PartitionProduceResponse<'static> {
    let index = partition.index.0;
    match partition.work {
        Ok(written) => PartitionProduceResponse {
            index,
            base_offset: written.base_offset.0,
            log_append_time_ms: written.append_time.0,
            log_start_offset: written.log_start.0,
            ..PartitionProduceResponse::default()
        },
        Err(error) => {
            let records = error.records.into_iter().map(|(batch_index, message)| BatchIndexAndErrorMessage {
                batch_index,
                batch_index_error_message: Some(message.into()),
            });
            let leader = error.leader.filter(|_| LEADERS <= version);
            PartitionProduceResponse {
                index,
                error_code: told_code(version, error.code).code(),
                base_offset: -1,
                log_append_time_ms: -1,
                log_start_offset: error.log_start.map_or(-1, |offset| offset.0),
                record_errors: records.collect(),
                error_message: error.message.map(Cow::Owned),
                current_leader: leader.map_or_else(LeaderIdAndEpoch::default, |(node, epoch)| LeaderIdAndEpoch {
                    leader_id: node.0,
                    leader_epoch: epoch.0,
                }),
            }
        }
    }
}

/// Clients from before version 8 know CORRUPT_MESSAGE and not INVALID_RECORD; from before version 11 nothing of
/// TRANSACTION_ABORTABLE.
fn told_code(version: i16, code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::InvalidRecord if version < 8 => ErrorCode::CorruptMessage,
        code => code,
    }
}
