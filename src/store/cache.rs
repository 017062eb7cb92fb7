//! Small files in memory and larger ones open, so that a GET of a name in the root costs one statx(2) instead of an
//! open, a read and a close.
//!
//! It is never stale: every hit is compared with statx(2) at that moment (see `Metadata`), and a file is not cached if
//! it changed so recently that another change could have the same time stamp. Where the change time of a file also
//! covers its names, the file is kept open, and statx(2) uses that descriptor, the *validator*, without a look-up of
//! the name. The disk space of a removed file is freed only when its descriptor is closed.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use rustc_hash::FxBuildHasher;

use super::found::{CachedFile, FileContent};
use crate::sync::lock;

/// Independent parts, so that workers seldom contend for a lock.
const SHARDS: usize = 16;

/// Files held in one shard; together they hold at most 1,024 files.
const FILES: usize = 64;

/// Bytes held in one shard; together they hold at most 4 MiB.
const BYTES: usize = 256 * 1024;

/// Files whose content is not in memory in one shard; together they hold at most 128.
const LARGE: usize = 8;

/// See the module's description.
pub(super) struct Cache {
    parts: [CountedShard; SHARDS],
    /// The limits of one shard.
    most: Load,
}

/// One of the independent parts, with its counts. A thread that counts has just held its lock, and so has its cache
/// line.
#[derive(Default)]
struct CountedShard {
    /// Guards its part of the names; held for a look-up or an insertion, never for a system call: evicted files are
    /// closed afterwards.
    shard: Mutex<Shard>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// The counts of the cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheFigures {
    /// The number of unchanged files found in it.
    pub hits: u64,
    /// The number of files that had to be opened.
    pub misses: u64,
    /// Files in it now.
    pub files: u64,
    /// Their content in memory, in bytes.
    pub bytes: u64,
}

/// The resources of cached files: of one file, of a shard, or the limits of a shard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Load {
    files: usize,
    /// Bytes of content in memory.
    bytes: usize,
    /// Files that are kept open.
    descriptors: usize,
    /// Files whose content is not in memory.
    large_files: usize,
}

/// One kind of resource of cached files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CachedResource {
    Files,
    Bytes,
    Descriptors,
    LargeFiles,
}

#[derive(Default)]
struct Shard {
    /// A quick hash is enough: there are at most [`FILES`] names, even if a client chooses names that collide.
    files: HashMap<Box<[u8]>, CachedFile, FxBuildHasher>,
    load: Load,
}

impl Cache {
    /// A cache in a process with this many descriptors, of which it uses at most a sixteenth.
    pub(super) fn new(descriptors: usize) -> Self {
        let descriptors = descriptors / 16 / SHARDS;
        Self {
            parts: Default::default(),
            most: Load {
                files: FILES,
                bytes: BYTES,
                descriptors,
                large_files: LARGE,
            },
        }
    }

    /// Limits the cache to a sixteenth of this memory.
    pub(super) fn bound(&mut self, memory: u64) {
        let shard = memory / 16 / SHARDS as u64;
        self.most.bytes = usize::try_from(shard).map_or(BYTES, |shard| shard.min(BYTES));
    }

    /// The cached file for `path`, which may be outdated.
    pub(super) fn get(&self, path: &[u8]) -> Option<CachedFile> {
        self.shard(path).files.get(path).cloned()
    }

    /// Counts a hit for `path`.
    pub(super) fn count_hit(&self, path: &[u8]) {
        self.part(path).hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a miss for `path`.
    pub(super) fn count_miss(&self, path: &[u8]) {
        self.part(path).misses.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts so far, and the contents.
    pub(super) fn figures(&self) -> CacheFigures {
        let mut figures = CacheFigures::default();
        for part in &self.parts {
            figures.hits += part.hits.load(Ordering::Relaxed);
            figures.misses += part.misses.load(Ordering::Relaxed);
            let load = lock(&part.shard).load;
            figures.files += load.files as u64;
            figures.bytes += load.bytes as u64;
        }
        figures
    }

    /// Adds a stable file (see `Metadata::is_stable`).
    pub(super) fn insert(&self, path: &[u8], file: CachedFile) {
        let mut shard = self.shard(path);
        let forgotten = shard.insert(path, file, self.most);
        drop(shard);
        drop(forgotten);
    }

    /// Removes all files.
    pub(super) fn clear(&self) {
        for part in &self.parts {
            let forgotten = std::mem::take(&mut *lock(&part.shard));
            drop(forgotten);
        }
    }

    /// Removes the file at `path`. This may take long, since closing the last descriptor of a file without a name frees
    /// its space.
    pub(super) fn remove(&self, path: &[u8]) {
        let forgotten = self.shard(path).remove(path);
        drop(forgotten);
    }

    fn part(&self, path: &[u8]) -> &CountedShard {
        // The middle bits, since the map of a shard uses the lowest and highest bits.
        let index = (FxBuildHasher.hash_one(path) >> 32) as usize % SHARDS;
        &self.parts[index]
    }

    fn shard(&self, path: &[u8]) -> MutexGuard<'_, Shard> {
        lock(&self.part(path).shard)
    }
}

impl CachedFile {
    fn load(&self) -> Load {
        let descriptors = usize::from(self.validator.is_some());
        match &self.found.content {
            FileContent::Memory(bytes) => Load {
                files: 1,
                bytes: bytes.len(),
                descriptors,
                large_files: 0,
            },
            // Its validator is the same open file.
            FileContent::Descriptor(_) => Load {
                files: 1,
                bytes: 0,
                descriptors: 1,
                large_files: 1,
            },
        }
    }
}

impl Load {
    fn plus(self, other: Self) -> Self {
        Self {
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
            descriptors: self.descriptors + other.descriptors,
            large_files: self.large_files + other.large_files,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            files: self.files - other.files,
            bytes: self.bytes - other.bytes,
            descriptors: self.descriptors - other.descriptors,
            large_files: self.large_files - other.large_files,
        }
    }

