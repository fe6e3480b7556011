//! Writes a reply to its socket: bytes of ours, and spans of files in between.
//!
//! A large span goes out by `sendfile`, so that its bytes never enter the process; a small one is read and written
//! together with what surrounds it, since one call more costs more than the copy. A file that ends before its span does
//! (it was truncated meanwhile) ends the connection: its length has been promised already.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use ottla_commit_log::Descriptor;
use ottla_node::{Reply, Splice};
use rustix::net::SendFlags;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Replies whose spans are no longer than this in sum are sent from memory. Measured on loopback: below, the further
/// system call of `sendfile` costs more than reading the bytes.
const COPIED_BYTES_MAX: u64 = 16 * 1024;
/// How long a peer may take nothing before it is given up: it holds a reply.
const STALL_MAX: Duration = Duration::from_secs(60);

/// Sends a whole reply.
pub(crate) async fn send<D: Descriptor + AsFd>(stream: &TcpStream, reply: Reply<D>) -> io::Result<()> {
    send_copying(stream, &reply, COPIED_BYTES_MAX).await
}

async fn send_copying<D: Descriptor + AsFd>(stream: &TcpStream, reply: &Reply<D>, copied_max: u64) -> io::Result<()> {
    let spliced: u64 = reply.splices.iter().map(|splice| u64::from(splice.length)).sum();
    if spliced == 0 {
        return send_bytes(stream, &reply.bytes, SendFlags::empty()).await;
    }
    if spliced <= copied_max {
        return send_bytes(stream, &gather(reply)?, SendFlags::empty()).await;
    }
    let mut sent = 0;
    for splice in &reply.splices {
        if sent < splice.at {
            send_bytes(stream, &reply.bytes[sent..splice.at], SendFlags::MORE).await?;
            sent = splice.at;
        }
        send_file(stream, splice).await?;
    }
    if sent < reply.bytes.len() {
        send_bytes(stream, &reply.bytes[sent..], SendFlags::empty()).await?;
    }
    Ok(())
}

fn gather<D: Descriptor>(reply: &Reply<D>) -> io::Result<Vec<u8>> {
    let mut whole = Vec::with_capacity(reply.length() as usize);
    let mut sent = 0;
    for splice in &reply.splices {
        whole.extend_from_slice(&reply.bytes[sent..splice.at]);
        sent = splice.at;
        let from = whole.len();
        whole.resize(from + splice.length as usize, 0);
        let read = splice.descriptor.read_at(splice.position, &mut whole[from..]).map_err(io::Error::other)?;
        if read < splice.length as usize {
            return Err(short(splice));
        }
    }
    whole.extend_from_slice(&reply.bytes[sent..]);
    Ok(whole)
}

fn short<D>(splice: &Splice<D>) -> io::Error {
    let Splice { position, length, .. } = splice;
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("a file ended within the {length} bytes at {position} to be sent"),
    )
}

async fn send_bytes(stream: &TcpStream, mut bytes: &[u8], flags: SendFlags) -> io::Result<()> {
    let flags = flags | SendFlags::NOSIGNAL;
    while !bytes.is_empty() {
        let sent = writing(stream, || Ok(rustix::net::send(stream.as_fd(), bytes, flags)?)).await?;
        bytes = &bytes[sent..];
    }
    Ok(())
}

async fn send_file<D: AsFd>(stream: &TcpStream, splice: &Splice<D>) -> io::Result<()> {
    let mut position = splice.position;
    let end = splice.position + u64::from(splice.length);
    while position < end {
        let count = (end - position) as usize;
        let attempt = || {
            let mut from = position;
            Ok(rustix::fs::sendfile(stream.as_fd(), splice.descriptor.as_fd(), Some(&mut from), count)?)
        };
        match writing(stream, attempt).await? {
            0 => return Err(short(splice)),
            sent => position += sent as u64,
        }
    }
    Ok(())
}

