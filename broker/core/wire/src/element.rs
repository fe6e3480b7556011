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

    /// How many bytes each takes, where all take the same and any bytes are a value: then an array of them is skipped
    /// by a multiplication.
    #[inline]
    fn width(_form: Form) -> Option<usize> {
        None
    }
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
            fn width(_form: Form) -> Option<usize> {
                Some(size_of::<$ty>())
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
