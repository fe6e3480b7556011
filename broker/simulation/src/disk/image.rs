//! What is on a simulated disk: names and contents as a program sees them, and what of both is durable.
//!
//! A file's content is durable up to its last sync; later writes wait in a list. Names likewise: creating, renaming and
//! removing is durable once the folder was synced. [`Image::after_power_loss`] chooses what of that which waits survives.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ottla_vocabulary::Timestamp;

use crate::random::Random;

/// A file's content, whatever its names are.
pub(crate) type Inode = u64;

/// All names and contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Image {
    names: BTreeMap<PathBuf, Name>,
    durable_names: BTreeMap<PathBuf, Name>,
    /// Changes of names that are not durable, in the order in which they were made.
    waiting: Vec<NameChange>,
    contents: BTreeMap<Inode, Content>,
    next_inode: Inode,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Folder,
    File(Inode),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum NameChange {
    Set { path: PathBuf, name: Name },
    Rename { from: PathBuf, to: PathBuf },
    Remove { path: PathBuf },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Content {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    waiting: Vec<ContentChange>,
    modified: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ContentChange {
    Write { position: u64, bytes: Vec<u8> },
    Truncate { length: u64 },
}

impl NameChange {
    fn is_in(&self, folder: &Path) -> bool {
        let is_in = |path: &PathBuf| path.parent() == Some(folder);
        match self {
            NameChange::Set { path, .. } | NameChange::Remove { path } => is_in(path),
            NameChange::Rename { from, to } => is_in(from) || is_in(to),
        }
    }

    fn folder(&self) -> Option<PathBuf> {
        match self {
            NameChange::Set { path, .. } | NameChange::Remove { path } | NameChange::Rename { to: path, .. } => {
                path.parent().map(ToOwned::to_owned)
            }
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Name>) {
        match self {
            NameChange::Set { path, name } => {
                names.insert(path.clone(), *name);
            }
            NameChange::Remove { path } => names.retain(|name, _| !name.starts_with(path)),
            NameChange::Rename { from, to } => {
                let moved: Vec<PathBuf> = names.keys().filter(|name| name.starts_with(from)).cloned().collect();
                for old in moved {
                    let Some(name) = names.remove(&old) else { continue };
                    let rest = old.strip_prefix(from).unwrap_or(Path::new(""));
                    let new = if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) };
                    names.insert(new, name);
                }
            }
        }
    }
}

impl ContentChange {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            ContentChange::Write { position, bytes: written } => {
                let (from, to) = (*position as usize, *position as usize + written.len());
                if bytes.len() < to {
                    bytes.resize(to, 0);
                }
                bytes[from..to].copy_from_slice(written);
            }
            ContentChange::Truncate { length } => bytes.resize(*length as usize, 0),
        }
    }
}

impl Image {
    /// A disk with nothing but its root.
    pub(crate) fn empty() -> Image {
        let names = BTreeMap::from([(PathBuf::from("/"), Name::Folder)]);
        Image { durable_names: names.clone(), names, ..Image::default() }
    }

    pub(crate) fn name(&self, path: &Path) -> Option<Name> {
        self.names.get(path).copied()
    }

    /// The file of this name.
    pub(crate) fn inode(&self, path: &Path) -> Option<Inode> {
        match self.name(path)? {
            Name::File(inode) => Some(inode),
            Name::Folder => None,
        }
    }

    pub(crate) fn names_in(&self, folder: &Path) -> impl Iterator<Item = (&Path, Name)> {
        let within = self.names.range(folder.to_owned()..).take_while(move |(path, _)| path.starts_with(folder));
        within.filter(move |(path, _)| path.parent() == Some(folder)).map(|(path, name)| (path.as_path(), *name))
    }

    pub(crate) fn length(&self, inode: Inode) -> u64 {
        self.contents.get(&inode).map_or(0, |content| content.bytes.len() as u64)
    }

