//! A record as the client programs read and write it: one line of JSON.

use serde::{Deserialize, Serialize};

/// What is produced, and what comes back with its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Record {
    /// The key, none for a record without one.
    pub key: Option<String>,
    /// The value, none for a tombstone.
    pub value: Option<String>,
    /// Headers in their order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Where it was found.
    #[serde(default, skip_serializing)]
    pub partition: i32,
    /// Where it was found.
    #[serde(default, skip_serializing)]
    pub offset: i64,
    /// Its time, in milliseconds since 1970.
    #[serde(default, skip_serializing)]
    pub timestamp: i64,
}

impl Record {
    /// The record without its place: what the producer knew.
    pub fn content(&self) -> (Option<&str>, Option<&str>, &[(String, String)]) {
        (self.key.as_deref(), self.value.as_deref(), &self.headers)
    }
}
