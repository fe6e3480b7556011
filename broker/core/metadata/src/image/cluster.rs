//! The brokers and controllers that registered.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_vocabulary::{BrokerEpoch, NodeId, Offset, Uuid};
use ottla_wire::register_broker_record::{BrokerEndpoint, BrokerFeature};
use ottla_wire::register_controller_record::{ControllerEndpoint, ControllerFeature};
use ottla_wire::{Array, RegisterBrokerRecord, RegisterControllerRecord};

use super::features::MetadataVersion;
use super::partition::directory;

/// Where a node is reached under one listener's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The listener's name.
    pub listener: String,
    /// Host name or address, as advertised.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Kafka's number of the security protocol: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
    pub security_protocol: i16,
}

/// The levels of a feature that a node supports, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LevelRange {
    /// The lowest.
    pub min: i16,
    /// The highest.
    pub max: i16,
}

impl LevelRange {
    /// Whether this level is among them.
    pub fn contains(self, level: i16) -> bool {
        self.min <= level && level <= self.max
    }
}

/// A broker's registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Its id.
    pub id: NodeId,
    /// Which registration this is.
    pub epoch: BrokerEpoch,
    /// Which life of its process registered.
    pub incarnation: Uuid,
    /// Where clients and brokers reach it.
    pub endpoints: Vec<Endpoint>,
    /// What it supports.
    pub features: BTreeMap<String, LevelRange>,
    /// Its rack.
    pub rack: Option<String>,
    /// Whether it is kept from leading and from the ISR: it has not caught up yet, or is silent.
    pub fenced: bool,
    /// Whether it is going down in good order.
    pub in_controlled_shutdown: bool,
    /// Whether it once came over from ZooKeeper; kept for old logs.
    pub is_migrating_zk_broker: bool,
    /// Its log directories that are online.
    pub directories: Vec<Uuid>,
    /// Those of them that get no new replicas; `None` when it never said.
    pub cordoned: Option<Vec<Uuid>>,
    /// The offset of its registration: a broker is caught up once it has replayed that far.
    pub registered_at: Offset,
    /// The offset at which its controlled shutdown began.
    pub shutdown_at: Option<Offset>,
}

impl Broker {
    /// Whether it may lead and be in sync.
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }

    /// Whether a directory of it is online, as far as is known of unknown ones.
    pub fn has_online_directory(&self, id: Uuid) -> bool {
        match id {
            // Nobody said yet where the replica is: there is no reason to think that it is lost.
            directory::UNASSIGNED | directory::MIGRATING => true,
            directory::LOST => false,
            _ => self.directories.is_empty() || self.directories.contains(&id),
        }
    }

    /// Whether new replicas can be placed on it.
    pub fn has_uncordoned_directory(&self) -> bool {
        match &self.cordoned {
            Some(cordoned) if !self.directories.is_empty() => self.directories.iter().any(|id| !cordoned.contains(id)),
            _ => true,
        }
    }

    /// The directory that a new replica gets here: the only one, or the broker decides.
    pub fn default_directory(&self) -> Uuid {
        match self.directories[..] {
            [] => directory::MIGRATING,
            [only] => only,
            _ => directory::UNASSIGNED,
        }
    }

    pub(crate) fn from_record(record: &RegisterBrokerRecord<'_>, offset: Offset) -> Broker {
        Broker {
            id: NodeId(record.broker_id),
            epoch: BrokerEpoch(record.broker_epoch),
            incarnation: record.incarnation_id,
            endpoints: record
                .end_points
                .iter()
                .map(|endpoint| Endpoint {
                    listener: endpoint.name.into_owned(),
                    host: endpoint.host.into_owned(),
                    port: endpoint.port,
                    security_protocol: endpoint.security_protocol,
                })
                .collect(),
            features: record
                .features
                .iter()
                .map(|feature| {
                    let range = LevelRange { min: feature.min_supported_version, max: feature.max_supported_version };
                    (feature.name.into_owned(), range)
                })
                .collect(),
            rack: record.rack.as_deref().map(str::to_owned),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            is_migrating_zk_broker: record.is_migrating_zk_broker,
            directories: record.log_dirs.iter().collect(),
            cordoned: record.cordoned_log_dirs.as_ref().map(|cordoned| cordoned.iter().collect()),
            registered_at: offset,
            shutdown_at: record.in_controlled_shutdown.then_some(offset),
        }
    }

    /// The record that describes the registration, as far as the finalized version has room for it.
    pub(crate) fn to_record(&self, finalized: MetadataVersion) -> RegisterBrokerRecord<'static> {
        RegisterBrokerRecord {
            broker_id: self.id.0,
            is_migrating_zk_broker: self.is_migrating_zk_broker && MetadataVersion(8) <= finalized,
            incarnation_id: self.incarnation,
            broker_epoch: self.epoch.0,
            end_points: self
                .endpoints
                .iter()
                .map(|endpoint| BrokerEndpoint {
                    name: endpoint.listener.clone().into(),
                    host: endpoint.host.clone().into(),
                    port: endpoint.port,
                    security_protocol: endpoint.security_protocol,
                })
                .collect(),
            features: self
                .features
                .iter()
                .map(|(name, range)| BrokerFeature {
                    name: name.clone().into(),
                    min_supported_version: range.min,
                    max_supported_version: range.max,
                })
                .collect(),
            rack: self.rack.clone().map(Into::into),
            fenced: self.fenced,
            in_controlled_shutdown: self.in_controlled_shutdown,
            log_dirs: if finalized.has_directories() { self.directories.clone().into() } else { Array::default() },
            cordoned_log_dirs: self.cordoned.clone().filter(|_| finalized.has_cordoned_directories()).map(Into::into),
        }
    }
}

