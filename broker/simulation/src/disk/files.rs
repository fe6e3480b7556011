//! The simulated disk behind `commit-log`'s seam.

use std::collections::BTreeSet;
use std::fmt;
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_commit_log::{Act, Descriptor, Entry, Facts, FileError, FileFault, Files, LogFile};
use ottla_vocabulary::Timestamp;
use parking_lot::Mutex;

use super::fault::{DishonestSyncs, Fault, Faults};
use super::image::{Image, Inode, Name};
use crate::random::Random;

/// A disk in memory. All clones are one disk.
#[derive(Clone)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

/// A handle to a file by its name.
#[derive(Clone, Debug)]
pub struct SimulatedFile {
    disk: SimulatedDisk,
    path: PathBuf,
}

/// An open file, whatever becomes of its name.
#[derive(Clone, Debug)]
pub struct SimulatedDescriptor {
    disk: SimulatedDisk,
    path: PathBuf,
    inode: Inode,
}

/// The lock on a directory.
#[derive(Debug)]
pub struct SimulatedLock {
    disk: SimulatedDisk,
    path: PathBuf,
}

#[derive(Debug)]
struct State {
    image: Image,
    faults: Faults,
    random: Random,
    /// Counts what changes or syncs something.
    operations: u64,
    is_without_power: bool,
    faults_met: u64,
    /// Of which files and folders a sync failed.
    syncs_failed: Vec<PathBuf>,
    locks: BTreeSet<PathBuf>,
    /// What new writes are dated.
    wall: Timestamp,
    /// What was done, if somebody wants to know.
    story: Option<Vec<String>>,
}

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not what is on it: every handle has one.
        f.debug_struct("SimulatedDisk").field("operations", &self.operations()).finish_non_exhaustive()
    }
}

impl SimulatedDisk {
    /// An empty disk whose partial writes are chosen by this seed.
    pub fn new(seed: u64) -> SimulatedDisk {
        SimulatedDisk::of(Image::empty(), seed)
    }

    fn of(image: Image, seed: u64) -> SimulatedDisk {
        let state = State {
            image,
            faults: Faults::default(),
            random: Random::new(seed),
            operations: 0,
            is_without_power: false,
            faults_met: 0,
            syncs_failed: Vec::new(),
            locks: BTreeSet::new(),
            wall: Timestamp(0),
            story: None,
        };
        SimulatedDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// How many operations changed or synced something so far: the numbers that [`SimulatedDisk::plan`] takes.
    pub fn operations(&self) -> u64 {
        self.state.lock().operations
    }

    /// How many operations met a fault.
    pub fn faults_met(&self) -> u64 {
        self.state.lock().faults_met
    }

    /// Which files and folders met one in a sync.
    pub fn syncs_failed(&self) -> Vec<PathBuf> {
        self.state.lock().syncs_failed.clone()
    }

    /// Whether the machine runs still.
    pub fn has_power(&self) -> bool {
        !self.state.lock().is_without_power
    }

    /// Lets an operation meet a fault.
    pub fn plan(&self, operation: u64, fault: Fault) {
        self.state.lock().faults.planned.insert(operation, fault);
    }

    /// Lets no more bytes fit than these, or any number.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        self.state.lock().faults.capacity = capacity;
    }

    /// Lets all reads fail, or none.
    pub fn set_reads_fail(&self, fail: bool) {
        self.state.lock().faults.reads_fail = fail;
    }

    /// Lets the process have too many files open to open one whose path ends in this, or lets it have room again.
    pub fn set_unopenable(&self, end: Option<&'static str>) {
        self.state.lock().faults.unopenable = end;
    }

    /// Lets all syncs fail, or none.
    pub fn set_syncs_fail(&self, fail: bool) {
        self.state.lock().faults.syncs_fail = fail;
    }

    /// Lets syncs lie, or be honest.
    pub fn set_dishonest(&self, dishonest: Option<DishonestSyncs>) {
        self.state.lock().faults.dishonest = dishonest;
    }

    /// Sets the date of what is written from now on.
    pub fn set_wall(&self, wall: Timestamp) {
        self.state.lock().wall = wall;
    }

