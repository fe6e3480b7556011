//! `cargo xtask measure`: a mirror for reviewers, not a gate. Prints how long our files and functions are, and which are
//! the longest, so that a room that fills up is seen.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{place, program};

/// How many of the longest files and functions are shown.
const SHOWN: usize = 12;

/// Measures every Rust file of ours that no generator wrote.
///
/// # Errors
/// When git cannot list the files or one cannot be read.
pub fn run() -> Result<()> {
    let mut git = Command::new("git");
    git.args(["ls-files", "*.rs"]).current_dir(place::checkout());
    let mut files = Vec::new();
    let mut functions = Vec::new();
    for file in program::output(&mut git)?.lines().filter(|file| !file.contains("/generated/")) {
        let path = place::checkout().join(file);
        if !path.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {file}"))?;
        files.push((text.lines().count(), PathBuf::from(file)));
        functions.extend(lengths_of_functions(Path::new(file), &text));
    }
    show("files", &mut files.iter().map(|(lines, file)| (*lines, file.display().to_string())).collect::<Vec<_>>());
    show("functions", &mut functions);
    Ok(())
}

fn show(what: &str, measured: &mut [(usize, String)]) {
    measured.sort_by(|a, b| b.cmp(a));
    let at = |share: usize| measured.get(measured.len() * (100 - share) / 100).map_or(0, |(lines, _)| *lines);
    println!("{} {what}: median {} lines, 90th percentile {}, longest:", measured.len(), at(50), at(90));
    for (lines, name) in measured.iter().take(SHOWN) {
        println!("  {lines:>5}  {name}");
    }
}

/// Every function's length in lines, found by the indentation that rustfmt gives its first and last line.
fn lengths_of_functions(file: &Path, text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let head = line.trim_start();
        let is_function = [
            "fn ",
            "pub fn ",
            "async fn ",
            "pub async fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "const fn ",
            "pub const fn ",
        ]
        .iter()
        .any(|start| head.starts_with(start));
        if is_function && open.is_none() {
            let name = head.split('(').next().unwrap_or(head).to_owned();
            open = Some((number, indent, name));
        }
        if let Some((start, depth, name)) = &open
            && indent == *depth
            && head.starts_with('}')
        {
            found.push((number - start + 1, format!("{}:{} {name}", file.display(), start + 1)));
            open = None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_as_long_as_its_lines() {
        let text = "fn one() {\n    two();\n}\n\nimpl X {\n    pub fn two(\n        a: u8,\n    ) {\n    }\n}\n";
        let lengths: Vec<usize> =
            lengths_of_functions(Path::new("x.rs"), text).into_iter().map(|(lines, _)| lines).collect();
        assert_eq!(lengths, [3, 4]);
    }
}
