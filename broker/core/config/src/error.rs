//! What is wrong with a configuration: every complaint names the key, the value and what is allowed.

use core::fmt;

use crate::key::{Key, Kind};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The key, or the first of those that contradict each other.
    pub key: String,
    /// What is wrong, in Kafka's words where Kafka has some: what a client is answered.
    pub message: String,
    /// The value, where the message does not show it.
    pub value: Option<String>,
    /// What would be right, where the message does not say so.
    pub allowed: Option<String>,
}

impl Complaint {
    /// About a value of a key.
    pub(crate) fn about(key: &Key, text: &str, message: String) -> Complaint {
        let bounds = key.bounds.to_string();
        let allowed = match key.kind {
            // The messages about these say what is allowed.
            Kind::Boolean => None,
            Kind::Class => Some(match key.default.text() {
                Some(default) => format!("only {default}; no other class can be loaded, as there is no Java here"),
                None => "nothing; no class can be loaded, as there is no Java here".to_owned(),
            }),
            _ if message.contains("Not a number") && bounds.is_empty() => Some(a_number(key.kind)),
            _ if message.contains("Not a number") => Some(format!("{} in {bounds}", a_number(key.kind))),
            _ => None,
        };
        debug_assert!(key.kind != Kind::Password, "every text is a password");
        let value = (!message.contains(text)).then(|| text.to_owned());
        Complaint { key: key.name.to_owned(), message, value, allowed }
    }

    /// About keys that contradict each other, or a rule that the table cannot express.
    pub(crate) fn new(key: impl Into<String>, message: impl Into<String>) -> Complaint {
        Complaint { key: key.into(), message: message.into(), value: None, allowed: None }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(value) = &self.value {
            write!(f, " (it is {value})")?;
        }
        match &self.allowed {
            Some(allowed) => write!(f, " (allowed: {allowed})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Complaint {}

/// Everything that is wrong with a configuration, so that one attempt shows all there is to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Complaint>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, complaint) in self.0.iter().enumerate() {
            if 0 < i {
                f.write_str("\n")?;
            }
            complaint.fmt(f)?;
        }
        Ok(())
    }
}

impl core::error::Error for ConfigErrors {}

/// Something that is accepted, and that the person who wrote it should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The key.
    pub key: String,
    /// What to know about it.
    pub message: String,
}

impl Warning {
    pub(crate) fn new(key: impl Into<String>, message: impl Into<String>) -> Warning {
        Warning { key: key.into(), message: message.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// All warnings about a configuration, in the order of the keys.
pub type Warnings = Vec<Warning>;

fn a_number(kind: Kind) -> String {
    match kind {
        Kind::Short => "a whole number of 16 bits".to_owned(),
        Kind::Int => "a whole number of 32 bits".to_owned(),
        Kind::Long => "a whole number of 64 bits".to_owned(),
        _ => "a number".to_owned(),
    }
}
