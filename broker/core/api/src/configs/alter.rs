//! IncrementalAlterConfigs, and AlterConfigs that replaces everything. Needs AlterConfigs on the topic, on the group, or on
//! the cluster.
//!
//! What is set for topics, brokers, groups and subscriptions becomes records at the controller. Log levels change in
//! this process alone.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ottla_config::dynamic::{Scope, validate_dynamic_configs};
use ottla_metadata::decide::Refusal;
use ottla_metadata::decide::configs::{ConfigChange, Operation as Change};
use ottla_metadata::image::{Resource, ResourceType, Settings};
use ottla_wire::{
    AlterConfigsRequest, AlterConfigsResponse, ApiKey, Budget, ErrorCode, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, WireError,
};

use super::{check_right, is_own_id};
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
        let mut changes = Vec::new();
        for config in resource.configs.collect(budget)? {
            changes.push(change(config.config_operation, &config.name, config.value.as_deref()));
        }
        let resource = Resource::new(ResourceType(resource.resource_type), resource.resource_name);
        asked.push((resource, changes.into_iter().collect()));
    }
    let mut task = Task {
        validate_only: request.validate_only,
        recorded: Recorded::Incremental(Vec::new()),
        loggers: Vec::new(),
        refused: Vec::new(),
    };
    let mut recorded = Vec::new();
    for (resource, changes) in once_each(&mut task.refused, asked) {
        match changes.and_then(|changes| check(context, &resource, &changes).map(|()| changes)) {
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
        let mut settings = Ok(Settings::new());
        for config in resource.configs.collect(budget)? {
            settings = settings.and_then(|mut settings: Settings| {
                let value = config.value.ok_or_else(|| null_value(&config.name))?;
                settings.insert(config.name.into_owned(), value.into_owned());
                Ok(settings)
            });
        }
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
                let message = "AlterConfigs is deprecated and does not support the resource type BROKER_LOGGER";
                return Err(Refusal::new(ErrorCode::InvalidRequest, message));
            }
            let changes: Vec<_> = settings.iter().map(|(name, value)| ConfigChange::set(name, value)).collect();
            check(context, &resource, &changes).map(|()| settings)
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

fn check(context: &Context<'_>, resource: &Resource, changes: &[ConfigChange]) -> Checked<()> {
    check_right(context, Operation::AlterConfigs, resource.kind, &resource.name).map_err(Refusal::of)?;
    match resource.kind {
        ResourceType::BROKER => check_broker(context, resource, changes),
        ResourceType::BROKER_LOGGER if !is_own_id(context, &resource.name) => {
            let own = context.view.node_id;
            let message = format!("Unexpected broker id, expected {own}, but received {}", resource.name);
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
        ResourceType::TOPIC | ResourceType::BROKER_LOGGER | ResourceType::GROUP | ResourceType::CLIENT_METRICS => {
            Ok(())
        }
        kind => {
            let message = format!("Unexpected resource type {}", kind.name());
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
    }
}

/// A running broker takes up only what can change while it runs, and only values that it can read. What was set before
/// is checked with it: one change may be wrong beside another.
fn check_broker(context: &Context<'_>, resource: &Resource, changes: &[ConfigChange]) -> Checked<()> {
    let mut after = context.view.image.configs.properties(resource);
    for change in changes {
        match &change.operation {
            Change::Set(value) => after.set(&change.name, value),
            Change::Delete => drop(after.remove(&change.name)),
            // The controller puts the list together; that the key may change at all is all there is to see here.
            Change::Append(entries) | Change::Subtract(entries) => after.set(&change.name, entries),
        }
    }
    let scope = if resource.name.is_empty() { Scope::Cluster } else { Scope::Broker };
    validate_dynamic_configs(&after, scope)
        .map_err(|complaint| Refusal::new(ErrorCode::InvalidRequest, complaint.message))
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
