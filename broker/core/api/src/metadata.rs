//! Metadata: the brokers, and topics with their leaders. What clients ask first and again whenever a leader moved.
//!
//! Needs Describe on each topic; one that is not there yet is made on the way, where that is configured and the peer may
//! (Create on the cluster or on the topic).

use std::borrow::Cow;
use std::cmp::Ordering;

use ottla_metadata::image::{Partition, Topic};
use ottla_vocabulary::{NodeId, TopicId, TopicName};
use ottla_wire::metadata_request::MetadataRequestTopic;
use ottla_wire::metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
use ottla_wire::{Array, Budget, ErrorCode, MetadataRequest, MetadataResponse, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::{Context, OPERATIONS_NOT_ASKED};
use crate::outcome::{NewTopic, Outcome};
use crate::topics;

/// More topics than this are not made on the way of one request: the client asks again for the rest.
const CREATED_MAX: usize = 1000;

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &MetadataRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let version = context.version();
    let with_operations = request.include_topic_authorized_operations;
    let mut missing = Vec::new();
    let mut answered: Vec<MetadataResponseTopic<'a>> = Vec::new();
    let asked = match &request.topics {
        // Version 0 had no null: none named meant all.
        Some(asked) if version == 0 && asked.is_empty() => None,
        asked => asked.as_ref(),
    };
    match asked {
        None => {
            let all = context.view.image.topics.sorted();
            let all = all.into_iter().filter(|topic| may_see(context, topic.name.as_str()));
            answered.extend(all.map(|topic| describe(context, topic, with_operations)));
        }
        Some(asked) => {
            // Kafka makes a set of them.
            let wishes = topics::once(asked.collect(budget)?, by_topic, budget)?;
            for wish in wishes {
                budget.charge::<MetadataResponseTopic<'_>>(1)?;
                answered.push(match (wish.name, wish.topic_id) {
                    (Some(_), id) if !id.is_zero() && version < 12 => {
                        failed(version, ErrorCode::InvalidRequest, None, TopicId(id))
                    }
                    (None, id) if version < 12 => failed(version, ErrorCode::InvalidRequest, None, TopicId(id)),
                    (Some(name), id) if id.is_zero() => match topics::of_name(context, Operation::Describe, &name) {
                        Ok(topic) => describe(context, topic, with_operations),
                        Err(ErrorCode::UnknownTopicOrPartition) => {
                            let code = wanted(context, request, &name, &mut missing);
                            let operations = if with_operations {
                                context.operations_on(Resource::Topic(&name))
                            } else {
                                OPERATIONS_NOT_ASKED
                            };
                            let failed = failed(version, code, Some(name), TopicId::default());
                            MetadataResponseTopic { topic_authorized_operations: operations, ..failed }
                        }
                        Err(code) => failed(version, code, Some(name), TopicId::default()),
                    },
                    (_, id) => match topics::of_id(context, Operation::Describe, TopicId(id)) {
                        Ok(topic) => describe(context, topic, with_operations),
                        // Whoever may not see it is not told that the id exists.
                        Err(_) => failed(version, ErrorCode::UnknownTopicId, None, TopicId(id)),
                    },
                });
            }
        }
    }
    let cluster_operations =
        if request.include_cluster_authorized_operations { cluster_operations(context) } else { OPERATIONS_NOT_ASKED };
    let brokers = topics::live_brokers(context).map(|broker| MetadataResponseBroker {
        node_id: broker.node.0,
        host: Cow::Borrowed(broker.host),
        port: broker.port,
        rack: broker.rack.map(Cow::Borrowed),
    });
    let answer = MetadataResponse {
        throttle_time_ms: context.head.throttle(),
        brokers: brokers.collect(),
        cluster_id: Some(Cow::Borrowed(context.view.cluster_id)),
        controller_id: any_live_broker(context).0,
        topics: answered.into(),
        cluster_authorized_operations: cluster_operations,
        error_code: ErrorCode::None.code(),
    };
    let reply = context.head.encode(&answer)?;
    if missing.is_empty() { Ok(Outcome::Reply(reply)) } else { Ok(Outcome::CreateAndReply { topics: missing, reply }) }
}

/// Whom clients are to send what only a controller decides: any broker hands it on (KIP-590). Kafka draws one by lot.
pub(crate) fn any_live_broker(context: &Context<'_>) -> NodeId {
    let own = context.view.image.cluster.is_active(context.view.node_id).then_some(context.view.node_id);
    own.or_else(|| topics::live_brokers(context).next().map(|broker| broker.node)).unwrap_or(NodeId::NONE)
}

