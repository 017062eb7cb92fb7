//! Every byte at every place of a head, against the grammar written out a second time.
//!
//! The places reach beyond the widths in which field lines are searched.

use super::verdict;

fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Puts each byte at each place of a run of `a` between `before` and `after`, and asserts that
/// exactly the bytes for which `allowed` holds are accepted there.
fn check_bytes(before: &str, after: &str, places: usize, allowed: impl Fn(usize, u8) -> bool) {
    for place in 0..places {
        for byte in 0..=u8::MAX {
            let mut run = vec![b'a'; places];
            run[place] = byte;
            let raw = [before.as_bytes(), &run, after.as_bytes()].concat();
            let verdict = verdict(&raw);
            let accepted = verdict != "400";
            assert_eq!(
                accepted,
                allowed(place, byte),
                "{byte:#04x} at {place}: {verdict}"
            );
        }
    }
}

#[test]
fn method_accepts_token_bytes_only() {
    check_bytes("", " / HTTP/1.1\r\nHost: a\r\n\r\n", 5, |place, byte| {
        // An empty line is allowed before the method.
        is_tchar(byte) || place == 0 && byte == b'\n'
    });
}

#[test]
fn target_accepts_uri_characters_and_bytes_from_0x80() {
    check_bytes("GET /", " HTTP/1.1\r\nHost: a\r\n\r\n", 3, |_, byte| {
        byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%[]".contains(&byte) || byte >= 0x80
    });
}

#[test]
fn field_name_accepts_token_bytes_only() {
    check_bytes("GET / HTTP/1.1\r\n", ": b\r\n\r\n", 40, |place, byte| {
        // An early colon ends the name; an early line end ends the head.
        is_tchar(byte) || byte == b':' && place > 0 || byte == b'\n' && place == 0
    });
}

#[test]
fn field_value_accepts_no_control_byte_but_tab() {
    check_bytes(
        "GET / HTTP/1.1\r\nA: ",
        "\r\nHost: a\r\n\r\n",
        40,
        |place, byte| {
            let last = place == 39;
            byte == b'\t' || byte >= b' ' && byte != 0x7f || last && byte == b'\n'
        },
    );
}
