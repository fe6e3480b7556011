//! A cursor over bytes from outside: every length is checked against what is left before it is believed, nothing is
//! allocated, nothing panics.
//!
//! Given a frame's bytes, it gives numbers, and strings and arrays that borrow from the frame. What Kafka's own reader
//! accepts is accepted: any negative length is null, tagged fields may come in any order and more than once (the last
//! one counts). Stricter than Kafka's: strings must be UTF-8, a known tagged field must end where its size says.

use std::borrow::Cow;

use ottla_vocabulary::Uuid;

use crate::WireError;
use crate::array::Array;
use crate::element::{Element, Width};
use crate::form::Form;
use crate::records::Records;

/// Strings have a signed 16-bit length in the old form, and Kafka holds the compact form to the same limit.
pub(crate) const STRING_BYTES_MAX: usize = i16::MAX as usize;

/// A bounded cursor over a frame.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// At the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The bytes that are left, still unread.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Refuses bytes behind the end.
    pub fn finish(&self) -> Result<(), WireError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(WireError::Trailing { at: self.at, left }),
        }
    }

    /// The next `count` bytes.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        match self.bytes[self.at..].get(..count) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(self.truncated(count)),
        }
    }

    #[cold]
    fn truncated(&self, wanted: usize) -> WireError {
        WireError::Truncated { at: self.at, wanted, left: self.remaining() }
    }

    #[inline]
    fn array_of_bytes<const WIDTH: usize>(&mut self) -> Result<[u8; WIDTH], WireError> {
        match self.bytes[self.at..].first_chunk::<WIDTH>() {
            Some(bytes) => {
                self.at += WIDTH;
                Ok(*bytes)
            }
            None => Err(self.truncated(WIDTH)),
        }
    }

    /// A byte that is not zero.
    #[inline]
    pub fn bool(&mut self) -> Result<bool, WireError> {
        Ok(self.int8()? != 0)
    }

    /// One signed byte.
    #[inline]
    pub fn int8(&mut self) -> Result<i8, WireError> {
        self.array_of_bytes().map(i8::from_be_bytes)
    }

    /// Two bytes, signed.
    #[inline]
    pub fn int16(&mut self) -> Result<i16, WireError> {
        self.array_of_bytes().map(i16::from_be_bytes)
    }

    /// Four bytes, signed.
    #[inline]
    pub fn int32(&mut self) -> Result<i32, WireError> {
        self.array_of_bytes().map(i32::from_be_bytes)
    }

    /// Eight bytes, signed.
    #[inline]
    pub fn int64(&mut self) -> Result<i64, WireError> {
        self.array_of_bytes().map(i64::from_be_bytes)
    }

    /// Two bytes, unsigned.
    #[inline]
    pub fn uint16(&mut self) -> Result<u16, WireError> {
        self.array_of_bytes().map(u16::from_be_bytes)
    }

    /// Four bytes, unsigned.
    #[inline]
    pub fn uint32(&mut self) -> Result<u32, WireError> {
        self.array_of_bytes().map(u32::from_be_bytes)
    }

    /// Eight bytes of IEEE 754.
    #[inline]
    pub fn float64(&mut self) -> Result<f64, WireError> {
        self.array_of_bytes().map(f64::from_be_bytes)
    }

    /// Sixteen bytes.
    #[inline]
    pub fn uuid(&mut self) -> Result<Uuid, WireError> {
        self.array_of_bytes().map(Uuid)
    }

    /// Seven bits a byte, lowest first, at most 32 of them.
    #[inline]
    pub fn unsigned_varint(&mut self) -> Result<u32, WireError> {
        match self.bytes.get(self.at) {
            // Nearly every length and tag is below 128.
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u32::from(byte))
            }
            _ => self.long_varint(32).map(|value| value as u32),
        }
    }

    /// Seven bits a byte, lowest first, at most 64 of them.
    pub fn unsigned_varlong(&mut self) -> Result<u64, WireError> {
        self.long_varint(64)
    }

    /// A signed number of 32 bits in zigzag form.
    pub fn varint(&mut self) -> Result<i32, WireError> {
        let zigzag = self.unsigned_varint()?;
        Ok((zigzag >> 1) as i32 ^ -((zigzag & 1) as i32))
    }

    /// A signed number of 64 bits in zigzag form.
    pub fn varlong(&mut self) -> Result<i64, WireError> {
        let zigzag = self.unsigned_varlong()?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    fn long_varint(&mut self, bits: u32) -> Result<u64, WireError> {
        let start = self.at;
        let mut value = 0u64;
        let mut shift = 0;
        loop {
            let [byte] = self.array_of_bytes::<1>()?;
            let low = u64::from(byte & 0x7f);
            if shift >= bits || low >> (bits - shift).min(7) != 0 {
                return Err(WireError::Varint { at: start });
            }
            value |= low << shift;
            shift += 7;
            if byte < 0x80 {
                return Ok(value);
            }
        }
    }

    /// A length, or null; what it announces is checked by who takes it.
    #[inline]
    fn length(&mut self, form: Form) -> Result<Option<u32>, WireError> {
        if form.flexible {
            let start = self.at;
            let length_and_one = self.unsigned_varint()?;
            if length_and_one > i32::MAX as u32 {
                return Err(WireError::Varint { at: start });
            }
            Ok(length_and_one.checked_sub(1))
        } else {
            Ok(u32::try_from(self.int32()?).ok())
        }
    }

    fn not_null<T>(&self, value: Option<T>) -> Result<T, WireError> {
        value.ok_or(WireError::Null { at: self.at })
    }

    /// A string that is there.
    #[inline]
    pub fn string(&mut self, form: Form) -> Result<Cow<'a, str>, WireError> {
        match self.string_length(form)? {
            Some(length) => self.text(length),
            None => Err(WireError::Null { at: self.at }),
        }
    }

    /// A string or null.
    #[inline]
    pub fn nullable_string(&mut self, form: Form) -> Result<Option<Cow<'a, str>>, WireError> {
        match self.string_length(form)? {
            Some(length) => self.text(length).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn string_length(&mut self, form: Form) -> Result<Option<u32>, WireError> {
        if form.flexible { self.length(form) } else { Ok(u32::try_from(self.int16()?).ok()) }
    }

    fn text(&mut self, length: u32) -> Result<Cow<'a, str>, WireError> {
        let length = length as usize;
        if length > STRING_BYTES_MAX {
            return Err(WireError::LongString { length });
        }
        let at = self.at;
        match std::str::from_utf8(self.take(length)?) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => Err(WireError::NotUtf8 { at }),
        }
    }

    /// Bytes that are there.
    #[inline]
    pub fn bytes(&mut self, form: Form) -> Result<Cow<'a, [u8]>, WireError> {
        let value = self.nullable_bytes(form)?;
        self.not_null(value)
    }

    /// Bytes or null.
    #[inline]
    pub fn nullable_bytes(&mut self, form: Form) -> Result<Option<Cow<'a, [u8]>>, WireError> {
        match self.length(form)? {
            Some(length) => Ok(Some(Cow::Borrowed(self.take(length as usize)?))),
            None => Ok(None),
        }
    }

    /// A record set that is there.
    pub fn records(&mut self, form: Form) -> Result<Records<'a>, WireError> {
        let value = self.nullable_records(form)?;
        self.not_null(value)
    }

    /// A record set or null.
    pub fn nullable_records(&mut self, form: Form) -> Result<Option<Records<'a>>, WireError> {
        match self.length(form)? {
            Some(length) => Ok(Some(Records::Bytes(self.take(length as usize)?))),
            None => Ok(None),
        }
    }

    /// An array that is there: walked, so that it is known to be right, and not collected.
    #[inline]
    pub fn array<T: Element<'a>>(&mut self, form: Form) -> Result<Array<'a, T>, WireError> {
        match self.length(form)? {
            Some(count) => self.walk(count, form),
            None => Err(WireError::Null { at: self.at }),
        }
    }

    /// An array or null.
    #[inline]
    pub fn nullable_array<T: Element<'a>>(&mut self, form: Form) -> Result<Option<Array<'a, T>>, WireError> {
        match self.length(form)? {
            Some(count) => self.walk(count, form).map(Some),
            None => Ok(None),
        }
    }

    /// Finds the end of an array by reading each element once.
    fn walk<T: Element<'a>>(&mut self, count: u32, form: Form) -> Result<Array<'a, T>, WireError> {
        let start = self.at;
        // An element takes a byte at least (the generator refuses a schema where one does not), so a claim beyond the
        // bytes is a lie, and time spent here stays in proportion to the frame.
        if count as usize > self.remaining() {
            return Err(WireError::Count { at: start, count, left: self.remaining() });
        }
        match T::width(form) {
            Width::Exactly(width) => {
                self.take(count as usize * width)?;
            }
            Width::BeforeTags(width) => {
                for _ in 0..count {
                    // Hardly ever is a tagged field there; then the next byte is their number, zero.
                    match self.bytes.get(self.at + width) {
                        Some(0) => self.at += width + 1,
                        _ => drop(T::decode(self, form)?),
                    }
                }
            }
            Width::Varies => {
                for _ in 0..count {
                    T::decode(self, form)?;
                }
            }
        }
        Ok(Array::walked(&self.bytes[start..self.at], count, form))
    }

    /// A struct behind a byte that says whether it is there (KIP-893).
    pub fn nullable_struct<T: Element<'a>>(&mut self, form: Form) -> Result<Option<T>, WireError> {
        if self.int8()? < 0 { Ok(None) } else { T::decode(self, form).map(Some) }
    }

    /// The tagged fields at the end of a struct. `known` reads the field of its number and says true, or says false
    /// without reading; then it is skipped. Their count is bounded by the bytes, because each takes two at least.
    pub fn tags(
        &mut self,
        mut known: impl FnMut(u32, &mut Reader<'a>) -> Result<bool, WireError>,
    ) -> Result<(), WireError> {
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let size = self.unsigned_varint()? as usize;
            let start = self.at;
            self.take(size)?;
            let mut field = Reader { bytes: &self.bytes[..self.at], at: start };
            if known(tag, &mut field)? && field.at != self.at {
                return Err(WireError::TagSize { at: field.at, tag });
            }
        }
        Ok(())
    }

    /// The end of a struct that has no tagged fields of its own.
    #[inline]
    pub fn skip_tags(&mut self) -> Result<(), WireError> {
        match self.bytes.get(self.at) {
            Some(0) => {
                self.at += 1;
                Ok(())
            }
            _ => self.tags(|_, _| Ok(false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLEXIBLE: Form = Form { version: 0, flexible: true };
    const RIGID: Form = Form { version: 0, flexible: false };

    #[test]
    fn varints_hold_what_their_bits_hold() {
        let check = |bytes: &[u8], value: Option<u32>| {
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.unsigned_varint().ok(), value, "{bytes:x?}");
        };
        check(&[0], Some(0));
        check(&[0x7f], Some(127));
        check(&[0x80, 1], Some(128));
        check(&[0xff, 0xff, 0xff, 0xff, 0x0f], Some(u32::MAX));
        check(&[0xff, 0xff, 0xff, 0xff, 0x10], None);
        check(&[0x80, 0x80, 0x80, 0x80, 0x80, 0], None);
        check(&[0x80], None);
        check(&[], None);
        assert_eq!(Reader::new(&[0xff; 9]).unsigned_varlong().ok(), None);
        let longest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(Reader::new(&longest).unsigned_varlong(), Ok(u64::MAX));
        assert_eq!(Reader::new(&longest).varlong(), Ok(i64::MIN));
        assert_eq!(Reader::new(&[3]).varint(), Ok(-2));
    }

    #[test]
    fn lengths_beyond_the_end_are_refused() {
        assert_eq!(Reader::new(&[0, 3, b'a']).string(RIGID), Err(WireError::Truncated { at: 2, wanted: 3, left: 1 }));
        assert_eq!(Reader::new(&[9, b'a']).bytes(FLEXIBLE), Err(WireError::Truncated { at: 1, wanted: 8, left: 1 }));
        assert_eq!(
            Reader::new(&[0x7f, 0xff, 0xff, 0xff, 0, 1]).array::<i64>(RIGID),
            Err(WireError::Count { at: 4, count: i32::MAX as u32, left: 2 })
        );
        assert!(Reader::new(&[0, 0, 0, 2, 0, 0, 0, 1]).array::<i64>(RIGID).is_err(), "two longs in four bytes");
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).nullable_bytes(FLEXIBLE).is_err());
    }

    #[test]
    fn any_negative_length_is_null_and_null_is_refused_where_a_value_must_be() {
        assert_eq!(Reader::new(&[0xff, 0xfe]).nullable_string(RIGID), Ok(None));
        assert_eq!(Reader::new(&[0xff, 0xfe]).string(RIGID), Err(WireError::Null { at: 2 }));
        assert_eq!(Reader::new(&[0]).nullable_string(FLEXIBLE), Ok(None));
        assert_eq!(Reader::new(&[0]).array::<i8>(FLEXIBLE), Err(WireError::Null { at: 1 }));
    }

    #[test]
    fn a_string_is_utf8_and_short() {
        assert_eq!(Reader::new(&[2, 0xc3]).string(FLEXIBLE), Err(WireError::NotUtf8 { at: 1 }));
        let mut long = vec![0x81, 0x80, 0x02];
        long.resize(40_000, b'a');
        assert_eq!(Reader::new(&long).string(FLEXIBLE), Err(WireError::LongString { length: 32768 }));
    }

    #[test]
    fn a_known_tag_ends_where_its_size_says_and_an_unknown_one_is_skipped() {
        let read = |bytes: &[u8]| {
            let mut value = None;
            let mut reader = Reader::new(bytes);
            reader.tags(|tag, field| {
                if tag == 1 {
                    value = Some(field.int16()?);
                }
                Ok(tag == 1)
            })?;
            reader.finish().map(|()| value)
        };
        assert_eq!(read(&[0]), Ok(None));
        assert_eq!(read(&[2, 1, 2, 0, 7, 5, 1, 9]), Ok(Some(7)));
        assert_eq!(read(&[2, 1, 2, 0, 7, 1, 2, 0, 8]), Ok(Some(8)), "as in Kafka, the last of two counts");
        assert_eq!(read(&[1, 1, 3, 0, 7, 0]), Err(WireError::TagSize { at: 5, tag: 1 }));
        assert_eq!(read(&[1, 1, 1, 0, 7]), Err(WireError::Truncated { at: 3, wanted: 2, left: 1 }));
    }
}
