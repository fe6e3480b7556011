//! The shape of all replicated state: a request is *decided* into records and a reply, and only *replay* of records
//! changes state.
//!
//! One rule makes it safe and simple: a reply that saw uncommitted state waits, with a deadline and Kafka's code, until
//! the log is committed up to the end it saw; what reads committed state never waits. So no state ever needs rolling
//! back: on lost leadership the state is dropped and rebuilt by replay.
//!
//! Deliberately not here: the log, its commits (`quorum`, `replication`), and what any record means.
//!
//! Reading order: [`machine`] the state, [`decision`] what a request makes of it, [`waiting`] the replies that may not
//! go out yet, [`harness`] the law that every such state is tested by.
//!
//! ```
//! use ottla_replicated::{Decision, Machine};
//! use ottla_vocabulary::Offset;
//!
//! #[derive(Default)]
//! struct Sum(i64);
//! impl Machine for Sum {
//!     type Record<'a> = i64;
//!     type Refusal = core::convert::Infallible;
//!     fn replay(&mut self, _offset: Offset, record: &i64) -> Result<(), Self::Refusal> {
//!         self.0 += record;
//!         Ok(())
//!     }
//! }
//! fn decide_add(sum: &Sum, number: i64) -> Decision<i64, i64> {
//!     Decision::new(vec![number], sum.0 + number)
//! }
//! let decision = decide_add(&Sum::default(), 7);
//! assert_eq!(decision.waits_for(Offset(10)), Offset(11)); // the log ended at 10, and one record follows
//! ```

pub mod decision;
pub mod harness;
pub mod machine;
pub mod waiting;

pub use decision::Decision;
pub use machine::Machine;
pub use waiting::{Full, Waiting};
