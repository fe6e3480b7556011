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
            let refused = changes.iter().find_map(|change| self.alter_logger(change, task.validate_only).err());
            let resource = Resource::new(ResourceType::BROKER_LOGGER, name);
            // What went well is told like a refusal without an error: nothing of it is to be decided.
            let told = refused.unwrap_or_else(|| Refusal::silent(ErrorCode::None));
            task.refused.push((resource, told));
        }
        self.decide(context, token, Command::AlterConfigs(task))
    }

    fn alter_logger(&self, change: &ConfigChange, validate_only: bool) -> Result<(), Refusal> {
        let level = match &change.operation {
            Operation::Set(level) => Some(level.as_str()),
            Operation::Delete => None,
            Operation::Append(_) | Operation::Subtract(_) => {
                let message = "APPEND and SUBTRACT operations are not allowed for logger configs";
                return Err(Refusal::new(ErrorCode::InvalidRequest, message));
            }
        };
        if validate_only {
            let is_known = self.loggers.levels().iter().any(|(logger, _)| *logger == change.name);
            let unknown = || Refusal::new(ErrorCode::InvalidConfig, format!("Logger {} does not exist!", change.name));
            return if is_known { Ok(()) } else { Err(unknown()) };
        }
        self.loggers.set(&change.name, level).map_err(|message| Refusal::new(ErrorCode::InvalidConfig, message))
    }
}
