//! Reads Kafka's frames off a connection: four bytes of length, then so many bytes.
//!
//! Given a stream; gives one whole frame at a time, in a buffer that the frame's record bytes never leave before they are
//! written to their file. What the bytes mean is the node's matter, what is answered is `connection`'s.
//!
//! A connection on which small frames come (heartbeats, fetches, single records) reads length and frame with one system
//! call into a small buffer of its own. One on which large frames come reads the four bytes first and then exactly the
//! frame into a large buffer borrowed from a [`Pool`], so that no record byte is moved, and an idle connection holds
//! little.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Frames up to here are read together with their length. A connection keeps this much while it is idle.
const SMALL_BYTES: usize = 2048;
/// A large buffer is first made this large at the most; it grows only by bytes that have really come, so a length that
/// is claimed and not sent takes no memory.
const FIRST_BYTES_MAX: usize = 1 << 20;
/// How long a frame may take from its first byte to its last (a peer that sends a byte a second holds a buffer).
const FRAME_TIME_MAX: Duration = Duration::from_secs(30);

/// A large frame pays for so much before it is read, and then each time for as much again as has come: a peer that claims
/// a length and sends nothing takes this much from the others and no more.
const FIRST_SHARE_BYTES: usize = 16 << 10;

/// Large buffers for all connections, so that memory follows the frames in work and not the connections that are open.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: Mutex<Vec<Vec<u8>>>,
    /// What large frames may take together, in kibibytes.
    budget: Arc<Semaphore>,
    /// Who has this one may take more than is left. Without it, frames that have half come could use the budget up and
    /// wait for each other.
    overdraft: Arc<Semaphore>,
}

/// What a large frame has of the memory.
#[derive(Debug, Default)]
pub(crate) struct Share {
    paid: Option<OwnedSemaphorePermit>,
    overdraft: Option<OwnedSemaphorePermit>,
}

/// What large frames may take together when `queued.max.request.bytes` does not say: many clients that send their
/// largest frame at once wait for each other instead of taking all memory.
pub(crate) const BUDGET_BYTES: u64 = 256 << 20;

/// Buffers kept for reuse; with [`POOLED_BYTES_MAX`] this bounds what a burst leaves behind to 8 MiB.
const POOLED_MAX: usize = 8;
/// A larger buffer goes back to the allocator.
const POOLED_BYTES_MAX: usize = 1 << 20;

impl Pool {
    /// With so much for large frames together; one frame may take more than is left.
    pub(crate) fn new(budget_bytes: u64) -> Arc<Pool> {
        let permits = usize::try_from(budget_bytes / 1024).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Arc::new(Pool {
            idle: Mutex::new(Vec::new()),
            budget: Arc::new(Semaphore::new(permits)),
            overdraft: Arc::new(Semaphore::new(1)),
        })
    }

    /// Waits for more of the memory. One frame at a time gets it however little is left.
    async fn admit(&self, share: &mut Share, bytes: usize) {
        if share.overdraft.is_some() {
            return;
        }
        let kibibytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        tokio::select! {
            biased;
            paid = Arc::clone(&self.budget).acquire_many_owned(kibibytes) => match (&mut share.paid, paid) {
                (Some(paid), Ok(more)) => paid.merge(more),
                (paid, more) => *paid = more.ok(),
            },
            overdraft = Arc::clone(&self.overdraft).acquire_owned() => share.overdraft = overdraft.ok(),
        }
    }

    fn take(&self, length: usize) -> Vec<u8> {
        let mut buffer = self.idle.lock().pop().unwrap_or_default();
        buffer.clear();
        buffer.reserve_exact(length.min(FIRST_BYTES_MAX));
        buffer
    }

    fn give(&self, buffer: Vec<u8>) {
        if buffer.capacity() <= POOLED_BYTES_MAX {
            let mut idle = self.idle.lock();
            if idle.len() < POOLED_MAX {
                idle.push(buffer);
            }
        }
    }

    /// Frees what is kept; called when nothing has happened for a while.
    pub(crate) fn shrink(&self) {
        self.idle.lock().clear();
    }
}

/// A whole frame without its length. Give it back with [`Frames::done`].
#[derive(Debug)]
pub(crate) enum Frame {
    /// In the connection's own buffer.
    Small { start: usize, end: usize },
    /// In a buffer of the pool, with its share of the memory.
    Large { buffer: Vec<u8>, _share: Share },
}

