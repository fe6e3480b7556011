//! DescribeConfigs: what is set for topics, brokers, loggers, groups and metrics subscriptions, where it comes from, and
//! what it would be otherwise. Needs DescribeConfigs on the topic, on the group, or on the cluster.

use std::borrow::Cow;

use ottla_config::key::{Key, Update};
use ottla_config::{Properties, catalogue, layers};
use ottla_metadata::decide::effective::{self, Source};
use ottla_metadata::image::{Resource, ResourceType, Settings};
use ottla_wire::describe_configs_request::DescribeConfigsResource;
use ottla_wire::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use ottla_wire::{Budget, DescribeConfigsRequest, DescribeConfigsResponse, ErrorCode, WireError};

use super::{check_right, is_own_id};
use crate::authorizer::Operation;
use crate::context::Context;
use crate::outcome::Outcome;

/// Kafka's numbers of sources beside those of [`Source`].
const LOGGER_SOURCE: i8 = 6;
const CLIENT_METRICS_SOURCE: i8 = 7;
const GROUP_SOURCE: i8 = 8;
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
            describe(context, request, &resource, budget)?
        } else {
            Err((ErrorCode::InvalidRequest, format!("More than {RESOURCES_MAX} resources in one request.")))
        };
        let (code, message, configs) = match described {
            Ok(configs) => (ErrorCode::None, None, configs),
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

fn describe<'a>(
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
    let image = context.view.image;
    let set = image.configs.get(&Resource::new(kind, name)).map(|set| set.as_ref());
    match kind {
        ResourceType::TOPIC => {
            if image.topics.by_text(name).is_none() {
                let code = ErrorCode::UnknownTopicOrPartition;
                return Err((code, code.message().to_owned()));
            }
            Ok(of_table(context, wish, catalogue::TOPIC, set, Source::Topic as i8))
        }
        ResourceType::GROUP if name.is_empty() => {
            Err((ErrorCode::InvalidRequest, "Group name must not be empty".into()))
        }
        ResourceType::GROUP => Ok(of_table(context, wish, catalogue::GROUP, set, GROUP_SOURCE)),
        ResourceType::CLIENT_METRICS if name.is_empty() => {
            Err((ErrorCode::InvalidRequest, "Client metrics subscription name must not be empty".into()))
        }
        // A subscription that is not there has nothing to show.
        ResourceType::CLIENT_METRICS if set.is_none() => Ok(Vec::new()),
        ResourceType::CLIENT_METRICS => {
            Ok(of_table(context, wish, catalogue::CLIENT_METRICS, set, CLIENT_METRICS_SOURCE))
        }
        ResourceType::BROKER if name.is_empty() => Ok(of_all_brokers(wish, set)),
        ResourceType::BROKER if is_own_id(context, name) => Ok(of_broker(context, wish)),
        ResourceType::BROKER => Err((
            ErrorCode::InvalidRequest,
            format!("Unexpected broker id, expected {} or empty string, but received {name}", context.view.node_id),
        )),
        ResourceType::BROKER_LOGGER if is_own_id(context, name) => Ok(of_loggers(context, wish)),
        ResourceType::BROKER_LOGGER => Err((
            ErrorCode::InvalidRequest,
            format!("Unexpected broker id, expected {} but received {name}", context.view.node_id),
        )),
        _ => Err((ErrorCode::InvalidRequest, "Unsupported resource type".to_owned())),
    }
}

fn row<'a>(wish: &Wish<'_>, key: &'static Key, value: Option<String>, source: i8) -> Described<'a> {
    let is_sensitive = key.is_sensitive();
    Described {
        name: Cow::Borrowed(key.name),
        value: value.filter(|_| !is_sensitive).map(Cow::Owned),
        read_only: false,
        config_source: source,
        is_sensitive,
        synonyms: Vec::new().into(),
        config_type: key.kind.code(),
        documentation: wish.documentation.then_some(Cow::Borrowed(key.documentation)),
    }
}

fn synonym<'a>(name: &'a str, value: Option<&str>, source: i8, is_sensitive: bool) -> DescribeConfigsSynonym<'a> {
    let value = value.filter(|_| !is_sensitive).map(|value| Cow::Owned(value.to_owned()));
    DescribeConfigsSynonym { name: Cow::Borrowed(name), value, source }
}

