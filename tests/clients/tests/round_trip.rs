//! Every client library produces with every codec it has, and every library reads all of it back, in groups.

#![allow(clippy::unwrap_used)] // a failed test may panic anywhere

use ottla_test_clients::{Broker, Client, Record, client};

fn records(who: Client, codec: &str) -> Vec<Record> {
    (0..120)
        .map(|number| Record {
            key: (number % 7 != 0).then(|| format!("key-{}", number % 13)),
            value: (number % 31 != 30 || number % 7 == 0)
                .then(|| format!("{who:?} {codec} {number} äöü {}", "x".repeat(number * 3))),
            headers: if number % 3 == 0 {
                vec![("trace".into(), format!("{number}")), ("codec".into(), codec.into())]
            } else {
                vec![]
            },
            ..Record::default()
        })
        .collect()
}

type Content<'a> = (Option<&'a str>, Option<&'a str>, &'a [(String, String)]);

/// The contents in an order that does not depend on partitions.
fn contents(records: &[Record]) -> Vec<Content<'_>> {
    let mut contents: Vec<_> = records.iter().map(Record::content).collect();
    contents.sort();
    contents
}

fn every_codec_of(who: Client) {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(folder.path()).unwrap();
    let mut sent = Vec::new();
    for codec in who.codecs() {
        let records = records(who, codec);
        who.produce(broker.bootstrap(), "round-trip", codec, &records).unwrap();
        sent.extend(records);
    }
    let read = who.consume(broker.bootstrap(), "round-trip", "same-library", sent.len()).unwrap();
    assert_eq!(contents(&read), contents(&sent));
    let read = Client::Java.consume(broker.bootstrap(), "round-trip", "java", sent.len()).unwrap();
    assert_eq!(contents(&read), contents(&sent));
    // What was committed is not read again.
    let again = who.consume(broker.bootstrap(), "round-trip", "same-library", 0).unwrap();
    assert_eq!(again, []);
}

macro_rules! every_codec {
    ($($test:ident: $client:ident),*) => { $(#[test] fn $test() { every_codec_of(Client::$client); })* };
}

every_codec! {
    java_reads_what_it_wrote_with_every_codec: Java,
    librdkafka_reads_what_it_wrote_with_every_codec: Librdkafka,
    kafka_python_reads_what_it_wrote_with_every_codec: KafkaPython,
    aiokafka_reads_what_it_wrote_with_every_codec: Aiokafka,
    kafkajs_reads_what_it_wrote_with_every_codec: Kafkajs,
    franz_go_reads_what_it_wrote_with_every_codec: Franz,
    sarama_reads_what_it_wrote_with_every_codec: Sarama
}

#[test]
fn what_java_wrote_every_library_reads() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(folder.path()).unwrap();
    let mut sent = Vec::new();
    for codec in ["none", "gzip", "snappy", "zstd"] {
        let records = records(Client::Java, codec);
        Client::Java.produce(broker.bootstrap(), "from-java", codec, &records).unwrap();
        sent.extend(records);
    }
    for who in client::ALL {
        if who == Client::Kafkajs {
            continue; // it has no zstd; its own test reads what it can write
        }
        let read = who.consume(broker.bootstrap(), "from-java", &format!("{who:?}"), sent.len()).unwrap();
        assert_eq!(contents(&read), contents(&sent), "{who:?}");
    }
}
