//! Values: what is accepted, what it reads as, and the words of the complaint about what is not.

use ottla_config::catalogue;
use ottla_config::dynamic::{Scope, validate_dynamic_configs};
use ottla_config::key::{Key, Kind};
use ottla_config::value::Value;
use ottla_config::{BrokerConfig, Properties, validate_topic_configs};

use crate::files::COMBINED;
use crate::kafka::{Answer, ask, ask_each};

/// Texts of every kind, right and wrong, tried on every key.
const TEXTS: &[&str] = &[
    "",
    " ",
    "0",
    "1",
    "-1",
    "-2",
    "-3",
    "+7",
    " 5 ",
    "2",
    "3",
    "4",
    "9",
    "10",
    "17",
    "18",
    "22",
    "23",
    "99",
    "100",
    "499",
    "500",
    "501",
    "1000",
    "1023",
    "1024",
    "9999",
    "10000",
    "30000",
    "32767",
    "32768",
    "86400",
    "86401",
    "524287",
    "1048575",
    "1048576",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "1.0",
    "0.5",
    "0.51",
    "1e3",
    "1E-7",
    "1.5f",
    "2d",
    ".5",
    "5.",
    "NaN",
    "-Infinity",
    "inf",
    "1_000",
    "0x",
    "true",
    "TRUE",
    " False ",
    "yes",
    "a",
    "a,b",
    "a , b",
    "a,a",
    "a,,b",
    ",",
    "a,",
    "delete",
    "compact,delete",
    "delete,delete",
    "compact,x",
    "gzip",
    "GZIP",
    "producer",
    "CreateTime",
    "createtime",
    "classic,consumer",
    "broker",
    "broker,controller",
    "required",
    "upgrade",
    "Bidirectional",
    "rs256",
    "SSL",
    "ssl",
    "1@h:1",
    "1@h:1,2@[::1]:2",
    "1@h",
    "x@h:1",
    "1@h:x",
    "@",
    "h:1",
    "h:1,i:2",
    "http://h:1",
    "h",
    "[::1]:1",
    "1:2",
    "1:2,3:4",
    "*",
    "*,1:2",
    "1:2:3",
    "latest",
    "Latest",
    "by_duration:PT1H",
    "by_duration:P1DT2H3M4.5S",
    "by_duration:-PT1S",
    "by_duration:",
    "by_duration:P",
    "by_duration:PT",
    "read_committed",
];

#[test]
fn values_are_read_and_refused_as_by_kafka() {
    let broker = catalogue::broker_keys().map(|key| {
        let dynamic_only = catalogue::REPLICATION_QUOTA.iter().any(|other| other.name == key.name);
        (if dynamic_only { "replication-quota" } else { "broker" }, key)
    });
    let topic = catalogue::TOPIC.iter().map(|key| ("topic", key));
    let group = catalogue::GROUP.iter().map(|key| ("group", key));
    let clients = catalogue::CLIENT_METRICS.iter().map(|key| ("client-metrics", key));
    let keys: Vec<(&str, &Key)> = broker.chain(topic).chain(group).chain(clients).collect();
    let mut questions = Vec::new();
    let mut ours = Vec::new();
    for (kind, key) in keys {
        for text in TEXTS {
            questions.push(vec!["probe", kind, key.name, text]);
            ours.push(answer(key, text));
        }
    }
    let theirs = ask_each(&questions);
    let differences: Vec<String> = questions
        .iter()
        .zip(ours.iter().zip(&theirs))
        .filter(|(_, (ours, theirs))| ours != theirs)
        .map(|(question, (ours, theirs))| format!("{question:?}\n  ours:   {ours:?}\n  theirs: {theirs:?}"))
        .collect();
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(20)].join("\n"));
}

fn answer(key: &Key, text: &str) -> Answer {
    match key.parse(text) {
        Ok(Value::Secret(secret)) => Answer::Good(Some(secret.reveal().to_owned())),
        Ok(value) => Answer::Good(value.answer()),
        Err(complaint) => Answer::Bad(complaint.message),
    }
}

#[test]
fn a_known_class_is_accepted() {
    for key in catalogue::broker_keys().filter(|key| key.kind == Kind::Class) {
        if let Some(default) = key.default.text() {
            assert_eq!(answer(key, default), Answer::Good(Some(default.to_owned())));
        }
    }
}

