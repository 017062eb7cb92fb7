//! The pieces of work that are counted.

use std::fs;
use std::hint::black_box;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpserver::classic::Classic;
use httpserver::connection::HttpService;
use httpserver::durable::Durability;
use httpserver::files::Files;
use httpserver::http::semantics::conditional::{
    ConditionalMethod, Outcome, PreconditionFields, Validators, evaluate,
};
use httpserver::http::semantics::range::{Selection, select};
use httpserver::http::{Chunk, ChunkedDecoder, HeadScan, Request};
use httpserver::request_log::format::hex::overwrite_rows;
use httpserver::request_log::format::layout::push_header;
use httpserver::request_log::write::{Mode, Recorder, Sealing};
use httpserver::requester::{Answered, RequestSource, Requester};
use httpserver::store::{Depth, Store};
use httpserver::web::path::Path as WebPath;
use httpserver::web::{Directories, Options, PageAddresses, Web};

use crate::client::{TIMEOUTS, exchange};
use crate::directory::directory;
use crate::heads::{BROWSER, CURL};

/// A piece of work that is counted.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Rounds of the longer run beyond those of the shorter.
    pub(crate) rounds: u64,
    /// Does it so many times.
    pub(crate) run: fn(u64),
}

const fn case(name: &'static str, rounds: u64, run: fn(u64)) -> Case {
    Case { name, rounds, run }
}

pub(crate) const CASES: [Case; 15] = [
    case("head-of-curl", 2_000, |rounds| head(CURL, rounds)),
    case("head-of-a-browser", 1_000, |rounds| head(BROWSER, rounds)),
    case("64-KiB-in-chunks-of-16", 50, |rounds| chunked(16, rounds)),
    case("64-KiB-in-chunks-of-1024", 500, |rounds| {
        chunked(1024, rounds);
    }),
    case("path", 2_000, path),
    case("conditions", 2_000, conditions),
    case("range", 2_000, range),
    case("first-line-of-an-entry", 2_000, first_line),
    case("hex-dump-of-64-KiB", 200, hex_dump),
    case("4-entries", 500, |rounds| entries(None, rounds)),
    case("4-entries-with-a-seal", 500, |rounds| {
        entries(Some(&Sealing::default()), rounds);
    }),
    case("GET", 500, |rounds| classic(&get(), 1024, rounds)),
    case("PUT", 500, |rounds| classic(&put(), 20, rounds)),
    case("listing-of-200", 50, |rounds| {
        listing(Directory::Changes, rounds);
    }),
    case("kept-listing-of-200", 50, |rounds| {
        listing(Directory::Stays, rounds);
    }),
];

const NAME: &str = "ABCDEFarqdeXYZxyzf012345-ab";

fn head(head: &str, rounds: u64) {
    for _ in 0..rounds {
        let received = black_box(head.as_bytes());
        assert_eq!(HeadScan::default().find_end(received), Ok(Some(head.len())));
        assert!(black_box(Request::parse(received)).is_ok());
    }
}

fn chunked(chunk: usize, rounds: u64) {
    const CONTENT: usize = 64 * 1024;
    let piece = [format!("{chunk:x}\r\n"), "x".repeat(chunk), "\r\n".into()].concat();
    let message = piece.repeat(CONTENT / chunk) + "0\r\n\r\n";
    for _ in 0..rounds {
        let mut decoder = ChunkedDecoder::default();
        let mut rest = black_box(message.as_bytes());
        let mut content = 0;
        while let Ok((used, Chunk::Data(range))) = decoder.step(rest) {
            content += range.len();
            rest = &rest[used..];
        }
        assert!(content == CONTENT && decoder.is_finished());
    }
}

fn path(rounds: u64) {
    for _ in 0..rounds {
        let raw = black_box(&b"/photos/2026/A%20day%20at%20the%20sea/picture-0001.jpg"[..]);
        let path = WebPath::parse(raw).expect("a path");
        assert!(!path.is_hidden());
    }
}

fn conditions(rounds: u64) {
    let current = Validators {
        etag: Some("\"5f3c1d52a90e4b6f-400\""),
        modified: Some(UNIX_EPOCH + Duration::from_secs(1_763_690_400)),
    };
    let fields = PreconditionFields {
        if_none_match: Some(b"\"a\", W/\"b\", \"5f3c1d52a90e4b6f-401\""),
        if_modified_since: Some(b"Fri, 21 Nov 2025 02:00:00 GMT"),
        if_unmodified_since: Some(b"Fri, 21 Nov 2025 02:00:00 GMT"),
        ..PreconditionFields::default()
    };
    for _ in 0..rounds {
        let found = evaluate(ConditionalMethod::Read, black_box(&fields), Some(&current));
        assert_eq!(found, Outcome::Proceed);
    }
}

