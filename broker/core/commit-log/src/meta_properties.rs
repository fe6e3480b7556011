//! Who a log directory belongs to (`meta.properties`, version 1): the cluster, the node, and the directory's own id. A
//! broker refuses a directory of another cluster or node, and a copy of one that it has already.

use std::path::Path;

use ottla_vocabulary::{NodeId, Uuid};

use crate::files::{Durability, FileError, Files, read_whole, replace_whole};
use crate::layout::META_PROPERTIES;

/// Four short lines and a comment.
const BYTES_MAX: u64 = 64 << 10;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// The cluster's id: any text, though Kafka makes it from a UUID.
    pub cluster_id: String,
    /// The node's id.
    pub node_id: NodeId,
    /// The directory's id; Kafka before 3.7 gave none.
    pub directory_id: Option<Uuid>,
}

/// Why the file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaPropertiesError {
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not such a file.
    #[error("{path} {what}")]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Reads the file of a log directory; `None` when the directory was not formatted.
///
/// # Errors
/// When the disk refuses, or the file says not what it must.
pub fn read<F: Files>(files: &F, directory: &Path) -> Result<Option<MetaProperties>, MetaPropertiesError> {
    let path = directory.join(META_PROPERTIES);
    let Some(text) = read_whole(files, &path, BYTES_MAX)? else { return Ok(None) };
    let malformed = |what| MetaPropertiesError::Malformed { path: path.display().to_string(), what };
    parse(&text).map(Some).map_err(malformed)
}

/// Writes the file of a log directory; afterwards it survives a loss of power.
///
/// # Errors
/// When the disk refuses.
pub fn write<F: Files>(files: &F, directory: &Path, properties: &MetaProperties) -> Result<(), FileError> {
    replace_whole(files, &directory.join(META_PROPERTIES), render(properties).as_bytes(), Durability::Synced)
}

fn render(properties: &MetaProperties) -> String {
    let MetaProperties { cluster_id, node_id, directory_id } = properties;
    let directory = directory_id.map_or(String::new(), |id| format!("directory.id={id}\n"));
    format!("#\nversion=1\ncluster.id={}\nnode.id={node_id}\n{directory}", escape(cluster_id))
}

/// Java's way to write a property's value.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for (place, letter) in value.chars().enumerate() {
        match letter {
            '\\' | '=' | ':' | '#' | '!' => escaped.extend(['\\', letter]),
            ' ' if place == 0 => escaped.push_str("\\ "),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            ' '..='~' => escaped.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04X}"));
                }
            }
        }
    }
    escaped
}

fn parse(text: &[u8]) -> Result<MetaProperties, String> {
    let properties = java_properties::read(text).map_err(|error| format!("is not a properties file: {error}"))?;
    let needed = |key: &str| properties.get(key).ok_or_else(|| format!("has no {key}"));
    let version = needed("version")?;
    let node_key = match version.as_str() {
        "1" => "node.id",
        "0" => "broker.id", // of a cluster that was once run with ZooKeeper
        _ => return Err(format!("has version {version}, of which nothing is known")),
    };
    let node = needed(node_key)?;
    let node_id = node.parse().map(NodeId).map_err(|_| format!("has {node_key} `{node}`, which is no number"))?;
    let directory = properties.get("directory.id");
    let directory_id = directory.map(|id| id.parse::<Uuid>().map_err(|error| format!("has directory.id {error}")));
    Ok(MetaProperties { cluster_id: needed("cluster.id")?.clone(), node_id, directory_id: directory_id.transpose()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kafka_wrote_is_read() {
        let text = "#\n#Sat Nov 21 10:53:00 UTC 2026\ncluster.id=b-VQjfUSQ9\\=x\ndirectory.id=vPeOCWypqUOSepEvx0cbog\nnode.id=7\nversion=1\n";
        let properties = parse(text.as_bytes()).unwrap();
        assert_eq!(properties.cluster_id, "b-VQjfUSQ9=x");
        assert_eq!(properties.node_id, NodeId(7));
        assert_eq!(properties.directory_id.map(|id| id.to_string()).as_deref(), Some("vPeOCWypqUOSepEvx0cbog"));
        assert_eq!(parse(render(&properties).as_bytes()), Ok(properties));
    }

    #[test]
    fn odd_cluster_ids_come_back() {
        for cluster_id in ["a=b:c#d!e\\f", " lead", "tab\tnew\nline", "schön"] {
            let properties =
                MetaProperties { cluster_id: cluster_id.to_owned(), node_id: NodeId(0), directory_id: None };
            assert_eq!(parse(render(&properties).as_bytes()), Ok(properties));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |text: &str| parse(text.as_bytes()).unwrap_err();
        assert_eq!(error(""), "has no version");
        assert_eq!(error("version=2"), "has version 2, of which nothing is known");
        assert_eq!(error("version=1\nnode.id=x"), "has node.id `x`, which is no number");
        assert_eq!(error("version=1\nnode.id=1"), "has no cluster.id");
        assert!(error("version=1\nnode.id=1\ncluster.id=c\ndirectory.id=d").starts_with("has directory.id `d` is not"));
    }
}
