//! What a group may set for itself: known names, values in bounds, and within the limits that the broker sets for all
//! groups of its kind.

use std::collections::BTreeSet;

use ottla_config::value::Value;
use ottla_config::{Properties, Values, catalogue};
use ottla_wire::ErrorCode;

use super::Refusal;

/// Group settings whose limit has a name that does not follow from their own.
const LIMITS_BY_ANOTHER_NAME: [(&str, &str); 2] = [
    ("streams.num.standby.replicas", "group.streams.max.standby.replicas"),
    ("streams.num.warmup.replicas", "group.streams.max.warmup.replicas"),
];

/// Checks all that a group would set.
pub(super) fn check_group(after: &Properties, broker: &Values) -> Result<(), Refusal> {
    let refuse = |message: String| Refusal::new(ErrorCode::InvalidConfig, message);
    for (name, _) in after.iter() {
        if catalogue::group_key(name).is_none() {
            return Err(refuse(format!("Unknown group config name: {name}")));
        }
    }
    let tags: Vec<&str> =
        after.get("streams.rack.aware.assignment.tags").unwrap_or_default().split(',').map(str::trim).collect();
    if tags.iter().collect::<BTreeSet<_>>().len() != tags.len() {
        return Err(refuse("streams.rack.aware.assignment.tags must not contain duplicate tag keys.".to_owned()));
    }
    for (name, text) in after.iter() {
        let key = catalogue::group_key(name).expect("checked above");
        let value = key.parse(text).map_err(|complaint| refuse(complaint.message))?;
        if let Value::Integer(number) = value {
            check_limits(name, number, broker).map_err(refuse)?;
        }
    }
    if let Some(assignor) = after.get("streams.assignor.name").filter(|name| *name != "sticky") {
        return Err(refuse(format!(
            "streams.assignor.name '{assignor}' is not a registered task assignor. Registered assignors are: [sticky]."
        )));
    }
    for kind in ["consumer", "share", "streams"] {
        check_session(kind, after, broker).map_err(refuse)?;
    }
    if after.get("errors.deadletterqueue.topic.name").is_some_and(|name| name.trim().starts_with("__")) {
        let message = "errors.deadletterqueue.topic.name: DLQ topic name must not start with '__'";
        return Err(refuse(message.to_owned()));
    }
    Ok(())
}

/// The broker limits `consumer.session.timeout.ms` by `group.consumer.min.session.timeout.ms` and `…max…`.
fn check_limits(name: &str, number: i64, broker: &Values) -> Result<(), String> {
    let limit = |bound: &str| {
        let by_rule = name.split_once('.').map(|(kind, rest)| format!("group.{kind}.{bound}.{rest}"));
        let other = LIMITS_BY_ANOTHER_NAME.iter().find(|(own, _)| *own == name && bound == "max");
        let limit = other.map(|(_, limit)| (*limit).to_owned()).or(by_rule)?;
        catalogue::broker_key(&limit)?;
        match broker.get(&limit) {
            Value::Integer(limit) => Some(limit),
            _ => None,
        }
    };
    match (limit("min"), limit("max")) {
        (Some(min), Some(max)) if number < min || max < number => {
            Err(format!("{name} must be in the range {min} to {max} inclusive."))
        }
        (None, Some(max)) if max < number => Err(format!("{name} must be less than or equal to {max}")),
        (Some(min), None) if number < min => Err(format!("{name} must be greater than or equal to {min}")),
        _ => Ok(()),
    }
}

fn check_session(kind: &str, after: &Properties, broker: &Values) -> Result<(), String> {
    let (session, heartbeat) = (format!("{kind}.session.timeout.ms"), format!("{kind}.heartbeat.interval.ms"));
    if !after.contains(&session) && !after.contains(&heartbeat) {
        return Ok(());
    }
    let effective = |name: &str| {
        let own = after.get(name).and_then(|text| text.trim().parse::<i64>().ok());
        own.or(match broker.get(&format!("group.{name}")) {
            Value::Integer(number) => Some(number),
            _ => None,
        })
    };
    match (effective(&session), effective(&heartbeat)) {
        (Some(timeout), Some(interval)) if timeout <= interval => {
            Err(format!("{session} must be greater than {heartbeat}"))
        }
        _ => Ok(()),
    }
}
