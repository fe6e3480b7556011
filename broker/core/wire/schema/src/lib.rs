//! The notation in which Kafka's messages are written down (`README.md` beside this crate), read into a model.
//!
//! Given the text of one `.schema` file, [`parse()`] gives a [`Message`] or the line that is wrong. Reading folders,
//! and making Rust out of the model, is `xtask`'s; the oracle tests interpret the same model to draw random values.
//!
//! Reading order: [`model`], [`parse`](mod@parse).
//!
//! ```
//! let text = "data Pair\nversions 0-1\nflexible none\n\nfields\n  Left int32 0+\n  Right string 1+, nullable 1+\n";
//! let message = ottla_wire_schema::parse(text).unwrap();
//! assert_eq!(message.top().fields[1].name, "Right");
//! ```

pub mod model;
pub mod parse;

pub use model::{Field, Kind, Message, Struct, Type, Versions};
pub use parse::{ParseError, parse};
