//! DeleteTopics, by name or from version 6 on by id. Needs Delete on the cluster or on each topic, and Describe to be told
//! the name of an id.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ottla_metadata::decide::Refusal;
use ottla_vocabulary::{Duration, TopicId, Uuid};
use ottla_wire::delete_topics_response::DeletableTopicResult;
use ottla_wire::{Budget, DeleteTopicsRequest, DeleteTopicsResponse, ErrorCode, WireError};

use crate::authorizer::{Operation, Resource};
use crate::command::{Answers, Command};
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::{Encoded, Head};

/// Topics to delete.
#[derive(Debug)]
pub struct Task {
    /// In the order of the request: what to delete, or the refusal.
    pub topics: Vec<Named>,
    /// How long the client waits.
    pub timeout: Duration,
}

/// One topic, with what the answer may say of it.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its name, where it may be told.
    pub name: Option<String>,
    /// Its id.
    pub id: TopicId,
    /// Why it is not even tried.
    pub refusal: Option<Refusal>,
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &DeleteTopicsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let may_delete_all = context.allows(Operation::Delete, Resource::Cluster);
    let mut seen = BTreeSet::new();
    let mut topics = Vec::new();
    let by_name = request.topic_names.iter().map(|name| (Some(name), Uuid::ZERO));
    let by_either = request.topics.iter().map(|topic| (topic.name, topic.topic_id));
    // One of the two is empty, by the version.
    for (name, id) in by_name.chain(by_either) {
        budget.charge::<Named>(1)?;
        let named = find(context, may_delete_all, name, TopicId(id));
        let repeated = named.refusal.is_none() && !seen.insert(named.id);
        if repeated {
            let first = topics.iter_mut().find(|other: &&mut Named| other.id == named.id);
            if let Some(first) = first {
                first.refusal = Some(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name."));
            }
            continue;
        }
        topics.push(named);
    }
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    Ok(Outcome::Controller(Command::DeleteTopics(Task { topics, timeout })))
}

fn find(context: &Context<'_>, may_delete_all: bool, name: Option<Cow<'_, str>>, id: TopicId) -> Named {
    let image = context.view.image;
    let refuse = |name: Option<String>, id: TopicId, refusal: Refusal| Named { name, id, refusal: Some(refusal) };
    let may = |operation, name: &str| may_delete_all || context.allows(operation, Resource::Topic(name));
    match name {
        Some(name) if !id.0.is_zero() => {
            let message = "You may not specify both topic name and topic id.";
            refuse(Some(name.into_owned()), id, Refusal::new(ErrorCode::InvalidRequest, message))
        }
        Some(name) => {
            // Without the right to know of the topic, one that is not there looks the same.
            if !may(Operation::Delete, &name) {
                let refusal = Refusal::of(ErrorCode::TopicAuthorizationFailed);
                return refuse(Some(name.into_owned()), TopicId::default(), refusal);
            }
            match image.topics.by_text(&name) {
                Some(topic) => Named { name: Some(name.into_owned()), id: topic.id, refusal: None },
                None => {
                    let refusal = Refusal::of(ErrorCode::UnknownTopicOrPartition);
                    refuse(Some(name.into_owned()), TopicId::default(), refusal)
                }
            }
        }
        None if id.0.is_zero() => {
            let message = "Neither topic name nor id were specified.";
            refuse(None, id, Refusal::new(ErrorCode::InvalidRequest, message))
        }
        None => match image.topics.get(id) {
            None => refuse(None, id, Refusal::of(ErrorCode::UnknownTopicId)),
            Some(topic) => {
                let text = topic.name.as_str();
                let shown = may(Operation::Describe, text).then(|| text.to_owned());
                if may(Operation::Delete, text) {
                    Named { name: shown, id, refusal: None }
                } else {
                    refuse(shown, id, Refusal::of(ErrorCode::TopicAuthorizationFailed))
                }
            }
        },
    }
}

impl Task {
    /// The topics that are to be deleted.
    pub fn ids(&self) -> Vec<TopicId> {
        self.topics.iter().filter(|topic| topic.refusal.is_none()).map(|topic| topic.id).collect()
    }

    /// The answer; `decided` is what became of each of [`Task::ids`], or of all of them.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn answer(self, head: Head, decided: &Result<Vec<Result<(), Refusal>>, Refusal>) -> Result<Answers, WireError> {
        let committed = self.encode(head, decided)?;
        let failed = move |code: ErrorCode| self.encode(head, &Err(Refusal::of(code)));
        Ok(Answers { committed, failed: Box::new(failed) })
    }

    fn encode(&self, head: Head, decided: &Result<Vec<Result<(), Refusal>>, Refusal>) -> Result<Encoded, WireError> {
        let mut each = decided.iter().flatten();
        let responses = self.topics.iter().map(|topic| {
            let refusal = match (&topic.refusal, decided) {
                (Some(refusal), _) | (None, Err(refusal)) => Some(refusal.clone()),
                (None, Ok(_)) => each.next().and_then(|result| result.clone().err()),
            };
            let code = refusal.as_ref().map_or(ErrorCode::None, |refusal| refusal.code);
            // Version 3 made it sayable that topics cannot be deleted here.
            let code = if code == ErrorCode::TopicDeletionDisabled && head.version < 3 {
                ErrorCode::InvalidRequest
            } else {
                code
            };
            let name = topic.name.clone().map(Cow::Owned);
            DeletableTopicResult {
                name: if head.version < 6 { Some(name.unwrap_or_default()) } else { name },
                topic_id: topic.id.0,
                error_code: code.code(),
                error_message: refusal.and_then(|refusal| refusal.message),
            }
        });
        let responses = responses.collect();
        head.encode(&DeleteTopicsResponse { throttle_time_ms: head.throttle(), responses })
    }
}
