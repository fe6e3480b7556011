//! The seam between the log and a disk: [`Files`] names, lists, creates and removes; [`LogFile`] reads, writes and syncs.
//!
//! `disk` implements it over a real file system, `simulation` over one in memory that loses unsynced writes, tears
//! them, fills up and fails. Every call can fail, so that every fault has a place; [`FileFault`] tells apart what a
//! caller treats differently.
//!
//! A [`LogFile`] is a handle by name: nothing is opened before it is used, and the implementation may close and reopen
//! descriptors behind it to stay within its budget. What must survive a rename or removal of the name, such as a span
//! on its way to a socket, takes the handle's [`LogFile::descriptor`].

use std::fmt;
use std::io::IoSlice;
use std::path::{Path, PathBuf};

use ottla_vocabulary::Timestamp;

/// A file system as the log sees it. Cheap to clone; all clones are one disk.
pub trait Files: Clone + fmt::Debug + Send + Sync + 'static {
    /// A handle to a file.
    type File: LogFile;
    /// Keeps a folder ours while it lives.
    type Lock: fmt::Debug + Send + Sync + 'static;

    /// A handle to a file that exists, or whose absence shows when it is used.
    fn file(&self, path: &Path) -> Self::File;

    /// Creates an empty file, or empties the one that is there.
    ///
    /// # Errors
    /// When the disk refuses.
    fn create(&self, path: &Path) -> Result<Self::File, FileError>;

    /// What is known of a file or folder; `None` when there is none.
    ///
    /// # Errors
    /// When the disk refuses.
    fn facts(&self, path: &Path) -> Result<Option<Facts>, FileError>;

    /// The names in a folder, in no particular order.
    ///
    /// # Errors
    /// [`FileFault::NotFound`] without the folder.
    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError>;

    /// Creates a folder and those above it; one that is there already is no error.
    ///
    /// # Errors
    /// When the disk refuses.
    fn create_folder(&self, path: &Path) -> Result<(), FileError>;

    /// Gives a file or folder another name on the same disk, in place of a file that has it.
    ///
    /// # Errors
    /// [`FileFault::NotFound`] when there is nothing of the old name.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError>;

    /// Removes a file; one that is absent already is no error.
    ///
    /// # Errors
    /// When the disk refuses.
    fn remove(&self, path: &Path) -> Result<(), FileError>;

    /// Removes a folder with all that is in it; one that is absent already is no error.
    ///
    /// # Errors
    /// When the disk refuses.
    fn remove_folder(&self, path: &Path) -> Result<(), FileError>;

    /// Makes the creations, renames and removals in a folder survive a loss of power.
    ///
    /// # Errors
    /// When the disk refuses; then nothing may be assumed of what was to survive. [`Act::Open`] when the folder could not
    /// be opened: then it is as it was, and may be tried again.
    fn sync_folder(&self, folder: &Path) -> Result<(), FileError>;

    /// Takes the exclusive lock that this file stands for, creating it, or fails at once.
    ///
    /// # Errors
    /// [`FileFault::Locked`] when another process or another log of this process holds it.
    fn lock(&self, path: &Path) -> Result<Self::Lock, FileError>;
}

/// A handle to one file of a [`Files`].
pub trait LogFile: Clone + fmt::Debug + Send + Sync + 'static {
    /// An open file that outlives its name and the handle; the shell sends from it.
    type Descriptor: Descriptor;

    /// Reads until the buffer is full or the file ends, and says how much.
    ///
    /// # Errors
    /// When the disk refuses.
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> Result<usize, FileError>;

    /// Writes all slices one after the other at a place, in one call to the system where possible.
    ///
    /// # Errors
    /// When the disk refuses; then any part of the bytes may have been written.
    fn write_at(&self, position: u64, slices: &[IoSlice<'_>]) -> Result<(), FileError>;

    /// Makes all that was written survive a loss of power.
    ///
    /// # Errors
    /// When the disk refuses. What was written before is then lost or not, and no later success says otherwise: the
    /// caller must not write on as if it had been synced. [`Act::Open`] when the file could not be opened: then it is as
    /// it was.
    fn sync(&self) -> Result<(), FileError>;

    /// Lets later reads come from the disk itself, where memory holds what a failed sync did not get there. What waits to
    /// be written still is kept.
    ///
    /// # Errors
    /// When the file cannot be opened.
    fn forget_cached(&self) -> Result<(), FileError>;

    /// The length in bytes.
    ///
    /// # Errors
    /// When the disk refuses.
    fn length(&self) -> Result<u64, FileError>;

    /// Cuts the file off at a length.
    ///
    /// # Errors
    /// When the disk refuses.
    fn truncate(&self, length: u64) -> Result<(), FileError>;

    /// The open file behind the handle.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn descriptor(&self) -> Result<Self::Descriptor, FileError>;
}

/// An open file to read from, whatever becomes of its name.
pub trait Descriptor: Clone + fmt::Debug + Send + Sync + 'static {
    /// Reads until the buffer is full or the file ends, and says how much.
    ///
    /// # Errors
    /// When the disk refuses.
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> Result<usize, FileError>;

    /// Makes all that was written through any handle to this file survive a loss of power.
    ///
    /// # Errors
    /// As [`LogFile::sync`].
    fn sync(&self) -> Result<(), FileError>;
}

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Its length in bytes; of a folder whatever the disk says.
    pub length: u64,
    /// When it was last written.
    pub modified: Timestamp,
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name. One that is not UTF-8 is none of ours and is not listed.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// What a disk refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{act} {}: {fault}", path.display())]
pub struct FileError {
    /// What was attempted.
    pub act: Act,
    /// On what.
    pub path: PathBuf,
    /// What the disk said.
    pub fault: FileFault,
}

