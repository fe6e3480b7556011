//! Frames: four bytes of length, a header, a message.
//!
//! Given a frame's bytes (without the length), the header is read here in the version that its API and version ask
//! for; given a message, a whole frame is made. Reading from sockets is the shell's.

use std::borrow::Cow;

use crate::WireError;
use crate::generated::api_key::ApiKey;
use crate::generated::network::{RequestHeader, ResponseHeader};
use crate::message::Message;
use crate::reader::Reader;
use crate::writer::Writer;

/// How many bytes follow the four that announce them, when that is allowed.
pub fn frame_length(prefix: [u8; 4], bytes_max: u32) -> Result<usize, WireError> {
    let length = i32::from_be_bytes(prefix);
    match u32::try_from(length) {
        Ok(bytes) if bytes <= bytes_max => Ok(bytes as usize),
        _ => Err(WireError::FrameLength { length, max: bytes_max }),
    }
}

impl<'a> RequestHeader<'a> {
    /// Reads the header of a request of whatever version, and says which API it is. The version is not checked: one
    /// that is not served is answered for ApiVersions, and ends the connection for all others.
    pub fn read_frame(reader: &mut Reader<'a>) -> Result<(ApiKey, RequestHeader<'a>), WireError> {
        let mut ahead = reader.clone();
        let key = ahead.int16()?;
        let version = ahead.int16()?;
        let api = ApiKey::from_key(key).ok_or(WireError::UnknownKey { what: "API key", key: key.into() })?;
        let header = RequestHeader::read(reader, api.request_header_version(version))?;
        Ok((api, header))
    }
}

impl ResponseHeader {
    /// Reads the header of the response to a request of this API and version.
    pub fn read_frame(reader: &mut Reader<'_>, api: ApiKey, version: i16) -> Result<ResponseHeader, WireError> {
        ResponseHeader::read(reader, api.response_header_version(version))
    }
}

impl Writer {
    /// With room for the length of a frame, which [`Writer::end_frame`] fills in.
    pub fn begin_frame() -> Writer {
        let mut writer = Writer::with_capacity(256);
        writer.int32(0);
        writer
    }

    /// Says at its beginning how long the frame has become, bytes that lie elsewhere included.
    pub fn end_frame(mut self) -> Result<Writer, WireError> {
        let length = self.len() - 4;
        let signed = i32::try_from(length).map_err(|_| WireError::LongLength { length })?;
        self.patch_int32(0, signed);
        Ok(self)
    }
}

/// A whole frame of a request, length included.
pub fn request_frame<'a, M: Message<'a>>(
    request: &M,
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
) -> Result<Writer, WireError> {
    let api = api_of::<M>()?;
    let header = RequestHeader {
        request_api_key: api.key(),
        request_api_version: version,
        correlation_id,
        client_id: client_id.map(Cow::Borrowed),
    };
    let mut writer = Writer::begin_frame();
    header.write(&mut writer, api.request_header_version(version))?;
    request.write(&mut writer, version)?;
    writer.end_frame()
}

/// A whole frame of a response, length included.
pub fn response_frame<'a, M: Message<'a>>(
    response: &M,
    version: i16,
    correlation_id: i32,
) -> Result<Writer, WireError> {
    let api = api_of::<M>()?;
    let mut writer = Writer::begin_frame();
    ResponseHeader { correlation_id }.write(&mut writer, api.response_header_version(version))?;
    response.write(&mut writer, version)?;
    writer.end_frame()
}

fn api_of<'a, M: Message<'a>>() -> Result<ApiKey, WireError> {
    ApiKey::from_key(M::KEY).ok_or(WireError::UnknownKey { what: "API key", key: M::KEY.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApiVersionsRequest, MetadataRequest};

    #[test]
    fn a_request_frame_is_read_in_the_header_version_it_was_written_in() {
        for version in [0, 2, 3, 4] {
            let request = ApiVersionsRequest::default();
            let frame = request_frame(&request, version, 7, Some("us")).unwrap().into_bytes();
            assert_eq!(frame_length(*frame.first_chunk().unwrap(), 1000), Ok(frame.len() - 4));
            let mut reader = Reader::new(&frame[4..]);
            let (api, header) = RequestHeader::read_frame(&mut reader).unwrap();
            assert_eq!((api, header.request_api_version, header.correlation_id), (ApiKey::ApiVersions, version, 7));
            assert_eq!(header.client_id.as_deref(), Some("us"));
            assert_eq!(ApiVersionsRequest::read(&mut reader, version).unwrap(), request);
            assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn the_client_id_keeps_its_old_form_in_a_flexible_header() {
        let frame = request_frame(&MetadataRequest::default(), 12, 1, Some("ab")).unwrap().into_bytes();
        assert_eq!(&frame[4..17], [0, 3, 0, 12, 0, 0, 0, 1, 0, 2, b'a', b'b', 0]);
    }

    #[test]
    fn http_and_unknown_keys_are_refused() {
        assert_eq!(
            frame_length(*b"GET ", 100 << 20),
            Err(WireError::FrameLength { length: 0x4745_5420, max: 100 << 20 })
        );
        assert!(frame_length([255; 4], u32::MAX).is_err());
        let read = |bytes: &[u8]| RequestHeader::read_frame(&mut Reader::new(bytes)).map(|(api, _)| api);
        assert_eq!(read(&[0, 4, 0, 0, 0, 0, 0, 0, 0, 0]), Err(WireError::UnknownKey { what: "API key", key: 4 }));
        assert!(read(&[0, 3]).is_err());
    }
}
