//! The pure parts of the request log: writing rows and reading them, beside a plain copy of as many bytes.
//!
//! `cargo bench --bench log`; throughput counts the bytes of the *text*, so the two compare directly.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use httpserver::request_log::format::hex::{overwrite_rows, push_rows};
use httpserver::request_log::format::layout::{SEPARATOR, push_header, rows_len};
use httpserver::request_log::read::Reader;

fn main() {
    divan::main();
}

/// Content bytes per call: a small upload, what fits the second-level cache, and what does not.
const LENGTHS: [usize; 3] = [1_000, 65_520, 1_048_560];

fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
        .collect()
}

fn text_len(length: usize) -> usize {
    usize::try_from(rows_len(length as u64)).unwrap_or(usize::MAX)
}

#[divan::bench(args = LENGTHS)]
fn rows(bencher: Bencher<'_, '_>, length: usize) {
    let content = content(length);
    let mut out = Vec::new();
    bencher
        .counter(BytesCount::new(text_len(length)))
        .bench_local(|| {
            let end = overwrite_rows(&mut out, 0, 0, black_box(&content));
            black_box(&out[..end]);
        });
}

/// Into room that has to be made.
#[divan::bench(args = LENGTHS)]
fn rows_appended(bencher: Bencher<'_, '_>, length: usize) {
    let content = content(length);
    let mut out = Vec::new();
    bencher
        .counter(BytesCount::new(text_len(length)))
        .bench_local(|| {
            out.clear();
            push_rows(&mut out, 0, black_box(&content));
            black_box(&out);
        });
}

#[divan::bench(args = LENGTHS)]
fn rows_of_nine_digits(bencher: Bencher<'_, '_>, length: usize) {
    let content = content(length);
    let mut out = Vec::new();
    bencher
        .counter(BytesCount::new(text_len(length)))
        .bench_local(|| {
            let end = overwrite_rows(&mut out, 0, 100_000_000, black_box(&content));
            black_box(&out[..end]);
        });
}

/// Reading and checking an entry, as `httpserver-log check` does.
#[divan::bench(args = LENGTHS)]
fn reading(bencher: Bencher<'_, '_>, length: usize) {
    let mut log = Vec::new();
    push_header(
        &mut log,
        "PUT",
        b"ABCDEFarqdeXYZxyzf012345-ab",
        length as u64,
    );
    push_rows(&mut log, 0, &content(length));
    log.extend_from_slice(SEPARATOR);
    bencher.counter(BytesCount::new(log.len())).bench_local(|| {
        let mut reader = Reader::new(black_box(&log[..]));
        while let Ok(Some(head)) = reader.next_entry() {
            black_box(head);
        }
        assert_eq!(reader.position(), log.len() as u64);
    });
}

#[divan::bench(args = LENGTHS)]
fn plain_copy(bencher: Bencher<'_, '_>, length: usize) {
    let text = vec![b'0'; text_len(length)];
    let mut out = Vec::new();
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| {
            out.clear();
            out.extend_from_slice(black_box(&text));
            black_box(&out);
        });
}
