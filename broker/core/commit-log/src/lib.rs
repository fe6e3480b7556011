//! The log of a partition in Kafka's own file formats, over any disk: topic partitions, `__cluster_metadata`,
//! `__consumer_offsets` and `__transaction_state` are the same log.
//!
//! Given batches, offsets and times, it writes, finds, keeps and removes them; what goes out to a consumer leaves as a
//! [`Span`] of a file. Deliberately elsewhere: what makes a batch valid (`records`), who may be told what (`node`), real
//! files (`disk`), and compaction.
//!
//! Reading order: [`files`] the seam to a disk, [`layout`] names on disk, [`log`] the façade and what it is made of:
//! [`append`], [`read`], [`times`], [`roll`], [`flush`], [`retain`], [`truncate`], [`recover`]; [`log_directory`] for all
//! logs of a directory; below them [`offset_index`], [`time_index`], [`transaction_index`], [`producer_state`],
//! [`epoch_history`] and the small files [`checkpoint`], [`partition_metadata`], [`meta_properties`], [`clean_shutdown`].

pub mod append;
pub mod checkpoint;
pub mod clean_shutdown;
mod entry_file;
pub mod epoch_history;
pub mod files;
pub mod flush;
pub mod layout;
mod leftovers;
pub mod log;
pub mod log_directory;
pub mod meta_properties;
pub mod offset_index;
pub mod partition_metadata;
pub mod producer_snapshot;
pub mod producer_state;
pub mod read;
pub mod recover;
pub mod retain;
pub mod roll;
mod segment;
pub mod settings;
pub mod time_index;
pub mod times;
pub mod transaction_index;
pub mod truncate;
mod walk;

pub use append::{AppendError, Appended, NewBatch};
pub use epoch_history::{EpochHistory, EpochStart};
pub use files::{Act, Descriptor, Entry, Facts, FileError, FileFault, Files, LogFile};
pub use flush::{FlushOutcome, FlushWork};
pub use log::Log;
pub use log_directory::{DirectoryError, LogDirectory};
pub use meta_properties::MetaProperties;
pub use producer_state::{Origin, ProducerRefusal};
pub use read::{ReadError, ReadLimits, Span, SpanOf};
pub use recover::{Checkpointed, Recovery};
pub use retain::{DeleteRecordsError, RetentionChoice, RetentionReason};
pub use settings::LogSettings;
pub use time_index::TimestampOffset;
pub use transaction_index::AbortedTransaction;
pub use truncate::TruncateError;
