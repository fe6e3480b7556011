//! Zstandard: one or more frames, one after the other.
//!
//! A frame names the window it wants, and the library takes that much memory (untouched until output fills it). Java's
//! writers ask for up to 128 MiB at level 22, so this is the limit; a context that grew for such a frame is dropped
//! afterwards, so that one odd producer does not cost memory for ever.

use core::ops::Range;
use std::io;

use zstd::zstd_safe::{self, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use super::{Codec, DecompressError, PIECE_BYTES, grow};

/// Zstandard's own, and Kafka's.
pub const LEVEL_DEFAULT: i32 = 3;
const LEVEL_MIN: i32 = -131_072;
const LEVEL_MAX: i32 = 22;
/// 2^27 bytes, the most that Java's reader takes.
const WINDOW_LOG_MAX: u32 = 27;
/// A context larger than this is not kept: windows up to level 19 are 8 MiB.
const CONTEXT_BYTES_MAX: usize = 9 * 1024 * 1024;

/// Appends `bytes` as one frame.
pub(super) fn compress(bytes: &[u8], level: i32, out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    out.resize(start + zstd_safe::compress_bound(bytes.len()), 0);
    let written = zstd::bulk::compress_to_buffer(bytes, &mut out[start..], level.clamp(LEVEL_MIN, LEVEL_MAX))?;
    out.truncate(start + written);
    Ok(())
}

/// The library's context, made when first needed.
#[derive(Default)]
pub(super) struct Context {
    decoder: Option<DCtx<'static>>,
}

impl Context {
    pub(super) fn open<'d>(&'d mut self, bytes: &'d [u8]) -> Frames<'d> {
        Frames { context: self, input: bytes, at: 0, started: false, frame_ended: true }
    }

    /// The context with nothing left in it of the stream before.
    fn restart(&mut self) -> Result<(), zstd_safe::ErrorCode> {
        if let Some(decoder) = &mut self.decoder {
            return decoder.reset(ResetDirective::SessionOnly).map(|_| ());
        }
        let mut decoder = DCtx::create();
        decoder.init()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        self.decoder = Some(decoder);
        Ok(())
    }
}

/// The frames of a stream.
pub(super) struct Frames<'d> {
    context: &'d mut Context,
    input: &'d [u8],
    at: usize,
    started: bool,
    frame_ended: bool,
}

impl Frames<'_> {
    /// The next piece of output; empty at the end.
    pub(super) fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Range<usize>, DecompressError> {
        if !self.started {
            self.context.restart().map_err(|_| corrupt("no context"))?;
            self.started = true;
        }
        let decoder = self.context.decoder.as_mut().ok_or(corrupt("no context"))?;
        grow(buffer, PIECE_BYTES);
        let mut output = OutBuffer::around(&mut buffer[..PIECE_BYTES]);
        // At the end of the input, a frame may still hold output back: it is asked until it says that it has ended.
        while output.pos() < PIECE_BYTES && !(self.frame_ended && self.at == self.input.len()) {
            let before = (self.at, output.pos());
            let mut input = InBuffer { src: self.input, pos: self.at };
            let hint = decoder.decompress_stream(&mut output, &mut input).map_err(|_| corrupt("invalid frame"))?;
            self.at = input.pos;
            self.frame_ended = hint == 0;
            if before == (self.at, output.pos()) {
                return Err(corrupt("the frame ends early"));
            }
        }
        Ok(0..output.pos())
    }
}

impl Drop for Frames<'_> {
    fn drop(&mut self) {
        let large = |decoder: &DCtx<'_>| decoder.sizeof() > CONTEXT_BYTES_MAX;
        if self.context.decoder.as_ref().is_some_and(large) {
            self.context.decoder = None;
        }
    }
}

fn corrupt(what: &'static str) -> DecompressError {
    DecompressError::Corrupt { codec: Codec::Zstd, what }
}
