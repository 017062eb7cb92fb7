//! Requests that follow the rules: their responses are known by definition, to the byte.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::fmt::Write as _;
use std::io::Write as _;

use crate::cases;
use crate::checks::connection::{Ending, FILES, NAMES, Scenario, check_scenario, initial_files};
use crate::connection::lengths;

/// A request that follows the rules.
#[derive(Debug, Clone)]
enum Ask {
    Get(&'static str),
    Put(&'static str, Vec<u8>, Coding),
    /// A method that is not supported, with content that is discarded.
    Post(Vec<u8>),
}

#[derive(Debug, Clone, Copy)]
enum Coding {
    Length,
    Chunks(usize),
}

fn asks() -> impl Strategy<Value = Ask> {
    let stored = || {
        select(
            FILES[..4]
                .iter()
                .map(|&(name, _)| name)
                .chain([NAMES[3]])
                .collect::<Vec<_>>(),
        )
    };
    let content =
        lengths().prop_map(|length| (0..length).map(|at: usize| at.to_le_bytes()[0]).collect());
    let coding = prop_oneof![
        Just(Coding::Length),
        (1_usize..9_000).prop_map(Coding::Chunks)
    ];
    prop_oneof![
        4 => stored().prop_map(Ask::Get),
        1 => Just(Ask::Get(NAMES[4])),
        4 => (stored(), content, coding).prop_map(|(name, content, coding)| Ask::Put(name, content, coding)),
        1 => vec(any::<u8>(), 0..40).prop_map(Ask::Post),
    ]
}

/// Requests as bytes, with their responses by definition.
#[derive(Default)]
struct Expected {
    stream: Vec<u8>,
    /// All responses.
    sent: Vec<u8>,
    /// The whole log.
    log: String,
}

impl Expected {
    fn of(asks: &[Ask]) -> Self {
        let mut files = initial_files().clone();
        let mut this = Self::default();
        for ask in asks {
            match ask {
                Ask::Get(name) => {
                    write!(this.stream, "GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
                    if let Some(content) = files.get(*name) {
                        this.response("200 OK", content, format!("GET {name} length 0"));
                    } else {
                        let entry = format!("FAIL: GET {name} HTTP/1.1 --- response 404");
                        this.response("404 Not Found", &[], entry);
                    }
                }
                Ask::Put(name, content, coding) => {
                    write!(this.stream, "PUT /{name} HTTP/1.1\r\nHost: a\r\n").unwrap();
                    push_content(&mut this.stream, content, *coding);
                    let mut entry = format!("PUT {name} length {}", content.len());
                    for (row, bytes) in content.chunks(20).enumerate() {
                        write!(entry, "\n{:08}", row * 20).unwrap();
                        for byte in bytes {
                            write!(entry, " {byte:02x}").unwrap();
                        }
                    }
                    files.insert((*name).to_owned(), content.clone());
                    this.response("201 Created", &[], entry);
                }
                Ask::Post(content) => {
                    this.stream
                        .extend_from_slice(b"POST /x HTTP/1.1\r\nHost: a\r\n");
                    push_content(&mut this.stream, content, Coding::Length);
                    let entry = "FAIL: POST x HTTP/1.1 --- response 500".to_owned();
                    this.response("500 Internal Server Error", &[], entry);
                }
            }
        }
        this
    }

    fn response(&mut self, status: &str, content: &[u8], entry: String) {
        let length = content.len();
        write!(
            self.sent,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n"
        )
        .unwrap();
        self.sent.extend_from_slice(content);
        self.log += &(entry + "\n========\n");
    }
}

fn push_content(stream: &mut Vec<u8>, content: &[u8], coding: Coding) {
    match coding {
        Coding::Length => {
            write!(stream, "Content-Length: {}\r\n\r\n", content.len()).unwrap();
            stream.extend_from_slice(content);
        }
        Coding::Chunks(size) => {
            stream.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in content.chunks(size) {
                write!(stream, "{:X}\r\n", chunk.len()).unwrap();
                stream.extend_from_slice(chunk);
                stream.extend_from_slice(b"\r\n");
            }
            stream.extend_from_slice(b"0\r\n\r\n");
        }
    }
}

proptest! {
    #![proptest_config(cases(60))]

    /// Each request has exactly one response and one entry, in their order.
    #[test]
    fn orderly_input_gets_complete_answers(asks in vec(asks(), 0..20), chances in vec(any::<u8>(), 0..9)) {
        let Expected { stream, sent, log } = Expected::of(&asks);
        let outcome = check_scenario(&Scenario { ending: Ending::End, chances, max_body: u64::MAX, stream });
        prop_assert!(outcome.sent == sent, "{}", outcome.sent.escape_ascii());
        prop_assert!(outcome.log == log.as_bytes(), "{}", outcome.log.escape_ascii());
    }
}
