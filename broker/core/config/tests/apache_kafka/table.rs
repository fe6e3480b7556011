//! The table: names, types, defaults, bounds, importance, update modes, internal marks, synonyms.

use std::collections::BTreeMap;

use ottla_config::catalogue;
use ottla_config::key::{Default, Key};

use crate::kafka::ask;

#[test]
fn the_table_says_what_kafka_says() {
    let mut theirs = BTreeMap::new();
    for line in ask(&[vec!["table"]]) {
        let row: Vec<String> = line.into_iter().map(|word| word.unwrap_or("null".to_owned())).collect();
        assert_eq!(row[0], "key");
        theirs.insert((row[1].clone(), row[2].clone()), row[3..].join(" | "));
    }
    let mut ours = BTreeMap::new();
    for (_, rows) in catalogue::BROKER_SUBJECTS {
        let dynamic_only = rows.as_ptr() == catalogue::REPLICATION_QUOTA.as_ptr();
        insert(&mut ours, if dynamic_only { "replication-quota" } else { "broker" }, rows);
    }
    insert(&mut ours, "topic", catalogue::TOPIC);
    insert(&mut ours, "group", catalogue::GROUP);
    insert(&mut ours, "client-metrics", catalogue::CLIENT_METRICS);
    assert!(450 <= theirs.len(), "Kafka 4.4.0 has 450 keys");
    for (name, row) in &theirs {
        assert_eq!(ours.get(name), Some(row), "{name:?}");
    }
    assert_eq!(ours.len(), theirs.len(), "keys that Kafka does not have");
}

fn insert(ours: &mut BTreeMap<(String, String), String>, kind: &str, rows: &[Key]) {
    for key in rows {
        let default = match key.default {
            Default::Required => "required",
            Default::Null => "null",
            Default::Text(text) => text,
        };
        let bounds = match key.bounds {
            ottla_config::bounds::Bounds::Any => "null".to_owned(),
            bounds => bounds.to_string(),
        };
        let row = [
            key.kind.name(),
            default,
            &bounds,
            key.importance.name(),
            key.update.name(),
            if key.internal { "true" } else { "false" },
        ];
        ours.insert((kind.to_owned(), key.name.to_owned()), row.join(" | "));
    }
}

#[test]
fn the_synonyms_are_kafkas() {
    for line in ask(&[vec!["synonyms"]]) {
        let [_, Some(kind), Some(name), Some(names), _] = line.as_slice() else { panic!("{line:?}") };
        let key = match kind.as_str() {
            "topic" => catalogue::topic_key(name),
            _ => catalogue::group_key(name),
        };
        let ours = key.map(|key| key.broker_synonyms.join(","));
        assert_eq!(ours.as_ref(), Some(names), "{name}");
    }
}
