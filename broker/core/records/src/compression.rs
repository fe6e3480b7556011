//! The four codecs of Kafka, both ways.
//!
//! Decompression is streaming: a codec gives the next piece of its output, at most a block, and the caller goes on or
//! stops. It is bounded: output beyond what the caller allows ends it, and no claim in the bytes sizes an allocation
//! beyond what those bytes could honestly become. A [`Decompressor`] keeps contexts and buffers from batch to batch, so
//! that a busy thread allocates once.
//!
//! Which codec a batch has is in its header (`batch`); which a topic wants is its configuration's matter.

pub mod gzip;
pub mod lz4;
pub mod snappy;
pub mod zstd;

use core::ops::Range;

use thiserror::Error;

/// Bytes of output that a streaming codec makes at once: large enough to amortize the call, small enough to stay in
/// the cache until it is walked.
const PIECE_BYTES: usize = 64 * 1024;
/// Buffers larger than this are given back before the next batch: one batch of an odd client should not cost memory
/// for ever. Blocks of the usual writers are 32 and 64 KiB.
const KEPT_BYTES_MAX: usize = 1024 * 1024;

/// How the records of a batch are compressed. The numbers are those of the attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// Not at all.
    #[default]
    None,
    /// Gzip.
    Gzip,
    /// Snappy blocks in the framing of xerial's Java library.
    Snappy,
    /// The LZ4 frame format.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

impl Codec {
    /// All of them, in order of their numbers.
    pub const ALL: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    /// The number in the attributes.
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The codec of a number in the attributes.
    pub fn from_id(id: u8) -> Option<Codec> {
        Codec::ALL.get(usize::from(id)).copied()
    }

    /// Kafka's name, as `compression.type` takes it; not compressing is called `uncompressed` there.
    pub const fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }
}

/// A codec and how hard it tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// The codec.
    pub codec: Codec,
    /// The level in the codec's own scale. Gzip: 1 to 9, and −1 for its default. Zstandard: −131072 to 22. LZ4: Kafka
    /// takes 1 to 17; the library here knows one way, so every level gives the same bytes. Snappy has none. What lies
    /// outside is clamped: the configuration has refused it already.
    pub level: i32,
}

impl Default for Compression {
    fn default() -> Compression {
        Compression::new(Codec::None)
    }
}

impl Compression {
    /// The codec with Kafka's default level.
    pub const fn new(codec: Codec) -> Compression {
        let level = match codec {
            Codec::None | Codec::Snappy => 0,
            Codec::Gzip => gzip::LEVEL_DEFAULT,
            Codec::Lz4 => lz4::LEVEL_DEFAULT,
            Codec::Zstd => zstd::LEVEL_DEFAULT,
        };
        Compression { codec, level }
    }

    /// The codec with this level.
    pub const fn with_level(codec: Codec, level: i32) -> Compression {
        Compression { codec, level }
    }

    /// Appends `bytes`, compressed, to `out`.
    pub fn compress(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
        let failed = |what: String| CompressError { codec: self.codec, what };
        match self.codec {
            Codec::None => out.extend_from_slice(bytes),
            Codec::Gzip => gzip::compress(bytes, self.level, out).map_err(|error| failed(error.to_string()))?,
            Codec::Snappy => snappy::compress(bytes, out).map_err(|error| failed(error.to_string()))?,
            Codec::Lz4 => lz4::compress(bytes, out).map_err(|error| failed(error.to_string()))?,
            Codec::Zstd => zstd::compress(bytes, self.level, out).map_err(|error| failed(error.to_string()))?,
        }
        Ok(())
    }
}

/// A codec refused to compress, which is a fault of ours or of memory, never of the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("compress with {}: {what}", codec.name())]
pub struct CompressError {
    /// Which codec.
    pub codec: Codec,
    /// What it said.
    pub what: String,
}

/// Why compressed records cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecompressError {
    /// The bytes are not what the codec writes, or end too early, or go on after their end.
    #[error("{} data is corrupt: {what}", codec.name())]
    Corrupt {
        /// Which codec.
        codec: Codec,
        /// What is wrong.
        what: &'static str,
    },
    /// There is more output than the caller allows. It was not made.
    #[error("{} data decompresses to more than {bytes_max} bytes", codec.name())]
    TooLarge {
        /// Which codec.
        codec: Codec,
        /// What the caller allows.
        bytes_max: u64,
    },
}

/// Contexts and buffers for decompressing, kept from batch to batch. Making one costs nothing until it is used.
#[derive(Default)]
pub struct Decompressor {
    gzip: gzip::Context,
    snappy: snappy::Context,
    zstd: zstd::Context,
    piece: Vec<u8>,
    whole: Vec<u8>,
}

