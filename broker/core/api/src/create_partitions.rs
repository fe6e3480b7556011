//! CreatePartitions: topics grow. Needs Alter on each topic.

use std::borrow::Cow;

use ottla_metadata::decide::Refusal;
use ottla_vocabulary::Duration;
use ottla_wire::create_partitions_request::CreatePartitionsTopic;
use ottla_wire::create_partitions_response::CreatePartitionsTopicResult;
use ottla_wire::{Budget, CreatePartitionsRequest, CreatePartitionsResponse, ErrorCode, WireError};

use crate::authorizer::{Operation, Resource};
use crate::command::{Answers, Command};
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::{Encoded, Head};
use crate::topics::{self, Occurrence};

/// Topics to let grow.
#[derive(Debug)]
pub struct Task<'a> {
    /// Those that the peer may alter, each named once.
    pub topics: Vec<CreatePartitionsTopic<'a>>,
    /// The others, and why.
    pub refused: Vec<(String, Refusal)>,
    /// Only say whether it could be done.
    pub validate_only: bool,
    /// How long the client waits.
    pub timeout: Duration,
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &CreatePartitionsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let all = request.topics.collect(budget)?;
    let occurrences = topics::occurrences(&all, |topic| &topic.name, budget)?;
    let mut refused: Vec<(String, Refusal)> = Vec::new();
    let mut topics = Vec::new();
    for (topic, occurrence) in all.into_iter().zip(occurrences) {
        if occurrence != Occurrence::Only {
            if occurrence == Occurrence::FirstOfMany {
                budget.charge::<(String, Refusal)>(1)?;
                let refusal = Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name.");
                refused.push((topic.name.into_owned(), refusal));
            }
            continue;
        }
        if context.allows(Operation::Alter, Resource::Topic(&topic.name)) {
            topics.push(topic);
        } else {
            refused.push((topic.name.into_owned(), Refusal::silent(ErrorCode::TopicAuthorizationFailed)));
        }
    }
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let task = Task { topics, refused, validate_only: request.validate_only, timeout };
    Ok(Outcome::Controller(Command::CreatePartitions(task)))
}

/// The answer; `decided` is what became of each of `names`, or of all of them.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(
    head: Head,
    names: Vec<String>,
    refused: Vec<(String, Refusal)>,
    decided: &Result<Vec<Result<(), Refusal>>, Refusal>,
) -> Result<Answers, WireError> {
    let committed = encode(head, &names, &refused, decided)?;
    let failed = move |code: ErrorCode| encode(head, &names, &refused, &Err(Refusal::of(code)));
    Ok(Answers { committed, failed: Box::new(failed) })
}

fn encode(
    head: Head,
    names: &[String],
    refused: &[(String, Refusal)],
    decided: &Result<Vec<Result<(), Refusal>>, Refusal>,
) -> Result<Encoded, WireError> {
    let result = |name: &str, refusal: Option<Refusal>| CreatePartitionsTopicResult {
        name: Cow::Owned(name.to_owned()),
        error_code: refusal.as_ref().map_or(ErrorCode::None, |refusal| refusal.code).code(),
        error_message: refusal.and_then(|refusal| refusal.message),
    };
    let tried = names.iter().enumerate().map(|(place, name)| {
        let refusal = match decided {
            Ok(each) => each.get(place).and_then(|result| result.clone().err()),
            Err(refusal) => Some(refusal.clone()),
        };
        result(name, refusal)
    });
    let untried = refused.iter().map(|(name, refusal)| result(name, Some(refusal.clone())));
    let results = tried.chain(untried).collect();
    head.encode(&CreatePartitionsResponse { throttle_time_ms: head.throttle(), results })
}
