//! Every message of `wire` behind function pointers, so that a test can go through all of them.

use ottla_wire::{Message, Reader, WireError};

/// One message's codec.
#[derive(Clone, Copy)]
pub struct Codec {
    /// Kafka's name.
    pub name: &'static str,
    /// API key or record type, -1 for none.
    pub key: i16,
    /// The oldest version.
    pub version_min: i16,
    /// The newest version.
    pub version_max: i16,
    /// Reads a message at the beginning of the bytes, and tells how many of them it takes.
    pub measure: fn(&[u8], i16) -> Result<usize, WireError>,
    /// Reads bytes of one version, all of them, and writes them in another.
    pub convert: Convert,
    /// Reads bytes and shows every field.
    pub show: fn(&[u8], i16) -> Result<String, WireError>,
    /// Writes the default.
    pub default: fn(i16) -> Result<Vec<u8>, WireError>,
}

/// From bytes and their version, and another version, to bytes of that.
pub type Convert = fn(&[u8], i16, i16) -> Result<Vec<u8>, Failure>;

/// On which way a conversion failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The bytes are no message.
    Read(WireError),
    /// The message has no bytes in that version.
    Write(WireError),
}

macro_rules! table {
    ($($module:ident :: $name:ident;)*) => {
        &[$( Codec {
            name: stringify!($name),
            key: <ottla_wire::$module::$name as Message>::KEY,
            version_min: <ottla_wire::$module::$name as Message>::VERSION_MIN,
            version_max: <ottla_wire::$module::$name as Message>::VERSION_MAX,
            measure: |bytes, version| {
                let mut reader = Reader::new(bytes);
                ottla_wire::$module::$name::read(&mut reader, version).map(|_| reader.position())
            },
            convert: |bytes, from, to| {
                let message = ottla_wire::$module::$name::from_bytes(bytes, from).map_err(Failure::Read)?;
                message.to_bytes(to).map_err(Failure::Write)
            },
            show: |bytes, version| Ok(format!("{:?}", ottla_wire::$module::$name::from_bytes(bytes, version)?)),
            default: |version| ottla_wire::$module::$name::default().to_bytes(version),
        } ),*]
    };
}

/// All of them.
pub const CODECS: &[Codec] = ottla_wire::every_message!(table);

impl Codec {
    /// The codec of a name.
    pub fn named(name: &str) -> Option<&'static Codec> {
        CODECS.iter().find(|codec| codec.name == name)
    }

    /// Every version.
    pub fn versions(&self) -> std::ops::RangeInclusive<i16> {
        self.version_min..=self.version_max
    }

    /// The law that any bytes from outside must keep: they are refused, or what they say can be written in the same
    /// version and says the same when read again. Tells the message and version when it is broken.
    ///
    /// # Panics
    /// When the law is broken.
    pub fn check_any_bytes(&self, bytes: &[u8], version: i16) -> bool {
        let Ok(length) = (self.measure)(bytes, version) else { return false };
        let written = (self.convert)(&bytes[..length], version, version)
            .unwrap_or_else(|error| panic!("{} v{version} was read and is not written: {error:?}", self.name));
        let again = (self.convert)(&written, version, version);
        assert_eq!(again.as_ref(), Ok(&written), "{} v{version} written twice", self.name);
        true
    }
}
