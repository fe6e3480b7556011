//! Fencing of brokers that are silent for longer than their session lasts.

use ottla_vocabulary::{Instant, NodeId};

use super::heartbeat::fenced;
use super::{Context, Decision};
use crate::sessions::Sessions;

/// Fences one broker whose session is over; the reply names it, or a registration that is past anyway. Whoever calls
/// this tells [`Sessions::forget`] of it and asks again until nobody is named.
pub fn decide_fence_stale(context: Context<'_>, sessions: &Sessions, now: Instant) -> Decision<Option<NodeId>> {
    let Some((id, epoch)) = sessions.expired(now) else { return Decision::reply(None) };
    match context.image.cluster.broker(id) {
        Some(broker) if broker.epoch == epoch && !broker.fenced => Decision::new(fenced(context, broker), Some(id)),
        _ => Decision::reply(Some(id)),
    }
}
