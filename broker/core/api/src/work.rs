//! Work on partitions, in the order and grouping of the request that asks for it.
//!
//! An API gives each partition either a job or the error that it can tell without the partition; the node puts the
//! result in the job's place; the API makes the answer of that.

use std::borrow::Cow;

use ottla_vocabulary::{PartitionIndex, TopicId};
use ottla_wire::ErrorCode;

/// One topic of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicWork<'a, T> {
    /// The name as the client wrote it; empty where the version has none.
    pub name: Cow<'a, str>,
    /// The topic's id; zero where it is not known.
    pub id: TopicId,
    /// Its partitions.
    pub partitions: Vec<PartitionWork<T>>,
}

/// One partition of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionWork<T> {
    /// Which.
    pub index: PartitionIndex,
    /// A job, or its result.
    pub work: T,
}

/// A job, or why it cannot be done.
pub type Job<T> = Result<T, ErrorCode>;

impl<'a, T> TopicWork<'a, T> {
    /// The topic with each partition's work done.
    pub fn map<U>(self, mut act: impl FnMut(TopicId, PartitionIndex, T) -> U) -> TopicWork<'a, U> {
        let TopicWork { name, id, partitions } = self;
        let partitions = partitions
            .into_iter()
            .map(|PartitionWork { index, work }| PartitionWork { index, work: act(id, index, work) })
            .collect();
        TopicWork { name, id, partitions }
    }
}
