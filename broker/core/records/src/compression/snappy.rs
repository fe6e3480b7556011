//! Snappy as Kafka has it: blocks in the framing of xerial's Java library (magic, two version words, then blocks behind
//! their lengths). Other clients send one bare block without the framing, and Java's reader takes that too.
//!
//! A block says its own decompressed length up front, so that claim is checked, against what so many bytes can become
//! and against the caller's limit, before memory is taken for it.

use core::ops::Range;

use super::{Codec, DecompressError, grow};

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const HEADER_BYTES: usize = MAGIC.len() + 8;
/// The version that is written, and the oldest that its reader must know.
const VERSION: i32 = 1;
/// What Java's writer puts in a block.
const BLOCK_BYTES: usize = 32 * 1024;
/// A copy of 64 bytes takes three, and nothing in the format gives more: a block that claims more lies.
const EXPANSION_MAX: usize = 22;

/// Appends `bytes` in the framing.
pub(super) fn compress(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), snap::Error> {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&VERSION.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for block in bytes.chunks(BLOCK_BYTES) {
        let length_at = out.len();
        let start = length_at + 4;
        out.resize(start + snap::raw::max_compress_len(block.len()), 0);
        let written = encoder.compress(block, &mut out[start..])?;
        out.truncate(start + written);
        out[length_at..start].copy_from_slice(&(written as i32).to_be_bytes());
    }
    Ok(())
}

/// The library's decoder, which holds nothing between two blocks.
#[derive(Default)]
pub(super) struct Context {
    decoder: snap::raw::Decoder,
}

impl Context {
    pub(super) fn open<'d>(&'d mut self, bytes: &'d [u8]) -> Blocks<'d> {
        let framed = bytes.starts_with(&MAGIC);
        Blocks { decoder: &mut self.decoder, input: bytes, framed }
    }
}

/// The blocks of a stream.
pub(super) struct Blocks<'d> {
    decoder: &'d mut snap::raw::Decoder,
    input: &'d [u8],
    framed: bool,
}

impl<'d> Blocks<'d> {
    /// The next block's output; empty at the end.
    pub(super) fn next(
        &mut self,
        buffer: &mut Vec<u8>,
        bytes_max: u64,
        bytes_left: u64,
    ) -> Result<Range<usize>, DecompressError> {
        while !self.input.is_empty() {
            let block = if self.framed { self.framed_block()? } else { core::mem::take(&mut self.input) };
            let Some(block) = block.split_first().map(|_| block) else { continue };
            let claimed = snap::raw::decompress_len(block).map_err(|_| corrupt("invalid block length"))?;
            if claimed > block.len().saturating_mul(EXPANSION_MAX) {
                return Err(corrupt("a block claims more than its bytes can hold"));
            }
            if claimed as u64 > bytes_left {
                return Err(DecompressError::TooLarge { codec: Codec::Snappy, bytes_max });
            }
            grow(buffer, claimed);
            let written =
                self.decoder.decompress(block, &mut buffer[..claimed]).map_err(|_| corrupt("invalid block"))?;
            if written > 0 {
                return Ok(0..written);
            }
        }
        Ok(0..0)
    }

    /// The compressed bytes of the next block; none where a header stands, since streams may be joined.
    fn framed_block(&mut self) -> Result<&'d [u8], DecompressError> {
        if self.input.starts_with(&MAGIC) {
            let (header, rest) = self.input.split_at_checked(HEADER_BYTES).ok_or(corrupt("the stream ends early"))?;
            let [.., v0, v1, v2, v3] = *header else { return Err(corrupt("the stream ends early")) };
            if i32::from_be_bytes([v0, v1, v2, v3]) > VERSION {
                return Err(corrupt("a framing of a later version"));
            }
            self.input = rest;
            return Ok(&[]);
        }
        let (length, rest) = self.input.split_first_chunk::<4>().ok_or(corrupt("the stream ends early"))?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| corrupt("negative block length"))?;
        let (block, rest) = rest.split_at_checked(length).ok_or(corrupt("the stream ends early"))?;
        self.input = rest;
        Ok(block)
    }
}

fn corrupt(what: &'static str) -> DecompressError {
    DecompressError::Corrupt { codec: Codec::Snappy, what }
}
