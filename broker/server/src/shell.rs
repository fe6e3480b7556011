//! What every task of the server shares: the node, the clocks, and the way of late replies.
//!
//! A task calls the node and then [`Shell::settle`], which does what the node wants done outside of it. Two tasks run
//! beside the connections: one keeps the node's deadlines, one syncs the metadata log, so that a group of requests
//! shares one sync and no connection waits in it.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ottla_api::Peer;
use ottla_disk::Disk;
use ottla_node::{DescriptorOf, Handled, Node, Token};
use ottla_vocabulary::{Instant, Now, Timestamp};
use tokio::sync::Notify;

use crate::frames::{BUDGET_BYTES, Pool};
use crate::replies::Replies;

/// The open file of a span.
pub(crate) type OpenFile = DescriptorOf<Disk>;

/// Both clocks of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    start: std::time::Instant,
}

impl Clocks {
    pub(crate) fn start() -> Clocks {
        Clocks { start: std::time::Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { instant: self.instant(), wall: Timestamp(wall.as_millis() as i64) }
    }

    pub(crate) fn instant(&self) -> Instant {
        Instant { nanos: self.start.elapsed().as_nanos() as u64 }
    }

    /// The runtime's name of a point of the node's clock.
    fn point(&self, at: Instant) -> Option<tokio::time::Instant> {
        self.start.checked_add(Duration::from_nanos(at.nanos)).map(tokio::time::Instant::from_std)
    }
}

/// What every task shares.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) node: Node<Disk>,
    pub(crate) clocks: Clocks,
    pub(crate) pool: Arc<Pool>,
    pub(crate) replies: Replies<OpenFile>,
    pub(crate) traffic: Traffic,
    deadline: Notify,
    sync: Notify,
}

/// Counts that only the sockets know.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// Connections closed for what came over them.
    pub(crate) refused: AtomicU64,
    /// How often the metadata log was synced, which with one voter commits it.
    pub(crate) syncs: AtomicU64,
    /// How long that took in sum, in nanoseconds.
    pub(crate) sync_nanos: AtomicU64,
    /// Requests whose handling panicked; anything but 0 is a defect.
    pub(crate) panics: AtomicU64,
}

impl Shell {
    pub(crate) fn new(node: Node<Disk>, clocks: Clocks) -> Arc<Shell> {
        let network = &node.config().network;
        let largest = u64::from(network.request_bytes_max);
        let budget = network.queued_request_bytes_max.unwrap_or(BUDGET_BYTES).max(largest + 1024);
        Arc::new(Shell {
            node,
            clocks,
            pool: Pool::new(budget),
            replies: Replies::new(),
            traffic: Traffic::default(),
            deadline: Notify::new(),
            sync: Notify::new(),
        })
    }

    /// Hands a frame to the node.
    pub(crate) fn handle(&self, peer: &Peer, token: Token, frame: &[u8]) -> Handled<OpenFile> {
        let handled = self.node.handle(self.clocks.now(), peer, token, frame);
        self.settle();
        handled
    }

    /// Does what the node wants done.
    pub(crate) fn settle(&self) {
        let Some(effects) = self.node.effects() else { return };
        for (token, reply) in effects.replies {
            self.replies.put(token, Ok(reply));
        }
        for (token, close) in effects.closes {
            self.replies.put(token, Err(close));
        }
        if effects.sync_metadata {
            self.sync.notify_one();
        }
        if effects.deadline {
            self.deadline.notify_one();
        }
    }
}

/// Keeps the node's deadlines until the task is dropped.
pub(crate) async fn keep_deadlines(shell: Arc<Shell>) {
    loop {
        let due = shell.node.next_deadline().and_then(|at| shell.clocks.point(at));
        let sleep = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = sleep => {
                shell.node.tick(shell.clocks.now());
                shell.settle();
            }
            () = shell.deadline.notified() => {}
        }
    }
}

/// Syncs the metadata log whenever something waits for it, until the task is dropped.
pub(crate) async fn sync_metadata(shell: Arc<Shell>) {
    loop {
        shell.sync.notified().await;
        let working = Arc::clone(&shell);
        let synced = tokio::task::spawn_blocking(move || {
            let start = working.clocks.instant();
            working.node.sync_metadata(working.clocks.now());
            let took = working.clocks.instant().since(start);
            working.traffic.syncs.fetch_add(1, Ordering::Relaxed);
            working.traffic.sync_nanos.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
            working.settle();
        });
        if let Err(error) = synced.await {
            tracing::error!("sync the metadata log: {error}");
        }
    }
}

/// How often what needs no deadline is done: checkpoints, retention, freeing of buffers.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Does the node's slow work apart from the requests, until the task is dropped.
pub(crate) async fn keep_up(shell: Arc<Shell>) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut handled_before = 0;
    loop {
        ticks.tick().await;
        let handled = shell.node.requests_handled();
        if handled == handled_before {
            shell.pool.shrink();
        }
        handled_before = handled;
        if !shell.node.upkeep_due(shell.clocks.instant()) {
            continue;
        }
        let working = Arc::clone(&shell);
        let kept = tokio::task::spawn_blocking(move || {
            working.node.upkeep(working.clocks.now());
            working.settle();
        });
        if let Err(error) = kept.await {
            tracing::error!("checkpoint and clean the logs: {error}");
        }
    }
}