/// The keys of a topic, group or subscription.
fn of_table<'a>(
    context: &Context<'a>,
    wish: &Wish<'_>,
    table: &'static [Key],
    set: Option<&'a Settings>,
    own_source: i8,
) -> Vec<Described<'a>> {
    let decide = ottla_metadata::decide::Context {
        image: context.view.image,
        config: context.view.config,
        cluster_id: context.view.cluster_id,
        kraft_version: 1,
    };
    let is_set = |name: &str| set.is_some_and(|set| set.contains_key(name));
    let wanted = table.iter().filter(|key| wish.includes(key.name) && (!key.internal || is_set(key.name)));
    let told = wanted.map(|key| {
        let (value, source) = effective::effective(decide, key, set);
        let source = if source == Source::Topic { own_source } else { source as i8 };
        let mut told = row(wish, key, value, source);
        if wish.synonyms {
            let own = set.and_then(|set| set.get(key.name));
            let own = own.map(|value| synonym(key.name, Some(value), own_source, key.is_sensitive()));
            let broker = key.broker_synonyms.iter().flat_map(|name| of_layers(context, name, key.is_sensitive()));
            let all: Vec<_> = own.into_iter().chain(broker).collect();
            told.synonyms = all.into();
        }
        told
    });
    told.collect()
}

/// The settings of one broker key in all layers, the one that counts first.
fn of_layers<'a>(context: &Context<'a>, name: &'static str, is_sensitive: bool) -> Vec<DescribeConfigsSynonym<'a>> {
    let config = &context.view.config.layers;
    let layers: [(&'a Properties, Source); 3] =
        [(&config.broker, Source::Broker), (&config.cluster, Source::AllBrokers), (&config.file, Source::File)];
    let mut all = Vec::new();
    for (layer, source) in layers {
        all.extend(layer.get(name).map(|value| synonym(name, Some(value), source as i8, is_sensitive)));
    }
    if let Some(key) = catalogue::broker_key(name) {
        let default = key.default_value().answer();
        all.extend(default.map(|value| synonym(name, Some(&value), Source::Default as i8, is_sensitive)));
    }
    all
}

/// Everything that holds for this broker.
fn of_broker<'a>(context: &Context<'a>, wish: &Wish<'_>) -> Vec<Described<'a>> {
    let config = context.view.config;
    let wanted = catalogue::broker_keys().filter(|key| wish.includes(key.name));
    let wanted = wanted.filter(|key| !key.internal || config.values.is_set(key.name));
    let told = wanted.map(|key| {
        let names = layers::synonyms(key.name, false);
        let found = |layer: &Properties| names.iter().any(|name| layer.get(name).is_some());
        let source = if found(&config.layers.broker) {
            Source::Broker
        } else if found(&config.layers.cluster) {
            Source::AllBrokers
        } else if found(&config.layers.file) {
            Source::File
        } else {
            Source::Default
        };
        let mut told = row(wish, key, config.values.get(key.name).answer(), source as i8);
        told.read_only = key.update == Update::ReadOnly;
        if wish.synonyms {
            let all: Vec<_> = names
                .iter()
                .filter_map(|name| catalogue::broker_key(name))
                .flat_map(|key| of_layers(context, key.name, key.is_sensitive()))
                .collect();
            told.synonyms = all.into();
        }
        told
    });
    told.collect()
}

/// What is set as the default of all brokers.
fn of_all_brokers<'a>(wish: &Wish<'_>, set: Option<&'a Settings>) -> Vec<Described<'a>> {
    let set = set.into_iter().flat_map(|set| set.iter()).filter(|(name, _)| wish.includes(name));
    let told = set.map(|(name, value)| match catalogue::broker_key(name) {
        Some(key) => {
            let source = Source::AllBrokers as i8;
            let mut told = row(wish, key, Some(value.clone()), source);
            if wish.synonyms {
                told.synonyms = vec![synonym(key.name, Some(value), source, key.is_sensitive())].into();
            }
            told
        }
        // Of a key that is not known nobody can say that it is no secret.
        None => Described {
            name: Cow::Borrowed(name.as_str()),
            config_source: Source::AllBrokers as i8,
            is_sensitive: true,
            ..Described::default()
        },
    });
    told.collect()
}

fn of_loggers<'a>(context: &Context<'a>, wish: &Wish<'_>) -> Vec<Described<'a>> {
    let levels = context.view.loggers.levels().into_iter().filter(|(name, _)| wish.includes(name));
    let told = levels.map(|(name, level)| Described {
        name: Cow::Owned(name),
        value: Some(Cow::Borrowed(level)),
        read_only: false,
        config_source: LOGGER_SOURCE,
        is_sensitive: false,
        synonyms: Vec::new().into(),
        config_type: ottla_config::key::Kind::String.code(),
        documentation: None,
    });
    told.collect()
}
