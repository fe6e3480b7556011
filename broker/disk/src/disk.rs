//! Names and folders of a real file system.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use ottla_commit_log::{Act, Entry, Facts, FileError, Files};
use ottla_vocabulary::Timestamp;

use crate::descriptors::Descriptors;
use crate::fault::refuse;
use crate::handle::Handle;
use crate::lock::DirectoryLock;

/// The file system of this machine. All log directories of a process share one, and with it the budget of open files.
#[derive(Clone, Debug)]
pub struct Disk {
    descriptors: Arc<Descriptors>,
}

impl Disk {
    /// A disk that keeps at most so many files open.
    pub fn new(descriptors_budget: usize) -> Disk {
        Disk { descriptors: Arc::new(Descriptors::new(descriptors_budget)) }
    }

    /// How many files its handles keep open now, for metrics.
    pub fn open_files(&self) -> usize {
        self.descriptors.open()
    }
}

impl Files for Disk {
    type File = Handle;
    type Lock = DirectoryLock;

    fn file(&self, path: &Path) -> Handle {
        Handle::new(path, &self.descriptors)
    }

    fn create(&self, path: &Path) -> Result<Handle, FileError> {
        Handle::create(path, &self.descriptors)
    }

    fn facts(&self, path: &Path) -> Result<Option<Facts>, FileError> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refuse(Act::Measure, path, &error)),
        };
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = modified.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0);
        Ok(Some(Facts { is_folder: metadata.is_dir(), length: metadata.len(), modified: Timestamp(modified) }))
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        let refuse = |error: io::Error| refuse(Act::List, folder, &error);
        let mut entries = Vec::new();
        for entry in self.descriptors.open_with_room(|| fs::read_dir(folder)).map_err(refuse)? {
            let entry = entry.map_err(refuse)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let mut is_folder = entry.file_type().map_err(refuse)?.is_dir();
            if entry.file_type().map_err(refuse)?.is_symlink() {
                is_folder = fs::metadata(entry.path()).is_ok_and(|target| target.is_dir());
            }
            entries.push(Entry { name, is_folder });
        }
        Ok(entries)
    }

    fn create_folder(&self, path: &Path) -> Result<(), FileError> {
        fs::create_dir_all(path).map_err(|error| refuse(Act::Create, path, &error))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        fs::rename(from, to).map_err(|error| refuse(Act::Rename, from, &error))
    }

    fn remove(&self, path: &Path) -> Result<(), FileError> {
        gone(fs::remove_file(path), path)
    }

    fn remove_folder(&self, path: &Path) -> Result<(), FileError> {
        gone(fs::remove_dir_all(path), path)
    }

    fn sync_folder(&self, folder: &Path) -> Result<(), FileError> {
        let opened = self.descriptors.open_with_room(|| File::open(folder));
        let opened = opened.map_err(|error| refuse(Act::Open, folder, &error))?;
        opened.sync_all().map_err(|error| refuse(Act::Sync, folder, &error))
    }

    fn lock(&self, path: &Path) -> Result<DirectoryLock, FileError> {
        DirectoryLock::take(path)
    }
}

fn gone(removed: io::Result<()>, path: &Path) -> Result<(), FileError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refuse(Act::Remove, path, &error)),
        _ => Ok(()),
    }
}