impl core::fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Decompressor").field("kept_bytes", &self.kept_bytes()).finish_non_exhaustive()
    }
}

impl Decompressor {
    /// With nothing allocated yet.
    pub fn new() -> Decompressor {
        Decompressor::default()
    }

    /// Bytes of buffers held for the next batch, apart from the codecs' own contexts.
    pub fn kept_bytes(&self) -> usize {
        self.piece.capacity() + self.whole.capacity()
    }

    /// All of `bytes` at once, into a buffer that the next call reuses; at most `bytes_max` of output.
    pub fn decompress(&mut self, codec: Codec, bytes: &[u8], bytes_max: usize) -> Result<&[u8], DecompressError> {
        // Taken out for the time, since the pieces borrow the rest; an error leaves a new one behind.
        let mut whole = core::mem::take(&mut self.whole);
        whole.clear();
        whole.shrink_to(KEPT_BYTES_MAX);
        {
            let mut pieces = self.pieces(codec, bytes, bytes_max as u64);
            while pieces.advance()? {
                whole.extend_from_slice(pieces.piece());
            }
        }
        self.whole = whole;
        Ok(&self.whole)
    }

    /// The output of `bytes` piece by piece; at most `bytes_max` in all.
    pub fn pieces<'d>(&'d mut self, codec: Codec, bytes: &'d [u8], bytes_max: u64) -> Pieces<'d> {
        self.piece.truncate(KEPT_BYTES_MAX);
        self.piece.shrink_to(KEPT_BYTES_MAX);
        let source = match codec {
            Codec::None => Source::None(bytes),
            Codec::Gzip => Source::Gzip(self.gzip.open(bytes)),
            Codec::Snappy => Source::Snappy(self.snappy.open(bytes)),
            Codec::Lz4 => Source::Lz4(lz4::Frame::open(bytes)),
            Codec::Zstd => Source::Zstd(self.zstd.open(bytes)),
        };
        Pieces { codec, source, buffer: &mut self.piece, piece: 0..0, bytes_max, bytes_left: bytes_max }
    }
}

/// A decompression under way; see [`Decompressor::pieces`].
pub struct Pieces<'d> {
    codec: Codec,
    source: Source<'d>,
    buffer: &'d mut Vec<u8>,
    piece: Range<usize>,
    bytes_max: u64,
    bytes_left: u64,
}

enum Source<'d> {
    None(&'d [u8]),
    Gzip(gzip::Members<'d>),
    Snappy(snappy::Blocks<'d>),
    Lz4(lz4::Frame<'d>),
    Zstd(zstd::Frames<'d>),
}

impl Pieces<'_> {
    /// The piece that the last [`advance`](Pieces::advance) made; empty before the first and after the last.
    #[inline]
    pub fn piece(&self) -> &[u8] {
        &self.buffer[self.piece.clone()]
    }

    /// Makes the next piece, which is never empty; `false` at the end.
    pub fn advance(&mut self) -> Result<bool, DecompressError> {
        self.piece = 0..0;
        let piece = match &mut self.source {
            Source::None(bytes) => copy_piece(bytes, self.buffer),
            Source::Gzip(members) => members.next(self.buffer)?,
            Source::Snappy(blocks) => blocks.next(self.buffer, self.bytes_max, self.bytes_left)?,
            Source::Lz4(frame) => frame.next(self.buffer)?,
            Source::Zstd(frames) => frames.next(self.buffer)?,
        };
        if piece.len() as u64 > self.bytes_left {
            return Err(DecompressError::TooLarge { codec: self.codec, bytes_max: self.bytes_max });
        }
        self.bytes_left -= piece.len() as u64;
        self.piece = piece;
        Ok(!self.piece.is_empty())
    }

    /// The bytes so far can be read by every client. Those of LZ4 with linked blocks cannot: Java's refuse them.
    pub fn readable_by_all(&self) -> bool {
        !matches!(&self.source, Source::Lz4(frame) if frame.is_linked())
    }
}

/// Bytes that were never compressed: in pieces like the others, for callers that do not want to tell the difference.
fn copy_piece(bytes: &mut &[u8], buffer: &mut Vec<u8>) -> Range<usize> {
    let (piece, rest) = bytes.split_at(bytes.len().min(PIECE_BYTES));
    *bytes = rest;
    buffer.clear();
    buffer.extend_from_slice(piece);
    0..piece.len()
}

/// Makes `buffer` at least this long, without touching what is there.
fn grow(buffer: &mut Vec<u8>, bytes: usize) {
    if buffer.len() < bytes {
        buffer.resize(bytes, 0);
    }
}
