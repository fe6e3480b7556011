//! Real files behind the commit log's seam: [`Disk`] implements `commit-log`'s `Files` over the operating system.
//!
//! Deliberately not here: anything that knows what is in a file. Calls block as long as the disk does; who must not wait
//! calls from a thread of its own.
//!
//! Reading order: [`disk`] names and folders, [`handle`] reading and writing, [`descriptors`] the budget of open files,
//! [`lock`] the lock on a directory, [`fault`] what the system's errors mean.

pub mod descriptors;
pub mod disk;
mod fault;
pub mod handle;
pub mod lock;

pub use descriptors::{budget_of_process, raise_descriptor_limit};
pub use disk::Disk;
pub use handle::{Handle, OpenFile};
pub use lock::DirectoryLock;
