//! DescribeConfigs: what is set for topics, brokers, loggers, groups and metrics subscriptions, where it comes from, and
//! what it would be otherwise (all of which the crate `config` knows). Needs DescribeConfigs on the topic, on the group, or on the cluster.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ottla_config::describe;
use ottla_config::explain::Source;
use ottla_config::key::Kind;
use ottla_metadata::image::{Resource, ResourceType};
use ottla_vocabulary::{TopicId, TopicName};
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
/// What an answer may take in memory apart from topics, each of which is told of once: those are as many as there are. Any
/// other resource is named by a few bytes and told of by thousands, be it one that need not exist, such as a group, or one
/// that is named again. So much tells every text of 1,000 groups; beyond it the connection ends.
const ANSWER_BYTES_MAX: usize = 8 << 20;

type Described<'a> = DescribeConfigsResourceResult<'a>;
type Refusal = (ErrorCode, String);

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &DescribeConfigsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    budget.charge::<[u8; 100]>(request.resources.len())?;
    let mut results = Vec::new();
    let mut room = Budget::of(ANSWER_BYTES_MAX);
    let mut told_topics = BTreeSet::new();
    for resource in &request.resources {
        let described = describe_wished(context, request, &resource, budget)?;
        if !is_new_topic(context, &resource, &mut told_topics) {
            charge(&mut room, &described)?;
        }
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

/// Whether this names a topic that exists and that it has not named before.
fn is_new_topic(context: &Context<'_>, resource: &DescribeConfigsResource<'_>, told: &mut BTreeSet<TopicId>) -> bool {
    ResourceType(resource.resource_type) == ResourceType::TOPIC
        && context.view.image.topics.by_text(&resource.resource_name).is_some_and(|topic| told.insert(topic.id))
}

/// Charges what is told of a resource: what holds it, and its texts.
fn charge(room: &mut Budget, told: &Result<Vec<Described<'_>>, Refusal>) -> Result<(), WireError> {
    // A short text of its own takes as much as one of this length.
    const TEXT_BYTES_MIN: usize = 32;
    let text = |text: Option<&str>| text.map_or(0, |text| text.len().max(TEXT_BYTES_MIN));
    let of_entry = |entry: &Described<'_>| {
        let synonyms = entry
            .synonyms
            .iter()
            .map(|link| size_of::<DescribeConfigsSynonym<'_>>() + text(Some(&link.name)) + text(link.value.as_deref()));
        let texts = text(Some(&entry.name)) + text(entry.value.as_deref()) + text(entry.documentation.as_deref());
        size_of::<Described<'_>>() + synonyms.sum::<usize>() + texts
    };
    room.charge::<u8>(match told {
        Ok(entries) => entries.iter().map(of_entry).sum(),
        Err((_, message)) => message.len(),
    })
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
