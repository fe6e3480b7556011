//! Listening sockets: bound at boot, accepting while the broker serves, within limits on connections.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use ottla_api::{Listener, Peer};
use ottla_vocabulary::Principal;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connection::{Limits, serve};
use crate::shell::Shell;

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    /// `max.connections`: further ones wait in the socket's queue.
    pub(crate) connections_max: usize,
    /// `max.connections.per.ip`: further ones are closed at once.
    pub(crate) per_address_max: usize,
}

/// The connections of each address.
#[derive(Debug, Default)]
struct Addresses(Mutex<HashMap<IpAddr, usize>>);

/// Holds an address' count up while its connection lives.
struct Counted {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    fn enter(self: &Arc<Self>, address: IpAddr, max: usize) -> Option<Counted> {
        let mut counts = self.0.lock();
        let count = counts.entry(address).or_default();
        if max <= *count {
            return None;
        }
        *count += 1;
        Some(Counted { addresses: Arc::clone(self), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.addresses.0.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// Binds a listener's socket. The port can be taken again at once after a stop.
///
/// # Errors
/// When the address is taken or not ours.
pub(crate) fn bind(name: &str, address: SocketAddr, backlog: u32) -> Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() };
    let bound = socket.and_then(|socket| {
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(backlog)
    });
    bound.with_context(|| format!("listen on {address} for {name}"))
}

/// Accepts connections until the task is dropped.
pub(crate) async fn accept(
    shell: Arc<Shell>,
    socket: TcpListener,
    listener: Arc<Listener>,
    limits: Limits,
    crowd: Crowd,
) {
    let places = Arc::new(Semaphore::new(crowd.connections_max.min(Semaphore::MAX_PERMITS)));
    let addresses = Arc::new(Addresses::default());
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match socket.accept().await {
            Ok((stream, peer)) => {
                let Some(counted) = addresses.enter(peer.ip(), crowd.per_address_max) else {
                    tracing::debug!(peer = %peer, "closed a connection: its address has max.connections.per.ip already");
                    continue;
                };
                let peer = Peer { principal: Principal::anonymous(), address: peer, listener: Arc::clone(&listener) };
                tokio::spawn(connection(Arc::clone(&shell), stream, peer, limits, (place, counted)));
            }
            Err(error) => {
                // Out of descriptors, most likely: others must end first.
                tracing::warn!(listener = %listener.name, "accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(
    shell: Arc<Shell>,
    stream: TcpStream,
    peer: Peer,
    limits: Limits,
    held: (OwnedSemaphorePermit, Counted),
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("send small answers at once: {error}");
    }
    serve(shell, stream, peer, limits).await;
    drop(held);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_its_places_back() {
        let addresses = Arc::new(Addresses::default());
        let here = IpAddr::from([127, 0, 0, 1]);
        let first = addresses.enter(here, 1);
        assert!(first.is_some() && addresses.enter(here, 1).is_none());
        assert!(addresses.enter(IpAddr::from([127, 0, 0, 2]), 1).is_some(), "another address has its own");
        drop(first);
        assert!(addresses.enter(here, 1).is_some());
    }
}
