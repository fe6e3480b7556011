//! Laws of the table that need no Kafka to check: what a row promises, it keeps.

use std::collections::BTreeSet;

use ottla_config::catalogue::{self, broker_key};
use ottla_config::describe::{describe_broker, describe_topic};
use ottla_config::key::{Default, Honoured, Key, Kind};
use ottla_config::{BrokerConfig, ConfigErrors, Properties, Warnings};

const NODE: &str = "process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:9093
";

fn tables() -> Vec<&'static [Key]> {
    let broker = catalogue::BROKER_SUBJECTS.iter().map(|(_, rows)| *rows);
    broker.chain([catalogue::TOPIC, catalogue::GROUP, catalogue::CLIENT_METRICS]).collect()
}

fn load(more: &str) -> Result<(BrokerConfig, Warnings), ConfigErrors> {
    BrokerConfig::load(&Properties::parse(&format!("{NODE}{more}")).expect("no escapes"))
}

#[test]
fn rows_are_sorted_and_none_comes_twice() {
    for rows in tables() {
        assert!(rows.is_sorted_by(|a, b| a.name < b.name), "{}", rows[0].name);
    }
    let broker: Vec<&str> =
        catalogue::BROKER_SUBJECTS.iter().flat_map(|(_, rows)| rows.iter().map(|k| k.name)).collect();
    assert_eq!(broker.iter().collect::<BTreeSet<_>>().len(), broker.len());
}

#[test]
fn every_default_is_an_allowed_value() {
    for key in tables().into_iter().flatten() {
        if let Default::Text(text) = key.default {
            let value = key.parse(text).expect(key.name);
            assert_eq!(value, key.default_value(), "{}", key.name);
            assert_eq!(value.answer().as_deref(), Some(text), "{}: written as Kafka writes it", key.name);
        }
    }
}

#[test]
fn every_row_says_what_it_does_and_who_honours_it() {
    for key in tables().into_iter().flatten() {
        assert!(key.documentation.ends_with('.') && !key.documentation.contains(['|', '\n']), "{}", key.name);
        let (Honoured::By(part) | Honoured::NoEffect(part) | Honoured::NotYet(part)) = key.honoured;
        assert!(!part.is_empty() && !part.ends_with('.') && part != "not looked at", "{}", key.name);
    }
}

#[test]
fn every_synonym_is_a_broker_key_of_the_same_kind() {
    for key in catalogue::TOPIC.iter().chain(catalogue::GROUP) {
        for name in key.broker_synonyms {
            let other = broker_key(name).expect(name);
            let widened = key.kind == Kind::Long && other.kind == Kind::Int;
            let chosen = key.kind == Kind::String && other.kind == Kind::List;
            assert!(other.kind == key.kind || widened || chosen, "{} and {name}", key.name);
        }
    }
}

#[test]
fn a_wrong_value_names_key_and_value_and_what_is_allowed() {
    for key in tables().into_iter().flatten() {
        for text in ["no value of this", "-5", "nothing,", ""] {
            let Err(complaint) = key.parse(text) else { continue };
            let said = complaint.to_string();
            assert!(said.contains(key.name), "{said}");
            let names_value = said.contains(text.trim_end_matches(','))
                || said.contains("must not be empty")
                || said.contains("values must");
            assert!(key.kind == Kind::Password || names_value, "{said}");
            let allowed = ["must", "allowed:", "Expected", "Each entry"].iter().any(|word| said.contains(word));
            assert!(allowed || said.contains("Failed to parse voter"), "{}: {said}", key.name);
        }
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let errors = load("num.partitions=many\nlog.retention.ms=0\nlisteners=PLAINTEXT://:9092\nottla.log.format=xml");
    let said = errors.expect_err("four mistakes").to_string();
    let expected = [
        "Invalid value many for configuration num.partitions: Not a number of type INT \
         (allowed: a whole number of 32 bits in [1,...])",
        "Invalid value xml for configuration ottla.log.format (allowed: text, json)",
        "log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
        "controller.listener.names must contain at least one value appearing in the 'listeners' configuration when \
         running the KRaft controller role",
        "controller.listener.names must only contain values appearing in the 'listeners' configuration when running \
         the KRaft controller role",
    ];
    assert_eq!(said, expected.join("\n"));
}

#[test]
fn a_key_without_effect_warns() {
    let (_, warnings) = load(
        "zookeeper.connect=h:2181\nno.such.key=1\nnum.io.threads=4\nssl.cipher.suites=A\nbroker.rack=r\nnum.partitions=3\n\
         log.message.format.version=2.5\nlistener.name.plaintext.ssl.client.auth=none\nnum.network.threads=3",
    )
    .expect("nothing is wrong");
    let said: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "log.message.format.version: removed in Kafka 4.0; remove it, the cluster's metadata.version decides",
            "no.such.key: unknown configuration, without effect",
            "num.io.threads: has no effect: requests are served by the runtime's threads, one for each core, at most eight",
            "ssl.cipher.suites: has no effect yet: TLS is not built",
            "zookeeper.connect: there is no ZooKeeper since Kafka 4.0; remove it, the cluster keeps its own metadata",
        ]
    );
}

