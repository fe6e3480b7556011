//! DescribeQuorum: who votes on the metadata log, and how far each has it. Needs Describe on the cluster.

use std::borrow::Cow;

use ottla_metadata::Image;
use ottla_vocabulary::{LeaderEpoch, NodeId, Offset, Timestamp, Uuid};
use ottla_wire::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
use ottla_wire::{Budget, DescribeQuorumRequest, DescribeQuorumResponse, ErrorCode, WireError};

use crate::authorizer::{Operation, Resource};
use crate::command::Command;
use crate::context::Context;
use crate::create_topics::METADATA_TOPIC;
use crate::outcome::Outcome;
use crate::response::{Encoded, Head};

/// What is asked for; only `__cluster_metadata-0` can be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    topics: Vec<(String, Vec<i32>)>,
}

/// The leader's view of the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// Who leads.
    pub leader: NodeId,
    /// In which epoch.
    pub epoch: LeaderEpoch,
    /// Up to where the log is committed.
    pub high_watermark: Offset,
    /// Who votes.
    pub voters: Vec<Replica>,
    /// Who only reads.
    pub observers: Vec<Replica>,
}

/// A replica of the metadata log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Whose.
    pub node: NodeId,
    /// In which directory.
    pub directory: Uuid,
    /// How far it goes.
    pub log_end: Offset,
    /// When it last asked.
    pub last_fetch: Timestamp,
    /// When it last had everything.
    pub last_caught_up: Timestamp,
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &DescribeQuorumRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    if !context.allows(Operation::Describe, Resource::Cluster) {
        let code = ErrorCode::ClusterAuthorizationFailed;
        let refused = DescribeQuorumResponse { error_code: code.code(), ..DescribeQuorumResponse::default() };
        return Ok(Outcome::Reply(context.head.encode(&refused)?));
    }
    let mut topics = Vec::new();
    for topic in &request.topics {
        budget.charge::<(String, Vec<i32>)>(2)?;
        budget.charge::<PartitionData<'_>>(topic.partitions.len())?;
        topics.push((topic.topic_name.into_owned(), topic.partitions.iter().map(|one| one.partition_index).collect()));
    }
    Ok(Outcome::Controller(Command::DescribeQuorum(Task { topics })))
}

/// The answer; without a view this node does not lead.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(head: Head, image: &Image, task: &Task, quorum: Option<&Quorum>) -> Result<Encoded, WireError> {
    let failed = |index: i32, code: ErrorCode| PartitionData {
        partition_index: index,
        error_code: code.code(),
        error_message: (2 <= head.version).then(|| Cow::Borrowed(code.message())),
        ..PartitionData::default()
    };
    // Kafka answers only who asks for just this one.
    let is_known =
        matches!(task.topics.as_slice(), [(name, partitions)] if name == METADATA_TOPIC && partitions == &[0]);
    let topics = task.topics.iter().map(|(name, partitions)| {
        let told = partitions.iter().map(|index| match quorum {
            Some(quorum) if is_known => describe(head.version, quorum),
            None if is_known => failed(*index, ErrorCode::NotLeaderOrFollower),
            _ => failed(*index, ErrorCode::UnknownTopicOrPartition),
        });
        TopicData { topic_name: Cow::Borrowed(name), partitions: told.collect() }
    });
    let quorum = quorum.filter(|_| 2 <= head.version && is_known);
    let nodes = quorum.map(|quorum| nodes(image, quorum)).unwrap_or_default();
    head.encode(&DescribeQuorumResponse {
        error_code: ErrorCode::None.code(),
        error_message: Some(Cow::Borrowed("")),
        topics: topics.collect(),
        nodes: nodes.into(),
    })
}

fn describe(version: i16, quorum: &Quorum) -> PartitionData<'static> {
    let state = |replica: &Replica| ReplicaState {
        replica_id: replica.node.0,
        replica_directory_id: if 2 <= version { replica.directory } else { Uuid::ZERO },
        log_end_offset: replica.log_end.0,
        last_fetch_timestamp: if 1 <= version { replica.last_fetch.0 } else { -1 },
        last_caught_up_timestamp: if 1 <= version { replica.last_caught_up.0 } else { -1 },
    };
    PartitionData {
        partition_index: 0,
        error_code: ErrorCode::None.code(),
        error_message: Some(Cow::Borrowed("")),
        leader_id: quorum.leader.0,
        leader_epoch: quorum.epoch.0,
        high_watermark: quorum.high_watermark.0,
        current_voters: quorum.voters.iter().map(state).collect(),
        observers: quorum.observers.iter().map(state).collect(),
    }
}

/// Where the controllers among the replicas are reached.
fn nodes<'a>(image: &'a Image, quorum: &Quorum) -> Vec<Node<'a>> {
    let voters = quorum.voters.iter().filter_map(|voter| image.cluster.controllers.get(&voter.node));
    let told = voters.map(|controller| {
        let listeners = controller.endpoints.iter().map(|endpoint| Listener {
            name: Cow::Borrowed(&endpoint.listener),
            host: Cow::Borrowed(&endpoint.host),
            port: endpoint.port,
        });
        Node { node_id: controller.id.0, listeners: listeners.collect() }
    });
    told.collect()
}
