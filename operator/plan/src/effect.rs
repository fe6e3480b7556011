//! Whether a configuration key, with the value that a user gives it, changes anything in our brokers: by the column
//! `honoured` of the table of all keys (`ottla-config`), which is the truth about the brokers of this release.
//!
//! What changes nothing is said to the user with these words behind the path of the field; who says it is elsewhere.

use ottla_config::catalogue;
use ottla_config::key::{Honoured, Key};
use ottla_config::value::Value;

/// What stands for compaction in the table: a key that means nothing without it.
const OF_COMPACTION: &str = "min.cleanable.dirty.ratio";

/// Why a value has no effect; nothing when it has one, or when it is what holds anyway.
pub(crate) fn why_none(key: &Key, value: &Value) -> Option<String> {
    let is_default = *value == key.default_value();
    match key.honoured {
        _ if is_default => None,
        Honoured::NoEffect(why) => Some(format!("has no effect: {why}")),
        Honoured::NotYet(what) => Some(format!("has no effect yet: {what} is not built")),
        Honoured::By(_) => of_value(key, value),
    }
}

/// Keys that are honoured with some of their values.
fn of_value(key: &Key, value: &Value) -> Option<String> {
    let of_compaction = catalogue::topic_key(OF_COMPACTION).map(|row| row.honoured);
    let is_compacted = matches!(of_compaction, Some(Honoured::By(_)));
    match (key.name, value) {
        ("cleanup.policy" | "log.cleanup.policy", Value::List(policies))
            if !is_compacted && policies.iter().any(|policy| policy == "compact") =>
        {
            Some(
                "has no effect yet as to compact: compaction is not built, and every record of a key is kept"
                    .to_owned(),
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_value_decide() {
        let of_topic = |name: &str, text: &str| {
            let key = catalogue::topic_key(name).unwrap();
            why_none(key, &key.parse(text).unwrap())
        };
        assert_eq!(of_topic("retention.ms", "5"), None);
        assert_eq!(of_topic(OF_COMPACTION, "0.50"), None, "what holds anyway needs no word");
        assert_eq!(of_topic(OF_COMPACTION, "1").unwrap(), "has no effect yet: compaction is not built");
        assert_eq!(of_topic("cleanup.policy", "delete"), None);
        assert!(of_topic("cleanup.policy", "delete, compact").unwrap().contains("compaction is not built"));
        let key = catalogue::broker_key("num.network.threads").unwrap();
        assert!(why_none(key, &key.parse("9").unwrap()).unwrap().starts_with("has no effect: "));
    }
}
