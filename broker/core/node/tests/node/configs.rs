//! What may be configured while a node runs, and what of it holds after a restart with another file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ottla_api::Loggers;
use ottla_wire::describe_configs_request::DescribeConfigsResource;
use ottla_wire::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use ottla_wire::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse, ErrorCode,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, alter_configs_request,
};

use crate::world::{World, read};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const LOGGER: i8 = 8;
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;

type Told = (ErrorCode, String);

fn alter(world: &mut World, kind: i8, name: &'static str, changes: &[(&str, i8, &str)]) -> Told {
    let configs = changes.iter().map(|(name, operation, value)| AlterableConfig {
        name: (*name).to_owned().into(),
        config_operation: *operation,
        value: (*operation != DELETE).then(|| (*value).to_owned().into()),
    });
    let resource = AlterConfigsResource {
        resource_type: kind,
        resource_name: name.into(),
        configs: configs.collect::<Vec<_>>().into(),
    };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource].into(), validate_only: false };
    let bytes = world.ask(&request, 1);
    let response = read::<IncrementalAlterConfigsResponse<'_>>(&bytes, 1);
    let told = response.responses.iter().next().unwrap();
    (ErrorCode::from_code(told.error_code), told.error_message.unwrap_or_default().into_owned())
}

fn replace(world: &mut World, kind: i8, name: &'static str, settings: &[(&str, &str)]) -> Told {
    let configs = settings.iter().map(|(name, value)| alter_configs_request::AlterableConfig {
        name: (*name).to_owned().into(),
        value: Some((*value).to_owned().into()),
    });
    let resource = alter_configs_request::AlterConfigsResource {
        resource_type: kind,
        resource_name: name.into(),
        configs: configs.collect::<Vec<_>>().into(),
    };
    let request = AlterConfigsRequest { resources: vec![resource].into(), validate_only: false };
    let bytes = world.ask(&request, 2);
    let response = read::<AlterConfigsResponse<'_>>(&bytes, 2);
    let told = response.responses.iter().next().unwrap();
    (ErrorCode::from_code(told.error_code), told.error_message.unwrap_or_default().into_owned())
}

fn described_code(world: &mut World, kind: i8, name: &'static str) -> ErrorCode {
    let resource =
        DescribeConfigsResource { resource_type: kind, resource_name: name.into(), configuration_keys: None };
    let request = DescribeConfigsRequest { resources: vec![resource].into(), ..DescribeConfigsRequest::default() };
    let bytes = world.ask(&request, 4);
    let response = read::<DescribeConfigsResponse<'_>>(&bytes, 4);
    ErrorCode::from_code(response.results.iter().next().unwrap().error_code)
}

fn is_fine(told: &Told) -> bool {
    told.0 == ErrorCode::None
}

fn world(folder: &Path, more: &str) -> World {
    World::new(folder, more)
}

#[test]
fn a_brokers_change_that_contradicts_what_else_is_set_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path(), "");
    let zero = ("max.connections.per.ip", SET, "0");
    let some = ("max.connections.per.ip.overrides", SET, "localhost:5");
    let refused = (
        ErrorCode::InvalidRequest,
        "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set."
            .to_owned(),
    );
    assert_eq!(alter(&mut world, BROKER, "", &[zero]), refused);
    assert!(is_fine(&alter(&mut world, BROKER, "", &[some, zero])));
    assert_eq!(alter(&mut world, BROKER, "", &[("max.connections.per.ip.overrides", DELETE, "")]), refused);
    assert_eq!(replace(&mut world, BROKER, "", &[("max.connections.per.ip", "0")]), refused, "the rest would go");
    assert!(is_fine(&replace(&mut world, BROKER, "", &[])));
    // The two layers stand beside each other: one broker's value leans on the cluster's.
    assert!(is_fine(&alter(&mut world, BROKER, "", &[some])));
    assert!(is_fine(&alter(&mut world, BROKER, "1", &[zero])));
    assert_eq!(alter(&mut world, BROKER, "", &[("max.connections.per.ip.overrides", DELETE, "")]), refused);
    let told = alter(&mut world, BROKER, "", &[("log.retention.ms", APPEND, "7")]);
    assert_eq!(told.0, ErrorCode::InvalidConfig);
    assert_eq!(told.1, "Config value append is not allowed for config key: log.retention.ms");
}

#[test]
fn what_contradicts_a_new_file_is_passed_over_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut world = world(
            folder.path(),
            "max.connections.per.ip.overrides=localhost:5\nlog.cleaner.dedupe.buffer.size=536870912",
        );
        let changes = [
            ("max.connections.per.ip", SET, "0"),
            ("log.cleaner.threads", SET, "400"),
            ("log.retention.ms", SET, "777000"),
        ];
        assert!(is_fine(&alter(&mut world, BROKER, "", &changes)));
        assert!(is_fine(&alter(&mut world, BROKER, "1", &[("message.max.bytes", SET, "5000")])));
    }
    let world = world(folder.path(), "");
    let config = world.node.config();
    assert_eq!(config.topic_defaults.retention_ms, 777_000, "records would be deleted too late, or too early");
    assert_eq!(config.topic_defaults.message_bytes_max, 5000);
    let in_force: Vec<&str> = config.layers.cluster.iter().map(|(name, _)| name).collect();
    assert_eq!(in_force, ["log.retention.ms"]);
}

