//! On which brokers new partitions are placed: Kafka's striped placement.
//!
//! Racks in turn from a random start, brokers in turn within a rack, each again from a random start, so that leaders
//! and followers spread evenly; brokers that are alive before fenced ones, the first replica never on a fenced one.

use std::collections::BTreeMap;

use ottla_vocabulary::NodeId;
use ottla_wire::ErrorCode;

use super::Refusal;

/// Random numbers, one at each call.
pub type Random<'a> = dyn FnMut() -> u64 + 'a;

/// A broker that new replicas can be placed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableBroker {
    /// Which.
    pub id: NodeId,
    /// Its rack.
    pub rack: Option<String>,
    /// Whether it is fenced.
    pub fenced: bool,
}

/// The replicas of so many partitions, each with the preferred leader first.
///
/// # Errors
/// INVALID_REPLICATION_FACTOR when there are not that many brokers, or none alive.
pub fn place(
    brokers: &[UsableBroker],
    partitions: usize,
    replication_factor: i16,
    random: &mut Random<'_>,
) -> Result<Vec<Vec<NodeId>>, Refusal> {
    let refuse = |message: String| Err(Refusal::new(ErrorCode::InvalidReplicationFactor, message));
    let Some(replicas) = usize::try_from(replication_factor).ok().filter(|count| 0 < *count) else {
        return refuse(format!(
            "Invalid replication factor {replication_factor}: the replication factor must be positive."
        ));
    };
    if brokers.iter().all(|broker| broker.fenced) {
        return refuse("All brokers are currently fenced, or have all their log directories cordoned.".to_owned());
    }
    if brokers.len() < replicas {
        return refuse(format!(
            "The target replication factor of {replicas} cannot be reached because only {} broker(s) are registered or \
             some brokers have all their log directories cordoned.",
            brokers.len()
        ));
    }
    let mut racks = Racks::new(brokers, random);
    Ok((0..partitions).map(|_| racks.place(replicas, random)).collect())
}

struct Racks {
    racks: Vec<Rack>,
    alive: usize,
    epoch: usize,
    offset: usize,
}

struct Rack {
    alive: Stripe,
    fenced: Stripe,
}

/// The brokers of a rack, gone round one partition after another, each time one further.
struct Stripe {
    brokers: Vec<NodeId>,
    index: usize,
    offset: usize,
    epoch: usize,
}

impl Racks {
    fn new(brokers: &[UsableBroker], random: &mut Random<'_>) -> Racks {
        let mut by_name: BTreeMap<&Option<String>, [Vec<NodeId>; 2]> = BTreeMap::new();
        for broker in brokers {
            by_name.entry(&broker.rack).or_default()[usize::from(broker.fenced)].push(broker.id);
        }
        let mut stripe = |brokers: Vec<NodeId>| Stripe::new(brokers, random);
        let racks: Vec<Rack> = by_name
            .into_values()
            .map(|[alive, fenced]| Rack { alive: stripe(alive), fenced: stripe(fenced) })
            .collect();
        let offset = below(racks.len(), random);
        Racks { racks, alive: brokers.iter().filter(|broker| !broker.fenced).count(), epoch: 0, offset }
    }

    /// The replicas of the next partition. There are enough brokers, and one is alive.
    fn place(&mut self, replicas: usize, random: &mut Random<'_>) -> Vec<NodeId> {
        if self.epoch == self.alive && 1 < self.alive {
            // Everyone led once: shuffle, so that the same brokers do not always follow the same leaders.
            shuffle(&mut self.racks, random);
            for rack in &mut self.racks {
                shuffle(&mut rack.alive.brokers, random);
                shuffle(&mut rack.fenced.brokers, random);
            }
            self.epoch = 0;
        }
        let count = self.racks.len();
        self.offset %= count;
        let mut leader_rack = self.offset;
        let leader = loop {
            if let Some(leader) = self.racks[leader_rack].alive.next(self.epoch) {
                break leader;
            }
            leader_rack = (leader_rack + 1) % count;
        };
        let mut placed = vec![leader];
        // The leader's rack is passed over once, then serves like any other.
        let mut passed_over = Some(leader_rack);
        let mut rack = self.offset;
        while placed.len() < replicas {
            if passed_over == Some(rack) {
                passed_over = None;
            } else {
                placed.extend(self.racks[rack].next(self.epoch));
            }
            rack = (rack + 1) % count;
        }
        self.epoch += 1;
        self.offset += 1;
        placed
    }
}

impl Rack {
    fn next(&mut self, epoch: usize) -> Option<NodeId> {
        self.alive.next(epoch).or_else(|| self.fenced.next(epoch))
    }
}

impl Stripe {
    fn new(mut brokers: Vec<NodeId>, random: &mut Random<'_>) -> Stripe {
        brokers.sort();
        let offset = if brokers.is_empty() { 0 } else { below(brokers.len(), random) };
        Stripe { brokers, index: 0, offset, epoch: 0 }
    }

    fn next(&mut self, epoch: usize) -> Option<NodeId> {
        let count = self.brokers.len();
        if self.epoch != epoch && 0 < count {
            (self.epoch, self.index, self.offset) = (epoch, 0, (self.offset + 1) % count);
        }
        if count <= self.index {
            return None;
        }
        self.index += 1;
        Some(self.brokers[(self.index - 1 + self.offset) % count])
    }
}

fn below(count: usize, random: &mut Random<'_>) -> usize {
    (random() % count as u64) as usize
}

fn shuffle<T>(items: &mut [T], random: &mut Random<'_>) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(last + 1, random));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(id: i32, rack: Option<&str>, fenced: bool) -> UsableBroker {
        UsableBroker { id: NodeId(id), rack: rack.map(str::to_owned), fenced }
    }

    fn dice(seed: u64) -> impl FnMut() -> u64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        }
    }

    #[test]
    fn leaders_and_racks_are_spread_evenly() {
        let brokers: Vec<_> = (0..6).map(|id| broker(id, Some(["a", "b", "c"][id as usize % 3]), false)).collect();
        for seed in 0..50 {
            let placed = place(&brokers, 60, 3, &mut dice(seed)).unwrap();
            let mut leaders = [0; 6];
            for replicas in &placed {
                let mut racks: Vec<_> = replicas.iter().map(|node| node.0 % 3).collect();
                racks.sort_unstable();
                assert_eq!(racks, [0, 1, 2], "one replica in each rack");
                leaders[replicas[0].0 as usize] += 1;
            }
            assert_eq!(leaders, [10; 6], "seed {seed}");
        }
    }

    #[test]
    fn a_fenced_broker_follows_and_never_leads() {
        let brokers = [broker(1, None, true), broker(2, None, false), broker(3, None, true)];
        for seed in 0..50 {
            for replicas in place(&brokers, 9, 2, &mut dice(seed)).unwrap() {
                assert_eq!((replicas[0], replicas.len()), (NodeId(2), 2));
                assert_ne!(replicas[1], NodeId(2));
            }
        }
    }

    #[test]
    fn what_cannot_be_placed_is_refused_in_kafkas_words() {
        let message = |brokers: &[UsableBroker], factor| {
            place(brokers, 1, factor, &mut dice(0)).unwrap_err().message.unwrap().into_owned()
        };
        let one = [broker(1, None, false)];
        assert!(message(&one, 3).contains("of 3 cannot be reached because only 1 broker(s) are registered"));
        assert!(message(&one, 0).contains("must be positive"));
        assert!(message(&[broker(1, None, true)], 1).starts_with("All brokers are currently fenced"));
        assert!(message(&[], 1).starts_with("All brokers are currently fenced"));
    }
}
