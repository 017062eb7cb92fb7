//! Group commit against flush: a response is sent after its entry is written, and with `--durable` on stable storage.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::durable::SharedSync;
use crate::explore::Model;
use crate::server::workers::round::Round;

/// A log, on a disk with a cache. Each bit is an entry.
#[derive(Default)]
struct Log {
    written: AtomicUsize,
    stable: AtomicUsize,
    syncs: SharedSync,
}

impl Log {
    /// Writes entries, and waits until they are on stable storage.
    fn commit(&self, entries: usize) {
        self.written.fetch_or(entries, Ordering::Relaxed);
        let synced = self.syncs.sync(|| {
            // Data that was written before a sync begins is stable when it ends.
            let before = self.written.load(Ordering::Relaxed);
            thread::yield_now();
            self.stable.fetch_or(before, Ordering::Relaxed);
            Ok(())
        });
        assert!(synced.is_ok());
    }

    /// A worker's round: two sessions have a pending entry, and send their responses.
    fn serve(&self, entries: [usize; 2]) {
        let mut round = Round::new();
        let mut pending = 0;
        for entry in entries {
            pending |= entry;
            round.add(entry);
        }
        for entry in round.commit(|| self.commit(pending)) {
            let stable = self.stable.load(Ordering::Relaxed);
            assert_eq!(stable & entry, entry, "answered before its sync");
        }
    }
}

fn two_workers_commit() {
    let log = Arc::new(Log::default());
    let other = thread::spawn({
        let log = log.clone();
        move || log.serve([4, 8])
    });
    log.serve([1, 2]);
    other.join().unwrap();
}

fn three_workers_commit() {
    let log = Arc::new(Log::default());
    let others = [[4, 8], [16, 32]].map(|entries| {
        let log = log.clone();
        thread::spawn(move || log.serve(entries))
    });
    log.serve([1, 2]);
    for other in others {
        other.join().unwrap();
    }
}

#[test]
fn response_comes_after_its_entry_is_on_stable_storage() {
    Model::every("two workers", two_workers_commit).explore();
    Model::bounded(3, "three workers", three_workers_commit).explore();
}
