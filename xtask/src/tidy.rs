//! `cargo xtask tidy`: what a machine can judge of the project's order, and nothing that needs taste. Each rule has a file
//! of its own and gives its findings as lines `place: what is wrong, and what would be right`.
//!
//! Freshness of generated files is judged here too, by asking each generator to compare instead of to write: messages and
//! definitions here; the chart's files by `cargo xtask chart --check`, which needs helm; the pages on configuration by a test.

mod edges;
mod links;
mod sources;

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{codegen, crds, place, program, progress};

/// The texts of files that git knows or would take in, with their paths from the root of the checkout: those of a pattern
/// such as `*.md`, or all. What is no text is left out, and so is what was deleted and not yet committed.
fn texts(pattern: &[&str]) -> Result<Vec<(String, String)>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]).args(pattern);
    let listed = program::output(git.current_dir(place::checkout()))?;
    let mut texts = Vec::new();
    for file in listed.split('\0').filter(|file| !file.is_empty()) {
        let path = place::checkout().join(file);
        if path.is_file() {
            let bytes = std::fs::read(&path).with_context(|| format!("read {file}"))?;
            texts.extend(String::from_utf8(bytes).ok().map(|text| (file.to_owned(), text)));
        }
    }
    Ok(texts)
}

type Rule = fn() -> Result<Vec<String>>;

const RULES: [(&str, Rule); 3] = [
    ("each crate uses only the layers above it", edges::findings),
    ("sources say what they are", sources::findings),
    ("pages point at what is there", links::findings),
];

/// Runs every rule and shows what each found.
///
/// # Errors
/// When a rule found something or could not look, or a generated file is stale.
pub fn run() -> Result<()> {
    let mut found = 0;
    for (name, rule) in RULES {
        let step = progress::step(name);
        let findings = rule()?;
        found += findings.len();
        if findings.is_empty() {
            step.done();
        } else {
            drop(step);
            println!("  ✗ {name}");
            for finding in findings {
                println!("      {finding}");
            }
        }
    }
    if found > 0 {
        bail!("tidy found {found} things to mend");
    }
    codegen::run(true)?;
    crds::run(&crds::Arguments { check: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_tidy() {
        let findings: Vec<String> = RULES.into_iter().flat_map(|(_, rule)| rule().unwrap()).collect();
        assert!(findings.is_empty(), "{findings:#?}");
    }
}
