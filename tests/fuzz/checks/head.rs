//! Request heads: the verdict does not depend on the pieces, and accepted heads are unambiguous.

use httpserver::http::{
    Expect, Framing, HeadScan, Host, MAX_FIELDS, Request, StatusCode, line_parts,
};

/// Checks a head, valid or not.
pub(crate) fn check(data: &[u8]) {
    let _ = line_parts(data);
    let whole = HeadScan::default().find_end(data);
    let mut scan = HeadScan::default();
    let mut decided = Ok(None);
    for end in 0..=data.len() {
        decided = scan.find_end(&data[..end]);
        if decided != Ok(None) {
            break;
        }
    }
    assert_eq!(decided, whole, "the pieces matter");
    if let Ok(Some(length)) = whole {
        let head = &data[..length];
        match Request::parse(head) {
            Ok(request) => check_accepted(head, &request),
            Err(refusal) => assert!(refusal.status.code() >= 400, "{refusal}"),
        }
    } else if let Err(refusal) = whole {
        let known = [
            StatusCode::BadRequest,
            StatusCode::UriTooLong,
            StatusCode::RequestHeaderFieldsTooLarge,
        ];
        assert!(known.contains(&refusal.status), "{refusal}");
    }
}

/// Reads an accepted head a second time, line by line, with nothing but the rules that keep two readers of one message
/// from seeing two messages (RFC 9112 §11.2).
fn check_accepted(head: &[u8], request: &Request<'_>) {
    let text: Vec<&[u8]> = head
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .collect();
    let start = usize::from(text[0].is_empty());
    let [line, fields @ .., b"", b""] = &text[start..] else {
        panic!("no empty line at the end");
    };
    let mut again = request.method.as_bytes().to_vec();
    for part in [request.raw_target(), request.raw_version()] {
        again.push(b' ');
        again.extend_from_slice(part);
    }
    assert_eq!(*line, again, "the request line has other parts");
    assert!(fields.len() <= MAX_FIELDS);
    let mut lengths = Vec::new();
    let mut codings = Vec::new();
    let mut hosts = 0;
    for field in fields {
        let colon = field
            .iter()
            .position(|&byte| byte == b':')
            .expect("a colon");
        let (name, value) = (&field[..colon], &field[colon + 1..]);
        let is_token =
            |byte: &u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(byte);
        assert!(
            !name.is_empty() && name.iter().all(is_token),
            "a field name"
        );
        assert!(
            !value
                .iter()
                .any(|&byte| byte != b'\t' && byte.is_ascii_control())
        );
        match name.to_ascii_lowercase().as_slice() {
            b"content-length" => {
                lengths.extend(value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii));
            }
            b"transfer-encoding" => codings.push(value.trim_ascii().to_ascii_lowercase()),
            b"host" => hosts += 1,
            _ => {}
        }
    }
    assert_eq!(hosts, usize::from(request.host != Host::Missing));
    match request.framing {
        Framing::Absent => assert!(lengths.is_empty() && codings.is_empty()),
        Framing::Length(length) => {
            assert!(codings.is_empty());
            assert!(!lengths.is_empty());
            for digits in lengths {
                assert!(digits.iter().all(u8::is_ascii_digit));
                let value: u64 = std::str::from_utf8(digits).unwrap().parse().unwrap();
                assert_eq!(value, length);
            }
        }
        Framing::Chunked => {
            assert!(lengths.is_empty());
            assert_eq!(codings, [b"chunked"]);
            assert_ne!(request.raw_version(), b"HTTP/1.0");
        }
    }
    if request.raw_version() == b"HTTP/1.0" {
        assert_eq!(request.expect, Expect::None);
    }
}
