//! The combined log format: `client - user [time] "request line" status bytes "referer" "agent"`.
//!
//! Apache httpd and nginx write it, and `GoAccess`, fail2ban, awstats, Loki and Vector read it. In quotes, a quotation
//! mark, a backslash and bytes outside the visible ones are written `\xHH`, as nginx does, so no client can end a quote
//! or a line. A missing value is `-`.

use std::cell::RefCell;
use std::io::Write as _;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::record::Record;

/// The status of a request without a response, since its client left, as in nginx.
const CLIENT_GONE: u16 = 499;

/// Appends the line for a request.
pub(super) fn push(out: &mut Vec<u8>, record: &Record<'_>) {
    // Writing into a vector cannot fail.
    let _ = write!(out, "{}", record.client);
    out.extend_from_slice(b" - ");
    push_word(out, record.user.map(str::as_bytes));
    out.extend_from_slice(b" [");
    push_time(out, record.time);
    out.extend_from_slice(b"] \"");
    if record.method.is_some() || record.target.is_some() {
        push_escaped(out, record.method.unwrap_or(b"-"));
        out.push(b' ');
        push_escaped(out, record.target.unwrap_or(b"-"));
        if let Some(version) = record.version {
            out.push(b' ');
            push_escaped(out, version);
        }
    } else {
        out.push(b'-');
    }
    out.extend_from_slice(b"\" ");
    push_number(out, record.status.unwrap_or(CLIENT_GONE));
    out.push(b' ');
    push_number(out, record.content_bytes_out);
    out.push(b' ');
    push_quoted(out, record.referer);
    out.push(b' ');
    push_quoted(out, record.agent);
    out.push(b'\n');
}

/// A time as text, and the second that it names.
struct RenderedTime {
    second: i64,
    text: String,
}

thread_local! {
    static LAST: RefCell<RenderedTime> = const {
        RefCell::new(RenderedTime { second: i64::MIN, text: String::new() })
    };
}

/// Appends `27/Nov/2026:12:00:00 +0000`. Most lines of a thread have the time of the one before.
fn push_time(out: &mut Vec<u8>, time: SystemTime) {
    let time = Timestamp::try_from(time).unwrap_or_default();
    LAST.with_borrow_mut(|last| {
        if last.second != time.as_second() {
            last.second = time.as_second();
            let time = time.to_zoned(TimeZone::UTC);
            last.text = time.strftime("%d/%b/%Y:%H:%M:%S %z").to_string();
        }
        out.extend_from_slice(last.text.as_bytes());
    });
}

fn push_number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn push_quoted(out: &mut Vec<u8>, text: Option<&[u8]>) {
    out.push(b'"');
    push_escaped(out, text.unwrap_or(b"-"));
    out.push(b'"');
}

/// A word outside quotes: spaces in it are also escaped.
fn push_word(out: &mut Vec<u8>, text: Option<&[u8]>) {
    for piece in text.unwrap_or(b"-").split_inclusive(|&byte| byte == b' ') {
        match piece.split_last() {
            Some((b' ', before)) => {
                push_escaped(out, before);
                out.extend_from_slice(b"\\x20");
            }
            _ => push_escaped(out, piece),
        }
    }
}

fn push_escaped(out: &mut Vec<u8>, text: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| !is_plain(byte)) {
        let byte = rest[at];
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"\\x");
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 0x0F)]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// Whether a byte is written unescaped in quotes.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    fn line(record: &Record<'_>) -> String {
        let mut out = Vec::new();
        push(&mut out, record);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_request_is_one_line() {
        let record = Record {
            user: Some("ann"),
            referer: Some(b"http://a.example/"),
            agent: Some(b"curl/8.0"),
            ..Record::sample()
        };
        assert_eq!(
            line(&record),
            "192.0.2.1 - ann [27/Nov/2026:12:00:00 +0000] \"GET /a.txt HTTP/1.1\" 200 6 \
             \"http://a.example/\" \"curl/8.0\"\n"
        );
    }

    #[test]
    fn missing_parts_are_hyphens() {
        let record = Record {
            method: None,
            target: None,
            version: None,
            status: None,
            ..Record::sample()
        };
        assert_eq!(
            line(&record),
            "192.0.2.1 - - [27/Nov/2026:12:00:00 +0000] \"-\" 499 6 \"-\" \"-\"\n"
        );
    }

    #[test]
    fn trusted_proxies_name_the_client() {
        let record = Record {
            client: IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]).into(),
            ..Record::sample()
        };
        assert!(line(&record).starts_with("2001:db8::1 - - ["));
    }

    #[test]
    fn no_client_can_forge_a_line() {
        let hostile = b"/\" 200 1\n192.0.2.9 - - [x] \\\r\t\x00\x7f\xff";
        let record = Record {
            user: Some("a b\"\n"),
            method: Some(hostile),
            target: Some(hostile),
            version: Some(hostile),
            referer: Some(hostile),
            agent: Some(hostile),
            ..Record::sample()
        };
        let line = line(&record);
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!(line.matches('"').count(), 6);
        assert!(line.contains(" - a\\x20b\\x22\\x0A ["));
        assert!(line.contains("\\x5C\\x0D\\x09\\x00\\x7F\\xFF"));
        assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')));
    }

    #[test]
    fn times_follow_the_second() {
        for (milliseconds, expected) in [
            (0, "01/Jan/1970:00:00:00 +0000"),
            (784_111_777_999, "06/Nov/1994:08:49:37 +0000"),
            (784_111_778_000, "06/Nov/1994:08:49:38 +0000"),
            (784_111_777_000, "06/Nov/1994:08:49:37 +0000"),
        ] {
            let mut out = Vec::new();
            push_time(&mut out, UNIX_EPOCH + Duration::from_millis(milliseconds));
            assert_eq!(out, expected.as_bytes());
        }
    }
}
