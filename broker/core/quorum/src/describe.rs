//! What DescribeQuorum tells of the leader's view: numbers for `node` to put into Kafka's answer.

use ottla_vocabulary::{LeaderEpoch, NodeId, Offset, Timestamp};

use crate::quorum::Quorum;
use crate::role::Role;
use crate::voters::ReplicaKey;

/// The leader's view of the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The leader: this node.
    pub leader: NodeId,
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// Up to where the log is committed; −1 before the first commit of the epoch.
    pub high_watermark: Offset,
    /// Who votes.
    pub voters: Vec<ReplicaState>,
    /// Who fetches without a vote, and did so within five minutes.
    pub observers: Vec<ReplicaState>,
}

/// One replica there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    /// Which.
    pub key: ReplicaKey,
    /// The end of its log; −1 when it was never heard of.
    pub log_end_offset: Offset,
    /// When it last fetched; −1 when never. The leader's own is the present.
    pub last_fetch: Timestamp,
    /// When it last had all there was; −1 when never. The leader's own is the present.
    pub last_caught_up: Timestamp,
}

impl Quorum {
    /// The leader's view at this time; `None` where another leads.
    pub fn describe(&self, now: Timestamp) -> Option<Description> {
        let Role::Leader(leader) = self.role() else { return None };
        let own = self.own_key();
        let state = |replica: &crate::role::Replica| ReplicaState {
            key: replica.key,
            log_end_offset: replica.end.unwrap_or(Offset::NONE),
            last_fetch: if replica.key.id == own.id { now } else { replica.last_fetch_wall },
            last_caught_up: if replica.key.id == own.id { now } else { replica.last_caught_up_wall },
        };
        let (voters, observers) = leader.replicas();
        Some(Description {
            leader: own.id,
            epoch: self.epoch(),
            high_watermark: leader.high_watermark().unwrap_or(Offset::NONE),
            voters: voters.map(state).collect(),
            observers: observers.map(state).collect(),
        })
    }
}
