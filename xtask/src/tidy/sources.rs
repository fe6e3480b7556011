//! What every source file owes its reader: a first line that says what it is, nothing left undone, and nothing that is
//! true on one machine only.

use std::path::Path;

use anyhow::Result;

/// What is found in the files that git knows.
///
/// # Errors
/// When git cannot list them or one cannot be read.
pub fn findings() -> Result<Vec<String>> {
    Ok(super::texts(&[])?.iter().flat_map(|(file, text)| judge(file, text)).collect())
}

fn judge(file: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let extension = Path::new(file).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if extension == "rs" && !text.starts_with("//!") && !text.starts_with("// @generated") {
        findings.push(format!("{file}:1: begin with `//!` and say what this is, what it is given and gives"));
    }
    // This file names what it looks for.
    if file == "xtask/src/tidy/sources.rs" || file.ends_with(".lock") || file.ends_with("package-lock.json") {
        return findings;
    }
    for (number, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", number + 1);
        if extension == "rs" {
            for undone in ["todo!(", "unimplemented!(", "FIXME", "XXX:"] {
                if line.contains(undone) {
                    findings.push(format!("{place}: `{undone}` leaves something undone; do it or leave it out"));
                }
            }
        }
        for private in ["/root/", "/home/"] {
            if line.contains(private) {
                findings.push(format!("{place}: `{private}` is a path of one machine"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_head_and_what_is_left_undone_are_found() {
        assert_eq!(judge("a/b.rs", "//! A thing.\nfn main() {}\n"), Vec::<String>::new());
        assert_eq!(judge("a/b.rs", "fn main() {}\n").len(), 1);
        assert_eq!(judge("a/b.rs", "//! A thing.\nfn main() { todo!() }\n").len(), 1);
        assert_eq!(judge("a/b.yaml", "path: /root/x\n").len(), 1);
    }
}
