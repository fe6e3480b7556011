//! `down`: ends exactly what `up` started and removes what it made. Safe after a crash of anything, and when nothing is
//! there: every step takes what it finds.
//!
//! Processes are known by their records; containers by their node's control group and containerd's socket; mounts by
//! lying in the run directory; bridges by their name.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::layout::{Layout, NODES_MAX, Shape};
use super::processes::{Processes, send};
use super::programs::CONTAINERD;
use super::{network, node, state};
use crate::program;

/// Everything here ends within a second when asked, but for the API server, which is slow to say goodbye.
const PATIENCE: Duration = Duration::from_secs(3);

/// Takes the cluster of this shape down.
pub fn down(layout: &Layout) -> Result<()> {
    let _lock = state::lock(layout)?;
    remove(layout)
}

/// The same for one who has the lock.
pub fn remove(layout: &Layout) -> Result<()> {
    let processes = Processes::of(&layout.run);
    // Who makes containers goes first, who knows the containers last.
    let (containerds, others): (Vec<String>, Vec<String>) =
        processes.names().into_iter().partition(|name| name.starts_with("containerd"));
    let (kubelets, others): (Vec<String>, Vec<String>) =
        others.into_iter().partition(|name| name.starts_with("kubelet"));
    processes.end(&kubelets, PATIENCE)?;
    processes.end(&others, PATIENCE)?;
    if layout.shape == Shape::Whole {
        for node in 1..=NODES_MAX {
            remove_containers(layout, node)?;
        }
    }
    processes.end(&containerds, PATIENCE)?;
    if layout.shape == Shape::Whole {
        unmount(&layout.run)?;
        for node in 1..=NODES_MAX {
            remove_cgroups(node)?;
        }
        network::remove(layout)?;
        forget_addresses();
        forget_shims();
    }
    if layout.run.exists() {
        fs::remove_dir_all(&layout.run).with_context(|| format!("remove {}", layout.run.display()))?;
    }
    Ok(())
}

/// Kills what runs in node N's control groups, then the shims that watched over it.
fn remove_containers(layout: &Layout, node: u8) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let members: Vec<i32> = node::cgroups(node).iter().flat_map(|group| members(group)).collect();
        if members.is_empty() {
            break;
        }
        if Instant::now() > deadline {
            bail!("processes {members:?} of node {node}'s pods do not end, not even when killed");
        }
        for pid in members {
            send(pid, Signal::KILL);
        }
        sleep(Duration::from_millis(50));
    }
    for pid in shims(layout, node)? {
        send(pid, Signal::KILL);
    }
    Ok(())
}

/// The processes in `group` and the groups below it.
fn members(group: &Path) -> Vec<i32> {
    let mut found: Vec<i32> = fs::read_to_string(group.join("cgroup.procs"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    for below in directories(group) {
        found.extend(members(&below));
    }
    found
}

/// containerd's shims of node N: our program, told our socket.
fn shims(layout: &Layout, node: u8) -> Result<Vec<i32>> {
    let shim = CONTAINERD.program("containerd-shim-runc-v2")?;
    let socket = layout.containerd_socket(node).display().to_string();
    let mut found = Vec::new();
    for process in directories(Path::new("/proc")) {
        let Some(pid) = process.file_name().and_then(|name| name.to_str()?.parse::<i32>().ok()) else { continue };
        let is_shim = fs::read_link(process.join("exe")).is_ok_and(|program| program == shim);
        let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
        if is_shim && arguments.split(|byte| *byte == 0).any(|argument| argument == socket.as_bytes()) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// Unmounts all that is mounted in `directory`, the deepest first. What ends just now may take its mounts along, so that
/// only the list of mounts tells what is left.
fn unmount(directory: &Path) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mounted = mounts(directory)?;
        let Some(point) = mounted.last() else { return Ok(()) };
        // Lazily: a process that is just ending may still look into it.
        let outcome = program::run(std::process::Command::new("umount").arg("--lazy").arg(point));
        if Instant::now() > deadline {
            outcome?;
            bail!("{} is mounted again and again", point.display());
        }
    }
}

/// What is mounted in `directory`, the deepest last.
fn mounts(directory: &Path) -> Result<Vec<PathBuf>> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("read the list of mounts")?;
    let mut points: Vec<PathBuf> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|point| PathBuf::from(point.replace("\\040", " ")))
        .filter(|point| point.starts_with(directory))
        .collect();
    points.sort();
    Ok(points)
}

fn remove_cgroups(node: u8) -> Result<()> {
    for group in node::cgroups(node) {
        if group.exists() {
            remove_cgroup(&group)?;
        }
    }
    Ok(())
}

/// Removes a control group and those below it. The kernel takes a moment to see that a killed process is gone.
fn remove_cgroup(group: &Path) -> Result<()> {
    for below in directories(group) {
        remove_cgroup(&below)?;
    }
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = fs::remove_dir(group) {
        if Instant::now() > deadline {
            return Err(error).with_context(|| format!("remove the control group {}", group.display()));
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The network plugins' own notes about our pods, which they keep in a place of their own.
fn forget_addresses() {
    for entry in fs::read_dir("/var/lib/cni/results").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("ottla-node") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The sockets of killed shims, in the place that every containerd of the machine shares: those that nobody serves.
fn forget_shims() {
    for entry in fs::read_dir("/run/containerd/s").into_iter().flatten().flatten() {
        let answer = std::os::unix::net::UnixStream::connect(entry.path());
        if answer.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn directories(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}