/// A controller's registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Its id.
    pub id: NodeId,
    /// Which life of its process registered.
    pub incarnation: Uuid,
    /// Where it is reached.
    pub endpoints: Vec<Endpoint>,
    /// What it supports.
    pub features: BTreeMap<String, LevelRange>,
    /// Of the days of ZooKeeper; kept for old logs.
    pub zk_migration_ready: bool,
}

impl Controller {
    pub(crate) fn from_record(record: &RegisterControllerRecord<'_>) -> Controller {
        Controller {
            id: NodeId(record.controller_id),
            incarnation: record.incarnation_id,
            endpoints: record
                .end_points
                .iter()
                .map(|endpoint| Endpoint {
                    listener: endpoint.name.into_owned(),
                    host: endpoint.host.into_owned(),
                    port: endpoint.port,
                    security_protocol: endpoint.security_protocol,
                })
                .collect(),
            features: record
                .features
                .iter()
                .map(|feature| {
                    let range = LevelRange { min: feature.min_supported_version, max: feature.max_supported_version };
                    (feature.name.into_owned(), range)
                })
                .collect(),
            zk_migration_ready: record.zk_migration_ready,
        }
    }

    pub(crate) fn to_record(&self) -> RegisterControllerRecord<'static> {
        RegisterControllerRecord {
            controller_id: self.id.0,
            incarnation_id: self.incarnation,
            zk_migration_ready: self.zk_migration_ready,
            end_points: self
                .endpoints
                .iter()
                .map(|endpoint| ControllerEndpoint {
                    name: endpoint.listener.clone().into(),
                    host: endpoint.host.clone().into(),
                    port: endpoint.port,
                    security_protocol: endpoint.security_protocol,
                })
                .collect(),
            features: self
                .features
                .iter()
                .map(|(name, range)| ControllerFeature {
                    name: name.clone().into(),
                    min_supported_version: range.min,
                    max_supported_version: range.max,
                })
                .collect(),
        }
    }
}

/// Everyone who registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Brokers by id.
    pub brokers: BTreeMap<NodeId, Arc<Broker>>,
    /// Controllers by id.
    pub controllers: BTreeMap<NodeId, Arc<Controller>>,
}

impl Cluster {
    /// A broker.
    pub fn broker(&self, id: NodeId) -> Option<&Arc<Broker>> {
        self.brokers.get(&id)
    }

    /// Whether a broker may lead and be in sync.
    pub fn is_active(&self, id: NodeId) -> bool {
        self.broker(id).is_some_and(|broker| broker.is_active())
    }

    /// The directory that a new replica gets on a broker.
    pub fn default_directory(&self, id: NodeId) -> Uuid {
        self.broker(id).map_or(directory::UNASSIGNED, |broker| broker.default_directory())
    }
}
