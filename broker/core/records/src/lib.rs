//! Record batches, Kafka's unit of writing, storing and reading: reading them, checking what a producer sent, building
//! and compressing them.
//!
//! Bytes in, bytes out, and every bound is an argument: nothing here opens a file, knows a topic or asks the time.
//! Deliberately elsewhere: where batches are kept (`commit-log`), what a metadata or group record means (`metadata`,
//! `groups`), how a request frames them (`wire`). The old formats, magic 0 and 1, are recognised and refused by name:
//! Kafka 4 neither writes nor converts them.
//!
//! Reading order: [`batch`] the 61-byte header, [`record`] one record, [`view`] walking, [`builder`] and [`control`]
//! writing, [`patch`] the few bytes that a broker changes, [`validate`] what a broker checks on produce,
//! [`compression`] the four codecs, [`varint`] and [`crc`] underneath.
//!
//! ```
//! use ottla_records::{BatchBuilder, BatchOptions, Decompressor, batches};
//! use ottla_vocabulary::Timestamp;
//!
//! let mut builder = BatchBuilder::new(BatchOptions::default());
//! builder.push(Timestamp(5), Some(b"key"), Some(b"value"), &[]);
//! let bytes = builder.finish().unwrap();
//!
//! let mut decompressor = Decompressor::new();
//! for batch in batches(&bytes) {
//!     let batch = batch.unwrap();
//!     batch.check_crc().unwrap();
//!     for record in batch.records(&mut decompressor, 1 << 20).unwrap() {
//!         assert_eq!(record.unwrap().value, Some(&b"value"[..]));
//!     }
//! }
//! ```

pub mod batch;
pub mod builder;
pub mod compression;
pub mod control;
pub mod crc;
pub mod patch;
pub mod record;
pub mod validate;
pub mod varint;
pub mod view;
mod walk;

pub use batch::{Attributes, BatchError, BatchHeader, HEADER_BYTES, PREFIX_BYTES, TimestampType};
pub use builder::{BatchBuilder, BatchOptions, BuildError};
pub use compression::{Codec, Compression, DecompressError, Decompressor};
pub use control::{ControlRecordType, EndTransactionMarker};
pub use record::{Header, Headers, Record, RecordError};
pub use validate::{ProduceRules, RecordRefusal, Refusal, Rejection, ValidBatch, validate_produce};
pub use view::{BatchView, Batches, Records, batches};
