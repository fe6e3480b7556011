//! Brings late replies to the connections that wait for them.
//!
//! A connection has one request in work, so its place here, taken when it opens, holds one reply at the most.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ottla_node::{Reply, Token};
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
    reply: Mutex<Option<Reply<D>>>,
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
    pub(crate) fn put(&self, token: Token, reply: Reply<D>) {
        let place = self.places.lock().get(&token).cloned();
        if let Some(place) = place {
            *place.reply.lock() = Some(reply);
            place.arrived.notify_one();
        }
    }
}

impl<D> Place<D> {
    /// Waits for the reply.
    pub(crate) async fn take(&self) -> Reply<D> {
        loop {
            if let Some(reply) = self.reply.lock().take() {
                return reply;
            }
            self.arrived.notified().await;
        }
    }
}
