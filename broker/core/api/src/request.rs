//! Takes a frame in: reads its header, finds out whether the API and version are served here, reads the body and hands
//! it to the API's file. Decoding happens here and once.

use std::borrow::Cow;

use ottla_vocabulary::Now;
use ottla_wire::{ApiKey, Budget, Message, Reader, RequestHeader, WireError};

use crate::context::{Context, View};
use crate::outcome::Outcome;
use crate::peer::Peer;
use crate::response::Head;
use crate::served::{is_served, is_version_served};
use crate::{
    api_versions, configs, create_partitions, create_topics, delete_records, delete_topics, describe_cluster,
    describe_log_dirs, describe_producers, describe_quorum, describe_topic_partitions, fetch, find_coordinator, group,
    init_producer_id, list_offsets, metadata, offset_for_leader_epoch, produce, registration, update_features,
};

/// Why a request cannot be answered at all, so that its connection must end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// The header cannot be read, so no correlation id is known.
    #[error("the request's header cannot be read: {0}")]
    Header(WireError),
    /// An API or version that is not served here; only ApiVersions has an answer to that.
    #[error("{} version {version} is not served by this listener", api.name())]
    Unserved {
        /// The API.
        api: ApiKey,
        /// The version.
        version: i16,
    },
    /// The body cannot be read.
    #[error("the body of {} version {version} cannot be read: {error}", api.name())]
    Body {
        /// The API.
        api: ApiKey,
        /// The version.
        version: i16,
        /// What is wrong with it.
        error: WireError,
    },
}

/// Reads a request and says what it comes to.
///
/// # Errors
/// When it cannot be answered; the connection is then to be closed.
pub fn receive<'a>(
    now: Now,
    peer: &'a Peer,
    view: View<'a>,
    frame: &'a [u8],
) -> Result<(Context<'a>, Outcome<'a>), Unanswerable> {
    let mut reader = Reader::new(frame);
    let (api, header) = RequestHeader::read_frame(&mut reader).map_err(Unanswerable::Header)?;
    let version = header.request_api_version;
    let client_id = match header.client_id {
        Some(Cow::Borrowed(id)) => Some(id),
        // A reader only ever borrows.
        Some(Cow::Owned(_)) | None => None,
    };
    let throttle_ms = view.quotas.charge(now, peer, client_id, api, frame.len());
    let head = Head { api, version, correlation_id: header.correlation_id, throttle_ms };
    let context = Context { now, head, peer, client_id, view };
    let unreadable = |error| Unanswerable::Body { api, version, error };
    if !is_served(api, peer.listener.role) {
        return Err(Unanswerable::Unserved { api, version });
    }
    if !is_version_served(api, version) {
        if api == ApiKey::ApiVersions {
            let reply = api_versions::unknown_version(&context).map_err(unreadable)?;
            return Ok((context, Outcome::Reply(reply)));
        }
        return Err(Unanswerable::Unserved { api, version });
    }
    let mut budget = Budget::for_frame(frame.len());
    let outcome = dispatch(&context, &mut reader, &mut budget).map_err(unreadable)?;
    Ok((context, outcome))
}

fn dispatch<'a>(context: &Context<'a>, reader: &mut Reader<'a>, budget: &mut Budget) -> Result<Outcome<'a>, WireError> {
    fn read<'a, M: Message<'a>>(context: &Context<'a>, reader: &mut Reader<'a>) -> Result<M, WireError> {
        M::read(reader, context.version())
    }
    match context.head.api {
        ApiKey::ApiVersions => api_versions::handle(context, &read(context, reader)?),
        ApiKey::Metadata => metadata::handle(context, &read(context, reader)?, budget),
        ApiKey::DescribeCluster => describe_cluster::handle(context, &read(context, reader)?),
        ApiKey::DescribeTopicPartitions => describe_topic_partitions::handle(context, &read(context, reader)?, budget),
        ApiKey::FindCoordinator => find_coordinator::handle(context, &read(context, reader)?, budget),
        ApiKey::OffsetCommit => group::offset_commit::handle(context, &read(context, reader)?, budget),
        ApiKey::OffsetFetch => group::offset_fetch::handle(context, &read(context, reader)?, budget),
        ApiKey::JoinGroup => group::join::handle(context, &read(context, reader)?, budget),
        ApiKey::Heartbeat => group::heartbeat::handle(context, &read(context, reader)?),
        ApiKey::LeaveGroup => group::leave::handle(context, &read(context, reader)?, budget),
        ApiKey::SyncGroup => group::sync::handle(context, &read(context, reader)?, budget),
        ApiKey::DescribeGroups => group::describe::handle(context, &read(context, reader)?, budget),
        ApiKey::ListGroups => group::list::handle(context, &read(context, reader)?, budget),
        ApiKey::DeleteGroups => group::delete::handle(context, &read(context, reader)?, budget),
        ApiKey::OffsetDelete => group::offset_delete::handle(context, &read(context, reader)?, budget),
        ApiKey::Produce => produce::handle(context, &read(context, reader)?, budget),
        ApiKey::Fetch => fetch::handle(context, &read(context, reader)?, budget),
        ApiKey::ListOffsets => list_offsets::handle(context, &read(context, reader)?, budget),
        ApiKey::DeleteRecords => delete_records::handle(context, &read(context, reader)?, budget),
        ApiKey::OffsetForLeaderEpoch => offset_for_leader_epoch::handle(context, &read(context, reader)?, budget),
        ApiKey::DescribeProducers => describe_producers::handle(context, &read(context, reader)?, budget),
        ApiKey::DescribeLogDirs => describe_log_dirs::handle(context, &read(context, reader)?, budget),
        ApiKey::InitProducerId => init_producer_id::handle(context, &read(context, reader)?),
        ApiKey::CreateTopics => create_topics::handle(context, &read(context, reader)?, budget),
        ApiKey::DeleteTopics => delete_topics::handle(context, &read(context, reader)?, budget),
        ApiKey::CreatePartitions => create_partitions::handle(context, &read(context, reader)?, budget),
        ApiKey::DescribeConfigs => configs::describe::handle(context, &read(context, reader)?, budget),
        ApiKey::AlterConfigs => configs::alter::handle(context, &read(context, reader)?, budget),
        ApiKey::IncrementalAlterConfigs => configs::alter::handle_incremental(context, &read(context, reader)?, budget),
        ApiKey::ListConfigResources => configs::list::handle(context, &read(context, reader)?, budget),
        ApiKey::UpdateFeatures => update_features::handle(context, &read(context, reader)?, budget),
        ApiKey::DescribeQuorum => describe_quorum::handle(context, &read(context, reader)?, budget),
        ApiKey::BrokerRegistration => registration::register(context, read(context, reader)?),
        ApiKey::BrokerHeartbeat => registration::heartbeat(context, read(context, reader)?),
        ApiKey::AllocateProducerIds => registration::allocate_producer_ids(context, read(context, reader)?),
        api => Err(WireError::UnknownKey { what: "served API", key: i32::from(api.key()) }),
    }
}
