//! A record set inside a message: bytes that are not looked into here (the crate `records` does).

/// The records of a produce or a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records<'a> {
    /// In the frame, or in memory.
    Bytes(&'a [u8]),
    /// Not here: the writer leaves a place for them, which the shell fills from a file.
    Elsewhere {
        /// How many bytes they are.
        length: u32,
        /// By which the shell knows them.
        tag: u32,
    },
}

impl Default for Records<'_> {
    fn default() -> Self {
        Records::Bytes(&[])
    }
}

impl Records<'_> {
    /// How many bytes they are.
    pub fn len(&self) -> usize {
        match self {
            Records::Bytes(bytes) => bytes.len(),
            Records::Elsewhere { length, .. } => *length as usize,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