    /// What was done since the last call, one line each; from the first call on.
    pub fn story(&self) -> Vec<String> {
        self.state.lock().story.replace(Vec::new()).unwrap_or_default()
    }

    /// Turns one bit of a file; answers in which byte, if the file has any.
    pub fn flip_bit(&self, path: &Path) -> Option<u64> {
        let state = &mut *self.state.lock();
        let inode = state.image.inode(path)?;
        state.image.flip_bit(inode, &mut state.random)
    }

    /// The bytes of all files that have a name.
    pub fn used(&self) -> u64 {
        self.state.lock().image.used()
    }

    /// The disk as the next process finds it when this one was killed: nothing is lost.
    #[must_use]
    pub fn after_kill(&self, seed: u64) -> SimulatedDisk {
        SimulatedDisk::of(self.state.lock().image.clone(), seed)
    }

    /// The disk as the next process finds it when the power was lost, in one of the ways that the seed chooses from.
    #[must_use]
    pub fn after_power_loss(&self, seed: u64) -> SimulatedDisk {
        let mut random = Random::new(seed);
        SimulatedDisk::of(self.state.lock().image.after_power_loss(&mut random), random.number())
    }

    /// Does something that changes or syncs; `act` is told whether it meets a fault that leaves it half done.
    fn change<T>(
        &self,
        act: Act,
        path: &Path,
        change: impl FnOnce(&mut State, Option<Fault>) -> Result<T, FileFault>,
    ) -> Result<T, FileError> {
        let state = &mut *self.state.lock();
        let refuse = |fault| FileError::new(act, path, fault);
        if state.is_without_power {
            return Err(refuse(without_power()));
        }
        if state.faults.is_unopenable(path) && matches!(act, Act::Create | Act::Write | Act::Truncate | Act::Sync) {
            // As on a real disk, a sync that could not be begun is not called one.
            let act = if act == Act::Sync { Act::Open } else { act };
            return Err(FileError::new(act, path, FileFault::Descriptors));
        }
        let operation = state.operations;
        state.operations += 1;
        let mut fault = state.faults.planned.get(&operation).copied();
        if act == Act::Sync && state.faults.syncs_fail {
            fault = fault.or(Some(Fault::Io));
        }
        state.faults_met += u64::from(fault.is_some());
        if let Some(story) = &mut state.story {
            let fault = fault.map_or(String::new(), |fault| format!(": {fault:?}"));
            story.push(format!("disk {operation}: {act:?} {}{fault}", path.display()));
        }
        if fault.is_some() && act == Act::Sync {
            state.syncs_failed.push(path.to_owned());
        }
        let is_folder = state.image.name(path) == Some(Name::Folder);
        let lies = |dishonest: &DishonestSyncs| match dishonest {
            DishonestSyncs::Skipped(part) => path.to_string_lossy().contains(part),
            DishonestSyncs::OfFoldersSkipped => is_folder,
            DishonestSyncs::FailuresHidden => true,
        };
        let dishonest =
            state.faults.dishonest.filter(|_| act == Act::Sync && fault != Some(Fault::PowerLoss)).filter(lies);
        if dishonest.is_some_and(|dishonest| dishonest != DishonestSyncs::FailuresHidden) {
            fault = Some(Fault::PowerLoss); // whose sync leaves all as it was
        }
        let changed = change(state, fault);
        if dishonest.is_some() {
            return changed.map_err(refuse);
        }
        match fault {
            None => changed.map_err(refuse),
            Some(Fault::PowerLoss) => {
                state.is_without_power = true;
                Err(refuse(without_power()))
            }
            Some(Fault::Io) => Err(refuse(FileFault::Io("input/output error".to_owned()))),
            Some(Fault::Full) => Err(refuse(FileFault::Full)),
        }
    }

    /// Does something with names: whole, or with a fault whole or not at all.
    fn change_names(&self, act: Act, path: &Path, change: impl FnOnce(&mut State)) -> Result<(), FileError> {
        self.change(act, path, |state, fault| {
            if fault.is_none() || (fault == Some(Fault::PowerLoss) && state.random.percent(50)) {
                change(state);
            }
            Ok(())
        })
    }

