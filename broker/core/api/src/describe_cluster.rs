//! DescribeCluster: the brokers, or on a controller's listener the controllers.
//!
//! Needs nothing on a broker's listener, apart from Describe on the cluster to be told what one may do, and Alter on the
//! cluster on a controller's.

use std::borrow::Cow;

use ottla_wire::describe_cluster_response::DescribeClusterBroker;
use ottla_wire::{DescribeClusterRequest, DescribeClusterResponse, ErrorCode, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::{Context, OPERATIONS_NOT_ASKED};
use crate::metadata::{any_live_broker, cluster_operations};
use crate::outcome::Outcome;
use crate::topics;

/// Kafka's numbers of what is asked for.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(crate) fn handle<'a>(context: &Context<'a>, request: &DescribeClusterRequest) -> Result<Outcome<'a>, WireError> {
    let here = if context.is_at_controller() { CONTROLLERS } else { BROKERS };
    let refuse = |code: ErrorCode, message: String| DescribeClusterResponse {
        throttle_time_ms: context.head.throttle(),
        error_code: code.code(),
        error_message: Some(Cow::Owned(message)),
        ..DescribeClusterResponse::default()
    };
    let answer = if context.is_at_controller() && !context.allows(Operation::Alter, Resource::Cluster) {
        let code = ErrorCode::ClusterAuthorizationFailed;
        refuse(code, code.message().to_owned())
    } else if request.endpoint_type != here {
        let (here, there) =
            if context.is_at_controller() { ("CONTROLLER", "BROKER") } else { ("BROKER", "CONTROLLER") };
        match request.endpoint_type {
            BROKERS | CONTROLLERS => {
                let message = format!(
                    "The request was sent to an endpoint of type {here}, but we wanted an endpoint of type {there}"
                );
                refuse(ErrorCode::MismatchedEndpointType, message)
            }
            other => refuse(ErrorCode::UnsupportedEndpointType, format!("Unsupported endpoint type {other}")),
        }
    } else {
        describe(context, request)
    };
    Ok(Outcome::Reply(context.head.encode(&answer)?))
}

fn describe<'a>(context: &Context<'a>, request: &DescribeClusterRequest) -> DescribeClusterResponse<'a> {
    let cluster = &context.view.image.cluster;
    let brokers: Vec<DescribeClusterBroker<'a>> = if context.is_at_controller() {
        let controllers = cluster.controllers.values();
        let named = |controller: &'a std::sync::Arc<ottla_metadata::image::Controller>| {
            let endpoints = controller.endpoints.iter();
            let endpoint = endpoints.clone().find(|endpoint| endpoint.listener == context.peer.listener.name)?;
            Some(DescribeClusterBroker {
                broker_id: controller.id.0,
                host: Cow::Borrowed(&endpoint.host),
                port: i32::from(endpoint.port),
                rack: None,
                is_fenced: false,
            })
        };
        controllers.filter_map(named).collect()
    } else {
        let asked = cluster.brokers.values().filter(|broker| request.include_fenced_brokers || !broker.fenced);
        let reached = asked.filter_map(|broker| Some((topics::endpoint_of(context, broker)?, broker.fenced)));
        let told = reached.map(|(broker, is_fenced)| DescribeClusterBroker {
            broker_id: broker.node.0,
            host: Cow::Borrowed(broker.host),
            port: broker.port,
            rack: broker.rack.map(Cow::Borrowed),
            is_fenced: is_fenced && request.include_fenced_brokers,
        });
        told.collect()
    };
    let controller = if context.is_at_controller() {
        context.view.controller.unwrap_or(ottla_vocabulary::NodeId::NONE)
    } else {
        any_live_broker(context)
    };
    DescribeClusterResponse {
        throttle_time_ms: context.head.throttle(),
        error_code: ErrorCode::None.code(),
        error_message: None,
        endpoint_type: request.endpoint_type,
        cluster_id: Cow::Borrowed(context.view.cluster_id),
        controller_id: controller.0,
        brokers: brokers.into(),
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            cluster_operations(context)
        } else {
            OPERATIONS_NOT_ASKED
        },
    }
}
