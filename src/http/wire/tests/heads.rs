//! Tables of fields, line ends and whole heads, and the look-ups in a parsed head.

use super::{Row, check, scan_whole};
use crate::http::line_parts;
use crate::http::{HeadScan, Request};

/// Field lines, and the verdict on a head that has them and `Host: a`.
const FIELD_LINES: &[Row] = &[
    // Syntax: RFC 9112 §5, RFC 9110 §5.5, §5.6.2.
    ("9112 §5", b"", "GET origin=/ 1.1"),
    ("9112 §5", b"A: b", "GET origin=/ 1.1"),
    ("9112 §5", b"A:b", "GET origin=/ 1.1"),
    ("9112 §5", b"A:", "GET origin=/ 1.1"),
    ("9112 §5", b"A: \t ", "GET origin=/ 1.1"),
    ("9112 §5", b"A: b:c", "GET origin=/ 1.1"),
    ("9110 §5.6.2", b"!#$%&'*+-.^_`|~0: b", "GET origin=/ 1.1"),
    ("9110 §5.5", b"A: b\tc", "GET origin=/ 1.1"),
    ("9110 §5.5", b"A: \x80\xff", "GET origin=/ 1.1"),
    ("9110 §5.5", b"A: \"q,\\\"\" (c)", "GET origin=/ 1.1"),
    ("9112 §5.1", b"A : b", "400"),
    ("9112 §5.1", b"A\t: b", "400"),
    ("9112 §5", b": b", "400"),
    ("9112 §5", b"A", "400"),
    ("9112 §5", b"A b", "400"),
    ("9112 §5", b"A B: c", "400"),
    ("9110 §5.6.2", b"(A): b", "400"),
    ("9110 §5.6.2", b"A\0: b", "400"),
    ("9110 §5.6.2", b"A\x80: b", "400"),
    ("9110 §5.6.2", b"A\x7f: b", "400"),
    ("9110 §5.6.2", b"\"A\": b", "400"),
    ("9110 §5.5", b"A: \0", "400"),
    ("9110 §5.5", b"A: b\0c", "400"),
    ("9110 §5.5", b"A: b\x0bc", "400"),
    ("9110 §5.5", b"A: b\x7fc", "400"),
    ("9110 §5.5", b"A: b\x1b[0m", "400"),
    ("9112 §2.2", b"A: b\rc", "400"),
    ("9112 §2.2", b"A: b\r", "400"),
    ("9112 §2.2", b"A: b\rHost: c", "400"),
    ("9112 §2.2", b"\rA: b", "400"),
    ("9112 §2.2", b"A:\r b", "400"),
    ("9112 §5.2", b"A: b\r\n c", "400"),
    ("9112 §5.2", b"A: b\r\n\tc", "400"),
    ("9112 §5.2", b"A: b\n c", "400"),
    ("9112 §5.2", b"A: b\r\n \r\nB: c", "400"),
    ("9112 §2.2", b" A: b", "400"),
    ("9112 §2.2", b"\tA: b", "400"),
    ("9112 §2.2", b" ", "400"),
    // Host: RFC 9112 §3.2, RFC 9110 §7.2.
    ("9112 §3.2", b"Host: a", "400"),
    ("9112 §3.2", b"Host: b", "400"),
    ("9112 §3.2", b"HOST: a", "400"),
    ("9112 §3.2", b"host:", "400"),
    ("9112 §3.2", b"X-Host: b", "GET origin=/ 1.1"),
    // Connection: RFC 9110 §7.6.1, RFC 9112 §9.3.
    ("9112 §9.3", b"Connection: close", "GET origin=/ 1.1 close"),
    ("9112 §9.3", b"connection:CLOSE", "GET origin=/ 1.1 close"),
    ("9112 §9.3", b"Connection: keep-alive", "GET origin=/ 1.1"),
    (
        "9112 §9.3",
        b"Connection: keep-alive, close",
        "GET origin=/ 1.1 close",
    ),
    (
        "9112 §9.3",
        b"Connection: close, keep-alive",
        "GET origin=/ 1.1 close",
    ),
    (
        "9112 §9.3",
        b"Connection: ,, close ,",
        "GET origin=/ 1.1 close",
    ),
    (
        "9112 §9.3",
        b"Connection: x\r\nConnection: close\r\nConnection: y",
        "GET origin=/ 1.1 close",
    ),
    ("9112 §9.3", b"Connection: closed", "GET origin=/ 1.1"),
    ("9112 §9.3", b"Connection: close x", "GET origin=/ 1.1"),
    ("9112 §9.3", b"Connection: \"close\"", "GET origin=/ 1.1"),
    ("9112 §9.3", b"Connection:", "GET origin=/ 1.1"),
    (
        "9112 §9.3",
        b"Connection: Upgrade, HTTP2-Settings",
        "GET origin=/ 1.1",
    ),
    ("9112 §9.3", b"Proxy-Connection: close", "GET origin=/ 1.1"),
    // Expect: RFC 9110 §10.1.1.
    (
        "9110 §10.1.1",
        b"Expect: 100-continue",
        "GET origin=/ 1.1 expect",
    ),
    (
        "9110 §10.1.1",
        b"expect: 100-Continue",
        "GET origin=/ 1.1 expect",
    ),
    (
        "9110 §10.1.1",
        b"Expect: 100-continue, 100-continue",
        "GET origin=/ 1.1 expect",
    ),
    (
        "9110 §10.1.1",
        b"Expect: 100-continue\r\nExpect:",
        "GET origin=/ 1.1 expect",
    ),
    ("9110 §10.1.1", b"Expect:", "GET origin=/ 1.1"),
    ("9110 §10.1.1", b"Expect: 200-ok", "417"),
    ("9110 §10.1.1", b"Expect: 100", "417"),
    ("9110 §10.1.1", b"Expect: 100-continue, x", "417"),
    ("9110 §10.1.1", b"Expect: x\r\nExpect: 100-continue", "417"),
    ("9110 §10.1.1", b"Expect: 100-continue;x=1", "417"),
];

