//! Where downloads and builds for tests are kept from one run to the next: `OTTLA_CACHE`, or `ottla` in the user's cache
//! directory.
//!
//! It outlives checkouts, so that a fresh clone on the same machine starts warm. Nothing in it is needed to build Ottla.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder `name` of the cache, made when it is not there.
///
/// # Errors
/// When none of `OTTLA_CACHE`, `XDG_CACHE_HOME` and `HOME` is set, or the folder cannot be made.
pub fn folder(name: &str) -> Result<PathBuf> {
    let root = match std::env::var_os("OTTLA_CACHE") {
        Some(root) => PathBuf::from(root),
        None => match std::env::var_os("XDG_CACHE_HOME") {
            Some(caches) => PathBuf::from(caches).join("ottla"),
            None => PathBuf::from(std::env::var_os("HOME").context("find the cache: set OTTLA_CACHE or HOME")?)
                .join(".cache/ottla"),
        },
    };
    let folder = root.join(name);
    std::fs::create_dir_all(&folder).with_context(|| format!("make the cache's folder {}", folder.display()))?;
    Ok(folder)
}

/// Holds the file `<folder>.lock` for as long as it lives, so that two test processes do not fill one folder at once.
pub struct Filling {
    _file: std::fs::File,
}

/// Waits until nobody else fills this folder.
///
/// # Errors
/// When the lock's file cannot be opened or locked.
pub fn fill(folder: &Path) -> Result<Filling> {
    let path = folder.with_extension("lock");
    let file = std::fs::File::create(&path).with_context(|| format!("open {}", path.display()))?;
    file.lock().with_context(|| format!("lock {}", path.display()))?;
    Ok(Filling { _file: file })
}
