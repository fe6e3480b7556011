//! A configuration value: from text by a key's kind, and back to text as Kafka writes it.

use core::fmt;
use std::collections::BTreeSet;

use crate::bounds::{Bounds, invalid};
use crate::error::Complaint;
use crate::key::{Default, Key, Kind};

/// A parsed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Unset.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// Of kind int, short or long.
    Integer(i64),
    /// Of kind double.
    Decimal(f64),
    /// Of kind string or class.
    Text(String),
    /// Of kind list.
    List(Vec<String>),
    /// Of kind password.
    Secret(Secret),
}

/// Text that neither `Debug` nor `Display` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text secret.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl Key {
    /// Parses a text and checks it against the bounds.
    ///
    /// # Errors
    /// When the text is none of the key's kind or out of its bounds.
    pub fn parse(&self, text: &str) -> Result<Value, Complaint> {
        let parsed = parse_kind(self, text).map_err(|message| Complaint::about(self, text, message))?;
        self.bounds.check(self.name, &parsed).map_err(|message| Complaint::about(self, text, message))?;
        Ok(parsed)
    }

    /// The value when nobody sets one; null for a key that must be set.
    pub fn default_value(&self) -> Value {
        match self.default {
            Default::Required | Default::Null => Value::Null,
            // A test proves that every default of the table parses.
            Default::Text(text) => parse_kind(self, text).unwrap_or(Value::Null),
        }
    }
}

fn parse_kind(key: &Key, text: &str) -> Result<Value, String> {
    let trimmed = trim(text);
    let refuse = |rule: &str| invalid(key.name, &Value::Text(text.to_owned()), rule);
    let integer = |least: i64, most: i64, name: &str| match trimmed.parse::<i64>() {
        Ok(number) if least <= number && number <= most => Ok(Value::Integer(number)),
        _ => Err(refuse(&format!("Not a number of type {name}"))),
    };
    match key.kind {
        Kind::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok(Value::Boolean(true)),
        Kind::Boolean if trimmed.eq_ignore_ascii_case("false") => Ok(Value::Boolean(false)),
        Kind::Boolean => Err(refuse("Expected value to be either true or false")),
        Kind::Short => integer(i64::from(i16::MIN), i64::from(i16::MAX), "SHORT"),
        Kind::Int => integer(i64::from(i32::MIN), i64::from(i32::MAX), "INT"),
        Kind::Long => integer(i64::MIN, i64::MAX, "LONG"),
        Kind::Double => match parse_java_double(trimmed) {
            Some(number) => Ok(Value::Decimal(number)),
            None => Err(refuse("Not a number of type DOUBLE")),
        },
        Kind::String => Ok(Value::Text(trimmed.to_owned())),
        Kind::Password => Ok(Value::Secret(Secret::new(trimmed))),
        Kind::List if trimmed.is_empty() => Ok(Value::List(Vec::new())),
        Kind::List => {
            let mut entries: Vec<String> = trimmed.split(',').map(|entry| trim_blanks(entry).to_owned()).collect();
            if matches!(key.bounds, Bounds::Distinct { .. }) {
                drop_repeated(&mut entries);
            }
            Ok(Value::List(entries))
        }
        Kind::Class if is_known_class(key, trimmed) => Ok(Value::Text(trimmed.to_owned())),
        Kind::Class => Err(refuse(&format!("Class {text} could not be found."))),
    }
}

fn drop_repeated(entries: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    entries.retain(|entry| seen.insert(entry.clone()));
}

/// There is no JVM to load a class in: a class is known when our own code does what it does, which so far is true of the
/// defaults. Anything else is refused, as Kafka refuses a class that is not on its class path; to go on without it could
/// leave a cluster open.
fn is_known_class(key: &Key, name: &str) -> bool {
    key.default.text() == Some(name)
}

/// Kafka's text of a value, as DescribeConfigs answers it; a secret is shown as hidden.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Boolean(value) => value.fmt(f),
            Value::Integer(value) => value.fmt(f),
            Value::Decimal(value) => f.write_str(&java_double(*value)),
            Value::Text(value) => f.write_str(value),
            // Java's way to write a list in a message; `Value::answer` writes it for answers.
            Value::List(value) => write!(f, "[{}]", value.join(", ")),
            Value::Secret(_) => f.write_str("[hidden]"),
        }
    }
}

impl Value {
    /// The text that DescribeConfigs answers: nothing for an unset value and for a secret.
    pub fn answer(&self) -> Option<String> {
        match self {
            Value::Null | Value::Secret(_) => None,
            Value::List(list) => Some(list.join(",")),
            other => Some(other.to_string()),
        }
    }
}

/// What Java's `String.trim` leaves.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

/// The blanks that Kafka allows around a comma.
fn trim_blanks(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\x0B', '\x0C', '\r'])
}

/// Java's `Double.parseDouble`, without its hexadecimal form, which nobody writes in a configuration.
fn parse_java_double(text: &str) -> Option<f64> {
    let (sign, rest) = match text.as_bytes().first() {
        Some(b'-') => (-1.0, &text[1..]),
        Some(b'+') => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    match rest {
        "NaN" => return Some(f64::NAN),
        "Infinity" => return Some(sign * f64::INFINITY),
        _ => {}
    }
    let digits = rest.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(rest);
    // Rust would also take its own words for infinity.
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    digits.parse::<f64>().ok().map(|number| sign * number)
}

/// Java's `Double.toString`.
pub(crate) fn java_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() };
    }
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{value:?}");
    }
    let scientific = format!("{value:e}");
    match scientific.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => format!("{mantissa}E{exponent}"),
        Some((mantissa, exponent)) => format!("{mantissa}.0E{exponent}"),
        None => scientific,
    }
}
