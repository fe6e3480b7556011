//! UpdateFeatures: raising and lowering the levels of features, once every node of the cluster can live with them.

use ottla_wire::{ConfigRecord, ErrorCode, FeatureLevelRecord, NoOpRecord};

use super::effective::effective;
use super::{Context, Outcome, Record, Refusal, outcome};
use crate::image::features::{ELIGIBLE_LEADER_REPLICAS, KRAFT_VERSION, METADATA_VERSION, feature};
use crate::image::{LevelRange, MetadataVersion, Resource, ResourceType};

/// What a client allows itself to do to a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeType {
    /// Only raise it.
    Upgrade,
    /// Lower it too, where nothing is lost.
    SafeDowngrade,
    /// Lower it whatever is lost; Kafka refuses that for metadata.version all the same.
    UnsafeDowngrade,
    /// A number that is none of these.
    Unknown,
}

impl UpgradeType {
    /// The type of a request's number.
    pub fn from_code(code: i8) -> UpgradeType {
        match code {
            1 => UpgradeType::Upgrade,
            2 => UpgradeType::SafeDowngrade,
            3 => UpgradeType::UnsafeDowngrade,
            _ => UpgradeType::Unknown,
        }
    }
}

/// One feature's new level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureUpdate {
    /// Which feature.
    pub name: String,
    /// To which level; 0 turns it off.
    pub level: i16,
    /// What is allowed.
    pub upgrade: UpgradeType,
}

/// Changes levels, all or none; or with `validate_only` says whether it could be done.
pub fn decide_update_features(context: Context<'_>, updates: &[FeatureUpdate], validate_only: bool) -> Outcome<()> {
    let made: Result<Vec<Option<Record>>, Refusal> =
        updates.iter().map(|update| update_feature(context, updates, update)).collect();
    outcome(made.map(|made| {
        let mut records = Vec::new();
        if !validate_only {
            let keeps_elr = |update: &FeatureUpdate| update.name == ELIGIBLE_LEADER_REPLICAS && 0 < update.level;
            if updates.iter().any(keeps_elr) {
                records.extend(elr_safety_records(context));
            }
            records.extend(made.into_iter().flatten());
        }
        (records, ())
    }))
}

fn update_feature(
    context: Context<'_>,
    updates: &[FeatureUpdate],
    update: &FeatureUpdate,
) -> Result<Option<Record>, Refusal> {
    let FeatureUpdate { name, level, upgrade } = update;
    let refuse = |why: &str| {
        let message = format!("Invalid update version {level} for feature {name}. {why}");
        Err(Refusal::new(ErrorCode::InvalidUpdateVersion, message))
    };
    if *upgrade == UpgradeType::Unknown {
        return refuse("The controller does not support the given upgrade type.");
    }
    if *level < 0 {
        return refuse("A feature version cannot be less than 0.");
    }
    if let Some(why) = why_not_supported(context, name, *level) {
        return refuse(&why);
    }
    let current = match name.as_str() {
        KRAFT_VERSION => context.kraft_version,
        name => context.image.features.level(name),
    };
    if *level < current && *upgrade == UpgradeType::Upgrade {
        return refuse(
            "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe \
             downgrade.",
        );
    }
    if current < *level && *upgrade != UpgradeType::Upgrade {
        return refuse("Can't downgrade to a newer version.");
    }
    let record = FeatureLevelRecord { name: name.clone().into(), feature_level: *level };
    match name.as_str() {
        METADATA_VERSION => {
            check_metadata_downgrade(context, MetadataVersion(*level), *upgrade)?;
            Ok(Some(record.into()))
        }
        // Its level is the quorum's. Ours is 1 from the first record on; a log that began with static voters stays so.
        KRAFT_VERSION if current < *level => refuse("This controller cannot turn static voters into dynamic ones."),
        KRAFT_VERSION if *level < current => refuse("Can't downgrade the version of this feature."),
        KRAFT_VERSION if *upgrade == UpgradeType::Upgrade => Ok(Some(NoOpRecord {}.into())),
        KRAFT_VERSION => Ok(None),
        name => {
            let proposed = updates.iter().rev().find(|update| update.name == METADATA_VERSION);
            let metadata_version = proposed.map_or(context.metadata_version().0, |update| update.level);
            let needs = feature(name).map_or(MetadataVersion::MINIMUM, |known| known.needs);
            if 0 < *level && metadata_version < needs.0 {
                return refuse(&format!(
                    "{name} could not be set to {level} because it depends on metadata.version level {}",
                    needs.0
                ));
            }
            Ok(Some(record.into()))
        }
    }
}

