//! DeleteTopics by id; which name has which id, and who may delete it, is settled before.

use std::collections::BTreeSet;

use ottla_vocabulary::TopicId;
use ottla_wire::{ErrorCode, RemoveTopicRecord};

use super::{Context, Outcome, Record, Refusal, outcome};

/// Deletes topics; the reply says of each in turn whether it is gone. The whole request is refused where deletion is
/// switched off.
pub fn decide_delete_topics(context: Context<'_>, ids: &[TopicId]) -> Outcome<Vec<Result<(), Refusal>>> {
    if !context.config.topics.deletion {
        return outcome(Err(Refusal::of(ErrorCode::TopicDeletionDisabled)));
    }
    let mut records: Vec<Record> = Vec::new();
    let mut replies = Vec::with_capacity(ids.len());
    let mut named = BTreeSet::new();
    for id in ids {
        let known = context.image.topics.get(*id).is_some() && named.insert(*id);
        if known {
            records.push(RemoveTopicRecord { topic_id: id.0 }.into());
        }
        replies.push(if known { Ok(()) } else { Err(Refusal::of(ErrorCode::UnknownTopicId)) });
    }
    outcome(Ok((records, replies)))
}
