//! Classes of bytes, and small grammar rules that several parts of a head share.
//!
//! This is not a parser: the callers interpret the results.

/// RFC 9110 §5.6.2 `tchar`.
const TOKEN: u8 = 1;
/// Bytes allowed in a request target.
const TARGET: u8 = 2;
/// RFC 3986 §3.2.2 `reg-name`, with `%` whatever follows it.
const REG_NAME: u8 = 4;

/// The classes of each byte, so that a check is one load.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] = class(byte);
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

const fn class(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => TOKEN | TARGET | REG_NAME,
        // RFC 3986 `unreserved`, and those of `sub-delims` that a token may hold.
        b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'*' | b'+' | b'%' => {
            TOKEN | TARGET | REG_NAME
        }
        b'(' | b')' | b',' | b';' | b'=' => TARGET | REG_NAME,
        b':' | b'/' | b'?' | b'[' | b']' | b'@' | 0x80.. => TARGET,
        b'#' | b'^' | b'`' | b'|' => TOKEN,
        _ => 0,
    }
}

fn all(bytes: &[u8], class: u8) -> bool {
    bytes
        .iter()
        .all(|&byte| CLASSES[usize::from(byte)] & class != 0)
}

/// Whether `byte` may stand in a token: a method, a field name (RFC 9110 §5.6.2).
pub(in crate::http) fn is_token_byte(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & TOKEN != 0
}

/// Whether `bytes` is a token (RFC 9110 §5.6.2).
pub(in crate::http) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && all(bytes, TOKEN)
}

/// The length of the token or quoted string at the start of `text` (RFC 9110 §5.6.4); `None` if it starts with neither.
pub(in crate::http) fn token_or_quoted_length(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'"') {
        let end = text.iter().position(|&byte| !is_token_byte(byte));
        return Some(end.unwrap_or(text.len())).filter(|&length| length > 0);
    }
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 1,
            _ => {}
        }
        let byte = *text.get(at)?;
        if byte.is_ascii_control() && byte != b'\t' {
            return None;
        }
        at += 1;
    }
}

/// Whether `bytes` may be a request target: the characters of RFC 3986 but `#`, since a fragment
/// is never sent (RFC 9110 §7.1), and bytes from 0x80, which some clients send unencoded.
pub(super) fn is_target(bytes: &[u8]) -> bool {
    !bytes.is_empty() && all(bytes, TARGET)
}

/// Whether `byte` may stand in a field value (RFC 9110 §5.5): no control byte but HTAB.
pub(super) fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// `bytes` as `uri-host [ ":" port ]` (RFC 9110 §7.2); `None` if the syntax is wrong.
///
/// The host may be empty: clients without an authority send it so.
pub(super) fn host_and_port(bytes: &[u8]) -> Option<&str> {
    let port = if let [b'[', literal @ ..] = bytes {
        let end = literal.iter().position(|&byte| byte == b']')?;
        let (literal, port) = (&literal[..end], &literal[end + 1..]);
        // Colons and the bytes of a name. Addresses are not resolved, so this check is enough.
        let valid = !literal.is_empty() && literal.split(|&byte| byte == b':').all(is_reg_name);
        valid.then_some(port)?
    } else {
        let end = bytes.iter().position(|&byte| !is_reg_name_byte(byte));
        &bytes[end.unwrap_or(bytes.len())..]
    };
    match port {
        [] => {}
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {}
        _ => return None,
    }
    str::from_utf8(bytes).ok()
}

/// Whether `bytes`, perhaps none, can be a registered name or an IPv4 address (RFC 3986 §3.2.2).
fn is_reg_name(bytes: &[u8]) -> bool {
    bytes.iter().copied().all(is_reg_name_byte)
}

fn is_reg_name_byte(byte: u8) -> bool {
    CLASSES[usize::from(byte)] & REG_NAME != 0
}

/// `bytes` without the spaces and tabs around it (RFC 9110 §5.6.3 `OWS`).
pub(in crate::http) fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The elements of a comma-separated list, empty ones included (RFC 9110 §5.6.1).
///
/// Commas inside quoted strings also separate: no list that is parsed here has valid elements with quotes.
pub(super) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim_ows)
}

/// `line` without the CR of its line end; the LF is already removed.
pub(super) fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// `bytes` after the one empty line that may precede a request line (RFC 9112 §2.2).
pub(super) fn after_leading_line(bytes: &[u8]) -> &[u8] {
    bytes
        .strip_prefix(b"\r\n")
        .or_else(|| bytes.strip_prefix(b"\n"))
        .unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ascii_byte_has_its_classes() {
        let members = |class: u8| -> String {
            (0..128u8)
                .filter(|&byte| CLASSES[usize::from(byte)] & class != 0)
                .map(char::from)
                .collect()
        };
        let alphanumeric = |before: &str, digits_on: &str, upper_on: &str, lower_on: &str| {
            format!(
                "{before}0123456789{digits_on}ABCDEFGHIJKLMNOPQRSTUVWXYZ{upper_on}abcdefghijklmnopqrstuvwxyz{lower_on}"
            )
        };
        assert_eq!(members(TOKEN), alphanumeric("!#$%&'*+-.", "", "^_`", "|~"));
        assert_eq!(
            members(TARGET),
            alphanumeric("!$%&'()*+,-./", ":;=?@", "[]_", "~")
        );
        assert_eq!(
            members(REG_NAME),
            alphanumeric("!$%&'()*+,-.", ";=", "_", "~")
        );
    }

    #[test]
    fn bytes_from_0x80_stand_in_targets_only() {
        for byte in 0x80..=0xffu8 {
            assert_eq!(CLASSES[usize::from(byte)], TARGET, "{byte:#x}");
        }
    }

    #[test]
    fn hosts_are_recognised() {
        for valid in [
            "",
            "a",
            "localhost",
            "localhost:8080",
            "a:",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:8080",
            "[v1.a:b]",
            "a_b.example",
            "%41",
            "xn--nxasmq6b",
            "a;b",
            ":80",
        ] {
            assert_eq!(host_and_port(valid.as_bytes()), Some(valid));
        }
        for invalid in [
            "a b", "a/b", "a:b", "a:8o", "a:80:80", "[::1", "[]", "[::1]80", "[::1]:x", "a@b",
            "a?b", "a#b", "é", "[[::1]]", "::1", "a:-1", "\"a\"", "a\\b", "<a>",
        ] {
            assert_eq!(host_and_port(invalid.as_bytes()), None, "{invalid}");
        }
    }
}
