//! Formats the generated files and puts them in their place, or tells how they differ from what is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::Files;

pub(super) fn put(root: &Path, place: &Path, files: &Files, check: bool) -> Result<()> {
    let drafts = Drafts::write(files)?;
    drafts.format(root)?;
    let fresh = read_tree(&drafts.place)?;
    let present = if place.exists() { read_tree(place)? } else { BTreeMap::new() };
    let stale: Vec<&String> = fresh
        .keys()
        .chain(present.keys().filter(|path| !fresh.contains_key(*path)))
        .filter(|path| fresh.get(*path) != present.get(*path))
        .collect();
    if check {
        if let [first, ..] = stale[..] {
            bail!("{} generated files are stale, {first} among them: run `cargo xtask codegen`", stale.len());
        }
        println!("{} generated files are as the schema says", fresh.len());
        return Ok(());
    }
    for path in &stale {
        let target = place.join(path);
        match fresh.get(*path) {
            Some(text) => {
                fs::create_dir_all(target.parent().context("a generated file lies in a folder")?)?;
                fs::write(&target, text).with_context(|| format!("write {}", target.display()))?;
            }
            None => fs::remove_file(&target).with_context(|| format!("remove {}", target.display()))?,
        }
    }
    println!("{} generated files, {} of them changed", fresh.len(), stale.len());
    Ok(())
}

/// A folder of files not yet formatted, removed when done with.
struct Drafts {
    place: PathBuf,
}

impl Drafts {
    fn write(files: &Files) -> Result<Drafts> {
        let place = std::env::temp_dir().join(format!("ottla-codegen-{}", std::process::id()));
        let drafts = Drafts { place };
        for (path, text) in files {
            let target = drafts.place.join(path);
            fs::create_dir_all(target.parent().context("a generated file lies in a folder")?)?;
            fs::write(&target, text).with_context(|| format!("write {}", target.display()))?;
        }
        Ok(drafts)
    }

    /// rustfmt follows the modules from the root of the tree.
    fn format(&self, root: &Path) -> Result<()> {
        let status = Command::new("rustfmt")
            .args(["--edition", "2024", "--config-path"])
            .arg(root.join("rustfmt.toml"))
            .arg(self.place.join("mod.rs"))
            .status()
            .context("run rustfmt (a component of the Rust toolchain)")?;
        ensure!(status.success(), "rustfmt refused the generated code");
        Ok(())
    }
}

impl Drop for Drafts {
    fn drop(&mut self) {
        // What stays behind in the system's own folder for temporary files harms nobody.
        let _ = fs::remove_dir_all(&self.place);
    }
}

fn read_tree(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
                files.insert(name, fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?);
            }
        }
    }
    Ok(files)
}
