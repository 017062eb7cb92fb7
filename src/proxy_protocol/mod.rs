//! The PROXY protocol, versions 1 and 2: a header in which a proxy names the source of a connection.
//!
//! It is sent once, before the first byte of the connection's protocol. The specification is `doc/proxy-protocol.txt`
//! of `HAProxy`. Bytes in, values out: the caller decides which peers are trusted.

mod header;
mod v1;
mod v2;

pub use self::header::{ConnectionSource, Header, HeaderError};

/// Parses the header at the start of `input`; `None` if more bytes are needed.
///
/// # Errors
/// As soon as no header can begin with these bytes.
pub fn parse(input: &[u8]) -> Result<Option<Header>, HeaderError> {
    if is_beginning(input, v2::SIGNATURE) {
        v2::parse(input)
    } else if is_beginning(input, v1::SIGNATURE) {
        v1::parse(input)
    } else {
        Err(HeaderError::Missing)
    }
}

/// Whether one of the two begins with the other.
fn is_beginning(input: &[u8], signature: &[u8]) -> bool {
    let length = input.len().min(signature.len());
    input[..length] == signature[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `input` is a complete header, and has the same result when it is split at any byte.
    fn parse_at_each_split(input: &[u8]) -> Result<Option<Header>, HeaderError> {
        let whole = parse(input);
        for length in 0..input.len() {
            let part = parse(&input[..length]);
            assert!(
                part == Ok(None) || part == whole,
                "{length} of {input:?}: {part:?}"
            );
        }
        whole
    }

    fn address(text: &str) -> ConnectionSource {
        ConnectionSource::Address(text.parse().unwrap())
    }

    #[test]
    fn version_1_is_a_line() {
        use HeaderError::{Line, TooLong};
        let unknown = format!("UNKNOWN {}", "x".repeat(107 - 16));
        let too_long = format!("UNKNOWN {}", "x".repeat(107 - 15));
        for (rest, expected) in [
            (
                "TCP4 192.0.2.1 192.0.2.9 40000 443",
                Ok(address("192.0.2.1:40000")),
            ),
            (
                "TCP4 255.255.255.255 0.0.0.0 65535 0",
                Ok(address("255.255.255.255:65535")),
            ),
            ("TCP6 2001:db8::1 ::1 1 2", Ok(address("[2001:db8::1]:1"))),
            ("TCP6 ::ffff:192.0.2.1 ::1 1 2", Ok(address("192.0.2.1:1"))),
            ("UNKNOWN", Ok(ConnectionSource::Peer)),
            ("UNKNOWN 192.0.2.1 anything", Ok(ConnectionSource::Peer)),
            (&unknown, Ok(ConnectionSource::Peer)),
            (&too_long, Err(TooLong)),
            ("UNKNOWNx", Err(Line)),
            ("", Err(Line)),
            ("TCP4", Err(Line)),
            ("TCP4 192.0.2.1 192.0.2.9 40000", Err(Line)),
            ("TCP4 192.0.2.1 192.0.2.9 40000 443 ", Err(Line)),
            ("TCP4 192.0.2.1 192.0.2.9 40000 443 1", Err(Line)),
            ("TCP4  192.0.2.1 192.0.2.9 40000 443", Err(Line)),
            ("TCP4 192.0.2.1 192.0.2.9 40000 65536", Err(Line)),
            ("TCP4 192.0.2.1 192.0.2.9 040000 443", Err(Line)),
            ("TCP4 192.0.2.1 192.0.2.9 +40000 443", Err(Line)),
            ("TCP4 192.0.2.1 192.0.2.9 00 443", Err(Line)),
            ("TCP4 192.0.2.1 192.0.2.9  443", Err(Line)),
            ("TCP4 192.0.2.256 192.0.2.9 40000 443", Err(Line)),
            ("TCP4 192.0.2.01 192.0.2.9 40000 443", Err(Line)),
            ("TCP4 ::1 ::1 40000 443", Err(Line)),
            ("TCP6 192.0.2.1 192.0.2.9 40000 443", Err(Line)),
            ("TCP6 fe80::1%eth0 ::1 1 2", Err(Line)),
            ("tcp4 192.0.2.1 192.0.2.9 40000 443", Err(Line)),
            ("UDP4 192.0.2.1 192.0.2.9 40000 443", Err(Line)),
            ("TCP4 192.0.2.1 192.0.2.9 40000 443\n", Err(Line)),
            ("TCP4 192.0.2.1 192.0.2.9 40000 443\u{e9}", Err(Line)),
        ] {
            let line = format!("PROXY {rest}\r\n");
            let expected = expected.map(|source| {
                let length = line.len();
                Some(Header { length, source })
            });
            assert_eq!(parse_at_each_split(line.as_bytes()), expected, "{rest:?}");
            let followed = [line.as_bytes(), b"GET / HTTP/1.1\r\n"].concat();
            assert_eq!(parse(&followed), expected, "{rest:?}");
        }
    }

    #[test]
    fn version_1_without_an_end_is_refused_in_time() {
        let endless = [&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat();
        assert_eq!(parse(&endless[..106]), Ok(None));
        assert_eq!(parse(&endless[..107]), Err(HeaderError::TooLong));
    }

    #[test]
    fn other_bytes_than_a_header_are_refused_at_the_first_wrong_byte() {
        for (input, expected) in [
            (&b""[..], Ok(None)),
            (b"P", Ok(None)),
            (b"PROXY", Ok(None)),
            (b"PUT ", Err(HeaderError::Missing)),
            (b"PROXYx", Err(HeaderError::Missing)),
            (b"GET / HTTP/1.1\r\n\r\n", Err(HeaderError::Missing)),
            (b"\r\n", Ok(None)),
            (b"\r\nGET", Err(HeaderError::Missing)),
            (b"\r\n\r\n\0\r\nQUIT", Ok(None)),
            (b"\r\n\r\n\0\r\nQUIT\r", Err(HeaderError::Missing)),
            (b"proxy UNKNOWN\r\n", Err(HeaderError::Missing)),
        ] {
            assert_eq!(parse(input), expected, "{input:?}");
        }
    }

    /// A header of version 2 with these bytes after the signature, and the length of `rest`.
    fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [v2::SIGNATURE, &[command, family], &length, rest].concat()
    }

    #[test]
    fn version_2_is_binary() {
        use HeaderError::{Short, Unspecified};
        let four = [192, 0, 2, 1, 192, 0, 2, 9, 0x9C, 0x40, 0x01, 0xBB];
        let mut six = [0; 36];
        six[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        six[15] = 1;
        six[33] = 7;
        let mut mapped = [0; 36];
        mapped[10..16].copy_from_slice(&[0xff, 0xff, 192, 0, 2, 1]);
        let with_tlv = [&four[..], &[0x04, 0, 3, b'a', b'b', b'c']].concat();
        for (command, family, rest, expected) in [
            (0x21, 0x11, &four[..], Ok(address("192.0.2.1:40000"))),
            (0x21, 0x11, &with_tlv, Ok(address("192.0.2.1:40000"))),
            (0x21, 0x21, &six, Ok(address("[2001:db8::1]:7"))),
            (0x21, 0x21, &mapped, Ok(address("192.0.2.1:0"))),
            // The proxy's own connection; the rest is ignored.
            (0x20, 0x00, b"", Ok(ConnectionSource::Peer)),
            (0x20, 0x11, &four, Ok(ConnectionSource::Peer)),
            (0x20, 0xFF, b"x", Ok(ConnectionSource::Peer)),
            // No address of TCP.
            (0x21, 0x00, b"", Ok(ConnectionSource::Peer)),
            (0x21, 0x00, b"TLVs", Ok(ConnectionSource::Peer)),
            (0x21, 0x12, &four, Ok(ConnectionSource::Peer)),
            (0x21, 0x22, &six, Ok(ConnectionSource::Peer)),
            (0x21, 0x31, &[0; 216], Ok(ConnectionSource::Peer)),
            (0x21, 0x11, &four[..11], Err(Short(11))),
            (0x21, 0x11, b"", Err(Short(0))),
            (0x21, 0x21, &six[..35], Err(Short(35))),
            (0x21, 0x31, &[0; 215], Err(Short(215))),
            (0x21, 0x13, &four, Err(Unspecified(0x21, 0x13))),
            (0x21, 0x41, &six, Err(Unspecified(0x21, 0x41))),
            (0x22, 0x11, &four, Err(Unspecified(0x22, 0x11))),
            (0x11, 0x11, &four, Err(Unspecified(0x11, 0x11))),
            (0x31, 0x11, &four, Err(Unspecified(0x31, 0x11))),
        ] {
            let header = binary(command, family, rest);
            let expected = expected.map(|source| {
                let length = header.len();
                Some(Header { length, source })
            });
            let found = parse_at_each_split(&header);
            assert_eq!(found, expected, "{command:02x} {family:02x} {rest:?}");
        }
    }

    #[test]
    fn the_longest_header_of_version_2_is_read() {
        let header = binary(0x20, 0, &vec![0; 65_535]);
        assert_eq!(parse(&header[..header.len() - 1]), Ok(None));
        let source = ConnectionSource::Peer;
        let length = 65_551;
        assert_eq!(parse(&header), Ok(Some(Header { length, source })));
    }
}
