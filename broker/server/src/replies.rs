//! Brings late replies to the connections that wait for them.
//!
//! A connection has one request in work, so its place here, taken when it opens, holds one reply at the most, or why there
//! will be none.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ottla_node::{Close, Reply, Token};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The places of all connections.
#[derive(Debug)]
pub(crate) struct Replies<D> {
    next: AtomicU64,
    places: Mutex<HashMap<Token, Arc<Place<D>>>>,
}

/// Where one connection's late reply is put.
#[derive(Debug)]
pub(crate) struct Place<D> {
    reply: Mutex<Option<Result<Reply<D>, Close>>>,
    arrived: Notify,
}

impl<D> Replies<D> {
    pub(crate) fn new() -> Replies<D> {
        Replies { next: AtomicU64::new(1), places: Mutex::default() }
    }

    /// A token of a new connection, and its place.
    pub(crate) fn open(&self) -> (Token, Arc<Place<D>>) {
        let token = Token(self.next.fetch_add(1, Ordering::Relaxed));
        let place = Arc::new(Place { reply: Mutex::new(None), arrived: Notify::new() });
        self.places.lock().insert(token, Arc::clone(&place));
        (token, place)
    }

    /// Ends a connection's place.
    pub(crate) fn close(&self, token: Token) {
        self.places.lock().remove(&token);
    }

    /// Puts a reply in its place; one for a connection that is gone is dropped.
    pub(crate) fn put(&self, token: Token, reply: Result<Reply<D>, Close>) {
        let place = self.places.lock().get(&token).cloned();
        if let Some(place) = place {
            *place.reply.lock() = Some(reply);
            place.arrived.notify_one();
        }
    }
}

impl<D> Place<D> {
    /// Waits for the reply.
    pub(crate) async fn take(&self) -> Result<Reply<D>, Close> {
        loop {
            if let Some(reply) = self.reply.lock().take() {
                return reply;
            }
            self.arrived.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_hears_of_its_reply_and_of_its_end() {
        let replies: Replies<()> = Replies::new();
        let (token, place) = replies.open();
        replies.put(token, Ok(Reply { bytes: vec![7], splices: Vec::new(), mute_ms: 0 }));
        assert_eq!(place.take().await.map(|reply| reply.bytes), Ok(vec![7]));
        let end = Close::Unwritable("too long".to_owned());
        replies.put(token, Err(end.clone()));
        assert_eq!(place.take().await.map(|reply| reply.bytes), Err(end));
    }
}