#[test]
fn field_lines_are_parsed_or_refused() {
    for (section, lines, expected) in FIELD_LINES {
        let rest: &[u8] = if lines.is_empty() {
            b"\r\n"
        } else {
            b"\r\n\r\n"
        };
        let last = [b"GET / HTTP/1.1\r\nHost: a\r\n", *lines, rest].concat();
        check(section, &last, expected);
        if !lines.is_empty() {
            let between = [
                b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n",
                *lines,
                b"\r\nZ: z\r\n\r\n",
            ]
            .concat();
            check(section, &between, expected);
        }
    }
}

#[test]
fn whole_heads_are_parsed_or_refused() {
    let rows: &[(&str, &[u8], &str)] = &[
        // Line ends and the empty line before: RFC 9112 §2.2.
        ("9112 §2.2", b"GET / HTTP/1.1\r\n\r\n", "GET origin=/ 1.1 no-host"),
        ("9112 §2.2", b"GET / HTTP/1.1\n\n", "GET origin=/ 1.1 no-host"),
        ("9112 §2.2", b"GET / HTTP/1.1\r\n\n", "GET origin=/ 1.1 no-host"),
        ("9112 §2.2", b"GET / HTTP/1.1\n\r\n", "GET origin=/ 1.1 no-host"),
        ("9112 §2.2", b"GET / HTTP/1.1\nHost: a\r\nA: b\n\n", "GET origin=/ 1.1"),
        ("9112 §2.2", b"\r\nGET / HTTP/1.1\r\n\r\n", "GET origin=/ 1.1 no-host"),
        ("9112 §2.2", b"\nGET / HTTP/1.1\n\n", "GET origin=/ 1.1 no-host"),
        ("9112 §2.2", b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", "400"),
        ("9112 §2.2", b"\n\nGET / HTTP/1.1\n\n", "400"),
        ("9112 §2.2", b"\rGET / HTTP/1.1\r\n\r\n", "400"),
        ("9112 §2.2", b"\r\r\nGET / HTTP/1.1\r\n\r\n", "400"),
        ("9112 §2.2", b"GET / HTTP/1.1\r\r\n\r\n", "400"),
        ("9112 §2.2", b"GET / HTTP/1.1\rHost: a\r\n\r\n", "400"),
        ("9112 §2.2", b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "400"),
        ("9112 §2.2", b"GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n", "400"),
        ("9112 §2.2", b"GET /\r\nHTTP/1.1\r\n\r\n", "400"),
        // Not complete yet.
        ("9112 §2.1", b"", "more"),
        ("9112 §2.1", b"\r", "more"),
        ("9112 §2.1", b"\r\n", "more"),
        ("9112 §2.1", b"\n", "more"),
        ("9112 §2.1", b"G", "more"),
        ("9112 §2.1", b"GET / HTTP/1.1", "more"),
        ("9112 §2.1", b"GET / HTTP/1.1\r", "more"),
        ("9112 §2.1", b"GET / HTTP/1.1\r\n", "more"),
        ("9112 §2.1", b"GET / HTTP/1.1\r\n\r", "more"),
        ("9112 §2.1", b"GET / HTTP/1.1\r\nHost: a\r\n", "more"),
        ("9112 §2.1", b"GET / HTTP/1.1\r\n\rX", "more"),
        // These cannot become a request: the first byte is not a method's.
        ("8446 §5.1", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "400"),
        ("9110 §9.1", b"\0", "400"),
        ("9110 §9.1", b"\xef\xbb\xbfGET / HTTP/1.1\r\n\r\n", "400"),
        ("9110 §9.1", b"{\"a\":1}", "400"),
        ("9110 §9.1", b"\r\n\x16", "400"),
        // Host: RFC 9112 §3.2.
        ("9112 §3.2", b"GET / HTTP/1.1\r\nHost: b:80\r\n\r\n", "GET origin=/ 1.1 host=b:80"),
        ("9112 §3.2", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET origin=/ 1.1 host="),
        ("9112 §3.2", b"GET / HTTP/1.1\r\nhOST:\t[::1]:80 \r\n\r\n", "GET origin=/ 1.1 host=[::1]:80"),
        ("9112 §3.2", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"),
        ("9112 §3.2", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"),
        ("9112 §3.2", b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400"),
        ("9112 §3.2", b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", "400"),
        ("9112 §3.2", b"GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n", "400"),
        ("9112 §3.2", b"GET / HTTP/1.0\r\nHost: a b\r\n\r\n", "400"),
        ("9112 §3.2", b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
        ("9112 §3.2.2", b"GET http://b/ HTTP/1.1\r\nHost: c\r\n\r\n", "GET absolute=b path=/ 1.1 host=c"),
        ("9112 §3.2.2", b"GET http://b/ HTTP/1.1\r\nHost: c d\r\n\r\n", "400"),
        // HTTP/1.0: RFC 9112 §9.3, RFC 9110 §10.1.1.
("9112 §9.3", b"GET / HTTP/1.0\r\nConnection: keep-alive, x\r\nConnection: y\r\n\r\n", "GET origin=/ 1.0 no-host"),
        ("9112 §9.3", b"GET / HTTP/1.0\r\n\r\n", "GET origin=/ 1.0 close no-host"),
        ("9112 §9.3", b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET origin=/ 1.0 no-host"),
        (
            "9112 §9.3",
            b"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
            "GET origin=/ 1.0 close no-host",
        ),
        ("9110 §10.1.1", b"PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "PUT origin=/ 1.0 close no-host"),
        ("9110 §10.1.1", b"PUT / HTTP/1.0\r\nExpect: magic\r\n\r\n", "PUT origin=/ 1.0 close no-host"),
        // Heads of clients.
        (
            "curl",
            b"PUT /a HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nTransfer-Encoding: chunked\r\n\
              Expect: 100-continue\r\n\r\n",
            "PUT origin=/a 1.1 chunked expect",
        ),
        (
            "curl",
            b"PUT /a HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nContent-Length: 36\r\n\r\n",
            "PUT origin=/a 1.1 length=36",
        ),
    ];
    for (section, raw, expected) in rows {
        check(section, raw, expected);
    }
}

#[test]
fn a_scan_starts_again_after_a_head() {
    let mut scan = HeadScan::default();
    let first = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    let second = b"\r\nPUT /b HTTP/1.1\n\n";
    for end in 0..first.len() {
        assert_eq!(scan.find_end(&first[..end]), Ok(None));
    }
    assert_eq!(
        scan.find_end(&[&first[..], second].concat()),
        Ok(Some(first.len()))
    );
    assert_eq!(scan.find_end(second), Ok(Some(second.len())));
}

#[test]
fn a_shrunken_buffer_is_no_panic() {
    let mut scan = HeadScan::default();
    assert_eq!(scan.find_end(b"GET / HTTP/1.1\r\nHost: a"), Ok(None));
    assert_eq!(scan.find_end(b"GET"), Ok(None));
    assert_eq!(scan.find_end(b""), Ok(None));
}

#[test]
fn parts_are_kept_as_received() {
    let raw = b"\r\nGET http://b?c HTTP/1.7\r\nHost: a\r\n\r\n";
    let request = Request::parse(raw).unwrap();
    assert_eq!(request.raw_target(), b"http://b?c");
    assert_eq!(request.raw_version(), b"HTTP/1.7");
}

#[test]
fn incomplete_heads_are_not_parsed() {
    let whole = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for end in 0..whole.len() {
        assert!(
            Request::parse(&whole[..end]).is_err(),
            "{}",
            whole[..end].escape_ascii()
        );
    }
    let pipelined = [&whole[..], b"A: b\r\n\r\n"].concat();
    assert_eq!(scan_whole(&pipelined), Ok(Some(whole.len())));
    assert!(Request::parse(&pipelined).is_err());
}

#[test]
fn fields_are_found_by_name() {
    let raw = b"GET / HTTP/1.1\r\nHost: a\r\nAccept:  x \t\nIf-Match: \"1\"\r\nACCEPT: y, z\r\nEmpty:\r\nAcceptance: no\r\n\r\n";
    let request = Request::parse(raw).unwrap();
    let all = |name: &str| {
        request
            .fields(name)
            .map(|value| value.escape_ascii().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(all("Accept"), ["x", "y, z"]);
    assert_eq!(request.field("accept"), Some(&b"x"[..]));
    assert_eq!(request.field("if-match"), Some(&b"\"1\""[..]));
    assert_eq!(request.field("EMPTY"), Some(&b""[..]));
    assert_eq!(request.field("Accep"), None);
    assert_eq!(request.field(""), None);
    assert_eq!(request.field("GET / HTTP/1.1"), None);
    assert_eq!(all("Range"), [""; 0]);
}

#[test]
fn parts_of_refused_lines_are_kept() {
    let rows: &[(&[u8], [&str; 3])] = &[
        (
            b"GET abcd HTTP/1.1\r\nHost: a\r\n\r\n",
            ["GET", "abcd", "HTTP/1.1"],
        ),
        (b"GET abcd HTTP/1.1\n", ["GET", "abcd", "HTTP/1.1"]),
        (b"\r\nGET abcd HTTP/1.1\r\n", ["GET", "abcd", "HTTP/1.1"]),
        (b"\nGET abcd HTTP/1.1\r\n", ["GET", "abcd", "HTTP/1.1"]),
        (b"GET abcd http/9.9\r\n", ["GET", "abcd", "http/9.9"]),
        (b"GET /a b HTTP/1.1\r\n", ["GET", "/a b", "HTTP/1.1"]),
        (b"GET   /a   HTTP/1.1\r\n", ["GET", "/a", "HTTP/1.1"]),
        (b"GET /a HTTP/1.1 \r\n", ["GET", "/a", "HTTP/1.1"]),
        (b"GET  HTTP/1.1\r\n", ["GET", "-", "HTTP/1.1"]),
        (b"G\0T /\x1b \xff\r\n", ["G\\x00T", "/\\x1b", "\\xff"]),
        (b"GET /a\r\n", ["GET", "/a", "-"]),
        (b"GET\r\n", ["GET", "-", "-"]),
        (b"GET \r\n", ["GET", "-", "-"]),
        (b" /a HTTP/1.1\r\n", ["-", "/a", "HTTP/1.1"]),
        (b"", ["-", "-", "-"]),
        (b"\r", ["-", "-", "-"]),
        (b"\r\n", ["-", "-", "-"]),
        (b"\r\n\r\nGET / HTTP/1.1\r\n", ["-", "-", "-"]),
        (b"GE", ["-", "-", "-"]),
        (b"GET ", ["GET", "-", "-"]),
        (b"GET /a", ["GET", "-", "-"]),
        (b"GET /a ", ["GET", "/a", "-"]),
        (b"GET /a HTTP/1.", ["GET", "/a", "-"]),
        (b"GET /a HTTP/1.1", ["GET", "/a", "-"]),
        (b"GET /a HTTP/1.1\r", ["GET", "/a", "-"]),
        (b"\x16\x03\x01\x02\0\x01\0", ["-", "-", "-"]),
    ];
    for (raw, expected) in rows {
        let parts = line_parts(raw);
        let shown = [parts.method, parts.target, parts.version]
            .map(|part| part.map_or("-".to_owned(), |bytes| bytes.escape_ascii().to_string()));
        assert_eq!(shown, *expected, "{}", raw.escape_ascii());
    }
}
