//! BrokerHeartbeat: a broker says that it lives, how far it has replayed the metadata log, and what it wishes: to be
//! unfenced, to be fenced, or to shut down. Broken and cordoned log directories are told by it too.

use std::collections::BTreeSet;

use ottla_vocabulary::{BrokerEpoch, NodeId, Offset, Uuid};
use ottla_wire::{BrokerHeartbeatRequest, BrokerRegistrationChangeRecord};

use super::leadership::{BrokerChange, PartitionChange, on_broker_change};
use super::{Context, Outcome, Record, Refusal, outcome};
use crate::image::Broker;
use crate::sessions::Sessions;

/// What the broker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatReply {
    /// Whether it has replayed its own registration.
    pub is_caught_up: bool,
    /// Whether it is fenced.
    pub is_fenced: bool,
    /// Whether it may go down now.
    pub should_shut_down: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Fenced,
    Unfenced,
    ControlledShutdown,
    ShutdownNow,
}

/// Decides on a heartbeat. [`Sessions::on_heartbeat`] is told of it first.
pub fn decide_heartbeat(
    context: Context<'_>,
    sessions: &Sessions,
    request: &BrokerHeartbeatRequest<'_>,
) -> Outcome<HeartbeatReply> {
    outcome(heartbeat(context, sessions, request))
}

fn heartbeat(
    context: Context<'_>,
    sessions: &Sessions,
    request: &BrokerHeartbeatRequest<'_>,
) -> Result<(Vec<Record>, HeartbeatReply), Refusal> {
    let broker = context.broker_in_epoch(NodeId(request.broker_id), BrokerEpoch(request.broker_epoch))?;
    let is_caught_up = broker.registered_at.0 <= request.current_metadata_offset;
    let now = match broker {
        Broker { fenced: true, .. } => Standing::Fenced,
        Broker { in_controlled_shutdown: true, .. } => Standing::ControlledShutdown,
        _ => Standing::Unfenced,
    };
    let next = next_standing(context, sessions, broker, request, now, is_caught_up);
    let mut records = match next {
        _ if now == next => Vec::new(),
        Standing::Fenced => fenced(context, broker),
        // Kafka writes this for a broker that is fenced already too.
        Standing::ShutdownNow => fenced(context, broker),
        Standing::Unfenced => unfenced(context, broker),
        Standing::ControlledShutdown => going_down(context, broker),
    };
    if context.metadata_version().has_directories() {
        records.extend(directories_offline(context, broker, &request.offline_log_dirs.iter().collect()));
    }
    if context.metadata_version().has_cordoned_directories()
        && let Some(cordoned) = &request.cordoned_log_dirs
    {
        records.extend(directories_cordoned(broker, cordoned.iter().collect()));
    }
    let reply = HeartbeatReply {
        is_caught_up,
        is_fenced: matches!(next, Standing::Fenced | Standing::ShutdownNow),
        should_shut_down: next == Standing::ShutdownNow,
    };
    Ok((records, reply))
}

fn next_standing(
    context: Context<'_>,
    sessions: &Sessions,
    broker: &Broker,
    request: &BrokerHeartbeatRequest<'_>,
    now: Standing,
    is_caught_up: bool,
) -> Standing {
    let leads = || context.image.topics.has_leaderships(broker.id);
    match now {
        Standing::Fenced if request.want_shut_down => Standing::ShutdownNow,
        Standing::Fenced if !request.want_fence && is_caught_up => Standing::Unfenced,
        Standing::Unfenced if request.want_fence && request.want_shut_down => Standing::ShutdownNow,
        Standing::Unfenced if request.want_fence => Standing::Fenced,
        Standing::Unfenced if request.want_shut_down && leads() => Standing::ControlledShutdown,
        Standing::Unfenced if request.want_shut_down => Standing::ShutdownNow,
        Standing::ControlledShutdown if leads() => Standing::ControlledShutdown,
        Standing::ControlledShutdown => {
            // Everyone else must know the new leaders before the old one goes.
            let known = sessions.lowest_active_offset(context.image).unwrap_or(Offset(i64::MAX));
            let began = broker.shutdown_at.unwrap_or(Offset::NONE);
            if began <= known { Standing::ShutdownNow } else { Standing::ControlledShutdown }
        }
        other => other,
    }
}

/// Fences a broker: its partitions get other leaders, or none.
pub(super) fn fenced(context: Context<'_>, broker: &Broker) -> Vec<Record> {
    let mut records = on_broker_change(context, BrokerChange::Leaves(broker.id));
    records.push(change(broker, |record| record.fenced = 1).into());
    records
}

fn unfenced(context: Context<'_>, broker: &Broker) -> Vec<Record> {
    let mut records = vec![change(broker, |record| record.fenced = -1).into()];
    records.extend(on_broker_change(context, BrokerChange::Returns(broker.id)));
    records
}

fn going_down(context: Context<'_>, broker: &Broker) -> Vec<Record> {
    let mut records = vec![change(broker, |record| record.in_controlled_shutdown = 1).into()];
    records.extend(on_broker_change(context, BrokerChange::Leaves(broker.id)));
    records
}

/// Directories that broke: their replicas, and only theirs, lose leadership and ISR.
fn directories_offline(context: Context<'_>, broker: &Broker, offline: &BTreeSet<Uuid>) -> Vec<Record> {
    let (lost, online): (Vec<Uuid>, Vec<Uuid>) = broker.directories.iter().partition(|id| offline.contains(id));
    if lost.is_empty() {
        return Vec::new();
    }
    let mut records = Vec::new();
    for topic in context.image.topics.sorted() {
        let on_lost = |id: Option<Uuid>| id.is_some_and(|id| lost.contains(&id));
        for (index, partition) in &topic.partitions {
            if on_lost(partition.directory_of(broker.id)) {
                let mut made = PartitionChange::new(context, topic, *index, partition);
                made.broker = Some(BrokerChange::Leaves(broker.id));
                made.isr.retain(|replica| *replica != broker.id);
                records.extend(made.record());
            }
        }
    }
    records.push(change(broker, |record| record.log_dirs = online.into()).into());
    records
}

fn directories_cordoned(broker: &Broker, cordoned: Vec<Uuid>) -> Option<Record> {
    let set = |ids: &[Uuid]| ids.iter().copied().collect::<BTreeSet<_>>();
    let unchanged = broker.cordoned.as_ref().is_some_and(|known| set(known) == set(&cordoned));
    (!unchanged).then(|| change(broker, |record| record.cordoned_log_dirs = Some(cordoned.into())).into())
}

fn change(
    broker: &Broker,
    say: impl FnOnce(&mut BrokerRegistrationChangeRecord<'static>),
) -> BrokerRegistrationChangeRecord<'static> {
    let mut record = BrokerRegistrationChangeRecord {
        broker_id: broker.id.0,
        broker_epoch: broker.epoch.0,
        ..BrokerRegistrationChangeRecord::default()
    };
    say(&mut record);
    record
}
