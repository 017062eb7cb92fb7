//! Streams for a whole connection of the web dialect.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::cases;
use crate::checks::connection::{Ending, SHORT, Scenario};
use crate::checks::site::{check, check_scenario};

const METHODS: &[&str] = &[
    "GET", "GET", "GET", "HEAD", "PUT", "PUT", "DELETE", "OPTIONS", "POST", "CONNECT",
];

const TARGETS: &[&str] = &[
    "/",
    "/index.html",
    "/a.txt",
    "/a%20b%25.txt",
    "/dir",
    "/dir/",
    "/dir/page.html",
    "/dir/.hidden",
    "/dir/large",
    "/new",
    "/new/deep/file",
    "/new/deep",
    "/new/",
    "/d00000000000000000000000000",
    "/f00000000000000000000000000",
    "/l00000000000000000000000000",
    "/l00000000000000000000000000/x",
    "/a.txt/x",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//a",
    "/%00",
    "/.httpserver-0123456789abcdef",
    "/dir/?C=N",
    "http://a/a.txt",
    "*",
    "a:1",
    "/%zz",
];

const FIELDS: &[&str] = &[
    "Range: bytes=0-9",
    "Range: bytes=0-0,5-9,-1",
    "Range: bytes=99999999-",
    "Range: bytes=-0",
    "If-Range: \"x\"",
    "If-Match: *",
    "If-Match: \"x\"",
    "If-None-Match: *",
    "If-None-Match: \"x\", W/\"y\"",
    "If-Modified-Since: Sun, 06 Nov 2094 08:49:37 GMT",
    "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
    "Accept-Encoding: gzip, br, zstd",
    "Accept-Encoding: identity;q=0",
    "Accept: application/json",
    "Accept: text/plain",
    "Expect: 100-continue",
    "Connection: close",
    "Want-Repr-Digest: sha-256=1",
    "Content-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
    "Repr-Digest: sha-256=:x",
    "Content-Range: bytes 0-1/2",
];

fn targets() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => select(TARGETS).prop_map(str::to_owned),
        // More directories than one turn makes, and no more than can be removed with the descriptors of the process.
        1 => select(&[40_usize, 300][..]).prop_map(|depth| "/d".repeat(depth) + "/f"),
    ]
}

fn requests() -> impl Strategy<Value = Vec<u8>> {
    let content = prop_oneof![
        3 => (0_usize..70).prop_map(Some),
        1 => (127_900_usize..131_100).prop_map(Some),
        6 => Just(None),
    ];
    let version = prop_oneof![
        9 => Just("HTTP/1.1\r\nHost: a\r\n"),
        1 => Just("HTTP/1.0\r\n"),
        1 => Just("HTTP/1.0\r\nConnection: keep-alive\r\n"),
    ];
    (
        select(METHODS),
        targets(),
        version,
        vec(select(FIELDS), 0..3),
        content,
        any::<bool>(),
        prop_oneof![9 => Just(1), 1 => 2_usize..70],
    )
        .prop_map(
            |(method, target, version, fields, content, chunked, times)| {
                let mut request = format!("{method} {target} {version}").into_bytes();
                for field in fields {
                    request.extend_from_slice(field.as_bytes());
                    request.extend_from_slice(b"\r\n");
                }
                let length = content.or((method == "PUT").then_some(0));
                let bytes = vec![b'c'; length.unwrap_or(0)];
                match length {
                    Some(length) if chunked && length > 0 => {
                        let text = format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n");
                        request.extend_from_slice(text.as_bytes());
                        request.extend_from_slice(&bytes);
                        request.extend_from_slice(b"\r\n0\r\n\r\n");
                    }
                    Some(length) => {
                        let text = format!("Content-Length: {length}\r\n\r\n");
                        request.extend_from_slice(text.as_bytes());
                        request.extend_from_slice(&bytes);
                    }
                    None => request.extend_from_slice(b"\r\n"),
                }
                // Many equal requests in a row, but not megabytes.
                request.repeat(if bytes.len() > 1_000 { 1 } else { times })
            },
        )
}

pub(crate) fn scenarios() -> impl Strategy<Value = Scenario> {
    let limits = prop_oneof![5 => Just(u64::MAX), 1 => Just(SHORT)];
    let edits = prop_oneof![
        3 => Just(Vec::new()),
        1 => vec((any::<Index>(), any::<u8>()), 1..3),
    ];
    (
        any::<u8>(),
        vec(any::<u8>(), 0..9),
        limits,
        vec(requests(), 0..7),
        edits,
    )
        .prop_map(|(ending, chances, max_body, requests, edits)| {
            let mut stream = requests.concat();
            for (place, byte) in edits {
                if !stream.is_empty() {
                    let at = place.index(stream.len());
                    stream[at] = byte;
                }
            }
            Scenario {
                ending: Ending::of(ending),
                chances,
                max_body,
                stream,
            }
        })
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn no_input_breaks_a_web_connection(scenario in scenarios()) {
        check_scenario(&scenario);
    }
}

#[test]
fn kept_seeds_pass() {
    crate::run_seeds("site", check);
}
