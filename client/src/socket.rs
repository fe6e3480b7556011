//! One TCP connection to a broker: frames out and in, with a time limit on each exchange and a bound on what is read.

use std::time::Duration;

use ottla_wire::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::admin::Settings;
use crate::error::ClientError;
use crate::exchange::{Asked, Exchange, ReadError};

/// What an idle connection keeps of its buffer: enough for usual answers, which then need no new memory.
const IDLE_BYTES_MAX: usize = 64 * 1024;

/// A connection that has introduced itself. After an error it is of no further use.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    address: String,
    exchange: Exchange,
    patience: Duration,
    answer_bytes_max: usize,
    answer: Vec<u8>,
}

impl Socket {
    /// Connects to `host:port` and learns what is served there. The settings bound this and each later exchange.
    ///
    /// # Errors
    /// When nobody listens, nobody answers in time, or what answers is not a broker.
    pub async fn connect(address: &str, settings: &Settings) -> Result<Socket, ClientError> {
        let patience = settings.patience;
        let unreachable = |error| ClientError::Unreachable { address: address.to_owned(), error };
        let connecting = tokio::time::timeout(patience, TcpStream::connect(address));
        let stream = connecting.await.map_err(|late| unreachable(late.into()))?.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let exchange = Exchange::new(&settings.client_id);
        let answer_bytes_max = settings.answer_bytes_max;
        let address = address.to_owned();
        let mut socket = Socket { stream, address, exchange, patience, answer_bytes_max, answer: Vec::new() };
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

    /// Gives back what a large answer took, once it was read.
    pub fn rest(&mut self) {
        if IDLE_BYTES_MAX < self.answer.capacity() {
            self.answer = Vec::new();
        }
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
        let most = self.answer_bytes_max;
        if most < length {
            let text = format!("it announces an answer of {length} bytes, and {most} are the most that is read");
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

#[cfg(test)]
mod tests {
    use super::*;
    use ottla_wire::api_versions_response::{ApiVersion, ApiVersionsResponse};
    use ottla_wire::describe_cluster_response::DescribeClusterBroker;
    use ottla_wire::{DescribeClusterRequest, DescribeClusterResponse, ErrorCode, Writer};
    use tokio::net::TcpListener;

    /// A broker that introduces itself, and then answers once: with a cluster of so many brokers of 1000 bytes each.
    async fn broker(count: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let key = DescribeClusterRequest::KEY;
            let api = ApiVersion { api_key: key, min_version: 0, max_version: 0 };
            let introduction = ApiVersionsResponse { api_keys: vec![api].into(), ..Default::default() };
            let one = DescribeClusterBroker { host: "x".repeat(1000).into(), ..Default::default() };
            let cluster = DescribeClusterResponse {
                error_code: ErrorCode::None.into(),
                brokers: vec![one; count].into(),
                ..Default::default()
            };
            for number in 0..2 {
                let length = stream.read_u32().await.unwrap() as usize;
                stream.read_exact(&mut vec![0; length]).await.unwrap();
                let mut writer = Writer::new();
                writer.int32(number);
                match number {
                    0 => introduction.write(&mut writer, crate::exchange::API_VERSIONS).unwrap(),
                    _ => {
                        writer.unsigned_varint(0);
                        cluster.write(&mut writer, 0).unwrap();
                    }
                }
                let answer = writer.into_bytes();
                stream.write_u32(answer.len() as u32).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn an_answer_is_read_up_to_the_bound_and_leaves_no_large_buffer_behind() {
        let settings = Settings { answer_bytes_max: 200_000, ..Settings::default() };
        let mut socket = Socket::connect(&broker(190).await, &settings).await.unwrap();
        let asked = socket.ask(&DescribeClusterRequest::default()).await.unwrap();
        assert_eq!(socket.answer::<DescribeClusterResponse<'_>>(asked).unwrap().brokers.len(), 190);
        socket.rest();
        assert_eq!(socket.answer.capacity(), 0);

        let mut socket = Socket::connect(&broker(210).await, &settings).await.unwrap();
        let refused = socket.ask(&DescribeClusterRequest::default()).await.unwrap_err();
        assert!(refused.to_string().contains("200000 are the most"), "{refused}");
    }
}
