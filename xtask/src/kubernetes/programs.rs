//! The programs that a Kubernetes is made of and that Debian does not have (or has too old), compiled from their
//! published Go modules: which ones, in which version, with which flags; and the cache that keeps them.
//!
//! Each family has its own go.mod and go.sum in `xtask/modules/`, since their dependencies disagree; the sums pin every
//! byte that is compiled. What Debian has is in [`crate::packages`].

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use ottla_harness::cache;

use crate::{program, progress};

/// Programs that come from one module and are compiled together.
pub struct Family {
    /// The folder in `xtask/modules/`.
    pub name: &'static str,
    /// Shown, and part of the name in the cache.
    pub version: &'static str,
    /// go.mod as it is committed.
    module: &'static str,
    /// go.sum as it is committed.
    sums: &'static str,
    /// Whether C is linked, for runc's seccomp.
    cgo: bool,
    tags: &'static str,
    /// What the linker writes into the programs besides leaving out debug information.
    stamps: &'static str,
    /// What it takes on two cores with nothing cached, so that a person knows whether to wait.
    minutes: f32,
}

macro_rules! family {
    ($name:literal, $version:literal, $minutes:literal $(, $field:ident: $value:expr)* $(,)?) => {
        Family {
            $($field: $value,)*
            ..Family {
                name: $name,
                version: $version,
                module: include_str!(concat!("../../modules/", $name, "/go.mod")),
                sums: include_str!(concat!("../../modules/", $name, "/go.sum")),
                cgo: false,
                tags: "",
                stamps: "",
                minutes: $minutes,
            }
        }
    };
}

/// kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, kubelet and kubectl.
pub const KUBERNETES: Family = family!(
    "kubernetes",
    "1.36.3",
    8.0,
    // Without these `kubectl version` and version checks of charts see v0.0.0.
    stamps: "-X k8s.io/component-base/version.gitVersion=v1.36.3 \
             -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
);
/// containerd, its shim and ctr.
pub const CONTAINERD: Family = family!("containerd", "2.4.2", 1.6);
/// Debian's runc 1.1 is too old for containerd 2.4, which writes specifications of version 1.3.
pub const RUNC: Family = family!("runc", "1.5.2", 0.2, cgo: true, tags: "seccomp");
/// The cluster's DNS.
pub const COREDNS: Family = family!("coredns", "1.15.0", 3.0);
/// Volumes as directories that a pod without root may write; the controller manager's own host paths cannot be.
pub const LOCAL_PATH: Family = family!("local-path", "0.0.30", 1.5);
/// Installs the chart.
pub const HELM: Family = family!("helm", "4.3.1", 2.5);

/// Everything that a cluster with nodes needs, the longest first.
pub const ALL: [&Family; 6] = [&KUBERNETES, &CONTAINERD, &RUNC, &COREDNS, &LOCAL_PATH, &HELM];

impl Family {
    /// Where the programs are, or will be.
    pub fn directory(&self) -> Result<PathBuf> {
        Ok(cache::folder("kubernetes/programs")?.join(format!("{}-{}", self.name, self.version)))
    }

    /// One program of the family, which [`ensure`] has put there.
    pub fn program(&self, name: &str) -> Result<PathBuf> {
        Ok(self.directory()?.join("bin").join(name))
    }

    /// Whether the programs in the cache were compiled from exactly this module with exactly these flags.
    fn is_built(&self) -> Result<bool> {
        Ok(fs::read_to_string(self.directory()?.join("recipe")).is_ok_and(|recipe| recipe == self.recipe()))
    }

    /// All that decides what comes out, kept beside the programs once they are complete.
    fn recipe(&self) -> String {
        format!("cgo {} tags [{}] stamps [{}]\n{}\n{}", self.cgo, self.tags, self.stamps, self.module, self.sums)
    }
}

/// Which of `families` have yet to be compiled.
pub fn missing<'f>(families: &[&'f Family]) -> Result<Vec<&'f Family>> {
    let mut missing = Vec::new();
    for family in families {
        if !family.is_built()? {
            missing.push(*family);
        }
    }
    Ok(missing)
}

/// How long compiling `families` takes on two cores, in words.
pub fn estimate(families: &[&Family]) -> String {
    let minutes: f32 = families.iter().map(|family| family.minutes).sum();
    format!("about {} min on two cores", minutes.ceil())
}

/// Compiles what is missing of `families`.
pub fn ensure(families: &[&Family]) -> Result<()> {
    for family in missing(families)? {
        build(family).with_context(|| format!("compile {} {}", family.name, family.version))?;
    }
    Ok(())
}

fn build(family: &Family) -> Result<()> {
    let directory = family.directory()?;
    // A recipe beside half of the programs would be a lie: it goes first and comes back last.
    if directory.exists() {
        fs::remove_dir_all(&directory).with_context(|| format!("clear {}", directory.display()))?;
    }
    let programs = directory.join("bin");
    fs::create_dir_all(&programs).with_context(|| format!("make {}", programs.display()))?;
    fs::write(directory.join("go.mod"), family.module).context("write go.mod")?;
    fs::write(directory.join("go.sum"), family.sums).context("write go.sum")?;

    let mut step = progress::step(format!("compile {} {}", family.name, family.version));
    step.note("fetching modules");
    let mut compiled = 0;
    program::run_logged(&mut go_build(family, &directory, &programs), &directory.join("build.log"), |line| {
        // `go build -v` names each package as it is compiled, and each module as it is fetched.
        if !line.starts_with("go: ") {
            compiled += 1;
        }
        step.note(format!("{compiled} packages, {line}"));
    })?;
    fs::write(directory.join("recipe"), family.recipe()).context("write the recipe")?;
    step.done();
    Ok(())
}

fn go_build(family: &Family, directory: &Path, programs: &Path) -> Command {
    // Nice: nobody waits for this with bated breath, and whoever works meanwhile should not notice.
    let mut command = Command::new("nice");
    command
        .args(["-n", "15", "go", "build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-tags", family.tags])
        .args(["-ldflags", &format!("-s -w {}", family.stamps)])
        .arg("-o")
        .arg(format!("{}/", programs.display()))
        .arg("tool")
        .current_dir(directory)
        .env("CGO_ENABLED", if family.cgo { "1" } else { "0" })
        // A workspace file or flags of the person's own would change what is compiled.
        .env("GOWORK", "off")
        .env_remove("GOFLAGS");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_file_requires_the_version_that_is_shown() {
        for family in ALL {
            assert!(
                family.module.split_whitespace().any(|word| word == format!("v{}", family.version)),
                "xtask/modules/{}/go.mod does not require v{}",
                family.name,
                family.version
            );
        }
        assert!(KUBERNETES.stamps.contains(KUBERNETES.version));
    }
}
