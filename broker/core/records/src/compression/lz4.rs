//! The LZ4 frame format over the library's blocks.
//!
//! The frame is read here, and not by the library's own frame reader, for three things that one cannot do: keep its
//! buffers for the next batch, take memory by what the bytes can become rather than by the frame's claim, and tell
//! whether blocks are linked. Java's reader refuses linked blocks, so a broker must not store them; reading them does
//! no harm. Written are independent blocks of 64 KiB without sums, as Java writes them.

use core::hash::Hasher;
use core::ops::Range;

use lz4_flex::block::{compress_into, decompress_into, decompress_into_with_dict, get_maximum_output_size};
use twox_hash::XxHash32;

use super::{Codec, DecompressError, grow};

/// Kafka's default. The library has one level; see [`Compression::level`](super::Compression).
pub const LEVEL_DEFAULT: i32 = 9;

const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();
const VERSION: u8 = 0b0100_0000;
const VERSION_BITS: u8 = 0b1100_0000;
const INDEPENDENT: u8 = 1 << 5;
const BLOCK_SUM: u8 = 1 << 4;
const CONTENT_SIZE: u8 = 1 << 3;
const CONTENT_SUM: u8 = 1 << 2;
const FLAGS_UNKNOWN: u8 = 0b11; // reserved, and a dictionary, which nobody could have
const BLOCK_64_KIB: u8 = 4;
const BLOCK_BYTES: usize = 64 * 1024;
const STORED: u32 = 1 << 31;
const END_MARK: [u8; 4] = [0; 4];
/// How far back a linked block may reach.
const HISTORY_BYTES: usize = 64 * 1024;
/// One byte of a length extends a match by 255: a block cannot become more.
const EXPANSION_MAX: usize = 256;

/// Appends `bytes` as one frame.
pub(super) fn compress(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), lz4_flex::block::CompressError> {
    let descriptor = [VERSION | INDEPENDENT, BLOCK_64_KIB << 4];
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&descriptor);
    out.push(descriptor_sum(&descriptor));
    for block in bytes.chunks(BLOCK_BYTES) {
        let length_at = out.len();
        let start = length_at + 4;
        out.resize(start + get_maximum_output_size(block.len()), 0);
        let written = compress_into(block, &mut out[start..])?;
        let length = if written < block.len() {
            out.truncate(start + written);
            written as u32
        } else {
            out.truncate(start);
            out.extend_from_slice(block);
            block.len() as u32 | STORED
        };
        out[length_at..start].copy_from_slice(&length.to_le_bytes());
    }
    out.extend_from_slice(&END_MARK);
    Ok(())
}

/// A frame that is being read.
pub(super) struct Frame<'d> {
    input: &'d [u8],
    state: State,
    is_linked: bool,
}

enum State {
    Header,
    Blocks(Blocks),
    Ended,
}

/// What the frame's header says of its blocks, and what they need of each other.
struct Blocks {
    flags: u8,
    block_bytes_max: usize,
    content_bytes: Option<u64>,
    content_sum: XxHash32,
    written: u64,
    /// The output that lies at the front of the buffer for the next linked block.
    previous: Range<usize>,
}

impl Frame<'_> {
    pub(super) fn open(bytes: &[u8]) -> Frame<'_> {
        Frame { input: bytes, state: State::Header, is_linked: false }
    }

    /// The next block's output; empty at the end.
    pub(super) fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Range<usize>, DecompressError> {
        loop {
            match &mut self.state {
                State::Header => {
                    let blocks = read_header(&mut self.input)?;
                    self.is_linked = blocks.flags & INDEPENDENT == 0;
                    self.state = State::Blocks(blocks);
                }
                State::Ended => return Ok(0..0),
                State::Blocks(blocks) => match blocks.next(&mut self.input, buffer)? {
                    Some(output) if output.is_empty() => {}
                    Some(output) => return Ok(output),
                    None if self.input.is_empty() => self.state = State::Ended,
                    None => return Err(corrupt("bytes after the frame")),
                },
            }
        }
    }

    /// Whether blocks reach back into the ones before them.
    pub(super) fn is_linked(&self) -> bool {
        self.is_linked
    }
}