/// Why no further frame comes.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The peer closed between two frames.
    Closed,
    /// The peer closed, or the connection broke, within a frame.
    Broken(io::Error),
    /// Nothing came for `connections.max.idle.ms`.
    Idle,
    /// A frame was begun and not finished in time.
    Slow { length: usize, received: usize },
    /// The length is negative or above the limit; with the first four bytes, which tell what the peer is.
    Length([u8; 4]),
}

impl Ended {
    /// What the four bytes say about a peer that does not speak Kafka's protocol.
    pub(crate) fn foreign(first: [u8; 4]) -> Option<&'static str> {
        match &first {
            b"GET " | b"POST" | b"HEAD" | b"PUT " | b"DELE" | b"OPTI" | b"PATC" | b"CONN" | b"PRI " => Some("HTTP"),
            [0x16, 0x03, ..] => Some("TLS"),
            b"SSH-" => Some("SSH"),
            _ => None,
        }
    }
}

/// The frames of one connection.
#[derive(Debug)]
pub(crate) struct Frames {
    small: Vec<u8>,
    /// Bytes of `small` that were handed out already.
    consumed: usize,
    /// Whether the last frame was small: the next one is taken to be like it.
    expect_small: bool,
    length_max: usize,
    idle_max: Duration,
    pool: Arc<Pool>,
    alarm: Pin<Box<Sleep>>,
}

impl Frames {
    pub(crate) fn new(pool: Arc<Pool>, length_max: usize, idle_max: Duration) -> Frames {
        let alarm = Box::pin(tokio::time::sleep(idle_max));
        Frames { small: Vec::new(), consumed: 0, expect_small: true, length_max, idle_max, pool, alarm }
    }

    /// The bytes of a frame.
    pub(crate) fn bytes<'a>(&'a self, frame: &'a Frame) -> &'a [u8] {
        match frame {
            Frame::Small { start, end } => &self.small[*start..*end],
            Frame::Large { buffer, .. } => buffer,
        }
    }

    /// Takes a frame's buffer back.
    pub(crate) fn done(&mut self, frame: Frame) {
        match frame {
            Frame::Small { end, .. } => {
                self.consumed = end;
                if self.consumed == self.small.len() {
                    self.small.clear();
                    self.consumed = 0;
                }
            }
            Frame::Large { buffer, .. } => self.pool.give(buffer),
        }
    }

    /// Waits for the next frame and reads it whole.
    pub(crate) async fn next<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> Result<Frame, Ended> {
        self.small.drain(..self.consumed);
        self.consumed = 0;
        self.small.reserve_exact(SMALL_BYTES.saturating_sub(self.small.len()));
        let mut waiting_since = Instant::now();
        let mut begun = !self.small.is_empty();
        while self.small.len() < 4 {
            // A large frame's bytes must not land here: then only its length is read.
            let room = if self.expect_small { SMALL_BYTES - self.small.len() } else { 4 - self.small.len() };
            let wait_max = if begun { FRAME_TIME_MAX } else { self.idle_max };
            let read = read_some(stream, &mut self.small, room, &mut self.alarm, waiting_since, wait_max).await;
            match read {
                Ok(0) if self.small.is_empty() => return Err(Ended::Closed),
                Ok(0) => return Err(Ended::Broken(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut && !begun => return Err(Ended::Idle),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Err(Ended::Slow { length: 0, received: self.small.len() });
                }
                Err(error) => return Err(Ended::Broken(error)),
            }
            if !begun {
                begun = true;
                waiting_since = Instant::now();
            }
        }
        let first = [self.small[0], self.small[1], self.small[2], self.small[3]];
        let length = match usize::try_from(i32::from_be_bytes(first)) {
            Ok(length) if length <= self.length_max => length,
            _ => return Err(Ended::Length(first)),
        };
        self.expect_small = 4 + length <= SMALL_BYTES;
        if self.expect_small {
            self.rest_of_small(stream, length, waiting_since).await
        } else {
            self.rest_of_large(stream, length, waiting_since).await
        }
    }

    async fn rest_of_small<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        length: usize,
        since: Instant,
    ) -> Result<Frame, Ended> {
        while self.small.len() < 4 + length {
            let room = SMALL_BYTES - self.small.len();
            let read = read_some(stream, &mut self.small, room, &mut self.alarm, since, FRAME_TIME_MAX).await;
            refuse_short(read, length, self.small.len() - 4)?;
        }
        Ok(Frame::Small { start: 4, end: 4 + length })
    }

