//! The APIs of groups: each file decodes and authorizes its request, says what the shards of the groups are asked, and
//! makes the answer of what they reply.
//!
//! A request may ask several shards (OffsetFetch and the administrators' requests name many groups), and a shard may answer
//! minutes later (a join waits for the other members), so what is needed for the answer is owned.

pub mod delete;
pub mod describe;
pub mod heartbeat;
pub mod join;
pub mod leave;
pub mod list;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod sync;

use ottla_groups::{Reply, Request};
use ottla_vocabulary::{Duration, GroupId};
use ottla_wire::{ErrorCode, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::Context;
use crate::response::Encoded;

/// What shards are asked for one request, and how the answer is made once all have replied.
#[derive(Debug)]
pub struct Task {
    /// In the order in which [`Answer::encode`] is told the replies.
    pub asks: Vec<Ask>,
    /// What makes the answer.
    pub answer: Answer,
}

/// One question to one shard, or to all. Those that one request may put about very many groups are kept small: each is made
/// when it is asked.
#[derive(Debug)]
pub enum Ask {
    /// Any question.
    Any(Box<(Place, Request)>),
    /// Who is in this group?
    Describe(GroupId),
    /// Forget this group.
    Delete(GroupId),
    /// How far has this group read, of whatever it has read?
    AllOffsets(GroupId),
}

impl Ask {
    fn any(place: Place, request: Request) -> Ask {
        Ask::Any(Box::new((place, request)))
    }

    /// Which shard is asked what.
    pub fn question(self) -> (Place, Request) {
        let (group, request) = match self {
            Ask::Any(question) => return *question,
            Ask::Describe(group) => (group.clone(), Request::Describe { group }),
            Ask::Delete(group) => (group.clone(), Request::Delete { group }),
            Ask::AllOffsets(group) => (group.clone(), Request::OffsetFetch { group, partitions: None }),
        };
        (Place::Group(group), request)
    }
}

/// Which shard is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The one that keeps this group.
    Group(GroupId),
    /// All of this broker, each of which replies.
    EveryShard,
}

/// What a shard said, or why there is none that could: `NotCoordinator`, `CoordinatorLoadInProgress`, …
pub type Told = Result<Reply, ErrorCode>;

/// The answer of each API, with what it needs besides the replies.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To JoinGroup.
    Join(join::Answer),
    /// To SyncGroup.
    Sync,
    /// To Heartbeat.
    Heartbeat,
    /// To LeaveGroup.
    Leave,
    /// To OffsetCommit.
    OffsetCommit(offset_commit::Answer),
    /// To OffsetFetch.
    OffsetFetch(offset_fetch::Answer),
    /// To OffsetDelete.
    OffsetDelete(offset_delete::Answer),
    /// To DescribeGroups.
    Describe(describe::Answer),
    /// To ListGroups.
    List(list::Answer),
    /// To DeleteGroups.
    Delete(delete::Answer),
}

impl Answer {
    /// The answer, once every shard that was asked has replied; `told` is in the order of [`Task::asks`].
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn encode(self, context: &Context<'_>, told: Vec<Told>) -> Result<Encoded, WireError> {
        match self {
            Answer::Join(answer) => answer.encode(context, told),
            Answer::Sync => sync::answer(context, told),
            Answer::Heartbeat => heartbeat::answer(context, &told),
            Answer::Leave => leave::answer(context, told),
            Answer::OffsetCommit(answer) => answer.encode(context, told),
            Answer::OffsetFetch(answer) => answer.encode(context, told),
            Answer::OffsetDelete(answer) => answer.encode(context, told),
            Answer::Describe(answer) => answer.encode(context, told),
            Answer::List(answer) => answer.encode(context, told),
            Answer::Delete(answer) => answer.encode(context, told),
        }
    }
}

impl Task {
    /// One question to the shard of one group.
    fn one(group: GroupId, request: Request, answer: Answer) -> Task {
        Task { asks: vec![Ask::any(Place::Group(group), request)], answer }
    }
}

/// Whether the peer may do this to a group.
fn may(context: &Context<'_>, operation: Operation, group: &str) -> Result<(), ErrorCode> {
    if context.allows(operation, Resource::Group(group)) { Ok(()) } else { Err(ErrorCode::GroupAuthorizationFailed) }
}

/// A time that a request gives in milliseconds; what is negative is none at all.
fn millis(value: i32) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0))
}

/// The only reply to a request that asked one shard.
fn only(told: Vec<Told>) -> Told {
    told.into_iter().next().unwrap_or(Err(ErrorCode::UnknownServerError))
}

#[cfg(test)]
mod tests;
