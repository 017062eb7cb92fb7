//! Group commit on stable storage: a caller of a shared sync returns only when its bytes are on the disk.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use crate::durable::SharedSync;
use crate::explore::Model;

/// A disk with a cache: each bit is an entry.
#[derive(Default)]
struct Disk {
    written: AtomicUsize,
    stable: AtomicUsize,
    syncs: SharedSync,
}

impl Disk {
    /// Writes an entry, and waits until it is on stable storage.
    fn commit(&self, entry: usize) {
        self.written.fetch_or(entry, Ordering::Relaxed);
        let synced = self.syncs.sync(|| {
            // What was written before a sync begins is stable when it ends.
            let before = self.written.load(Ordering::Relaxed);
            thread::yield_now();
            self.stable.fetch_or(before, Ordering::Relaxed);
            Ok(())
        });
        assert!(synced.is_ok());
        let stable = self.stable.load(Ordering::Relaxed);
        assert_eq!(stable & entry, entry, "answered before its sync");
    }
}

fn three_commit() {
    let disk = Arc::new(Disk::default());
    let others = [2, 4].map(|entry| {
        let disk = disk.clone();
        thread::spawn(move || disk.commit(entry))
    });
    disk.commit(1);
    for other in others {
        other.join().unwrap();
    }
}

#[test]
fn entry_is_on_stable_storage_before_its_response() {
    Model::bounded(3, "three commit", three_commit).explore();
}