    fn look<T>(
        &self,
        act: Act,
        path: &Path,
        look: impl FnOnce(&State) -> Result<T, FileFault>,
    ) -> Result<T, FileError> {
        let state = &*self.state.lock();
        let looked = if state.is_without_power {
            Err(without_power())
        } else if matches!(act, Act::Open | Act::Read) && state.faults.is_unopenable(path) {
            Err(FileFault::Descriptors)
        } else if act == Act::Read && state.faults.reads_fail {
            Err(FileFault::Io("input/output error".to_owned()))
        } else {
            look(state)
        };
        looked.map_err(|fault| FileError::new(act, path, fault))
    }

    fn sync_inode(&self, path: &Path, find: impl FnOnce(&Image) -> Option<Inode>) -> Result<(), FileError> {
        self.change(Act::Sync, path, |state, fault| {
            let inode = find(&state.image).ok_or(FileFault::NotFound)?;
            match fault {
                None => state.image.sync(inode),
                Some(Fault::PowerLoss) => {} // what survives is chosen with everything else
                Some(Fault::Io | Fault::Full) => state.image.lose_waiting(inode, &mut state.random),
            }
            Ok(())
        })
    }
}

impl State {
    /// Writes all, or what fits, or with a fault a part.
    fn write(&mut self, inode: Inode, position: u64, bytes: &[u8], fault: Option<Fault>) -> Result<(), FileFault> {
        let grows = (position + bytes.len() as u64).saturating_sub(self.image.length(inode));
        let room = self.faults.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.image.used()));
        let mut written = bytes.len();
        if grows > room {
            written = written.saturating_sub((grows - room) as usize);
        }
        if fault.is_some() {
            written = written.min(self.random.index(bytes.len() + 1));
        }
        self.image.write(inode, position, &bytes[..written]);
        self.image.set_modified(inode, self.wall);
        if grows > room { Err(FileFault::Full) } else { Ok(()) }
    }
}

impl Files for SimulatedDisk {
    type File = SimulatedFile;
    type Lock = SimulatedLock;

    fn file(&self, path: &Path) -> SimulatedFile {
        SimulatedFile { disk: self.clone(), path: path.to_owned() }
    }

    fn create(&self, path: &Path) -> Result<SimulatedFile, FileError> {
        self.change(Act::Create, path, |state, fault| {
            let has_folder = path.parent().is_none_or(|folder| state.image.name(folder) == Some(Name::Folder));
            if !has_folder {
                return Err(FileFault::NotFound);
            }
            if state.faults.capacity.is_some_and(|capacity| state.image.used() >= capacity) {
                return Err(FileFault::Full);
            }
            if fault.is_none() || (fault == Some(Fault::PowerLoss) && state.random.percent(50)) {
                match state.image.inode(path) {
                    Some(inode) => state.image.truncate(inode, 0),
                    None => {
                        let inode = state.image.create_file(path);
                        state.image.set_modified(inode, state.wall);
                    }
                }
            }
            Ok(())
        })?;
        Ok(self.file(path))
    }

    fn facts(&self, path: &Path) -> Result<Option<Facts>, FileError> {
        self.look(Act::Measure, path, |state| {
            Ok(state.image.name(path).map(|name| match name {
                Name::Folder => Facts { is_folder: true, length: 0, modified: Timestamp(0) },
                Name::File(inode) => {
                    Facts { is_folder: false, length: state.image.length(inode), modified: state.image.modified(inode) }
                }
            }))
        })
    }

    fn list(&self, folder: &Path) -> Result<Vec<Entry>, FileError> {
        self.look(Act::List, folder, |state| {
            if state.image.name(folder) != Some(Name::Folder) {
                return Err(FileFault::NotFound);
            }
            let entry = |(path, name): (&Path, Name)| {
                let last = path.file_name()?.to_str()?.to_owned();
                Some(Entry { name: last, is_folder: name == Name::Folder })
            };
            Ok(state.image.names_in(folder).filter_map(entry).collect())
        })
    }

