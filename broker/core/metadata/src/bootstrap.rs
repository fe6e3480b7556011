//! How a cluster's metadata begins: the records that formatting decides, and the snapshot `0-0` that carries them to the
//! first leader, with the voters where the cluster is formatted with them.
//!
//! Kafka 4.4's storage tool writes that snapshot into `__cluster_metadata-0`; earlier ones wrote a file
//! `bootstrap.checkpoint` of the same batches beside it. The first leader appends the records to the log, in a
//! transaction ([`crate::decide::activate`]).

use ottla_records::BuildError;
use ottla_vocabulary::Timestamp;
use ottla_wire::{FeatureLevelRecord, VotersRecord};

use crate::decide::Record;
use crate::image::features::{FEATURES, KRAFT_VERSION, METADATA_VERSION};
use crate::image::{Features, Image, MetadataVersion};
use crate::snapshot::{Quorum, SnapshotError, SnapshotId, image_records, read_snapshot, write_snapshot};

/// What may be wrong with the levels that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// No such feature.
    #[error("Unsupported feature: {0}. Supported features are: {known}", known = known())]
    Unknown(String),
    /// No such level, or none that we serve.
    #[error("feature {name} cannot be set to {level}: levels {min} to {max} are supported")]
    Level {
        /// The feature.
        name: &'static str,
        /// The level.
        level: i16,
        /// The lowest.
        min: i16,
        /// The highest.
        max: i16,
    },
}

fn known() -> String {
    FEATURES.iter().map(|feature| feature.name).collect::<Vec<_>>().join(", ")
}

/// The records that a new cluster begins with: metadata.version, kraft.version 1, and the features that were asked for.
/// Every other feature stays at level 0 until it is served.
///
/// # Errors
/// When a level is asked for that we do not serve.
pub fn bootstrap_records(asked: &[(String, i16)]) -> Result<Vec<Record>, LevelError> {
    for (name, level) in asked {
        let feature = FEATURES.iter().find(|feature| feature.name == name);
        let feature = feature.ok_or_else(|| LevelError::Unknown(name.clone()))?;
        let min = if name == KRAFT_VERSION { 1 } else { feature.min };
        if !(min..=feature.served).contains(level) {
            let (name, level, max) = (feature.name, *level, feature.served);
            return Err(LevelError::Level { name, level, min, max });
        }
    }
    let level = |name: &str| {
        let asked = asked.iter().rev().find(|(asked, _)| asked == name).map(|(_, level)| *level);
        asked.unwrap_or(match name {
            METADATA_VERSION => MetadataVersion::LATEST.0,
            KRAFT_VERSION => 1,
            _ => 0,
        })
    };
    let record = |name: &'static str| FeatureLevelRecord { name: name.into(), feature_level: level(name) }.into();
    let others =
        FEATURES.iter().map(|feature| feature.name).filter(|name| *name != METADATA_VERSION && 0 < level(name));
    Ok([record(METADATA_VERSION)].into_iter().chain(others.map(record)).collect())
}

/// The content of the snapshot `0-0`. Without voters the node is no initial controller and learns of them later.
///
/// # Errors
/// When a batch gets too large for the format.
pub fn bootstrap_snapshot(
    records: Vec<Record>,
    voters: Option<VotersRecord<'static>>,
    now: Timestamp,
) -> Result<Vec<u8>, BuildError> {
    let features = Features { metadata_version: Some(MetadataVersion::LATEST), ..Features::default() };
    let image = Image { features: features.into(), ..Image::default() };
    let quorum = Quorum { last_record: now, kraft_version: 1, voters };
    let mut bytes = Vec::new();
    write_snapshot(SnapshotId::BOOTSTRAP, records.into_iter(), &image, &quorum, now, &mut |batch| {
        bytes.extend_from_slice(batch);
        Ok::<_, BuildError>(())
    })?;
    Ok(bytes)
}

/// Reads the snapshot `0-0`: the records for the first leader, and the voters.
///
/// # Errors
/// When the bytes are not a whole snapshot.
pub fn read_bootstrap(bytes: &[u8]) -> Result<(Vec<Record>, Quorum), SnapshotError> {
    let (metadata, quorum) = read_snapshot(SnapshotId::BOOTSTRAP, bytes)?;
    Ok((image_records(metadata.image()).collect(), quorum))
}
