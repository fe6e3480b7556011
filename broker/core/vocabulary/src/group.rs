//! Groups and their members.

use core::fmt;
use std::sync::Arc;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes any text, the empty one too: who may not be empty is the coordinator's rule.
            pub fn new(text: &str) -> $name {
                $name(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl core::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }
    };
}

text! {
    /// The name of a consumer group: `group.id`. Cheap to clone.
    GroupId
}
text! {
    /// The name that a coordinator gave to a member of a group. Cheap to clone.
    MemberId
}

/// Java's `String.hashCode`: over UTF-16 code units, with 32-bit wrap-around. Which partition of `__consumer_offsets` or
/// `__transaction_state` keeps a name follows from it, so it is part of the format.
pub fn java_string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// The partition of a coordinator's topic that keeps this name, by Kafka's rule: the absolute value of Java's hash (the
/// smallest number counts as 0), modulo the topic's partition count.
///
/// # Panics
/// When the count is not positive: a topic has at least one partition.
pub fn coordinator_partition(name: &str, partition_count: i32) -> crate::PartitionIndex {
    assert!(partition_count > 0, "a topic has at least one partition");
    crate::PartitionIndex(java_string_hash(name).checked_abs().unwrap_or(0) % partition_count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_javas() {
        // Printed by jshell: "".hashCode(), "a".hashCode(), "my-group".hashCode(), "polygenelubricants".hashCode().
        assert_eq!(java_string_hash(""), 0);
        assert_eq!(java_string_hash("a"), 97);
        assert_eq!(java_string_hash("polygenelubricants"), i32::MIN);
        assert_eq!(coordinator_partition("polygenelubricants", 50).0, 0);
        assert_eq!(coordinator_partition("a", 50).0, 47);
    }
}
