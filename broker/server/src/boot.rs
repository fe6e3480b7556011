//! The order in which a broker starts, as a list, each step with the time it took; and the order in which it ends.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ottla_api::{AllowAll, Listener, ListenerRole, NoQuotas};
use ottla_config::BrokerConfig;
use ottla_disk::Disk;
use ottla_node::{Node, Setup, Stage, format_if_new};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::connection::Limits;
use crate::http::Health;
use crate::listener::{Buffers, Crowd, Served, accept, bind};
use crate::logging::Levels;
use crate::metrics::Exposition;
use crate::options::Serve;
use crate::security::Security;
use crate::settings;
use crate::shell::{Clocks, Shell, keep_deadlines, keep_up, sync_metadata};

/// Descriptors that are neither log files nor connections: listeners, locks, timers, the folders and small files that are
/// open for a moment, and who asks for metrics.
const OTHER_DESCRIPTORS: usize = 96;
/// How long a broker that was told to stop waits for the controller's leave.
const LEAVE_MAX: Duration = Duration::from_secs(10);

/// A broker that serves.
#[derive(Debug)]
pub struct Running {
    shell: Arc<Shell>,
    accepting: JoinSet<()>,
    beside: JoinSet<()>,
    health: Health,
}

/// How the process's descriptors are shared out, so that neither many partitions nor many clients take the others'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Descriptors {
    files: usize,
    clients: usize,
    controllers: usize,
}

impl Descriptors {
    fn of(limit: u64) -> Descriptors {
        let files = ottla_disk::budget_of_process(limit);
        let left = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(files);
        let connections = left.saturating_sub(OTHER_DESCRIPTORS).max(2);
        // Few nodes and administrators come to the controller, but they must get there.
        let controllers = connections.div_ceil(8);
        Descriptors { files, clients: connections - controllers, controllers }
    }
}

/// Says how long each step of the start took.
struct Steps {
    start: Instant,
    last: Instant,
}

impl Steps {
    fn begin() -> Steps {
        let now = Instant::now();
        Steps { start: now, last: now }
    }

    fn done(&mut self, what: &str) {
        let now = Instant::now();
        tracing::debug!(micros = (now - self.last).as_micros() as u64, "{what}");
        self.last = now;
    }
}

/// Starts a broker; it serves when this returns.
///
/// # Errors
/// When something is wrong with the configuration, an address is taken, or the directories cannot be used.
pub async fn start(options: &Serve, levels: &Levels) -> Result<Running> {
    let mut steps = Steps::begin();
    let clocks = Clocks::start();
    // 1. What is asked for.
    let (config, warnings) = settings::load(options)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let addresses = addresses(&config).await?;
    let metrics = settings::metrics_address(options, &config).await?;
    steps.done("read the configuration");
    let descriptors = Descriptors::of(ottla_disk::raise_descriptor_limit());
    tracing::info!(files = descriptors.files, connections = descriptors.clients, "shared out the descriptors");
    // 2. The addresses: an address that is taken is found out before anything is written.
    let (send, receive) = (config.network.send_buffer_bytes, config.network.receive_buffer_bytes);
    let buffers = Buffers { send, receive };
    let mut sockets = Vec::new();
    for (served, address) in addresses {
        let socket = bind(&served.listener.name, address, config.network.listen_backlog, buffers)?;
        sockets.push((served, socket));
    }
    let http_socket = bind("metrics", metrics, 128, Buffers::default())?;
    steps.done("bound the listeners");
    // 3. Health, from now on to the end: recovering logs may take longer than Kubernetes waits for a sign of life.
    let exposition = Arc::new(Exposition::new(Handle::current()));
    let health = Health::start(http_socket, exposition.clone())?;
    // 4. The directories, the metadata log, the partitions; until the broker is in service.
    let node = {
        let (config, levels) = (config.clone(), levels.clone());
        tokio::task::spawn_blocking(move || open(config, levels, clocks, descriptors.files))
            .await
            .context("open the node")??
    };
    let shell = Shell::new(node, clocks);
    exposition.on_open(Arc::clone(&shell), sockets.iter().map(|(served, _)| Arc::clone(served)).collect());
    steps.done("opened the node");
    // 5. The tasks beside the connections.
    let mut beside = JoinSet::new();
    beside.spawn(keep_deadlines(Arc::clone(&shell)));
    beside.spawn(sync_metadata(Arc::clone(&shell)));
    beside.spawn(keep_up(Arc::clone(&shell)));
    shell.settle();
    // 6. Everybody else.
    let limits = Limits {
        frame_bytes_max: config.network.request_bytes_max as usize,
        idle_max: config.network.connection_idle_max.unwrap_or(Duration::from_secs(u64::from(u32::MAX))),
    };
    let (clients, controllers) =
        (Arc::new(Crowd::new(descriptors.clients)), Arc::new(Crowd::new(descriptors.controllers)));
    let mut accepting = JoinSet::new();
    for (served, socket) in sockets {
        let listener = &served.listener;
        let address = socket.local_addr().context("read a listener's address")?;
        tracing::info!(listener = %listener.name, %address, "listening");
        let crowd = if listener.role == ListenerRole::Broker { &clients } else { &controllers };
        let crowd = Arc::clone(crowd);
        accepting.spawn(accept(Arc::clone(&shell), socket, served, limits, crowd));
    }
    steps.done("accept connections");
    let identity = shell.node.identity();
    tracing::info!(
        cluster_id = %identity.cluster_id,
        node_id = identity.node_id.0,
        millis = steps.start.elapsed().as_millis() as u64,
        "serving"
    );
    Ok(Running { shell, accepting, beside, health })
}

