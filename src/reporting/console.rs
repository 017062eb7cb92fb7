//! The lines on stderr for users.
//!
//! Text from a client is escaped as in the request log, so that it can neither forge a line nor control a terminal.

use std::borrow::Cow;
use std::io::Write as _;
use std::time::SystemTime;

use jiff::Timestamp;

use crate::access_log::Record;
use crate::peer::Peer;
use crate::request_log::format::layout::{push_escaped, push_name};

/// The kinds of lines that are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// One for each upload that has ended.
    Uploads,
    /// One for each request.
    Requests,
    /// One for each request, and for each connection that is opened or closed.
    Connections,
}

/// Appends the line for a request that has ended, if it has one.
pub(super) fn push_request(out: &mut Vec<u8>, detail: Detail, record: &Record<'_>) {
    match detail {
        Detail::Uploads if record.method == Some(b"PUT") => push_upload(out, record),
        Detail::Uploads => {}
        Detail::Requests | Detail::Connections => push_any(out, record),
    }
}

/// `PUT a.txt: 6 bytes from 192.0.2.1:40000`
fn push_upload(out: &mut Vec<u8>, record: &Record<'_>) {
    let target = record.target.unwrap_or(b"-");
    let name = target.strip_prefix(b"/").unwrap_or(target);
    out.extend_from_slice(b"PUT ");
    // As in the entry: the name of a stored file, or the target of a refused request as received.
    if is_granted(record) {
        push_name(out, &Cow::from(percent_encoding::percent_decode(name)));
    } else {
        push_escaped(out, name);
    }
    let bytes = record.content_bytes_in;
    let noun = if bytes == 1 { "byte" } else { "bytes" };
    // Writing into a vector cannot fail.
    let _ = write!(out, ": {bytes} {noun} from ");
    push_client(out, record);
    if !is_granted(record) {
        out.extend_from_slice(b", failed: ");
        push_status(out, record);
        push_reason(out, record);
    }
    out.push(b'\n');
}

/// `2026-11-27T12:00:00.123Z 192.0.2.1:40000 GET /a.txt 200 6 bytes 0.345 ms`
fn push_any(out: &mut Vec<u8>, record: &Record<'_>) {
    push_time(out, record.time);
    out.push(b' ');
    push_client(out, record);
    for part in [record.method, record.target] {
        out.push(b' ');
        push_escaped(out, part.unwrap_or(b"-"));
    }
    out.push(b' ');
    push_status(out, record);
    let bytes = match record.method {
        Some(b"PUT") => record.content_bytes_in,
        _ => record.content_bytes_out,
    };
    let noun = if bytes == 1 { "byte" } else { "bytes" };
    let milliseconds = record.duration.as_secs_f64() * 1e3;
    let _ = write!(out, " {bytes} {noun} {milliseconds:.3} ms");
    push_reason(out, record);
    out.push(b'\n');
}

/// `2026-11-27T12:00:00.123Z 192.0.2.1:40000 connection 7 opened`
pub(super) fn push_opened(out: &mut Vec<u8>, connection: u64, peer: Peer) {
    push_time(out, SystemTime::now());
    let _ = writeln!(out, " {peer} connection {connection} opened");
}

/// `2026-11-27T12:00:00.123Z 192.0.2.1:40000 connection 7 closed after 2 requests: the client closed it`
pub(super) fn push_closed(
    out: &mut Vec<u8>,
    connection: u64,
    peer: Peer,
    requests: u64,
    reason: &str,
) {
    push_time(out, SystemTime::now());
    let noun = if requests == 1 { "request" } else { "requests" };
    let _ = writeln!(
        out,
        " {peer} connection {connection} closed after {requests} {noun}: {reason}"
    );
}

fn is_granted(record: &Record<'_>) -> bool {
    record.error.is_none() && record.status.is_some_and(|status| status < 400)
}

