//! Two libraries in one group: they share the partitions, nobody reads a record twice, and who stays takes over.

#![allow(clippy::unwrap_used)] // a failed test may panic anywhere

use std::time::{Duration, Instant};

use ottla_test_clients::follow::Seen;
use ottla_test_clients::{Broker, Client, Follower, Record};

fn records(from: i32) -> Vec<Record> {
    let record = |number| Record {
        key: Some(format!("key-{number}")),
        value: Some(format!("value {number}")),
        ..Record::default()
    };
    (from..from + 200).map(record).collect()
}

fn wait(what: &str, followers: &mut [&mut Follower], is_so: impl Fn(&[Seen]) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        followers.iter_mut().for_each(|follower| follower.check().unwrap());
        let seen: Vec<Seen> = followers.iter().map(|follower| follower.seen()).collect();
        if is_so(&seen) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: not after a minute; {seen:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn read(seen: &[Seen]) -> usize {
    seen.iter().map(|one| one.records.len()).sum()
}

#[test]
fn two_libraries_share_a_group_and_the_one_that_stays_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start_configured(folder.path(), &["num.partitions=4".to_owned()]).unwrap();
    Client::Librdkafka.produce(broker.bootstrap(), "shared", "none", &records(0)).unwrap();
    let start = |who: Client| {
        Follower::start(&format!("{who:?}"), who.follower().unwrap(), broker.bootstrap(), &["shared"], "together")
            .unwrap()
    };
    let mut python = start(Client::KafkaPython);
    let mut go = start(Client::Sarama);
    wait("two partitions each", &mut [&mut python, &mut go], |seen| seen.iter().all(|one| one.assigned.len() == 2));
    Client::Librdkafka.produce(broker.bootstrap(), "shared", "none", &records(200)).unwrap();
    wait("400 records", &mut [&mut python, &mut go], |seen| read(seen) == 400);

    let first = python.end().unwrap();
    wait("all four partitions", &mut [&mut go], |seen| seen[0].assigned.len() == 4);
    Client::Librdkafka.produce(broker.bootstrap(), "shared", "none", &records(400)).unwrap();
    wait("the last 200 records", &mut [&mut go], |seen| first.records.len() + read(seen) == 600);
    let second = go.end().unwrap();

    let mut values: Vec<Option<String>> =
        first.records.into_iter().chain(second.records).map(|(_, record)| record.value).collect();
    values.sort();
    let mut sent: Vec<Option<String>> =
        [0, 200, 400].into_iter().flat_map(records).map(|record| record.value).collect();
    sent.sort();
    assert_eq!(values, sent, "every record once");
}
