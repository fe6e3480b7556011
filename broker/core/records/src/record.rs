//! One record as it lies in a batch, format version 2, borrowing from the batch's (decompressed) bytes.
//!
//! Length, attributes, timestamp delta, offset delta, key, value and headers, lengths as varints, −1 for null. A record
//! is checked as a whole when it is read, so walking its headers afterwards cannot fail. Writing is `builder`'s.

use ottla_vocabulary::{Offset, Timestamp};
use thiserror::Error;

use crate::batch::{BatchHeader, TimestampType};
use crate::varint::{read_varint, read_varlong, varint_bytes, varlong_bytes, write_varint, write_varlong};

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// The bytes end within it.
    #[error("the bytes end within it")]
    Cut,
    /// Its length is negative or less than its fields take.
    #[error("invalid record size {size}")]
    Size {
        /// The claimed size.
        size: i32,
    },
    /// Its length is more than the caller allows.
    #[error("record size {size} exceeds the configured maximum record size of {size_max}")]
    TooLarge {
        /// The claimed size.
        size: i32,
        /// The bound.
        size_max: i32,
    },
    /// A varint that does not end, or ends outside the record.
    #[error("invalid record structure")]
    Varint,
    /// A field that is longer than what is left of the record.
    #[error("a field of {length} bytes is longer than its record")]
    Field {
        /// The claimed length.
        length: i32,
    },
    /// A negative number of headers, or more than the record has bytes for.
    #[error("invalid number of record headers {count}")]
    HeaderCount {
        /// The claimed number.
        count: i32,
    },
    /// A header without a key.
    #[error("invalid negative header key size {length}")]
    HeaderKey {
        /// The claimed length.
        length: i32,
    },
    /// The fields end before the record does.
    #[error("record of {size} bytes has {left} bytes after its last field")]
    Trailing {
        /// The claimed size.
        size: i32,
        /// What is left over.
        left: usize,
    },
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the partition.
    pub offset: Offset,
    /// The producer's time for it, or the append time of its batch.
    pub timestamp: Timestamp,
    /// The key, or null.
    pub key: Option<&'a [u8]>,
    /// The value, or null: a tombstone on a compacted topic.
    pub value: Option<&'a [u8]>,
    /// Its headers, in order, duplicates kept.
    pub headers: Headers<'a>,
    /// Its bytes within the batch, length included: the cleaner and the budget count them.
    pub bytes: usize,
}

/// The headers of a record: already walked once, so iterating cannot fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    count: i32,
    bytes: &'a [u8],
}

/// One header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Text by agreement, but nobody checks.
    pub key: &'a [u8],
    /// The value, or null.
    pub value: Option<&'a [u8]>,
}

impl<'a> Headers<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Header<'a>> + Clone + use<'a> {
        HeadersIter { left: self.count, rest: self.bytes }
    }

    /// The value of the last header of this key, as Kafka's `lastHeader` gives it.
    pub fn last(&self, key: &[u8]) -> Option<Header<'a>> {
        self.iter().filter(|header| header.key == key).last()
    }
}

/// The headers that are left to walk.
#[derive(Clone)]
struct HeadersIter<'a> {
    left: i32,
    rest: &'a [u8],
}

impl<'a> Iterator for HeadersIter<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        read_header(&mut self.rest).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for HeadersIter<'_> {}

/// A record's fields, with its deltas as they stand.
pub(crate) struct Fields<'a> {
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Headers<'a>,
}

/// Reads the record at the front of `rest` and moves `rest` behind it.
pub(crate) fn read_record<'a>(rest: &mut &'a [u8], batch: &BatchHeader) -> Result<Record<'a>, RecordError> {
    let before = rest.len();
    let size = take_varint(rest).map_err(|_| RecordError::Cut)?;
    let length = usize::try_from(size).map_err(|_| RecordError::Size { size })?;
    let (body, after) = rest.split_at_checked(length).ok_or(RecordError::Cut)?;
    *rest = after;
    let fields = read_fields(size, body)?;
    Ok(Record {
        offset: Offset(batch.base_offset.0.wrapping_add(i64::from(fields.offset_delta))),
        timestamp: record_timestamp(batch, fields.timestamp_delta),
        key: fields.key,
        value: fields.value,
        headers: fields.headers,
        bytes: before - after.len(),
    })
}

