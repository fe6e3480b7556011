//! Walking records that come in pieces, without keeping their keys and values.
//!
//! Given a source of pieces, it gives for each record what validation needs: its deltas and whether it has a key. A
//! record that lies whole in a piece is read by `record`, one that crosses pieces is stepped over byte range by byte
//! range, so a record of gigabytes takes no memory. Both ways accept the same records (a property below).

use crate::batch::{BatchError, BatchHeader};
use crate::compression::{DecompressError, Pieces};
use crate::record::{RecordError, read_fields};
use crate::varint::{VARINT_BYTES_MAX, VARLONG_BYTES_MAX, read_varint};

/// Where the bytes come from.
pub(crate) trait Source {
    /// The piece at hand.
    fn piece(&self) -> &[u8];
    /// Goes on to the next one; `false` at the end.
    fn advance(&mut self) -> Result<bool, DecompressError>;
}

/// Bytes that lie in memory as they are: one piece.
pub(crate) struct Plain<'a> {
    pub(crate) bytes: &'a [u8],
}

impl Source for Plain<'_> {
    #[inline]
    fn piece(&self) -> &[u8] {
        self.bytes
    }

    fn advance(&mut self) -> Result<bool, DecompressError> {
        self.bytes = &[];
        Ok(false)
    }
}

impl Source for Pieces<'_> {
    #[inline]
    fn piece(&self) -> &[u8] {
        Pieces::piece(self)
    }

    fn advance(&mut self) -> Result<bool, DecompressError> {
        Pieces::advance(self)
    }
}

/// What a record is, apart from its key, value and headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordShape {
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) has_key: bool,
}

/// A walk under way.
pub(crate) struct Walk<S> {
    source: S,
    at: usize,
    size_max: i32,
}

impl<S: Source> Walk<S> {
    /// Begins a walk over records of at most `size_max` bytes each.
    pub(crate) fn new(source: S, size_max: i32) -> Walk<S> {
        Walk { source, at: 0, size_max }
    }

    /// The first record that `wanted` accepts, of those that the header counts. What lies behind it is not read.
    pub(crate) fn find(
        &mut self,
        header: &BatchHeader,
        mut wanted: impl FnMut(RecordShape) -> bool,
    ) -> Result<Option<RecordShape>, BatchError> {
        for index in 0..header.records_count {
            let shape = self.record().map_err(|failure| failure.at(index))?;
            if wanted(shape) {
                return Ok(Some(shape));
            }
        }
        Ok(None)
    }

    /// Calls `visit` for each of the records that the header counts; afterwards nothing may be left.
    pub(crate) fn records(
        &mut self,
        header: &BatchHeader,
        mut visit: impl FnMut(i32, RecordShape),
    ) -> Result<(), BatchError> {
        let count = header.records_count;
        for index in 0..count {
            let shape = self.record().map_err(|failure| failure.at(index))?;
            visit(index, shape);
        }
        match self.fill() {
            Ok(false) => Ok(()),
            Ok(true) => Err(BatchError::Trailing { count }),
            Err(error) => Err(BatchError::Decompress(error)),
        }
    }

    /// The source, to ask it what it saw.
    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    fn record(&mut self) -> Result<RecordShape, Failure> {
        let size = self.size()?;
        if size < 0 {
            return Err(RecordError::Size { size }.into());
        }
        if size > self.size_max {
            return Err(RecordError::TooLarge { size, size_max: self.size_max }.into());
        }
        let rest = &self.source.piece()[self.at..];
        if let Some(body) = rest.get(..size as usize) {
            self.at += size as usize;
            let fields = read_fields(size, body)?;
            return Ok(RecordShape {
                timestamp_delta: fields.timestamp_delta,
                offset_delta: fields.offset_delta,
                has_key: fields.key.is_some(),
            });
        }
        Crossing { walk: self, left: size as usize }.record(size)
    }

    fn size(&mut self) -> Result<i32, Failure> {
        if let Some((size, taken)) = read_varint(&self.source.piece()[self.at..]) {
            self.at += taken;
            return Ok(size);
        }
        let mut bytes = [0; VARINT_BYTES_MAX];
        for filled in 0..VARINT_BYTES_MAX {
            bytes[filled] = self.byte()?;
            if let Some((size, _)) = read_varint(&bytes[..=filled]) {
                return Ok(size);
            }
        }
        Err(RecordError::Varint.into())
    }

    fn byte(&mut self) -> Result<u8, Failure> {
        if !self.fill()? {
            return Err(RecordError::Cut.into());
        }
        let byte = self.source.piece()[self.at];
        self.at += 1;
        Ok(byte)
    }

    fn skip(&mut self, mut bytes: usize) -> Result<(), Failure> {
        while bytes > 0 {
            if !self.fill()? {
                return Err(RecordError::Cut.into());
            }
            let here = bytes.min(self.source.piece().len() - self.at);
            self.at += here;
            bytes -= here;
        }
        Ok(())
    }

