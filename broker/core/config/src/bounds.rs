//! Which values of a key's kind are allowed: the check, Kafka's wording of the complaint, and how the rule is written.
//!
//! The wording is part of the interface: tools print it, and scripts match on it.

use core::fmt;

use crate::endpoint::{HostPort, Voter};
use crate::value::{Value, java_double};

/// A rule about values.
#[derive(Clone, Copy, Debug)]
pub enum Bounds {
    /// Every value of the kind.
    Any,
    /// A number of at least this.
    AtLeast(i64),
    /// A number from the first to the second, both allowed.
    Between(i64, i64),
    /// As `Between`, the upper bound being a fraction.
    Fraction(i64, f64),
    /// A number from the first to the second, or the third.
    BetweenOr(i64, i64, i64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// A list of distinct, non-empty entries. Reading a list drops repeated entries, so only the others are checked.
    Distinct {
        /// All entries that are allowed; empty if any is.
        entries: &'static [&'static str],
        /// Whether the empty list is allowed.
        empty: bool,
        /// Whether it may be unset.
        null: bool,
    },
    /// Text that is set.
    NonNull,
    /// Unset, or text of at least one character.
    NonEmpty,
    /// The static voters of the quorum: `id@host:port`.
    Voters,
    /// Places to ask for the quorum: `host:port`.
    BootstrapServers,
    /// `*`, or replicas as `partition:broker`.
    ThrottledReplicas,
    /// Where a share group starts: `latest`, `earliest` or `by_duration:` and an ISO 8601 duration.
    ShareStart,
}

impl Bounds {
    /// Whether the value keeps the rule; the error is Kafka's message.
    ///
    /// # Errors
    /// When it does not.
    pub fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        match self {
            Bounds::Any => Ok(()),
            Bounds::AtLeast(least) => at_least(name, value, *least),
            Bounds::Between(least, most) => {
                at_least(name, value, *least)?;
                at_most(name, value, *most as f64, &most.to_string())
            }
            Bounds::Fraction(least, most) => {
                at_least(name, value, *least)?;
                at_most(name, value, *most, &java_double(*most))
            }
            Bounds::BetweenOr(least, most, other) => between_or(name, value, *least, *most, *other),
            Bounds::OneOf(allowed) => match value {
                Value::Text(text) if allowed.contains(&text.as_str()) => Ok(()),
                _ => complain(name, value, &format!("String must be one of: {}", allowed.join(", "))),
            },
            Bounds::OneOfAnyCase(allowed) => match value {
                Value::Text(text) if allowed.iter().any(|one| one.eq_ignore_ascii_case(text)) => Ok(()),
                _ => {
                    complain(name, value, &format!("String must be one of (case insensitive): {}", allowed.join(", ")))
                }
            },
            Bounds::Distinct { entries, empty, null } => distinct(name, value, entries, *empty, *null),
            Bounds::NonNull => match value {
                Value::Null => complain(name, value, "entry must be non null"),
                _ => Ok(()),
            },
            Bounds::NonEmpty => match value {
                Value::Text(text) if text.is_empty() => complain(name, value, "String must be non-empty"),
                _ => Ok(()),
            },
            Bounds::Voters => each(name, value, |entry| Voter::parse(entry).map(|_| ())),
            Bounds::BootstrapServers => each(name, value, |entry| match HostPort::parse(entry) {
                Some(_) => Ok(()),
                None => Err(format!(
                    "Failed to parse host name from {entry} for the configuration {name}. Each entry should be in the \
                     form \"{{host}}:{{port}}\""
                )),
            }),
            Bounds::ThrottledReplicas => throttled_replicas(name, value),
            Bounds::ShareStart => share_start(name, value),
        }
    }
}

/// Kafka's way to write a rule in its documentation; empty where it writes nothing.
impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bounds::Any => Ok(()),
            Bounds::AtLeast(least) => write!(f, "[{least},...]"),
            Bounds::Between(least, most) => write!(f, "[{least},...,{most}]"),
            Bounds::Fraction(least, most) => write!(f, "[{least},...,{}]", java_double(*most)),
            Bounds::BetweenOr(least, most, other) => write!(f, "[{least},...,{most}] or {other}"),
            Bounds::OneOf(allowed) => write!(f, "[{}]", allowed.join(", ")),
            Bounds::OneOfAnyCase(allowed) => write!(f, "(case insensitive) [{}]", allowed.join(", ")),
            Bounds::Distinct { entries: [], .. } => Ok(()),
            Bounds::Distinct { entries, .. } => write!(f, "[{}]", entries.join(", ")),
            Bounds::NonNull => f.write_str("non-null string"),
            Bounds::NonEmpty => f.write_str("non-empty string"),
            Bounds::Voters | Bounds::BootstrapServers => f.write_str("non-empty list"),
            Bounds::ThrottledReplicas => f.write_str("[partitionId]:[brokerId],[partitionId]:[brokerId],..."),
            Bounds::ShareStart => f.write_str("[latest, earliest, by_duration:PnDTnHnMn.nS]"),
        }
    }
}

