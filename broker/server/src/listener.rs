//! Listening sockets: bound at boot, accepting while the broker serves, within limits on connections.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use ottla_api::{Listener, Peer};
use ottla_config::broker::sections::NetworkConfig;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::connection::{Limits, serve};
use crate::security::{Admitted, Security};
use crate::shell::Shell;

/// A listener of this process.
#[derive(Debug)]
pub(crate) struct Served {
    /// What requests are told of it.
    pub(crate) listener: Arc<Listener>,
    /// What its connections go through.
    pub(crate) security: Security,
    /// How many of them are open.
    pub(crate) connections: AtomicI64,
}

impl Served {
    pub(crate) fn new(listener: Listener, security: Security) -> Arc<Served> {
        Arc::new(Served { listener: Arc::new(listener), security, connections: AtomicI64::new(0) })
    }
}

/// Who is connected to the broker's listeners, and how many more may be. The limits are read of each arrival, for they
/// change while the broker runs.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// How many the process has descriptors for, whatever `max.connections` says.
    descriptors: usize,
    counts: Mutex<Counts>,
    /// Somebody went.
    gone: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    by_listener: HashMap<String, usize>,
}

/// Holds the counts up while its connection lives.
#[derive(Debug)]
struct Counted {
    crowd: Arc<Crowd>,
    listener: String,
    address: IpAddr,
}

impl Crowd {
    pub(crate) fn new(descriptors: usize) -> Crowd {
        Crowd { descriptors, counts: Mutex::default(), gone: Notify::new() }
    }

    /// Waits until one more is allowed: of all, and of this listener.
    async fn room(&self, listener: &str, max: impl Fn() -> (usize, usize)) {
        loop {
            let gone = self.gone.notified();
            let (all_max, of_listener_max) = max();
            {
                let counts = self.counts.lock();
                let of_listener = counts.by_listener.get(listener).copied().unwrap_or(0);
                if counts.all < all_max.min(self.descriptors) && of_listener < of_listener_max {
                    return;
                }
            }
            // The limit may be raised meanwhile, which nobody tells.
            let _ = tokio::time::timeout(LIMIT_INTERVAL, gone).await;
        }
    }

