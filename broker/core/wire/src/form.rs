//! The form in which a message is written: its version, and whether lengths are compact.

use crate::WireError;

/// Goes along with every read and write, because parts of a message do not know which message they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// The message's version.
    pub version: i16,
    /// Compact lengths, and tagged fields at the end of every struct (KIP-482).
    pub flexible: bool,
}

impl Form {
    /// The same version in the old length form: the client id of a request header never became compact, so that a
    /// broker can read it before it knows the version.
    pub fn rigid(self) -> Form {
        Form { flexible: false, ..self }
    }

    /// The error for a field with a value that this version cannot carry.
    #[cold]
    pub fn lacks(self, message: &'static str, field: &'static str) -> WireError {
        WireError::Lacks { message, field, version: self.version }
    }

    /// The value of a field that may not be null in this version.
    pub fn required<'v, T: ?Sized>(
        self,
        value: Option<&'v T>,
        message: &'static str,
        field: &'static str,
    ) -> Result<&'v T, WireError> {
        value.ok_or(WireError::NullField { message, field, version: self.version })
    }
}