    fn of(self, resource: CachedResource) -> usize {
        match resource {
            CachedResource::Files => self.files,
            CachedResource::Bytes => self.bytes,
            CachedResource::Descriptors => self.descriptors,
            CachedResource::LargeFiles => self.large_files,
        }
    }

    /// A resource with more use than in `most`.
    fn excess(self, most: Self) -> Option<CachedResource> {
        [
            CachedResource::Files,
            CachedResource::Bytes,
            CachedResource::Descriptors,
            CachedResource::LargeFiles,
        ]
        .into_iter()
        .find(|&resource| self.of(resource) > most.of(resource))
    }
}

impl Shard {
    /// Adds a file, and evicts others to stay within `most`; returns the evicted files.
    fn insert(&mut self, path: &[u8], mut file: CachedFile, most: Load) -> Vec<CachedFile> {
        let mut forgotten = Vec::from_iter(self.remove(path));
        let is_small = matches!(file.found.content, FileContent::Memory(_));
        if is_small && self.load.descriptors >= most.descriptors {
            file.validator = None; // It works without one.
        }
        let added = file.load();
        if added.excess(most).is_some() {
            return forgotten;
        }
        while let Some(resource) = self.load.plus(added).excess(most) {
            let Some(victim) = self.remove_one_that_holds(resource) else {
                return forgotten;
            };
            forgotten.push(victim);
        }
        self.load = self.load.plus(added);
        self.files.insert(path.into(), file);
        forgotten
    }

    /// Evicts a file that uses `resource`. The order of the map selects it, which is as good as a random choice.
    fn remove_one_that_holds(&mut self, resource: CachedResource) -> Option<CachedFile> {
        let mut files = self.files.iter();
        let (path, _) = files.find(|(_, cached)| cached.load().of(resource) > 0)?;
        let path = path.clone();
        self.remove(&path)
    }

    fn remove(&mut self, path: &[u8]) -> Option<CachedFile> {
        let file = self.files.remove(path)?;
        self.load = self.load.minus(file.load());
        Some(file)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::sync::Arc;

    use super::*;
    use crate::store::found::{Certainty, ReadableFile};
    use crate::store::sys::metadata_of;

    fn cached(file: &Arc<OwnedFd>, content: FileContent) -> CachedFile {
        let metadata = metadata_of(file).unwrap();
        CachedFile {
            found: ReadableFile {
                metadata,
                content,
                certainty: Certainty::Certain,
            },
            validator: Some(Arc::clone(file)),
        }
    }

    #[test]
    fn cache_takes_a_sixteenth_of_the_memory_at_most() {
        let mut cache = Cache::new(1 << 20);
        for (memory, shard) in [
            (0, 0),
            (1 << 20, 4 * 1024),
            (64 << 20, BYTES),
            ((64 << 20) - 256, BYTES - 1),
            (u64::MAX, BYTES),
        ] {
            cache.bound(memory);
            assert_eq!(cache.most.bytes, shard, "{memory}");
        }
    }

    #[test]
    fn shard_stays_within_its_limits() {
        let file = Arc::new(OwnedFd::from(tempfile::tempfile().unwrap()));
        let small = |bytes: usize| cached(&file, FileContent::Memory(vec![0; bytes].into()));
        let large = || cached(&file, FileContent::Descriptor(Arc::clone(&file)));
        let most = Load {
            files: 20,
            bytes: 1000,
            descriptors: 10,
            large_files: 3,
        };
        let mut shard = Shard::default();
        let mut peak = Load::default();
        for number in 0..500_u32 {
            // Some names come again, some files grow, and one is too large by itself.
            let path = (number % 70).to_ne_bytes();
            let file = match number % 5 {
                0 => large(),
                1 => small(1001),
                _ => small(usize::try_from(number % 90).unwrap()),
            };
            shard.insert(&path, file, most);
            let cached = shard.files.values();
            let load = cached.fold(Load::default(), |load, file| load.plus(file.load()));
            assert_eq!(shard.load, load);
            assert_eq!(load.excess(most), None);
            peak = Load {
                files: peak.files.max(load.files),
                bytes: peak.bytes.max(load.bytes),
                descriptors: peak.descriptors.max(load.descriptors),
                large_files: peak.large_files.max(load.large_files),
            };
        }
        assert!(peak.bytes > 900, "{peak:?}");
        peak.bytes = most.bytes;
        assert_eq!(peak, most);
    }

    #[test]
    fn small_file_does_without_a_descriptor_where_there_is_none_to_spare() {
        let file = Arc::new(OwnedFd::from(tempfile::tempfile().unwrap()));
        let mut shard = Shard::default();
        let most = Load {
            files: 64,
            bytes: 1000,
            descriptors: 2,
            large_files: 1,
        };
        for (number, validators) in [(0_u32, 1), (1, 2), (2, 2), (3, 2), (1, 2)] {
            let small = cached(&file, FileContent::Memory(vec![0; 10].into()));
            shard.insert(&number.to_ne_bytes(), small, most);
            let mut files = shard.files.values();
            let found = files
                .by_ref()
                .filter(|cached| cached.validator.is_some())
                .count();
            assert_eq!(found, validators, "{number}");
        }
        assert_eq!(shard.files.len(), 4);
        assert!(!shard.files[&2_u32.to_ne_bytes()[..]].is_unchanged());
    }
}
