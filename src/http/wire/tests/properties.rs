//! Properties that hold for all bytes.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{scan_pieces, scan_whole, verdict};
use crate::http::{Request, line_parts};

/// Bytes that come close to heads: pieces of heads, in any order.
fn near_heads() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&'static [u8]> = vec![
        b"GET",
        b"PUT",
        b" ",
        b"/",
        b"http://a",
        b"*",
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"GET / HTTP/1.1\r\n",
        b"PUT /a HTTP/1.1\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"\t",
        b":",
        b",",
        b"Host: a\r\n",
        b"Host:",
        b"Connection: ",
        b"close",
        b"keep-alive",
        b"Content-Length: ",
        b"5",
        b"0",
        b"18446744073709551616",
        b"Transfer-Encoding: ",
        b"chunked",
        b"gzip",
        b"Expect: 100-continue\r\n",
        b";",
        b"\0",
        b"\x7f",
        b"\xff",
        b"a",
        b"\r\n\r\n",
    ];
    vec(proptest::sample::select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

fn any_input() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..200),
        near_heads(),
        near_heads().prop_map(|rest| { [b"GET / HTTP/1.1\r\n", &rest[..], b"\r\n\r\n"].concat() })
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(raw in any_input()) {
        let _ = scan_whole(&raw);
        let _ = Request::parse(&raw);
        let _ = verdict(&raw);
        let _ = line_parts(&raw);
    }

    #[test]
    fn pieces_do_not_change_the_verdict(raw in any_input(), cuts in vec(any::<Index>(), 0..6)) {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(raw.len() + 1)).collect();
        ends.sort_unstable();
        prop_assert_eq!(scan_pieces(&raw, ends), scan_whole(&raw));
    }

    /// An accepted head has the parts that the log would show of it, and its fields are found.
    #[test]
    fn accepted_heads_are_consistent(raw in any_input(), name in "[A-Za-z-]{1,17}") {
        let Ok(Some(len)) = scan_whole(&raw) else { return Ok(()) };
        let Ok(request) = Request::parse(&raw[..len]) else { return Ok(()) };
        let parts = line_parts(&raw);
        prop_assert_eq!(parts.method, Some(request.method.as_bytes()));
        prop_assert_eq!(parts.target, Some(request.raw_target()));
        prop_assert_eq!(parts.version, Some(request.raw_version()));
        for name in [name.as_str(), "host", "Content-Length"] {
            let naive: Vec<&[u8]> = raw[..len]
                .split(|&byte| byte == b'\n')
                .skip_while(|line| !line.starts_with(request.method.as_bytes()))
                .skip(1)
                .filter_map(|line| {
                    let colon = line.iter().position(|&byte| byte == b':')?;
                    line[..colon].eq_ignore_ascii_case(name.as_bytes()).then(|| line[colon + 1..].trim_ascii())
                })
                .collect();
            prop_assert_eq!(request.fields(name).collect::<Vec<_>>(), naive);
        }
    }
}
