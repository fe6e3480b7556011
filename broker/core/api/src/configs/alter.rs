//! IncrementalAlterConfigs, and AlterConfigs that replaces everything. Needs AlterConfigs on the topic, on the group, or on
//! the cluster.
//!
//! What is set for topics, brokers, groups and subscriptions becomes records at the controller. A broker's own settings
//! are checked here first, as the broker would read them with all that it has besides. Log levels change in this process
//! alone.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ottla_config::Properties;
use ottla_config::dynamic::{Scope, validate_dynamic_configs};
use ottla_metadata::decide::Refusal;
use ottla_metadata::decide::configs::{ConfigChange, Operation as Change, changed_value};
use ottla_metadata::image::{Resource, ResourceType, Settings};
use ottla_wire::alter_configs_request::AlterableConfig as WholeConfig;
use ottla_wire::incremental_alter_configs_request::AlterableConfig;
use ottla_wire::{
    AlterConfigsRequest, AlterConfigsResponse, ApiKey, Budget, ErrorCode, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, WireError,
};

use super::{check_right, keeps_listeners};
use crate::authorizer::Operation;
use crate::command::{Answers, Command};
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::{Encoded, Head};

/// What is to be altered.
#[derive(Debug)]
pub struct Task {
    /// Only say whether it could be done.
    pub validate_only: bool,
    /// Resources whose settings become records.
    pub recorded: Recorded,
    /// Loggers whose levels change, by the name of this node's resource.
    pub loggers: Vec<(String, Vec<ConfigChange>)>,
    /// What is not even tried.
    pub refused: Vec<(Resource, Refusal)>,
}

/// The two forms of a change.
#[derive(Debug)]
pub enum Recorded {
    /// Name by name.
    Incremental(Vec<(Resource, Vec<ConfigChange>)>),
    /// All that a resource sets.
    Whole(Vec<(Resource, Settings)>),
}

impl Recorded {
    /// The resources.
    pub fn resources(&self) -> Vec<Resource> {
        match self {
            Recorded::Incremental(changes) => changes.iter().map(|(resource, _)| resource.clone()).collect(),
            Recorded::Whole(settings) => settings.iter().map(|(resource, _)| resource.clone()).collect(),
        }
    }
}

type Checked<T> = Result<T, Refusal>;

pub(crate) fn handle_incremental<'a>(
    context: &Context<'a>,
    request: &IncrementalAlterConfigsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let mut asked: Vec<(Resource, Checked<Vec<ConfigChange>>)> = Vec::new();
    for resource in request.resources.collect(budget)? {
        let configs = resource.configs.collect(budget)?;
        let changes = distinct(configs.iter().map(|config| config.name.as_ref())).and_then(|()| {
            let change =
                |config: &AlterableConfig<'_>| change(config.config_operation, &config.name, config.value.as_deref());
            configs.iter().map(change).collect()
        });
        asked.push((Resource::new(ResourceType(resource.resource_type), resource.resource_name), changes));
    }
    let mut task = Task {
        validate_only: request.validate_only,
        recorded: Recorded::Incremental(Vec::new()),
        loggers: Vec::new(),
        refused: Vec::new(),
    };
    let mut recorded = Vec::new();
    for (resource, changes) in once_each(&mut task.refused, asked) {
        let checked = changes.and_then(|changes| {
            check(context, &resource, || changed(context, &resource, &changes))?;
            Ok(changes)
        });
        match checked {
            Ok(changes) if resource.kind == ResourceType::BROKER_LOGGER => task.loggers.push((resource.name, changes)),
            Ok(changes) => recorded.push((resource, changes)),
            Err(refusal) => task.refused.push((resource, refusal)),
        }
    }
    task.recorded = Recorded::Incremental(recorded);
    Ok(Outcome::Controller(Command::AlterConfigs(task)))
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &AlterConfigsRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    let mut asked = Vec::new();
    for resource in request.resources.collect(budget)? {
        let configs = resource.configs.collect(budget)?;
        let settings = distinct(configs.iter().map(|config| config.name.as_ref())).and_then(|()| {
            let setting = |config: &WholeConfig<'_>| {
                let value = config.value.as_deref().ok_or_else(|| null_value(&config.name))?;
                Ok((config.name.to_string(), value.to_owned()))
            };
            configs.iter().map(setting).collect::<Checked<Settings>>()
        });
        asked.push((Resource::new(ResourceType(resource.resource_type), resource.resource_name), settings));
    }
    let mut task = Task {
        validate_only: request.validate_only,
        recorded: Recorded::Whole(Vec::new()),
        loggers: Vec::new(),
        refused: Vec::new(),
    };
    let mut recorded = Vec::new();
    for (resource, settings) in once_each(&mut task.refused, asked) {
        let checked = settings.and_then(|settings| {
            if resource.kind == ResourceType::BROKER_LOGGER {
                // Log levels change by the incremental request alone.
                return Err(unknown_type(resource.kind));
            }
            check(context, &resource, || Ok(properties(&settings)))?;
            Ok(settings)
        });
        match checked {
            Ok(settings) => recorded.push((resource, settings)),
            Err(refusal) => task.refused.push((resource, refusal)),
        }
    }
    task.recorded = Recorded::Whole(recorded);
    Ok(Outcome::Controller(Command::AlterConfigs(task)))
}

