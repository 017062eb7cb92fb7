//! Requests that another recipient in the chain may frame differently (RFC 9112 §11.2): all refused.

use super::check;

#[test]
fn both_framings_are_refused_in_any_spelling() {
    let lengths = [
        "Content-Length: 6",
        "content-length:6",
        "Content-Length: 6, 6",
        "Content-Length: 0",
    ];
    let codings = [
        "Transfer-Encoding: chunked",
        "transfer-encoding:CHUNKED",
        "Transfer-Encoding:\tchunked",
        "Transfer-Encoding: chunked\t",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    ];
    for length in lengths {
        for coding in codings {
            for (first, second) in [(length, coding), (coding, length)] {
                for end in ["\r\n", "\n"] {
                    let raw =
                        format!("POST / HTTP/1.1{end}Host: a{end}{first}{end}{second}{end}{end}");
                    check("CL.TE, TE.CL", raw.as_bytes(), "400");
                }
            }
        }
    }
}

#[test]
fn disguised_transfer_encodings_are_refused() {
    let disguises: &[&[u8]] = &[
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding\t: chunked",
        b" Transfer-Encoding: chunked",
        b"\tTransfer-Encoding: chunked",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunkedx",
        b"Transfer-Encoding: x chunked",
        b"Transfer-Encoding: \x0bchunked",
        b"Transfer-Encoding: \x0cchunked",
        b"Transfer-Encoding:\x0bchunked",
        b"Transfer-Encoding: chunked\x0b",
        b"Transfer-Encoding: \0chunked",
        b"Transfer-Encoding: chunked\0",
        b"Transfer-Encoding: \x7fchunked",
        b"Transfer-Encoding: \xa0chunked",
        b"Transfer-Encoding: chunked\xa0",
        b"Transfer-Encoding: \xc4\x8bhunked",
        b"Transfer-Encoding\0: chunked",
        b"Transfer-Encoding\x0b: chunked",
        b"Transfer-Encoding\xa0: chunked",
        b"Transfer Encoding: chunked",
        b"Transfer-Encoding chunked",
        b"Transfer-Encoding",
        b"Transfer-Encoding:\r\n chunked",
        b"Transfer-Encoding:\r\n\tchunked",
        b"Transfer-Encoding:\n chunked",
        b"Transfer-Encoding\r\n : chunked",
        b"Transfer-Encoding: chunked\r\n , identity",
        b"Transfer-Encoding: \rchunked",
        b"Transfer-Encoding: chunked\r",
        b"Transfer-Encoding: chunked\rX: y",
        b"X: y\rTransfer-Encoding: chunked",
        b"X: y\r\rTransfer-Encoding: chunked",
        b"\rTransfer-Encoding: chunked",
        b"Transfer-Encoding: \"chunked\"",
        b"Transfer-Encoding: 'chunked'",
        b"Transfer-Encoding: chunked;q=1",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: chunked, cow",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
        b"Transfer-Encoding: chunked\r\nTransfer-encoding: identity",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: ,chunked",
        b"Transfer-Encoding: chunked,",
        b"Transfer-Encoding: [chunked]",
        b"Transfer-Encoding: {chunked}",
        b"Transfer-Encoding: chu\tnked",
        b": chunked\r\nTransfer-Encoding: chunked",
    ];
    for disguise in disguises {
        for length in [&b"Content-Length: 6\r\n"[..], b""] {
            let raw = [
                b"POST / HTTP/1.1\r\nHost: a\r\n",
                length,
                disguise,
                b"\r\n\r\n",
            ]
            .concat();
            check("TE.TE", &raw, "400");
        }
    }
    let unknown_first =
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    check("TE.TE", unknown_first, "501");
}

#[test]
fn disguised_lengths_are_refused() {
    let disguises: &[&[u8]] = &[
        b"Content-Length : 6",
        b"Content-Length\t: 6",
        b" Content-Length: 6",
        b"Content-Length: 6\r\n 7",
        b"Content-Length:\r\n 6",
        b"Content-Length: 6\r\nContent-Length: 7",
        b"Content-Length: 6 7",
        b"Content-Length: \x0b6",
        b"Content-Length: 6\0",
        b"Content-Length: 6\r",
        b"Content-Length: \xa06",
        b"Content-Length: +6",
        b"Content-Length: 0x6",
        b"Content-Length: 6,",
        b"Content-Length\0: 6",
        b"Content Length: 6",
        b"Content-Length 6",
    ];
    for disguise in disguises {
        let raw = [b"POST / HTTP/1.1\r\nHost: a\r\n", *disguise, b"\r\n\r\n"].concat();
        check("CL.CL", &raw, "400");
    }
}