#[test]
fn topic_configurations_are_checked_as_by_kafka() {
    let cases = [
        ("", "retention.ms=1000\ncleanup.policy=compact,delete"),
        ("", "retention.ms=-2"),
        ("", "no.such.key=1"),
        ("", "min.compaction.lag.ms=10\nmax.compaction.lag.ms=5"),
        ("", "min.compaction.lag.ms=9223372036854775807"),
        ("", "remote.storage.enable=true"),
        ("remote.storage.enable=true", "remote.storage.enable=false"),
        ("remote.storage.enable=true", ""),
        ("remote.storage.enable=true", "remote.log.delete.on.disable=true"),
        ("", "segment.bytes=100"),
        ("", "internal.segment.bytes=100"),
        ("", "compression.type=lzo"),
        ("", "cleanup.policy="),
        ("", "cleanup.policy=delete,delete"),
        ("", "message.timestamp.type=never"),
        ("", "min.cleanable.dirty.ratio=1.5"),
        ("", "unclean.leader.election.enable=maybe"),
    ];
    let questions: Vec<Vec<&str>> = cases.iter().map(|(before, after)| vec!["topic", before, after]).collect();
    let file = Properties::parse(COMBINED).expect("no escapes");
    let (broker, _) = BrokerConfig::load(&file).expect("a good file");
    for ((before, after), theirs) in cases.iter().zip(ask_each(&questions)) {
        let [before, after] = [before, after].map(|text| Properties::parse(text).expect("no escapes"));
        let ours = match validate_topic_configs(&before, &after, &broker.values) {
            Ok(()) => Answer::Good(Some(String::new())),
            Err(complaint) => Answer::Bad(complaint.message),
        };
        assert_eq!(ours, theirs, "{before} -> {after}");
    }
}

#[test]
fn dynamic_changes_are_checked_as_by_kafka() {
    let cases = [
        "num.io.threads=16",
        "num.io.threads=x",
        "num.io.threads=0",
        "node.id=3",
        "listeners=PLAINTEXT://:1",
        "ssl.keystore.location=/x",
        "listener.name.a.ssl.keystore.location=/x",
        "listener.name.a.max.connections=1",
        "listener.name.a.max.connections=x",
        "listener.name.a.max.connection.creation.rate=1",
        "listener.name.a.num.network.threads=1",
        "max.connections=5",
        "no.such.key=1",
        "leader.replication.throttled.rate=-1",
        "leader.replication.throttled.rate=5",
        "cordoned.log.dirs=/a",
        "log.retention.hours=5",
        "log.retention.ms=5",
        "sasl.jaas.config=x",
        "",
    ];
    let mut questions = Vec::new();
    for case in &cases {
        questions.push(vec!["dynamic", "cluster", case]);
        questions.push(vec!["dynamic", "broker", case]);
    }
    for (question, theirs) in questions.iter().zip(ask_each(&questions)) {
        let scope = if question[1] == "broker" { Scope::Broker } else { Scope::Cluster };
        let ours = match validate_dynamic_configs(&Properties::parse(question[2]).expect("no escapes"), scope) {
            Ok(()) => Answer::Good(Some(String::new())),
            Err(complaint) => Answer::Bad(complaint.message),
        };
        assert_eq!(ours, theirs, "{question:?}");
    }
}

#[test]
fn properties_are_read_as_by_java() {
    // Every short text over the characters that mean something, in a fixed pseudo-random order.
    const CHARACTERS: &[u8] = b"a=: \\#!\n\r\tu0b4f";
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut texts: Vec<String> = vec!["a=\\u00e9\nb:c d\\\n  e".to_owned()];
    while texts.len() < 2000 {
        let mut text = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push(char::from(CHARACTERS[(state >> 33) as usize % CHARACTERS.len()]));
        }
        // A broken escape ends Java's reading; ours is tested to say so elsewhere. A lone backslash at the very end is an
        // entry without a name to Java, and nothing to us.
        if Properties::parse(&text).is_ok() && !text.trim_end().ends_with('\\') {
            texts.push(text);
        }
    }
    let questions: Vec<Vec<&str>> = texts.iter().map(|text| vec!["properties", text]).collect();
    let mut answers = ask(&questions).into_iter();
    for text in &texts {
        let mut theirs = Properties::new();
        for line in answers.by_ref().take_while(|line| line[0].as_deref() != Some("end")) {
            theirs.set(line[1].clone().expect("a key"), line[2].clone().expect("a value"));
        }
        assert_eq!(Properties::parse(text), Ok(theirs), "{text:?}");
    }
}
