//! The finalized features, and what is known of each: which levels Kafka 4.4 has, and up to which one we serve.
//!
//! A cluster of ours finalizes metadata.version and kraft.version, and every other feature stays 0 until it is served.
//! A log that Apache Kafka wrote keeps the levels it has: they are in the image and in every snapshot, and a broker of
//! ours claims them as supported so that it may register there, but serves nothing that it does not have.

use std::collections::BTreeMap;

use super::cluster::LevelRange;

/// The name of the feature that gates the formats of metadata records.
pub const METADATA_VERSION: &str = "metadata.version";
/// The name of the feature that gates the quorum's own records; it is kept by the quorum, not among these.
pub const KRAFT_VERSION: &str = "kraft.version";
/// The name of the feature that keeps eligible leader replicas.
pub const ELIGIBLE_LEADER_REPLICAS: &str = "eligible.leader.replicas.version";

/// A level of metadata.version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetadataVersion(pub i16);

/// Name of each level from 7 on, and whether it changed the metadata: a downgrade across it would lose some.
const LEVELS: &[(&str, bool)] = &[
    ("3.3-IV3", true),
    ("3.4-IV0", true),
    ("3.5-IV0", false),
    ("3.5-IV1", false),
    ("3.5-IV2", true),
    ("3.6-IV0", false),
    ("3.6-IV1", true),
    ("3.6-IV2", true),
    ("3.7-IV0", true),
    ("3.7-IV1", false),
    ("3.7-IV2", true),
    ("3.7-IV3", false),
    ("3.7-IV4", false),
    ("3.8-IV0", false),
    ("3.9-IV0", false),
    ("4.0-IV0", false),
    ("4.0-IV1", true),
    ("4.0-IV2", false),
    ("4.0-IV3", false),
    ("4.1-IV0", false),
    ("4.1-IV1", false),
    ("4.2-IV0", false),
    ("4.2-IV1", false),
    ("4.3-IV0", true),
    ("4.4-IV0", false),
    ("4.4-IV1", true),
    ("4.4-IV2", true),
];

impl MetadataVersion {
    /// 3.3-IV3, from which Kafka 4 can upgrade.
    pub const MINIMUM: MetadataVersion = MetadataVersion(7);
    /// 4.4-IV2.
    pub const LATEST: MetadataVersion = MetadataVersion(33);
    /// The highest number that Kafka 4.4 knows at all (4.5-IV0, unreleased); messages name it.
    pub const LATEST_KNOWN_TO_KAFKA: MetadataVersion = MetadataVersion(34);

    /// Kafka's name of the level, `4.4-IV2`.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|(name, _)| *name)
    }

    /// The level of a name: `4.4-IV2`, or `4.4` for the last of a release.
    pub fn named(name: &str) -> Option<MetadataVersion> {
        let of_release = |row: &&str| row.split_once('-').is_some_and(|(release, _)| release == name);
        let place = LEVELS.iter().rposition(|(row, _)| *row == name || of_release(row))?;
        Some(MetadataVersion(MetadataVersion::MINIMUM.0 + place as i16))
    }

    /// Whether going from this level to a lower one would lose metadata.
    pub fn loses_metadata_at(self, lower: MetadataVersion) -> bool {
        (lower.0 + 1..=self.0).any(|level| MetadataVersion(level).row().is_none_or(|(_, changed)| *changed))
    }

    fn row(self) -> Option<&'static (&'static str, bool)> {
        LEVELS.get(usize::try_from(self.0 - MetadataVersion::MINIMUM.0).ok()?)
    }

    /// Whether a leader gets a new epoch when its ISR shrinks (before 3.6-IV0).
    pub fn bumps_leader_epoch_on_isr_shrink(self) -> bool {
        self < MetadataVersion(12)
    }

    /// Whether metadata transactions exist (3.6-IV1).
    pub fn has_transactions(self) -> bool {
        MetadataVersion(13) <= self
    }

    /// Whether controllers register (3.7-IV0).
    pub fn has_controller_registration(self) -> bool {
        MetadataVersion(15) <= self
    }

    /// Whether replicas have directories (3.7-IV2).
    pub fn has_directories(self) -> bool {
        MetadataVersion(17) <= self
    }

    /// Whether eligible leader replicas can be written (4.0-IV1).
    pub fn has_elr(self) -> bool {
        MetadataVersion(23) <= self
    }

    /// Whether directories can be cordoned (4.3-IV0).
    pub fn has_cordoned_directories(self) -> bool {
        MetadataVersion(30) <= self
    }

    /// Whether controllers can be unregistered (4.4-IV2).
    pub fn has_controller_unregistration(self) -> bool {
        MetadataVersion(33) <= self
    }
}

