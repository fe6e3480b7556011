//! One connection's protocol without the connection: which versions the broker serves, which one a request goes out in,
//! its frame, and the check that an answer belongs to it. Given messages and bytes, it gives bytes and messages.

use std::collections::BTreeMap;

use ottla_wire::api_versions_request::ApiVersionsRequest;
use ottla_wire::api_versions_response::ApiVersionsResponse;
use ottla_wire::{ApiKey, Message, Reader, WireError, Writer};

/// The version in which we introduce ourselves: the first that carries a software name, and every broker since 2.4 serves it.
pub const API_VERSIONS: i16 = 3;

/// The state of one connection.
#[derive(Debug)]
pub struct Exchange {
    client_id: String,
    next_correlation: i32,
    served: BTreeMap<i16, (i16, i16)>,
}

/// Why a frame is not the answer that was waited for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Its bytes are no such response.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// It answers another request; on an ordered connection that is a broker that lost count.
    #[error("it answers request {found}, and request {expected} was asked")]
    Correlation {
        /// What was asked.
        expected: i32,
        /// What was answered.
        found: i32,
    },
}

/// A frame that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    correlation: i32,
    version: i16,
    flexible_header: bool,
}

impl Exchange {
    /// A new connection, on which only [`Exchange::introduce`] may be asked.
    pub fn new(client_id: &str) -> Exchange {
        Exchange { client_id: client_id.to_owned(), next_correlation: 0, served: BTreeMap::new() }
    }

    /// The frame that asks the broker what it serves.
    ///
    /// # Errors
    /// Never in practice: the software name is ours.
    pub fn introduce(&mut self) -> Result<(Vec<u8>, Asked), WireError> {
        let request = ApiVersionsRequest {
            client_software_name: "ottla".into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
            ..Default::default()
        };
        self.frame(&request, API_VERSIONS)
    }

    /// Takes the broker's answer to the introduction.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn introduced(&mut self, frame: &[u8], asked: Asked) -> Result<(), ReadError> {
        let response: ApiVersionsResponse<'_> = self.read(frame, asked)?;
        self.served = response.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version))).collect();
        Ok(())
    }

    /// What the broker advertises for a request, if anything.
    pub fn served(&self, api_key: i16) -> Option<(i16, i16)> {
        self.served.get(&api_key).copied()
    }

    /// The newest version of a request that both sides know, no newer than `at_most`.
    pub fn version<'a, Request: Message<'a>>(&self, at_most: i16) -> Option<i16> {
        let (least, most) = self.served(Request::KEY)?;
        let newest = most.min(Request::VERSION_MAX).min(at_most);
        (newest >= least.max(Request::VERSION_MIN)).then_some(newest)
    }

    /// The whole frame of a request, its length first.
    ///
    /// # Errors
    /// When the version cannot carry a field that is set.
    pub fn frame<'a, Request: Message<'a>>(
        &mut self,
        request: &Request,
        version: i16,
    ) -> Result<(Vec<u8>, Asked), WireError> {
        let correlation = self.next_correlation;
        self.next_correlation = self.next_correlation.wrapping_add(1) & i32::MAX;
        let flexible = version >= Request::FLEXIBLE_MIN;
        let mut writer = Writer::new();
        writer.int32(0); // the length, known at the end
        writer.int16(Request::KEY);
        writer.int16(version);
        writer.int32(correlation);
        writer.int16(self.client_id.len() as i16);
        writer.raw(self.client_id.as_bytes());
        if flexible {
            writer.unsigned_varint(0); // no tagged fields
        }
        request.write(&mut writer, version)?;
        let mut frame = writer.into_bytes();
        let length = (frame.len() - 4) as u32;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        // Not simply that of the request: the answer to ApiVersions is readable whatever the version (KIP-511).
        let flexible_header =
            ApiKey::from_key(Request::KEY).is_some_and(|api| 0 < api.response_header_version(version));
        Ok((frame, Asked { correlation, version, flexible_header }))
    }

    /// Reads an answer, given without its length.
    ///
    /// # Errors
    /// When it answers something else, or is not such a response.
    pub fn read<'a, Response: Message<'a>>(&self, frame: &'a [u8], asked: Asked) -> Result<Response, ReadError> {
        let mut reader = Reader::new(frame);
        let correlation = reader.int32()?;
        if correlation != asked.correlation {
            return Err(ReadError::Correlation { expected: asked.correlation, found: correlation });
        }
        if asked.flexible_header {
            reader.skip_tags()?;
        }
        Ok(Response::read(&mut reader, asked.version)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ottla_wire::api_versions_response::ApiVersion;
    use ottla_wire::metadata_request::MetadataRequest;
    use ottla_wire::metadata_response::MetadataResponse;

    /// An exchange with a broker that serves Metadata in these versions.
    fn introduced(min_version: i16, max_version: i16) -> Exchange {
        let mut exchange = Exchange::new("test");
        let (_, asked) = exchange.introduce().unwrap();
        let api = ApiVersion { api_key: 3, min_version, max_version };
        let response = ApiVersionsResponse { api_keys: vec![api].into(), ..Default::default() };
        let mut writer = Writer::new();
        writer.int32(0); // correlation id
        response.write(&mut writer, API_VERSIONS).unwrap();
        exchange.introduced(&writer.into_bytes(), asked).unwrap();
        exchange
    }

    #[test]
    fn the_newest_version_that_both_know_is_used() {
        assert_eq!(introduced(0, 9).version::<MetadataRequest<'_>>(i16::MAX), Some(9));
        assert_eq!(introduced(0, 99).version::<MetadataRequest<'_>>(12), Some(12));
        assert_eq!(introduced(90, 99).version::<MetadataRequest<'_>>(i16::MAX), None);
        assert_eq!(Exchange::new("test").version::<MetadataRequest<'_>>(i16::MAX), None);
    }

    #[test]
    fn an_answer_to_another_request_is_refused() {
        let mut exchange = introduced(0, 9);
        let (frame, asked) = exchange.frame(&MetadataRequest::default(), 9).unwrap();
        assert_eq!(u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize, frame.len() - 4);
        let mut answer = vec![0, 0, 0, 77, 0];
        answer.extend(MetadataResponse::default().to_bytes(9).unwrap());
        let refused = exchange.read::<MetadataResponse<'_>>(&answer, asked);
        assert_eq!(refused, Err(ReadError::Correlation { expected: 1, found: 77 }));
        answer[3] = 1;
        assert_eq!(exchange.read(&answer, asked), Ok(MetadataResponse::default()));
    }
}
