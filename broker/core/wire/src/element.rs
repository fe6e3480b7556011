//! What can stand in an array or a field: the seam between the generated structs and the reader and writer.
//!
//! Generated code implements [`Element`] for every struct; users of messages use [`Message`](crate::Message).

use std::borrow::Cow;

use ottla_vocabulary::Uuid;

use crate::WireError;
use crate::form::Form;
use crate::reader::Reader;
use crate::writer::Writer;

/// A value that is read and written in the form of its message.
pub trait Element<'a>: Clone {
    /// Reads one.
    fn decode(reader: &mut Reader<'a>, form: Form) -> Result<Self, WireError>;

    /// Writes it.
    fn encode(&self, writer: &mut Writer, form: Form) -> Result<(), WireError>;

    /// How many bytes each takes, where that can be known without looking.
    #[inline]
    fn width(_form: Form) -> Width {
        Width::Varies
    }
}

/// How many bytes a value takes, so that an array of them can be skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// It has to be read to know.
    Varies,
    /// All take so many, and any bytes are a value.
    Exactly(usize),
    /// All take so many, of any value, and then come the tagged fields of a struct.
    BeforeTags(usize),
}

macro_rules! numbers {
    ($($ty:ty, $method:ident;)*) => { $(
        impl<'a> Element<'a> for $ty {
            #[inline]
            fn decode(reader: &mut Reader<'a>, _form: Form) -> Result<Self, WireError> {
                reader.$method()
            }

            #[inline]
            fn encode(&self, writer: &mut Writer, _form: Form) -> Result<(), WireError> {
                writer.$method(*self);
                Ok(())
            }

            #[inline]
            fn width(_form: Form) -> Width {
                Width::Exactly(size_of::<$ty>())
            }
        }
    )* };
}

numbers! {
    i8, int8;
    i16, int16;
    i32, int32;
    i64, int64;
    u16, uint16;
    u32, uint32;
    f64, float64;
    Uuid, uuid;
}

impl<'a> Element<'a> for Cow<'a, str> {
    #[inline]
    fn decode(reader: &mut Reader<'a>, form: Form) -> Result<Self, WireError> {
        reader.string(form)
    }

    #[inline]
    fn encode(&self, writer: &mut Writer, form: Form) -> Result<(), WireError> {
        writer.string(self, form)
    }
}
