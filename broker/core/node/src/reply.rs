//! What a node hands to its shell: replies, and what must be done outside of it.
//!
//! A reply is bytes with file spans spliced in, so that a fetched record never passes through the broker's memory where
//! the shell can send from the file. The shell (or the simulator) drains [`Effects`] after every call.

use ottla_commit_log::{Files, LogFile};

/// The open file of a span.
pub type DescriptorOf<F> = <<F as Files>::File as LogFile>::Descriptor;

/// Names the one request that a connection has in work: a connection's next request is read when its last was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// A whole answer, the four bytes of its length included.
#[derive(Debug)]
pub struct Reply<D> {
    /// Everything apart from the spliced spans.
    pub bytes: Vec<u8>,
    /// File spans, in the order of their places.
    pub splices: Vec<Splice<D>>,
    /// How long the shell shall not read from the connection after sending this: the client's quota (KIP-219).
    pub mute_ms: u32,
}

/// A span of a file that belongs into a reply.
#[derive(Debug)]
pub struct Splice<D> {
    /// Before which byte of `bytes` it stands.
    pub at: usize,
    /// The file.
    pub descriptor: D,
    /// Where in the file.
    pub position: u64,
    /// How much of it.
    pub length: u32,
}

impl<D> Reply<D> {
    /// The length of the whole reply.
    pub fn length(&self) -> u64 {
        self.bytes.len() as u64 + self.splices.iter().map(|splice| u64::from(splice.length)).sum::<u64>()
    }
}

/// What becomes of a request at once.
#[derive(Debug)]
pub enum Handled<D> {
    /// Its answer.
    Reply(Reply<D>),
    /// The answer comes among the [`Effects`] under the request's token.
    Later,
    /// None is due: a produce with acks 0 that went well.
    Silent {
        /// How long the shell shall not read from the connection: a quota holds this client back too.
        mute_ms: u32,
    },
    /// The connection must be closed without an answer, for this reason.
    Close(Close),
}

/// Why a connection is closed without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Close {
    /// The header cannot be read, so no correlation id is known.
    #[error("the request's header cannot be read: {0}")]
    Header(String),
    /// A key or version that this listener does not serve; only ApiVersions answers that.
    #[error("API key {key} in version {version} is not served here")]
    Unserved {
        /// The key.
        key: i16,
        /// The version.
        version: i16,
    },
    /// The body cannot be read.
    #[error("the body of {api} version {version} cannot be read: {reason}")]
    Body {
        /// The API.
        api: &'static str,
        /// The version.
        version: i16,
        /// What is wrong with it.
        reason: String,
    },
    /// This node does not lead the metadata log, and knows nobody who does: the client looks for another.
    #[error("no controller can be reached")]
    NoController,
    /// The answer has something that its version cannot say, such as a text that is too long.
    #[error("its answer cannot be written: {0}")]
    Unwritable(String),
    /// A produce with acks 0 failed: closing is the only way to say so.
    #[error("a produce without acknowledgement failed")]
    UnacknowledgedProduce,
}

/// What must be done outside of the node.
#[derive(Debug)]
pub struct Effects<D> {
    /// Answers to requests that waited.
    pub replies: Vec<(Token, Reply<D>)>,
    /// Connections whose requests waited and cannot be answered: to be closed, or they would wait for ever.
    pub closes: Vec<(Token, Close)>,
    /// `Node::sync_metadata` must be called, where waiting for the disk holds up nobody.
    pub sync_metadata: bool,
    /// `Node::next_deadline` is earlier than it was.
    pub deadline: bool,
}

impl<D> Default for Effects<D> {
    fn default() -> Effects<D> {
        Effects { replies: Vec::new(), closes: Vec::new(), sync_metadata: false, deadline: false }
    }
}
