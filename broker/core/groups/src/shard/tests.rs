//! What strangers can make a shard remember: bounds that no scenario shows.

// A test: what cannot be read is a failure.
#![allow(clippy::unwrap_used)]

use ottla_vocabulary::{Duration, MemberId, Timestamp};

use super::*;
use crate::group::State;
use crate::request::{Identity, Join, Protocol};

fn at(millis: u64) -> Now {
    Now { instant: Instant::from_millis(millis), wall: Timestamp(millis as i64) }
}

fn join(client_id: &str, unique: usize) -> Join {
    Join {
        group: GroupId::new("g"),
        member: MemberId::new(""),
        instance: None,
        client_id: client_id.to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: vec![Protocol { name: "range".to_owned(), metadata: Vec::new() }],
        session_timeout: Duration::from_secs(10),
        rebalance_timeout: Duration::from_secs(60),
        asks_for_id_first: true,
        can_skip_assignment: false,
        unique: format!("u{unique}"),
    }
}

fn loaded() -> Shard<()> {
    let mut shard = Shard::new(Settings::default());
    shard.on_loaded(at(0));
    shard
}

/// Asks, and gives the code and the id of the answer to a join, when there is one at once.
fn ask(shard: &mut Shard<()>, now: Now, join: Join) -> Option<(ErrorCode, MemberId)> {
    let actions = shard.on_request(now, Request::Join(join), ());
    actions.into_iter().find_map(|action| match action {
        Action::Reply { reply: Reply::Join(joined), .. } => Some((joined.error, joined.member)),
        _ => None,
    })
}

#[test]
fn heartbeats_set_no_timers() {
    let mut shard = loaded();
    let _ = ask(&mut shard, at(0), Join { asks_for_id_first: false, ..join("a", 1) });
    let _ = shard.on_time(at(3000));
    let _ = shard.on_time(at(6000));
    let who = Identity { group: GroupId::new("g"), member: MemberId::new("a-u1"), instance: None, generation: 1 };
    for millis in 6000..16_000 {
        let _ = shard.on_request(at(millis), Request::Heartbeat(who.clone()), ());
    }
    // For the member, for the wait for syncs, and for offsets.
    assert_eq!(shard.timers.len(), 3);
    let _ = shard.on_time(at(16_000));
    assert_eq!(shard.groups[&who.group].members.len(), 1, "the timer that fired found a later deadline");
    let _ = shard.on_time(at(25_999));
    assert_eq!(shard.timers.len(), 1, "an empty group waits for nobody");
}

#[test]
fn rebalances_leave_no_timers_behind() {
    let mut shard = loaded();
    for round in 0..100 {
        let patient = Join { rebalance_timeout: Duration::from_secs(2_000_000), ..join("a", round) };
        let now = at(10_000 * round as u64);
        let _ = ask(&mut shard, now, Join { asks_for_id_first: false, ..patient });
        let _ = shard.on_time(at(10_000 * round as u64 + 3000));
        let _ = shard.on_time(at(10_000 * round as u64 + 6000));
        let id = MemberId::new(&format!("a-u{round}"));
        let leaving = crate::request::Leaving { member: id, instance: None };
        let leave = Request::Leave { group: GroupId::new("g"), members: vec![leaving] };
        let _ = shard.on_request(at(10_000 * round as u64 + 6000), leave, ());
    }
    assert_eq!(shard.timers.len(), 1);
}

#[test]
fn ids_that_nobody_uses_are_bounded_in_memory() {
    let mut shard = loaded();
    let name = "n".repeat(32_000);
    let mut given = Vec::new();
    let refused = loop {
        let (code, id) = ask(&mut shard, at(0), join(&name, given.len())).unwrap();
        if code != ErrorCode::MemberIdRequired {
            break code;
        }
        given.push(id);
        assert!(given.len() < 1000, "without bound");
    };
    assert_eq!(refused, ErrorCode::CoordinatorLoadInProgress);
    assert_eq!(shard.timers.pending_bytes(), given.iter().map(|id| id.as_str().len() + 1).sum::<usize>());

    // Who has an id may use it, and makes room for another.
    let back = Join { member: given[0].clone(), ..join(&name, 0) };
    assert_eq!(ask(&mut shard, at(0), back), None, "the join waits for others");
    assert_eq!(ask(&mut shard, at(0), join(&name, 9000)).unwrap().0, ErrorCode::MemberIdRequired);

    // And what is not used in time makes room for all.
    let _ = shard.on_time(at(10_000));
    assert_eq!(shard.timers.pending_bytes(), 0);
    assert_eq!(ask(&mut shard, at(10_000), join(&name, 9001)).unwrap().0, ErrorCode::MemberIdRequired);
}

