//! Compressed texts by the path of their file, complete or in progress, within a memory budget.
//!
//! Each text belongs to one state of its file, and is not used for another; the caller has just read the metadata. The least
//! recently used text makes room for a new one. A text that is being sent stays, since its memory would not become free.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::compressed_text::CompressedText;
use super::compression_job::CompressionJob;
use crate::store::Metadata;
use crate::sync::lock;
use crate::web::memory_budget::{MemoryBudget, MemoryShare};

/// The most bytes of all texts together.
const MOST: usize = 16 * 1024 * 1024;

/// The largest share of the process's memory for all texts together.
const PART_OF_MEMORY: u64 = 16;

/// The most texts that are being compressed at once. A request for another text gets the plain file.
const MOST_JOBS: usize = 8;

/// The most entries: a scan of all of them takes microseconds.
const MOST_ENTRIES: usize = 1024;

/// The time after which a waiting job may be dropped, since its client may have left.
const ABANDONED: Duration = Duration::from_secs(5);

/// Bytes of memory of an entry besides its path.
const ENTRY: usize = 256;

/// See the module's description.
pub(in crate::web) struct KeptTexts {
    budget: MemoryBudget,
    /// Guards the entries. It is held for a look-up or a change, never during compression.
    entries: Mutex<TextEntries>,
}

#[derive(Default)]
struct TextEntries {
    by_path: HashMap<Box<[u8]>, TextEntry>,
    /// Counts look-ups.
    clock: u64,
}

struct TextEntry {
    /// The state of the file.
    metadata: Metadata,
    /// The number of the last look-up that found it.
    last_use: u64,
    stage: TextStage,
    _share: MemoryShare,
}

/// The state of a text.
enum TextStage {
    /// A job that has waited for its next portion since this time.
    Begun(Box<CompressionJob>, Instant),
    /// A worker compresses a portion.
    AtWork,
    Compressed(Arc<CompressedText>),
    /// Compression is not worth it.
    NotShorter,
}

/// The result of a look-up.
pub(super) enum TextFinding {
    Compressed(Arc<CompressedText>),
    /// The text can be compressed, or the job be continued.
    ToBeMade,
    /// Compression is not worth it, or another worker compresses the text now.
    SentAsItIs,
}

/// The result of a claimed job.
pub(super) enum JobOutcome {
    /// A portion is compressed, and more remain.
    Portion(Box<CompressionJob>),
    Compressed(Arc<CompressedText>),
    NotShorter,
    /// The job failed: the next request starts again.
    Failed,
}

impl KeptTexts {
    /// No texts so far, in a process with this many bytes of memory.
    pub(in crate::web) fn within(memory: u64) -> Self {
        Self {
            budget: MemoryBudget::of_memory(memory, PART_OF_MEMORY, MOST),
            entries: Mutex::default(),
        }
    }

    /// Looks up the text of the file at `path` in this state.
    pub(super) fn find(&self, path: &[u8], metadata: &Metadata) -> TextFinding {
        let mut entries = lock(&self.entries);
        entries.clock += 1;
        let now = entries.clock;
        let entry = entries.by_path.get_mut(path);
        let Some(entry) = entry.filter(|entry| entry.metadata == *metadata) else {
            return TextFinding::ToBeMade;
        };
        entry.last_use = now;
        match &entry.stage {
            TextStage::Compressed(text) => TextFinding::Compressed(Arc::clone(text)),
            TextStage::Begun(..) => TextFinding::ToBeMade,
            TextStage::AtWork | TextStage::NotShorter => TextFinding::SentAsItIs,
        }
    }

    /// Takes the job of the file at `path` in this state, or begins one; `None` if there is no room for it, or if another
    /// worker has it. The caller passes the result to [`KeptTexts::finish`].
    pub(super) fn claim(&self, path: &[u8], metadata: &Metadata) -> Option<Box<CompressionJob>> {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.by_path.get_mut(path)
            && entry.metadata == *metadata
        {
            return match std::mem::replace(&mut entry.stage, TextStage::AtWork) {
                TextStage::Begun(job, _) => Some(job),
                other => {
                    entry.stage = other;
                    None
                }
            };
        }
        entries.by_path.remove(path);
        entries.drop_abandoned();
        if entries.count_jobs() >= MOST_JOBS {
            return None;
        }
        entries.bound(MOST_ENTRIES - 1)?;
        let share = entries.make_room(&self.budget, path.len() + ENTRY)?;
        let job = entries.make_room(&self.budget, CompressionJob::size(metadata.length()))?;
        let entry = TextEntry {
            metadata: *metadata,
            last_use: entries.clock,
            stage: TextStage::AtWork,
            _share: share,
        };
        entries.by_path.insert(path.into(), entry);
        Some(CompressionJob::new(job))
    }

