//! JSON Lines (RFC 8259): an object per request.
//!
//! Every line has every key; a missing value is null. Bytes that are not UTF-8 appear as U+FFFD.

use std::borrow::Cow;
use std::fmt::Display;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::record::Record;
use crate::peer::ClientAddress;

/// The object of a line, in the order of its keys.
#[derive(Serialize)]
struct LineObject<'r> {
    server: Option<&'r str>,
    /// RFC 3339, in UTC, with six digits of a second.
    #[serde(serialize_with = "microseconds")]
    time: Timestamp,
    connection: u64,
    request: u64,
    #[serde(serialize_with = "text")]
    peer: ClientAddress,
    port: Option<u16>,
    proxy: Option<String>,
    #[serde(serialize_with = "text")]
    client: ClientAddress,
    user: Option<&'r str>,
    method: Option<Cow<'r, str>>,
    target: Option<Cow<'r, str>>,
    version: Option<Cow<'r, str>>,
    status: Option<u16>,
    bytes_in: u64,
    bytes_out: u64,
    duration_us: u64,
    tls: Option<&'r str>,
    referer: Option<Cow<'r, str>>,
    agent: Option<Cow<'r, str>>,
    entry: Option<LogRange>,
    error: Option<&'r str>,
}

#[derive(Serialize)]
struct LogRange {
    offset: u64,
    length: u64,
}

/// Appends the line for a request.
pub(super) fn push(out: &mut Vec<u8>, server: Option<&str>, record: &Record<'_>) {
    let line = LineObject {
        server,
        time: Timestamp::try_from(record.time).unwrap_or_default(),
        connection: record.connection,
        request: record.request,
        peer: record.peer.address(),
        port: record.peer.port(),
        proxy: record.proxy.map(|proxy| proxy.to_string()),
        client: record.client,
        user: record.user,
        method: record.method.map(String::from_utf8_lossy),
        target: record.target.map(String::from_utf8_lossy),
        version: record.version.map(String::from_utf8_lossy),
        status: record.status,
        bytes_in: record.bytes_in,
        bytes_out: record.bytes_out,
        duration_us: u64::try_from(record.duration.as_micros()).unwrap_or(u64::MAX),
        tls: record.tls,
        referer: record.referer.map(String::from_utf8_lossy),
        agent: record.agent.map(String::from_utf8_lossy),
        entry: record.entry.map(|entry| LogRange {
            offset: entry.offset,
            length: entry.length,
        }),
        error: record.error,
    };
    let start = out.len();
    if serde_json::to_writer(&mut *out, &line).is_ok() {
        out.push(b'\n');
    } else {
        out.truncate(start); // no value of these types fails
    }
}

fn text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn microseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.6}"))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::entry_range::EntryRange;
    use crate::peer::Peer;

    fn line(record: &Record<'_>) -> String {
        let mut out = Vec::new();
        push(&mut out, Some("web-1"), record);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_request_is_one_object() {
        let record = Record {
            proxy: Some(SocketAddr::from(([192, 0, 2, 8], 41_000)).into()),
            user: Some("ann"),
            agent: Some(b"curl/8.0"),
            entry: Some(EntryRange {
                offset: 274,
                length: 50,
            }),
            error: Some("the name is not 27 characters"),
            ..Record::sample()
        };
        assert_eq!(
            line(&record),
            "{\"server\":\"web-1\",\"time\":\"2026-11-27T12:00:00.123456Z\",\"connection\":7,\"request\":2,\
             \"peer\":\"192.0.2.1\",\"port\":40000,\"proxy\":\"192.0.2.8:41000\",\"client\":\"192.0.2.1\",\"user\":\"ann\",\"method\":\"GET\",\
             \"target\":\"/a.txt\",\"version\":\"HTTP/1.1\",\"status\":200,\"bytes_in\":80,\"bytes_out\":126,\
             \"duration_us\":345,\"tls\":null,\"referer\":null,\"agent\":\"curl/8.0\",\
             \"entry\":{\"offset\":274,\"length\":50},\"error\":\"the name is not 27 characters\"}\n"
        );
    }

    #[test]
    fn peer_of_a_unix_socket_has_no_port() {
        let record = Record {
            peer: Peer::Unix,
            client: ClientAddress::Unix,
            ..Record::sample()
        };
        let expected = r#""peer":"unix","port":null,"proxy":null,"client":"unix","#;
        assert!(line(&record).contains(expected));
    }

    #[test]
    fn no_client_can_forge_a_line() {
        let hostile = b"\"}\n{\"status\":200,\\\x00\xff";
        let record = Record {
            target: Some(hostile),
            agent: Some(hostile),
            ..Record::sample()
        };
        let line = line(&record);
        assert_eq!(line.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["target"], "\"}\n{\"status\":200,\\\u{0}\u{fffd}");
        assert_eq!(value["status"], 200);
    }

    #[test]
    fn whole_seconds_have_six_digits_too() {
        let record = Record {
            time: std::time::UNIX_EPOCH,
            ..Record::sample()
        };
        assert!(line(&record).contains(",\"time\":\"1970-01-01T00:00:00.000000Z\","));
    }
}