/// Repeats a write that would block once the peer has taken something.
async fn writing(stream: &TcpStream, mut write: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match stream.try_io(Interest::WRITABLE, &mut write) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::timeout(STALL_MAX, stream.writable()).await.map_err(|_elapsed| {
                    io::Error::new(io::ErrorKind::TimedOut, "the peer took nothing of its reply for a minute")
                })??;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ottla_commit_log::{Files, LogFile};
    use tokio::io::AsyncReadExt;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    #[tokio::test]
    async fn bytes_and_spans_arrive_in_order_copied_or_sent_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let disk = ottla_disk::Disk::new(16);
        let file = disk.create(&folder.path().join("file")).unwrap();
        let content: Vec<u8> = (0..200_000u32).map(|place| (place / 7) as u8).collect();
        file.write_at(0, &[io::IoSlice::new(&content)]).unwrap();
        for length in [10u32, 150_000] {
            let splice = |at, position| Splice { at, descriptor: file.descriptor().unwrap(), position, length };
            let reply = Reply {
                bytes: b"headmiddletail".to_vec(),
                splices: vec![splice(4, 5), splice(10, 50_000)],
                mute_ms: 0,
            };
            let span = |from: usize| &content[from..from + length as usize];
            let expected = [b"head", span(5), b"middle", span(50_000), b"tail"].concat();
            let (near, mut far) = pair().await;
            let sending = async move { send(&near, reply).await.unwrap() };
            let mut received = Vec::new();
            let (_, read) = tokio::join!(sending, far.read_to_end(&mut received));
            read.unwrap();
            assert!(received == expected, "{length}");
        }
    }

    #[tokio::test]
    async fn a_file_that_ends_early_ends_the_connection() {
        let folder = tempfile::tempdir().unwrap();
        let disk = ottla_disk::Disk::new(16);
        let file = disk.create(&folder.path().join("file")).unwrap();
        file.write_at(0, &[io::IoSlice::new(&[1; 20_000])]).unwrap();
        let (near, _far) = pair().await;
        for length in [100u32, 30_000] {
            let splice = Splice { at: 0, descriptor: file.descriptor().unwrap(), position: 19_950, length };
            let reply = Reply { bytes: Vec::new(), splices: vec![splice], mute_ms: 0 };
            assert_eq!(send(&near, reply).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    /// Where [`COPIED_BYTES_MAX`] comes from: `cargo test -p ottla-server --release sending_from -- --ignored --nocapture`.
    #[tokio::test]
    #[ignore = "a measurement"]
    async fn sending_from_memory_and_from_the_file_compared() {
        let folder = tempfile::tempdir().unwrap();
        let disk = ottla_disk::Disk::new(16);
        let file = disk.create(&folder.path().join("file")).unwrap();
        file.write_at(0, &[io::IoSlice::new(&vec![7; 1 << 20])]).unwrap();
        for length in [1u32 << 10, 4 << 10, 16 << 10, 32 << 10, 64 << 10, 256 << 10, 1 << 20] {
            for copied_max in [0, u64::MAX] {
                let (near, mut far) = pair().await;
                let reader = tokio::spawn(async move {
                    let mut buffer = vec![0; 1 << 20];
                    while matches!(far.read(&mut buffer).await, Ok(1..)) {}
                });
                let rounds = (256 << 20) / length.max(16 << 10);
                let start = std::time::Instant::now();
                for _ in 0..rounds {
                    let splice = Splice { at: 60, descriptor: file.descriptor().unwrap(), position: 0, length };
                    let reply = Reply { bytes: vec![1; 80], splices: vec![splice], mute_ms: 0 };
                    send_copying(&near, &reply, copied_max).await.unwrap();
                }
                let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds);
                println!(
                    "{length:>8} bytes, {}: {micros:.1} µs",
                    if copied_max == 0 { "sendfile" } else { "copied  " }
                );
                drop(near);
                reader.await.unwrap();
            }
        }
    }
}
