//! Descriptions: names, values, sources, synonyms and types as DescribeConfigs of Kafka answers them.

use ottla_config::describe::{
    Described, describe_broker, describe_client_metrics, describe_cluster_default, describe_group, describe_topic,
};
use ottla_config::{BrokerConfig, Properties};

use crate::files::COMBINED;
use crate::kafka::ask;

/// File, dynamic default, dynamic broker, the resource's own settings.
const CASES: &[[&str; 4]] = &[
    ["", "", "", ""],
    [
        "log.retention.hours=24\nfoo.bar=x\nlog.roll.hours=7\nlog.initial.task.delay.ms=5\nssl.key.password=secret",
        "log.segment.bytes=2000000\nnum.io.threads=9",
        "log.roll.ms=99999\nnum.io.threads=10",
        "cleanup.policy=compact\ninternal.segment.bytes=77\nconsumer.session.timeout.ms=50000\ninterval.ms=7000",
    ],
    [
        "log.retention.minutes=5\nlog.flush.scheduler.interval.ms=77\nlog.cleanup.policy=compact , delete\nbroker.rack=r",
        "log.retention.ms=5000\nleader.replication.throttled.rate=5\nfoo=x",
        "listener.name.plaintext.ssl.keystore.location=/x\nlog.flush.interval.ms=99",
        "retention.ms=1\nmetrics=a,b\nstreams.assignor.name=sticky\nstreams.num.warmup.replicas=3\nunclean.leader.election.enable=TRUE",
    ],
    [
        "group.streams.num.warmup.replicas=4\nlistener.name.plaintext.plain.sasl.jaas.config=x\nlog.cleaner.min.cleanable.ratio=1",
        "",
        "",
        "segment.ms= 5 \nshare.auto.offset.reset=earliest",
    ],
];

const KINDS: [&str; 5] = ["topic", "broker", "cluster", "group", "client-metrics"];

#[test]
fn descriptions_are_kafkas() {
    let mut questions = Vec::new();
    for [file, cluster, broker, own] in CASES {
        for kind in KINDS {
            // The last column holds settings of topics, groups and subscriptions together: each takes its own.
            let own = own_settings(kind, &parse(own)).to_string();
            let words = ["describe", kind, &format!("{COMBINED}{file}"), cluster, broker, &own];
            questions.push(words.map(str::to_owned).to_vec());
        }
    }
    let borrowed: Vec<Vec<&str>> = questions.iter().map(|words| words.iter().map(String::as_str).collect()).collect();
    let mut answers = ask(&borrowed).into_iter();
    for words in &questions {
        let lines = answers.by_ref().take_while(|line| line[0].as_deref() != Some("end"));
        let theirs: Vec<String> = lines.map(|line| join(&line)).collect();
        assert!(words[1] == "cluster" || !theirs.is_empty());
        let ours: Vec<String> = ours(words).iter().map(line).collect();
        let differences: Vec<&String> = ours
            .iter()
            .filter(|line| !theirs.contains(line))
            .chain(theirs.iter().filter(|line| !ours.contains(line)))
            .collect();
        assert!(differences.is_empty(), "{words:?}: {differences:#?}");
    }
}

fn ours(words: &[String]) -> Vec<Described> {
    let [_, kind, file, cluster, of_broker, own] = words else { panic!("{words:?}") };
    let (broker, _) = BrokerConfig::load(&parse(file)).expect("a good file");
    let (broker, _) = broker.with_dynamic(parse(cluster), parse(of_broker)).expect("good dynamic settings");
    match kind.as_str() {
        "topic" => describe_topic(&broker, &parse(own)),
        "broker" => describe_broker(&broker),
        "cluster" => describe_cluster_default(&broker),
        "group" => describe_group(&broker, &parse(own)),
        _ => describe_client_metrics(&parse(own)),
    }
}

fn parse(text: &str) -> Properties {
    Properties::parse(text).expect("no broken escape")
}

fn own_settings(kind: &str, all: &Properties) -> Properties {
    use ottla_config::catalogue::{client_metrics_key, group_key, topic_key};
    let belongs = |name: &str| match kind {
        "topic" => topic_key(name).is_some(),
        "group" => group_key(name).is_some(),
        _ => client_metrics_key(name).is_some(),
    };
    all.iter().filter(|(name, _)| belongs(name)).collect()
}

fn join(words: &[Option<String>]) -> String {
    words[1..].iter().map(|word| word.as_deref().unwrap_or("null")).collect::<Vec<_>>().join(" | ")
}

/// As `ConfigFacts` writes it; a missing value within the synonyms has lost its backslash on the way.
fn line(entry: &Described) -> String {
    let synonyms: Vec<String> = entry
        .synonyms
        .iter()
        .map(|link| format!("{}={}@{}", link.name, link.value.as_deref().unwrap_or("0"), link.source.code()))
        .collect();
    [
        entry.name.clone(),
        entry.value.clone().unwrap_or("null".to_owned()),
        entry.read_only.to_string(),
        entry.source.code().to_string(),
        entry.sensitive.to_string(),
        entry.kind.map_or(0, |kind| kind.code()).to_string(),
        synonyms.join(","),
        if entry.documentation.is_some() { "documented" } else { "undocumented" }.to_owned(),
    ]
    .join(" | ")
}