    pub(crate) fn modified(&self, inode: Inode) -> Timestamp {
        self.contents.get(&inode).map_or(Timestamp(0), |content| content.modified)
    }

    pub(crate) fn set_modified(&mut self, inode: Inode, modified: Timestamp) {
        self.contents.entry(inode).or_default().modified = modified;
    }

    pub(crate) fn bytes(&self, inode: Inode) -> &[u8] {
        self.contents.get(&inode).map_or(&[], |content| &content.bytes)
    }

    /// Bytes of all files that have a name.
    pub(crate) fn used(&self) -> u64 {
        self.names.values().map(|name| if let Name::File(inode) = name { self.length(*inode) } else { 0 }).sum()
    }

    pub(crate) fn create_folder(&mut self, path: &Path) {
        let mut missing: Vec<&Path> = path.ancestors().filter(|above| !self.names.contains_key(*above)).collect();
        missing.reverse();
        for folder in missing {
            self.change_names(NameChange::Set { path: folder.to_owned(), name: Name::Folder });
        }
    }

    pub(crate) fn create_file(&mut self, path: &Path) -> Inode {
        let inode = self.next_inode;
        self.next_inode += 1;
        self.contents.insert(inode, Content::default());
        self.change_names(NameChange::Set { path: path.to_owned(), name: Name::File(inode) });
        inode
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) {
        self.change_names(NameChange::Rename { from: from.to_owned(), to: to.to_owned() });
    }

    pub(crate) fn remove(&mut self, path: &Path) {
        self.change_names(NameChange::Remove { path: path.to_owned() });
    }

    pub(crate) fn sync_folder(&mut self, folder: &Path) {
        // A folder that took the place of one that is gone: the journal has that, and what was in it, before anything that
        // came after.
        let moves = |change: &NameChange| match change {
            NameChange::Rename { from: path, .. } | NameChange::Remove { path } => {
                folder.starts_with(path) || (change.is_in(folder) && self.waiting.iter().any(|other| other.is_in(path)))
            }
            NameChange::Set { .. } => false,
        };
        if let Some(last) = self.waiting.iter().rposition(moves) {
            for change in self.waiting.drain(..=last) {
                change.apply(&mut self.durable_names);
            }
        }
        let (synced, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|change| change.is_in(folder));
        self.waiting = waiting;
        let synced: Vec<NameChange> = synced;
        for change in synced {
            change.apply(&mut self.durable_names);
        }
    }

    pub(crate) fn write(&mut self, inode: Inode, position: u64, bytes: &[u8]) {
        self.change_content(inode, ContentChange::Write { position, bytes: bytes.to_vec() });
    }

    pub(crate) fn truncate(&mut self, inode: Inode, length: u64) {
        self.change_content(inode, ContentChange::Truncate { length });
    }

    pub(crate) fn sync(&mut self, inode: Inode) {
        let content = self.contents.entry(inode).or_default();
        for change in std::mem::take(&mut content.waiting) {
            change.apply(&mut content.durable);
        }
    }

    /// What a failed sync does: the pages count as clean, and nothing will write them any more.
    pub(crate) fn lose_waiting(&mut self, inode: Inode, random: &mut Random) {
        let content = self.contents.entry(inode).or_default();
        for change in std::mem::take(&mut content.waiting) {
            if random.percent(50) {
                change.apply(&mut content.durable);
            }
        }
    }

    /// Lets programs see what the disk has, and what waits to be written.
    pub(crate) fn forget_cached(&mut self, inode: Inode) {
        let content = self.contents.entry(inode).or_default();
        content.bytes = content.durable.clone();
        for change in &content.waiting {
            change.apply(&mut content.bytes);
        }
    }

    /// Turns a bit of a file, on the platters and in what programs see.
    pub(crate) fn flip_bit(&mut self, inode: Inode, random: &mut Random) -> Option<u64> {
        let content = self.contents.get_mut(&inode).filter(|content| !content.bytes.is_empty())?;
        let bit = random.below(content.bytes.len() as u64 * 8);
        let (place, mask) = ((bit / 8) as usize, 1 << (bit % 8));
        content.bytes[place] ^= mask;
        if let Some(byte) = content.durable.get_mut(place) {
            *byte ^= mask;
        }
        Some(place as u64)
    }

