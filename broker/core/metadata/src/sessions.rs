//! Who was heard of when: what an active controller knows of the brokers beside the log.
//!
//! Soft state: it begins anew with each leadership, when every broker that is not fenced gets a full session's time to
//! be heard of.

use std::collections::BTreeMap;

use ottla_vocabulary::{BrokerEpoch, Duration, Instant, NodeId, Offset};

use crate::image::Image;

/// The sessions of all brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sessions {
    brokers: BTreeMap<NodeId, Session>,
    timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Session {
    epoch: BrokerEpoch,
    contact: Instant,
    metadata_offset: Offset,
}

impl Sessions {
    /// As a leadership begins. `timeout` is `broker.session.timeout.ms`.
    pub fn begin(image: &Image, timeout: Duration, now: Instant) -> Sessions {
        let unfenced = image.cluster.brokers.values().filter(|broker| !broker.fenced);
        let session = |epoch| Session { epoch, contact: now, metadata_offset: Offset::NONE };
        Sessions { brokers: unfenced.map(|broker| (broker.id, session(broker.epoch))).collect(), timeout }
    }

    /// A heartbeat came: to be called before it is decided on, so that a slow decision expires nobody. One of another
    /// registration than the present counts for nothing.
    pub fn on_heartbeat(
        &mut self,
        image: &Image,
        broker: NodeId,
        epoch: BrokerEpoch,
        metadata_offset: Offset,
        now: Instant,
    ) {
        if image.cluster.broker(broker).is_some_and(|known| known.epoch == epoch) {
            self.brokers.insert(broker, Session { epoch, contact: now, metadata_offset });
        }
    }

    /// A broker was fenced for its silence, or left.
    pub fn forget(&mut self, broker: NodeId) {
        self.brokers.remove(&broker);
    }

    /// Whether this registration of a broker was heard of within the timeout.
    pub fn is_valid(&self, broker: NodeId, epoch: BrokerEpoch, now: Instant) -> bool {
        self.brokers.get(&broker).is_some_and(|session| session.epoch == epoch && !self.is_expired(session, now))
    }

    /// A broker that was silent for longer than the timeout, with the registration that was heard of last.
    pub fn expired(&self, now: Instant) -> Option<(NodeId, BrokerEpoch)> {
        let mut expired = self.brokers.iter().filter(|(_, session)| self.is_expired(session, now));
        expired.next().map(|(broker, session)| (*broker, session.epoch))
    }

    /// When a broker's session next runs out.
    pub fn next_expiry(&self) -> Option<Instant> {
        // One nanosecond later: a session is over when the silence is longer than the timeout.
        self.brokers.values().map(|session| session.contact + self.timeout + Duration::from_nanos(1)).min()
    }

    /// The lowest metadata offset that an active broker said it has; `None` when no other broker is active.
    pub fn lowest_active_offset(&self, image: &Image) -> Option<Offset> {
        let active = image.cluster.brokers.values().filter(|broker| broker.is_active());
        active.map(|broker| self.brokers.get(&broker.id).map_or(Offset::NONE, |session| session.metadata_offset)).min()
    }

    fn is_expired(&self, session: &Session, now: Instant) -> bool {
        self.timeout < now.since(session.contact)
    }
}
