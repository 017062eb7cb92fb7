//! Small files in memory and larger ones open, so that a GET of a name in the root costs one statx(2) instead of an
//! open, a read and a close.
//!
//! It is never stale: every hit is checked against what statx(2) says at that moment (see `Metadata`), and a file
//! that changed so recently that another change could bear the same time stamp is not taken in. Where the change time
//! of a file also tells of its names, the file is kept open, and its descriptor, the *witness*, is what is asked: that
//! saves the walk to it. Disk space of a file that is removed is free only when its descriptor is closed.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard};

use super::found::{CachedFile, FileContent};
use crate::sync::lock;

/// Independent parts, so that workers seldom meet at a lock.
const SHARDS: usize = 16;

/// Files held in one shard; together they hold at most 1,024 files.
const FILES: usize = 64;

/// Bytes held in one shard; together they hold at most 4 MiB.
const BYTES: usize = 256 * 1024;

/// Files that are sent from the disk in one shard; together they hold at most 128.
const LARGE: usize = 8;

/// See the module's description.
pub(super) struct Cache {
    hasher: RandomState,
    /// Each guards its part of the names; held for a look-up or an insertion, never for a system call: what is
    /// forgotten is closed afterwards.
    shards: [Mutex<Shard>; SHARDS],
    /// What one shard may hold.
    most: Load,
}

/// What is held: files, bytes, descriptors, and large files among them.
type Load = [usize; 4];

#[derive(Default)]
struct Shard {
    files: HashMap<Box<[u8]>, CachedFile>,
    load: Load,
}

impl Cache {
    /// A cache in a process that may have so many descriptors open, of which it takes a sixteenth at most.
    pub(super) fn new(descriptors: usize) -> Self {
        let descriptors = descriptors / 16 / SHARDS;
        Self {
            hasher: RandomState::new(),
            shards: Default::default(),
            most: [FILES, BYTES, descriptors, LARGE],
        }
    }

    /// What is held of the file at `path`, which may be another by now.
    pub(super) fn get(&self, path: &[u8]) -> Option<CachedFile> {
        self.shard(path).files.get(path).cloned()
    }

    /// Takes in a file that is settled (see `Metadata::is_stable`).
    pub(super) fn insert(&self, path: &[u8], file: CachedFile) {
        let mut shard = self.shard(path);
        let forgotten = shard.insert(path, file, &self.most);
        drop(shard);
        drop(forgotten);
    }

    /// Forgets the file at `path`, which may be long work: a file that has no name any more goes with its last
    /// descriptor.
    pub(super) fn remove(&self, path: &[u8]) {
        let forgotten = self.shard(path).remove(path);
        drop(forgotten);
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "any bits of the hash will do"
    )]
    fn shard(&self, path: &[u8]) -> MutexGuard<'_, Shard> {
        let index = self.hasher.hash_one(path) as usize % SHARDS;
        lock(&self.shards[index])
    }
}

impl CachedFile {
    fn load(&self) -> Load {
        match &self.found.content {
            FileContent::Memory(bytes) => {
                [1, bytes.len(), usize::from(self.validator.is_some()), 0]
            }
            FileContent::Descriptor(_) => [1, 0, 1, 1],
        }
    }
}

impl Shard {
    /// Takes in a file, in place of others if need be, so that no more than `most` is held; returns what is forgotten.
    fn insert(&mut self, path: &[u8], mut file: CachedFile, most: &Load) -> Vec<CachedFile> {
        const DESCRIPTORS: usize = 2;
        let mut forgotten = Vec::from_iter(self.remove(path));
        let is_small = matches!(file.found.content, FileContent::Memory(_));
        if is_small && self.load[DESCRIPTORS] >= most[DESCRIPTORS] {
            file.validator = None; // it can do without
        }
        let adds = file.load();
        if adds.iter().zip(most).any(|(adds, most)| adds > most) {
            return forgotten;
        }
        while let Some(short) = (0..adds.len()).find(|&it| self.load[it] + adds[it] > most[it]) {
            // Which one goes is left to the order of the map, which is as good as chance.
            let mut files = self.files.iter();
            let Some(victim) =
                files.find_map(|(path, cached)| (cached.load()[short] > 0).then(|| path.clone()))
            else {
                return forgotten;
            };
            forgotten.extend(self.remove(&victim));
        }
        for (cached, added) in self.load.iter_mut().zip(adds) {
            *cached += added;
        }
        self.files.insert(path.into(), file);
        forgotten
    }

    fn remove(&mut self, path: &[u8]) -> Option<CachedFile> {
        let file = self.files.remove(path)?;
        for (cached, removed) in self.load.iter_mut().zip(file.load()) {
            *cached -= removed;
        }
        Some(file)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::sync::Arc;

    use super::*;
    use crate::store::found::Found;
    use crate::store::sys::metadata_of;

    fn cached(file: &Arc<OwnedFd>, content: FileContent) -> CachedFile {
        let metadata = metadata_of(file).unwrap();
        CachedFile {
            found: Found { metadata, content },
            validator: Some(Arc::clone(file)),
        }
    }

    #[test]
    fn a_shard_holds_no_more_than_it_may() {
        let file = Arc::new(OwnedFd::from(tempfile::tempfile().unwrap()));
        let small = |bytes: usize| cached(&file, FileContent::Memory(vec![0; bytes].into()));
        let large = || cached(&file, FileContent::Descriptor(Arc::clone(&file)));
        let most = [20, 1000, 10, 3];
        let mut shard = Shard::default();
        let mut seen: Load = [0; 4];
        for number in 0..500_u32 {
            // Some names come again, some files grow, and one is too large by itself.
            let path = (number % 70).to_ne_bytes();
            let file = match number % 5 {
                0 => large(),
                1 => small(1001),
                _ => small(usize::try_from(number % 90).unwrap()),
            };
            shard.insert(&path, file, &most);
            let mut load: Load = [0; 4];
            for cached in shard.files.values() {
                for (sum, of_one) in load.iter_mut().zip(cached.load()) {
                    *sum += of_one;
                }
            }
            assert_eq!(shard.load, load);
            assert!(load.iter().zip(most).all(|(cached, most)| *cached <= most));
            for (seen, cached) in seen.iter_mut().zip(load) {
                *seen = cached.max(*seen);
            }
        }
        assert!(seen[1] > 900, "{seen:?}");
        seen[1] = most[1];
        assert_eq!(seen, most);
    }

    #[test]
    fn a_small_file_does_without_a_descriptor_where_there_is_none_to_spare() {
        let file = Arc::new(OwnedFd::from(tempfile::tempfile().unwrap()));
        let mut shard = Shard::default();
        for (number, witnesses) in [(0_u32, 1), (1, 2), (2, 2), (3, 2), (1, 2)] {
            let small = cached(&file, FileContent::Memory(vec![0; 10].into()));
            shard.insert(&number.to_ne_bytes(), small, &[64, 1000, 2, 1]);
            let mut files = shard.files.values();
            let found = files
                .by_ref()
                .filter(|cached| cached.validator.is_some())
                .count();
            assert_eq!(found, witnesses, "{number}");
        }
        assert_eq!(shard.files.len(), 4);
        assert!(!shard.files[&2_u32.to_ne_bytes()[..]].is_unchanged());
    }
}
