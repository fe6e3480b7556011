//! Kafka's messages to and from bytes: every request, response and record of Kafka 4.4, in every version it serves.
//!
//! The messages are generated from `schema/` by `cargo xtask codegen`, one module each; a message's module is named
//! like its schema file and holds the parts too: [`fetch_request::FetchTopic`] lies beside [`FetchRequest`]. They
//! borrow from the frame and their arrays stay in it ([`Array`]) until somebody collects them and pays for it out of a
//! [`Budget`], so bytes from outside never panic and never size an allocation.
//!
//! Deliberately not here: record batches (`records`), sockets (`server`), and which APIs are served (`api`).
//!
//! Reading order: [`Message`] says what every message can do; [`api`], [`frame`] and [`union`] what
//! stands around them; [`reader`], [`writer`], [`array`](mod@array) and [`budget`] how they are kept safe;
//! [`element`] and [`form`] are for the generated code.
//!
//! ```
//! use ottla_wire::{Budget, Message, MetadataRequest, metadata_request::MetadataRequestTopic};
//!
//! let topic = MetadataRequestTopic { name: Some("flights".into()), ..Default::default() };
//! let request = MetadataRequest { topics: Some(vec![topic].into()), ..Default::default() };
//! let frame = request.to_bytes(12)?;
//!
//! let read = MetadataRequest::from_bytes(&frame, 12)?;
//! let topics = read.topics.expect("a list was sent").collect(&mut Budget::for_frame(frame.len()))?;
//! assert_eq!(topics[0].name.as_deref(), Some("flights"));
//! # Ok::<(), ottla_wire::WireError>(())
//! ```

pub mod api;
pub mod array;
pub mod budget;
pub mod element;
pub mod error;
pub mod error_facts;
pub mod form;
pub mod frame;
mod generated;
pub mod message;
pub mod reader;
pub mod records;
pub mod union;
pub mod writer;

pub use api::ApiFacts;
pub use array::Array;
pub use budget::Budget;
pub use element::Element;
pub use error::WireError;
pub use error_facts::ErrorFacts;
pub use form::Form;
pub use generated::api_key::ApiKey;
pub use generated::error_code::ErrorCode;
pub use generated::group_record::{GroupRecordKey, GroupRecordValue};
pub use generated::metadata_record::MetadataRecord;
pub use generated::share_record::{ShareRecordKey, ShareRecordValue};
pub use generated::transaction_record::{TransactionRecordKey, TransactionRecordValue};
pub use generated::{groups::*, metadata::*, network::*, quorum::*, shares::*, storage::*, transactions::*};
pub use message::Message;
pub use reader::Reader;
pub use records::Records;
pub use union::Union;
pub use writer::{Splice, Writer};