fn null_value(name: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, format!("Null value not supported for : {name}"))
}

fn change(operation: i8, name: &str, value: Option<&str>) -> Checked<ConfigChange> {
    let value =
        |change: fn(String) -> Change| value.map(|value| change(value.to_owned())).ok_or_else(|| null_value(name));
    let operation = match operation {
        0 => value(Change::Set)?,
        1 => Change::Delete,
        2 => value(Change::Append)?,
        3 => value(Change::Subtract)?,
        unknown => {
            let message = format!("Unknown operation type {unknown}");
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
    };
    Ok(ConfigChange { name: name.to_owned(), operation })
}

/// A resource that comes twice is altered not at all.
fn once_each<T>(refused: &mut Vec<(Resource, Refusal)>, asked: Vec<(Resource, T)>) -> Vec<(Resource, T)> {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<Resource> =
        asked.iter().map(|(resource, _)| resource.clone()).filter(|resource| !seen.insert(resource.clone())).collect();
    let message = "Each resource must appear at most once.";
    refused.extend(twice.iter().map(|resource| (resource.clone(), Refusal::new(ErrorCode::InvalidRequest, message))));
    asked.into_iter().filter(|(resource, _)| !twice.contains(resource)).collect()
}

/// A name that comes twice would be two values at once.
fn distinct<'n>(mut names: impl Iterator<Item = &'n str>) -> Checked<()> {
    let mut seen = BTreeSet::new();
    if names.all(|name| seen.insert(name)) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::InvalidRequest, "Error due to duplicate config keys"))
}

/// What a resource would set after these changes.
fn changed(context: &Context<'_>, resource: &Resource, changes: &[ConfigChange]) -> Checked<Properties> {
    let before = context.view.image.configs.properties(resource);
    let mut after = before.clone();
    for change in changes {
        match changed_value(resource, &before, change).map_err(|_refusal| no_list(change))? {
            Some(value) => after.set(&change.name, value),
            None => drop(after.remove(&change.name)),
        }
    }
    Ok(after)
}

fn properties(settings: &Settings) -> Properties {
    let mut properties = Properties::new();
    settings.iter().for_each(|(name, value)| properties.set(name, value));
    properties
}

/// In the words of a broker, which are not the controller's.
fn no_list(change: &ConfigChange) -> Refusal {
    let verb = if matches!(change.operation, Change::Append(_)) { "append" } else { "subtract" };
    let message = format!("Config value {verb} is not allowed for config key: {}", change.name);
    Refusal::new(ErrorCode::InvalidConfig, message)
}

