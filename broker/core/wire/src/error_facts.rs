//! What Kafka says about each of its errors; the codes themselves are generated ([`ErrorCode`]).

use core::fmt;

use crate::generated::error_code::ErrorCode;

/// What Kafka says about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorFacts {
    /// In capitals, as tools print it.
    pub name: &'static str,
    /// What Kafka's own classes say, when the response has no text of its own.
    pub message: &'static str,
    /// Whether a Java client tries again by itself.
    pub retriable: bool,
    /// Whether it asks for new metadata first.
    pub refreshes_metadata: bool,
}

impl ErrorCode {
    /// The number in a response.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// In capitals, as tools print it.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// What Kafka's own classes say; empty for [`ErrorCode::None`].
    pub const fn message(self) -> &'static str {
        self.facts().message
    }

    /// Whether a client tries again by itself.
    pub const fn is_retriable(self) -> bool {
        self.facts().retriable
    }

    /// Whether it is no error.
    pub const fn is_none(self) -> bool {
        matches!(self, ErrorCode::None)
    }
}

impl From<ErrorCode> for i16 {
    fn from(error: ErrorCode) -> i16 {
        error.code()
    }
}

impl From<i16> for ErrorCode {
    fn from(code: i16) -> ErrorCode {
        ErrorCode::from_code(code)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_errors_are_each_other() {
        for error in ErrorCode::ALL {
            assert_eq!(ErrorCode::from(error.code()), error);
        }
        assert_eq!(ErrorCode::from(9999), ErrorCode::UnknownServerError);
        assert_eq!(ErrorCode::default(), ErrorCode::None);
    }

    #[test]
    fn a_wrong_leader_is_worth_another_try_and_a_large_message_is_not() {
        assert!(ErrorCode::NotLeaderOrFollower.is_retriable());
        assert!(!ErrorCode::MessageTooLarge.is_retriable());
        assert_eq!(ErrorCode::MessageTooLarge.to_string(), "MESSAGE_TOO_LARGE");
    }
}
