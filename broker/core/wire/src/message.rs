//! What every generated message can do.

use core::fmt::Debug;

use crate::WireError;
use crate::element::Element;
use crate::form::Form;
use crate::reader::Reader;
use crate::writer::Writer;

/// One of Kafka's messages: a request, a response, a record, or data that travels in one of these.
pub trait Message<'a>: Element<'a> + Default + Debug + PartialEq {
    /// Kafka's name.
    const NAME: &'static str;
    /// The API key, or the type of the record; -1 for what has none.
    const KEY: i16;
    /// The oldest version that is served.
    const VERSION_MIN: i16;
    /// The newest version.
    const VERSION_MAX: i16;
    /// From here on lengths are compact and structs end in tagged fields; `i16::MAX` for never.
    const FLEXIBLE_MIN: i16;

    /// The form of a version, when there is such a version.
    fn form(version: i16) -> Result<Form, WireError> {
        if Self::VERSION_MIN <= version && version <= Self::VERSION_MAX {
            Ok(Form { version, flexible: Self::FLEXIBLE_MIN <= version })
        } else {
            Err(WireError::Version { message: Self::NAME, version })
        }
    }

    /// Reads one, and leaves the reader behind it.
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, WireError> {
        Self::decode(reader, Self::form(version)?)
    }

    /// Writes it. A field that has a value, may not be dropped and has no place in `version` is an error.
    fn write(&self, writer: &mut Writer, version: i16) -> Result<(), WireError> {
        self.encode(writer, Self::form(version)?)
    }

    /// Reads one that takes all of `bytes`.
    fn from_bytes(bytes: &'a [u8], version: i16) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let message = Self::read(&mut reader, version)?;
        reader.finish().map(|()| message)
    }

    /// Its bytes; for messages whose records are in memory.
    fn to_bytes(&self, version: i16) -> Result<Vec<u8>, WireError> {
        let mut writer = Writer::new();
        self.write(&mut writer, version)?;
        Ok(writer.into_bytes())
    }
}
