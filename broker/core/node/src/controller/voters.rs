//! Voters: as the quorum knows them, and as the metadata log's record names them.

use ottla_config::BrokerConfig;
use ottla_quorum::{ReplicaKey, Voter, Voters};
use ottla_vocabulary::{NodeId, Offset};
use ottla_wire::VotersRecord;
use ottla_wire::voters_record::{Endpoint as VoterEndpoint, KRaftVersionFeature, Voter as VoterOnDisk};

/// What the quorum's own levels are.
const KRAFT_VERSIONS: (i16, i16) = (0, 1);

/// This node as a voter.
pub(crate) fn own_voter(config: &BrokerConfig, key: ReplicaKey) -> Voter {
    let endpoints = config.listeners.advertised_controller.iter().map(|listener| ottla_quorum::Endpoint {
        listener: listener.endpoint.name.clone(),
        host: listener.endpoint.host.clone(),
        port: listener.endpoint.port,
    });
    let (kraft_version_min, kraft_version_max) = KRAFT_VERSIONS;
    Voter { key, endpoints: endpoints.collect(), kraft_version_min, kraft_version_max }
}

/// The voters as the log's record names them.
pub(crate) fn voters_record(voters: &Voters) -> VotersRecord<'static> {
    let voters = voters.iter().map(|voter| VoterOnDisk {
        voter_id: voter.key.id.0,
        voter_directory_id: voter.key.directory,
        endpoints: voter
            .endpoints
            .iter()
            .map(|endpoint| VoterEndpoint {
                name: endpoint.listener.clone().into(),
                host: endpoint.host.clone().into(),
                port: endpoint.port,
            })
            .collect(),
        k_raft_version_feature: KRaftVersionFeature {
            min_supported_version: voter.kraft_version_min,
            max_supported_version: voter.kraft_version_max,
        },
    });
    VotersRecord { version: 0, voters: voters.collect() }
}

pub(super) fn voters_of(record: &VotersRecord<'_>, offset: Offset) -> Voters {
    let voters = record.voters.iter().map(|voter| Voter {
        key: ReplicaKey::new(NodeId(voter.voter_id), voter.voter_directory_id),
        endpoints: voter
            .endpoints
            .iter()
            .map(|endpoint| ottla_quorum::Endpoint {
                listener: endpoint.name.into_owned(),
                host: endpoint.host.into_owned(),
                port: endpoint.port,
            })
            .collect(),
        kraft_version_min: voter.k_raft_version_feature.min_supported_version,
        kraft_version_max: voter.k_raft_version_feature.max_supported_version,
    });
    Voters::new(voters, offset)
}