#[test]
fn an_id_that_no_answer_could_carry_is_refused() {
    let mut shard = loaded();
    let longest = "n".repeat(32_767 - "-u1".len());
    let named = |name: &str| Join { instance: Some(name.to_owned()), asks_for_id_first: false, ..join("c", 1) };
    let refused = Some((ErrorCode::InvalidRequest, MemberId::new("")));
    assert_eq!(ask(&mut shard, at(0), join(&format!("{longest}n"), 1)), refused);
    assert_eq!(ask(&mut shard, at(0), named(&format!("{longest}n"))), refused);
    assert!(shard.groups.is_empty());
    assert_eq!(ask(&mut shard, at(0), join(&longest, 1)).unwrap().0, ErrorCode::MemberIdRequired);
    assert_eq!(ask(&mut shard, at(0), named(&longest)), None, "it is taken in");
}

/// Draws the same numbers in every run of a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What a member that was told `id` may ask next.
fn any_request(dice: &mut Dice, id: &MemberId, generation: i32, unique: usize) -> Request {
    let group = GroupId::new("g");
    let instance = (dice.below(3) == 0).then(|| format!("i{}", dice.below(2)));
    let who = Identity { group: group.clone(), member: id.clone(), instance: instance.clone(), generation };
    match dice.below(8) {
        0 | 1 => Request::Join(Join { instance, asks_for_id_first: dice.below(2) == 0, ..join("c", unique) }),
        2 | 3 => Request::Join(Join {
            member: id.clone(),
            instance,
            session_timeout: Duration::from_secs(6 + dice.below(30)),
            rebalance_timeout: Duration::from_secs(dice.below(30)),
            ..join("c", unique)
        }),
        4 | 5 => {
            let assignments = vec![(id.clone(), vec![1])];
            Request::Sync(crate::request::Sync { who, protocol_type: None, protocol_name: None, assignments })
        }
        6 => Request::Heartbeat(who),
        _ => Request::Leave { group, members: vec![crate::request::Leaving { member: id.clone(), instance }] },
    }
}

#[test]
fn every_member_is_listened_for_and_nothing_else_is() {
    for seed in 0..200 {
        let (mut dice, mut shard) = (Dice(seed), loaded());
        let (mut millis, mut ids) = (0, vec![MemberId::new("")]);
        for step in 0..300 {
            let generation = shard.groups.get(&GroupId::new("g")).map_or(-1, |group| group.generation);
            let id = ids[ids.len() - 1 - dice.below(ids.len().min(4) as u64) as usize].clone();
            let mut actions = std::collections::VecDeque::from(if dice.below(3) == 0 {
                millis += dice.below(4000);
                shard.on_time(at(millis))
            } else {
                shard.on_request(at(millis), any_request(&mut dice, &id, generation, step), ())
            });
            while let Some(action) = actions.pop_front() {
                match action {
                    Action::Reply { reply: Reply::Join(joined), .. } => ids.push(joined.member),
                    Action::Reply { .. } => {}
                    Action::Append { then, .. } if dice.below(10) == 0 => {
                        actions.extend(shard.on_append_failed(at(millis), ErrorCode::NotCoordinator, then));
                    }
                    Action::Append { records, then } => {
                        actions.extend(shard.on_appended(at(millis), Offset::ZERO, &records, then));
                    }
                }
            }
            check_timers(&shard, seed, step);
        }
    }
}

/// Whoever does not wait for us has a timer that ends its silence, and there are no more timers than there are reasons.
fn check_timers(shard: &Shard<()>, seed: u64, step: usize) {
    let mut reasons = 1; // offsets expire
    for group in shard.groups.values() {
        reasons += group.pending.len() + usize::from(group.timer.is_some());
        for member in group.members.values() {
            reasons += usize::from(member.timer.is_some());
            let ends = member.timer.is_some_and(|timer| timer.due <= member.deadline);
            assert!(ends || member.is_waiting(), "seed {seed}, step {step}: {member:?}");
        }
        let waits = matches!(group.state, State::PreparingRebalance | State::CompletingRebalance);
        assert!(!waits || group.timer.is_some(), "seed {seed}, step {step}: nothing ends {:?}", group.state);
    }
    assert_eq!(shard.timers.len(), reasons, "seed {seed}, step {step}");
}
