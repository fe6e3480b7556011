//! Every schema file, read.

use std::fs;
use std::path::Path;

use ottla_wire_schema::{Message, parse};

/// All messages that have a version.
///
/// # Panics
/// When a file cannot be read or is wrong, with its name.
pub fn messages() -> Vec<Message> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../broker/core/wire/schema");
    let mut messages = Vec::new();
    for folder in ["network", "metadata", "groups", "transactions", "shares", "quorum", "storage"] {
        for entry in fs::read_dir(root.join(folder)).expect("the schema folder") {
            let path = entry.expect("an entry of the schema folder").path();
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            messages.push(parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
    }
    messages.retain(|message| !message.versions.is_empty());
    messages.sort_by(|left, right| left.name.cmp(&right.name));
    messages
}
