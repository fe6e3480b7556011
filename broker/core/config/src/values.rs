//! All broker keys of one node with their parsed values: read once, checked against the table, then asked by name.

use std::collections::BTreeMap;

use ottla_vocabulary::Duration;

use crate::catalogue;
use crate::error::Complaint;
use crate::key::{Default, Kind};
use crate::properties::Properties;
use crate::value::Value;

/// The values of the broker keys that are set; asking for another gives its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Parses what is set. A value that is wrong is complained of and left out, so that its default stands in while the
    /// rest is checked.
    pub fn parse(properties: &Properties) -> (Values, Vec<Complaint>) {
        let mut values = BTreeMap::new();
        let mut complaints = Vec::new();
        for (name, text) in properties.iter() {
            let Some(key) = catalogue::broker_key(name) else { continue };
            match key.parse(text) {
                Ok(value) => drop(values.insert(key.name, value)),
                Err(complaint) => complaints.push(complaint),
            }
        }
        for key in catalogue::broker_keys() {
            if key.default == Default::Required && !properties.contains(key.name) {
                let message = format!("Missing required configuration \"{}\" which has no default value.", key.name);
                complaints.push(Complaint::new(key.name, message));
            }
        }
        (Values(values), complaints)
    }

    /// The value of a broker key, or its default.
    ///
    /// # Panics
    /// When the table has no such key: names here are written by us, and loading any configuration asks for all of them.
    pub fn get(&self, name: &str) -> Value {
        match self.0.get(name) {
            Some(value) => value.clone(),
            None => catalogue::broker_key(name).expect("a name from the table").default_value(),
        }
    }

    /// Whether somebody set the key.
    pub fn is_set(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn boolean(&self, name: &str) -> bool {
        self.get(name) == Value::Boolean(true)
    }

    /// A number, if the key is set or has a default.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn long(&self, name: &str) -> i64 {
        debug_assert!(self.has_kind(name, &[Kind::Short, Kind::Int, Kind::Long]), "{name}");
        self.number(name).unwrap_or(0)
    }

    pub(crate) fn int(&self, name: &str) -> i32 {
        debug_assert!(self.has_kind(name, &[Kind::Short, Kind::Int]), "{name}");
        i32::try_from(self.long(name)).unwrap_or(i32::MAX)
    }

    /// A count or size; below zero, which a few keys without bounds allow, counts as none.
    pub(crate) fn size(&self, name: &str) -> u32 {
        u32::try_from(self.int(name)).unwrap_or(0)
    }

    /// A time in milliseconds; below zero counts as none.
    pub(crate) fn millis(&self, name: &str) -> Duration {
        Duration::from_millis(u64::try_from(self.long(name)).unwrap_or(0))
    }

    pub(crate) fn seconds(&self, name: &str) -> Duration {
        Duration::from_secs(u64::try_from(self.long(name)).unwrap_or(0))
    }

    pub(crate) fn decimal(&self, name: &str) -> f64 {
        match self.get(name) {
            Value::Decimal(number) => number,
            _ => 0.0,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The entries of a list, none if it is unset.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        debug_assert!(self.has_kind(name, &[Kind::List]), "{name}");
        match self.get(name) {
            Value::List(list) => list,
            _ => Vec::new(),
        }
    }

    fn has_kind(&self, name: &str, kinds: &[Kind]) -> bool {
        catalogue::broker_key(name).is_some_and(|key| kinds.contains(&key.kind))
    }
}