fn range(rounds: u64) {
    for _ in 0..rounds {
        let selection = select(black_box(b"bytes=0-99, 200-299, -100"), 100_000);
        assert!(matches!(selection, Selection::Parts(parts) if parts.len() == 3));
    }
}

fn first_line(rounds: u64) {
    let mut line = Vec::new();
    for _ in 0..rounds {
        line.clear();
        push_header(&mut line, "PUT", black_box(NAME.as_bytes()), 1_048_576);
        assert!(!black_box(&line).is_empty());
    }
}

fn hex_dump(rounds: u64) {
    let content: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
    let mut rows = Vec::new();
    for _ in 0..rounds {
        let end = overwrite_rows(&mut rows, 0, 0, black_box(&content));
        assert!(end > 2 * content.len());
    }
}

fn entries(sealing: Option<&Sealing>, rounds: u64) {
    let directory = directory();
    let log = directory.path().join("log");
    let workers = NonZeroUsize::MIN;
    let recorder = Recorder::open(&log, Mode::Fresh, Durability::Kernel, workers, sealing);
    let recorder = recorder.expect("a log");
    let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
    let requester = Requester::anonymous(RequestSource::Peer(peer.into()));
    let answered = Answered {
        requester: &requester,
        status: 200,
    };
    for _ in 0..rounds {
        for _ in 0..4 {
            recorder.success("GET", black_box(NAME.as_bytes()), &answered, 0);
        }
        recorder.commit(0);
    }
}

fn get() -> Vec<u8> {
    format!("GET /{NAME} HTTP/1.1\r\nHost: a\r\n\r\n").into()
}

fn put() -> Vec<u8> {
    let content = "y".repeat(1024);
    format!("PUT /{NAME} HTTP/1.1\r\nHost: a\r\nContent-Length: 1024\r\n\r\n{content}").into()
}

/// A file of 1 KiB, and a log.
fn classic(request: &[u8], least: usize, rounds: u64) {
    let directory = directory();
    let root = directory.path().join("root");
    fs::create_dir(&root).expect("a root");
    fs::write(root.join(NAME), [b'x'; 1024]).expect("a file");
    // A file that has just changed is not cached.
    std::thread::sleep(Duration::from_millis(200));
    let store = Store::open(&root, Depth::Root, Durability::Kernel).expect("a store");
    let mut files = Files::new(store);
    let log = directory.path().join("log");
    let workers = NonZeroUsize::MIN;
    files
        .open_log(&log, Mode::Fresh, Durability::Kernel, workers, None)
        .expect("a log");
    let service = HttpService::new(Classic::new(files, u64::MAX), TIMEOUTS);
    exchange(&service, request, least, rounds);
}

/// Whether the directory of a listing changes between two requests.
#[derive(Clone, Copy)]
enum Directory {
    /// One file gets another time.
    Changes,
    Stays,
}

/// The page of a directory with 200 files.
fn listing(kind: Directory, rounds: u64) {
    const ENTRIES: usize = 200;
    let directory = directory();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_763_690_400);
    let path = |number| directory.path().join(format!("picture {number:03}.jpg"));
    let date = |number, time| {
        let file = fs::File::options().write(true).open(path(number));
        file.and_then(|file| file.set_modified(time))
            .expect("a time");
    };
    for number in 0..ENTRIES {
        fs::write(path(number), [b'x'; 1024]).expect("a file");
        date(number, time);
    }
    let options = Options {
        directories: Directories::Listed,
        page_addresses: PageAddresses::Clean,
        ..Options::default()
    };
    let store = Store::open(directory.path(), Depth::Tree, Durability::Kernel);
    let files = Files::new(store.expect("a store"));
    let service = HttpService::new(Web::new(files, options), TIMEOUTS);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n";
    match kind {
        Directory::Stays => exchange(&service, request, ENTRIES * 50, rounds),
        Directory::Changes => {
            for round in 1..=rounds {
                date(0, time + Duration::from_secs(round));
                exchange(&service, request, ENTRIES * 50, 1);
            }
        }
    }
}
