//! ListConfigResources: what has a configuration. Needs DescribeConfigs on the cluster.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ottla_metadata::image::ResourceType;
use ottla_wire::list_config_resources_response::ConfigResource;
use ottla_wire::{Budget, ErrorCode, ListConfigResourcesRequest, ListConfigResourcesResponse, WireError};

use crate::authorizer::{Operation, Resource};
use crate::context::Context;
use crate::outcome::Outcome;

/// Every type that can be listed.
const TYPES: [ResourceType; 5] = [
    ResourceType::TOPIC,
    ResourceType::BROKER,
    ResourceType::BROKER_LOGGER,
    ResourceType::CLIENT_METRICS,
    ResourceType::GROUP,
];

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &ListConfigResourcesRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let throttle_time_ms = context.head.throttle();
    let refuse = |code: ErrorCode| ListConfigResourcesResponse {
        throttle_time_ms,
        error_code: code.code(),
        ..ListConfigResourcesResponse::default()
    };
    budget.charge::<[i8; 32]>(request.resource_types.len())?;
    let mut types: BTreeSet<ResourceType> = request.resource_types.iter().map(ResourceType).collect();
    if context.version() == 0 {
        types = BTreeSet::from([ResourceType::CLIENT_METRICS]);
    } else if types.is_empty() {
        types = BTreeSet::from(TYPES);
    }
    let answer = if !context.allows(Operation::DescribeConfigs, Resource::Cluster) {
        refuse(ErrorCode::ClusterAuthorizationFailed)
    } else if types.iter().any(|kind| !TYPES.contains(kind)) {
        refuse(ErrorCode::UnsupportedVersion)
    } else {
        let config_resources = types.iter().flat_map(|kind| of_type(context, *kind)).collect();
        ListConfigResourcesResponse { throttle_time_ms, error_code: ErrorCode::None.code(), config_resources }
    };
    Ok(Outcome::Reply(context.head.encode(&answer)?))
}

fn of_type<'a>(context: &Context<'a>, kind: ResourceType) -> Vec<ConfigResource<'a>> {
    let image = context.view.image;
    let resource = |name: Cow<'a, str>| ConfigResource { resource_name: name, resource_type: kind.0 };
    match kind {
        ResourceType::TOPIC => {
            image.topics.sorted().into_iter().map(|topic| resource(Cow::Borrowed(topic.name.as_str()))).collect()
        }
        ResourceType::BROKER | ResourceType::BROKER_LOGGER => {
            image.cluster.brokers.keys().map(|id| resource(Cow::Owned(id.to_string()))).collect()
        }
        _ => {
            let set = image.configs.iter().filter(|(resource, _)| resource.kind == kind);
            let names: BTreeSet<&'a str> = set.map(|(resource, _)| resource.name.as_str()).collect();
            names.into_iter().map(|name| resource(Cow::Borrowed(name))).collect()
        }
    }
}