    /// The image as it is when the power is back.
    pub(crate) fn after_power_loss(&self, random: &mut Random) -> Image {
        let mut after = Image { next_inode: self.next_inode, ..Image::default() };
        after.names = self.surviving_names(random);
        let referenced: BTreeSet<Inode> = after.names.values().filter_map(|name| inode_of(*name)).collect();
        // Some disks write in sectors of 512 bytes, some in 4 KiB, and file systems in pages.
        let sector = if random.percent(50) { 512 } else { 4096 };
        let kept_percent = [0, 10, 50, 90, 100][random.index(5)];
        for inode in referenced {
            let bytes =
                self.contents.get(&inode).map_or(Vec::new(), |content| content.survive(sector, kept_percent, random));
            let modified = self.modified(inode);
            after.contents.insert(inode, Content { durable: bytes.clone(), bytes, waiting: Vec::new(), modified });
        }
        after.durable_names = after.names.clone();
        after
    }

    fn surviving_names(&self, random: &mut Random) -> BTreeMap<PathBuf, Name> {
        let mut names = self.durable_names.clone();
        let is_moved = |change: &NameChange| match change {
            NameChange::Rename { from: path, .. } | NameChange::Remove { path } => {
                self.waiting.iter().any(|other| other.is_in(path))
            }
            NameChange::Set { .. } => false,
        };
        if random.percent(50) || self.waiting.iter().any(is_moved) {
            // A journal for the whole file system: a beginning of all changes survives.
            let survive = random.index(self.waiting.len() + 1);
            self.waiting[..survive].iter().for_each(|change| change.apply(&mut names));
        } else {
            // Each folder for itself.
            let folders: BTreeSet<Option<PathBuf>> = self.waiting.iter().map(NameChange::folder).collect();
            for folder in folders {
                let of_folder: Vec<_> = self.waiting.iter().filter(|change| change.folder() == folder).collect();
                let survive = random.index(of_folder.len() + 1);
                of_folder[..survive].iter().for_each(|change| change.apply(&mut names));
            }
        }
        // What lies in a folder that did not survive did not either.
        let all = names.clone();
        names.retain(|path, _| {
            path.ancestors().skip(1).all(|above| above.parent().is_none() || all.contains_key(above))
        });
        names
    }

    fn change_names(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.waiting.push(change);
    }

    fn change_content(&mut self, inode: Inode, change: ContentChange) {
        let content = self.contents.entry(inode).or_default();
        change.apply(&mut content.bytes);
        content.waiting.push(change);
    }
}

impl Content {
    /// What of the content is there after a loss of power: what was synced, and of each later write some sectors, in any
    /// order; where the length was noted and the data was not, zeroes.
    fn survive(&self, sector: usize, kept_percent: u64, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for change in &self.waiting {
            match change {
                ContentChange::Truncate { .. } => {
                    if random.percent(kept_percent) {
                        change.apply(&mut bytes);
                    }
                }
                ContentChange::Write { position, bytes: written } => {
                    let mut from = 0;
                    while from < written.len() {
                        let at = *position as usize + from;
                        let to = (from + sector - at % sector).min(written.len());
                        let piece = ContentChange::Write { position: at as u64, bytes: written[from..to].to_vec() };
                        if random.percent(kept_percent) {
                            piece.apply(&mut bytes);
                        } else if random.percent(20) && bytes.len() < at + to - from {
                            bytes.resize(at + to - from, 0);
                        }
                        from = to;
                    }
                }
            }
        }
        bytes
    }
}

fn inode_of(name: Name) -> Option<Inode> {
    match name {
        Name::File(inode) => Some(inode),
        Name::Folder => None,
    }
}
