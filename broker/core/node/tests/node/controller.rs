//! Decisions that cannot be written are refused, and refusing harms nobody else.

use std::sync::Arc;

use ottla_api::{Listener, ListenerRole};
use ottla_vocabulary::{Duration, Uuid};
use ottla_wire::broker_registration_request::{Feature, Listener as Told};
use ottla_wire::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use ottla_wire::{
    BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest, BrokerRegistrationResponse, ErrorCode,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

use crate::world::{World, read};

/// Segments as small as they may be: no batch of records is larger than one.
const SMALL: &str = "metadata.log.segment.bytes=8388608";

/// Sets so many keys of nobody's for all brokers, which makes a record of each.
fn set(world: &mut World, count: usize, value_bytes: usize) -> ErrorCode {
    let value = "v".repeat(value_bytes);
    let config = |place| AlterableConfig {
        name: format!("plugin.key.{place}").into(),
        config_operation: 0,
        value: Some(value.clone().into()),
    };
    let configs: Vec<_> = (0..count).map(config).collect();
    let resource = AlterConfigsResource { resource_type: 4, resource_name: "".into(), configs: configs.into() };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource].into(), validate_only: false };
    let bytes = world.ask(&request, 1);
    let response = read::<IncrementalAlterConfigsResponse<'_>>(&bytes, 1);
    ErrorCode::from_code(response.responses.iter().next().unwrap().error_code)
}

#[test]
fn a_request_that_makes_too_many_or_too_large_records_is_refused_and_the_controller_lives_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), SMALL);
    assert_eq!(set(&mut world, 10_001, 1), ErrorCode::PolicyViolation);
    assert_eq!(set(&mut world, 300, 30_000), ErrorCode::PolicyViolation);
    assert_eq!(world.create("flights", 1), 0);
    assert_eq!(set(&mut world, 10_000, 1), ErrorCode::None);
    assert_eq!(set(&mut world, 250, 30_000), ErrorCode::None);
}

/// Another broker than the node's own, which speaks by the controller's listener.
struct Other {
    cluster: String,
    features: Vec<Feature<'static>>,
}

impl Other {
    const INCARNATION: Uuid = Uuid([2; 16]);

    fn begin(world: &mut World) -> Other {
        let listener = Listener { name: "CONTROLLER".to_owned(), role: ListenerRole::Controller };
        world.peer.listener = Arc::new(listener);
        let image = world.node.image();
        let features = image.cluster.brokers.values().next().unwrap().features.iter().map(|(name, range)| Feature {
            name: name.clone().into(),
            min_supported_version: range.min,
            max_supported_version: range.max,
        });
        Other { cluster: world.node.identity().cluster_id.clone(), features: features.collect() }
    }

    fn register(&self, world: &mut World, listeners: Vec<Told<'static>>) -> (ErrorCode, i64) {
        let request = BrokerRegistrationRequest {
            broker_id: 2,
            cluster_id: self.cluster.clone().into(),
            incarnation_id: Other::INCARNATION,
            listeners: listeners.into(),
            features: self.features.clone().into(),
            log_dirs: vec![Uuid([3; 16])].into(),
            previous_broker_epoch: -1,
            ..BrokerRegistrationRequest::default()
        };
        let bytes = world.ask(&request, 4);
        let response = read::<BrokerRegistrationResponse>(&bytes, 4);
        (ErrorCode::from_code(response.error_code), response.broker_epoch)
    }

    fn beat(&self, world: &mut World, broker_epoch: i64) -> bool {
        let current_metadata_offset = world.node.image().end.0 - 1;
        let request = BrokerHeartbeatRequest {
            broker_id: 2,
            broker_epoch,
            current_metadata_offset,
            ..BrokerHeartbeatRequest::default()
        };
        let bytes = world.ask(&request, 1);
        let response = read::<BrokerHeartbeatResponse>(&bytes, 1);
        assert_eq!(response.error_code, 0);
        response.is_fenced
    }
}

fn listener(name: String, host: String) -> Told<'static> {
    Told { name: name.into(), host: host.into(), port: 9092, security_protocol: 0 }
}

#[test]
fn a_registration_that_is_refused_ends_no_session() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), SMALL);
    let world = &mut world;
    let other = Other::begin(world);
    let (code, epoch) = other.register(world, vec![listener("PLAINTEXT".to_owned(), "h".to_owned())]);
    assert_eq!(code, ErrorCode::None);
    assert!(!other.beat(world, epoch));
    // 300 hosts of 30,000 letters each are more than a segment holds.
    let many = (0..300).map(|place| listener(format!("L{place}"), "h".repeat(30_000)));
    assert_eq!(other.register(world, many.collect()).0, ErrorCode::PolicyViolation);
    // Its silence is noticed as before.
    world.now.instant = world.now.instant + Duration::from_secs(60);
    world.node.tick(world.now);
    assert_eq!(world.node.measure().quorum.timed_out_heartbeats, 1);
}
