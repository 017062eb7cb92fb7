//! Small files in memory and larger ones open, so that a GET of a name in the root costs one statx(2) instead of an open, a read and a close.
//!
//! It is never stale: every hit is checked against what statx(2) says at that moment (see `Metadata`), and a file
//! that changed so recently that another change could bear the same time stamp is not taken in.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::lookup::FileContent;
use super::metadata::Metadata;

/// Independent parts, so that workers seldom meet at a lock.
const SHARDS: usize = 16;

/// Files held in one shard; together they hold at most 1,024 files.
const FILES: usize = 64;

/// Bytes held in one shard; together they hold at most 4 MiB.
const BYTES: usize = 256 * 1024;

/// Descriptors held in one shard; together they hold at most 128, and at most an eighth of what the limit allows.
const DESCRIPTORS: usize = 8;

/// A file that changed within this time might change again without a newer time stamp: file systems count time in
/// timer ticks, of 10 ms at most.
const TICK: Duration = Duration::from_millis(20);

/// See the module's description.
pub(super) struct Cache {
    hasher: RandomState,
    /// Each guards its part of the names; held for a look-up or an insertion, never for a system call: what is forgotten is
    /// closed afterwards.
    shards: [Mutex<Shard>; SHARDS],
    /// Descriptors that one shard may hold.
    descriptors: usize,
}

#[derive(Default)]
struct Shard {
    files: HashMap<Box<[u8]>, (Metadata, FileContent)>,
    bytes: usize,
    descriptors: usize,
}

impl Cache {
    /// A cache in a process that may have so many descriptors open.
    pub(super) fn new(descriptors: usize) -> Self {
        Self {
            descriptors: (descriptors / 8 / SHARDS).min(DESCRIPTORS),
            hasher: RandomState::new(),
            shards: Default::default(),
        }
    }

    /// The content of the file at `path`, which is `now` as given.
    pub(super) fn get(&self, path: &[u8], now: &Metadata) -> Option<FileContent> {
        let shard = self.shard(path);
        let (then, content) = shard.files.get(path)?;
        (then == now).then(|| content.clone())
    }

    /// Whether there is a file at `path` that may still be the same.
    pub(super) fn knows(&self, path: &[u8]) -> bool {
        self.shard(path).files.contains_key(path)
    }

    /// Takes in a file, unless it changed just now.
    pub(super) fn insert(&self, path: &[u8], metadata: Metadata, content: &FileContent) {
        if is_settled(metadata.changed(), SystemTime::now()) {
            let most = self.descriptors;
            let mut shard = self.shard(path);
            let forgotten = shard.insert(path, metadata, content.clone(), most);
            drop(shard);
            drop(forgotten);
        }
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
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    /// Takes in a file, in place of others if need be, so that no more than `most` descriptors are held; returns what
    /// is forgotten.
    fn insert(
        &mut self,
        path: &[u8],
        metadata: Metadata,
        content: FileContent,
        most: usize,
    ) -> Vec<FileContent> {
        let mut forgotten = Vec::from_iter(self.remove(path));
        let (bytes, descriptors) = cost(&content);
        if descriptors > most {
            return forgotten;
        }
        while self.files.len() >= FILES
            || self.bytes + bytes > BYTES
            || self.descriptors + descriptors > most
        {
            // Which one goes is left to the order of the map, which is as good as chance.
            let kind = |(_, held): &(Metadata, FileContent)| descriptors == 0 || cost(held).1 > 0;
            let Some(victim) = self
                .files
                .iter()
                .find_map(|(path, file)| kind(file).then(|| path.clone()))
            else {
                break;
            };
            forgotten.extend(self.remove(&victim));
        }
        self.bytes += bytes;
        self.descriptors += descriptors;
        self.files.insert(path.into(), (metadata, content));
        forgotten
    }

    fn remove(&mut self, path: &[u8]) -> Option<FileContent> {
        let (_, content) = self.files.remove(path)?;
        let (bytes, descriptors) = cost(&content);
        self.bytes -= bytes;
        self.descriptors -= descriptors;
        Some(content)
    }
}

/// Whether another change would show in the time stamp. Of a change in the future, as after the clock was set back,
/// nobody knows.
fn is_settled(changed: SystemTime, now: SystemTime) -> bool {
    now.duration_since(changed).is_ok_and(|age| age > TICK)
}

/// The bytes and descriptors that a file's content holds.
fn cost(content: &FileContent) -> (usize, usize) {
    match content {
        FileContent::Memory(bytes) => (bytes.len(), 0),
        FileContent::Descriptor(_) => (0, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_change_again_within_its_time_stamp_is_not_settled() {
        let now = SystemTime::now();
        for (changed, settled) in [
            (now - Duration::from_secs(3600), true),
            (now - TICK - Duration::from_nanos(1), true),
            (now - TICK, false),
            (now, false),
            (now + Duration::from_nanos(1), false),
            (now + Duration::from_secs(3600), false),
        ] {
            assert_eq!(is_settled(changed, now), settled, "{changed:?}");
        }
    }
}
