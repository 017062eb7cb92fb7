//! Tables for RFC 9112 §6.3: one row is one set of framing fields.

use super::check;

/// Checks `lines` in a PUT of HTTP/1.1, at the end of the section and before another field.
fn check_put(section: &str, lines: &str, expected: &str) {
    let expected = match expected {
        status if status.parse::<u16>().is_ok() => status.to_owned(),
        "absent" => "PUT origin=/ 1.1".to_owned(),
        framing => format!("PUT origin=/ 1.1 {framing}"),
    };
    for raw in [
        format!("PUT / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n"),
        format!("PUT / HTTP/1.1\r\n{lines}\r\nHost: a\r\n\r\n"),
        format!("PUT / HTTP/1.1\nHost: a\n{lines}\nA: b\n\n"),
    ] {
        check(section, raw.as_bytes(), &expected);
    }
}

#[test]
fn content_length_is_one_decimal_number() {
    for (section, lines, expected) in [
        ("9112 §6.3 (7)", "A: b", "absent"),
        ("9112 §6.3 (6)", "Content-Length: 0", "length=0"),
        ("9112 §6.3 (6)", "Content-Length: 36", "length=36"),
        ("9112 §6.3 (6)", "CONTENT-LENGTH:36", "length=36"),
        ("9112 §6.3 (6)", "content-length: \t36\t ", "length=36"),
        ("9110 §8.6", "Content-Length: 0036", "length=36"),
        (
            "9110 §8.6",
            "Content-Length: 18446744073709551615",
            "length=18446744073709551615",
        ),
        ("9110 §8.6", "Content-Length: 18446744073709551616", "400"),
        (
            "9110 §8.6",
            "Content-Length: 99999999999999999999999999",
            "400",
        ),
        ("9112 §6.3 (5)", "Content-Length: 5, 5", "length=5"),
        ("9112 §6.3 (5)", "Content-Length: 5,5,5", "length=5"),
        (
            "9112 §6.3 (5)",
            "Content-Length: 5\r\nContent-Length: 5",
            "length=5",
        ),
        (
            "9112 §6.3 (5)",
            "Content-Length: 5\r\ncontent-length: 5, 5",
            "length=5",
        ),
        ("9112 §6.3 (5)", "Content-Length: 5, 6", "400"),
        (
            "9112 §6.3 (5)",
            "Content-Length: 5\r\nContent-Length: 6",
            "400",
        ),
        (
            "9112 §6.3 (5)",
            "Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 6",
            "400",
        ),
        ("9112 §6.3 (5)", "Content-Length: 5, 05", "400"),
        ("9112 §6.3 (5)", "Content-Length: 5,", "400"),
        ("9112 §6.3 (5)", "Content-Length: ,5", "400"),
        ("9112 §6.3 (5)", "Content-Length: 5,,5", "400"),
        (
            "9112 §6.3 (5)",
            "Content-Length: 5\r\nContent-Length:",
            "400",
        ),
        ("9112 §6.3 (5)", "Content-Length:", "400"),
        ("9112 §6.3 (5)", "Content-Length: ,", "400"),
        ("9112 §6.3 (5)", "Content-Length: +5", "400"),
        ("9112 §6.3 (5)", "Content-Length: -5", "400"),
        ("9112 §6.3 (5)", "Content-Length: -0", "400"),
        ("9112 §6.3 (5)", "Content-Length: 5 5", "400"),
        ("9112 §6.3 (5)", "Content-Length: 5;5", "400"),
        ("9112 §6.3 (5)", "Content-Length: 0x5", "400"),
        ("9112 §6.3 (5)", "Content-Length: 5e0", "400"),
        ("9112 §6.3 (5)", "Content-Length: 5.0", "400"),
        ("9112 §6.3 (5)", "Content-Length: 1_000", "400"),
        ("9112 §6.3 (5)", "Content-Length: \"5\"", "400"),
        ("9112 §6.3 (5)", "Content-Length: five", "400"),
        ("9112 §6.3 (5)", "Content-Length: ٥", "400"),
        ("9112 §6.3 (7)", "Content_Length: 5", "absent"),
        ("9112 §6.3 (7)", "X-Content-Length: 5", "absent"),
        ("9112 §6.3 (7)", "Content-Lengt: 5", "absent"),
    ] {
        check_put(section, lines, expected);
    }
}