/// The peer with its port; behind proxies the client, followed by the peer.
fn push_client(out: &mut Vec<u8>, record: &Record<'_>) {
    let _ = if record.client == record.peer.address() {
        write!(out, "{}", record.peer)
    } else {
        write!(out, "{} (through {})", record.client, record.peer)
    };
}

/// The status; a hyphen if the client left before the response.
fn push_status(out: &mut Vec<u8>, record: &Record<'_>) {
    let _ = match record.status {
        Some(status) => write!(out, "{status}"),
        None => write!(out, "-"),
    };
}

fn push_reason(out: &mut Vec<u8>, record: &Record<'_>) {
    if let Some(error) = record.error {
        out.extend_from_slice(b", ");
        out.extend_from_slice(error.as_bytes());
    }
}

fn push_time(out: &mut Vec<u8>, time: SystemTime) {
    let time = Timestamp::try_from(time).unwrap_or_default();
    let _ = write!(out, "{time:.3}");
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn line(detail: Detail, record: &Record<'_>) -> String {
        let mut out = Vec::new();
        push_request(&mut out, detail, record);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn request_is_one_line() {
        for detail in [Detail::Requests, Detail::Connections] {
            assert_eq!(
                line(detail, &Record::sample()),
                "2026-11-27T12:00:00.123Z 192.0.2.1:40000 GET /a.txt 200 6 bytes 0.345 ms\n"
            );
        }
        let put = Record {
            method: Some(b"PUT"),
            content_bytes_in: 1,
            status: Some(507),
            error: Some("the disk is full"),
            ..Record::sample()
        };
        assert_eq!(
            line(Detail::Requests, &put),
            "2026-11-27T12:00:00.123Z 192.0.2.1:40000 PUT /a.txt 507 1 byte 0.345 ms, the disk is full\n"
        );
        let broken = Record {
            method: None,
            target: None,
            status: None,
            client: IpAddr::from([192, 0, 2, 9]).into(),
            ..Record::sample()
        };
        assert_eq!(
            line(Detail::Requests, &broken),
            "2026-11-27T12:00:00.123Z 192.0.2.9 (through 192.0.2.1:40000) - - - 6 bytes 0.345 ms\n"
        );
    }

    #[test]
    fn uploads_have_a_line_of_their_own() {
        let put = Record {
            method: Some(b"PUT"),
            target: Some(b"/a%20b%25/caf%C3%A9"),
            content_bytes_in: 12_345,
            ..Record::sample()
        };
        assert_eq!(
            line(Detail::Uploads, &put),
            "PUT a%20b%25/caf%C3%A9: 12345 bytes from 192.0.2.1:40000\n"
        );
        let refused = Record {
            status: Some(403),
            error: Some("it may not be written"),
            target: Some(b"/a\x1b[2J"),
            ..put
        };
        assert_eq!(
            line(Detail::Uploads, &refused),
            "PUT a%1B[2J: 12345 bytes from 192.0.2.1:40000, failed: 403, it may not be written\n"
        );
        assert_eq!(line(Detail::Uploads, &Record::sample()), "");
    }

    #[test]
    fn no_client_can_forge_a_line() {
        let hostile = b"/\n\r\t \x1b]0;x\x07\x7f\xff\"";
        let record = Record {
            method: Some(hostile),
            target: Some(hostile),
            ..Record::sample()
        };
        let line = line(Detail::Requests, &record);
        assert_eq!(line.matches('\n').count(), 1);
        assert!(line.contains(" /%0A%0D%09%20%1B]0;x%07%7F%FF\" "), "{line}");
    }

    #[test]
    fn connections_have_lines() {
        let mut out = Vec::new();
        let peer = Record::sample().peer;
        push_opened(&mut out, 7, peer);
        push_closed(&mut out, 7, peer, 1, "the client closed it");
        let text = String::from_utf8(out).unwrap();
        let ends: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_once("Z "))
            .collect();
        assert_eq!(ends[0].1, "192.0.2.1:40000 connection 7 opened");
        assert_eq!(
            ends[1].1,
            "192.0.2.1:40000 connection 7 closed after 1 request: the client closed it"
        );
    }
}
