//! For tests: the law of replicated state. After every decision, the state in memory equals the state that replaying
//! the whole log from nothing gives, with every record written to bytes and read back on the way.
//!
//! Given: an empty state, and how a record passes through its bytes. Gives: `perform`, which decides, appends, replays
//! and compares.

use core::fmt::Debug;

use ottla_vocabulary::Offset;

use crate::{Decision, Machine};

/// A state together with the log that made it.
pub struct Harness<State: Machine + Clone + PartialEq + Debug> {
    empty: State,
    /// The state in memory.
    pub state: State,
    /// The log.
    pub log: Vec<State::Record<'static>>,
    through_bytes: fn(&State::Record<'static>) -> State::Record<'static>,
}

impl<State> Harness<State>
where
    State: Machine + Clone + PartialEq + Debug,
    State::Record<'static>: Clone + PartialEq + Debug,
{
    /// Begins with an empty log. `through_bytes` writes a record as the log would and reads it again.
    pub fn new(empty: State, through_bytes: fn(&State::Record<'static>) -> State::Record<'static>) -> Harness<State> {
        Harness { state: empty.clone(), empty, log: Vec::new(), through_bytes }
    }

    /// Where the next record goes.
    pub fn end(&self) -> Offset {
        Offset(self.log.len() as i64)
    }

    /// Decides, appends the records, replays them, and holds the result against the law.
    ///
    /// # Panics
    /// When a record does not survive its bytes, when replay refuses one, or when the states differ.
    pub fn perform<Reply>(&mut self, decide: impl FnOnce(&State) -> Decision<State::Record<'static>, Reply>) -> Reply {
        let Decision { records, reply } = decide(&self.state);
        for record in records {
            assert_eq!((self.through_bytes)(&record), record, "a record is read as it was written");
            self.state.replay(self.end(), &record).expect("what is decided can be replayed");
            self.log.push(record);
        }
        assert_eq!(self.replayed(), self.state, "replay of the log gives the state in memory");
        reply
    }

    /// The state that the log alone gives.
    ///
    /// # Panics
    /// When replay refuses a record.
    pub fn replayed(&self) -> State {
        let mut state = self.empty.clone();
        for (offset, record) in self.log.iter().enumerate() {
            state.replay(Offset(offset as i64), record).expect("a log that was written can be replayed");
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A counter; with `forgetful` set it breaks the law by keeping what is in no record.
    #[derive(Clone, Debug, PartialEq)]
    struct Counter {
        sum: i64,
        hidden: std::cell::Cell<i64>,
    }

    impl Machine for Counter {
        type Record<'a> = i64;
        type Refusal = core::convert::Infallible;
        fn replay(&mut self, _offset: Offset, record: &i64) -> Result<(), Self::Refusal> {
            self.sum += record;
            Ok(())
        }
    }

    fn counter() -> Harness<Counter> {
        Harness::new(Counter { sum: 0, hidden: 0.into() }, |record| *record)
    }

    #[test]
    fn a_state_made_of_records_keeps_the_law() {
        let mut harness = counter();
        assert_eq!(harness.perform(|state| Decision::new(vec![2, 3], state.sum)), 0);
        assert_eq!(harness.perform(|state| Decision::reply(state.sum)), 5);
        assert_eq!(harness.end(), Offset(2));
    }

    #[test]
    #[should_panic(expected = "replay of the log gives the state in memory")]
    fn a_state_changed_beside_the_log_is_caught() {
        counter().perform(|state| {
            state.hidden.set(1);
            Decision::reply(())
        });
    }

    #[test]
    #[should_panic(expected = "a record is read as it was written")]
    fn a_record_that_loses_something_on_the_way_is_caught() {
        let mut harness = Harness::new(Counter { sum: 0, hidden: 0.into() }, |record| record / 2);
        harness.perform(|_| Decision::new(vec![1], ()));
    }
}