    /// Makes sure that a byte is at hand; `false` at the end.
    fn fill(&mut self) -> Result<bool, DecompressError> {
        while self.at == self.source.piece().len() {
            self.at = 0;
            if !self.source.advance()? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A record that crosses pieces, with the bytes that are left of it.
struct Crossing<'w, S> {
    walk: &'w mut Walk<S>,
    left: usize,
}

impl<S: Source> Crossing<'_, S> {
    fn record(&mut self, size: i32) -> Result<RecordShape, Failure> {
        if self.left == 0 {
            return Err(RecordError::Size { size }.into());
        }
        self.skip(1)?; // attributes
        let timestamp_delta = self.varlong()?;
        let offset_delta = self.varint()?;
        let has_key = self.nullable()?;
        self.nullable()?;
        let count = self.varint()?;
        if count < 0 || count as usize > self.left {
            return Err(RecordError::HeaderCount { count }.into());
        }
        for _ in 0..count {
            let length = self.varint()?;
            if length < 0 {
                return Err(RecordError::HeaderKey { length }.into());
            }
            self.skip(length)?;
            self.nullable()?;
        }
        if self.left > 0 {
            return Err(RecordError::Trailing { size, left: self.left }.into());
        }
        Ok(RecordShape { timestamp_delta, offset_delta, has_key })
    }

    fn nullable(&mut self) -> Result<bool, Failure> {
        let length = self.varint()?;
        if length < 0 {
            return Ok(false);
        }
        self.skip(length)?;
        Ok(true)
    }

    fn skip(&mut self, length: i32) -> Result<(), Failure> {
        let bytes = length as usize;
        self.left = self.left.checked_sub(bytes).ok_or(RecordError::Field { length })?;
        self.walk.skip(bytes)
    }

    fn varint(&mut self) -> Result<i32, Failure> {
        let mut bytes = [0; VARINT_BYTES_MAX];
        self.number(&mut bytes, read_varint)
    }

    fn varlong(&mut self) -> Result<i64, Failure> {
        let mut bytes = [0; VARLONG_BYTES_MAX];
        self.number(&mut bytes, crate::varint::read_varlong)
    }

    fn number<N>(&mut self, bytes: &mut [u8], read: impl Fn(&[u8]) -> Option<(N, usize)>) -> Result<N, Failure> {
        for filled in 0..bytes.len() {
            self.left = self.left.checked_sub(1).ok_or(RecordError::Varint)?;
            bytes[filled] = self.walk.byte()?;
            if bytes[filled] < 0x80 {
                return read(&bytes[..=filled]).map(|(value, _)| value).ok_or(RecordError::Varint.into());
            }
        }
        Err(RecordError::Varint.into())
    }
}

/// Why a record could not be read: for itself, or because no more bytes came.
enum Failure {
    Record(RecordError),
    Source(DecompressError),
}

impl Failure {
    fn at(self, index: i32) -> BatchError {
        match self {
            Failure::Record(error) => BatchError::Record { index, error },
            Failure::Source(error) => BatchError::Decompress(error),
        }
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Failure {
        Failure::Record(error)
    }
}

impl From<DecompressError> for Failure {
    fn from(error: DecompressError) -> Failure {
        Failure::Source(error)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::builder::{BatchBuilder, BatchOptions};
    use crate::record::Header;
    use crate::view::BatchView;
    use ottla_vocabulary::Timestamp;

    /// Bytes that come a few at a time.
    struct Dribble<'a> {
        piece: &'a [u8],
        rest: &'a [u8],
        piece_bytes: usize,
    }

    impl Source for Dribble<'_> {
        fn piece(&self) -> &[u8] {
            self.piece
        }

        fn advance(&mut self) -> Result<bool, DecompressError> {
            (self.piece, self.rest) = self.rest.split_at(self.rest.len().min(self.piece_bytes));
            Ok(!self.piece.is_empty())
        }
    }

    fn walked<S: Source>(source: S, header: &BatchHeader) -> Option<Vec<RecordShape>> {
        let mut shapes = Vec::new();
        Walk::new(source, 1000).records(header, |_, shape| shapes.push(shape)).ok().map(|()| shapes)
    }

    type Fields = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<Option<Vec<u8>>>);

    fn built(records: &[Fields]) -> Vec<u8> {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for (timestamp, key, value, headers) in records {
            let headers: Vec<Header<'_>> =
                headers.iter().map(|value| Header { key: b"h", value: value.as_deref() }).collect();
            builder.push(Timestamp(*timestamp), key.as_deref(), value.as_deref(), &headers);
        }
        builder.finish().unwrap()
    }

    fn field() -> impl Strategy<Value = Option<Vec<u8>>> {
        prop::option::of(prop::collection::vec(any::<u8>(), 0..100))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn pieces_change_nothing(
            records in prop::collection::vec((any::<i64>(), field(), field(), prop::collection::vec(field(), 0..3)), 1..8),
            piece_bytes in 1..70_usize,
            damage in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let bytes = built(&records);
            let batch = BatchView::parse(&bytes).unwrap();
            let mut body = batch.records_bytes().to_vec();
            if let Some((at, byte)) = damage {
                *at.get_mut(&mut body) = byte;
            }
            let whole = walked(Plain { bytes: &body }, batch.header());
            let dribbled = walked(Dribble { piece: &[], rest: &body, piece_bytes }, batch.header());
            prop_assert_eq!(&whole, &dribbled);
            prop_assert!(damage.is_some() || whole.is_some(), "what the builder builds is walked");
        }
    }
}
