//! Finding what a request names in the image: topics by name or id, partitions, the endpoints of brokers.
//!
//! A topic that the peer may not know of looks alike whether it exists or not: the right is asked for before the image.

use std::sync::Arc;

use ottla_metadata::image::{Broker, Topic};
use ottla_vocabulary::{NodeId, PartitionIndex, TopicId};
use ottla_wire::{Budget, ErrorCode, WireError};

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
}
