//! A response head, appended to a buffer piece by piece (RFC 9112 §4, §5).
//!
//! The caller appends status line, fields and end in this order. The dialect chooses the fields.

use crate::http::status_code::StatusCode;

/// The interim response that asks for the content (RFC 9110 §15.2.1), complete.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Appends `HTTP/1.1 200 OK\r\n`.
pub fn write_status_line(out: &mut Vec<u8>, status: StatusCode) {
    out.extend_from_slice(status.line().as_bytes());
}

/// Appends `Content-Length: 1024\r\n`.
pub fn write_content_length(out: &mut Vec<u8>, length: u64) {
    let mut digits = itoa::Buffer::new();
    write_field(out, "Content-Length", digits.format(length).as_bytes());
}

/// Appends `name: value\r\n`.
///
/// A control byte in the value is written as a space, so that no value can add a line (RFC 9110 §5.5).
pub fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend(
        value
            .iter()
            .map(|&byte| if byte.is_ascii_control() { b' ' } else { byte }),
    );
    out.extend_from_slice(b"\r\n");
}

/// Appends the empty line that ends a head.
pub fn end_head(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_head_is_written() {
        let mut out = b"before".to_vec();
        write_status_line(&mut out, StatusCode::PartialContent);
        write_content_length(&mut out, u64::MAX);
        write_field(&mut out, "ETag", b"\"a\"");
        end_head(&mut out);
        let expected = "beforeHTTP/1.1 206 Partial Content\r\n\
            Content-Length: 18446744073709551615\r\nETag: \"a\"\r\n\r\n";
        assert_eq!(out, expected.as_bytes());
    }

    #[test]
    fn the_interim_response_is_a_whole_head() {
        let mut out = Vec::new();
        write_status_line(&mut out, StatusCode::Continue);
        end_head(&mut out);
        assert_eq!(out, CONTINUE);
    }

    #[test]
    fn a_value_cannot_start_a_line() {
        let mut out = Vec::new();
        write_field(&mut out, "Location", b"/a\r\nSet-Cookie: b\x00\x7f\xc3\xa9");
        assert_eq!(out, b"Location: /a  Set-Cookie: b  \xc3\xa9\r\n");
    }
}