fn check(context: &Context<'_>, resource: &Resource, after: impl FnOnce() -> Checked<Properties>) -> Checked<()> {
    check_right(context, Operation::AlterConfigs, resource.kind, &resource.name).map_err(Refusal::of)?;
    match resource.kind {
        ResourceType::BROKER if resource.name.is_empty() => check_broker(context, Scope::Cluster, after()?),
        ResourceType::BROKER => {
            check_own(context, &resource.name)?;
            check_broker(context, Scope::Broker, after()?)
        }
        ResourceType::BROKER_LOGGER => check_own(context, &resource.name),
        ResourceType::TOPIC | ResourceType::GROUP | ResourceType::CLIENT_METRICS => Ok(()),
        kind => Err(unknown_type(kind)),
    }
}

fn unknown_type(kind: ResourceType) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, format!("Unknown resource type {}", kind.0))
}

/// A broker can say only of itself what it can take up.
fn check_own(context: &Context<'_>, name: &str) -> Checked<()> {
    let own = context.view.node_id;
    let message = match name.parse::<i32>() {
        Ok(id) if id == own.0 => return Ok(()),
        Ok(_) => format!("Unexpected broker id, expected {own}, but received {name}"),
        Err(_) => format!("Node id must be an integer, but it is: {name}"),
    };
    Err(Refusal::new(ErrorCode::InvalidRequest, message))
}

/// A running broker takes up only what can change while it runs, only values that it can read, and only those that
/// stand beside what its file and the other layer set: what passes here must also be in force after a restart.
fn check_broker(context: &Context<'_>, scope: Scope, after: Properties) -> Checked<()> {
    let refuse = |message: String| Refusal::new(ErrorCode::InvalidRequest, message);
    validate_dynamic_configs(&after, scope).map_err(|complaint| refuse(complaint.message))?;
    let config = context.view.config;
    let (cluster, broker) = match scope {
        Scope::Cluster => (after, config.layers.broker.clone()),
        Scope::Broker => (config.layers.cluster.clone(), after),
    };
    let (changed, _warnings) = config.with_dynamic(cluster, broker).map_err(|errors| {
        let first = errors.0.into_iter().next().map(|complaint| complaint.message);
        refuse(first.unwrap_or_else(|| "Invalid dynamic configuration".to_owned()))
    })?;
    if !keeps_listeners(config, &changed) {
        let message =
            "Listeners cannot be added, removed or moved while the broker runs: change its file, and restart it";
        return Err(refuse(message.to_owned()));
    }
    Ok(())
}

/// The answer; `tried` are all resources that were tried, with what became of each.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(
    head: Head,
    tried: Vec<(Resource, Checked<()>)>,
    refused: Vec<(Resource, Refusal)>,
) -> Result<Answers, WireError> {
    let committed = encode(head, &tried, &refused)?;
    let failed = move |code: ErrorCode| {
        let tried: Vec<_> = tried.into_iter().map(|(resource, _)| (resource, Err(Refusal::of(code)))).collect();
        encode(head, &tried, &refused)
    };
    Ok(Answers { committed, failed: Box::new(failed) })
}

fn encode(
    head: Head,
    tried: &[(Resource, Checked<()>)],
    refused: &[(Resource, Refusal)],
) -> Result<Encoded, WireError> {
    let refused = refused.iter().map(|(resource, refusal)| (resource, Some(refusal)));
    let all = tried.iter().map(|(resource, result)| (resource, result.as_ref().err())).chain(refused);
    let throttle_time_ms = head.throttle();
    let told = all.map(|(resource, refusal)| {
        let code = refusal.map_or(ErrorCode::None, |refusal| refusal.code).code();
        let message = refusal.and_then(|refusal| refusal.message.clone());
        (code, message, resource.kind.0, Cow::Owned(resource.name.clone()))
    });
    if head.api == ApiKey::AlterConfigs {
        use ottla_wire::alter_configs_response::AlterConfigsResourceResponse;
        let responses = told.map(|(error_code, error_message, resource_type, resource_name)| {
            AlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
        });
        return head.encode(&AlterConfigsResponse { throttle_time_ms, responses: responses.collect() });
    }
    use ottla_wire::incremental_alter_configs_response::AlterConfigsResourceResponse;
    let responses = told.map(|(error_code, error_message, resource_type, resource_name)| {
        AlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
    });
    head.encode(&IncrementalAlterConfigsResponse { throttle_time_ms, responses: responses.collect() })
}
