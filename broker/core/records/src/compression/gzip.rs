//! Gzip: one or more members, one after the other (RFC 1952), as Java's reader takes them.
//!
//! The library inflates; the few bytes around the deflate stream are read here, because its own gzip reader cannot be
//! reused for the next batch. The sum and the length behind each member are checked.

use core::ops::Range;
use std::io;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{Codec, DecompressError, PIECE_BYTES, grow};

/// The library's own choice, which is 6.
pub const LEVEL_DEFAULT: i32 = -1;

/// Appends `bytes` as one member.
pub(super) fn compress(bytes: &[u8], level: i32, out: &mut Vec<u8>) -> io::Result<()> {
    let level = if level == LEVEL_DEFAULT { 6 } else { level.clamp(1, 9) };
    let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::new(level as u32));
    io::Write::write_all(&mut encoder, bytes)?;
    encoder.finish().map(|_| ())
}

/// The inflater's state of 48 KiB, made when first needed.
#[derive(Default)]
pub(super) struct Context {
    inflate: Option<Box<Decompress>>,
}

impl Context {
    pub(super) fn open<'d>(&'d mut self, bytes: &'d [u8]) -> Members<'d> {
        let inflate = self.inflate.get_or_insert_with(|| Box::new(Decompress::new(false)));
        Members { inflate, input: bytes, member: None }
    }
}

/// The members of a stream.
pub(super) struct Members<'d> {
    inflate: &'d mut Decompress,
    input: &'d [u8],
    /// The sum of the member under way; none between two.
    member: Option<Crc>,
}

impl Members<'_> {
    /// The next piece of output; empty at the end.
    pub(super) fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Range<usize>, DecompressError> {
        grow(buffer, PIECE_BYTES);
        let mut filled = 0;
        while filled < PIECE_BYTES {
            if self.member.is_none() {
                if self.input.is_empty() {
                    break;
                }
                read_header(&mut self.input).ok_or(corrupt("not a gzip header"))?;
                self.inflate.reset(false);
                self.member = Some(Crc::new());
            }
            filled += self.inflate(&mut buffer[filled..PIECE_BYTES])?;
        }
        Ok(0..filled)
    }

    /// Inflates into `out` until it is full or the member ends.
    fn inflate(&mut self, out: &mut [u8]) -> Result<usize, DecompressError> {
        let (read_before, written_before) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(self.input, out, FlushDecompress::None);
        let status = status.map_err(|_| corrupt("invalid deflate stream"))?;
        let read = (self.inflate.total_in() - read_before) as usize;
        let written = (self.inflate.total_out() - written_before) as usize;
        self.input = &self.input[read..];
        if let Some(sum) = &mut self.member {
            sum.update(&out[..written]);
        }
        match status {
            Status::StreamEnd => self.end_member()?,
            Status::Ok | Status::BufError if read == 0 && written == 0 => return Err(corrupt("the stream ends early")),
            Status::Ok | Status::BufError => {}
        }
        Ok(written)
    }

    fn end_member(&mut self) -> Result<(), DecompressError> {
        let (trailer, rest) = self.input.split_first_chunk::<8>().ok_or(corrupt("the stream ends early"))?;
        self.input = rest;
        let [sum @ .., l0, l1, l2, l3] = *trailer;
        let crc = self.member.take().expect("a member is under way");
        if u32::from_le_bytes(sum) != crc.sum() {
            return Err(corrupt("crc mismatch"));
        }
        if u32::from_le_bytes([l0, l1, l2, l3]) != crc.amount() {
            return Err(corrupt("length mismatch"));
        }
        Ok(())
    }
}

/// Skips a member's header; `None` when it is not one.
fn read_header(input: &mut &[u8]) -> Option<()> {
    const HAS_SUM: u8 = 1 << 1;
    const HAS_EXTRA: u8 = 1 << 2;
    const HAS_NAME: u8 = 1 << 3;
    const HAS_COMMENT: u8 = 1 << 4;
    const RESERVED: u8 = 0b1110_0000;

    let ([0x1f, 0x8b, 8, flags, _, _, _, _, _, _], mut rest) = input.split_first_chunk::<10>()? else { return None };
    if flags & RESERVED != 0 {
        return None;
    }
    if flags & HAS_EXTRA != 0 {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [HAS_NAME, HAS_COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HAS_SUM != 0 {
        let header = &input[..input.len() - rest.len()];
        let mut crc = Crc::new();
        crc.update(header);
        let (sum, after) = rest.split_first_chunk::<2>()?;
        if u16::from_le_bytes(*sum) != crc.sum() as u16 {
            return None;
        }
        rest = after;
    }
    *input = rest;
    Some(())
}

fn corrupt(what: &'static str) -> DecompressError {
    DecompressError::Corrupt { codec: Codec::Gzip, what }
}
