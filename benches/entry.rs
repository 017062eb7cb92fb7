//! Writing the entry of an upload, beside pwrite(2) of as many bytes into the same file system; and small entries.
//!
//! `cargo bench --bench entry`; throughput counts the bytes that reach the log. Every sample begins with an empty
//! file in `/dev/shm` (or the directory for temporary files where there is none), so that no disk is measured.

use std::fs::File;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use httpserver::durable::Durability;
use httpserver::request_log::format::layout::{SEPARATOR, push_header, rows_len};
use httpserver::request_log::write::{BLOCK, Mode, Recorder, Refused, Sealing};
use httpserver::requester::{Answered, RequestSource, Requester};
use httpserver::seal::chain::Hash;
use tempfile::TempDir;

#[path = "support/directory.rs"]
mod directory;

use directory::directory;

fn main() {
    divan::main();
}

/// Content bytes of an upload.
const LENGTHS: [usize; 3] = [1024, 1024 * 1024, 64 * 1024 * 1024];

/// Bytes of one plain write.
const WRITE: usize = 256 * 1024;

const NAME: &[u8] = b"ABCDEFarqdeXYZxyzf012345-ab";

/// The seal's data for every request.
fn requester() -> Requester {
    Requester::anonymous(RequestSource::Peer(
        SocketAddr::from(([127, 0, 0, 1], 40_000)).into(),
    ))
}

fn log() -> (Recorder, TempDir) {
    log_sealed(None)
}

fn log_sealed(sealing: Option<&Sealing>) -> (Recorder, TempDir) {
    let directory = directory();
    let recorder = Recorder::open(
        &directory.path().join("log"),
        Mode::Fresh,
        Durability::Kernel,
        NonZeroUsize::MIN,
        sealing,
    );
    (recorder.expect("a log"), directory)
}

fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
        .collect()
}

fn entry_len(length: usize) -> usize {
    let mut header = Vec::new();
    push_header(&mut header, "PUT", NAME, length as u64);
    let rows = usize::try_from(rows_len(length as u64)).expect("an entry that fits memory");
    header.len() + rows + SEPARATOR.len()
}

/// How often an entry of this content is written in one sample: a few megabytes in all, or once.
fn repetitions(length: usize) -> usize {
    (4 * 1024 * 1024 / length).max(1)
}

#[divan::bench(args = LENGTHS, sample_size = 1, sample_count = 30, max_time = 10)]
fn entry(bencher: Bencher<'_, '_>, length: usize) {
    // The content is always in the worker's buffer, fresh from the file or the socket.
    let content = content(length.min(BLOCK));
    let mut text = Vec::new();
    let requester = requester();
    let answered = Answered {
        requester: &requester,
        status: 201,
    };
    bencher
        .counter(BytesCount::new(entry_len(length) * repetitions(length)))
        .with_inputs(log)
        .bench_local_values(|(recorder, directory)| {
            for _ in 0..repetitions(length) {
                let room = recorder.reserve("PUT", NAME, length as u64, &requester, None);
                let room = room.expect("room in the log").expect("a log");
                let mut entry = room.commit(&answered, Some(&Hash::ZERO), None);
                while !entry.is_complete() {
                    let block = &black_box(&content)[..entry.next_len()];
                    entry.write(block, &mut text).expect("a write");
                }
            }
            (recorder, directory)
        });
}

#[divan::bench(args = LENGTHS, sample_size = 1, sample_count = 30, max_time = 10)]
fn plain_pwrite(bencher: Bencher<'_, '_>, length: usize) {
    let entry_len = entry_len(length);
    let text = vec![b'0'; entry_len.min(WRITE)];
    bencher
        .counter(BytesCount::new(entry_len * repetitions(length)))
        .with_inputs(|| {
            let directory = directory();
            let file = File::create(directory.path().join("log")).expect("a file");
            (file, directory)
        })
        .bench_local_values(|(file, directory)| {
            let mut at = 0;
            for _ in 0..repetitions(length) {
                let end = at + entry_len;
                while at < end {
                    let piece = &black_box(&text)[..(end - at).min(WRITE)];
                    file.write_all_at(piece, at as u64).expect("a write");
                    at += piece.len();
                }
            }
            (file, directory)
        });
}

/// Entries of requests that store nothing, written in one sample.
const SMALL: usize = 10_000;

/// Successful entries, this many written together, as a worker writes those of its batch.
#[divan::bench(args = [1, 4, 16], sample_size = 1, sample_count = 30)]
fn success(bencher: Bencher<'_, '_>, together: usize) {
    success_in(bencher, together, log);
}

/// The same in a log that is sealed.
#[divan::bench(args = [1, 4, 16], sample_size = 1, sample_count = 30)]
fn sealed_success(bencher: Bencher<'_, '_>, together: usize) {
    success_in(bencher, together, || log_sealed(Some(&Sealing::default())));
}

fn success_in(bencher: Bencher<'_, '_>, together: usize, log: impl Fn() -> (Recorder, TempDir)) {
    let requester = requester();
    let answered = Answered {
        requester: &requester,
        status: 200,
    };
    bencher
        .counter(ItemsCount::new(SMALL))
        .with_inputs(log)
        .bench_local_values(|(recorder, directory)| {
            for number in 1..=SMALL {
                recorder.success("GET", black_box(NAME), &answered, 0);
                if number % together == 0 {
                    recorder.commit(0);
                }
            }
            (recorder, directory)
        });
}

#[divan::bench(sample_size = 1, sample_count = 30)]
fn failure(bencher: Bencher<'_, '_>) {
    let refused = Refused {
        method: Some(b"GET"),
        name: Some(b"abcd"),
        version: Some(b"HTTP/1.1"),
    };
    let requester = requester();
    let answered = Answered {
        requester: &requester,
        status: 400,
    };
    bencher
        .counter(ItemsCount::new(SMALL))
        .with_inputs(log)
        .bench_local_values(|(recorder, directory)| {
            for _ in 0..SMALL {
                recorder.failure(black_box(refused), &answered, None);
            }
            (recorder, directory)
        });
}
