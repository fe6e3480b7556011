//! Finding what a request names in the image: topics by name or id, partitions, the endpoints of brokers.
//!
//! A topic that the peer may not know of looks alike whether it exists or not: the right is asked for before the image.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::sync::Arc;

use ottla_metadata::image::{Broker, Topic};
use ottla_vocabulary::{NodeId, PartitionIndex, TopicId};
use ottla_wire::{Array, Budget, ErrorCode, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::Context;

/// A topic of the image, or why it is not given.
pub(crate) type Found<'a> = Result<&'a Arc<Topic>, ErrorCode>;

/// The topic of a name, for who may do this to it.
pub(crate) fn of_name<'a>(context: &Context<'a>, operation: Operation, name: &str) -> Found<'a> {
    if !context.allows(operation, Resource::Topic(name)) {
        return Err(ErrorCode::TopicAuthorizationFailed);
    }
    find(context, name)
}

/// The topic of a name, whoever asks.
pub(crate) fn find<'a>(context: &Context<'a>, name: &str) -> Found<'a> {
    context.view.image.topics.by_text(name).ok_or(ErrorCode::UnknownTopicOrPartition)
}

/// The topic of an id, for who may do this to it.
pub(crate) fn of_id<'a>(context: &Context<'a>, operation: Operation, id: TopicId) -> Found<'a> {
    let topic = context.view.image.topics.get(id).ok_or(ErrorCode::UnknownTopicId)?;
    if context.allows(operation, Resource::Topic(topic.name.as_str())) {
        Ok(topic)
    } else {
        Err(ErrorCode::TopicAuthorizationFailed)
    }
}

/// Whether a topic has a partition.
pub(crate) fn has_partition(topic: &Topic, index: PartitionIndex) -> Result<(), ErrorCode> {
    topic.partition(index).map(|_| ()).ok_or(ErrorCode::UnknownTopicOrPartition)
}

/// How a name comes in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occurrence {
    Only,
    FirstOfMany,
    Again,
}

/// How each of these names comes among them. Sorted places instead of a set: a request may name very many, and what it
/// may take of memory is little more than its own size.
pub(crate) fn occurrences<T>(
    all: &[T],
    name: impl Fn(&T) -> &str,
    budget: &mut Budget,
) -> Result<Vec<Occurrence>, WireError> {
    budget.charge::<(usize, Occurrence)>(all.len())?;
    let mut places: Vec<usize> = (0..all.len()).collect();
    places.sort_by(|a, b| name(&all[*a]).cmp(name(&all[*b])));
    let mut found = vec![Occurrence::Only; all.len()];
    for same in places.chunk_by(|a, b| name(&all[*a]) == name(&all[*b])) {
        // The sort is stable, so the first of them came first.
        if let [first, again @ ..] = same
            && !again.is_empty()
        {
            found[*first] = Occurrence::FirstOfMany;
            again.iter().for_each(|place| found[*place] = Occurrence::Again);
        }
    }
    Ok(found)
}

/// The same without what came before among them: what is named twice is answered once. A name is a few bytes and what is
/// told of it may be very many, so that an answer to names that repeat would grow with the square of the request.
pub(crate) fn once<T>(
    mut all: Vec<T>,
    compare: impl Fn(&T, &T) -> Ordering,
    budget: &mut Budget,
) -> Result<Vec<T>, WireError> {
    if 2 <= all.len() {
        let mut is_again = repeated(&all, compare, budget)?.into_iter();
        all.retain(|_| !is_again.next().unwrap_or(false));
    }
    Ok(all)
}

/// Which of them came before.
pub(crate) fn repeated<T>(
    all: &[T],
    compare: impl Fn(&T, &T) -> Ordering,
    budget: &mut Budget,
) -> Result<Vec<bool>, WireError> {
    budget.charge::<[u8; size_of::<u32>() + size_of::<bool>()]>(all.len())?;
    // As a frame is of less than two gibibytes, so many fit.
    let mut places: Vec<u32> = (0..all.len() as u32).collect();
    let order = |a: &u32, b: &u32| compare(&all[*a as usize], &all[*b as usize]);
    places.sort_unstable_by(|a, b| order(a, b).then(a.cmp(b)));
    let mut is_again = vec![false; all.len()];
    for same in places.chunk_by(|a, b| order(a, b).is_eq()) {
        same.iter().skip(1).for_each(|place| is_again[*place as usize] = true);
    }
    Ok(is_again)
}

/// The partitions that a request names, each with the place of its topic.
#[derive(Debug)]
pub(crate) struct Asked {
    all: Vec<(u32, i32)>,
}

impl Asked {
    /// With room for so many.
    pub(crate) fn with_capacity(count: usize, budget: &mut Budget) -> Result<Asked, WireError> {
        budget.charge::<(u32, i32)>(count)?;
        Ok(Asked { all: Vec::with_capacity(count) })
    }

