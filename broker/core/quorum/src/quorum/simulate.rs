//! Random runs of three voters: messages are late, lost and in disorder, nodes crash, links are cut; the laws are
//! checked in `world` at every action. Then the network heals, and a leader must be found and everything committed.

use super::world::{Message, NODES, Node, World};
use super::*;

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

struct Run {
    world: World,
    dice: Dice,
    millis: u64,
    /// A pair of nodes that do not hear each other.
    cut: Option<(i32, i32)>,
    loses: bool,
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut dice = Dice(seed);
        let draws = [0; NODES].map(|_| dice.next() as u32);
        Run { world: World::new(Now::default(), draws), dice, millis: 0, cut: None, loses: true }
    }

    fn now(&self) -> Now {
        Now { instant: Instant::from_millis(self.millis), ..Now::default() }
    }

    fn is_cut(&self, message: &Message) -> bool {
        let pair = (message.from.min(message.to), message.from.max(message.to));
        self.cut == Some(pair)
    }

    /// A few milliseconds of anything.
    fn tick(&mut self) {
        self.millis += self.dice.below(60);
        let (now, draw) = (self.now(), self.dice.next() as u32);
        let due: Vec<i32> = (0..NODES as i32)
            .filter(|id| self.world.node(*id).quorum.next_timeout().is_some_and(|at| at <= now.instant))
            .collect();
        for id in due {
            self.world.step(id, Event::Time, None, now, draw.wrapping_mul(id as u32 + 7));
        }
        for id in 0..NODES as i32 {
            self.world.fetch(id);
        }
        for message in self.world.network.clone() {
            let lost = self.is_cut(&message) || (self.loses && self.dice.below(8) == 0);
            if lost {
                self.world.lose(&message);
            } else if self.dice.below(2) == 0 && self.world.network.contains(&message) {
                self.world.deliver(&message, now, draw);
            }
        }
    }

    fn trouble(&mut self) {
        let (now, draw) = (self.now(), self.dice.next() as u32);
        let id = self.dice.below(NODES as u64) as i32;
        match self.dice.below(40) {
            0 => self.world.restart(id, now, draw),
            1 => self.cut = Some((id.min((id + 1) % 3), id.max((id + 1) % 3))),
            2 | 3 => self.cut = None,
            4 => self.world.step(id, Event::Resign, None, now, draw),
            5..=9 if self.world.node(id).quorum.is_leader() => self.world.append(id, now, draw),
            _ => {}
        }
    }
}

#[test]
fn three_voters_stay_safe_in_trouble_and_agree_after_it() {
    for seed in 0..150 {
        let mut run = Run::new(seed);
        for _ in 0..400 {
            run.tick();
            run.trouble();
        }
        (run.cut, run.loses) = (None, false);
        let settled = |world: &World| {
            let leader = world.nodes.iter().find(|node| node.quorum.is_leader());
            leader.is_some_and(|leader| {
                let end = leader.log.end().offset;
                let same = |node: &Node| {
                    node.log == leader.log
                        && node.quorum.epoch() == leader.quorum.epoch()
                        && node.quorum.high_watermark() == Some(end)
                };
                world.nodes.iter().all(same)
            })
        };
        let healed_at = run.millis;
        while !settled(&run.world) {
            run.tick();
            assert!(run.millis < healed_at + 60_000, "seed {seed}: no agreement a minute after the network healed");
        }
        assert!(!run.world.committed.is_empty());
    }
}

#[test]
fn a_leader_that_nobody_fetches_from_resigns() {
    let mut run = Run::new(7);
    run.loses = false;
    let led = |run: &Run| (0..NODES as i32).find(|id| run.world.node(*id).quorum.is_leader());
    while led(&run).is_none() {
        run.tick();
    }
    let leader = led(&run).unwrap();
    for _ in 0..200 {
        run.millis += 20;
        let now = run.now();
        run.world.step(leader, Event::Time, None, now, 3);
    }
    assert!(!run.world.node(leader).quorum.is_leader(), "four seconds are more than one and a half fetch time-outs");
}

#[test]
fn a_voter_that_was_cut_off_does_not_unseat_a_working_leader() {
    let mut run = Run::new(11);
    run.loses = false;
    let led = |run: &Run| (0..NODES as i32).find(|id| run.world.node(*id).quorum.is_leader());
    while run.world.committed.is_empty() {
        run.tick();
    }
    let leader = led(&run).unwrap();
    let epoch = run.world.node(leader).quorum.epoch();
    // The link between the leader and one follower is cut for long; the follower can still ask the other.
    run.cut = Some((leader.min((leader + 1) % 3), leader.max((leader + 1) % 3)));
    for _ in 0..400 {
        run.tick();
    }
    assert_eq!((led(&run), run.world.node(leader).quorum.epoch()), (Some(leader), epoch));
}