#[test]
fn a_node_registers_where_it_listens_whatever_is_set_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let ports = |world: &World| -> Vec<u16> {
        let image = world.node.image();
        image.cluster.brokers.values().next().unwrap().endpoints.iter().map(|listener| listener.port).collect()
    };
    {
        let mut world = world(folder.path(), "");
        for elsewhere in [
            "PLAINTEXT://127.0.0.1:9099,CONTROLLER://127.0.0.1:9093",
            "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9099",
            "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093,OTHER://127.0.0.1:9094",
        ] {
            let told = alter(
                &mut world,
                BROKER,
                "1",
                &[
                    ("listeners", SET, elsewhere),
                    ("listener.security.protocol.map", SET, "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OTHER:PLAINTEXT"),
                ],
            );
            assert_eq!(told.0, ErrorCode::InvalidRequest, "{elsewhere}");
            assert!(told.1.starts_with("Listeners cannot be added, removed or moved"), "{}", told.1);
        }
        let same = ("listeners", SET, "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093");
        assert!(is_fine(&alter(&mut world, BROKER, "1", &[same])));
    }
    let world = world(folder.path(), "listeners=PLAINTEXT://127.0.0.1:9095,CONTROLLER://127.0.0.1:9093");
    assert_eq!(ports(&world), [9095]);
    assert_eq!(world.node.config().listeners.all[0].endpoint.port, 9095);
}

#[test]
fn a_name_that_comes_twice_is_refused_in_both_forms() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path(), "");
    world.create("flights", 1);
    let refused = (ErrorCode::InvalidRequest, "Error due to duplicate config keys".to_owned());
    let twice = [("retention.ms", SET, "1000"), ("retention.ms", DELETE, "")];
    assert_eq!(alter(&mut world, TOPIC, "flights", &twice), refused);
    assert_eq!(replace(&mut world, TOPIC, "flights", &[("retention.ms", "1"), ("retention.ms", "2")]), refused);
    assert!(is_fine(&alter(&mut world, TOPIC, "flights", &[("retention.ms", SET, "1000")])));
}

#[test]
fn a_broker_alters_no_other_broker() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path(), "");
    let refused = |message: &str| (ErrorCode::InvalidRequest, message.to_owned());
    let other = refused("Unexpected broker id, expected 1, but received 2");
    assert_eq!(alter(&mut world, BROKER, "2", &[("log.retention.ms", SET, "7")]), other);
    assert_eq!(replace(&mut world, BROKER, "2", &[("log.retention.ms", "7")]), other);
    let none = refused("Node id must be an integer, but it is: one");
    assert_eq!(alter(&mut world, BROKER, "one", &[("log.retention.ms", SET, "7")]), none);
    assert!(is_fine(&alter(&mut world, BROKER, "1", &[("log.retention.ms", SET, "7000")])));
}

/// Two loggers, and what they were set to.
#[derive(Clone, Default)]
struct TwoLoggers(Arc<Mutex<BTreeMap<String, Option<String>>>>);

impl Loggers for TwoLoggers {
    fn levels(&self) -> Vec<(String, &'static str)> {
        vec![("broker".to_owned(), "INFO"), ("root".to_owned(), "INFO")]
    }

    fn check(&self, logger: &str, level: Option<&str>) -> Result<(), String> {
        if !["broker", "root"].contains(&logger) {
            return Err(format!("Logger {logger} does not exist!"));
        }
        if level.is_some_and(|level| level == "LOUD") { Err("LOUD is no level".to_owned()) } else { Ok(()) }
    }

    fn set(&self, logger: &str, level: Option<&str>) -> Result<(), String> {
        self.0.lock().unwrap().insert(logger.to_owned(), level.map(str::to_owned));
        Ok(())
    }
}

#[test]
fn of_several_loggers_all_are_altered_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let loggers = TwoLoggers::default();
    let mut world = World::logging(folder.path(), Box::new(loggers.clone()));
    let debug = ("broker", SET, "DEBUG");
    for (second, code, message) in [
        (("root", SET, "LOUD"), ErrorCode::InvalidConfig, "LOUD is no level"),
        (("other", SET, "INFO"), ErrorCode::InvalidConfig, "Logger other does not exist!"),
        (("root", DELETE, ""), ErrorCode::InvalidRequest, "Removing the log level of the root logger is not allowed"),
        (
            ("root", APPEND, "INFO"),
            ErrorCode::InvalidRequest,
            "APPEND operation is not allowed for the BROKER_LOGGER resource",
        ),
    ] {
        assert_eq!(alter(&mut world, LOGGER, "1", &[debug, second]), (code, message.to_owned()));
        assert!(loggers.0.lock().unwrap().is_empty(), "{message}");
    }
    assert!(is_fine(&alter(&mut world, LOGGER, "1", &[("root", SET, "WARN"), ("broker", DELETE, "")])));
    let set: Vec<_> = loggers.0.lock().unwrap().clone().into_iter().collect();
    assert_eq!(set, [("broker".to_owned(), None), ("root".to_owned(), Some("WARN".to_owned()))]);
}

#[test]
fn a_topic_whose_name_breaks_the_rules_is_described_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path(), "");
    assert_eq!(described_code(&mut world, TOPIC, "a/b"), ErrorCode::InvalidTopicException);
    assert_eq!(described_code(&mut world, TOPIC, ""), ErrorCode::InvalidTopicException);
    assert_eq!(described_code(&mut world, TOPIC, "none"), ErrorCode::UnknownTopicOrPartition);
}
