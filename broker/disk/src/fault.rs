//! What the system's errors mean to a log.

use std::io;
use std::path::Path;

use ottla_commit_log::{Act, FileError, FileFault};
use rustix::io::Errno;

/// An error of the standard library as one of the log's.
pub(crate) fn refuse(act: Act, path: &Path, error: &io::Error) -> FileError {
    let fault = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOSPC | Errno::DQUOT) => FileFault::Full,
        Some(Errno::NOENT) => FileFault::NotFound,
        _ if is_out_of_descriptors(error) => FileFault::Descriptors,
        _ if error.kind() == io::ErrorKind::NotFound => FileFault::NotFound,
        _ => FileFault::Io(error.to_string()),
    };
    FileError::new(act, path, fault)
}

/// Whether the process, or the machine, has no descriptor left.
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error().map(Errno::from_raw_os_error), Some(Errno::MFILE | Errno::NFILE))
}
