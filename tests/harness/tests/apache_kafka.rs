//! The harness itself: Apache Kafka can be started, and its own tools speak to it.

use ottla_harness::ApacheKafka;
use ottla_harness::apache_kafka::Setup;
use ottla_harness::java::{self, Jars};

#[test]
fn apache_kafka_starts_and_its_tools_list_what_they_created() {
    let folder = tempfile::tempdir().unwrap();
    let kafka = ApacheKafka::start(folder.path(), &Setup::default()).unwrap();
    let run = |arguments: &[&str]| {
        let output = java::java(Jars::Tools)
            .unwrap()
            .arg("org.apache.kafka.tools.TopicCommand")
            .args(["--bootstrap-server", &kafka.bootstrap])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["--create", "--topic", "flights", "--partitions", "2"]);
    assert_eq!(run(&["--list"]).trim(), "flights");
    let data = kafka.stop().unwrap();
    assert!(data.join("flights-1").is_dir());
}
