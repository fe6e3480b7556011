//! Everything that can be wrong with bytes that should be a message, or with a message that should become bytes.
//!
//! Errors of reading say where in the bytes; errors of writing say which field. None of them is Kafka's error code:
//! what a client is told is in a response (`ErrorCode`).

/// Why bytes could not be read or a message could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A length reaches beyond the end.
    #[error("at byte {at}: {wanted} bytes are announced and {left} are left")]
    Truncated {
        /// Where the announced bytes begin.
        at: usize,
        /// How many were announced.
        wanted: usize,
        /// How many there are.
        left: usize,
    },
    /// An array claims more elements than bytes are left, and each takes at least one.
    #[error("at byte {at}: an array of {count} elements in {left} bytes")]
    Count {
        /// Where the elements begin.
        at: usize,
        /// How many were claimed.
        count: u32,
        /// How many bytes there are.
        left: usize,
    },
    /// Null where the version has no null.
    #[error("at byte {at}: null where a value must be")]
    Null {
        /// Behind the null.
        at: usize,
    },
    /// A variable-length number of more than 32 or 64 bits.
    #[error("at byte {at}: a variable-length number that is too long")]
    Varint {
        /// Where it begins.
        at: usize,
    },
    /// A string that is not UTF-8.
    #[error("at byte {at}: a string that is not UTF-8")]
    NotUtf8 {
        /// Where it begins.
        at: usize,
    },
    /// A string that is longer than 32767 bytes, which no version can carry.
    #[error("a string of {length} bytes, 32767 are allowed")]
    LongString {
        /// Its length.
        length: usize,
    },
    /// Bytes or an array with more than a signed 32-bit length can tell.
    #[error("a length of {length}, 2147483647 is the largest")]
    LongLength {
        /// Its length.
        length: usize,
    },
    /// A tagged field that ends before or after its announced size.
    #[error("at byte {at}: tagged field {tag} does not end where its size says")]
    TagSize {
        /// Where it ended.
        at: usize,
        /// Its number.
        tag: u32,
    },
    /// Bytes behind the end of what should be all.
    #[error("at byte {at}: {left} bytes behind the end")]
    Trailing {
        /// Where they begin.
        at: usize,
        /// How many they are.
        left: usize,
    },
    /// A version in which the message does not exist.
    #[error("{message} has no version {version}")]
    Version {
        /// Kafka's name of the message.
        message: &'static str,
        /// The version that was asked for.
        version: i16,
    },
    /// A field has a value and the version has no place for it.
    #[error("{message} has no {field} in version {version}, and it may not be dropped")]
    Lacks {
        /// Kafka's name of the message.
        message: &'static str,
        /// Kafka's name of the field.
        field: &'static str,
        /// The version being written.
        version: i16,
    },
    /// A field is null and the version has no null for it.
    #[error("{field} of {message} cannot be null in version {version}")]
    NullField {
        /// Kafka's name of the message.
        message: &'static str,
        /// Kafka's name of the field.
        field: &'static str,
        /// The version being written.
        version: i16,
    },
    /// An API key or a record type that is not Kafka's.
    #[error("{key} is no {what}")]
    UnknownKey {
        /// What it should have been: `API key`, `metadata record`, …
        what: &'static str,
        /// The number.
        key: i32,
    },
    /// A frame that is longer than is allowed, or of negative length.
    #[error("a frame of {length} bytes, {max} are allowed")]
    FrameLength {
        /// What the first four bytes say.
        length: i32,
        /// The limit.
        max: u32,
    },
    /// Collecting would take more memory than was granted.
    #[error("{wanted} bytes of memory wanted, {left} are left of what the frame may take")]
    Budget {
        /// What the collection would take.
        wanted: usize,
        /// What is left.
        left: usize,
    },
}
