//! Which APIs this broker serves, in one table: what ApiVersions advertises and what is dispatched are both read from it.
//!
//! The versions are Kafka 4.4's (`wire` knows them). An API stands here from the day it is whole.

use ottla_wire::ApiKey;

use crate::peer::ListenerRole;

/// Everything that is served, by rising key. The listeners of each are those on which Kafka serves it.
pub const SERVED: &[ApiKey] = &[
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::ListOffsets,
    ApiKey::Metadata,
    ApiKey::OffsetCommit,
    ApiKey::OffsetFetch,
    ApiKey::FindCoordinator,
    ApiKey::JoinGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::SyncGroup,
    ApiKey::DescribeGroups,
    ApiKey::ListGroups,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::DeleteRecords,
    ApiKey::InitProducerId,
    ApiKey::OffsetForLeaderEpoch,
    ApiKey::DescribeConfigs,
    ApiKey::AlterConfigs,
    ApiKey::DescribeLogDirs,
    ApiKey::CreatePartitions,
    ApiKey::DeleteGroups,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::OffsetDelete,
    ApiKey::DescribeQuorum,
    ApiKey::UpdateFeatures,
    ApiKey::DescribeCluster,
    ApiKey::DescribeProducers,
    ApiKey::BrokerRegistration,
    ApiKey::BrokerHeartbeat,
    ApiKey::AllocateProducerIds,
    ApiKey::ListConfigResources,
    ApiKey::DescribeTopicPartitions,
];

/// Whether a listener of this role serves this API at all.
pub fn is_served(api: ApiKey, role: ListenerRole) -> bool {
    let facts = api.facts();
    let here = match role {
        ListenerRole::Broker => facts.on_broker,
        ListenerRole::Controller => facts.on_controller,
    };
    here && SERVED.contains(&api)
}

/// Whether this version may be used: what is advertised, and of Produce only what can still be read.
pub fn is_version_served(api: ApiKey, version: i16) -> bool {
    api.serves(version) && version <= api.advertised_max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_old_produce_is_advertised_but_not_served() {
        assert!(SERVED.is_sorted());
        assert!(!is_version_served(ApiKey::Produce, 2) && ApiKey::Produce.advertised_min() == 0);
        assert!(!is_version_served(ApiKey::InitProducerId, 6), "two-phase commit is not stable");
    }
}
