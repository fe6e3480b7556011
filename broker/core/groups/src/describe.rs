//! What administrators ask: which groups there are, and who is in one.

use ottla_vocabulary::{GroupId, MemberId};
use ottla_wire::ErrorCode;

use crate::group::State;
use crate::shard::Shard;

/// One group in detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// `GroupIdNotFound` for a group that is not there; the API's versions before 6 say a "Dead" group instead.
    pub error: ErrorCode,
    /// As tools print it.
    pub state: &'static str,
    /// `consumer`, or what another kind of group calls itself.
    pub protocol_type: String,
    /// The chosen protocol, while the group is stable.
    pub protocol: String,
    /// Everybody.
    pub members: Vec<DescribedMember>,
}

/// One member in detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedMember {
    /// Its id.
    pub member: MemberId,
    /// Its own name for itself.
    pub instance: Option<String>,
    /// From its requests' header.
    pub client_id: String,
    /// Where it comes from.
    pub client_host: String,
    /// Its metadata for the chosen protocol, while the group is stable.
    pub metadata: Vec<u8>,
    /// What it got, while the group is stable.
    pub assignment: Vec<u8>,
}

/// One group in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub group: GroupId,
    /// `consumer`, or what another kind of group calls itself; empty for offsets without a group.
    pub protocol_type: String,
    /// As tools print it.
    pub state: &'static str,
}

impl<To> Shard<To> {
    pub(crate) fn describe(&self, id: &GroupId) -> Description {
        let Some(group) = self.groups.get(id) else {
            // Committed offsets alone are a group without members, of no kind yet.
            let is_simple = self.offsets.contains_key(id) && !self.foreign.contains(id);
            return Description {
                error: if is_simple { ErrorCode::None } else { ErrorCode::GroupIdNotFound },
                state: if is_simple { State::Empty.as_str() } else { "Dead" },
                protocol_type: String::new(),
                protocol: String::new(),
                members: Vec::new(),
            };
        };
        let is_stable = group.state == State::Stable;
        let protocol = group.protocol.clone().filter(|_| is_stable).unwrap_or_default();
        let members = group.members.values().map(|member| DescribedMember {
            member: member.id.clone(),
            instance: member.instance.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: if is_stable { member.metadata(&protocol).to_vec() } else { Vec::new() },
            assignment: if is_stable { member.assignment.clone() } else { Vec::new() },
        });
        Description {
            error: ErrorCode::None,
            state: group.state.as_str(),
            protocol_type: group.protocol_type.clone().unwrap_or_default(),
            members: members.collect(),
            protocol,
        }
    }

    /// Every group of this shard, those of newer kinds aside.
    pub fn list(&self) -> Vec<Listed> {
        let groups = self.groups.values().map(|group| Listed {
            group: group.id.clone(),
            protocol_type: group.protocol_type.clone().unwrap_or_default(),
            state: group.state.as_str(),
        });
        let simple = self.offsets.keys().filter(|id| !self.groups.contains_key(*id) && !self.foreign.contains(*id));
        let simple =
            simple.map(|id| Listed { group: id.clone(), protocol_type: String::new(), state: State::Empty.as_str() });
        groups.chain(simple).collect()
    }
}
