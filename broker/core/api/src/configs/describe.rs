//! DescribeConfigs: what is set for topics, brokers, loggers, groups and metrics subscriptions, where it comes from, and
//! what it would be otherwise (all of which the crate `config` knows). Needs DescribeConfigs on the topic, on the group, or on the cluster.

use std::borrow::Cow;

use ottla_config::describe;
use ottla_config::explain::Source;
use ottla_config::key::Kind;
use ottla_metadata::image::{Resource, ResourceType};
use ottla_vocabulary::TopicName;
use ottla_wire::describe_configs_request::DescribeConfigsResource;
use ottla_wire::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use ottla_wire::{Budget, DescribeConfigsRequest, DescribeConfigsResponse, ErrorCode, WireError};

use super::{check_right, is_own_id};
use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;

/// Kafka's number for the type of a key that nobody knows.
const KIND_UNKNOWN: i8 = 0;
/// An answer names every key of a resource with text; so many resources make some tens of mebibytes.
const RESOURCES_MAX: usize = 10_000;

type Described<'a> = DescribeConfigsResourceResult<'a>;
type Refusal = (ErrorCode, String);

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &DescribeConfigsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    budget.charge::<[u8; 100]>(request.resources.len())?;
    let mut results = Vec::new();
    for (place, resource) in request.resources.iter().enumerate() {
        let described = if place < RESOURCES_MAX {
            describe_wished(context, request, &resource, budget)?
        } else {
            Err((ErrorCode::InvalidRequest, format!("More than {RESOURCES_MAX} resources in one request.")))
        };
        let (code, message, configs) = match described {
            // Kafka's "no message" is an empty one here.
            Ok(configs) => (ErrorCode::None, Some("".into()), configs),
            Err((code, message)) => (code, Some(message.into()), Vec::new()),
        };
        results.push(DescribeConfigsResult {
            error_code: code.code(),
            error_message: message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
            configs: configs.into(),
        });
    }
    let throttle_time_ms = context.head.throttle();
    let answer = DescribeConfigsResponse { throttle_time_ms, results: results.into() };
    Ok(Outcome::Reply(context.head.encode(&answer)?))
}

/// Which names of a resource are wanted, and what of each.
struct Wish<'r> {
    names: Option<Vec<Cow<'r, str>>>,
    synonyms: bool,
    documentation: bool,
}

impl Wish<'_> {
    fn includes(&self, name: &str) -> bool {
        self.names.as_ref().is_none_or(|names| names.iter().any(|wanted| wanted == name))
    }
}

fn describe_wished<'a>(
    context: &Context<'a>,
    request: &DescribeConfigsRequest<'a>,
    resource: &DescribeConfigsResource<'a>,
    budget: &mut Budget,
) -> Result<Result<Vec<Described<'a>>, Refusal>, WireError> {
    let wish = Wish {
        names: resource.configuration_keys.as_ref().map(|keys| keys.collect(budget)).transpose()?,
        synonyms: request.include_synonyms,
        documentation: request.include_documentation && 3 <= context.version(),
    };
    let kind = ResourceType(resource.resource_type);
    Ok(describe_one(context, &wish, kind, &resource.resource_name))
}

fn describe_one<'a>(
    context: &Context<'a>,
    wish: &Wish<'_>,
    kind: ResourceType,
    name: &str,
) -> Result<Vec<Described<'a>>, Refusal> {
    check_right(context, Operation::DescribeConfigs, kind, name).map_err(|code| (code, code.message().to_owned()))?;
    let (image, config) = (context.view.image, context.view.config);
    let set = image.configs.properties(&Resource::new(kind, name));
    match kind {
        ResourceType::TOPIC => {
            TopicName::new(name)
                .map_err(|error| (ErrorCode::InvalidTopicException, format!("Topic name is invalid: {error}")))?;
            if image.topics.by_text(name).is_none() {
                return Err((ErrorCode::UnknownTopicOrPartition, String::new()));
            }
            Ok(told(wish, describe::describe_topic(config, &set)))
        }
        ResourceType::GROUP if name.is_empty() => {
            Err((ErrorCode::InvalidRequest, "Group name must not be empty".into()))
        }
        ResourceType::GROUP => Ok(told(wish, describe::describe_group(config, &set))),
        ResourceType::CLIENT_METRICS if name.is_empty() => {
            Err((ErrorCode::InvalidRequest, "Client metrics subscription name must not be empty".into()))
        }
        ResourceType::CLIENT_METRICS => Ok(told(wish, describe::describe_client_metrics(&set))),
        ResourceType::BROKER if name.is_empty() => Ok(told(wish, describe::describe_cluster_default(config))),
        ResourceType::BROKER if is_own_id(context, name) => Ok(told(wish, describe::describe_broker(config))),
        ResourceType::BROKER => Err((
            ErrorCode::InvalidRequest,
            format!("Unexpected broker id, expected {} or empty string, but received {name}", context.view.node_id),
        )),
        ResourceType::BROKER_LOGGER if is_own_id(context, name) => Ok(of_loggers(context, wish)),
        ResourceType::BROKER_LOGGER => Err((
            ErrorCode::InvalidRequest,
            format!("Unexpected broker id, expected {} but received {name}", context.view.node_id),
        )),
        _ => Err((ErrorCode::InvalidRequest, ErrorCode::InvalidRequest.message().to_owned())),
    }
}

/// What the table of keys says, in the words of the wire.
fn told<'a>(wish: &Wish<'_>, described: Vec<describe::Described>) -> Vec<Described<'a>> {
    let wanted = described.into_iter().filter(|entry| wish.includes(&entry.name));
    let told = wanted.map(|entry| {
        let synonyms = entry.synonyms.into_iter().filter(|_| wish.synonyms);
        let synonyms = synonyms.map(|link| DescribeConfigsSynonym {
            name: link.name.into(),
            value: link.value.map(Cow::Owned),
            source: link.source.code(),
        });
        Described {
            name: entry.name.into(),
            value: entry.value.map(Cow::Owned),
            read_only: entry.read_only,
            config_source: entry.source.code(),
            is_sensitive: entry.sensitive,
            synonyms: synonyms.collect::<Vec<_>>().into(),
            config_type: entry.kind.map_or(KIND_UNKNOWN, Kind::code),
            documentation: entry.documentation.filter(|_| wish.documentation).map(Cow::Borrowed),
        }
    });
    told.collect()
}

fn of_loggers<'a>(context: &Context<'a>, wish: &Wish<'_>) -> Vec<Described<'a>> {
    let levels = context.view.loggers.levels().into_iter().filter(|(name, _)| wish.includes(name));
    let told = levels.map(|(name, level)| Described {
        name: Cow::Owned(name),
        value: Some(Cow::Borrowed(level)),
        read_only: false,
        config_source: Source::DynamicBrokerLogger.code(),
        is_sensitive: false,
        synonyms: Vec::new().into(),
        config_type: Kind::String.code(),
        documentation: None,
    });
    told.collect()
}
