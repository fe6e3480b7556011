//! Topic names and ids.

use core::fmt;
use std::sync::Arc;

use crate::Uuid;

/// The id that a topic keeps from its creation to its deletion; a topic made again under the same name has another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub Uuid);

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A name that Kafka accepts for a topic: 1 to 249 of `a-z A-Z 0-9 . _ -`, and neither `.` nor `..`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

/// Why a text cannot name a topic. The messages are Kafka's, which tools show to people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicNameError {
    /// Nothing was given.
    #[error("the empty string is not allowed")]
    Empty,
    /// The folders `.` and `..` are taken.
    #[error("'.' or '..' is not allowed")]
    Dots,
    /// Its folder's name would not fit a file system's 255 bytes with the partition behind it.
    #[error("the length of '{0}' is longer than the max allowed length 249")]
    TooLong(String),
    /// Another character.
    #[error("'{0}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")]
    Character(String),
}

impl TopicName {
    /// The longest name; a longer one with its partition number behind it would not fit a folder's name.
    pub const LENGTH_MAX: usize = 249;

    /// Checks a name.
    ///
    /// # Errors
    /// Says which of Kafka's rules the text breaks.
    pub fn new(text: &str) -> Result<TopicName, TopicNameError> {
        if text.is_empty() {
            return Err(TopicNameError::Empty);
        }
        if text == "." || text == ".." {
            return Err(TopicNameError::Dots);
        }
        if text.len() > TopicName::LENGTH_MAX {
            return Err(TopicNameError::TooLong(text.to_owned()));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if !text.bytes().all(allowed) {
            return Err(TopicNameError::Character(text.to_owned()));
        }
        Ok(TopicName(text.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this topic is the broker's own: clients may read it and not write it.
    pub fn is_internal(&self) -> bool {
        matches!(self.as_str(), "__consumer_offsets" | "__transaction_state" | "__share_group_state")
    }

    /// What two names share when their metrics would collide: Kafka refuses the second of such a pair.
    pub fn collision_key(&self) -> String {
        self.0.replace('.', "_")
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::borrow::Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_kafkas_rules() {
        for good in ["a", "flights.v1", "__consumer_offsets", "A-b_c.9", "...", &"x".repeat(249)] {
            assert_eq!(TopicName::new(good).unwrap().as_str(), good);
        }
        assert_eq!(TopicName::new(""), Err(TopicNameError::Empty));
        assert_eq!(TopicName::new(".."), Err(TopicNameError::Dots));
        assert!(matches!(TopicName::new(&"x".repeat(250)), Err(TopicNameError::TooLong(_))));
        for bad in ["a b", "ä", "a/b", "a\n", "a\0"] {
            assert!(matches!(TopicName::new(bad), Err(TopicNameError::Character(_))), "{bad}");
        }
    }

    #[test]
    fn dot_and_underscore_collide() {
        let name = |text| TopicName::new(text).unwrap();
        assert_eq!(name("a.b_c").collision_key(), name("a_b.c").collision_key());
        assert_ne!(name("a.b").collision_key(), name("a-b").collision_key());
    }
}