    /// Keeps the result of a job, unless there is an entry for another state of the file by now.
    pub(super) fn finish(&self, path: &[u8], metadata: &Metadata, outcome: JobOutcome) {
        let mut entries = lock(&self.entries);
        let entry = entries.by_path.get_mut(path);
        let Some(entry) = entry.filter(|entry| {
            entry.metadata == *metadata && matches!(entry.stage, TextStage::AtWork)
        }) else {
            return;
        };
        entry.stage = match outcome {
            JobOutcome::Portion(job) => TextStage::Begun(job, Instant::now()),
            JobOutcome::Compressed(text) => TextStage::Compressed(text),
            JobOutcome::NotShorter => TextStage::NotShorter,
            JobOutcome::Failed => {
                entries.by_path.remove(path);
                return;
            }
        };
    }
}

impl TextEntries {
    fn count_jobs(&self) -> usize {
        let entries = self.by_path.values();
        entries.filter(|entry| entry.is_job()).count()
    }

    fn drop_abandoned(&mut self) {
        self.by_path.retain(|_, entry| match &entry.stage {
            TextStage::Begun(_, since) => since.elapsed() < ABANDONED,
            TextStage::AtWork | TextStage::Compressed(_) | TextStage::NotShorter => true,
        });
    }

    /// Reserves `count` bytes; forgets other files if necessary.
    fn make_room(&mut self, budget: &MemoryBudget, count: usize) -> Option<MemoryShare> {
        let mut share = budget.hold();
        while !share.grow(count) {
            self.forget_one()?;
        }
        Some(share)
    }

    /// Forgets files until at most `count` are left.
    fn bound(&mut self, count: usize) -> Option<()> {
        while self.by_path.len() > count {
            self.forget_one()?;
        }
        Some(())
    }

    /// Forgets the least recently used file; `None` if all are in use.
    fn forget_one(&mut self) -> Option<()> {
        let unused = self.by_path.iter().filter(|(_, entry)| entry.is_unused());
        let (path, _) = unused.min_by_key(|(_, entry)| entry.last_use)?;
        let path = path.clone();
        self.by_path.remove(&path);
        Some(())
    }
}

impl TextEntry {
    fn is_job(&self) -> bool {
        matches!(self.stage, TextStage::Begun(..) | TextStage::AtWork)
    }

