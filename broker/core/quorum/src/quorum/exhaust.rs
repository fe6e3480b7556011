//! Every order of a few events among three voters, on the real code: time-outs, deliveries (late, in any order, or
//! never), a record, a crash. The laws are checked in `world` at every action.

use std::hash::{Hash, Hasher};

use ottla_vocabulary::Set;

use super::world::{NODES, World};
use super::*;

/// What may still happen; together with the world it is the state that is explored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Budget {
    timeouts: u8,
    appends: u8,
    crashes: u8,
    fetches: u8,
}

fn explore(budget: Budget, states_max: usize) -> (usize, usize) {
    // All three are alike, so it is the first whose patience ends first.
    let mut start = World::new(Now::default(), [0; NODES]);
    start.one_per_link = true;
    start.step(0, Event::Time, None, Now { instant: Instant { nanos: u64::MAX / 2 }, ..Now::default() }, 0);
    start.nodes.iter_mut().for_each(|node| node.quorum.forget_times());
    let mut seen: Set<u64> = Set::default();
    let mut open = vec![(start, budget)];
    let mut most_committed = 0;
    while let Some((world, budget)) = open.pop() {
        for (mut world, budget) in successors(&world, budget) {
            world.nodes.iter_mut().for_each(|node| node.quorum.forget_times());
            let mut hasher = std::hash::DefaultHasher::new();
            (&world, budget).hash(&mut hasher);
            if seen.insert(hasher.finish()) {
                most_committed = most_committed.max(world.committed.len());
                open.push((world, budget));
            }
        }
        assert!(seen.len() < states_max, "more states than expected: {}", seen.len());
    }
    (seen.len(), most_committed)
}

fn successors(world: &World, budget: Budget) -> Vec<(World, Budget)> {
    let now = Now::default();
    let late = Now { instant: Instant { nanos: u64::MAX / 2 }, ..now };
    let mut next = Vec::new();
    let mut go = |budget: Budget, act: &dyn Fn(&mut World)| {
        let mut world = world.clone();
        act(&mut world);
        next.push((world, budget));
    };
    for message in &world.network {
        go(budget, &|world| world.deliver(message, now, 0));
    }
    for id in 0..NODES as i32 {
        let node = world.node(id);
        if 0 < budget.timeouts && node.quorum.next_timeout().is_some() {
            go(Budget { timeouts: budget.timeouts - 1, ..budget }, &|world| world.step(id, Event::Time, None, late, 0));
        }
        if 0 < budget.appends && node.quorum.is_leader() {
            go(Budget { appends: budget.appends - 1, ..budget }, &|world| world.append(id, now, 0));
        }
        if 0 < budget.crashes {
            go(Budget { crashes: budget.crashes - 1, ..budget }, &|world| world.restart(id, now, 0));
        }
        if 0 < budget.fetches && matches!(node.quorum.role(), Role::Follower(_)) && !node.fetching {
            go(Budget { fetches: budget.fetches - 1, ..budget }, &|world| world.fetch(id));
        }
    }
    next
}

#[test]
fn elections_with_a_crash_keep_the_laws_in_every_order() {
    let (states, _) = explore(Budget { timeouts: 1, appends: 0, crashes: 1, fetches: 0 }, 50_000);
    assert!(10_000 < states, "only {states} states: the model has shrunk");
}

#[test]
fn replication_keeps_the_laws_in_every_order() {
    let (states, committed) = explore(Budget { timeouts: 0, appends: 1, crashes: 0, fetches: 4 }, 50_000);
    assert!(1_000 < states, "only {states} states: the model has shrunk");
    assert_eq!(committed, 2, "the epoch's first record and another were committed in some order");
}

#[test]
fn a_change_of_leaders_keeps_what_is_committed_in_every_order() {
    let (states, committed) = explore(Budget { timeouts: 1, appends: 0, crashes: 0, fetches: 2 }, 100_000);
    assert!(10_000 < states, "only {states} states: the model has shrunk");
    assert_eq!(committed, 1, "the epoch's first record was committed in some order");
}

/// Minutes without optimization: for `cargo xtask long quorum`.
#[test]
#[ignore = "explores half a million states; run it optimized"]
#[allow(clippy::print_stdout, reason = "a long run notes its figure")]
fn more_of_everything_keeps_the_laws_in_every_order() {
    let budget = |timeouts, appends, crashes, fetches| Budget { timeouts, appends, crashes, fetches };
    let mut all = 0;
    for budget in [budget(1, 1, 0, 2), budget(2, 0, 1, 0), budget(1, 0, 0, 3), budget(1, 0, 1, 2)] {
        let (states, _) = explore(budget, 2_000_000);
        assert!(50_000 < states, "only {states} states: the model has shrunk");
        all += states;
    }
    println!("{all} states keep the laws");
}
