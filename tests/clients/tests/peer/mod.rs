//! A client without a library: one connection, requests as messages, answers as bytes.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ottla_client::exchange::{Asked, Exchange};
use ottla_wire::Message;

/// How long an answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that has introduced itself.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    pub(crate) exchange: Exchange,
}

/// An answer with what it answers.
pub(crate) struct Answer {
    bytes: Vec<u8>,
    asked: Asked,
}

impl Peer {
    pub(crate) fn connect(address: &str) -> io::Result<Peer> {
        let mut exchange = Exchange::new("peer");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let (frame, asked) = exchange.introduce().expect("an introduction can be written");
        let answer = round(&mut stream, &frame)?;
        exchange.introduced(&answer, asked).map_err(io::Error::other)?;
        Ok(Peer { stream, exchange })
    }

    /// Asks in this version and waits for the answer.
    pub(crate) fn ask<'a, Request: Message<'a>>(&mut self, request: &Request, version: i16) -> io::Result<Answer> {
        let (frame, asked) = self.exchange.frame(request, version).expect("the request fits its version");
        Ok(Answer { bytes: round(&mut self.stream, &frame)?, asked })
    }

    pub(crate) fn read<'a, Response: Message<'a>>(&self, answer: &'a Answer) -> Response {
        self.exchange.read(&answer.bytes, answer.asked).expect("the answer can be read")
    }
}

/// Sends a whole frame and reads the next one, without its length.
pub(crate) fn round(stream: &mut TcpStream, frame: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(frame)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}
