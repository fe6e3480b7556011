//! What Kafka's own dump tool finds wrong with a log directory: it reads every file of every log in it, records and all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::tool::Tools;

/// Words that the tool complains with.
const FAULTS: [&str; 8] =
    ["mismatch", "isvalid: false", "out of order", "error", "exception", "could not", "corrupt", "unexpected"];

/// What a log is to the tool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Records,
    Offsets,
    Transactions,
    Metadata,
}

/// Every line with which the tool complains of a log in this directory, in any of its ways of reading. Only logs of
/// `compacted` topics may have gaps.
///
/// # Errors
/// When there is nothing to be read, or the tool does not read it to its end.
pub fn faults(tools: &mut Tools, data: &Path, compacted: &[&str]) -> Result<Vec<String>> {
    let mut logs: BTreeMap<Kind, Vec<PathBuf>> = BTreeMap::new();
    let mut indexes = Vec::new();
    for folder in entries(data)?.into_iter().filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let kind = match name.rsplit_once('-').map(|(topic, _)| topic) {
            Some("__consumer_offsets") => Kind::Offsets,
            Some("__transaction_state") => Kind::Transactions,
            Some("__cluster_metadata") => Kind::Metadata,
            _ => Kind::Records,
        };
        for file in entries(&folder)? {
            match file.extension().and_then(|extension| extension.to_str()) {
                Some("log" | "checkpoint" | "txnindex" | "snapshot") => logs.entry(kind).or_default().push(file),
                Some("index" | "timeindex") => {
                    // That of an index of the metadata log complains of Apache Kafka's own too: of every entry for a
                    // batch of more than one record.
                    if kind != Kind::Metadata {
                        logs.entry(kind).or_default().push(file.clone());
                    }
                    indexes.push(file);
                }
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    for (kind, files) in &logs {
        let options: &[&str] = match kind {
            Kind::Records => &["--deep-iteration"],
            Kind::Offsets => &["--offsets-decoder"],
            Kind::Transactions => &["--transaction-log-decoder"],
            Kind::Metadata => &["--cluster-metadata-decoder"],
        };
        found.extend(dump(tools, files, options, compacted)?);
    }
    ensure!(logs.contains_key(&Kind::Metadata) && !indexes.is_empty(), "find logs in {}", data.display());
    found.extend(dump(tools, &indexes, &["--index-sanity-check"], &[])?);
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    listed.map(|entry| Ok(entry?.path())).collect()
}

fn dump(tools: &mut Tools, files: &[PathBuf], options: &[&str], compacted: &[&str]) -> Result<Vec<String>> {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let text = tools.run("dump-log", &[options, &["--files", &names.join(",")]].concat(), None)?;
    let passed = text.output.lines().filter(|line| line.starts_with("Dumping ")).count();
    ensure!(text.status == 0 && passed == files.len(), "{passed} of {} files were read: {}", files.len(), text.errors);
    let mut found = Vec::new();
    let mut gaps_in = String::new();
    // Clients that other tools have left behind in the machine go on warning that their broker is gone.
    let errors = text.errors.lines().filter(|line| !line.contains(" WARN org.apache.kafka.clients"));
    for line in text.output.lines().chain(errors) {
        let lower = line.to_lowercase();
        if let Some((_, file)) = line.split_once("Non-consecutive offsets in ") {
            gaps_in = file.to_owned();
        } else if line.contains(" is followed by ") {
            // It takes the first record of every file for the successor of −1.
            let is_gap = !line.trim_start().starts_with("-1 ");
            let may_be = compacted.iter().any(|topic| gaps_in.contains(&format!("/{topic}-")));
            if is_gap && !may_be {
                found.push(format!("{gaps_in}: {}", line.trim_start()));
            }
        } else if FAULTS.iter().any(|word| lower.contains(word)) {
            found.push(line.to_owned());
        }
    }
    Ok(found)
}
