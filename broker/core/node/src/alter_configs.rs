//! Altering configurations: log levels change in this process at once, everything else is the controller's decision.

use ottla_api::Context;
use ottla_api::command::Command;
use ottla_api::configs::alter::Task;
use ottla_commit_log::Files;
use ottla_metadata::decide::Refusal;
use ottla_metadata::decide::configs::{ConfigChange, Operation};
use ottla_metadata::image::{Resource, ResourceType};
use ottla_wire::{ErrorCode, WireError};

use crate::node::Node;
use crate::reply::{DescriptorOf, Handled, Token};

impl<F: Files> Node<F> {
    pub(crate) fn alter_configs(
        &self,
        context: &Context<'_>,
        token: Token,
        mut task: Task,
    ) -> Result<Handled<DescriptorOf<F>>, WireError> {
        for (name, changes) in std::mem::take(&mut task.loggers) {
            // All or nothing: what is refused for one logger is not done for the others before it.
            let checked = changes.iter().try_for_each(|change| self.check_logger(change));
            let done = checked.and_then(|()| match task.validate_only {
                true => Ok(()),
                false => changes.iter().try_for_each(|change| self.alter_logger(change)),
            });
            let refused = done.err();
            let resource = Resource::new(ResourceType::BROKER_LOGGER, name);
            // What went well is told like a refusal without an error: nothing of it is to be decided.
            let told = refused.unwrap_or_else(|| Refusal::silent(ErrorCode::None));
            task.refused.push((resource, told));
        }
        self.decide(context, token, Command::AlterConfigs(task))
    }

    fn check_logger(&self, change: &ConfigChange) -> Result<(), Refusal> {
        let verb = match &change.operation {
            Operation::Set(_) | Operation::Delete => {
                self.loggers.check(&change.name, level(change)).map_err(invalid)?;
                let message = "Removing the log level of the root logger is not allowed";
                let unset = change.operation == Operation::Delete && change.name == ROOT;
                return if unset { Err(Refusal::new(ErrorCode::InvalidRequest, message)) } else { Ok(()) };
            }
            Operation::Append(_) => "APPEND",
            Operation::Subtract(_) => "SUBTRACT",
        };
        let message = format!("{verb} operation is not allowed for the BROKER_LOGGER resource");
        Err(Refusal::new(ErrorCode::InvalidRequest, message))
    }

    fn alter_logger(&self, change: &ConfigChange) -> Result<(), Refusal> {
        self.loggers.set(&change.name, level(change)).map_err(invalid)
    }
}

/// Kafka's name for the logger above all others: it has no parent to take its level from.
const ROOT: &str = "root";

fn invalid(message: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidConfig, message)
}

fn level(change: &ConfigChange) -> Option<&str> {
    match &change.operation {
        Operation::Set(level) => Some(level),
        Operation::Delete | Operation::Append(_) | Operation::Subtract(_) => None,
    }
}
