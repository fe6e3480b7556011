//! Whether a topic's configuration may become a record: every name known, every value in bounds, none against another.
//!
//! Given the whole configuration as it would be after the change; the answer is the message that clients are shown with
//! INVALID_CONFIG, in Kafka's words.

use super::broker_value;
use crate::catalogue;
use crate::error::Complaint;
use crate::properties::Properties;
use crate::value::Value;
use crate::values::Values;

/// Checks what a topic would set, over what the broker says. `before` is what the topic sets now.
///
/// # Errors
/// The first thing that is wrong, as Kafka answers it.
pub fn validate_topic_configs(before: &Properties, after: &Properties, broker: &Values) -> Result<(), Complaint> {
    for (name, _) in after.iter() {
        if catalogue::topic_key(name).is_none() {
            return Err(Complaint::new(name, format!("Unknown topic config name: {name}")));
        }
    }
    let effective = Effective { after, broker };
    for (name, text) in after.iter() {
        if let Some(key) = catalogue::topic_key(name) {
            key.parse(text)?;
        }
    }
    compaction_lags(&effective)?;
    remote_storage(before, &effective)
}

struct Effective<'a> {
    after: &'a Properties,
    broker: &'a Values,
}

impl Effective<'_> {
    fn get(&self, name: &str) -> Value {
        let Some(key) = catalogue::topic_key(name) else { return Value::Null };
        match self.after.get(name).and_then(|text| key.parse(text).ok()) {
            Some(value) => value,
            None => broker_value(name, self.broker).unwrap_or_else(|| key.default_value()),
        }
    }

    fn number(&self, name: &str) -> i64 {
        match self.get(name) {
            Value::Integer(number) => number,
            _ => 0,
        }
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name) == Value::Boolean(true)
    }
}

fn compaction_lags(effective: &Effective<'_>) -> Result<(), Complaint> {
    let (least, most) = (effective.number("min.compaction.lag.ms"), effective.number("max.compaction.lag.ms"));
    if most < least {
        let message =
            format!("conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})");
        return Err(Complaint::new("min.compaction.lag.ms", message));
    }
    Ok(())
}

fn remote_storage(before: &Properties, effective: &Effective<'_>) -> Result<(), Complaint> {
    const KEY: &str = "remote.storage.enable";
    if effective.is_on(KEY) {
        // There is no remote tier yet, so the whole system is off, as Kafka says it.
        return Err(Complaint::new(
            KEY,
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
        ));
    }
    let was_on = before.get(KEY).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    if was_on && !effective.is_on("remote.log.delete.on.disable") {
        return Err(Complaint::new(
            KEY,
            "It is invalid to disable remote storage without deleting remote data. If you want to keep the remote data \
             and turn to read only, please set `remote.storage.enable=true,remote.log.copy.disable=true`. If you want \
             to disable remote storage and delete all remote data, please set \
             `remote.storage.enable=false,remote.log.delete.on.disable=true`.",
        ));
    }
    Ok(())
}
