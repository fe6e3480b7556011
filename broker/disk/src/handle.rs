//! A handle to a file, and the open file behind it.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ottla_commit_log::{Act, Descriptor, FileError, LogFile};
use parking_lot::Mutex;

use crate::descriptors::{Closing, Descriptors};
use crate::fault::refuse;

/// As many slices go out in one call; Linux allows 1,024.
const SLICES_MAX: usize = 1024;

/// A handle to a file by its name; it opens the file when it is used.
#[derive(Clone, Debug)]
pub struct Handle {
    slot: Arc<Slot>,
}

/// An open file. The shell sends from its descriptor.
#[derive(Clone, Debug)]
pub struct OpenFile {
    file: Arc<File>,
    slot: Arc<PathBuf>,
}

/// The place where a handle keeps its open file.
#[derive(Debug)]
pub(crate) struct Slot {
    path: Arc<PathBuf>,
    file: Mutex<Option<Arc<File>>>,
    used: AtomicBool,
    descriptors: Arc<Descriptors>,
}

impl Slot {
    pub(crate) fn close_if_unused(&self) -> Closing {
        if self.used.swap(false, Ordering::Relaxed) {
            return Closing::WasUsed;
        }
        // A handle that is being opened or closed this moment is in use.
        let Some(mut file) = self.file.try_lock() else { return Closing::WasUsed };
        file.take().map_or(Closing::WasClosed, Closing::Closed)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.file.get_mut().take().is_some() {
            self.descriptors.closed();
        }
    }
}

impl Handle {
    /// A handle to a file that is not opened yet.
    pub(crate) fn new(path: &Path, descriptors: &Arc<Descriptors>) -> Handle {
        let (file, used) = (Mutex::new(None), AtomicBool::new(true));
        let path = Arc::new(path.to_owned());
        Handle { slot: Arc::new(Slot { path, file, used, descriptors: descriptors.clone() }) }
    }

    /// A handle to a file that is created, or emptied.
    pub(crate) fn create(path: &Path, descriptors: &Arc<Descriptors>) -> Result<Handle, FileError> {
        let handle = Handle::new(path, descriptors);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        handle.open_with(&options, Act::Create)?;
        Ok(handle)
    }

    fn file(&self, act: Act) -> Result<Arc<File>, FileError> {
        self.slot.used.store(true, Ordering::Relaxed);
        if let Some(file) = &*self.slot.file.lock() {
            return Ok(file.clone());
        }
        self.open_with(OpenOptions::new().read(true).write(true), act)
    }

    fn open_with(&self, options: &OpenOptions, act: Act) -> Result<Arc<File>, FileError> {
        let descriptors = &self.slot.descriptors;
        descriptors.make_room();
        let mut slot = self.slot.file.lock();
        if let Some(file) = &*slot {
            return Ok(file.clone()); // another thread was faster
        }
        let path = self.path();
        let opened = descriptors.open_with_room(|| options.open(path));
        let file = Arc::new(opened.map_err(|error| refuse(act, path, &error))?);
        *slot = Some(file.clone());
        drop(slot);
        descriptors.opened(&self.slot);
        Ok(file)
    }

    fn path(&self) -> &Path {
        &self.slot.path
    }
}

impl LogFile for Handle {
    type Descriptor = OpenFile;

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        read_at(&*self.file(Act::Read)?, self.path(), position, buffer)
    }

    fn write_at(&self, position: u64, slices: &[IoSlice<'_>]) -> Result<(), FileError> {
        let file = self.file(Act::Write)?;
        write_all_at(&file, position, slices).map_err(|error| refuse(Act::Write, self.path(), &error))
    }

    fn sync(&self) -> Result<(), FileError> {
        let file = self.file(Act::Open)?; // a sync that failed is for good, one that was never begun is not
        file.sync_data().map_err(|error| refuse(Act::Sync, self.path(), &error))
    }

    fn forget_cached(&self) -> Result<(), FileError> {
        let file = self.file(Act::Open)?;
        let advised = rustix::fs::fadvise(&*file, 0, None, rustix::fs::Advice::DontNeed);
        advised.map_err(|error| refuse(Act::Open, self.path(), &error.into()))
    }

    fn length(&self) -> Result<u64, FileError> {
        let metadata = self.file(Act::Measure)?.metadata();
        metadata.map(|metadata| metadata.len()).map_err(|error| refuse(Act::Measure, self.path(), &error))
    }

    fn truncate(&self, length: u64) -> Result<(), FileError> {
        let file = self.file(Act::Truncate)?;
        file.set_len(length).map_err(|error| refuse(Act::Truncate, self.path(), &error))
    }

    fn descriptor(&self) -> Result<OpenFile, FileError> {
        Ok(OpenFile { file: self.file(Act::Open)?, slot: self.slot.path.clone() })
    }
}

impl Descriptor for OpenFile {
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        read_at(&self.file, &self.slot, position, buffer)
    }

    fn sync(&self) -> Result<(), FileError> {
        self.file.sync_data().map_err(|error| refuse(Act::Sync, &self.slot, &error))
    }
}

impl AsFd for OpenFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn read_at(file: &File, path: &Path, position: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], position + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(refuse(Act::Read, path, &error)),
        }
    }
    Ok(filled)
}

/// One call for all slices; what a call leaves over goes out in further ones.
fn write_all_at(file: &File, position: u64, slices: &[IoSlice<'_>]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = slices.iter().copied().filter(|slice| !slice.is_empty()).collect();
    let (mut slices, mut position) = (slices.as_mut_slice(), position);
    while !slices.is_empty() {
        match rustix::io::pwritev(file, &slices[..slices.len().min(SLICES_MAX)], position) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                position += written as u64;
                IoSlice::advance_slices(&mut slices, written);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