/// What can be asked of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the call of that name")]
pub enum Act {
    Open,
    Create,
    Read,
    Write,
    Sync,
    Truncate,
    Measure,
    List,
    Rename,
    Remove,
    Lock,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Act::Open => "open",
            Act::Create => "create",
            Act::Read => "read",
            Act::Write => "write",
            Act::Sync => "sync",
            Act::Truncate => "truncate",
            Act::Measure => "measure",
            Act::List => "list",
            Act::Rename => "rename",
            Act::Remove => "remove",
            Act::Lock => "lock",
        })
    }
}

/// Why a disk refused: as many kinds as are treated differently.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// No room: writing may succeed when something else was removed.
    #[error("no space is left on the disk")]
    Full,
    /// There is nothing of that name.
    #[error("it does not exist")]
    NotFound,
    /// Another holds the lock.
    #[error("another process or log directory holds the lock")]
    Locked,
    /// The process has no descriptor left.
    #[error("too many files are open")]
    Descriptors,
    /// Everything else: the disk is broken, read-only or forbidden.
    #[error("{0}")]
    Io(String),
}

impl FileError {
    /// Puts an error together.
    pub fn new(act: Act, path: &Path, fault: FileFault) -> FileError {
        FileError { act, path: path.to_owned(), fault }
    }

    /// Whether the cause is that nothing of that name is there.
    pub fn is_not_found(&self) -> bool {
        self.fault == FileFault::NotFound
    }
}

/// Whether a whole file must survive a loss of power once it has been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It must: its content is synced before it takes the name, and its folder afterwards.
    Synced,
    /// It can be made again from what is synced.
    Unsynced,
}

/// Reads a whole small file; `None` when there is none.
///
/// # Errors
/// When the disk refuses, or the file is longer than `length_max`: its bytes must not size our memory.
pub fn read_whole<F: Files>(files: &F, path: &Path, length_max: u64) -> Result<Option<Vec<u8>>, FileError> {
    let Some(facts) = files.facts(path)? else { return Ok(None) };
    if facts.length > length_max {
        let fault =
            FileFault::Io(format!("it has {} bytes, more than the {length_max} that fit such a file", facts.length));
        return Err(FileError::new(Act::Read, path, fault));
    }
    let mut bytes = vec![0; usize::try_from(facts.length).unwrap_or(usize::MAX)];
    match files.file(path).read_at(0, &mut bytes) {
        Ok(read) => {
            bytes.truncate(read);
            Ok(Some(bytes))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts a whole small file in the place of another, so that either the old or the new content is ever seen: under the
/// name with `.tmp` behind it first, as Kafka names it.
///
/// # Errors
/// When the disk refuses; then the old content stands.
pub fn replace_whole<F: Files>(files: &F, path: &Path, bytes: &[u8], durability: Durability) -> Result<(), FileError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let file = files.create(&temporary)?;
    file.write_at(0, &[IoSlice::new(bytes)])?;
    if durability == Durability::Synced {
        file.sync()?;
    }
    files.rename(&temporary, path)?;
    if durability == Durability::Synced
        && let Some(folder) = path.parent()
    {
        files.sync_folder(folder)?;
    }
    Ok(())
}