    /// Whether its memory is free once it is forgotten.
    fn is_unused(&self) -> bool {
        match &self.stage {
            TextStage::Compressed(text) => Arc::strong_count(text) == 1,
            TextStage::NotShorter => true,
            TextStage::Begun(..) | TextStage::AtWork => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::compression_job::JobProgress;
    use super::*;
    use crate::durable::Durability;
    use crate::store::{Depth, FileContent, Store};

    const LENGTH: usize = 100_000;

    /// Files with `LENGTH` bytes of text.
    struct StoredTexts {
        home: tempfile::TempDir,
        store: Store,
    }

    impl StoredTexts {
        fn new(names: &[String]) -> Self {
            let home = tempfile::tempdir().unwrap();
            for name in names {
                Self::write(home.path(), name, b'x');
            }
            let store = Store::open(home.path(), Depth::Root, Durability::Kernel).unwrap();
            Self { home, store }
        }

        fn write(home: &Path, name: &str, byte: u8) {
            fs::write(home.join(name), vec![byte; LENGTH]).unwrap();
        }

        fn metadata(&self, name: &str) -> Metadata {
            self.store.look_up(name.as_bytes()).unwrap().metadata
        }
    }

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{number}.txt")).collect()
    }

    fn content() -> FileContent {
        FileContent::Memory(vec![b'x'; LENGTH].into())
    }

    /// Completes the work of a request; `None` if the plain file is sent.
    fn request(texts: &KeptTexts, name: &str, metadata: &Metadata) -> Option<Arc<CompressedText>> {
        let path = name.as_bytes();
        loop {
            match texts.find(path, metadata) {
                TextFinding::Compressed(text) => return Some(text),
                TextFinding::SentAsItIs => return None,
                TextFinding::ToBeMade => {}
            }
            let job = texts.claim(path, metadata)?;
            let outcome = match job.advance(&content(), LENGTH as u64) {
                JobProgress::More(job) => JobOutcome::Portion(job),
                JobProgress::Done(text) => JobOutcome::Compressed(Arc::new(text)),
                JobProgress::NotShorter => JobOutcome::NotShorter,
                JobProgress::Failed(_) => JobOutcome::Failed,
            };
            texts.finish(path, metadata, outcome);
        }
    }

    #[test]
    fn text_is_made_once_for_each_state_of_its_file() {
        let files = StoredTexts::new(&names(1));
        let texts = KeptTexts::within(u64::MAX);
        let before = files.metadata("0.txt");
        let first = request(&texts, "0.txt", &before).unwrap();
        let second = request(&texts, "0.txt", &before).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        StoredTexts::write(files.home.path(), "0.txt", b'y');
        let after = files.metadata("0.txt");
        assert_ne!(before, after);
        let third = request(&texts, "0.txt", &after).unwrap();
        assert!(!Arc::ptr_eq(&first, &third));
    }

    #[test]
    fn request_does_not_wait_for_a_text_that_another_request_compresses() {
        let files = StoredTexts::new(&names(1));
        let texts = KeptTexts::within(u64::MAX);
        let metadata = files.metadata("0.txt");
        let job = texts.claim(b"0.txt", &metadata).unwrap();
        assert!(request(&texts, "0.txt", &metadata).is_none());
        assert!(texts.claim(b"0.txt", &metadata).is_none());
        let JobProgress::More(job) = job.advance(&content(), LENGTH as u64) else {
            panic!("one portion");
        };
        // Between two portions, another request may continue the job.
        texts.finish(b"0.txt", &metadata, JobOutcome::Portion(job));
        assert!(request(&texts, "0.txt", &metadata).is_some());
    }

    #[test]
    fn outcome_for_another_state_is_dropped() {
        let files = StoredTexts::new(&names(1));
        let texts = KeptTexts::within(u64::MAX);
        let before = files.metadata("0.txt");
        texts.claim(b"0.txt", &before).unwrap();
        StoredTexts::write(files.home.path(), "0.txt", b'y');
        let after = files.metadata("0.txt");
        texts.claim(b"0.txt", &after).unwrap();
        texts.finish(b"0.txt", &before, JobOutcome::NotShorter);
        texts.finish(b"0.txt", &after, JobOutcome::Failed);
        assert!(matches!(
            texts.find(b"0.txt", &after),
            TextFinding::ToBeMade
        ));
        assert!(matches!(
            texts.find(b"0.txt", &before),
            TextFinding::ToBeMade
        ));
    }

    #[test]
    fn number_of_jobs_is_limited() {
        let names = names(MOST_JOBS + 1);
        let files = StoredTexts::new(&names);
        let texts = KeptTexts::within(u64::MAX);
        let metadata = files.metadata("0.txt");
        for name in &names[..MOST_JOBS] {
            assert!(texts.claim(name.as_bytes(), &metadata).is_some(), "{name}");
        }
        let last = names[MOST_JOBS].as_bytes();
        assert!(texts.claim(last, &metadata).is_none());
        texts.finish(b"0.txt", &metadata, JobOutcome::NotShorter);
        assert!(texts.claim(last, &metadata).is_some());
    }

    #[test]
    fn memory_is_bounded_and_a_text_that_is_being_sent_stays() {
        let names = names(40);
        let files = StoredTexts::new(&names);
        // Enough for one job and some results.
        let most = CompressionJob::size(LENGTH as u64) + 10 * ENTRY;
        let texts = KeptTexts::within(most as u64 * PART_OF_MEMORY);
        let metadata = files.metadata("0.txt");
        let sent = request(&texts, "0.txt", &metadata).unwrap();
        for name in &names {
            assert!(request(&texts, name, &metadata).is_some(), "{name}");
        }
        let again = request(&texts, "0.txt", &metadata).unwrap();
        assert!(Arc::ptr_eq(&sent, &again));
        let count = lock(&texts.entries).by_path.len();
        assert!((2..12).contains(&count), "{count}");
        // Without memory, no text is compressed.
        let none = KeptTexts::within(0);
        assert!(request(&none, "0.txt", &metadata).is_none());
    }
}
