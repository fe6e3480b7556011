//! Answers that no shard gave as they go out: what becomes of the errors of coordinators, in every version that has a place
//! for them and in those that have none.

// A test: what cannot be read is a failure.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use ottla_config::{BrokerConfig, Properties};
use ottla_groups::describe::Listed;
use ottla_metadata::Image;
use ottla_vocabulary::{Instant, NodeId, Now, Principal, Timestamp};
use ottla_wire::offset_fetch_request::OffsetFetchRequestTopic;
use ottla_wire::{
    ApiKey, Budget, ListGroupsRequest, ListGroupsResponse, Message, OffsetFetchRequest, OffsetFetchResponse, Reader,
    ResponseHeader,
};

use super::*;
use crate::authorizer::Asker;
use crate::{AllowAll, Authorizer, FixedLoggers, Head, Listener, ListenerRole, NoQuotas, Outcome, Peer, View};

/// Nobody may do anything.
struct AllowNothing;

impl Authorizer for AllowNothing {
    fn allows(&self, _: &Asker<'_>, _: Operation, _: Resource<'_>) -> bool {
        false
    }

    fn allows_on_any_topic(&self, _: &Asker<'_>, _: Operation) -> bool {
        false
    }
}

fn with_context<T>(api: ApiKey, version: i16, authorizer: &dyn Authorizer, act: impl FnOnce(&Context<'_>) -> T) -> T {
    let text = "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n\
                controller.listener.names=CONTROLLER\ncontroller.quorum.bootstrap.servers=127.0.0.1:9093\n";
    let config = BrokerConfig::load(&Properties::parse(text).unwrap()).unwrap().0;
    let image = Image::default();
    let view = View {
        image: &image,
        config: &config,
        authorizer,
        quotas: &NoQuotas,
        loggers: &FixedLoggers,
        cluster_id: "c",
        node_id: NodeId(1),
        controller: None,
    };
    let listener = Arc::new(Listener { name: "PLAINTEXT".to_owned(), role: ListenerRole::Broker });
    let peer = Peer { principal: Principal::anonymous(), address: ([127, 0, 0, 1], 40_000).into(), listener };
    let now = Now { instant: Instant::from_millis(0), wall: Timestamp(0) };
    let head = Head { api, version, correlation_id: 5, throttle_ms: 0 };
    act(&Context { now, head, peer: &peer, client_id: Some("test"), view })
}

fn read<'a, M: Message<'a>>(encoded: &'a Encoded, api: ApiKey, version: i16) -> M {
    let mut reader = Reader::new(&encoded.bytes[4..]);
    ResponseHeader::read_frame(&mut reader, api, version).unwrap();
    M::read(&mut reader, version).unwrap()
}

/// What a fetch of two partitions comes to: the code as a whole, and those of the partitions.
fn fetch(version: i16, authorizer: &dyn Authorizer, told: ErrorCode) -> (ErrorCode, Vec<(i32, i64, ErrorCode)>) {
    let topic = OffsetFetchRequestTopic { name: "t".into(), partition_indexes: vec![0, 7].into() };
    let request =
        OffsetFetchRequest { group_id: "g".into(), topics: Some(vec![topic].into()), ..OffsetFetchRequest::default() };
    let encoded = with_context(ApiKey::OffsetFetch, version, authorizer, |context| {
        match offset_fetch::handle(context, &request, &mut Budget::of(1 << 20)).unwrap() {
            Outcome::Group(task) => task.answer.encode(context, vec![Err(told)]).unwrap(),
            Outcome::Reply(encoded) => encoded,
            _ => panic!("another outcome"),
        }
    });
    let response: OffsetFetchResponse<'_> = read(&encoded, ApiKey::OffsetFetch, version);
    let partitions = response.topics.iter().flat_map(|topic| topic.partitions.iter().collect::<Vec<_>>());
    let partitions = partitions.map(|partition| {
        (partition.partition_index, partition.committed_offset, ErrorCode::from_code(partition.error_code))
    });
    (ErrorCode::from_code(response.error_code), partitions.collect())
}

#[test]
fn an_old_offset_fetch_is_told_an_error_in_every_partition() {
    let each = |code| vec![(0, -1, code), (7, -1, code)];
    let moved = ErrorCode::NotCoordinator;
    assert_eq!(fetch(1, &AllowAll, moved), (ErrorCode::None, each(moved)));
    assert_eq!(fetch(2, &AllowAll, moved), (moved, vec![]));
    assert_eq!(fetch(7, &AllowAll, moved), (moved, vec![]));
    let refused = ErrorCode::GroupAuthorizationFailed;
    assert_eq!(fetch(1, &AllowNothing, moved), (ErrorCode::None, each(refused)));
    assert_eq!(fetch(7, &AllowNothing, moved), (refused, vec![]));
}

/// The code and the names that a list comes to.
fn list(told: Vec<Told>) -> (ErrorCode, Vec<String>) {
    let encoded = with_context(ApiKey::ListGroups, 5, &AllowAll, |context| {
        match list::handle(context, &ListGroupsRequest::default(), &mut Budget::of(1 << 20)).unwrap() {
            Outcome::Group(task) => task.answer.encode(context, told).unwrap(),
            _ => panic!("another outcome"),
        }
    });
    let response: ListGroupsResponse<'_> = read(&encoded, ApiKey::ListGroups, 5);
    let names = response.groups.iter().map(|group| group.group_id.into_owned()).collect();
    (ErrorCode::from_code(response.error_code), names)
}

#[test]
fn a_list_leaves_out_shards_that_have_moved_away() {
    let of = |name: &str| {
        let group = Listed { group: GroupId::new(name), protocol_type: "consumer".to_owned(), state: "Stable" };
        Ok(Reply::List(vec![group]))
    };
    let moved = || Err(ErrorCode::NotCoordinator);
    assert_eq!(list(vec![of("a"), moved(), of("b")]), (ErrorCode::None, vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(list(vec![moved()]), (ErrorCode::None, vec![]));
    let loading = ErrorCode::CoordinatorLoadInProgress;
    assert_eq!(list(vec![of("a"), Err(loading)]), (loading, vec![]));
}
