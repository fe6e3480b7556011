//! The file `quorum-state` between Apache Kafka 4.4 and us: byte for byte the same, and each reads the other's.

use std::path::Path;

use ottla_harness::java::{self, Jars};
use ottla_quorum::{ElectionState, ReplicaKey};
use ottla_vocabulary::{LeaderEpoch, NodeId, Uuid};

fn oracle(arguments: &[&str]) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apache_kafka/QuorumStateOracle.java");
    let mut command = java::compiled(Jars::Kafka, &[source], "QuorumStateOracle").expect("Java and Kafka's jars");
    let output = command.args(arguments).output().expect("Java runs");
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{errors}");
    out.trim().to_owned()
}

#[test]
fn quorum_state_files_are_the_same_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("quorum-state");
    let path = file.to_str().expect("a path of text");
    let directory: Uuid = "vPeOCWypqUOSepEvx0cbog".parse().expect("an id");
    let voted = Some(ReplicaKey::new(NodeId(2), directory));
    let states = [(0, None, None), (5, Some(NodeId(1)), None), (7, None, voted), (8, Some(NodeId(3)), voted)];
    for (epoch, leader, voted) in states {
        let state = ElectionState { epoch: LeaderEpoch(epoch), leader, voted };
        let leader = leader.map_or(-1, |leader| leader.0).to_string();
        let (id, directory) = voted.map_or((-1, "-".to_owned()), |voted| (voted.id.0, voted.directory.to_string()));
        oracle(&["write", path, &epoch.to_string(), &leader, &id.to_string(), &directory]);
        let kafkas = std::fs::read_to_string(&file).expect("Kafka wrote it");
        assert_eq!(kafkas, state.to_file());
        assert_eq!(ElectionState::from_file(&kafkas).expect("a file of Kafka's"), state);
        std::fs::write(&file, state.to_file()).expect("a file is written");
        assert_eq!(oracle(&["read", path]), format!("{epoch} {leader} {id} {directory}"));
    }
}
