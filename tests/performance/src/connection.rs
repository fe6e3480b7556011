//! The load generator's connection: whole frames made before the clock runs, sent as they are, one answer read for each.
//! Both servers get the same bytes, so what differs is the server.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use ottla_wire::{Message, Writer};

/// A blocking connection to one broker.
pub struct Connection {
    stream: BufReader<TcpStream>,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects, without Nagle's delay.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn open(bootstrap: &str) -> Result<Connection> {
        let stream = TcpStream::connect(bootstrap).with_context(|| format!("connect to {bootstrap}"))?;
        stream.set_nodelay(true).context("switch Nagle's delay off")?;
        Ok(Connection { stream: BufReader::new(stream), answer: Vec::new() })
    }

    /// Sends a frame that [`frame`] made.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn send(&mut self, frame: &[u8]) -> Result<()> {
        self.stream.get_mut().write_all(frame).context("send a request")
    }

    /// Reads the next answer and gives its body, behind the response header of a flexible version.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn receive(&mut self) -> Result<&[u8]> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).context("read an answer's length")?;
        self.answer.resize(u32::from_be_bytes(length) as usize, 0);
        self.stream.read_exact(&mut self.answer).context("read an answer")?;
        ensure!(self.answer.len() > 5, "an answer of {} bytes", self.answer.len());
        Ok(&self.answer[5..]) // correlation id, no tagged fields
    }
}

/// A whole request frame of a flexible version, length and header included.
///
/// # Errors
/// When the version cannot carry a field.
pub fn frame<'a, Request: Message<'a>>(request: &Request, version: i16) -> Result<Vec<u8>> {
    ensure!(version >= Request::FLEXIBLE_MIN, "{} {version} is not flexible", Request::NAME);
    let mut writer = Writer::new();
    writer.int32(0); // the length, known at the end
    writer.int16(Request::KEY);
    writer.int16(version);
    writer.int32(1); // correlation id: answers come in order
    writer.int16(5);
    writer.raw(b"bench");
    writer.unsigned_varint(0); // no tagged fields
    request.write(&mut writer, version).with_context(|| format!("write a {} of version {version}", Request::NAME))?;
    let mut frame = writer.into_bytes();
    let length = u32::try_from(frame.len() - 4).context("a frame is at most 2 GiB")?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}
