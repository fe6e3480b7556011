//! Logs whose records are of many kinds, each record saying which kind it is: the metadata log and the coordinators'
//! topics. The enums are generated; what stands around a record's body is here.
//!
//! A kind that we do not know is an error with its number, so that whoever reads the log can keep the record unharmed.

use crate::reader::Reader;
use crate::writer::Writer;
use crate::{
    GroupRecordKey, GroupRecordValue, MetadataRecord, ShareRecordKey, ShareRecordValue, TransactionRecordKey,
    TransactionRecordValue, WireError,
};

/// One of several messages, told apart by a number.
pub trait Union<'a>: Sized {
    /// How an error calls one.
    const WHAT: &'static str;

    /// Its number.
    fn kind(&self) -> i16;

    /// The oldest and the newest version of its kind.
    fn versions(&self) -> (i16, i16);

    /// Reads the message of this kind, and nothing that stands around it.
    fn read_body(kind: i16, version: i16, reader: &mut Reader<'a>) -> Result<Self, WireError>;

    /// Writes the message, and nothing that stands around it.
    fn write_body(&self, writer: &mut Writer, version: i16) -> Result<(), WireError>;
}

/// The only version of the frame around a metadata record; it leaves room for another layout one day.
const METADATA_FRAME_VERSION: u32 = 1;

impl<'a> MetadataRecord<'a> {
    /// Reads a record's value: frame version, kind and version as varints, then the body, which takes all the rest.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<MetadataRecord<'a>, WireError> {
        let mut reader = Reader::new(bytes);
        let frame_version = reader.unsigned_varint()?;
        if frame_version != METADATA_FRAME_VERSION {
            return Err(WireError::UnknownKey { what: "metadata frame version", key: frame_version as i32 });
        }
        let kind = short(reader.unsigned_varint()?, Self::WHAT)?;
        let version = short(reader.unsigned_varint()?, "version of a metadata record")?;
        let record = MetadataRecord::read_body(kind, version, &mut reader)?;
        reader.finish().map(|()| record)
    }

    /// Its bytes as a record's value.
    pub fn to_bytes(&self, version: i16) -> Result<Vec<u8>, WireError> {
        let mut writer = Writer::new();
        for number in [METADATA_FRAME_VERSION, self.kind() as u32, version as u32] {
            writer.unsigned_varint(number);
        }
        self.write_body(&mut writer, version)?;
        Ok(writer.into_bytes())
    }
}

fn short(number: u32, what: &'static str) -> Result<i16, WireError> {
    i16::try_from(number).map_err(|_| WireError::UnknownKey { what, key: number as i32 })
}

/// The key of a coordinator's record: its kind in two bytes, then the body, which has had only one version ever.
fn key_from_bytes<'a, U: Union<'a>>(bytes: &'a [u8]) -> Result<U, WireError> {
    let mut reader = Reader::new(bytes);
    let kind = reader.int16()?;
    U::read_body(kind, 0, &mut reader)
}

fn key_to_bytes<'a, U: Union<'a>>(key: &U) -> Result<Vec<u8>, WireError> {
    let mut writer = Writer::new();
    writer.int16(key.kind());
    key.write_body(&mut writer, 0)?;
    Ok(writer.into_bytes())
}

/// The value of a coordinator's record: its version in two bytes, then the body of the kind that the key tells.
fn value_from_bytes<'a, U: Union<'a>>(kind: i16, bytes: &'a [u8]) -> Result<U, WireError> {
    let mut reader = Reader::new(bytes);
    let version = reader.int16()?;
    U::read_body(kind, version, &mut reader)
}

fn value_to_bytes<'a, U: Union<'a>>(value: &U, version: i16) -> Result<Vec<u8>, WireError> {
    let mut writer = Writer::new();
    writer.int16(version);
    value.write_body(&mut writer, version)?;
    Ok(writer.into_bytes())
}

macro_rules! coordinator_records {
    ($($key:ident, $value:ident;)*) => { $(
        impl<'a> $key<'a> {
            /// Reads a record's key: its kind, then the body.
            pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, WireError> {
                key_from_bytes(bytes)
            }

            /// Its bytes as a record's key.
            pub fn to_bytes(&self) -> Result<Vec<u8>, WireError> {
                key_to_bytes(self)
            }
        }

        impl<'a> $value<'a> {
            /// Reads a record's value, of the kind that its key told: its version, then the body.
            pub fn from_bytes(kind: i16, bytes: &'a [u8]) -> Result<Self, WireError> {
                value_from_bytes(kind, bytes)
            }

            /// Its bytes as a record's value.
            pub fn to_bytes(&self, version: i16) -> Result<Vec<u8>, WireError> {
                value_to_bytes(self, version)
            }
        }
    )* };
}

coordinator_records! {
    GroupRecordKey, GroupRecordValue;
    TransactionRecordKey, TransactionRecordValue;
    ShareRecordKey, ShareRecordValue;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OffsetCommitKey, OffsetCommitValue, TopicRecord};
    use ottla_vocabulary::Uuid;

    #[test]
    fn a_metadata_record_stands_in_its_frame() {
        let record = MetadataRecord::from(TopicRecord { name: "foo".into(), topic_id: Uuid::ONE });
        let bytes = record.to_bytes(0).unwrap();
        assert_eq!(bytes, [&[1, 2, 0, 4][..], b"foo", &[0; 15], &[1, 0]].concat());
        assert_eq!(MetadataRecord::from_bytes(&bytes), Ok(record));
        let longer = [&bytes[..], &[9]].concat();
        assert_eq!(MetadataRecord::from_bytes(&longer), Err(WireError::Trailing { at: 24, left: 1 }));
    }

    #[test]
    fn a_committed_offset_has_its_kind_in_the_key_and_its_version_in_the_value() {
        let key = GroupRecordKey::from(OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 3 });
        let key_bytes = key.to_bytes().unwrap();
        assert_eq!(key_bytes, [0, 1, 0, 1, b'g', 0, 1, b't', 0, 0, 0, 3]);
        let read = GroupRecordKey::from_bytes(&key_bytes).unwrap();
        assert_eq!(read, key);
        let value = GroupRecordValue::from(OffsetCommitValue { offset: 42, ..Default::default() });
        let value_bytes = value.to_bytes(3).unwrap();
        assert_eq!(value_bytes[..2], [0, 3]);
        assert_eq!(GroupRecordValue::from_bytes(read.kind(), &value_bytes), Ok(value));
    }

    #[test]
    fn an_unknown_kind_is_told_by_its_number() {
        let error = GroupRecordKey::from_bytes(&[0, 99, 1, 2]).unwrap_err();
        assert_eq!(error, WireError::UnknownKey { what: "group record", key: 99 });
        let error = MetadataRecord::from_bytes(&[1, 6, 0]).unwrap_err();
        assert_eq!(error, WireError::UnknownKey { what: "metadata record", key: 6 });
    }
}
