//! Who votes: the set of voters that the log's latest VotersRecord names (KIP-853), with directory ids.
//!
//! A directory id makes a voter one disk and not merely one number: a node that comes back with an empty disk under its
//! old id is another replica, and must not vote as the one whose log it lost.

use std::collections::BTreeMap;

use ottla_vocabulary::{NodeId, Offset, Uuid};

/// A replica of the metadata log: a node and the directory that holds the log there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaKey {
    /// The node.
    pub id: NodeId,
    /// Its metadata log directory; [`Uuid::ZERO`] where an older request did not say.
    pub directory: Uuid,
}

impl ReplicaKey {
    /// Puts the two together.
    pub fn new(id: NodeId, directory: Uuid) -> ReplicaKey {
        ReplicaKey { id, directory }
    }

    /// Whether `other` is the replica that this names: the same node, and the same directory where this says one.
    pub fn matches(&self, other: &ReplicaKey) -> bool {
        self.id == other.id && (self.directory.is_zero() || self.directory == other.directory)
    }
}

/// Where a voter is reached under one listener's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The listener's name, `CONTROLLER`.
    pub listener: String,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// One voter, as the VotersRecord describes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Voter {
    /// Which replica.
    pub key: ReplicaKey,
    /// Where it listens as a controller.
    pub endpoints: Vec<Endpoint>,
    /// The lowest kraft.version it supports.
    pub kraft_version_min: i16,
    /// The highest.
    pub kraft_version_max: i16,
}

/// The voters, and where in the log they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Voters {
    by_id: BTreeMap<NodeId, Voter>,
    /// The offset of the VotersRecord. [`Offset::NONE`] when it stands in the snapshot that formatting wrote: the first
    /// leader then writes it into the log.
    pub offset: Offset,
}

impl Voters {
    /// The set that a record at this offset names. When it names a node twice the later one counts.
    pub fn new(voters: impl IntoIterator<Item = Voter>, offset: Offset) -> Voters {
        Voters { by_id: voters.into_iter().map(|voter| (voter.key.id, voter)).collect(), offset }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether nobody votes: a node formatted without initial controllers waits to be told.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many make a majority.
    pub fn majority(&self) -> usize {
        self.len() / 2 + 1
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Voter> {
        self.by_id.values()
    }

    /// The voter of this node id.
    pub fn get(&self, id: NodeId) -> Option<&Voter> {
        self.by_id.get(&id)
    }

    /// Whether this very replica votes.
    pub fn contains(&self, key: &ReplicaKey) -> bool {
        self.get(key.id).is_some_and(|voter| voter.key.matches(key))
    }

    /// Whether this replica is the whole quorum.
    pub fn is_only(&self, key: &ReplicaKey) -> bool {
        self.len() == 1 && self.contains(key)
    }

    /// The same set with this voter's entry replaced by what it says of itself now; `None` when it is no member or
    /// nothing changes.
    pub fn with_updated(&self, voter: &Voter) -> Option<Voters> {
        let known = self.get(voter.key.id).filter(|known| known.key.matches(&voter.key))?;
        if known == voter {
            return None;
        }
        let mut updated = self.clone();
        updated.by_id.insert(voter.key.id, voter.clone());
        Some(updated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voter(id: i32, directory: u8, port: u16) -> Voter {
        Voter {
            key: ReplicaKey::new(NodeId(id), Uuid([directory; 16])),
            endpoints: vec![Endpoint { listener: "CONTROLLER".into(), host: "h".into(), port }],
            kraft_version_min: 0,
            kraft_version_max: 1,
        }
    }

    #[test]
    fn a_node_with_another_directory_is_not_the_voter() {
        let voters = Voters::new([voter(1, 7, 9093)], Offset(3));
        assert!(voters.is_only(&voter(1, 7, 1).key));
        assert!(
            !voters.contains(&ReplicaKey::new(NodeId(1), Uuid::ZERO)),
            "a message that does not say proves nothing"
        );
        assert!(!voters.contains(&voter(1, 8, 9093).key));
        assert!(!voters.contains(&voter(2, 7, 9093).key));
    }

    #[test]
    fn a_voter_that_moved_is_updated_and_a_stranger_is_not() {
        let voters = Voters::new([voter(1, 7, 9093), voter(2, 7, 9093), voter(3, 7, 9093)], Offset(3));
        assert_eq!(voters.majority(), 2);
        assert_eq!(voters.with_updated(&voter(1, 7, 9093)), None);
        assert_eq!(voters.with_updated(&voter(1, 9, 1)), None);
        assert_eq!(voters.with_updated(&voter(1, 7, 1)).unwrap().get(NodeId(1)), Some(&voter(1, 7, 1)));
    }
}