fn open(config: BrokerConfig, levels: Levels, clocks: Clocks, files_budget: usize) -> Result<Node<Disk>> {
    let disk = Disk::new(files_budget);
    let seed = seed()?;
    if let Some(cluster_id) = format_if_new(&disk, &config, seed, clocks.now())? {
        tracing::info!(%cluster_id, "formatted the log directories of a new cluster");
    }
    let setup = Setup {
        files: disk,
        config,
        seed: seed.rotate_left(32),
        authorizer: Box::new(AllowAll),
        quotas: Box::new(NoQuotas),
        loggers: Box::new(levels),
    };
    let mut node = Node::open(setup, clocks.now())?;
    node.set_volumes(Box::new(volume));
    Ok(node)
}

/// The size of the volume that a directory lies on and what of it a process without privileges may take.
fn volume(directory: &Path) -> Option<(u64, u64)> {
    let facts = rustix::fs::statvfs(directory).ok()?;
    Some((facts.f_frsize * facts.f_blocks, facts.f_frsize * facts.f_bavail))
}

pub(crate) fn seed() -> Result<u64> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).context("draw a random seed")?;
    Ok(u64::from_ne_bytes(bytes))
}

/// Every listener with the address to bind.
async fn addresses(config: &BrokerConfig) -> Result<Vec<(Arc<Served>, SocketAddr)>> {
    let mut all = Vec::new();
    for listener in &config.listeners.all {
        let security = Security::of(listener)?;
        let name = &listener.endpoint.name;
        let role = if config.listeners.is_controller(name) { ListenerRole::Controller } else { ListenerRole::Broker };
        let host = if listener.endpoint.host.is_empty() { "0.0.0.0" } else { &listener.endpoint.host };
        let found = tokio::net::lookup_host((host, listener.endpoint.port)).await;
        let mut found = found.with_context(|| format!("find the address {host} of listener {name}"))?;
        let address = found.next().with_context(|| format!("{host} of listener {name} has no address"))?;
        all.push((Served::new(Listener { name: name.clone(), role }, security), address));
    }
    Ok(all)
}

impl Running {
    /// Ends the broker cleanly: no new connections, the controller's leave, everything on disk.
    ///
    /// # Errors
    /// When something could not be written.
    pub async fn stop(mut self) -> Result<()> {
        let start = Instant::now();
        self.accepting.shutdown().await;
        let shell = Arc::clone(&self.shell);
        shell.node.begin_shutdown(shell.clocks.now());
        shell.settle();
        let granted = tokio::time::timeout(LEAVE_MAX, async {
            while !shell.node.may_close() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        if granted.await.is_err() {
            tracing::warn!("the controller gave no leave in time; stopping without it");
        }
        self.beside.shutdown().await;
        let closing = Arc::clone(&shell);
        let health = self.health;
        tokio::task::spawn_blocking(move || {
            let closed = closing.node.close(closing.clocks.now());
            health.stop();
            closed
        })
        .await
        .context("close the node")?
        .context("close the node")?;
        tracing::info!(millis = start.elapsed().as_millis() as u64, "stopped");
        Ok(())
    }

    /// Whether the broker serves.
    pub fn is_serving(&self) -> bool {
        self.shell.node.stage() == Stage::Running
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_connections_together_fit_the_process() {
        for limit in [256, 1024, 4096, 65_536, 1 << 20, 1 << 30] {
            let Descriptors { files, clients, controllers } = Descriptors::of(limit);
            assert!((files + clients + controllers + OTHER_DESCRIPTORS) as u64 <= limit, "of {limit}");
            assert!(16 <= files && 16 <= clients + controllers && 0 < controllers, "of {limit}");
        }
    }
}