#[test]
fn what_would_leave_a_node_open_is_refused_until_it_is_built() {
    for more in [
        "listener.security.protocol.map=PLAINTEXT:SSL,CONTROLLER:PLAINTEXT",
        "listener.security.protocol.map=PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "principal.builder.class=com.example.Builder",
        "create.topic.policy.class.name=com.example.Policy",
        "listener.name.plaintext.principal.builder.class=com.example.Builder",
    ] {
        assert!(load(more).is_err(), "{more}");
    }
}

#[test]
fn a_dynamic_value_wins_over_the_file_and_over_other_units_of_the_same_setting() {
    let (config, _) = load("log.retention.hours=24\nmessage.max.bytes=5000").expect("a good file");
    assert_eq!(config.topic_defaults.retention_ms, 24 * 3_600_000);
    let cluster: Properties = [("log.retention.ms", "1000"), ("message.max.bytes", "6000")].into_iter().collect();
    let broker: Properties =
        [("message.max.bytes", "7000"), ("node.id", "9"), ("num.io.threads", "0")].into_iter().collect();
    let (config, warnings) = config.with_dynamic(cluster, broker).expect("good layers");
    assert_eq!(config.topic_defaults.retention_ms, 1000);
    assert_eq!(config.topic_defaults.message_bytes_max, 7000);
    assert_eq!(config.node_id.0, 1, "a key that is not dynamic is passed over");
    let passed_over: Vec<&str> = warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(passed_over, ["node.id", "num.io.threads"]);
    let (config, _) = config.with_dynamic(Properties::new(), Properties::new()).expect("the file alone");
    assert_eq!(config.topic_defaults.retention_ms, 24 * 3_600_000);
}

#[test]
fn a_topic_takes_its_own_value_then_the_brokers_then_the_default() {
    let (config, _) = load("log.roll.hours=2\nlog.cleanup.policy=compact").expect("a good file");
    let overrides = "retention.ms=-1\nsegment.bytes=9999999\ncleanup.policy=delete , compact\nno.such=1\nflush.ms=x";
    let (topic, warnings) = config.topic_defaults.with_overrides(&Properties::parse(overrides).expect("no escapes"));
    assert_eq!(topic.segment_ms, 2 * 3_600_000);
    assert_eq!((topic.retention_ms, topic.segment_bytes), (-1, 9_999_999));
    assert!(topic.cleanup_compacts && topic.cleanup_deletes);
    assert_eq!(topic.flush_ms, i64::MAX, "a wrong value is passed over");
    assert_eq!(warnings.len(), 2);
}

/// A key with a field in `TopicConfig` must change it, or the field would be a lie.
#[test]
fn every_honoured_topic_key_changes_the_typed_configuration() {
    let (config, _) = load("").expect("a good file");
    for key in catalogue::TOPIC.iter().filter(|key| matches!(key.honoured, Honoured::By(_))) {
        let candidates = ["compact", "LogAppendTime", "gzip", "true", "5", "2000000", "0.25", "7:1", "17"];
        let other = candidates.iter().find(|text| key.parse(text).is_ok_and(|value| value != key.default_value()));
        let other = other.unwrap_or_else(|| panic!("no candidate for {}", key.name));
        let (topic, _) = config.topic_defaults.with_overrides(&[(key.name, *other)].into_iter().collect());
        assert_ne!(topic, config.topic_defaults, "{}", key.name);
    }
}

#[test]
fn no_secret_is_described_or_printed() {
    let secret = "hunter2";
    let more = format!("ssl.key.password={secret}\nsasl.jaas.config={secret}\nno.such.password={secret}");
    let (config, warnings) = load(&more).expect("a good file");
    let described = describe_broker(&config);
    let entry = described.iter().find(|entry| entry.name == "ssl.key.password").expect("it is set");
    assert!(entry.sensitive && entry.value.is_none());
    assert!(!format!("{described:?}{warnings:?}{config:?}").contains(secret));
    assert!(!describe_topic(&config, &Properties::new()).is_empty());
}
