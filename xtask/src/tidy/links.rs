//! What a page of ours points at is there: the target of every relative link, and every file that a command of a `sh` block
//! names, taken from the root of the checkout.

use std::path::Path;

use anyhow::Result;

use crate::place;

/// Folders of the checkout from which commands name files. What lies under `target/` is made by the commands themselves.
const FOLDERS: &[&str] =
    &["broker/", "charts/", "crds/", "deploy/", "docs/", "images/", "operator/", "tests/", "xtask/"];

/// The links and names that lead nowhere.
///
/// # Errors
/// When git cannot list the pages or one cannot be read.
pub fn findings() -> Result<Vec<String>> {
    let is_there = |path: &Path| place::checkout().join(path).exists();
    Ok(super::texts(&["*.md"])?.iter().flat_map(|(file, text)| judge(file, text, is_there)).collect())
}

fn judge(file: &str, text: &str, is_there: impl Fn(&Path) -> bool) -> Vec<String> {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    let mut is_shell = false;
    for (number, line) in text.lines().enumerate() {
        let mut look = |path: &Path, said: &str| {
            if !is_there(path) {
                findings.push(format!("{file}:{}: there is no {said}", number + 1));
            }
        };
        if let Some(language) = line.strip_prefix("```") {
            is_shell = !is_shell && language == "sh";
        } else if is_shell {
            for word in line.split_whitespace().filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder))) {
                look(Path::new(word), word);
            }
        } else {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target) {
                let path = target.split('#').next().unwrap_or_default();
                if !path.is_empty() && !target.contains("://") {
                    look(&folder.join(path), target);
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_and_a_command_that_lead_nowhere_are_found() {
        let page = "[a](there.md#part) and [b](gone.md), [c](https://example.com/x)\n\
                    ```sh\nkubectl apply -f deploy/there.yaml\nkubectl apply -f deploy/gone.yaml # docs\n```\n\
                    Not a command: deploy/gone.yaml\n";
        let is_there = |path: &Path| ["docs/there.md", "deploy/there.yaml"].map(Path::new).contains(&path);
        let found = judge("docs/page.md", page, is_there);
        assert_eq!(found, ["docs/page.md:1: there is no gone.md", "docs/page.md:4: there is no deploy/gone.yaml"]);
    }
}