impl Blocks {
    /// The next block's output, or none after the end mark.
    fn next(&mut self, input: &mut &[u8], buffer: &mut Vec<u8>) -> Result<Option<Range<usize>>, DecompressError> {
        let length = u32::from_le_bytes(take(input)?);
        if length == 0 {
            self.end(input)?;
            return Ok(None);
        }
        let (stored, length) = (length & STORED != 0, (length & !STORED) as usize);
        if length > self.block_bytes_max {
            return Err(corrupt("a block is larger than the frame's largest"));
        }
        let (block, rest) = input.split_at_checked(length).ok_or(corrupt("the frame ends early"))?;
        *input = rest;
        if self.flags & BLOCK_SUM != 0 && u32::from_le_bytes(take(input)?) != XxHash32::oneshot(0, block) {
            return Err(corrupt("block sum mismatch"));
        }
        let output = self.decompress(block, stored, buffer)?;
        self.written += output.len() as u64;
        if self.flags & CONTENT_SUM != 0 {
            self.content_sum.write(&buffer[output.clone()]);
        }
        Ok(Some(output))
    }

    fn decompress(
        &mut self,
        block: &[u8],
        stored: bool,
        buffer: &mut Vec<u8>,
    ) -> Result<Range<usize>, DecompressError> {
        let history = self.move_history(buffer);
        let room = if stored { block.len() } else { self.block_bytes_max.min(block.len() * EXPANSION_MAX) };
        grow(buffer, history + room);
        let (dictionary, rest) = buffer.split_at_mut(history);
        let out = &mut rest[..room];
        let written = if stored {
            out.copy_from_slice(block);
            room
        } else if history == 0 {
            decompress_into(block, out).map_err(|_| corrupt("invalid block"))?
        } else {
            decompress_into_with_dict(block, out, dictionary).map_err(|_| corrupt("invalid block"))?
        };
        self.previous = 0..history + written;
        Ok(history..history + written)
    }

    /// Brings what a linked block may reach back to, to the front of the buffer; its length.
    fn move_history(&self, buffer: &mut [u8]) -> usize {
        if self.flags & INDEPENDENT != 0 {
            return 0;
        }
        let length = self.previous.len().min(HISTORY_BYTES);
        buffer.copy_within(self.previous.end - length..self.previous.end, 0);
        length
    }

    fn end(&self, input: &mut &[u8]) -> Result<(), DecompressError> {
        if self.flags & CONTENT_SUM != 0 && u32::from_le_bytes(take(input)?) != self.content_sum.finish_32() {
            return Err(corrupt("content sum mismatch"));
        }
        if self.content_bytes.is_some_and(|claimed| claimed != self.written) {
            return Err(corrupt("content size mismatch"));
        }
        Ok(())
    }
}

fn read_header(input: &mut &[u8]) -> Result<Blocks, DecompressError> {
    if take::<4>(input)? != MAGIC {
        return Err(corrupt("not an lz4 frame"));
    }
    let descriptor = *input;
    let [flags, block_size] = take(input)?;
    if flags & VERSION_BITS != VERSION || flags & FLAGS_UNKNOWN != 0 || block_size & 0b1000_1111 != 0 {
        return Err(corrupt("unknown frame flags"));
    }
    let block_size = block_size >> 4;
    if block_size < BLOCK_64_KIB {
        return Err(corrupt("unknown block size"));
    }
    let content_bytes = if flags & CONTENT_SIZE != 0 { Some(u64::from_le_bytes(take(input)?)) } else { None };
    let descriptor = &descriptor[..descriptor.len() - input.len()];
    if take(input)? != [descriptor_sum(descriptor)] {
        return Err(corrupt("frame header sum mismatch"));
    }
    Ok(Blocks {
        flags,
        block_bytes_max: BLOCK_BYTES << (2 * (block_size - BLOCK_64_KIB)),
        content_bytes,
        content_sum: XxHash32::with_seed(0),
        written: 0,
        previous: 0..0,
    })
}

fn descriptor_sum(descriptor: &[u8]) -> u8 {
    (XxHash32::oneshot(0, descriptor) >> 8) as u8
}

fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], DecompressError> {
    let (taken, rest) = input.split_first_chunk::<N>().ok_or(corrupt("the frame ends early"))?;
    *input = rest;
    Ok(*taken)
}

fn corrupt(what: &'static str) -> DecompressError {
    DecompressError::Corrupt { codec: Codec::Lz4, what }
}
