//! Each limit: reached, and exceeded by one.

use super::{Scanned, StatusCode, scan_pieces, scan_whole, verdict};
use crate::http::{MAX_FIELDS, MAX_FIELDS_LEN, MAX_REQUEST_LINE};

/// Scans whole and in pieces of some lengths around the limits.
fn scan(raw: &[u8]) -> Scanned {
    let whole = scan_whole(raw);
    for piece in [1, 2, 3, 1000, MAX_REQUEST_LINE, MAX_FIELDS_LEN] {
        assert_eq!(
            scan_pieces(raw, (0..raw.len()).step_by(piece)),
            whole,
            "pieces of {piece}"
        );
    }
    whole
}

/// A request line of `len` bytes.
fn line(len: usize) -> String {
    let fixed = "GET / HTTP/1.1".len();
    format!("GET /{} HTTP/1.1", "a".repeat(len - fixed))
}

/// One field line of `len` bytes, its line end included.
fn field(len: usize, end: &str) -> String {
    format!("A:{}{end}", "b".repeat(len - 2 - end.len()))
}

#[test]
fn request_line_is_limited() {
    for end in ["\r\n", "\n"] {
        for before in ["", "\r\n"] {
            let longest = format!("{before}{}{end}{end}", line(MAX_REQUEST_LINE));
            assert_eq!(scan(longest.as_bytes()), Ok(Some(longest.len())));
            assert!(verdict(longest.as_bytes()).starts_with("GET "));
            let longer = format!("{before}{}{end}{end}", line(MAX_REQUEST_LINE + 1));
            assert_eq!(scan(longer.as_bytes()), Err(StatusCode::UriTooLong));
        }
    }
}

#[test]
fn request_line_without_end_is_refused_at_the_limit() {
    let longest = "A".repeat(MAX_REQUEST_LINE);
    assert_eq!(scan(longest.as_bytes()), Ok(None));
    assert_eq!(scan(format!("{longest}\r").as_bytes()), Ok(None));
    assert_eq!(
        scan(format!("{longest}\rA").as_bytes()),
        Err(StatusCode::UriTooLong)
    );
    assert_eq!(
        scan(format!("{longest}A").as_bytes()),
        Err(StatusCode::UriTooLong)
    );
}

#[test]
fn field_section_is_limited() {
    for end in ["\r\n", "\n"] {
        for empty in ["\r\n", "\n"] {
            let first = format!("{}{end}Host: a{end}", line(MAX_REQUEST_LINE));
            let room = MAX_FIELDS_LEN - "Host: a".len() - end.len();
            let longest = format!("{first}{}{empty}", field(room, end));
            assert_eq!(scan(longest.as_bytes()), Ok(Some(longest.len())));
            assert!(verdict(longest.as_bytes()).starts_with("GET "));
            let longer = format!("{first}{}{empty}", field(room + 1, end));
            assert_eq!(
                scan(longer.as_bytes()),
                Err(StatusCode::RequestHeaderFieldsTooLarge)
            );
        }
    }
}

#[test]
fn field_section_without_end_is_refused_at_the_limit() {
    let head = |len: usize| format!("GET / HTTP/1.1\r\n{}", "A".repeat(len));
    assert_eq!(scan(head(MAX_FIELDS_LEN).as_bytes()), Ok(None));
    assert_eq!(
        scan(head(MAX_FIELDS_LEN + 1).as_bytes()),
        Err(StatusCode::RequestHeaderFieldsTooLarge)
    );
    // The section is full, and only its empty line is missing.
    let full = format!("GET / HTTP/1.1\r\n{}", field(MAX_FIELDS_LEN, "\r\n"));
    assert_eq!(scan(full.as_bytes()), Ok(None));
    assert_eq!(scan(format!("{full}\r").as_bytes()), Ok(None));
    assert_eq!(
        scan(format!("{full}\r\n").as_bytes()),
        Ok(Some(full.len() + 2))
    );
    assert_eq!(
        scan(format!("{full}A").as_bytes()),
        Err(StatusCode::RequestHeaderFieldsTooLarge)
    );
}

#[test]
fn number_of_fields_is_limited() {
    let head = |fields: usize| {
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
            "A: b\r\n".repeat(fields - 1)
        )
    };
    // Around the room for the usual number of fields, too.
    for fields in [1, 2, 15, 16, 17, 18, MAX_FIELDS - 1, MAX_FIELDS] {
        assert_eq!(
            verdict(head(fields).as_bytes()),
            "GET origin=/ 1.1",
            "{fields}"
        );
    }
    for fields in [MAX_FIELDS + 1, MAX_FIELDS + 2, 2 * MAX_FIELDS] {
        assert_eq!(verdict(head(fields).as_bytes()), "431", "{fields}");
    }
}

#[test]
fn every_field_is_read_however_many_there_are() {
    for before in 0..MAX_FIELDS - 1 {
        let raw = format!(
            "GET / HTTP/1.1\r\n{}Content-Length: 7\r\nHost: a\r\n\r\n",
            "A: b\r\n".repeat(before)
        );
        let expected = if before + 2 <= MAX_FIELDS {
            "GET origin=/ 1.1 length=7"
        } else {
            "431"
        };
        assert_eq!(verdict(raw.as_bytes()), expected, "{before}");
    }
}
