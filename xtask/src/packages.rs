//! What Debian has of all that chores and tests need: which packages, which of them are missing, and their installation.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{program, progress};

/// A package, known to be there by a file of its own (asking the package manager would find no program that came
/// by another road).
#[derive(Clone, Copy)]
pub struct Package {
    /// As Debian calls it.
    pub name: &'static str,
    /// A program on the path; a file, when it begins with a slash; or a module of Python, behind `python3 -m`.
    mark: &'static str,
}

const PYTHON_MODULE: &str = "python3 -m ";

impl Package {
    fn is_there(&self) -> bool {
        if let Some(module) = self.mark.strip_prefix(PYTHON_MODULE) {
            return program::run(Command::new("python3").args(["-c", &format!("import {module}")])).is_ok();
        }
        if self.mark.starts_with('/') { Path::new(self.mark).exists() } else { program::find(self.mark).is_some() }
    }
}

const fn package(name: &'static str, mark: &'static str) -> Package {
    Package { name, mark }
}

/// For etcd and the API server.
pub const CONTROL_PLANE: &[Package] = &[package("etcd-server", "etcd"), package("openssl", "openssl")];

/// For compiling runc.
const RUNC: &[Package] =
    &[package("gcc", "gcc"), package("pkg-config", "pkg-config"), package("libseccomp-dev", "/usr/include/seccomp.h")];

/// For Kafka clients and Kafka's own tools: Maven fetches jars, javac compiles test programs, npm and venv install libraries.
pub const CLIENTS: &[Package] = &[
    package("maven", "mvn"),
    package("default-jdk-headless", "javac"),
    package("npm", "npm"),
    package("python3-venv", "python3 -m ensurepip"),
];

/// For images, here and in `cargo xtask images`.
pub const IMAGES: &[Package] = &[package("buildah", "buildah")];

/// For nodes: the network, the sandbox of each pod, and a shell for the pods that make volumes.
const NODES: &[Package] = &[
    package("containernetworking-plugins", "/usr/lib/cni/bridge"),
    package("iproute2", "ip"),
    package("nftables", "nft"),
    package("iptables", "iptables"),
    package("conntrack", "conntrack"),
    package("catatonit", "catatonit"),
    package("busybox-static", "busybox"),
];

/// All that a cluster with nodes needs.
pub fn for_nodes() -> Vec<Package> {
    [CONTROL_PLANE, RUNC, IMAGES, NODES].concat()
}

/// Which of `packages` are missing.
pub fn missing(packages: &[Package]) -> Vec<Package> {
    packages.iter().copied().filter(|package| !package.is_there()).collect()
}

/// Installs what is missing of `packages`.
pub fn ensure(packages: &[Package]) -> Result<()> {
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    if !rustix::process::geteuid().is_root() {
        bail!("these Debian packages are missing and only root can install them: apt-get install {}", names.join(" "));
    }
    let step = progress::step(format!("install {}", names.join(", ")));
    let apt = || {
        let mut command = Command::new("apt-get");
        // Another apt (an unattended upgrade, say) may hold the lock for a while.
        command.env("DEBIAN_FRONTEND", "noninteractive").args(["-qq", "-o", "DPkg::Lock::Timeout=300"]);
        command
    };
    program::run(apt().arg("update")).context("ask Debian for its list of packages")?;
    program::run(apt().args(["install", "--yes", "--no-install-recommends"]).args(&names))
        .context("install Debian packages; on another system install their like by hand")?;
    step.done();
    Ok(())
}