    async fn rest_of_large<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        length: usize,
        since: Instant,
    ) -> Result<Frame, Ended> {
        let (mut since, mut share, mut paid) = (since, Share::default(), 0);
        let mut buffer = self.pool.take(length);
        // Nothing here in the steady state; at most SMALL_BYTES after a connection changed from small frames to large.
        buffer.extend_from_slice(&self.small[4..]);
        self.small.clear();
        while buffer.len() < length {
            if paid <= buffer.len() {
                let waiting_since = Instant::now();
                let more = buffer.len().max(FIRST_SHARE_BYTES).min(length - paid);
                let admitted = tokio::time::timeout(FRAME_TIME_MAX, self.pool.admit(&mut share, more)).await;
                admitted.map_err(|_elapsed| Ended::Slow { length, received: buffer.len() })?;
                paid += more;
                // Not the peer was slow meanwhile.
                since += waiting_since.elapsed();
            }
            if buffer.len() == buffer.capacity() {
                buffer.reserve_exact(buffer.len().min(length - buffer.len()));
            }
            let room = paid - buffer.len();
            let read = read_some(stream, &mut buffer, room, &mut self.alarm, since, FRAME_TIME_MAX).await;
            refuse_short(read, length, buffer.len())?;
        }
        Ok(Frame::Large { buffer, _share: share })
    }
}

fn refuse_short(read: io::Result<usize>, length: usize, received: usize) -> Result<(), Ended> {
    match read {
        Ok(0) => Err(Ended::Broken(io::ErrorKind::UnexpectedEof.into())),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Ended::Slow { length, received }),
        Err(error) => Err(Ended::Broken(error)),
    }
}

