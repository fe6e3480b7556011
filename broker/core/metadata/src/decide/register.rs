//! BrokerRegistration and ControllerRegistration: a node says who it is, where it listens and what it supports.
//!
//! A broker begins fenced, and its epoch is the offset at which its registration goes into the log.

use std::collections::BTreeSet;

use ottla_vocabulary::{BrokerEpoch, Instant, NodeId, Offset, Uuid};
use ottla_wire::register_broker_record::{BrokerEndpoint, BrokerFeature};
use ottla_wire::register_controller_record::{ControllerEndpoint, ControllerFeature};
use ottla_wire::{
    BrokerRegistrationRequest, ControllerRegistrationRequest, ErrorCode, RegisterBrokerRecord, RegisterControllerRecord,
};

use super::leadership::{BrokerChange, on_broker_change};
use super::{Context, Outcome, Record, Refusal, outcome};
use crate::image::features::{KRAFT_VERSION, METADATA_VERSION};
use crate::image::{LevelRange, directory};
use crate::sessions::Sessions;

/// Registers a broker; the reply is its epoch. `end` is where the next record of the log goes; `says_previous_epoch`
/// whether the request's version (3 and later) lets a broker say that it stopped cleanly.
pub fn decide_register_broker(
    context: Context<'_>,
    sessions: &Sessions,
    request: &BrokerRegistrationRequest<'_>,
    says_previous_epoch: bool,
    end: Offset,
    now: Instant,
) -> Outcome<BrokerEpoch> {
    outcome(register_broker(context, sessions, request, says_previous_epoch, end, now))
}

fn register_broker(
    context: Context<'_>,
    sessions: &Sessions,
    request: &BrokerRegistrationRequest<'_>,
    says_previous_epoch: bool,
    end: Offset,
    now: Instant,
) -> Result<(Vec<Record>, BrokerEpoch), Refusal> {
    let id = NodeId(request.broker_id);
    let existing = context.image.cluster.broker(id);
    check_cluster_id(context, &request.cluster_id)?;
    if let Some(broker) = existing
        && broker.incarnation != request.incarnation_id
        && sessions.is_valid(id, broker.epoch, now)
    {
        return Err(Refusal::new(
            ErrorCode::DuplicateBrokerRegistration,
            "Another broker is registered with that broker id. If the broker was recently restarted this should \
             self-resolve once the heartbeat manager expires the broker's session.",
        ));
    }
    if request.is_migrating_zk_broker {
        let message = "Controller does not support registering ZK brokers.";
        return Err(Refusal::new(ErrorCode::BrokerIdNotRegistered, message));
    }
    let directories: Vec<Uuid> = request.log_dirs.iter().collect();
    if context.metadata_version().has_directories() {
        check_directories(context, id, &directories)?;
    }
    check_features(context, request)?;
    let mut record = RegisterBrokerRecord {
        broker_id: id.0,
        incarnation_id: request.incarnation_id,
        rack: request.rack.as_deref().map(|rack| rack.to_owned().into()),
        end_points: request
            .listeners
            .iter()
            .map(|listener| BrokerEndpoint {
                name: listener.name.into_owned().into(),
                host: listener.host.into_owned().into(),
                port: listener.port,
                security_protocol: listener.security_protocol,
            })
            .collect(),
        features: request
            .features
            .iter()
            .map(|feature| BrokerFeature {
                name: feature.name.into_owned().into(),
                min_supported_version: feature.min_supported_version,
                max_supported_version: feature.max_supported_version,
            })
            .collect(),
        fenced: true,
        ..RegisterBrokerRecord::default()
    };
    if context.metadata_version().has_directories() {
        record.log_dirs = directories.into();
    }
    let mut records = Vec::new();
    match existing.filter(|broker| broker.incarnation == request.incarnation_id) {
        Some(same_life) => {
            record.fenced = same_life.fenced;
            record.in_controlled_shutdown = same_life.in_controlled_shutdown;
            record.broker_epoch = same_life.epoch.0;
        }
        None => {
            let former_epoch = existing.map_or(-2, |broker| broker.epoch.0);
            let stopped_cleanly = says_previous_epoch && former_epoch == request.previous_broker_epoch;
            let keeps_elr = context.image.features.elr_enabled();
            let change = match stopped_cleanly || !keeps_elr {
                true => BrokerChange::Leaves(id),
                false => BrokerChange::StoppedUncleanly(id),
            };
            records = on_broker_change(context, change);
            record.broker_epoch = end.0;
        }
    }
    let epoch = BrokerEpoch(record.broker_epoch);
    records.push(record.into());
    Ok((records, epoch))
}