/// Kafka's message about a value that breaks a rule.
pub(crate) fn invalid(name: &str, value: &Value, rule: &str) -> String {
    format!("Invalid value {value} for configuration {name}: {rule}")
}

fn complain(name: &str, value: &Value, rule: &str) -> Result<(), String> {
    Err(invalid(name, value, rule))
}

fn at_least(name: &str, value: &Value, least: i64) -> Result<(), String> {
    let low = match value {
        Value::Null => return complain(name, value, "Value must be non-null"),
        Value::Integer(number) => *number < least,
        Value::Decimal(number) => *number < least as f64,
        _ => false,
    };
    if low { complain(name, value, &format!("Value must be at least {least}")) } else { Ok(()) }
}

fn at_most(name: &str, value: &Value, most: f64, written: &str) -> Result<(), String> {
    let number = match value {
        Value::Integer(number) => *number as f64,
        Value::Decimal(number) => *number,
        _ => return Ok(()),
    };
    if number > most { complain(name, value, &format!("Value must be no more than {written}")) } else { Ok(()) }
}

fn between_or(name: &str, value: &Value, least: i64, most: i64, other: i64) -> Result<(), String> {
    match value {
        Value::Null => complain(name, value, "Value must be non-null"),
        Value::Integer(number) if (least <= *number && *number <= most) || *number == other => Ok(()),
        _ => complain(name, value, &format!("Value must be between {least} and {most} or equal to {other}")),
    }
}

fn distinct(
    name: &str,
    value: &Value,
    entries: &'static [&'static str],
    empty: bool,
    null: bool,
) -> Result<(), String> {
    let list = match value {
        Value::List(list) => list,
        _ if null => return Ok(()),
        _ => return Err(format!("Configuration '{name}' values must not be null.")),
    };
    if list.is_empty() && !empty {
        let allowed = match entries {
            [] => "any non-empty value".to_owned(),
            _ => format!("[{}]", entries.join(", ")),
        };
        return Err(format!("Configuration '{name}' must not be empty. Valid values include: {allowed}"));
    }
    for entry in list {
        if entry.is_empty() {
            return Err(format!("Configuration '{name}' values must not be empty."));
        }
        if !entries.is_empty() && !entries.contains(&entry.as_str()) {
            let rule = format!("String must be one of: {}", entries.join(", "));
            return complain(name, &Value::Text(entry.clone()), &rule);
        }
    }
    Ok(())
}

fn each(name: &str, value: &Value, check: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    match value {
        Value::List(list) => list.iter().try_for_each(|entry| check(entry)),
        _ => Err(format!("Invalid value {value} for configuration {name}")),
    }
}

fn throttled_replicas(name: &str, value: &Value) -> Result<(), String> {
    let replica = |entry: &String| {
        let mut parts = entry.split(':').map(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        // Kafka lets an empty entry pass.
        entry.is_empty() || (parts.next(), parts.next(), parts.next()) == (Some(true), Some(true), None)
    };
    match value {
        Value::List(list) if list.len() == 1 && list[0] == "*" => Ok(()),
        Value::List(list) if list.iter().all(replica) => Ok(()),
        _ => {
            let rule = format!(
                "{name} must be the literal '*' or a list of replicas in the following format: \
                 [partitionId]:[brokerId],[partitionId]:[brokerId],..."
            );
            complain(name, value, &rule)
        }
    }
}

fn share_start(name: &str, value: &Value) -> Result<(), String> {
    let good = match value {
        Value::Text(text) if text == "latest" || text == "earliest" => true,
        Value::Text(text) => text.strip_prefix("by_duration:").is_some_and(is_duration),
        _ => false,
    };
    if good {
        return Ok(());
    }
    let rule = format!(
        "Invalid value `{value}` for configuration {name}. The value must be either 'earliest', 'latest' or of the \
         format 'by_duration:<PnDTnHnMn.nS>'."
    );
    complain(name, value, &rule)
}

/// An ISO 8601 duration of days, hours, minutes and seconds that is not negative, as Java's `Duration` reads one.
fn is_duration(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let Some(rest) = upper.strip_prefix('P') else { return false };
    let (days, time) = match rest.split_once('T') {
        Some((days, time)) if !time.is_empty() => (days, time),
        Some(_) => return false,
        None => (rest, ""),
    };
    if days.is_empty() && time.is_empty() {
        return false;
    }
    let mut left = time;
    for (unit, fraction) in [('H', false), ('M', false), ('S', true)] {
        if let Some((number, rest)) = left.split_once(unit) {
            if !is_number(number, fraction) {
                return false;
            }
            left = rest;
        }
    }
    left.is_empty() && (days.is_empty() || days.strip_suffix('D').is_some_and(|number| is_number(number, false)))
}

fn is_number(text: &str, fraction: bool) -> bool {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) if fraction => (whole, part),
        Some(_) => return false,
        None => (text, ""),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    !whole.is_empty() && whole.len() <= 18 && digits(whole) && part.len() <= 9 && digits(part)
}
