//! The store: the look-up of a GET, for a small file that is in its cache, one that is not, and one that is absent.
//!
//! `cargo bench --bench store`.

use std::fs;
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use httpserver::durable::Durability;
use httpserver::store::{Depth, Store};
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// More files than the cache keeps.
const FILES: usize = 20_000;

fn name(number: usize) -> Vec<u8> {
    format!("file-of-the-benchmark-{number:05}").into_bytes()
}

/// A root with so many files of 1 KiB. The directory goes when the first value is dropped.
fn root(files: usize) -> (TempDir, Store) {
    let directory = tempfile::tempdir().expect("a root");
    for number in 0..files {
        let name = String::from_utf8(name(number)).expect("an ASCII name");
        fs::write(directory.path().join(name), [b'x'; 1024]).expect("a file");
    }
    let store = Store::open(directory.path(), Depth::Root, Durability::Kernel);
    (directory, store.expect("a store"))
}

/// The same file each time.
#[divan::bench]
fn hit(bencher: Bencher<'_, '_>) {
    let (_directory, store) = root(1);
    let name = name(0);
    // A file that has just changed is not taken into the cache.
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(100) {
        assert!(store.look_up(&name).is_ok());
    }
    bencher.bench_local(|| assert!(store.look_up(black_box(&name)).is_ok()));
}

/// Another file each time: it must be opened and read, and another leaves the cache.
#[divan::bench(max_time = 2)]
fn miss(bencher: Bencher<'_, '_>) {
    let (_directory, store) = root(FILES);
    let names: Vec<_> = (0..FILES).map(name).collect();
    let mut next = names.iter().cycle();
    bencher.bench_local(|| {
        let found = next.next().map(|name| store.look_up(name));
        assert!(matches!(found, Some(Ok(_))));
    });
}

/// A file that is not there.
#[divan::bench]
fn absent(bencher: Bencher<'_, '_>) {
    let (_directory, store) = root(1);
    let name = name(1);
    bencher.bench_local(|| assert!(store.look_up(black_box(&name)).is_err()));
}
