//! Reservations against growth, release and rotation: the disk has all reserved space, and entries tile.
//!
//! The file is real, in a file system in memory if there is one. No thread of a model waits for it, so it is
//! changed in a step of its own.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use loom::thread;

use super::preallocation::Preallocated;
use super::reservation::{Extent, SmallEntries};
use super::space::LogFile;
use crate::explore::Model;

const KIB: u64 = 1024;

const MIB: u64 = 1024 * KIB;

/// A log, and its file.
struct Log {
    log: Arc<LogFile>,
    file: File,
}

impl Log {
    fn new() -> Arc<Self> {
        let file = tempfile::tempfile_in("/dev/shm").or_else(|_| tempfile::tempfile());
        let file = file.unwrap();
        let log = Arc::new(LogFile::new(file.try_clone().unwrap(), 0, None).unwrap());
        Arc::new(Self { log, file })
    }

    /// Writes a small entry.
    fn record(&self, text: &[u8]) {
        let entries = SmallEntries {
            text,
            known: &[],
            lengths: &[],
        };
        write(self.log.allocate(entries).unwrap(), text);
    }

    /// Reserves space for an upload's entry, and writes this much of it.
    fn store(&self, text: &[u8]) {
        let reservation = self.log.reserve(text.len() as u64, 0).unwrap();
        write(reservation.commit(&[]), text);
    }

    /// The disk has at least the space that the numbers state.
    fn assert_on_disk(&self) {
        let space = self.log.lock();
        let on_disk = self.file.metadata().unwrap().blocks() * 512;
        assert!(space.log.end + space.log.reserved <= space.log.preallocated);
        assert!(space.log.preallocated <= on_disk, "counted, and not had");
    }

    /// The file has these entries in some order and no other byte; no space is reserved.
    fn assert_holds(&self, entries: &[&[u8]]) {
        assert_eq!(self.log.lock().log.reserved, 0);
        let mut all = vec![0; usize::try_from(self.file.metadata().unwrap().len()).unwrap()];
        self.file.read_exact_at(&mut all, 0).unwrap();
        let mut rest = &all[..];
        let mut expected = entries.to_vec();
        while !rest.is_empty() {
            let next = expected.iter().position(|entry| rest.starts_with(entry));
            let next = next.unwrap_or_else(|| panic!("a hole: {rest:?}"));
            rest = &rest[expected.swap_remove(next).len()..];
        }
        assert!(expected.is_empty(), "missing: {expected:?}");
    }
}

fn write(mut extent: Extent, text: &[u8]) {
    assert_eq!(extent.left(), text.len() as u64);
    extent.write(text).unwrap();
}

/// One entry is small, one belongs to an upload, and one is reserved but never written.
fn entries_come_together() {
    let log = Log::new();
    let others = [
        thread::spawn({
            let log = log.clone();
            move || log.store(b"22")
        }),
        thread::spawn({
            let log = log.clone();
            move || drop(log.log.reserve(1000, 0).unwrap())
        }),
    ];
    log.record(b"1");
    for other in others {
        other.join().unwrap();
    }
    log.assert_holds(&[b"1", b"22"]);
    log.assert_on_disk();
}

/// Two entries need more space than is available: each gets its own.
fn two_grow() {
    let log = Log::new();
    let reserve = |log: &Log| {
        let reservation = log.log.reserve(1100 * KIB, 0).unwrap();
        log.assert_on_disk();
        reservation
    };
    let other = thread::spawn({
        let log = log.clone();
        move || drop(reserve(&log))
    });
    drop(reserve(&log));
    other.join().unwrap();
    log.assert_on_disk();
    assert_eq!(log.log.lock().log.reserved, 0);
}

/// Space is released, since a reservation failed, while another reservation takes preallocated space.
fn space_is_given_back() {
    let log = Log::new();
    assert_eq!(log.log.preallocate(9 * MIB), Preallocated::MoreToDo);
    let other = thread::spawn({
        let log = log.clone();
        // No disk has this much space.
        move || assert!(log.log.reserve(u64::MAX / 8, 0).is_err())
    });
    let reservation = log.log.reserve(1500 * KIB, 0).unwrap();
    log.assert_on_disk();
    other.join().unwrap();
    log.assert_on_disk();
    drop(reservation);
}

/// The log is rotated as an upload's entry is reserved and committed: one file has it, and no space stays reserved.
fn log_is_rotated() {
    let (old, new) = (Log::new(), Log::new());
    let other = thread::spawn({
        let old = old.clone();
        move || old.store(b"22")
    });
    old.log.succeed(&new.log, "new").unwrap();
    old.record(b"1");
    other.join().unwrap();
    if old.file.metadata().unwrap().len() == 0 {
        new.assert_holds(&[b"1", b"22"]);
    } else {
        old.assert_holds(&[b"22"]);
        new.assert_holds(&[b"1"]);
    }
    assert_eq!(old.log.lock().log.reserved, 0);
    new.assert_on_disk();
}

#[test]
fn disk_has_reserved_space_and_entries_tile() {
    let models = [
        Model::bounded(2, "entries come together", entries_come_together),
        Model::bounded(3, "two grow", two_grow),
        Model::every("space is given back", space_is_given_back),
        Model::every("log is rotated", log_is_rotated),
    ];
    for model in models {
        model.explore();
    }
}
