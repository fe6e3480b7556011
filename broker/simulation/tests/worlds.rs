//! Worlds by their seeds: a short run, two runs of one seed, and planted bugs that must be found.
//!
//! `OTTLA_WORLDS=0..5000` runs other seeds; for a long run and to replay one seed there is the program of this crate.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by the one and tells its figures by the other"
)]

use std::ops::Range;

use ottla_simulation::run::run;
use ottla_simulation::scenario::Mutant;

/// Seeds of a quick run.
const SEEDS: Range<u64> = 0..80;

/// How many seeds may pass before a planted bug is found.
const FOUND_WITHIN: u64 = 60;

fn seeds() -> Range<u64> {
    let Ok(asked) = std::env::var("OTTLA_WORLDS") else { return SEEDS };
    let (from, to) = asked.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
fn whatever_a_world_does_to_a_node_it_keeps_its_promises() {
    let (mut answers, mut ends) = (0, 0);
    for seed in seeds() {
        let summary = run(seed, None, false).unwrap_or_else(|story| panic!("seed {seed}:\n{story}"));
        answers += summary.tally.answers;
        ends += summary.tally.kills + summary.tally.power_losses + summary.tally.stops;
    }
    println!("{answers} answers, {ends} ends of a process");
    assert!(0 < answers && 0 < ends, "nothing happened");
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in [0, 7, 12, 47, 259] {
        assert_eq!(run(seed, None, false), run(seed, None, false), "seed {seed}");
    }
    assert_ne!(run(0, None, false).unwrap().sum, run(1, None, false).unwrap().sum);
}

#[test]
fn every_planted_bug_is_found_and_its_story_says_how_to_see_it_again() {
    for mutant in Mutant::ALL {
        let name = mutant.name();
        let found = (0..FOUND_WITHIN).find_map(|seed| Some((seed, run(seed, Some(mutant), false).err()?)));
        let Some((seed, story)) = found else { panic!("{name} is not found within {FOUND_WITHIN} seeds") };
        let last = story.lines().last().unwrap();
        assert!(last.ends_with(&format!("--seed {seed} --mutant {name} --trace")), "{last}");
        println!("{name} is found by seed {seed}");
    }
}
