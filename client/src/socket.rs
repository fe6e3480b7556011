//! One TCP connection to a broker: frames out and in, with a time limit on each exchange and a bound on what is read.

use std::time::Duration;

use ottla_wire::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::error::ClientError;
use crate::exchange::{Asked, Exchange, ReadError};

/// The largest answer that is read: as much as a broker takes for a request. A broker that announces more is no broker.
const FRAME_BYTES_MAX: usize = 100 * 1024 * 1024;

/// A connection that has introduced itself. After an error it is of no further use.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    address: String,
    exchange: Exchange,
    patience: Duration,
    answer: Vec<u8>,
}

impl Socket {
    /// Connects to `host:port` and learns what is served there. `patience` bounds this and each later exchange.
    ///
    /// # Errors
    /// When nobody listens, nobody answers in time, or what answers is not a broker.
    pub async fn connect(address: &str, client_id: &str, patience: Duration) -> Result<Socket, ClientError> {
        let unreachable = |error| ClientError::Unreachable { address: address.to_owned(), error };
        let connecting = tokio::time::timeout(patience, TcpStream::connect(address));
        let stream = connecting.await.map_err(|late| unreachable(late.into()))?.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let exchange = Exchange::new(client_id);
        let mut socket = Socket { stream, address: address.to_owned(), exchange, patience, answer: Vec::new() };
        let request = "ApiVersionsRequest";
        let (frame, asked) = socket.exchange.introduce().map_err(|error| socket.too_old(request, error))?;
        socket.round(request, &frame).await?;
        let introduced = socket.exchange.introduced(&socket.answer, asked);
        introduced.map_err(|error| socket.garbled(request, error))?;
        Ok(socket)
    }

    /// `host:port`, as it was given.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether a request would go out in this version or a newer one.
    pub fn serves<'a, Request: Message<'a>>(&self, version: i16) -> bool {
        self.exchange.version::<Request>(i16::MAX).is_some_and(|newest| newest >= version)
    }

    /// Asks in the newest version that both sides know and waits for the answer, which [`Socket::answer`] then reads.
    ///
    /// # Errors
    /// When there is no such version, or no answer in time.
    pub async fn ask<'a, Request: Message<'a>>(&mut self, request: &Request) -> Result<Asked, ClientError> {
        let version = self.exchange.version::<Request>(i16::MAX).ok_or_else(|| ClientError::NoCommonVersion {
            address: self.address.clone(),
            request: Request::NAME,
            theirs: self.exchange.served(Request::KEY),
            ours: (Request::VERSION_MIN, Request::VERSION_MAX),
        })?;
        let framed = self.exchange.frame(request, version);
        let (frame, asked) = framed.map_err(|error| self.too_old(Request::NAME, error))?;
        self.round(Request::NAME, &frame).await?;
        Ok(asked)
    }

    /// Reads the answer to the last question.
    ///
    /// # Errors
    /// When it is not such a response.
    pub fn answer<'a, Response: Message<'a>>(&'a self, asked: Asked) -> Result<Response, ClientError> {
        self.exchange.read(&self.answer, asked).map_err(|error| self.garbled(Response::NAME, error))
    }

    async fn round(&mut self, request: &'static str, frame: &[u8]) -> Result<(), ClientError> {
        let patience = self.patience;
        let exchanged = tokio::time::timeout(patience, self.write_and_read(frame)).await;
        let late = |_| ClientError::Timeout { address: self.address.clone(), request, millis: patience.as_millis() };
        exchanged.map_err(late)?.map_err(|error| ClientError::Broken { address: self.address.clone(), error })
    }

    async fn write_and_read(&mut self, frame: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(frame).await?;
        let length = self.stream.read_u32().await? as usize;
        if length > FRAME_BYTES_MAX {
            let text =
                format!("it announces an answer of {length} bytes, and {FRAME_BYTES_MAX} are the most that is read");
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
        }
        // Grows with what arrives, not with what was announced.
        self.answer.clear();
        let received = (&mut self.stream).take(length as u64).read_to_end(&mut self.answer).await?;
        if received < length {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn garbled(&self, request: &'static str, error: ReadError) -> ClientError {
        ClientError::Garbled { address: self.address.clone(), request, error }
    }

    fn too_old(&self, request: &'static str, error: ottla_wire::WireError) -> ClientError {
        ClientError::TooOld { address: self.address.clone(), request, error }
    }
}
