//! Writes the CustomResourceDefinitions as YAML into a folder, one file a kind; with `--check` it only compares.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ottla_crds::Kind;

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let only_check = arguments.first().is_some_and(|argument| argument == "--check");
    if only_check {
        arguments.remove(0);
    }
    let [folder] = arguments.as_slice() else {
        eprintln!("usage: generate-crds [--check] FOLDER");
        return ExitCode::from(2);
    };
    let failures: Vec<String> =
        Kind::ALL.iter().filter_map(|kind| treat(*kind, &PathBuf::from(folder), only_check).err()).collect();
    for failure in &failures {
        eprintln!("{failure}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn treat(kind: Kind, folder: &Path, only_check: bool) -> Result<(), String> {
    let file = folder.join(format!("{}.yaml", kind.plural()));
    let wanted = kind.to_yaml();
    if !only_check {
        return fs::write(&file, wanted).map_err(|error| format!("write {}: {error}", file.display()));
    }
    match fs::read_to_string(&file) {
        Ok(committed) if committed == wanted => Ok(()),
        Ok(_) => Err(format!("{} is stale: run `cargo xtask crds`", file.display())),
        Err(error) => Err(format!("read {}: {error}", file.display())),
    }
}