/// Who may not describe the cluster is told so by no operations at all.
pub(crate) fn cluster_operations(context: &Context<'_>) -> i32 {
    if context.allows(Operation::Describe, Resource::Cluster) { context.operations_on(Resource::Cluster) } else { 0 }
}

fn by_topic(one: &MetadataRequestTopic<'_>, other: &MetadataRequestTopic<'_>) -> Ordering {
    (one.topic_id, &one.name).cmp(&(other.topic_id, &other.name))
}

fn may_see(context: &Context<'_>, name: &str) -> bool {
    context.allows(Operation::Describe, Resource::Topic(name))
}

/// What to say of a topic that is not there, and whether to make it.
fn wanted(context: &Context<'_>, request: &MetadataRequest<'_>, name: &str, missing: &mut Vec<NewTopic>) -> ErrorCode {
    let Ok(topic) = TopicName::new(name) else { return ErrorCode::InvalidTopicException };
    // Version 0 to 3 cannot say whether they want it; they do.
    let is_wanted = request.allow_auto_topic_creation || context.version() < 4;
    if !is_wanted || !context.view.config.topics.auto_create {
        return ErrorCode::UnknownTopicOrPartition;
    }
    let may = context.allows(Operation::Create, Resource::Cluster)
        || context.allows(Operation::Create, Resource::Topic(name));
    if !may {
        return ErrorCode::TopicAuthorizationFailed;
    }
    if missing.len() < CREATED_MAX && !missing.iter().any(|other| other.name == topic) {
        missing.push(NewTopic::on_the_way(context.view.config, topic));
    }
    // Kafka's answer while the topic is being made: unknown, which clients ask again about.
    ErrorCode::UnknownTopicOrPartition
}

/// A topic that is not described. Only from version 12 on can its name be unknown.
fn failed<'a>(version: i16, code: ErrorCode, name: Option<Cow<'a, str>>, id: TopicId) -> MetadataResponseTopic<'a> {
    let is_internal = name.as_deref().and_then(|name| TopicName::new(name).ok()).is_some_and(|name| name.is_internal());
    MetadataResponseTopic {
        error_code: code.code(),
        name: if version < 12 { Some(name.unwrap_or_default()) } else { name },
        topic_id: id.0,
        is_internal,
        topic_authorized_operations: OPERATIONS_NOT_ASKED,
        ..MetadataResponseTopic::default()
    }
}

fn describe<'a>(context: &Context<'a>, topic: &'a Topic, with_operations: bool) -> MetadataResponseTopic<'a> {
    let version = context.version();
    let partitions = topic.partitions.iter().map(|(index, partition)| {
        let leader = partition.leader.filter(|leader| topics::endpoint(context, *leader).is_some());
        let is_known = partition.leader.is_some_and(|leader| context.view.image.cluster.broker(leader).is_some());
        let code = match leader {
            Some(_) => ErrorCode::None,
            None if is_known && 6 <= version => ErrorCode::ListenerNotFound,
            None => ErrorCode::LeaderNotAvailable,
        };
        MetadataResponsePartition {
            error_code: code.code(),
            partition_index: index.0,
            leader_id: leader.unwrap_or(NodeId::NONE).0,
            leader_epoch: partition.leader_epoch.0,
            replica_nodes: ids(&partition.replicas),
            isr_nodes: ids(&partition.isr),
            offline_replicas: offline(context, partition),
        }
    });
    let name = topic.name.as_str();
    MetadataResponseTopic {
        error_code: ErrorCode::None.code(),
        name: Some(Cow::Borrowed(name)),
        topic_id: topic.id.0,
        is_internal: topic.name.is_internal(),
        partitions: partitions.collect(),
        topic_authorized_operations: if with_operations {
            context.operations_on(Resource::Topic(name))
        } else {
            OPERATIONS_NOT_ASKED
        },
    }
}

pub(crate) fn ids(nodes: &[NodeId]) -> Array<'static, i32> {
    nodes.iter().map(|node| node.0).collect()
}

/// The replicas whose broker is away, or without the directory that they lie in.
pub(crate) fn offline(context: &Context<'_>, partition: &Partition) -> Array<'static, i32> {
    let is_online = |node: NodeId| {
        let Some(broker) = context.view.image.cluster.broker(node) else { return false };
        !broker.fenced && partition.directory_of(node).is_none_or(|directory| broker.has_online_directory(directory))
    };
    partition.replicas.iter().filter(|node| !is_online(**node)).map(|node| node.0).collect()
}
