//! Reads the schema folders.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use ottla_wire_schema::{Message, parse};

/// Folders in the order in which a newcomer should meet them; each becomes a module.
pub(super) const FOLDERS: [&str; 7] = ["network", "metadata", "groups", "transactions", "shares", "quorum", "storage"];

/// One message and where it stands.
pub(super) struct Source {
    pub(super) folder: &'static str,
    /// The file's name without its ending; the generated module is called the same.
    pub(super) module: String,
    pub(super) message: Message,
}

/// One line pair of `error_codes.schema`.
pub(super) struct ErrorCode {
    pub(super) code: i16,
    pub(super) name: String,
    pub(super) retriable: bool,
    pub(super) refreshes_metadata: bool,
    pub(super) message: Option<String>,
}

/// Everything that is written down.
pub(super) struct Schema {
    pub(super) messages: Vec<Source>,
    pub(super) error_codes: Vec<ErrorCode>,
}

impl Schema {
    /// The messages that have a version.
    pub(super) fn live(&self) -> impl Iterator<Item = &Source> {
        self.messages.iter().filter(|source| !source.message.versions.is_empty())
    }
}

pub(super) fn load(root: &Path) -> Result<Schema> {
    let mut messages = Vec::new();
    for folder in FOLDERS {
        let path = root.join(folder);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).with_context(|| format!("list {}", path.display()))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        for name in names {
            let Some(module) = name.strip_suffix(".schema") else { bail!("{folder}/{name} is no schema") };
            let text = fs::read_to_string(path.join(&name)).with_context(|| format!("read {folder}/{name}"))?;
            let message = parse(&text).with_context(|| format!("{folder}/{name}"))?;
            messages.push(Source { folder, module: module.to_owned(), message });
        }
    }
    let path = root.join("error_codes.schema");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    Ok(Schema { messages, error_codes: error_codes(&text)? })
}

/// `NUMBER NAME, attribute, …`, and indented below what it says.
fn error_codes(text: &str) -> Result<Vec<ErrorCode>> {
    let mut codes: Vec<ErrorCode> = Vec::new();
    for line in text.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        if let Some(message) = line.strip_prefix("  ") {
            let code = codes.last_mut().context("the first error has a number")?;
            code.message = Some(message.to_owned());
            continue;
        }
        let mut pieces = line.split(", ");
        let (code, name) = pieces.next().unwrap_or_default().split_once(' ').context("an error has number and name")?;
        let attributes: Vec<&str> = pieces.collect();
        codes.push(ErrorCode {
            code: code.parse().with_context(|| format!("`{line}`"))?,
            name: name.to_owned(),
            retriable: attributes.contains(&"retriable"),
            refreshes_metadata: attributes.contains(&"refreshes-metadata"),
            message: None,
        });
    }
    Ok(codes)
}