/// Reads up to `room` bytes behind what the buffer holds and never past its capacity; `TimedOut` once `wait_max` has passed since `since`.
///
/// The alarm is only ever set later: setting a timer for each read would cost more than the read of a small frame.
async fn read_some<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
    room: usize,
    alarm: &mut Pin<Box<Sleep>>,
    since: Instant,
    wait_max: Duration,
) -> io::Result<usize> {
    use bytes::BufMut;
    let room = room.min(buffer.capacity() - buffer.len());
    let mut limited = (&mut *buffer).limit(room);
    let read = stream.read_buf(&mut limited);
    tokio::pin!(read);
    let due = since + wait_max;
    if alarm.deadline() > due {
        alarm.as_mut().reset(due);
    }
    loop {
        tokio::select! {
            biased;
            result = &mut read => return result,
            () = alarm.as_mut() => {
                if Instant::now() >= due {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                alarm.as_mut().reset(due);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn frames(length_max: usize) -> Frames {
        Frames::new(Pool::new(BUDGET_BYTES), length_max, Duration::from_secs(600))
    }

    async fn read_all(mut input: &[u8], length_max: usize) -> (Vec<Vec<u8>>, Ended) {
        let mut frames = frames(length_max);
        let mut found = Vec::new();
        loop {
            match frames.next(&mut input).await {
                Ok(frame) => {
                    found.push(frames.bytes(&frame).to_vec());
                    frames.done(frame);
                }
                Err(ended) => return (found, ended),
            }
        }
    }

    fn encode(lengths: &[usize]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut bytes = Vec::new();
        let mut bodies = Vec::new();
        for (turn, length) in lengths.iter().enumerate() {
            let body: Vec<u8> = (0..*length).map(|place| (place * 7 + turn) as u8).collect();
            bytes.extend_from_slice(&u32::try_from(*length).unwrap().to_be_bytes());
            bytes.extend_from_slice(&body);
            bodies.push(body);
        }
        (bytes, bodies)
    }

    #[tokio::test]
    async fn frames_of_all_sizes_come_whole_and_in_order() {
        let lengths = [0, 1, 2044, 2045, 5, 100_000, 100_000, 3, 3, 2_500_000, 7];
        let (bytes, bodies) = encode(&lengths);
        let (found, ended) = read_all(&bytes, 3_000_000).await;
        assert!(found == bodies);
        assert!(matches!(ended, Ended::Closed));
    }

    #[tokio::test]
    async fn a_frame_that_is_cut_off_is_not_given() {
        let (bytes, _) = encode(&[10]);
        for cut in [2, 4, 13] {
            let (found, ended) = read_all(&bytes[..cut], 100).await;
            assert!(found.is_empty() && matches!(ended, Ended::Broken(_)), "{cut}");
        }
    }

    #[tokio::test]
    async fn a_length_above_the_limit_or_below_zero_is_refused() {
        for first in [[0, 0, 0, 101], [0xff; 4], *b"GET ", [0x16, 3, 1, 2]] {
            let (found, ended) = read_all(&first, 100).await;
            assert!(found.is_empty() && matches!(ended, Ended::Length(bytes) if bytes == first));
        }
        assert_eq!(Ended::foreign(*b"GET "), Some("HTTP"));
        assert_eq!(Ended::foreign([0x16, 3, 1, 2]), Some("TLS"));
        assert_eq!(Ended::foreign([0; 4]), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_does_not_end_is_given_up() {
        let (mut near, mut far) = tokio::io::duplex(64);
        near.write_all(&[0, 0, 0, 50, 1, 2, 3]).await.unwrap();
        let ended = frames(100).next(&mut far).await.unwrap_err();
        assert!(matches!(ended, Ended::Slow { length: 50, received: 3 }), "{ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_ends_as_idle() {
        let (_near, mut far) = tokio::io::duplex(64);
        assert!(matches!(frames(100).next(&mut far).await, Err(Ended::Idle)));
    }

    #[tokio::test]
    async fn a_claimed_length_takes_no_memory() {
        let pool = Pool::new(BUDGET_BYTES);
        assert!(pool.take(100 << 20).capacity() <= FIRST_BYTES_MAX);
    }

    fn frames_of(pool: &Arc<Pool>) -> Frames {
        Frames::new(Arc::clone(pool), 100 << 20, Duration::from_secs(600))
    }

    fn claim(length: u32) -> [u8; 4] {
        length.to_be_bytes()
    }

    #[tokio::test(start_paused = true)]
    async fn lengths_that_are_claimed_and_not_sent_keep_nobody_waiting() {
        let pool = Pool::new(4 << 20);
        let silent = async {
            let (mut near, mut far) = tokio::io::duplex(64);
            near.write_all(&claim(3 << 20)).await.unwrap();
            let ended = frames_of(&pool).next(&mut far).await;
            assert!(matches!(ended, Err(Ended::Slow { received: 0, .. })), "{ended:?}");
        };
        let honest = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let (bytes, _) = encode(&[3 << 20]);
            let mut frames = frames_of(&pool);
            let mut input = bytes.as_slice();
            let frame = tokio::time::timeout(Duration::from_secs(1), frames.next(&mut input)).await;
            assert!(matches!(frame, Ok(Ok(_))), "{frame:?}");
        };
        tokio::join!(silent, honest);
        assert_eq!(pool.budget.available_permits(), 4 << 10, "all is given back");
    }

    #[tokio::test(start_paused = true)]
    async fn frames_that_have_half_come_do_not_wait_for_each_other() {
        let pool = Pool::new(4 << 20);
        let whole = |place: u64| {
            let pool = Arc::clone(&pool);
            async move {
                let (bytes, _) = encode(&[3 << 20]);
                let (mut near, mut far) = tokio::io::duplex(1 << 20);
                let send = async {
                    let (first, rest) = bytes.split_at(2 << 20);
                    near.write_all(first).await.unwrap();
                    tokio::time::sleep(Duration::from_secs(1 + place)).await;
                    near.write_all(rest).await.unwrap();
                };
                let mut frames = frames_of(&pool);
                let (frame, ()) = tokio::join!(frames.next(&mut far), send);
                assert!(frame.is_ok(), "{frame:?}");
            }
        };
        tokio::join!(whole(0), whole(1), whole(2));
        assert_eq!((pool.budget.available_permits(), pool.overdraft.available_permits()), (4 << 10, 1));
    }

    #[tokio::test]
    async fn every_large_frame_counts_while_it_is_in_work() {
        let pool = Pool::new(4 << 20);
        let (bytes, _) = encode(&[100_000, 3]);
        let (mut frames, mut input) = (frames_of(&pool), bytes.as_slice());
        let frame = frames.next(&mut input).await.unwrap();
        assert_eq!(pool.budget.available_permits(), (4 << 10) - 98);
        frames.done(frame);
        assert_eq!(pool.budget.available_permits(), 4 << 10);
    }
}
