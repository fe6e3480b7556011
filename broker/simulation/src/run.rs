//! A run: a world of a seed from its first step to its healing, and what came of it.
//!
//! After its steps the world is healed, and now something is demanded that no fault may excuse any more: every client must be
//! served again within a bound of virtual time. Then come a clean stop and a loss of power, after which nothing is missing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::broken;
use crate::model::{End, Kept, Violation};
use crate::scenario::{Mutant, Scenario};
use crate::trace::Trace;
use crate::world::{Tally, World};

/// Within what time a healed broker serves everybody. A member that was forgotten comes back after its session of 10 s,
/// and a rebalance waits as long for members that are gone.
const SERVED_WITHIN_MS: u64 = 120_000;

/// A run that kept all promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The sum over its trace.
    pub sum: u64,
    /// How long the trace is.
    pub lines: u64,
    /// What was done.
    pub tally: Tally,
}

/// Runs a seed.
///
/// # Errors
/// What was broken, what led to it, and how to see it again.
pub fn run(seed: u64, mutant: Option<Mutant>, is_shown: bool) -> Result<Summary, String> {
    let scenario = Scenario::of(seed, mutant);
    let mut trace = Trace::new(is_shown);
    trace.tell(format_args!("{scenario:?}"));
    let mut world = World::new(scenario, trace);
    let kept = catch_unwind(AssertUnwindSafe(|| live(&mut world)));
    match kept {
        Ok(Ok(())) => Ok(Summary { sum: world.trace.sum(), lines: world.trace.lines(), tally: world.tally }),
        Ok(Err(violation)) => Err(world.describe(&violation)),
        Err(_) => Err(world.describe(&Violation("the node panicked".to_owned()))),
    }
}

fn live(world: &mut World) -> Kept {
    world.begin()?;
    for _ in 0..world.scenario.steps {
        world.step()?;
    }
    world.heal();
    if world.needs_restart() {
        world.end(End::Kill)?;
    }
    let until = world.tally.millis + SERVED_WITHIN_MS;
    while !(world.model.topics.iter().all(|topic| topic.exists) && world.clients.iter().all(|client| client.is_served))
    {
        if until < world.tally.millis {
            let waiting: Vec<_> = world.clients.iter().filter(|client| !client.is_served).collect();
            broken!("not served within {SERVED_WITHIN_MS} ms after all was healed: {waiting:?}");
        }
        world.step()?;
    }
    world.stop()?;
    world.end(End::Power)
}
