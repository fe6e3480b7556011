//! Installing the client libraries with their languages' own package managers, into the cache, once for each state of the
//! files that pin their versions.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use ottla_harness::cache;

/// The folder of the programs in the source tree.
pub fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Python interpreter of an environment that holds the libraries of `python/requirements.txt`.
///
/// # Errors
/// When Python, its venv module or a package cannot be had.
pub fn python() -> Result<PathBuf> {
    let pins = sources().join("python/requirements.txt");
    let folder = installed("python", std::slice::from_ref(&pins), |folder| {
        run(
            Command::new("python3").args(["-m", "venv"]).arg(folder),
            "make a Python environment; apt-get install python3-venv",
        )?;
        run(
            Command::new(folder.join("bin/pip")).args(["install", "--quiet", "-r"]).arg(&pins),
            "install the Python clients",
        )
    })?;
    Ok(folder.join("bin/python"))
}

/// A folder whose `node_modules` holds the libraries of `javascript/package.json`.
///
/// # Errors
/// When npm or a package cannot be had.
pub fn javascript() -> Result<PathBuf> {
    let pins = sources().join("javascript/package.json");
    installed("javascript", std::slice::from_ref(&pins), |folder| {
        std::fs::create_dir_all(folder)?;
        std::fs::copy(&pins, folder.join("package.json"))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder);
        run(&mut npm, "install the JavaScript clients; apt-get install npm")
    })
}

/// The folder of the Go clients' binaries: `franz`, `sarama`, and `follow`, which is sarama too.
///
/// # Errors
/// When Go or a module cannot be had.
pub fn go() -> Result<PathBuf> {
    let module = sources().join("go");
    let files = ["go.mod", "go.sum", "record/record.go", "franz/main.go", "sarama/main.go", "follow/main.go"]
        .map(|file| module.join(file));
    installed("go", &files, |folder| {
        std::fs::create_dir_all(folder)?;
        let mut go = Command::new("go");
        go.args(["build", "-o"]).arg(folder).args(["./franz", "./sarama", "./follow"]).current_dir(&module);
        run(&mut go, "build the Go clients; apt-get install golang")
    })
}

/// The cache's folder `clients/<name>`, made anew by `make` unless it was made from the same files.
fn installed(name: &str, made_from: &[PathBuf], make: impl Fn(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = cache::folder("clients")?.join(name);
    let _filling = cache::fill(&folder)?;
    let mut wanted = Vec::new();
    for file in made_from {
        wanted.extend(std::fs::read(file).with_context(|| format!("read {}", file.display()))?);
    }
    let mark = folder.join("made-from");
    if std::fs::read(&mark).ok().as_ref() != Some(&wanted) {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("empty {}", folder.display()))?;
        }
        make(&folder)?;
        std::fs::write(&mark, wanted).with_context(|| format!("write {}", mark.display()))?;
    }
    Ok(folder)
}

fn run(command: &mut Command, what: &str) -> Result<()> {
    let output = command.output().with_context(|| format!("{what}: {command:?}"))?;
    let said = || [output.stdout.as_slice(), &output.stderr].map(String::from_utf8_lossy).concat();
    ensure!(output.status.success(), "{what}: {command:?} ended with {}:\n{}", output.status, said());
    Ok(())
}
