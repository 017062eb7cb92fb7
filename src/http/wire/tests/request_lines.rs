//! The table of request lines.

use super::{Row, check};

/// Request lines, and the verdict on a head that starts with one.
const REQUEST_LINES: &[Row] = &[
    // Methods: RFC 9110 §9.1, any token, case-sensitive.
    ("9110 §9.1", b"GET / HTTP/1.1", "GET origin=/ 1.1"),
    ("9110 §9.1", b"PUT /a HTTP/1.1", "PUT origin=/a 1.1"),
    ("9110 §9.1", b"get / HTTP/1.1", "get origin=/ 1.1"),
    ("9110 §9.1", b"BREW /pot HTTP/1.1", "BREW origin=/pot 1.1"),
    ("9110 §9.1", b"M-SEARCH * HTTP/1.1", "M-SEARCH other=* 1.1"),
    (
        "9110 §5.6.2",
        b"!#$%&'*+-.^_`|~0 / HTTP/1.1",
        "!#$%&'*+-.^_`|~0 origin=/ 1.1",
    ),
    ("9110 §5.6.2", b"G@T / HTTP/1.1", "400"),
    ("9110 §5.6.2", b"GET( / HTTP/1.1", "400"),
    ("9110 §5.6.2", b"G\tT / HTTP/1.1", "400"),
    ("9110 §5.6.2", b"G\0T / HTTP/1.1", "400"),
    ("9110 §5.6.2", b"G\xc3\x89T / HTTP/1.1", "400"),
    ("9110 §5.6.2", b"\"GET\" / HTTP/1.1", "400"),
    ("9110 §5.6.2", b"GET: / HTTP/1.1", "400"),
    // Targets: RFC 9112 §3.2, RFC 3986.
    (
        "9112 §3.2.1",
        b"GET /a/b?c=d&e HTTP/1.1",
        "GET origin=/a/b query=c=d&e 1.1",
    ),
    ("9112 §3.2.1", b"GET /? HTTP/1.1", "GET origin=/ query= 1.1"),
    (
        "9112 §3.2.1",
        b"GET /%2e%2E/%00 HTTP/1.1",
        "GET origin=/%2e%2E/%00 1.1",
    ),
    (
        "9112 §3.2.1",
        b"GET /../.. HTTP/1.1",
        "GET origin=/../.. 1.1",
    ),
    ("9112 §3.2.1", b"GET /% HTTP/1.1", "GET origin=/% 1.1"),
    ("9112 §3.2.1", b"GET //a HTTP/1.1", "GET origin=//a 1.1"),
    (
        "9112 §3.2.1",
        b"GET /-._~!$&'()*+,;=:@[] HTTP/1.1",
        "GET origin=/-._~!$&\\'()*+,;=:@[] 1.1",
    ),
    (
        "9112 §3.2",
        b"GET /\xc3\xa9 HTTP/1.1",
        "GET origin=/\\xc3\\xa9 1.1",
    ),
    ("9112 §3.2", b"GET /\xff HTTP/1.1", "GET origin=/\\xff 1.1"),
    ("9112 §3.2", b"GET abcd HTTP/1.1", "GET other=abcd 1.1"),
    ("9112 §3.2", b"POST abcd HTTP/1.1", "POST other=abcd 1.1"),
    ("9112 §3.2", b"GET ?a HTTP/1.1", "GET other=?a 1.1"),
    ("9112 §3.2", b"GET /a#b HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /a\tb HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /a\0b HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /a\x7fb HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /a\rb HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /a\x0bb HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /a\\b HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /<a> HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /\"a\" HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /{a} HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /a|b HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /a^b HTTP/1.1", "400"),
    ("9112 §3.2", b"GET /`a` HTTP/1.1", "400"),
    (
        "9112 §3.2.2",
        b"GET http://b/c HTTP/1.1",
        "GET absolute=b path=/c 1.1",
    ),
    (
        "9112 §3.2.2",
        b"GET http://b HTTP/1.1",
        "GET absolute=b path=/ 1.1",
    ),
    (
        "9112 §3.2.2",
        b"GET http://b:81?q HTTP/1.1",
        "GET absolute=b:81 path=/ query=q 1.1",
    ),
    (
        "9112 §3.2.2",
        b"PUT HTTPS://B/c?d HTTP/1.1",
        "PUT absolute=B path=/c query=d 1.1",
    ),
    (
        "9112 §3.2.2",
        b"OPTIONS http://b HTTP/1.1",
        "OPTIONS absolute=b path=/ 1.1",
    ),
    (
        "9110 §4.2.1",
        b"GET http:///c HTTP/1.1",
        "GET other=http:///c 1.1",
    ),
    (
        "9110 §4.2.4",
        b"GET http://u:p@b/c HTTP/1.1",
        "GET other=http://u:p@b/c 1.1",
    ),
    (
        "9112 §3.2.2",
        b"GET ftp://b/c HTTP/1.1",
        "GET other=ftp://b/c 1.1",
    ),
    (
        "9112 §3.2.3",
        b"CONNECT b:443 HTTP/1.1",
        "CONNECT authority=b:443 1.1",
    ),
    ("9112 §3.2.3", b"CONNECT b HTTP/1.1", "CONNECT other=b 1.1"),
    (
        "9112 §3.2.3",
        b"CONNECT http://b/ HTTP/1.1",
        "CONNECT other=http://b/ 1.1",
    ),
    ("9112 §3.2.3", b"GET b:443 HTTP/1.1", "GET other=b:443 1.1"),
    ("9112 §3.2.4", b"OPTIONS * HTTP/1.1", "OPTIONS asterisk 1.1"),
    ("9112 §3.2.4", b"GET * HTTP/1.1", "GET other=* 1.1"),
    // Versions: RFC 9112 §2.3, RFC 9110 §2.5.
    ("9110 §2.5", b"GET / HTTP/1.0", "GET origin=/ 1.0 close"),
    ("9110 §2.5", b"GET / HTTP/1.2", "GET origin=/ 1.1"),
    ("9110 §2.5", b"GET / HTTP/1.9", "GET origin=/ 1.1"),
    ("9110 §15.6.6", b"GET / HTTP/2.0", "505"),
    ("9110 §15.6.6", b"GET / HTTP/3.1", "505"),
    ("9110 §15.6.6", b"PRI * HTTP/2.0", "505"),
    ("9112 §2.3", b"GET / HTTP/0.9", "400"),
    ("9112 §2.3", b"GET / HTTP/1.10", "400"),
    ("9112 §2.3", b"GET / HTTP/01.1", "400"),
    ("9112 §2.3", b"GET / HTTP/10.1", "400"),
    ("9112 §2.3", b"GET / HTTP/1", "400"),
    ("9112 §2.3", b"GET / HTTP/2", "400"),
    ("9112 §2.3", b"GET / HTTP/1.", "400"),
    ("9112 §2.3", b"GET / HTTP/.1", "400"),
    ("9112 §2.3", b"GET / HTTP/1,1", "400"),
    ("9112 §2.3", b"GET / HTTP/1.x", "400"),
    ("9112 §2.3", b"GET / HTTP/-1.1", "400"),
    ("9112 §2.3", b"GET / http/1.1", "400"),
    ("9112 §2.3", b"GET / HTTP 1.1", "400"),
    ("9112 §2.3", b"GET / HTTPS/1.1", "400"),
    ("9112 §2.3", b"GET / ICY/1.1", "400"),
    ("9112 §2.3", b"GET / HTTP/1.1\0", "400"),
    ("9112 §2.3", b"GET / HTTP/2.0 x", "400"),
    // A broken target is not answered by version.
    ("9112 §3", b"GET /\0 HTTP/2.0", "400"),
    // Spaces: RFC 9112 §3, one between the parts and no other.
    ("9112 §3", b"GET  / HTTP/1.1", "400"),
    ("9112 §3", b"GET /  HTTP/1.1", "400"),
    ("9112 §3", b"GET / HTTP/1.1 ", "400"),
    ("9112 §3", b"GET\t/ HTTP/1.1", "400"),
    ("9112 §3", b"GET /\tHTTP/1.1", "400"),
    ("9112 §3", b"GET /a b HTTP/1.1", "400"),
    ("9112 §3", b" GET / HTTP/1.1", "400"),
    ("9112 §3", b"\tGET / HTTP/1.1", "400"),
    ("9112 §3", b"GET /", "400"),
    ("9112 §3", b"GET", "400"),
    ("9112 §3", b"GET ", "400"),
    ("9112 §3", b"GET  ", "400"),
    ("9112 §3", b"GET  HTTP/1.1", "400"),
    ("9112 §3", b"HTTP/1.1 200 OK", "400"),
    ("9112 §3", b"SSH-2.0-OpenSSH_9.6", "400"),
];

#[test]
fn request_lines_are_parsed_or_refused() {
    for (section, line, expected) in REQUEST_LINES {
        for (end, rest) in [("\r\n", "Host: a\r\n\r\n"), ("\n", "Host: a\n\n")] {
            let raw = [line, end.as_bytes(), rest.as_bytes()].concat();
            check(section, &raw, expected);
        }
    }
}