#[test]
fn transfer_encoding_is_chunked_or_refused() {
    for (section, lines, expected) in [
        ("9112 §6.3 (4)", "Transfer-Encoding: chunked", "chunked"),
        ("9112 §7", "transfer-encoding:Chunked", "chunked"),
        ("9112 §7", "TRANSFER-ENCODING: \tCHUNKED\t", "chunked"),
        ("9112 §6.1", "Transfer-Encoding: chunked, chunked", "400"),
        (
            "9112 §6.1",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "400",
        ),
        (
            "9112 §6.1",
            "Transfer-Encoding: gzip, chunked, chunked",
            "400",
        ),
        ("9112 §6.3 (4)", "Transfer-Encoding: gzip", "400"),
        ("9112 §6.3 (4)", "Transfer-Encoding: identity", "400"),
        ("9112 §6.3 (4)", "Transfer-Encoding: chunked, gzip", "400"),
        (
            "9112 §6.3 (4)",
            "Transfer-Encoding: chunked, identity",
            "400",
        ),
        (
            "9112 §6.3 (4)",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip",
            "400",
        ),
        (
            "9112 §6.3 (4)",
            "Transfer-Encoding: gzip, chunked, br",
            "400",
        ),
        ("9112 §6.1", "Transfer-Encoding: gzip, chunked", "501"),
        ("9112 §6.1", "Transfer-Encoding: identity, chunked", "501"),
        (
            "9112 §6.1",
            "Transfer-Encoding: gzip;q=1, br, chunked",
            "501",
        ),
        (
            "9112 §6.1",
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
            "501",
        ),
        ("9110 §5.6.1", "Transfer-Encoding:", "400"),
        ("9110 §5.6.1", "Transfer-Encoding: ,", "400"),
        ("9110 §5.6.1", "Transfer-Encoding: chunked,", "400"),
        ("9110 §5.6.1", "Transfer-Encoding: ,chunked", "400"),
        (
            "9110 §5.6.1",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding:",
            "400",
        ),
        ("9112 §7", "Transfer-Encoding: chunked;x=1", "400"),
        ("9112 §7", "Transfer-Encoding: chunked;", "400"),
        ("9112 §7", "Transfer-Encoding: chunked ;x=1", "400"),
        ("9112 §7", "Transfer-Encoding: chunked;x=1, chunked", "400"),
        ("9112 §7", "Transfer-Encoding: \"chunked\"", "400"),
        ("9112 §7", "Transfer-Encoding: 'chunked'", "400"),
        ("9112 §7", "Transfer-Encoding: chunked x", "400"),
        ("9112 §7", "Transfer-Encoding: chun ked", "400"),
        ("9112 §7", "Transfer-Encoding: g zip, chunked", "400"),
        (
            "9112 §6.3 (3)",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "400",
        ),
        (
            "9112 §6.3 (3)",
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "400",
        ),
        (
            "9112 §6.3 (3)",
            "Content-Length: 0\r\nTransfer-Encoding: chunked",
            "400",
        ),
        (
            "9112 §6.3 (3)",
            "Content-Length: 5\r\nTransfer-Encoding: gzip, chunked",
            "400",
        ),
        (
            "9112 §6.3 (3)",
            "Content-Length: 5\r\nTransfer-Encoding: identity",
            "400",
        ),
        ("9112 §6.3 (7)", "TE: chunked", "absent"),
        ("9112 §6.3 (7)", "Content-Encoding: chunked", "absent"),
    ] {
        check_put(section, lines, expected);
    }
}

#[test]
fn version_and_method_affect_framing() {
    for (section, raw, expected) in [
        (
            "9112 §6.1",
            "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400",
        ),
        (
            "9112 §6.1",
            "PUT / HTTP/1.0\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "400",
        ),
        (
            "9112 §6.1",
            "PUT / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
            "400",
        ),
        (
            "9112 §6.3 (6)",
            "PUT / HTTP/1.0\r\nContent-Length: 3\r\n\r\n",
            "PUT origin=/ 1.0 length=3 close no-host",
        ),
        (
            "9112 §6.3 (7)",
            "PUT / HTTP/1.0\r\n\r\n",
            "PUT origin=/ 1.0 close no-host",
        ),
        (
            "9110 §9.3.1",
            "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\n",
            "GET origin=/ 1.1 length=3 no-host",
        ),
        (
            "9110 §9.3.1",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET origin=/ 1.1 chunked no-host",
        ),
        (
            "9112 §6.3 (4)",
            "PUT / HTTP/1.2\r\nTransfer-Encoding: chunked\r\n\r\n",
            "PUT origin=/ 1.1 chunked no-host",
        ),
    ] {
        check(section, raw.as_bytes(), expected);
    }
}
