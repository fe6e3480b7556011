//! What a node must not forget of an election (the file `quorum-state`), and the counting of votes.

use std::collections::BTreeSet;

use ottla_vocabulary::{LeaderEpoch, NodeId, Uuid};

use crate::voters::{ReplicaKey, Voters};

/// What is on disk before anything is promised: the epoch, who leads it as far as this node knows, and whom it voted
/// for. Voting twice in an epoch elects two leaders, so it is synced before a vote goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ElectionState {
    /// The highest epoch seen.
    pub epoch: LeaderEpoch,
    /// Who leads it.
    pub leader: Option<NodeId>,
    /// Whom this node voted for in it.
    pub voted: Option<ReplicaKey>,
}

/// A file `quorum-state` that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum QuorumStateError {
    /// Not JSON, or not of the fields' types.
    #[error("quorum-state is not readable: {0}")]
    Json(#[from] serde_json::Error),
    /// A version that is not ours to read.
    #[error("quorum-state has data_version {0}; 0 and 1 are known")]
    Version(i16),
}

/// The file's fields, named as in Kafka's `QuorumStateData`. Version 0 has more of them, which nobody reads any longer.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct QuorumStateData {
    leader_id: i32,
    leader_epoch: i32,
    voted_id: i32,
    #[serde(default)]
    voted_directory_id: Option<String>,
    #[serde(rename = "data_version")]
    data_version: i16,
}

impl ElectionState {
    /// The content of the file `quorum-state`: one line of JSON in version 1, byte for byte as Kafka writes it.
    pub fn to_file(&self) -> String {
        let directory = self.voted.map_or(Uuid::ZERO, |voted| voted.directory);
        let data = QuorumStateData {
            leader_id: self.leader.unwrap_or(NodeId::NONE).0,
            leader_epoch: self.epoch.0,
            voted_id: self.voted.map_or(NodeId::NONE, |voted| voted.id).0,
            voted_directory_id: Some(directory.to_string()),
            data_version: 1,
        };
        serde_json::to_string(&data).expect("numbers and text are JSON")
    }

    /// Reads the content of the file `quorum-state`, of version 0 (static voters, no directory) or 1.
    ///
    /// # Errors
    /// When it is not such a file.
    pub fn from_file(content: &str) -> Result<ElectionState, QuorumStateError> {
        let line = content.lines().next().unwrap_or_default();
        let data: QuorumStateData = serde_json::from_str(line)?;
        if !(0..=1).contains(&data.data_version) {
            return Err(QuorumStateError::Version(data.data_version));
        }
        let directory = match &data.voted_directory_id {
            None => Uuid::ZERO,
            Some(text) => text.parse().map_err(serde::de::Error::custom).map_err(QuorumStateError::Json)?,
        };
        let node = |id| Some(NodeId(id)).filter(|id| 0 <= id.0);
        Ok(ElectionState {
            epoch: LeaderEpoch(data.leader_epoch),
            leader: node(data.leader_id),
            voted: node(data.voted_id).map(|id| ReplicaKey::new(id, directory)),
        })
    }
}

/// The votes of one election, this node's own included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Votes {
    voters: BTreeSet<NodeId>,
    granted: BTreeSet<NodeId>,
    rejected: BTreeSet<NodeId>,
}

impl Votes {
    /// An election among these voters in which `own` votes for itself.
    pub fn new(voters: &Voters, own: NodeId) -> Votes {
        let voters: BTreeSet<NodeId> = voters.iter().map(|voter| voter.key.id).collect();
        Votes { granted: voters.iter().copied().filter(|id| *id == own).collect(), voters, rejected: BTreeSet::new() }
    }

    /// Counts an answer; one of a stranger counts for nothing, and a second answer of the same voter changes nothing.
    pub fn count(&mut self, from: NodeId, granted: bool) {
        if !self.voters.contains(&from) || self.granted.contains(&from) || self.rejected.contains(&from) {
            return;
        }
        if granted {
            self.granted.insert(from)
        } else {
            self.rejected.insert(from)
        };
    }

    /// Whether a majority granted.
    pub fn is_won(&self) -> bool {
        self.voters.len() / 2 < self.granted.len()
    }

    /// Whether so many refused that a majority is out of reach.
    pub fn is_lost(&self) -> bool {
        self.voters.len() - self.rejected.len() < self.voters.len() / 2 + 1
    }

    /// Who granted.
    pub fn granting(&self) -> impl Iterator<Item = NodeId> {
        self.granted.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voters::Voter;
    use ottla_vocabulary::Offset;

    #[test]
    fn the_file_is_kafkas() {
        // Written by Kafka 4.4's FileQuorumStateStore for the same states.
        let leading = ElectionState { epoch: LeaderEpoch(5), leader: Some(NodeId(1)), voted: None };
        let line = r#"{"leaderId":1,"leaderEpoch":5,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#;
        assert_eq!(leading.to_file(), line);
        assert_eq!(ElectionState::from_file(line).unwrap(), leading);
        let directory = "vPeOCWypqUOSepEvx0cbog".parse().unwrap();
        let voted =
            ElectionState { epoch: LeaderEpoch(7), leader: None, voted: Some(ReplicaKey::new(NodeId(3), directory)) };
        assert_eq!(ElectionState::from_file(&voted.to_file()).unwrap(), voted);
    }

    #[test]
    fn an_old_file_is_read_and_a_strange_one_is_refused() {
        let zero = r#"{"clusterId":"","leaderId":2,"leaderEpoch":5,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":2}],"data_version":0}"#;
        let read = ElectionState::from_file(zero).unwrap();
        assert_eq!(read, ElectionState { epoch: LeaderEpoch(5), leader: Some(NodeId(2)), voted: None });
        for strange in
            ["", "[]", "{}", &zero.replace("\"data_version\":0", "\"data_version\":2"), "{\"leaderId\":\"x\"}"]
        {
            assert!(ElectionState::from_file(strange).is_err(), "{strange}");
        }
    }

    #[test]
    fn a_majority_wins_and_each_voter_counts_once() {
        let voter = |id| Voter {
            key: ReplicaKey::new(NodeId(id), Uuid::ZERO),
            endpoints: vec![],
            kraft_version_min: 0,
            kraft_version_max: 1,
        };
        let mut votes = Votes::new(&Voters::new([1, 2, 3].map(voter), Offset(0)), NodeId(1));
        assert!(!votes.is_won() && !votes.is_lost());
        votes.count(NodeId(9), true);
        votes.count(NodeId(2), false);
        votes.count(NodeId(2), true);
        assert!(!votes.is_won() && !votes.is_lost());
        let mut lost = votes.clone();
        lost.count(NodeId(3), false);
        assert!(lost.is_lost());
        votes.count(NodeId(3), true);
        assert!(votes.is_won());
        assert!(Votes::new(&Voters::new([voter(1)], Offset(0)), NodeId(1)).is_won(), "one alone elects itself");
    }
}
