//! One connection: reads a request, has it handled, writes its answer, and only then reads the next.
//!
//! So answers go out in the order of the requests, as Kafka promises, and a peer that sends faster than it is answered
//! waits in its own socket.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ottla_api::Peer;
use ottla_node::{Close, Handled, Reply, Token};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::frames::{Ended, Frames};
use crate::logging::shown;
use crate::replies::Place;
use crate::send::send;
use crate::shell::{OpenFile, Shell};

/// Limits of a listener's connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// `socket.request.max.bytes`.
    pub(crate) frame_bytes_max: usize,
    /// `connections.max.idle.ms`.
    pub(crate) idle_max: Duration,
}

/// Serves a connection until it ends; logs the end when it is worth a line.
pub(crate) async fn serve(shell: Arc<Shell>, mut stream: TcpStream, peer: Peer, limits: Limits) {
    let (token, place) = shell.replies.open();
    let ended = requests(&shell, &mut stream, &peer, limits, token, &place).await;
    shell.replies.close(token);
    shell.node.disconnected(token);
    if let Some(reason) = ended {
        shell.traffic.refused.fetch_add(1, Ordering::Relaxed);
        tracing::info!(peer = %peer.address, listener = %peer.listener.name, "closed a connection: {}", shown(&reason));
    }
}

/// Serves the requests; says why the connection was closed, unless the peer simply went.
async fn requests(
    shell: &Shell,
    stream: &mut TcpStream,
    peer: &Peer,
    limits: Limits,
    token: Token,
    place: &Place<OpenFile>,
) -> Option<String> {
    let mut frames = Frames::new(Arc::clone(&shell.pool), limits.frame_bytes_max, limits.idle_max);
    loop {
        let frame = match frames.next(stream).await {
            Ok(frame) => frame,
            Err(ended) => return why(&ended, limits),
        };
        let handled = guarded(shell, peer, token, frames.bytes(&frame));
        frames.done(frame);
        let reply = match handled {
            Ok(Handled::Reply(reply)) => reply,
            Ok(Handled::Later) => match wait(stream, place, limits.idle_max).await? {
                Ok(reply) => reply,
                Err(reason) => return Some(reason.to_string()),
            },
            Ok(Handled::Silent { mute_ms }) => {
                hold_back(mute_ms).await;
                continue;
            }
            Ok(Handled::Close(Close::UnacknowledgedProduce)) => return None,
            Ok(Handled::Close(reason)) => return Some(reason.to_string()),
            Err(panic) => return Some(panic),
        };
        let mute_ms = reply.mute_ms;
        if let Err(error) = send(stream, reply).await {
            return (error.kind() != std::io::ErrorKind::BrokenPipe
                && error.kind() != std::io::ErrorKind::ConnectionReset)
                .then(|| format!("send an answer: {error}"));
        }
        hold_back(mute_ms).await;
    }
}

/// Reads nothing from a connection for as long as its quota says (KIP-219).
async fn hold_back(mute_ms: u32) {
    if 0 < mute_ms {
        tokio::time::sleep(Duration::from_millis(u64::from(mute_ms))).await;
    }
}

/// Handles a request; a panic in it ends this connection and not the process. (In builds that abort on panic there is
/// nothing to catch: there a broken invariant stops the broker.)
fn guarded(shell: &Shell, peer: &Peer, token: Token, frame: &[u8]) -> Result<Handled<OpenFile>, String> {
    catch_unwind(AssertUnwindSafe(|| shell.handle(peer, token, frame))).map_err(|_panic| {
        shell.traffic.panics.fetch_add(1, Ordering::Relaxed);
        let key = frame.first_chunk().map_or(-1, |key| i16::from_be_bytes(*key));
        tracing::error!(api_key = key, frame_bytes = frame.len(), "a request's handling broke an invariant");
        "its request's handling broke an invariant".to_owned()
    })
}

/// Waits for a late reply; `None` when the peer goes first, or nothing has happened on the connection for as long as one
/// may be idle, which in Kafka ends it too.
async fn wait(
    stream: &TcpStream,
    place: &Place<OpenFile>,
    idle_max: Duration,
) -> Option<Result<Reply<OpenFile>, Close>> {
    tokio::time::timeout(idle_max, reply_or_end(stream, place)).await.ok().flatten()
}

async fn reply_or_end(stream: &TcpStream, place: &Place<OpenFile>) -> Option<Result<Reply<OpenFile>, Close>> {
    let reply = place.take();
    tokio::pin!(reply);
    tokio::select! {
        biased;
        reply = &mut reply => return Some(reply),
        ready = stream.ready(Interest::READABLE) => match ready {
            Ok(ready) if !ready.is_read_closed() => {}
            _ => return None,
        },
    }
    // The peer has sent its next request already, and the socket cannot tell more without reading.
    Some(reply.await)
}

fn why(ended: &Ended, limits: Limits) -> Option<String> {
    match ended {
        Ended::Closed | Ended::Idle => None,
        Ended::Broken(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
        Ended::Broken(error) => Some(format!("read a request: {error}")),
        Ended::Slow { length, received } => {
            Some(format!("a request of {length} bytes did not come within 30 seconds, {received} bytes did"))
        }
        Ended::Length(first) => Some(match Ended::foreign(*first) {
            Some(protocol) => format!("the peer speaks {protocol}, this listener speaks Kafka's protocol in plaintext"),
            None => {
                let length = i32::from_be_bytes(*first);
                format!("a request of {length} bytes is announced, {} are allowed", limits.frame_bytes_max)
            }
        }),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::replies::Replies;

    #[tokio::test(start_paused = true)]
    async fn a_reply_that_does_not_come_is_not_waited_for_without_end() {
        let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut near = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
        let (far, _) = socket.accept().await.unwrap();
        // The peer sends its next request and is then cut off.
        near.write_all(&[0]).await.unwrap();
        far.readable().await.unwrap();
        let replies = Replies::new();
        let (_, place) = replies.open();
        let waited = tokio::time::timeout(Duration::from_secs(601), wait(&far, &place, Duration::from_secs(600))).await;
        assert!(matches!(waited, Ok(None)), "it ends as idle");
    }
}
