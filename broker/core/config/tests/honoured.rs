//! A key that the table calls honoured is read by some code: its typed field is used outside this crate.
//!
//! It reads the sources as text: a field counts as read where `section.field` stands in code, not in a comment. Topic keys are read together through
//! `TopicConfig` and are not looked for here.

use std::path::Path;

use ottla_config::catalogue::broker_key;
use ottla_config::key::Honoured;

/// Parts that are not built and whose keys are read all the same: a core that has no peer yet, a topic that nobody uses.
const READ_ALREADY: &[&str] = &["a quorum of several voters", "transactions"];

#[test]
fn every_honoured_key_with_a_field_is_read() {
    let broker = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = String::new();
    for folder in ["core/api", "core/commit-log", "core/groups", "core/metadata", "core/node", "core/quorum", "server"]
    {
        collect(&broker.join(folder).join("src"), &mut sources);
    }
    let mut unread = Vec::new();
    let fields = fields();
    assert!(80 <= fields.len(), "the sections are read");
    for (key, path) in &fields {
        let honoured = broker_key(key).is_some_and(|key| matches!(key.honoured, Honoured::By(_)));
        if honoured && !contains_word(&sources, path) {
            unread.push(key.as_str());
        }
    }
    assert!(unread.is_empty(), "called honoured and read by nobody: {unread:#?}");
    let is_read = |(key, path): &&(String, String)| {
        let awaited = broker_key(key)
            .is_some_and(|key| matches!(key.honoured, Honoured::NotYet(part) if !READ_ALREADY.contains(&part)));
        awaited && contains_word(&sources, path)
    };
    let modest: Vec<_> = fields.iter().filter(is_read).map(|(key, _)| key).collect();
    assert!(modest.is_empty(), "read and called not honoured yet: {modest:#?}");
}

/// Key and `section.field` of every field in `sections.rs` whose doc begins with its key.
fn fields() -> Vec<(String, String)> {
    const SECTIONS: &[(&str, &str)] = &[
        ("QuorumConfig", "quorum"),
        ("SessionConfig", "session"),
        ("NetworkConfig", "network"),
        ("LogConfig", "log"),
        ("TopicCreation", "topics"),
        ("ReplicationConfig", "replication"),
        ("GroupConfig", "groups"),
        ("OffsetsConfig", "offsets"),
        ("TransactionConfig", "transactions"),
        ("ProducerConfig", "producers"),
        ("QuotaConfig", "quotas"),
    ];
    let mut fields = Vec::new();
    let (mut section, mut key) = ("", String::new());
    for line in include_str!("../src/broker/sections.rs").lines() {
        if let Some(name) = line.strip_prefix("pub struct ").and_then(|rest| rest.split(' ').next()) {
            section = SECTIONS.iter().find(|(kind, _)| *kind == name).expect("a known section").1;
        } else if let Some(name) = line.trim().strip_prefix("/// `").and_then(|rest| rest.split('`').next()) {
            name.clone_into(&mut key);
        } else if let Some(field) = line.strip_prefix("    pub ").and_then(|rest| rest.split(':').next()) {
            fields.push((std::mem::take(&mut key), format!("{section}.{field}")));
        }
    }
    fields
}

fn collect(folder: &Path, sources: &mut String) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            for line in std::fs::read_to_string(&path).unwrap_or_default().lines() {
                *sources += without_comment(line);
                sources.push('\n');
            }
        }
    }
}

/// A line of code up to its comment. One that begins within a text, as in `"http://…"`, cuts off more than the comment, at the
/// worst a field that is read nowhere else.
fn without_comment(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

#[test]
fn a_comment_reads_nothing() {
    assert_eq!(
        without_comment("    let slots = network.slots; // as `log.slots` says"),
        "    let slots = network.slots; "
    );
    assert_eq!(without_comment("/// Of `log.slots`."), "");
}

fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let after = text[at + word.len()..].chars().next();
        !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}
