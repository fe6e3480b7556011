//! Walking batches and records without copying: a slice of a file or a frame goes in, views into it come out.
//!
//! Nothing is checked that was not asked for: `check_crc` is a call of its own, since a log read at its own offsets was
//! checked when it was written. A compressed batch is decompressed as a whole into the caller's [`Decompressor`], up to
//! a limit that the caller gives; who needs no keys and values walks it in
//! pieces, as `find_record` and `validate` do.

use ottla_vocabulary::{Offset, Timestamp};

use crate::batch::{ATTRIBUTES, BatchError, BatchHeader, HEADER_BYTES};
use crate::compression::{Codec, Decompressor};
use crate::crc::crc32c;
use crate::record::{Record, read_record, record_timestamp};
use crate::walk::{Plain, RecordShape, Walk};

/// A batch within a slice: its header, parsed, and all its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchView<'a> {
    header: BatchHeader,
    bytes: &'a [u8],
}

/// The batches of `bytes`, one after the other. The last item is an error when the bytes do not end with a batch:
/// [`BatchError::Partial`] when the last one is only cut off. Nothing comes after an error.
pub fn batches(bytes: &[u8]) -> Batches<'_> {
    Batches { rest: bytes }
}

/// See [`batches`].
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<BatchView<'a>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let view = BatchView::parse(self.rest);
        self.rest = match &view {
            Ok(batch) => &self.rest[batch.bytes.len()..],
            Err(_) => &[],
        };
        Some(view)
    }
}

impl<'a> BatchView<'a> {
    /// The batch at the front of `bytes`, which may go on after it.
    pub fn parse(bytes: &'a [u8]) -> Result<BatchView<'a>, BatchError> {
        let header = BatchHeader::parse(bytes)?;
        let need = header.batch_bytes();
        let partial = BatchError::Partial { have: bytes.len(), need };
        Ok(BatchView { header, bytes: bytes.get(..need).ok_or(partial)? })
    }

    /// The header's fields.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The whole batch.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the header, compressed as the header says.
    pub fn records_bytes(&self) -> &'a [u8] {
        &self.bytes[HEADER_BYTES..]
    }

    /// Compares the sum in the header with that of the bytes.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        let computed = crc32c(&self.bytes[ATTRIBUTES..]);
        let stored = self.header.crc;
        if computed == stored {
            return Ok(());
        }
        Err(BatchError::Crc { base_offset: self.header.base_offset.0, stored, computed })
    }

    /// The records, walked lazily. Those of a compressed batch are first decompressed into `decompressor`, which takes
    /// at most `bytes_max` for it and keeps the memory for the next batch.
    pub fn records<'s>(&self, decompressor: &'s mut Decompressor, bytes_max: usize) -> Result<Records<'s>, BatchError>
    where
        'a: 's,
    {
        let rest = match self.header.attributes.codec()? {
            Codec::None => self.records_bytes(),
            codec => decompressor.decompress(codec, self.records_bytes(), bytes_max)?,
        };
        Ok(Records { header: self.header, rest, index: 0 })
    }

    /// The first record whose offset and time `wanted` accepts. Unlike [`records`](BatchView::records) this keeps no key
    /// and no value, so it takes little memory however large the records are: a look-up by time needs no more.
    /// `record_bytes_max` is `max.decompressed.message.bytes`; `bytes_max` bounds all that is decompressed.
    pub fn find_record(
        &self,
        decompressor: &mut Decompressor,
        record_bytes_max: i32,
        bytes_max: u64,
        mut wanted: impl FnMut(Offset, Timestamp) -> bool,
    ) -> Result<Option<(Offset, Timestamp)>, BatchError> {
        let place = |shape: RecordShape| {
            let offset = self.header.base_offset.0.wrapping_add(i64::from(shape.offset_delta));
            (Offset(offset), record_timestamp(&self.header, shape.timestamp_delta))
        };
        let wanted = |shape| {
            let (offset, timestamp) = place(shape);
            wanted(offset, timestamp)
        };
        let found = match self.header.attributes.codec()? {
            Codec::None => Walk::new(Plain { bytes: self.records_bytes() }, i32::MAX).find(&self.header, wanted)?,
            codec => {
                let pieces = decompressor.pieces(codec, self.records_bytes(), bytes_max);
                Walk::new(pieces, record_bytes_max).find(&self.header, wanted)?
            }
        };
        Ok(found.map(place))
    }
}

/// The records of a batch; see [`BatchView::records`]. Nothing comes after an error. When the header's count is
/// reached and bytes remain, the last item is [`BatchError::Trailing`].
#[derive(Clone, Debug)]
pub struct Records<'s> {
    header: BatchHeader,
    rest: &'s [u8],
    index: i32,
}

impl<'s> Iterator for Records<'s> {
    type Item = Result<Record<'s>, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let count = self.header.records_count;
        if self.index >= count {
            let trailing = !self.rest.is_empty();
            self.rest = &[];
            return trailing.then_some(Err(BatchError::Trailing { count }));
        }
        let index = self.index;
        self.index += 1;
        let record = read_record(&mut self.rest, &self.header);
        Some(record.map_err(|error| {
            self.rest = &[];
            self.index = count;
            BatchError::Record { index, error }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::PREFIX_BYTES;
    use crate::builder::{BatchBuilder, BatchOptions};
    use crate::record::RecordError;

    /// Two records, and the header changed after they were written.
    fn items(change: impl FnOnce(&mut BatchHeader), cut: usize) -> Vec<Result<Offset, BatchError>> {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(Timestamp(0), Some(b"key"), None, &[]);
        builder.push(Timestamp(0), None, Some(b"value"), &[]);
        let bytes = builder.finish().unwrap();
        let mut header = BatchHeader::parse(&bytes).unwrap();
        header.batch_length -= cut as i32;
        change(&mut header);
        let bytes = [&header.to_bytes(), &bytes[HEADER_BYTES..bytes.len() - cut]].concat();
        assert_eq!(header.batch_bytes(), PREFIX_BYTES + header.batch_length as usize);
        let view = BatchView::parse(&bytes).unwrap();
        let mut decompressor = Decompressor::new();
        view.records(&mut decompressor, 0).unwrap().map(|record| record.map(|record| record.offset)).collect()
    }

    #[test]
    fn records_end_as_the_header_says_or_with_an_error() {
        let cut = |index| Err(BatchError::Record { index, error: RecordError::Cut });
        let (first, second) = (Ok(Offset(0)), Ok(Offset(1)));
        assert_eq!(items(|_| {}, 0), [first.clone(), second.clone()]);
        assert_eq!(items(|_| {}, 1), [first.clone(), cut(1)]);
        assert_eq!(items(|header| header.records_count = 3, 0), [first.clone(), second, cut(2)]);
        assert_eq!(items(|header| header.records_count = 1, 0), [first, Err(BatchError::Trailing { count: 1 })]);
        assert_eq!(items(|header| header.records_count = -1, 0), [Err(BatchError::Trailing { count: -1 })]);
    }
}
