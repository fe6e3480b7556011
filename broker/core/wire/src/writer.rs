//! Bytes going out, and the places between them where record bytes belong that lie in a file.
//!
//! A fetch is answered with header and file spans: the [`Writer`] counts the spans' lengths and remembers where they
//! go, the shell sends bytes and spans in turn. Nothing here looks into records.

use ottla_vocabulary::Uuid;

use crate::WireError;
use crate::array::Array;
use crate::element::Element;
use crate::form::Form;
use crate::reader::STRING_BYTES_MAX;
use crate::records::Records;

/// A place in a writer's bytes where others belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Splice {
    /// Behind this many of the writer's own bytes.
    pub at: usize,
    /// How many bytes belong there.
    pub length: u32,
    /// Which: the tag of the [`Records::Elsewhere`] that was written.
    pub tag: u32,
}

/// Bytes of a message in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writer {
    bytes: Vec<u8>,
    splices: Vec<Splice>,
}

impl Writer {
    /// With nothing in it.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// With nothing in it and room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Writer {
        Writer { bytes: Vec::with_capacity(capacity), splices: Vec::new() }
    }

    /// How many bytes it stands for, those that lie elsewhere included.
    pub fn len(&self) -> usize {
        self.bytes.len() + self.splices.iter().map(|splice| splice.length as usize).sum::<usize>()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.splices.is_empty()
    }

    /// Its own bytes, and the places in between, in order.
    pub fn into_parts(self) -> (Vec<u8>, Vec<Splice>) {
        (self.bytes, self.splices)
    }

    /// Its own bytes, of a message that has none elsewhere.
    ///
    /// # Panics
    /// When there are places for others: they would be lost.
    pub fn into_bytes(self) -> Vec<u8> {
        assert!(self.splices.is_empty(), "records that lie elsewhere are sent from there: use `into_parts`");
        self.bytes
    }

    /// Bytes as they are.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// One where true.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(u8::from(value));
    }

    /// One signed byte.
    #[inline]
    pub fn int8(&mut self, value: i8) {
        self.raw(&value.to_be_bytes());
    }

    /// Two bytes, signed.
    #[inline]
    pub fn int16(&mut self, value: i16) {
        self.raw(&value.to_be_bytes());
    }

    /// Four bytes, signed.
    #[inline]
    pub fn int32(&mut self, value: i32) {
        self.raw(&value.to_be_bytes());
    }

    /// Eight bytes, signed.
    #[inline]
    pub fn int64(&mut self, value: i64) {
        self.raw(&value.to_be_bytes());
    }

    /// Two bytes, unsigned.
    #[inline]
    pub fn uint16(&mut self, value: u16) {
        self.raw(&value.to_be_bytes());
    }

    /// Four bytes, unsigned.
    #[inline]
    pub fn uint32(&mut self, value: u32) {
        self.raw(&value.to_be_bytes());
    }

    /// Eight bytes of IEEE 754.
    #[inline]
    pub fn float64(&mut self, value: f64) {
        self.raw(&value.to_be_bytes());
    }

    /// Sixteen bytes.
    #[inline]
    pub fn uuid(&mut self, value: Uuid) {
        self.raw(&value.0);
    }

    /// Seven bits a byte, lowest first.
    #[inline]
    pub fn unsigned_varint(&mut self, value: u32) {
        self.unsigned_varlong(u64::from(value));
    }

    /// Seven bits a byte, lowest first.
    #[inline]
    pub fn unsigned_varlong(&mut self, value: u64) {
        let mut left = value;
        while left >= 0x80 {
            self.bytes.push(left as u8 | 0x80);
            left >>= 7;
        }
        self.bytes.push(left as u8);
    }

    /// A signed number in zigzag form.
    pub fn varint(&mut self, value: i32) {
        self.unsigned_varint(((value << 1) ^ (value >> 31)) as u32);
    }

    /// A signed number in zigzag form.
    pub fn varlong(&mut self, value: i64) {
        self.unsigned_varlong(((value << 1) ^ (value >> 63)) as u64);
    }

    fn length(&mut self, length: Option<usize>, form: Form) -> Result<(), WireError> {
        let signed = match length {
            Some(length) => i32::try_from(length).map_err(|_| WireError::LongLength { length })?,
            None => -1,
        };
        if form.flexible {
            self.unsigned_varint(signed.wrapping_add(1) as u32);
        } else {
            self.int32(signed);
        }
        Ok(())
    }

    /// A string that is there.
    pub fn string(&mut self, value: &str, form: Form) -> Result<(), WireError> {
        self.nullable_string(Some(value), form)
    }

    /// A string or null.
    pub fn nullable_string(&mut self, value: Option<&str>, form: Form) -> Result<(), WireError> {
        let length = value.map(str::len);
        match length {
            Some(length) if length > STRING_BYTES_MAX => return Err(WireError::LongString { length }),
            _ if form.flexible => self.length(length, form)?,
            // Checked against the limit just above.
            _ => self.int16(length.map_or(-1, |length| length as i16)),
        }
        self.raw(value.unwrap_or_default().as_bytes());
        Ok(())
    }

    /// Bytes that are there.
    pub fn bytes(&mut self, value: &[u8], form: Form) -> Result<(), WireError> {
        self.nullable_bytes(Some(value), form)
    }

    /// Bytes or null.
    pub fn nullable_bytes(&mut self, value: Option<&[u8]>, form: Form) -> Result<(), WireError> {
        self.length(value.map(<[u8]>::len), form)?;
        self.raw(value.unwrap_or_default());
        Ok(())
    }

    /// A record set that is there.
    pub fn records(&mut self, value: &Records<'_>, form: Form) -> Result<(), WireError> {
        self.nullable_records(Some(value), form)
    }

    /// A record set or null.
    pub fn nullable_records(&mut self, value: Option<&Records<'_>>, form: Form) -> Result<(), WireError> {
        match value {
            Some(Records::Bytes(bytes)) => self.bytes(bytes, form),
            Some(&Records::Elsewhere { length, tag }) => {
                self.length(Some(length as usize), form)?;
                self.splices.push(Splice { at: self.bytes.len(), length, tag });
                Ok(())
            }
            None => self.length(None, form),
        }
    }

    /// An array that is there.
    pub fn array<'a, T: Element<'a>>(&mut self, value: &Array<'a, T>, form: Form) -> Result<(), WireError> {
        self.length(Some(value.len()), form)?;
        value.try_for_each(|element| element.encode(self, form))
    }

    /// An array or null.
    pub fn nullable_array<'a, T: Element<'a>>(
        &mut self,
        value: Option<&Array<'a, T>>,
        form: Form,
    ) -> Result<(), WireError> {
        match value {
            Some(array) => self.array(array, form),
            None => self.length(None, form),
        }
    }

    /// A struct behind a byte that says whether it is there (KIP-893).
    pub fn nullable_struct<'a, T: Element<'a>>(&mut self, value: Option<&T>, form: Form) -> Result<(), WireError> {
        match value {
            Some(value) => {
                self.int8(1);
                value.encode(self, form)
            }
            None => {
                self.int8(-1);
                Ok(())
            }
        }
    }

    /// Begins the tagged fields at the end of a struct; they are written in ascending order of their numbers.
    pub fn tags(&mut self) -> Tags<'_> {
        let count_at = self.bytes.len();
        self.bytes.push(0);
        Tags { writer: self, count_at }
    }

    /// Puts the number of bytes written since `start` before them.
    fn prefix_size(&mut self, start: usize) -> Result<(), WireError> {
        let length = self.bytes.len() - start;
        let size = u32::try_from(length).map_err(|_| WireError::LongLength { length })?;
        let mut prefix = Writer::new();
        prefix.unsigned_varint(size);
        // No field with records is tagged, so no splice moves.
        self.bytes.splice(start..start, prefix.bytes);
        Ok(())
    }

    /// Overwrites four bytes that were written before.
    pub(crate) fn patch_int32(&mut self, at: usize, value: i32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
}

