//! What can go wrong between a client and a broker, as a caller would treat it differently.

use ottla_wire::{ErrorCode, WireError};

use crate::exchange::ReadError;

/// Why an operation has no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No bootstrap address took a connection; the last address and its error. Worth another try later.
    #[error("none of the bootstrap addresses answers; {address}: {error}")]
    Unreachable {
        /// The last one that was tried.
        address: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// The connection broke under a request, so whether it was carried out is unknown. Worth another try, after a look.
    #[error("the connection to {address} broke: {error}")]
    Broken {
        /// The broker's address.
        address: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// No answer within the time the caller gave; whether the request was carried out is unknown.
    #[error("{address} did not answer {request} within {millis} ms")]
    Timeout {
        /// The broker's address.
        address: String,
        /// The request's name.
        request: &'static str,
        /// How long was waited.
        millis: u128,
    },
    /// What came is no answer to what was asked: not a Kafka broker, or a broken one.
    #[error("{address} sent what cannot be read as the answer to {request}: {error}")]
    Garbled {
        /// The broker's address.
        address: String,
        /// The request's name.
        request: &'static str,
        /// What is wrong with it.
        error: ReadError,
    },
    /// What was asked for cannot be said in the version that the broker serves.
    #[error("{address} serves {request} only in a version that cannot say what was asked: {error}")]
    TooOld {
        /// The broker's address.
        address: String,
        /// The request's name.
        request: &'static str,
        /// Which field.
        error: WireError,
    },
    /// The broker is too old or too new: no version of this request is known to both.
    #[error("{address} serves {request} in versions {theirs:?}, and we know {ours:?}")]
    NoCommonVersion {
        /// The broker's address.
        address: String,
        /// The request's name.
        request: &'static str,
        /// What the broker advertises, if anything.
        theirs: Option<(i16, i16)>,
        /// What we can write.
        ours: (i16, i16),
    },
    /// The broker refused.
    #[error("{request} refused: {code:?}: {message}")]
    Refused {
        /// The request's name.
        request: &'static str,
        /// Kafka's error code.
        code: ErrorCode,
        /// The broker's words, or Kafka's for the code.
        message: String,
    },
}

impl ClientError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retriable(&self) -> bool {
        match self {
            ClientError::Unreachable { .. } | ClientError::Broken { .. } | ClientError::Timeout { .. } => true,
            ClientError::Garbled { .. } | ClientError::TooOld { .. } | ClientError::NoCommonVersion { .. } => false,
            ClientError::Refused { code, .. } => code.is_retriable(),
        }
    }
}
