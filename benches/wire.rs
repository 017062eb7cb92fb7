//! The wire: finding and parsing a request head, and decoding the chunked transfer coding.
//!
//! `cargo bench --bench wire`; throughput counts the bytes received.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use httpserver::http::{Chunk, ChunkedDecoder, HeadScan, Request};

#[path = "support/heads.rs"]
mod heads;

use heads::{BROWSER, CURL};

fn main() {
    divan::main();
}

const MINIMAL: &str = "GET /ABCDEFarqdeXYZxyzf012345-ab HTTP/1.1\r\nHost: a\r\n\r\n";

/// A head as a connection handles it: its end is found, then it is parsed.
#[divan::bench(args = [("minimal", MINIMAL), ("curl", CURL), ("browser", BROWSER)].map(Named))]
fn head(bencher: Bencher<'_, '_>, Named((_, head)): &Named) {
    bencher.counter(BytesCount::of_str(head)).bench_local(|| {
        let received = black_box(head.as_bytes());
        let end = HeadScan::default().find_end(received);
        assert_eq!(end, Ok(Some(head.len())));
        black_box(Request::parse(received)).is_ok()
    });
}

/// An argument that is printed as its name.
struct Named((&'static str, &'static str));

impl std::fmt::Display for Named {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.0.0)
    }
}

/// Bytes received at a time, about as many as a worker's buffer holds.
const PIECE: usize = 64 * 1024;

/// A megabyte of content in chunks of so many bytes.
#[divan::bench(args = [16, 1024, 65_536])]
fn chunked(bencher: Bencher<'_, '_>, chunk: usize) {
    const CONTENT: usize = 1024 * 1024;
    let mut message = Vec::new();
    for _ in 0..CONTENT / chunk {
        message.extend_from_slice(format!("{chunk:x}\r\n").as_bytes());
        message.resize(message.len() + chunk, b'x');
        message.extend_from_slice(b"\r\n");
    }
    message.extend_from_slice(b"0\r\n\r\n");
    bencher
        .counter(BytesCount::new(message.len()))
        .bench_local(|| {
            let mut decoder = ChunkedDecoder::default();
            let mut content = 0;
            for mut piece in black_box(&message).chunks(PIECE) {
                while let Ok((used, Chunk::Data(range))) = decoder.step(piece) {
                    content += range.len();
                    piece = &piece[used..];
                }
            }
            assert_eq!(content, CONTENT);
            assert!(decoder.is_finished());
        });
}