/// The tagged fields of one struct, being written.
#[derive(Debug)]
pub struct Tags<'w> {
    writer: &'w mut Writer,
    count_at: usize,
}

impl Tags<'_> {
    /// One more field: number, size, and what `write` writes.
    pub fn field(
        &mut self,
        tag: u32,
        write: impl FnOnce(&mut Writer) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        // One byte counts them: the generator refuses a struct of more than 127 tagged fields.
        self.writer.bytes[self.count_at] += 1;
        self.writer.unsigned_varint(tag);
        let start = self.writer.bytes.len();
        write(self.writer)?;
        self.writer.prefix_size(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reader;

    const FLEXIBLE: Form = Form { version: 0, flexible: true };
    const RIGID: Form = Form { version: 0, flexible: false };

    #[test]
    fn every_number_comes_back() {
        for bits in 0..63 {
            for value in [(1i64 << bits) - 1, -(1i64 << bits), i64::MAX >> bits] {
                let mut writer = Writer::new();
                writer.varlong(value);
                writer.unsigned_varlong(value as u64);
                writer.varint(value as i32);
                writer.unsigned_varint(value as u32);
                let bytes = writer.into_bytes();
                let mut reader = Reader::new(&bytes);
                assert_eq!(reader.varlong(), Ok(value));
                assert_eq!(reader.unsigned_varlong(), Ok(value as u64));
                assert_eq!(reader.varint(), Ok(value as i32));
                assert_eq!(reader.unsigned_varint(), Ok(value as u32));
                assert_eq!(reader.finish(), Ok(()));
            }
        }
    }

    #[test]
    fn records_elsewhere_count_and_leave_a_place() {
        let mut writer = Writer::new();
        writer.records(&Records::Elsewhere { length: 1000, tag: 3 }, RIGID).unwrap();
        writer.int8(5);
        assert_eq!(writer.len(), 1005);
        let (bytes, splices) = writer.into_parts();
        assert_eq!(bytes, [0, 0, 3, 232, 5]);
        assert_eq!(splices, [Splice { at: 4, length: 1000, tag: 3 }]);
    }

    #[test]
    fn a_tagged_field_may_be_longer_than_its_size_is_wide() {
        let mut writer = Writer::new();
        let mut tags = writer.tags();
        tags.field(2, |writer| writer.bytes(&[7; 300], FLEXIBLE)).unwrap();
        tags.field(4, |writer| {
            writer.int8(1);
            Ok(())
        })
        .unwrap();
        let bytes = writer.into_bytes();
        assert_eq!(&bytes[..6], [2, 2, 0xae, 2, 0xad, 2]);
        assert_eq!(&bytes[bytes.len() - 4..], [7, 4, 1, 1]);
    }

    #[test]
    fn a_string_that_no_version_can_carry_is_refused() {
        let long = "x".repeat(32768);
        assert_eq!(Writer::new().string(&long, FLEXIBLE), Err(WireError::LongString { length: 32768 }));
        assert_eq!(Writer::new().string(&long[1..], RIGID), Ok(()));
    }
}