/// Registers a controller.
pub fn decide_register_controller(context: Context<'_>, request: &ControllerRegistrationRequest<'_>) -> Outcome<()> {
    if !context.metadata_version().has_controller_registration() {
        let message = "The current MetadataVersion is too old to support controller registrations.";
        return outcome(Err(Refusal::new(ErrorCode::UnsupportedVersion, message)));
    }
    let record = RegisterControllerRecord {
        controller_id: request.controller_id,
        incarnation_id: request.incarnation_id,
        zk_migration_ready: false,
        end_points: request
            .listeners
            .iter()
            .map(|listener| ControllerEndpoint {
                name: listener.name.into_owned().into(),
                host: listener.host.into_owned().into(),
                port: listener.port,
                security_protocol: listener.security_protocol,
            })
            .collect(),
        features: request
            .features
            .iter()
            .map(|feature| ControllerFeature {
                name: feature.name.into_owned().into(),
                min_supported_version: feature.min_supported_version,
                max_supported_version: feature.max_supported_version,
            })
            .collect(),
    };
    outcome(Ok((vec![record.into()], ())))
}

fn check_cluster_id(context: Context<'_>, cluster_id: &str) -> Result<(), Refusal> {
    if cluster_id == context.cluster_id {
        return Ok(());
    }
    let message = format!("Expected cluster ID {}, but got cluster ID {cluster_id}", context.cluster_id);
    Err(Refusal::new(ErrorCode::InconsistentClusterId, message))
}

fn check_directories(context: Context<'_>, id: NodeId, directories: &[Uuid]) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::new(ErrorCode::InvalidRegistration, message));
    if directories.is_empty() {
        return refuse("No directories specified in request".to_owned());
    }
    if directories.iter().any(|id| directory::is_reserved(*id)) {
        return refuse("Reserved directory ID in request".to_owned());
    }
    let distinct: BTreeSet<&Uuid> = directories.iter().collect();
    if distinct.len() != directories.len() {
        return refuse("Duplicate directory ID in request".to_owned());
    }
    for other in context.image.cluster.brokers.values().filter(|broker| broker.id != id) {
        if let Some(taken) = other.directories.iter().find(|directory| distinct.contains(directory)) {
            return refuse(format!("Broker {} is already registered with directory {taken}", other.id));
        }
    }
    Ok(())
}

/// A broker must be able to live with every level that is finalized.
fn check_features(context: Context<'_>, request: &BrokerRegistrationRequest<'_>) -> Result<(), Refusal> {
    let finalized = |name: &str| match name {
        KRAFT_VERSION => context.kraft_version,
        METADATA_VERSION => context.metadata_version().0,
        name => context.image.features.level(name),
    };
    let check = |name: &str, range: LevelRange| {
        let level = finalized(name);
        if range.contains(level) {
            return Ok(());
        }
        let message = format!(
            "Unable to register because the broker does not support finalized version {level} of {name}. The broker \
             wants a version between {} and {}, inclusive.",
            range.min, range.max
        );
        Err(Refusal::new(ErrorCode::UnsupportedVersion, message))
    };
    let mut named = BTreeSet::new();
    for feature in &request.features {
        let range = LevelRange { min: feature.min_supported_version, max: feature.max_supported_version };
        check(&feature.name, range)?;
        named.insert(feature.name.into_owned());
    }
    if !named.contains(METADATA_VERSION) {
        let message = "Request features do not contain 'metadata.version'";
        return Err(Refusal::new(ErrorCode::InvalidRegistration, message));
    }
    let others = context.image.features.levels.keys().map(String::as_str).chain([KRAFT_VERSION]);
    for name in others.filter(|name| !named.contains(*name)) {
        check(name, LevelRange { min: 0, max: 0 })?;
    }
    Ok(())
}
