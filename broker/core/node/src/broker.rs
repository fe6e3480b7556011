//! The life of this node's broker in the cluster: it registers, says again and again that it lives, follows the metadata
//! log, and asks before it goes.
//!
//! It speaks to the controller by Kafka's own requests, in process for now; when controllers are elsewhere, only the way
//! of these requests changes.

use ottla_config::BrokerConfig;
use ottla_metadata::{Image, Metadata};
use ottla_vocabulary::{BrokerEpoch, Duration, Instant, Now, Uuid};
use ottla_wire::broker_registration_request::{Feature, Listener};
use ottla_wire::controller_registration_request::{Feature as ControllerFeature, Listener as ControllerListener};
use ottla_wire::{
    BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest, BrokerRegistrationResponse,
    ControllerRegistrationRequest, ErrorCode,
};

/// After a refusal the registration is tried again this much later.
const REGISTRATION_BACKOFF: Duration = Duration::from_millis(200);

/// How soon a broker that wants to go asks again.
const SHUTDOWN_INTERVAL: Duration = Duration::from_millis(10);

/// Where a broker is in its life. The numbers are those of Kafka's BrokerState metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Before anything.
    NotRunning = 0,
    /// It registers and catches up with the metadata.
    Starting = 1,
    /// It serves.
    Running = 3,
    /// It hands its leaderships over.
    PendingControlledShutdown = 6,
    /// It closes its files.
    ShuttingDown = 7,
}

/// What the broker knows of its standing.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) stage: Stage,
    pub(crate) incarnation: Uuid,
    pub(crate) epoch: Option<BrokerEpoch>,
    /// The epoch of the former life, when that ended cleanly.
    former_epoch: Option<BrokerEpoch>,
    directories: Vec<Uuid>,
    /// When the next registration or heartbeat is due; `None` while a registration is under way.
    due: Option<Instant>,
    pub(crate) may_stop: bool,
}

/// What is due.
pub(crate) enum Due {
    Registration,
    Heartbeat(BrokerEpoch),
}

impl Life {
    pub(crate) fn new(incarnation: Uuid, former_epoch: Option<BrokerEpoch>, directories: Vec<Uuid>, now: Now) -> Life {
        Life {
            stage: Stage::NotRunning,
            incarnation,
            epoch: None,
            former_epoch,
            directories,
            due: Some(now.instant),
            may_stop: false,
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.due
    }

    /// What is to be sent now; it counts as sent. The answer to a heartbeat may wait for a slow disk; meanwhile the next
    /// ones go out all the same, or the controller would take this broker for silent.
    pub(crate) fn take_due(&mut self, interval: Duration, now: Instant) -> Option<Due> {
        if self.due.is_none_or(|due| now < due) {
            return None;
        }
        self.due = self.epoch.map(|_| now + interval);
        match self.epoch {
            None => {
                self.stage = self.stage.max(Stage::Starting);
                Some(Due::Registration)
            }
            Some(epoch) => Some(Due::Heartbeat(epoch)),
        }
    }

    pub(crate) fn on_registered(&mut self, response: &BrokerRegistrationResponse, now: Instant) {
        match ErrorCode::from_code(response.error_code) {
            ErrorCode::None => {
                self.epoch = Some(BrokerEpoch(response.broker_epoch));
                self.due = Some(now);
                tracing::info!(epoch = response.broker_epoch, "registered with the controller");
            }
            code => {
                tracing::warn!("the controller refused the registration: {}", code.name());
                self.due = Some(now + REGISTRATION_BACKOFF);
            }
        }
    }

    pub(crate) fn on_heard(&mut self, response: &BrokerHeartbeatResponse, interval: Duration, now: Instant) {
        let code = ErrorCode::from_code(response.error_code);
        if code != ErrorCode::None {
            tracing::warn!("the controller refused a heartbeat: {}", code.name());
            if code == ErrorCode::StaleBrokerEpoch || code == ErrorCode::BrokerIdNotRegistered {
                self.epoch = None;
            }
            self.due = Some(now + interval);
            return;
        }
        self.may_stop |= response.should_shut_down;
        if self.stage == Stage::Starting && !response.is_fenced {
            self.stage = Stage::Running;
        }
        let wait = match self.stage {
            // It waits for nothing but to be unfenced.
            Stage::Starting => Duration::ZERO,
            Stage::PendingControlledShutdown => interval.min(SHUTDOWN_INTERVAL),
            _ => interval,
        };
        self.due = Some(now + wait);
    }

    /// A request to the controller failed on its way; it is sent again.
    pub(crate) fn on_failed(&mut self, now: Instant) {
        self.due = Some(now + REGISTRATION_BACKOFF);
    }

    pub(crate) fn begin_shutdown(&mut self, now: Instant) {
        self.stage = self.stage.max(Stage::PendingControlledShutdown);
        self.due = Some(now);
    }

    pub(crate) fn registration(
        &self,
        config: &BrokerConfig,
        cluster_id: &str,
        image: &Image,
    ) -> BrokerRegistrationRequest<'static> {
        let listeners = config.listeners.advertised_broker.iter().map(|listener| Listener {
            name: listener.endpoint.name.clone().into(),
            host: listener.endpoint.host.clone().into(),
            port: listener.endpoint.port,
            security_protocol: listener.protocol.code(),
        });
        let features = image.features.supported().into_iter().map(|(name, range)| Feature {
            name: name.into(),
            min_supported_version: range.min,
            max_supported_version: range.max,
        });
        BrokerRegistrationRequest {
            broker_id: config.node_id.0,
            cluster_id: cluster_id.to_owned().into(),
            incarnation_id: self.incarnation,
            listeners: listeners.collect(),
            features: features.collect(),
            rack: config.rack.clone().map(Into::into),
            is_migrating_zk_broker: false,
            log_dirs: self.directories.clone().into(),
            previous_broker_epoch: self.former_epoch.map_or(-1, |epoch| epoch.0),
        }
    }

    pub(crate) fn heartbeat(
        &self,
        config: &BrokerConfig,
        epoch: BrokerEpoch,
        image: &Image,
    ) -> BrokerHeartbeatRequest<'static> {
        BrokerHeartbeatRequest {
            broker_id: config.node_id.0,
            broker_epoch: epoch.0,
            current_metadata_offset: image.end.0 - 1,
            want_fence: false,
            want_shut_down: Stage::PendingControlledShutdown <= self.stage,
            ..BrokerHeartbeatRequest::default()
        }
    }
}

/// How this node's controller registers.
pub(crate) fn controller_registration(
    config: &BrokerConfig,
    incarnation: Uuid,
    metadata: &Metadata,
) -> ControllerRegistrationRequest<'static> {
    let listeners = config.listeners.advertised_controller.iter().map(|listener| ControllerListener {
        name: listener.endpoint.name.clone().into(),
        host: listener.endpoint.host.clone().into(),
        port: listener.endpoint.port,
        security_protocol: listener.protocol.code(),
    });
    let features = metadata.image().features.supported().into_iter().map(|(name, range)| ControllerFeature {
        name: name.into(),
        min_supported_version: range.min,
        max_supported_version: range.max,
    });
    ControllerRegistrationRequest {
        controller_id: config.node_id.0,
        incarnation_id: incarnation,
        zk_migration_ready: false,
        listeners: listeners.collect(),
        features: features.collect(),
    }
}