    /// Adds those of one topic.
    pub(crate) fn add(&mut self, topic: usize, partitions: &Array<'_, i32>) {
        // As a frame is of less than two gibibytes, so many topics fit.
        self.all.extend(partitions.iter().map(|index| (topic as u32, index)));
    }

    /// All without those that came before, also where their topic is named twice: which `compare` tells of two places.
    pub(crate) fn once(
        self,
        compare: impl Fn(usize, usize) -> Ordering,
        budget: &mut Budget,
    ) -> Result<AskedOnce, WireError> {
        let order = |a: &(u32, i32), b: &(u32, i32)| compare(a.0 as usize, b.0 as usize).then_with(|| a.1.cmp(&b.1));
        Ok(AskedOnce { left: once(self.all, order, budget)?.into_iter().peekable() })
    }
}

/// The same, each once; to be taken topic by topic.
#[derive(Debug)]
pub(crate) struct AskedOnce {
    left: Peekable<std::vec::IntoIter<(u32, i32)>>,
}

impl AskedOnce {
    /// Those of the topic at this place, which comes after the places that were asked for before.
    pub(crate) fn of_topic(&mut self, place: usize) -> impl Iterator<Item = PartitionIndex> {
        std::iter::from_fn(move || self.left.next_if(|(topic, _)| *topic as usize == place))
            .map(|(_, index)| PartitionIndex(index))
    }
}

/// The client id by which Kafka's own administration may write to internal topics.
const ADMIN_CLIENT: &str = "__admin_client";

/// Whether clients may write to a topic: not to those that coordinators keep their state in.
pub(crate) fn is_writable(context: &Context<'_>, topic: &Topic) -> Result<(), ErrorCode> {
    if topic.name.is_internal() && context.client_id != Some(ADMIN_CLIENT) {
        Err(ErrorCode::InvalidTopicException)
    } else {
        Ok(())
    }
}

/// Where a client reaches a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached<'a> {
    pub(crate) node: NodeId,
    pub(crate) host: &'a str,
    pub(crate) port: i32,
    pub(crate) rack: Option<&'a str>,
}

/// Where this peer reaches a broker: by the listener of the same name as the one over which it asks.
pub(crate) fn endpoint<'a>(context: &Context<'a>, node: NodeId) -> Option<Reached<'a>> {
    let broker = context.view.image.cluster.broker(node)?;
    endpoint_of(context, broker)
}

/// The same of a registration.
pub(crate) fn endpoint_of<'a>(context: &Context<'a>, broker: &'a Broker) -> Option<Reached<'a>> {
    let listener = &context.peer.listener.name;
    let endpoint = broker.endpoints.iter().find(|endpoint| endpoint.listener == *listener)?;
    let rack = broker.rack.as_deref();
    Some(Reached { node: broker.id, host: &endpoint.host, port: i32::from(endpoint.port), rack })
}

/// Every broker that clients may know of, where this peer reaches it. Who is fenced is hidden.
pub(crate) fn live_brokers<'a>(context: &Context<'a>) -> impl Iterator<Item = Reached<'a>> {
    let context = *context;
    let brokers = context.view.image.cluster.brokers.values().filter(|broker| !broker.fenced);
    brokers.filter_map(move |broker| endpoint_of(&context, broker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_many_is_told_from_the_others() {
        let found = occurrences(&["b", "a", "b", "c", "b"], |name| name, &mut Budget::unlimited());
        use Occurrence::{Again, FirstOfMany, Only};
        assert_eq!(found, Ok(vec![FirstOfMany, Only, Again, Only, Again]));
        assert!(occurrences(&["a"; 100], |name| name, &mut Budget::of(99)).is_err());
    }

    #[test]
    fn what_is_named_again_is_left_out_and_the_order_stays() {
        let found = once(vec!["b", "a", "b", "c", "b", "a"], Ord::cmp, &mut Budget::unlimited());
        assert_eq!(found, Ok(vec!["b", "a", "c"]));
        assert!(once(vec!["a"; 100], Ord::cmp, &mut Budget::of(99)).is_err());

        let budget = &mut Budget::unlimited();
        let mut asked = Asked::with_capacity(6, budget).unwrap();
        asked.add(0, &vec![1, 0, 1].into());
        asked.add(1, &vec![1].into());
        asked.add(2, &vec![1, 2].into());
        let compare = |one: usize, other: usize| ["a", "b", "a"][one].cmp(["a", "b", "a"][other]);
        let mut found = asked.once(compare, budget).unwrap();
        let found: Vec<Vec<i32>> = (0..3).map(|place| found.of_topic(place).map(|index| index.0).collect()).collect();
        assert_eq!(found, [vec![1, 0], vec![1], vec![2]]);
    }
}