fn check_metadata_downgrade(context: Context<'_>, to: MetadataVersion, upgrade: UpgradeType) -> Result<(), Refusal> {
    let from = context.metadata_version();
    if to.name().is_none() {
        let message = format!(
            "Invalid metadata.version {}. Valid versions are from {} to {}.",
            to.0,
            MetadataVersion::MINIMUM.0,
            MetadataVersion::LATEST_KNOWN_TO_KAFKA.0
        );
        return Err(Refusal::new(ErrorCode::InvalidUpdateVersion, message));
    }
    if from <= to || !from.loses_metadata_at(to) {
        return Ok(());
    }
    let why = match upgrade {
        UpgradeType::UnsafeDowngrade => "Unsafe metadata downgrade is not supported in this version.",
        _ => "Refusing to perform the requested downgrade because it might delete metadata information.",
    };
    let message = format!("Unsupported metadata.version downgrade from {} to {}. {why}", from.0, to.0);
    Err(Refusal::new(ErrorCode::InvalidUpdateVersion, message))
}

/// Why a node of the cluster could not live with a level; `None` when all can.
fn why_not_supported(context: Context<'_>, name: &str, level: i16) -> Option<String> {
    let why = |what: String, range: Option<LevelRange>| match range.unwrap_or(LevelRange { min: 0, max: 0 }) {
        range if range.contains(level) => None,
        LevelRange { max: 0, .. } => Some(format!("{what} does not support this feature.")),
        LevelRange { min, max } if min == max => Some(format!("{what} only supports versions {min}")),
        LevelRange { min, max } => Some(format!("{what} only supports versions {min}-{max}")),
    };
    let own_id = context.config.node_id;
    let own = context.image.features.supported();
    let cluster = &context.image.cluster;
    let brokers = cluster.brokers.values().map(|broker| (format!("Broker {}", broker.id), &broker.features));
    let controllers = cluster.controllers.values().filter(|controller| controller.id != own_id);
    let controllers = controllers.map(|controller| (format!("Controller {}", controller.id), &controller.features));
    let nodes = [(format!("Local controller {own_id}"), &own)].into_iter().chain(brokers).chain(controllers);
    nodes.into_iter().find_map(|(what, features)| why(what, features.get(name).copied()))
}

/// With eligible leader replicas the minimum ISR must be the same for every controller: it becomes a setting of all
/// brokers, and those of single brokers go.
fn elr_safety_records(context: Context<'_>) -> Vec<Record> {
    const MIN_ISR: &str = "min.insync.replicas";
    let record = |resource: &Resource, value: Option<String>| {
        Record::from(ConfigRecord {
            resource_type: resource.kind.0,
            resource_name: resource.name.clone().into(),
            name: MIN_ISR.into(),
            value: value.map(Into::into),
        })
    };
    let configs = &context.image.configs;
    let mut records = Vec::new();
    if configs.value(&Resource::all_brokers(), MIN_ISR).is_none() {
        let key = ottla_config::catalogue::topic_key(MIN_ISR).expect("the table has it");
        let statically = context.config.layers.file.get(MIN_ISR).map(str::to_owned);
        let value = statically.or_else(|| effective(context, key, None).0);
        records.push(record(&Resource::all_brokers(), value));
    }
    let mut brokers: Vec<&Resource> = configs.iter().map(|(resource, _)| resource).collect();
    brokers.retain(|resource| resource.kind == ResourceType::BROKER && !resource.name.is_empty());
    brokers.retain(|resource| configs.value(resource, MIN_ISR).is_some());
    brokers.sort();
    records.extend(brokers.into_iter().map(|resource| record(resource, None)));
    records
}
