//! Streams for a whole connection: those of clients, those of attackers, and altered ones.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::cases;
use crate::checks::connection::{Ending, FILES, NAMES, SHORT, Scenario, check, check_scenario};

/// Fragments that a well-behaved client never sends.
const ODD: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\0",
    " ",
    "GET",
    "GET / HTTP/1.1\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\x16\x03\x01",
    "Host: a\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 18446744073709551616\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Expect: 100-continue\r\n",
    "Expect: something\r\n",
    "Connection: close\r\n",
    " folded\r\n",
    "0\r\n\r\n",
    "5\r\nabcde\r\n",
    "fffffffffffffffff\r\n",
    "1;x=y\r\nz\r\n",
];

/// Lengths of contents: none, some, around a row, around a block of rows, around a worker's input.
pub(crate) fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![
        6 => 0_usize..70,
        1 => 15_000_usize..17_000,
        1 => 63_900_usize..64_100,
        1 => 127_900_usize..131_100,
    ]
}

fn names() -> impl Strategy<Value = &'static str> {
    let small = FILES[..4].iter().map(|&(name, _)| name);
    prop_oneof![
        20 => select(small.chain(NAMES).chain(["", "too-short"]).collect::<Vec<_>>()),
        1 => Just(FILES[4].0),
    ]
}

fn heads() -> impl Strategy<Value = String> {
    select(vec![
        "HTTP/1.1\r\nHost: a\r\n",
        "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n",
        "HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n",
        "HTTP/1.1\r\n",
        "HTTP/1.0\r\n",
        "HTTP/1.0\r\nConnection: keep-alive\r\n",
        "HTTP/1.1\nHost: a\n",
    ])
    .prop_map(str::to_owned)
}

/// The content of a request with the fields that delimit it: a length that is right or wrong, chunks, or nothing.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    (lengths(), 0_u8..12, 1_usize..5_000, any::<u8>()).prop_map(|(length, how, piece, byte)| {
        let content: Vec<u8> = (0..length)
            .map(|at| byte.wrapping_add(at.to_le_bytes()[0]))
            .collect();
        let mut out = Vec::new();
        match how {
            0 => out.extend_from_slice(b"\r\n"),
            1 => {
                out.extend_from_slice(format!("Content-Length: {}\r\n\r\n", length + 3).as_bytes());
            }
            2..6 => {
                out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in content.chunks(piece) {
                    out.extend_from_slice(format!("{:x};a=b\r\n", chunk.len()).as_bytes());
                    out.extend_from_slice(chunk);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(b"0\r\nTrailer: x\r\n\r\n");
                return out;
            }
            _ => out.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes()),
        }
        out.extend_from_slice(&content);
        out
    })
}

fn fragments() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (names(), heads()).prop_map(|(name, head)| format!("GET /{name} {head}\r\n").into_bytes()),
        1 => (names(), heads(), contents())
            .prop_map(|(name, head, content)| [format!("GET /{name} {head}").as_bytes(), &content].concat()),
        6 => (names(), heads(), contents())
            .prop_map(|(name, head, content)| [format!("PUT /{name} {head}").as_bytes(), &content].concat()),
        2 => select(ODD).prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..40),
    ]
}

/// Inserts, removes or changes a byte.
fn mangle(mut stream: Vec<u8>, places: &[(Index, u8, u8)]) -> Vec<u8> {
    for (place, how, byte) in places {
        if stream.is_empty() {
            break;
        }
        let at = place.index(stream.len());
        match how % 3 {
            0 => stream[at] = *byte,
            1 => stream.insert(at, *byte),
            _ => drop(stream.remove(at)),
        }
    }
    stream
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let places = prop_oneof![
        2 => Just(Vec::new()),
        1 => vec((any::<Index>(), any::<u8>(), any::<u8>()), 1..4),
    ];
    (vec(fragments(), 0..9), places, any::<Index>(), 0_u8..4).prop_map(
        |(parts, places, end, cut)| {
            let mut stream = mangle(parts.concat(), &places);
            if cut == 0 && !stream.is_empty() {
                stream.truncate(end.index(stream.len()));
            }
            stream
        },
    )
}

pub(crate) fn scenarios() -> impl Strategy<Value = Scenario> {
    let chances = prop_oneof![
        vec(any::<u8>(), 1..20),
        vec(0_u8..8, 1..8),
        Just(vec![0]),
        Just(vec![0x0F]),
    ];
    let limits = prop_oneof![3 => Just(u64::MAX), 1 => Just(SHORT)];
    (any::<u8>(), chances, limits, streams()).prop_map(|(ending, chances, max_body, stream)| {
        Scenario {
            ending: Ending::of(ending),
            chances,
            max_body,
            stream,
        }
    })
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn no_input_breaks_a_classic_connection(scenario in scenarios()) {
        check_scenario(&scenario);
    }
}

#[test]
fn kept_seeds_pass() {
    crate::run_seeds("connection", check);
}
