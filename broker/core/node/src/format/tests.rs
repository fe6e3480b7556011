//! Whether a node that was never started makes a cluster of its own.

// A test: what cannot be read is a failure.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use ottla_config::{BrokerConfig, Properties};
use ottla_disk::Disk;
use ottla_vocabulary::{Instant, Now, Timestamp};

use super::format_if_new;
use crate::boot::BootError;

const SMALLEST: &str = "process.roles=broker,controller\nnode.id=2\ncontroller.listener.names=CONTROLLER\n";

fn begin(folder: &Path, text: &str) -> Result<Option<String>, BootError> {
    let text = format!("{SMALLEST}log.dirs={}\n{text}", folder.display());
    let config = BrokerConfig::load(&Properties::parse(&text).unwrap()).unwrap().0;
    let now = Now { instant: Instant::from_millis(0), wall: Timestamp(1_700_000_000_000) };
    format_if_new(&Disk::new(64), &config, 7, now)
}

fn check(listeners: &str, advertised: Option<&str>, quorum: &str, forms: bool) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let advertised = advertised.map_or(String::new(), |told| format!("advertised.listeners={told}\n"));
    let text = format!("listeners={listeners}\n{advertised}controller.quorum.{quorum}\n");
    match begin(&data, &text) {
        Ok(Some(_)) => assert!(forms && data.join("meta.properties").exists(), "{text}"),
        Ok(None) => panic!("it is a controller and its directory empty: {text}"),
        Err(error) => {
            assert!(!forms, "{text}{error}");
            assert!(error.to_string().contains("`ottla-broker format`"), "{error}");
            assert!(!data.exists(), "nothing is written");
        }
    }
}

#[test]
fn a_node_whose_controller_alone_is_named_makes_a_cluster() {
    let here = "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093";
    let open = "PLAINTEXT://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093";
    let any = "PLAINTEXT://:9092,CONTROLLER://:9093";
    let broker = Some("PLAINTEXT://node2:9092");
    let both = Some("PLAINTEXT://h:9092,CONTROLLER://node2.a.svc:9093");
    for (listeners, advertised, quorum) in [
        // As `--dev` sets it.
        (here, None, "bootstrap.servers=127.0.0.1:9093"),
        (here, None, "bootstrap.servers=localhost:9093"),
        // As Kafka's own server.properties sets it.
        (any, Some("PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"), "bootstrap.servers=localhost:9093"),
        (any, None, "bootstrap.servers=localhost:9093"),
        (open, broker, "bootstrap.servers=[::1]:9093"),
        (open, broker, "bootstrap.servers=127.0.0.1:9093"),
        // As the operator sets it.
        (open, both, "bootstrap.servers=node2.a.svc:9093"),
        (here, both, "bootstrap.servers=Node2.a.svc.:9093"),
        (open, broker, "bootstrap.servers=node2:9093"),
        ("PLAINTEXT://:9092,CONTROLLER://10.0.0.2:9093", None, "bootstrap.servers=10.0.0.2:9093"),
        // The id settles it.
        (open, broker, "voters=2@elsewhere:9093"),
    ] {
        check(listeners, advertised, quorum, true);
    }
}

#[test]
fn a_node_for_which_another_controller_is_named_does_not() {
    let here = "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093";
    let open = "PLAINTEXT://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093";
    let any = "PLAINTEXT://:9092,CONTROLLER://:9093";
    let broker = Some("PLAINTEXT://node2:9092");
    let both = Some("PLAINTEXT://h:9092,CONTROLLER://node2:9093");
    for (listeners, advertised, quorum) in [
        (any, None, "bootstrap.servers=node1:9093"),
        (open, broker, "bootstrap.servers=node1:9093"),
        (open, both, "bootstrap.servers=node1:9093"),
        (open, both, "bootstrap.servers=10.0.0.1:9093"),
        (open, both, "bootstrap.servers=node2:9094"),
        (here, None, "bootstrap.servers=127.0.0.2:9093"),
        (here, None, "bootstrap.servers=127.0.0.1:9094"),
        ("PLAINTEXT://:9092,CONTROLLER://10.0.0.2:9093", None, "bootstrap.servers=localhost:9093"),
        (open, both, "bootstrap.servers=node1:9093,node2:9093"),
        (open, both, "voters=1@node1:9093,2@node2:9093"),
    ] {
        check(listeners, advertised, quorum, false);
    }
}

#[test]
fn a_directory_that_holds_something_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("something"), "").unwrap();
    let text = "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ncontroller.quorum.voters=2@node2:9093\n";
    assert!(begin(folder.path(), text).unwrap().is_none());
    assert!(!folder.path().join("meta.properties").exists());
}

#[test]
fn a_format_that_was_cut_off_is_done_again() {
    let text = "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\ncontroller.quorum.voters=2@node2:9093\n";
    let folder = tempfile::tempdir().unwrap();
    assert!(begin(folder.path(), text).unwrap().is_some());
    // Killed before its last file had its name.
    std::fs::rename(folder.path().join("meta.properties"), folder.path().join("meta.properties.tmp")).unwrap();
    assert!(begin(folder.path(), text).unwrap().is_some());
    assert!(folder.path().join("meta.properties").exists());

    // A metadata log that has more than its beginning was somebody's.
    std::fs::remove_file(folder.path().join("meta.properties")).unwrap();
    std::fs::write(folder.path().join("__cluster_metadata-0/00000000000000000000.log"), "x").unwrap();
    assert!(begin(folder.path(), text).unwrap().is_none());
}