/// Reads the record that `body` is, to its end; `size` is its length as it was claimed.
#[inline]
pub(crate) fn read_fields(size: i32, body: &[u8]) -> Result<Fields<'_>, RecordError> {
    let (_attributes, mut rest) = body.split_first().ok_or(RecordError::Size { size })?;
    let fields = Fields {
        timestamp_delta: take_varlong(&mut rest)?,
        offset_delta: take_varint(&mut rest)?,
        key: take_nullable(&mut rest)?,
        value: take_nullable(&mut rest)?,
        headers: take_headers(&mut rest)?,
    };
    if !rest.is_empty() {
        return Err(RecordError::Trailing { size, left: rest.len() });
    }
    Ok(fields)
}

/// A record's time: its batch's base plus its delta, unless the broker stamped the whole batch.
pub(crate) fn record_timestamp(batch: &BatchHeader, delta: i64) -> Timestamp {
    match batch.attributes.timestamp_type() {
        TimestampType::CreateTime => Timestamp(batch.base_timestamp.0.wrapping_add(delta)),
        TimestampType::LogAppendTime => batch.max_timestamp,
    }
}

/// Appends a record with these deltas. The caller keeps each length within 31 bits.
pub(crate) fn write_record<'h>(
    out: &mut Vec<u8>,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: impl ExactSizeIterator<Item = Header<'h>> + Clone,
) {
    let nullable_bytes = |field: Option<&[u8]>| match field {
        None => varint_bytes(-1),
        Some(field) => varint_bytes(field.len() as i32) + field.len(),
    };
    let headers_bytes: usize =
        headers.clone().map(|header| nullable_bytes(Some(header.key)) + nullable_bytes(header.value)).sum();
    let size = 1
        + varlong_bytes(timestamp_delta)
        + varint_bytes(offset_delta)
        + nullable_bytes(key)
        + nullable_bytes(value)
        + varint_bytes(headers.len() as i32)
        + headers_bytes;

    write_varint(out, size as i32);
    let start = out.len();
    out.push(0); // attributes of a record: none exist
    write_varlong(out, timestamp_delta);
    write_varint(out, offset_delta);
    write_nullable(out, key);
    write_nullable(out, value);
    write_varint(out, headers.len() as i32);
    for header in headers {
        write_nullable(out, Some(header.key));
        write_nullable(out, header.value);
    }
    debug_assert_eq!(out.len() - start, size);
}

fn write_nullable(out: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        None => write_varint(out, -1),
        Some(field) => {
            write_varint(out, field.len() as i32);
            out.extend_from_slice(field);
        }
    }
}

fn take_headers<'a>(body: &mut &'a [u8]) -> Result<Headers<'a>, RecordError> {
    let count = take_varint(body)?;
    // A header takes two bytes at least; Java's bound is the bytes that are left, and ours is no looser.
    if count < 0 || count as usize > body.len() {
        return Err(RecordError::HeaderCount { count });
    }
    let bytes = *body;
    for _ in 0..count {
        read_header(body)?;
    }
    Ok(Headers { count, bytes: &bytes[..bytes.len() - body.len()] })
}

fn read_header<'a>(rest: &mut &'a [u8]) -> Result<Header<'a>, RecordError> {
    let length = take_varint(rest)?;
    if length < 0 {
        return Err(RecordError::HeaderKey { length });
    }
    let key = take_bytes(rest, length)?;
    Ok(Header { key, value: take_nullable(rest)? })
}

fn take_nullable<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RecordError> {
    // Java takes every negative length for null.
    let length = take_varint(rest)?;
    if length < 0 { Ok(None) } else { take_bytes(rest, length).map(Some) }
}

fn take_bytes<'a>(rest: &mut &'a [u8], length: i32) -> Result<&'a [u8], RecordError> {
    let (field, after) = rest.split_at_checked(length as usize).ok_or(RecordError::Field { length })?;
    *rest = after;
    Ok(field)
}

#[inline]
fn take_varint(rest: &mut &[u8]) -> Result<i32, RecordError> {
    let (value, taken) = read_varint(rest).ok_or(RecordError::Varint)?;
    *rest = &rest[taken..];
    Ok(value)
}

#[inline]
fn take_varlong(rest: &mut &[u8]) -> Result<i64, RecordError> {
    let (value, taken) = read_varlong(rest).ok_or(RecordError::Varint)?;
    *rest = &rest[taken..];
    Ok(value)
}
