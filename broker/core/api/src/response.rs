//! Encodes an answer, once: length, header with the correlation id, message.

use ottla_wire::frame::response_frame;
use ottla_wire::{ApiKey, Message, Splice, WireError};

/// What an answer needs to know of its request. It outlives the frame, so an answer may come late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The API.
    pub api: ApiKey,
    /// The version that is spoken.
    pub version: i16,
    /// The client's number of the request.
    pub correlation_id: i32,
    /// What the quota hook said: told in the answer, and kept by not reading from the connection for so long.
    pub throttle_ms: u32,
}

/// A whole answer, the four bytes of its length included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Everything apart from records that lie in files.
    pub bytes: Vec<u8>,
    /// Where those belong.
    pub splices: Vec<Splice>,
    /// How long the connection shall not be read from afterwards.
    pub mute_ms: u32,
}

impl Head {
    /// `throttle_time_ms` as answers carry it.
    pub fn throttle(&self) -> i32 {
        i32::try_from(self.throttle_ms).unwrap_or(i32::MAX)
    }

    /// Encodes the answer.
    ///
    /// # Errors
    /// When the answer has something that this version cannot carry: a defect of the API's file, shown by its tests.
    pub fn encode<'m, M: Message<'m>>(&self, answer: &M) -> Result<Encoded, WireError> {
        self.encode_in(answer, self.version)
    }

    /// Encodes the answer in another version than the request's: ApiVersions answers one it does not know in version 0.
    pub(crate) fn encode_in<'m, M: Message<'m>>(&self, answer: &M, version: i16) -> Result<Encoded, WireError> {
        let (bytes, splices) = response_frame(answer, version, self.correlation_id)?.into_parts();
        Ok(Encoded { bytes, splices, mute_ms: self.throttle_ms })
    }
}