    fn create_folder(&self, path: &Path) -> Result<(), FileError> {
        if self.facts(path)?.is_some() {
            return Ok(());
        }
        self.change_names(Act::Create, path, |state| state.image.create_folder(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        if self.facts(from)?.is_none() {
            return Err(FileError::new(Act::Rename, from, FileFault::NotFound));
        }
        self.change_names(Act::Rename, from, |state| state.image.rename(from, to))
    }

    fn remove(&self, path: &Path) -> Result<(), FileError> {
        if self.facts(path)?.is_none() {
            return Ok(());
        }
        self.change_names(Act::Remove, path, |state| state.image.remove(path))
    }

    fn remove_folder(&self, path: &Path) -> Result<(), FileError> {
        self.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> Result<(), FileError> {
        self.change(Act::Sync, folder, |state, fault| {
            if state.image.name(folder) != Some(Name::Folder) {
                return Err(FileFault::NotFound);
            }
            if fault.is_none() {
                state.image.sync_folder(folder);
            }
            Ok(())
        })
    }

    fn lock(&self, path: &Path) -> Result<SimulatedLock, FileError> {
        if self.facts(path)?.is_none() {
            self.create(path)?;
        }
        if !self.state.lock().locks.insert(path.to_owned()) {
            return Err(FileError::new(Act::Lock, path, FileFault::Locked));
        }
        Ok(SimulatedLock { disk: self.clone(), path: path.to_owned() })
    }
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.disk.state.lock().locks.remove(&self.path);
    }
}

impl LogFile for SimulatedFile {
    type Descriptor = SimulatedDescriptor;

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        self.descriptor()?.read_at(position, buffer)
    }

    fn write_at(&self, position: u64, slices: &[IoSlice<'_>]) -> Result<(), FileError> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.disk.change(Act::Write, &self.path, |state, fault| {
            let inode = state.image.inode(&self.path).ok_or(FileFault::NotFound)?;
            state.write(inode, position, &bytes, fault)
        })
    }

    fn sync(&self) -> Result<(), FileError> {
        self.disk.sync_inode(&self.path, |image| image.inode(&self.path))
    }

    fn forget_cached(&self) -> Result<(), FileError> {
        let inode = self.descriptor()?.inode;
        self.disk.state.lock().image.forget_cached(inode);
        Ok(())
    }

    fn length(&self) -> Result<u64, FileError> {
        self.disk.look(Act::Measure, &self.path, |state| {
            let inode = state.image.inode(&self.path).ok_or(FileFault::NotFound)?;
            Ok(state.image.length(inode))
        })
    }

    fn truncate(&self, length: u64) -> Result<(), FileError> {
        self.disk.change(Act::Truncate, &self.path, |state, fault| {
            let inode = state.image.inode(&self.path).ok_or(FileFault::NotFound)?;
            if fault.is_none() || (fault == Some(Fault::PowerLoss) && state.random.percent(50)) {
                state.image.truncate(inode, length);
            }
            Ok(())
        })
    }

    fn descriptor(&self) -> Result<SimulatedDescriptor, FileError> {
        let inode =
            self.disk.look(Act::Open, &self.path, |state| state.image.inode(&self.path).ok_or(FileFault::NotFound))?;
        Ok(SimulatedDescriptor { disk: self.disk.clone(), path: self.path.clone(), inode })
    }
}

impl Descriptor for SimulatedDescriptor {
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        self.disk.look(Act::Read, &self.path, |state| {
            let bytes = state.image.bytes(self.inode);
            let from = usize::try_from(position).unwrap_or(usize::MAX).min(bytes.len());
            let read = buffer.len().min(bytes.len() - from);
            buffer[..read].copy_from_slice(&bytes[from..from + read]);
            Ok(read)
        })
    }

    fn sync(&self) -> Result<(), FileError> {
        self.disk.sync_inode(&self.path, |_| Some(self.inode))
    }
}

fn without_power() -> FileFault {
    FileFault::Io("the machine is without power".to_owned())
}
