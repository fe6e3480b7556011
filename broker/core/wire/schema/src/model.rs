//! What a schema says: messages, their structs and fields, and the versions in which each of them exists.
//!
//! Deliberately not here: anything about Rust or bytes. A struct that is written inline, under the field that uses it,
//! and one that is shared look the same in the model.

use core::fmt;

/// What a message is for, which decides who may hold it and how it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sent by a client.
    Request,
    /// The answer to a request of the same key.
    Response,
    /// What stands before every request or response.
    Header,
    /// Carried inside something else, or in a file.
    Data,
    /// A record of the metadata log.
    Metadata,
    /// The key of a record in a coordinator's topic.
    CoordinatorKey,
    /// The value of a record in a coordinator's topic.
    CoordinatorValue,
}

/// A range of versions; an open one ends at `i16::MAX`, an empty one has `min > max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The first version.
    pub min: i16,
    /// The last version.
    pub max: i16,
}

impl Versions {
    /// No version at all.
    pub const NONE: Versions = Versions { min: 0, max: -1 };

    /// Whether there is no version in it.
    pub fn is_empty(self) -> bool {
        self.max < self.min
    }

    /// Whether `version` is in it.
    pub fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }

    /// The versions that are in both.
    pub fn and(self, other: Versions) -> Versions {
        let both = Versions { min: self.min.max(other.min), max: self.max.min(other.max) };
        if both.is_empty() { Versions::NONE } else { both }
    }

    /// Whether every version of `other` is in this one.
    pub fn covers(self, other: Versions) -> bool {
        self.and(other) == other || other.is_empty()
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            _ if self.is_empty() => write!(f, "none"),
            (min, i16::MAX) => write!(f, "{min}+"),
            (min, max) if min == max => write!(f, "{min}"),
            (min, max) => write!(f, "{min}-{max}"),
        }
    }
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// One byte, zero or not.
    Bool,
    /// Signed, big-endian, of one byte.
    Int8,
    /// Signed, of two bytes.
    Int16,
    /// Signed, of four bytes.
    Int32,
    /// Signed, of eight bytes.
    Int64,
    /// Unsigned, of two bytes.
    Uint16,
    /// Unsigned, of four bytes.
    Uint32,
    /// IEEE 754, of eight bytes.
    Float64,
    /// UTF-8 of at most 32767 bytes.
    String,
    /// Any bytes.
    Bytes,
    /// A record set: bytes that are not looked into here.
    Records,
    /// Sixteen bytes.
    Uuid,
    /// A struct of the same message.
    Struct(String),
    /// Many of one type.
    Array(Box<Type>),
}

/// One field of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Kafka's name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Where it exists.
    pub versions: Versions,
    /// Where it may be null.
    pub nullable: Versions,
    /// Its number among the tagged fields, and where it is one.
    pub tag: Option<(u32, Versions)>,
    /// Its default as written, when one is.
    pub default: Option<String>,
    /// Whether a writer may drop it in a version without it.
    pub ignorable: bool,
    /// Whether it is part of its element's identity.
    pub key: bool,
    /// Whether it keeps the old length form in flexible versions.
    pub rigid: bool,
    /// What its value names.
    pub entity: Option<String>,
}

impl Field {
    /// The versions in which it is tagged.
    pub fn tagged(&self) -> Versions {
        self.tag.map_or(Versions::NONE, |(_, versions)| versions)
    }

    /// Whether any version allows null.
    pub fn is_nullable(&self) -> bool {
        !self.nullable.is_empty()
    }

    /// Whether its default is null.
    pub fn is_null_by_default(&self) -> bool {
        // A record set is the one type that is null without being told to, in Kafka's own classes too.
        self.is_nullable() && (self.default.as_deref() == Some("null") || self.ty == Type::Records)
    }
}

/// A struct: a message itself, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struct {
    /// Kafka's name.
    pub name: String,
    /// Where it exists.
    pub versions: Versions,
    /// Its fields in the order in which they are written.
    pub fields: Vec<Field>,
}

/// One schema file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is for.
    pub kind: Kind,
    /// Kafka's name.
    pub name: String,
    /// API key or record type.
    pub key: Option<i16>,
    /// What is served; empty for an API that Kafka has removed.
    pub versions: Versions,
    /// Where lengths are compact and structs end in tagged fields.
    pub flexible: Versions,
    /// Who serves it.
    pub listeners: Vec<String>,
    /// Whether the newest version is not advertised.
    pub latest_unstable: bool,
    /// The message itself first, then its parts in the order in which they are first seen.
    pub structs: Vec<Struct>,
}

impl Message {
    /// The struct that is the message itself.
    pub fn top(&self) -> &Struct {
        &self.structs[0]
    }

    /// The part called `name`; [`parse`](crate::parse()) has made sure that it is there.
    pub fn part(&self, name: &str) -> &Struct {
        self.structs.iter().find(|part| part.name == name).expect("every struct that is named was found by the parser")
    }
}
