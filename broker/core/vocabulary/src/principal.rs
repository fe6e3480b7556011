//! Who makes a request.

use core::fmt;
use std::sync::Arc;

/// An authenticated party, `User:alice`; [`Principal::anonymous`] where the listener authenticates nobody.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    kind: Arc<str>,
    name: Arc<str>,
}

impl Principal {
    /// A principal of a kind (`User`, unless a builder says otherwise) and a name.
    pub fn new(kind: &str, name: &str) -> Principal {
        Principal { kind: kind.into(), name: name.into() }
    }

    /// `User:ANONYMOUS`, Kafka's name for whoever comes over a listener without authentication.
    pub fn anonymous() -> Principal {
        Principal::new("User", "ANONYMOUS")
    }

    /// The kind: `User`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name without its kind.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
