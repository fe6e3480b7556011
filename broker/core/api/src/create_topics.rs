//! CreateTopics. Needs Create on the cluster or on each topic; its configuration is told to who has DescribeConfigs on it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ottla_metadata::decide::Refusal;
use ottla_metadata::decide::create_topics::refused;
use ottla_vocabulary::Duration;
use ottla_wire::create_topics_request::CreatableTopic;
use ottla_wire::create_topics_response::CreatableTopicResult;
use ottla_wire::{Budget, CreateTopicsRequest, CreateTopicsResponse, ErrorCode, WireError};

use crate::authorizer::{Operation, Resource};
use crate::command::{Answers, Command};
use crate::context::Context;
use crate::outcome::{NewTopic, Outcome};
use crate::response::{Encoded, Head};
use crate::topics::{self, Occurrence};

/// The name that only the quorum may use.
pub const METADATA_TOPIC: &str = "__cluster_metadata";

/// Topics to make.
#[derive(Debug)]
pub struct Task<'a> {
    /// Those that the peer may make, each named once.
    pub topics: Vec<CreatableTopic<'a>>,
    /// The answers to the others.
    pub refused: Vec<CreatableTopicResult<'static>>,
    /// Those of them whose configuration the peer may not see.
    pub hidden: BTreeSet<String>,
    /// Only say what would happen.
    pub validate_only: bool,
    /// How long the client waits.
    pub timeout: Duration,
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &CreateTopicsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let all = request.topics.collect(budget)?;
    let occurrences = topics::occurrences(&all, |topic| &topic.name, budget)?;
    let may_create_all = context.allows(Operation::Create, Resource::Cluster);
    let mut task = Task {
        topics: Vec::new(),
        refused: Vec::new(),
        hidden: BTreeSet::new(),
        validate_only: request.validate_only,
        timeout: Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0)),
    };
    for (topic, occurrence) in all.into_iter().zip(occurrences) {
        if occurrence != Occurrence::Only {
            if occurrence == Occurrence::FirstOfMany {
                budget.charge::<CreatableTopicResult<'_>>(1)?;
                let message = "Duplicate topic name.";
                task.refused.push(refused(&topic.name, Refusal::new(ErrorCode::InvalidRequest, message)));
            }
            continue;
        }
        let resource = Resource::Topic(&topic.name);
        let may = topic.name != METADATA_TOPIC && (may_create_all || context.allows(Operation::Create, resource));
        if !may {
            task.refused.push(refused(&topic.name, Refusal::silent(ErrorCode::TopicAuthorizationFailed)));
            continue;
        }
        if !context.allows(Operation::DescribeConfigs, resource) {
            budget.charge::<[String; 2]>(1)?;
            task.hidden.insert(topic.name.clone().into_owned());
        }
        task.topics.push(topic);
    }
    Ok(Outcome::Controller(Command::CreateTopics(task)))
}

/// A topic that is made on the way of another request, as a client would ask for it.
pub fn on_the_way(topic: &NewTopic) -> CreatableTopic<'static> {
    let configs = topic.configs.iter().map(|(name, value)| ottla_wire::create_topics_request::CreatableTopicConfig {
        name: Cow::Borrowed(name),
        value: Some(Cow::Owned(value.clone())),
    });
    CreatableTopic {
        name: Cow::Owned(topic.name.as_str().to_owned()),
        num_partitions: topic.partitions,
        replication_factor: topic.replication_factor,
        configs: configs.collect(),
        ..CreatableTopic::default()
    }
}

/// The answer.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(
    head: Head,
    refused: Vec<CreatableTopicResult<'static>>,
    decided: Vec<CreatableTopicResult<'static>>,
) -> Result<Answers, WireError> {
    let names: Vec<Cow<'static, str>> = decided.iter().map(|topic| topic.name.clone()).collect();
    let committed = encode(head, refused.iter().cloned().chain(decided).collect())?;
    let failed = move |code: ErrorCode| {
        let late = names.iter().map(|name| ottla_metadata::decide::create_topics::refused(name, Refusal::of(code)));
        encode(head, refused.into_iter().chain(late).collect())
    };
    Ok(Answers { committed, failed: Box::new(failed) })
}

fn encode(head: Head, topics: Vec<CreatableTopicResult<'static>>) -> Result<Encoded, WireError> {
    head.encode(&CreateTopicsResponse { throttle_time_ms: head.throttle(), topics: topics.into() })
}