    fn enter(self: &Arc<Self>, listener: &str, address: IpAddr, of_address_max: usize) -> Option<Counted> {
        let mut counts = self.counts.lock();
        if of_address_max <= counts.by_address.get(&address).copied().unwrap_or(0) {
            return None;
        }
        *counts.by_address.entry(address).or_default() += 1;
        *counts.by_listener.entry(listener.to_owned()).or_default() += 1;
        counts.all += 1;
        Some(Counted { crowd: Arc::clone(self), listener: listener.to_owned(), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts.lock();
        counts.all -= 1;
        if let Some(count) = counts.by_listener.get_mut(&self.listener) {
            *count -= 1;
        }
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
        drop(counts);
        self.crowd.gone.notify_waiters();
    }
}

/// How soon a raised limit lets waiting connections in.
const LIMIT_INTERVAL: Duration = Duration::from_secs(1);

/// How many connections there may be, and how many of them of one listener.
fn maxima(network: &NetworkConfig, listener: &str) -> (usize, usize) {
    let own = network.connections_max_of.iter().find(|(name, _)| name.eq_ignore_ascii_case(listener));
    (network.connections_max as usize, own.map_or(usize::MAX, |(_, max)| *max as usize))
}

/// How many connections an address may have: `max.connections.per.ip`, or what `max.connections.per.ip.overrides` says of
/// it. A host is an address or `localhost`; other names are not looked up, for every arrival would wait for that.
fn of_address_max(network: &NetworkConfig, address: IpAddr) -> usize {
    let address = address.to_canonical();
    let own = network.connections_per_ip_overrides.iter().find(|(host, _)| is_host(host, address));
    own.map_or(network.connections_per_ip_max, |(_, max)| *max) as usize
}

fn is_host(host: &str, address: IpAddr) -> bool {
    host.parse::<IpAddr>().is_ok_and(|host| host == address) || (host == "localhost" && address.is_loopback())
}

/// `socket.send.buffer.bytes` and `socket.receive.buffer.bytes`: connections inherit them from the socket that accepts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Buffers {
    pub(crate) send: Option<u32>,
    pub(crate) receive: Option<u32>,
}

/// Binds a listener's socket. The port can be taken again at once after a stop.
///
/// # Errors
/// When the address is taken or not ours.
pub(crate) fn bind(name: &str, address: SocketAddr, backlog: u32, buffers: Buffers) -> Result<TcpListener> {
    let socket = if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() };
    let bound = socket.and_then(|socket| {
        socket.set_reuseaddr(true)?;
        if let Some(bytes) = buffers.send {
            socket.set_send_buffer_size(bytes)?;
        }
        if let Some(bytes) = buffers.receive {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.bind(address)?;
        socket.listen(backlog)
    });
    bound.with_context(|| format!("listen on {address} for {name}"))
}

/// Accepts connections until the task is dropped. The controller's listener has a crowd of its own, as in Kafka: the way
/// to the controller must not be closed by too many clients.
pub(crate) async fn accept(
    shell: Arc<Shell>,
    socket: TcpListener,
    served: Arc<Served>,
    limits: Limits,
    crowd: Arc<Crowd>,
) {
    let name = &served.listener.name;
    loop {
        crowd.room(name, || maxima(&shell.node.config().network, name)).await;
        match socket.accept().await {
            Ok((stream, address)) => {
                let allowed = of_address_max(&shell.node.config().network, address.ip());
                let Some(counted) = crowd.enter(name, address.ip(), allowed) else {
                    tracing::debug!(peer = %address, "closed a connection: its address has max.connections.per.ip already");
                    continue;
                };
                tokio::spawn(connection(Arc::clone(&shell), stream, address, Arc::clone(&served), limits, counted));
            }
            Err(error) => {
                // Out of descriptors, most likely: others must end first.
                tracing::warn!(listener = %name, "accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(
    shell: Arc<Shell>,
    stream: TcpStream,
    address: SocketAddr,
    served: Arc<Served>,
    limits: Limits,
    counted: Counted,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("send small answers at once: {error}");
    }
    served.connections.fetch_add(1, Ordering::Relaxed);
    let Admitted { stream, principal } = served.security.admit(stream);
    let peer = Peer { principal, address, listener: Arc::clone(&served.listener) };
    serve(shell, stream, peer, limits).await;
    served.connections.fetch_sub(1, Ordering::Relaxed);
    drop(counted);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn an_address_gets_its_places_back() {
        let crowd = Arc::new(Crowd::new(2));
        let here = IpAddr::from([127, 0, 0, 1]);
        let first = crowd.enter("A", here, 1);
        assert!(first.is_some() && crowd.enter("A", here, 1).is_none());
        assert!(crowd.enter("A", IpAddr::from([127, 0, 0, 2]), 1).is_some(), "another address has its own");
        drop(first);
        assert!(crowd.enter("A", here, 1).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_to_a_full_broker_waits_until_somebody_goes_or_the_limit_is_raised() {
        let crowd = Arc::new(Crowd::new(2));
        let limit = AtomicUsize::new(1);
        let max = || (limit.load(Ordering::Relaxed), 2);
        let soon = |seconds| Duration::from_secs(seconds);
        crowd.room("A", max).await;
        let first = crowd.enter("A", IpAddr::from([127, 0, 0, 1]), 9);
        assert!(tokio::time::timeout(soon(9), crowd.room("A", max)).await.is_err());
        limit.store(2, Ordering::Relaxed);
        assert!(tokio::time::timeout(soon(9), crowd.room("A", max)).await.is_ok());
        limit.store(1, Ordering::Relaxed);
        drop(first);
        assert!(tokio::time::timeout(soon(9), crowd.room("A", max)).await.is_ok());
        limit.store(usize::MAX, Ordering::Relaxed);
        let _both = [2, 3].map(|last| crowd.enter("B", IpAddr::from([127, 0, 0, last]), 9));
        assert!(tokio::time::timeout(soon(9), crowd.room("A", max)).await.is_err(), "there is no third descriptor");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_listener_keeps_no_other_waiting() {
        let crowd = Arc::new(Crowd::new(9));
        let max = || (9, 1);
        let held = crowd.enter("A", IpAddr::from([127, 0, 0, 1]), 9);
        let wait = Duration::from_secs(9);
        assert!(tokio::time::timeout(wait, crowd.room("A", max)).await.is_err());
        assert!(tokio::time::timeout(wait, crowd.room("B", max)).await.is_ok());
        drop(held);
        assert!(tokio::time::timeout(wait, crowd.room("A", max)).await.is_ok());
    }

    #[test]
    fn an_address_may_have_a_limit_of_its_own() {
        let text = "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\n\
                    controller.listener.names=CONTROLLER\ncontroller.quorum.bootstrap.servers=localhost:9093\n\
                    advertised.listeners=PLAINTEXT://h:9092,CONTROLLER://h:9093\n\
                    max.connections=9\nlistener.name.plaintext.max.connections=3\n\
                    max.connections.per.ip=7\nmax.connections.per.ip.overrides=10.0.0.1:2,localhost:3";
        let properties = ottla_config::Properties::parse(text).unwrap();
        let network = ottla_config::BrokerConfig::load(&properties).unwrap().0.network;
        assert_eq!((maxima(&network, "PLAINTEXT"), maxima(&network, "CONTROLLER")), ((9, 3), (9, usize::MAX)));
        let of = |address: &str| of_address_max(&network, address.parse().unwrap());
        assert_eq!((of("10.0.0.1"), of("::ffff:10.0.0.1"), of("10.0.0.2"), of("::1")), (2, 2, 7, 3));
    }
}
