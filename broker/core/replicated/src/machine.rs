//! State that is what the records of a log have made of it.

use ottla_vocabulary::Offset;

/// State built by replaying a log from its beginning (or from a snapshot, which is itself a list of records).
///
/// Whoever owns one reads it freely and changes it by nothing but [`Machine::replay`].
pub trait Machine {
    /// One record. It may borrow from the bytes it was read from; what a decision makes is a `Record<'static>`.
    type Record<'a>;
    /// Why a record cannot be applied. The log is then not one that this code can have written or can read, and the
    /// owner stops rather than goes on with a wrong state.
    type Refusal: core::error::Error;

    /// Applies the record at this offset.
    ///
    /// # Errors
    /// When the record contradicts the state; the state is then of no more use.
    fn replay(&mut self, offset: Offset, record: &Self::Record<'_>) -> Result<(), Self::Refusal>;
}
