//! The broker of a cluster that is not on this machine, brought to loopback by `kubectl port-forward`, which ends with the
//! pod that it leads to; so it is started again until nobody needs it.

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use crate::kubernetes::Access;

/// Between the end of one forwarding and the next: the pod may still be starting.
const PAUSE: Duration = Duration::from_millis(300);

/// A port of this machine that leads to a port of a pod. Ends when it is dropped.
pub struct Forward {
    ended: Arc<AtomicBool>,
    current: Arc<Mutex<Option<Child>>>,
    keeper: Option<JoinHandle<()>>,
}

impl Forward {
    /// Leads 127.0.0.1:`port` to the same port of `pod`.
    pub fn start(access: Access, namespace: &'static str, pod: String, port: u16) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let current = Arc::new(Mutex::new(None));
        let keeper = std::thread::spawn({
            let (ended, current) = (Arc::clone(&ended), Arc::clone(&current));
            move || {
                while !ended.load(Ordering::SeqCst) {
                    let mut command = access.kubectl();
                    command.args(["--namespace", namespace, "port-forward", &format!("pod/{pod}"), &port.to_string()]);
                    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
                    *current.lock().expect("nobody panics with it") = child.ok();
                    while !ended.load(Ordering::SeqCst) && is_running(&current) {
                        sleep(PAUSE);
                    }
                }
            }
        });
        Self { ended, current, keeper: Some(keeper) }
    }
}

fn is_running(current: &Mutex<Option<Child>>) -> bool {
    current.lock().expect("nobody panics with it").as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
        if let Some(mut child) = self.current.lock().expect("nobody panics with it").take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
