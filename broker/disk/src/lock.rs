//! The lock on a log directory: a POSIX record lock (fcntl) on its `.lock`, which is what Java's `FileChannel.tryLock`
//! takes, so that Apache Kafka and we keep each other out.
//!
//! Two oddities of such locks are provided for. They belong to the process, so two directories of ours that are one would
//! not notice each other: what this process holds is remembered by device and inode. And they are gone when the process
//! closes any descriptor of the file, so the file is never opened when we hold it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ottla_commit_log::{Act, FileError, FileFault};
use parking_lot::Mutex;
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use crate::fault::refuse;

/// Device and inode of the locks that this process holds.
static HELD: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());

/// A lock that is held while this lives.
#[derive(Debug)]
pub struct DirectoryLock {
    file: Option<File>,
    identity: (u64, u64),
}

impl DirectoryLock {
    /// Takes the lock or fails at once.
    pub(crate) fn take(path: &Path) -> Result<DirectoryLock, FileError> {
        let failed = |error: io::Error| refuse(Act::Lock, path, &error);
        let locked = || FileError::new(Act::Lock, path, FileFault::Locked);
        let mut held = HELD.lock();
        match std::fs::metadata(path) {
            Ok(metadata) if held.contains(&identity(&metadata)) => return Err(locked()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let identity = identity(&file.metadata().map_err(failed)?);
        match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::ACCESS | Errno::AGAIN) => return Err(locked()),
            Err(error) => return Err(failed(error.into())),
        }
        held.push(identity);
        Ok(DirectoryLock { file: Some(file), identity })
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        let mut held = HELD.lock();
        drop(self.file.take()); // gives the lock back, before anyone of this process may take it again
        held.retain(|identity| *identity != self.identity);
    }
}

fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
