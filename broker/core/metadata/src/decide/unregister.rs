//! UnregisterBroker and UnregisterController: a node that will not come back is forgotten.

use ottla_vocabulary::NodeId;
use ottla_wire::{ErrorCode, UnregisterBrokerRecord, UnregisterControllerRecord};

use super::leadership::{BrokerChange, on_broker_change};
use super::{Context, Outcome, Refusal, outcome};

/// Forgets a broker. [`crate::Sessions::forget`] is told of it.
pub fn decide_unregister_broker(context: Context<'_>, id: NodeId) -> Outcome<()> {
    let Some(broker) = context.image.cluster.broker(id) else {
        let message = format!("Broker ID {id} is not currently registered");
        return outcome(Err(Refusal::new(ErrorCode::BrokerIdNotRegistered, message)));
    };
    let mut records = on_broker_change(context, BrokerChange::Leaves(id));
    records.push(UnregisterBrokerRecord { broker_id: id.0, broker_epoch: broker.epoch.0 }.into());
    outcome(Ok((records, ())))
}

/// Forgets a controller.
pub fn decide_unregister_controller(context: Context<'_>, id: NodeId) -> Outcome<()> {
    if !context.metadata_version().has_controller_unregistration() {
        let message = "The current MetadataVersion is too old to support controller unregistration.";
        return outcome(Err(Refusal::new(ErrorCode::UnsupportedVersion, message)));
    }
    if !context.image.cluster.controllers.contains_key(&id) {
        let message = format!("Controller ID {id} is not currently registered.");
        return outcome(Err(Refusal::new(ErrorCode::ControllerIdNotRegistered, message)));
    }
    outcome(Ok((vec![UnregisterControllerRecord { controller_id: id.0 }.into()], ())))
}
