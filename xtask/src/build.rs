//! The one release build that images, demo, tests on Kubernetes and bench share: static binaries that need nothing of the
//! machine they run on, so that what is measured and tested is what is shipped.
//!
//! Static glibc resolves names by `/etc/hosts` and DNS from within (since glibc 2.34, tried in an empty root), so the
//! musl target, whose memory allocator is slow under threads, is not needed.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{place, program, progress};

/// Builds `binary` of `package` statically and gives its path.
pub fn release_binary(package: &str, binary: &str) -> Result<PathBuf> {
    let target = host()?;
    let mut flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    flags.push_str(" -C target-feature=+crt-static");
    let step = progress::step(format!("build {binary}"));
    // With --target named, the flags reach what is shipped and not the macros and build scripts, which cannot be static.
    // Of a failure only what the compiler complains of is shown: what it builds, it tells in a form for programs.
    let built = program::feed(
        Command::new("cargo")
            .args(["build", "--release", "--locked", "--package", package, "--bin", binary, "--target", &target])
            .args(["--message-format", "json-render-diagnostics"])
            .env("RUSTFLAGS", flags.trim())
            .current_dir(place::checkout()),
        "",
    )
    .with_context(|| format!("build {binary}"))?;
    let path = built
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == binary)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo built no {binary}"))?;
    step.done();
    Ok(path)
}

/// The target of this machine, such as `x86_64-unknown-linux-gnu`.
fn host() -> Result<String> {
    let version = program::output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}
