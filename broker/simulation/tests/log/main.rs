//! The log on a simulated disk: whatever the disk does, what was promised holds.
//!
//! [`script`] makes random acts from a seed and does them to a log and to [`model`], which only remembers what must be
//! there; [`check`] compares the two. `OTTLA_CRASH_SEEDS=0..10000` makes the run a long one, `7..8` does one
//! seed alone.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by the one and tells its seed by the other")]

mod check;
mod model;
mod script;

use ottla_simulation::{Fault, Random, SimulatedDisk};

use crate::check::{check, check_readable};
use crate::model::Model;
use crate::script::{Machine, run};

/// Seeds of a quick run; each is a script of acts that is stopped at every operation of the disk.
const SEEDS: u64 = 12;

fn seeds() -> std::ops::Range<u64> {
    let Ok(asked) = std::env::var("OTTLA_CRASH_SEEDS") else { return 0..SEEDS };
    let (from, to) = asked.split_once("..").unwrap();
    from.parse().unwrap()..to.parse().unwrap()
}

/// Runs a seed's script with a fault at one operation; answers the disk and what must be on it.
fn run_with(seed: u64, fault: Option<(u64, Fault)>) -> (SimulatedDisk, Model) {
    let disk = SimulatedDisk::new(seed);
    if let Some((operation, fault)) = fault {
        disk.plan(operation, fault);
    }
    let mut model = Model::default();
    run(&disk, &mut model, seed);
    model.sync_failed = !disk.syncs_failed().is_empty();
    (disk, model)
}

#[test]
fn a_loss_of_power_at_any_moment_loses_nothing_that_was_flushed() {
    let mut images = 0;
    for seed in seeds() {
        let operations = run_with(seed, None).0.operations();
        for operation in 0..operations {
            let (disk, model) = run_with(seed, Some((operation, Fault::PowerLoss)));
            let mut random = Random::new(seed ^ operation << 20);
            for variant in 0..2 {
                let what =
                    format!("seed {seed}, power loss at operation {operation} of {operations}, variant {variant}");
                let after = disk.after_power_loss(random.number());
                let after = interrupt_recovery(&after, &mut random);
                check(&after, &model, &what);
                images += 1;
            }
        }
    }
    println!("{images} images after a loss of power");
    assert!(images >= 300, "only {images}: the scripts do too little");
}

/// Half of the time the power goes again while the log is being recovered.
fn interrupt_recovery(disk: &SimulatedDisk, random: &mut Random) -> SimulatedDisk {
    if random.percent(50) {
        return disk.after_kill(random.number());
    }
    let again = disk.after_kill(random.number());
    again.plan(random.below(12), Fault::PowerLoss);
    drop(Machine::start(&again));
    again.after_power_loss(random.number())
}

#[test]
fn a_killed_process_loses_nothing_that_was_appended() {
    for seed in seeds() {
        let (disk, mut model) = run_with(seed, None);
        model.everything_is_flushed();
        check(&disk.after_kill(seed), &model, &format!("seed {seed}, killed"));
    }
}

#[test]
fn a_disk_error_at_any_moment_stops_writes_and_no_read() {
    let mut images = 0;
    for seed in seeds() {
        let operations = run_with(seed, None).0.operations();
        for operation in 0..operations {
            for fault in [Fault::Io, Fault::Full] {
                let what = format!("seed {seed}, {fault:?} at operation {operation}");
                let (disk, model) = run_with(seed, Some((operation, fault)));
                check_readable(&disk.after_kill(seed), &model, &what);
                check(&disk.after_power_loss(seed ^ operation), &model, &what);
                images += 2;
            }
        }
    }
    println!("{images} images after an error");
}

#[test]
fn a_seed_does_the_same_twice() {
    let (first, first_model) = run_with(3, None);
    let (second, second_model) = run_with(3, None);
    assert_eq!(first.operations(), second.operations());
    assert_eq!(first_model, second_model);
}