impl core::fmt::Display for MetadataVersion {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "unknown level {}", self.0),
        }
    }
}

/// One feature of Kafka 4.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// The lowest level that Kafka 4.4 knows.
    pub min: i16,
    /// The highest.
    pub max: i16,
    /// The highest that we serve. Raising it is what makes a feature available; UpdateFeatures then turns it on.
    pub served: i16,
    /// What a level above 0 needs of metadata.version.
    pub needs: MetadataVersion,
}

/// All of them, sorted by name.
pub const FEATURES: &[Feature] = &[
    Feature { name: ELIGIBLE_LEADER_REPLICAS, min: 0, max: 1, served: 0, needs: MetadataVersion(23) },
    Feature { name: "group.version", min: 0, max: 1, served: 0, needs: MetadataVersion::MINIMUM },
    Feature { name: KRAFT_VERSION, min: 0, max: 1, served: 1, needs: MetadataVersion::MINIMUM },
    Feature { name: METADATA_VERSION, min: 7, max: 33, served: 33, needs: MetadataVersion::MINIMUM },
    Feature { name: "share.version", min: 0, max: 2, served: 0, needs: MetadataVersion::MINIMUM },
    Feature { name: "streams.version", min: 0, max: 1, served: 0, needs: MetadataVersion::MINIMUM },
    Feature { name: "transaction.version", min: 0, max: 2, served: 0, needs: MetadataVersion::MINIMUM },
];

/// The feature of this name.
pub fn feature(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|feature| feature.name == name)
}

/// What the log finalized.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Nothing before the first record of a log.
    pub metadata_version: Option<MetadataVersion>,
    /// Every other feature above level 0; kraft.version is the quorum's and not among them.
    pub levels: BTreeMap<String, i16>,
}

impl Features {
    /// The level of a feature; 0 for what was never finalized.
    pub fn level(&self, name: &str) -> i16 {
        match name {
            METADATA_VERSION => self.metadata_version.map_or(0, |version| version.0),
            _ => self.levels.get(name).copied().unwrap_or(0),
        }
    }

    /// metadata.version, or the lowest there is while nothing is finalized.
    pub fn metadata_version(&self) -> MetadataVersion {
        self.metadata_version.unwrap_or(MetadataVersion::MINIMUM)
    }

    /// Whether eligible leader replicas are kept.
    pub fn elr_enabled(&self) -> bool {
        1 <= self.level(ELIGIBLE_LEADER_REPLICAS)
    }

    /// What a node of ours says that it supports, in ApiVersions and when it registers: what we serve, and what the log
    /// of a cluster of Apache Kafka had finalized before we came to it. Features whose highest level is 0 are left out.
    pub fn supported(&self) -> BTreeMap<String, LevelRange> {
        let served = FEATURES.iter().map(|feature| {
            let max = feature.served.max(self.level(feature.name).min(feature.max));
            (feature.name.to_owned(), LevelRange { min: feature.min, max })
        });
        served.filter(|(_, range)| 0 < range.max).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_kafkas_names() {
        assert_eq!(MetadataVersion::LATEST.name(), Some("4.4-IV2"));
        assert_eq!(MetadataVersion::MINIMUM.name(), Some("3.3-IV3"));
        assert_eq!(MetadataVersion(34).name(), None);
        assert_eq!(MetadataVersion::named("3.9-IV0"), Some(MetadataVersion(21)));
        assert_eq!(MetadataVersion::named("4.0"), Some(MetadataVersion(25)));
        assert_eq!(MetadataVersion::named("4"), None);
    }

    #[test]
    fn a_downgrade_is_safe_only_across_levels_that_changed_nothing() {
        let loses = |from, to| MetadataVersion(from).loses_metadata_at(MetadataVersion(to));
        assert!(loses(33, 32) && loses(33, 7) && loses(23, 22));
        assert!(!loses(29, 23) && !loses(31, 30) && !loses(33, 33));
    }

    #[test]
    fn what_another_log_finalized_is_supported_and_nothing_more() {
        let mut features = Features { metadata_version: Some(MetadataVersion(33)), ..Features::default() };
        let names = |features: &Features| features.supported().into_keys().collect::<Vec<_>>().join(" ");
        assert_eq!(names(&features), "kraft.version metadata.version");
        features.levels.insert("transaction.version".into(), 2);
        assert_eq!(names(&features), "kraft.version metadata.version transaction.version");
        assert_eq!(features.supported()["transaction.version"], LevelRange { min: 0, max: 2 });
    }
}
