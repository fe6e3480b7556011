//! What the tests of `wire` need that go through all messages: a table of every codec, and random values drawn from
//! the schema with what they should look like as JSON and as our structs.
//!
//! The tests themselves are in `tests/`: against Java's own classes, against the crate `kafka-protocol`, against
//! mutated bytes, and against the memory that decoding may take. The fuzz targets use the table too.
//!
//! Reading order: [`codec`], [`random`], [`value`], [`draw`], [`render`], [`encode`](mod@encode), [`schema`].

pub mod codec;
pub mod draw;
pub mod encode;
pub mod random;
pub mod render;
pub mod schema;
pub mod value;
