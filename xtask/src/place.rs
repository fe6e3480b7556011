//! Where things are: the checkout that this program was built from, and the cache that outlives checkouts.
//!
//! Everything that is downloaded or built for tests lies under one cache directory, so that a fresh clone on the same
//! machine starts warm. Nothing in it is needed to build Ottla itself.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the checkout.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root of the workspace")
}

/// `part` of the cache, made when it is missing: `$OTTLA_CACHE`, or `ottla` in the user's cache directory.
pub fn cache(part: &str) -> Result<PathBuf> {
    let root = match env::var_os("OTTLA_CACHE") {
        Some(named) => PathBuf::from(named),
        None => match env::var_os("XDG_CACHE_HOME") {
            Some(caches) => PathBuf::from(caches).join("ottla"),
            None => home()?.join(".cache").join("ottla"),
        },
    };
    let directory = root.join(part);
    std::fs::create_dir_all(&directory).with_context(|| format!("make the cache directory {}", directory.display()))?;
    Ok(directory)
}

fn home() -> Result<PathBuf> {
    env::var_os("HOME").map(PathBuf::from).context("neither OTTLA_CACHE nor HOME says where the cache may lie")
}

/// Where cargo puts what it builds, and this program what it makes of it.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| checkout().join("target"), PathBuf::from)
}
