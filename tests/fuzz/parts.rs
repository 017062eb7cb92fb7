//! Input for the checks of single parts: meaningful pieces in any order, and any bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::checks::{chunked, fields, head, log, range, target};
use crate::{cases, run_seeds};

/// Bytes that begin with any `first` bytes and continue with pieces of `words`, or any bytes.
fn near(first: usize, words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        8 => select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..4),
    ];
    (vec(any::<u8>(), first), vec(word, 0..30))
        .prop_map(|(first, words)| [first, words.concat()].concat())
}

const HEAD: &[&str] = &[
    "GET",
    "PUT",
    " ",
    "/",
    "*",
    "a",
    "http://",
    ":80",
    "?",
    "HTTP/1.1",
    "HTTP/1.0",
    "HTTP/2.0",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    "Host: a\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 05\r\n",
    "Content-Length:\t5 , 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "transfer-encoding:CHUNKED\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: ,chunked\r\n",
    "Expect: 100-continue\r\n",
    "Connection: close, keep-alive\r\n",
    "x: y\r\n",
    "x : y\r\n",
    " x\r\n",
    ":\r\n",
    "\0",
    "GET / HTTP/1.1\r\n",
];

const CHUNKED: &[&str] = &[
    "0",
    "1",
    "5",
    "a",
    "F",
    "00",
    "ffffffffffffffff",
    "10000000000000000",
    "\r\n",
    "\r\n",
    "\r",
    "\n",
    ";",
    ";a=\"b\"",
    " ",
    "\t",
    "x",
    "abcde",
    "5\r\nabcde\r\n",
    "0\r\n\r\n",
    "1\r\na\rx",
    "a: b\r\n",
    ":",
    "-1",
    "+1",
    "0x1",
];

const TARGET: &[&str] = &[
    "/",
    "/",
    "a",
    ".",
    "..",
    "%",
    "%2e",
    "%2E",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "%00",
    "%25",
    "%2",
    "~",
    "?",
    "#",
    ".httpserver-",
    "%c3%a9",
    "/.",
    "/..",
    "//",
];

const RANGE: &[&str] = &[
    "bytes",
    "BYTES",
    "=",
    "-",
    ",",
    " ",
    "\t",
    "0",
    "1",
    "9",
    "10",
    "99",
    "5-9",
    "0-4,5-9",
    "-5",
    "5-",
    "18446744073709551615",
    "18446744073709551616",
    "bytes=",
    "0-0,",
    "2-2,",
];

const LOG: &[&str] = &[
    "GET a length 0\n========\n",
    "PUT a length 2\n00000000 68 69\n========\n",
    "PUT a length 0\n",
    "========\n",
    "FAIL: ",
    "FAIL: GET abcd HTTP/1.1 --- response 400\n========\n",
    "PUT ",
    "a%20b",
    " length ",
    "21\n",
    "18446744073709551615\n",
    "9223372036854775807\n",
    "00000000",
    "00000020",
    " 00",
    " ff",
    " FF",
    "\n",
    "\0",
    "\0\0\0\0\0\0\0\0",
    "00000000 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13\n",
    "00000020 14\n",
    "PUT b length 21\n",
];

const FIELDS: &[&str] = &[
    "*",
    "\"a\"",
    "W/\"a\"",
    ",",
    " ",
    "sha-256",
    "=:",
    ":",
    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "sha-512=:YQ==:",
    "gzip",
    "br",
    "identity",
    ";q=",
    "0.5",
    "1.000",
    "0",
    "1.0001",
    "text/html",
    "application/json",
    "*/*",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "9999",
    ".html",
];

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn heads(data in near(0, HEAD)) {
        head::check(&data);
    }

    #[test]
    fn chunked_contents(data in near(1, CHUNKED)) {
        chunked::check(&data);
    }

    #[test]
    fn targets(data in near(0, TARGET)) {
        target::check(&data);
    }

    #[test]
    fn ranges(data in near(8, RANGE)) {
        range::check(&data);
    }

    #[test]
    fn logs(data in near(1, LOG)) {
        log::check(&data);
    }

    #[test]
    fn field_values(data in near(0, FIELDS)) {
        fields::check(&data);
    }
}

#[test]
fn kept_seeds_pass() {
    run_seeds("head", head::check);
    run_seeds("chunked", chunked::check);
    run_seeds("target", target::check);
    run_seeds("range", range::check);
    run_seeds("log", log::check);
    run_seeds("fields", fields::check);
}
