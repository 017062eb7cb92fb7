//! An entry as a JSON object, with all data of the log and the seal.

use crate::record::{EntryRecord, SealMatch};
use crate::text::address_and_port;
use httpserver::request_log::format::layout::decode_name;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

/// Unknown values are null.
#[derive(Serialize)]
struct Object<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'r str>,
    number: Option<u64>,
    offset: u64,
    length: u64,
    method: Option<&'r str>,
    name: Option<&'r str>,
    bytes: Option<u64>,
    status: Value,
    failed: bool,
    torn: bool,
    sealed: Option<bool>,
    seal_number: Option<u64>,
    time: Option<String>,
    peer: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    sha256: Option<String>,
    server: Option<&'r str>,
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<Value>,
}

/// Additional values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    Nothing,
    /// The name as text.
    Decoded,
    /// The number of its revision.
    Revision(Option<u64>),
}

/// Prints the object of an entry as one line. `log` is the name of its log, where there are several.
pub(crate) fn print(
    log: Option<&str>,
    record: &EntryRecord,
    extra: Extra,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{}", line(log, record, extra)?)
}

fn line(log: Option<&str>, record: &EntryRecord, extra: Extra) -> serde_json::Result<String> {
    let line = record.sealed();
    let words = record.method_and_name();
    let name = words.map(|(_, name)| name);
    let word = record.status_word();
    let status = match word.parse::<u16>() {
        Ok(status) => Value::from(status),
        Err(_) => Value::from(word),
    };
    let (peer, port) = line.map_or((None, None), |line| {
        let (address, port) = address_and_port(&line.peer);
        (Some(address), port)
    });
    // A name that is not UTF-8 has no text.
    let decoded = || name.and_then(|name| String::from_utf8(decode_name(name)).ok());
    serde_json::to_string(&Object {
        log,
        number: record.number,
        offset: record.offset,
        length: record.length,
        method: words.map(|(method, _)| method),
        name,
        bytes: record.bytes(),
        status,
        failed: record.is_failed(),
        torn: record.torn.is_some(),
        sealed: match record.seal {
            SealMatch::Line(_) => Some(true),
            SealMatch::Mismatch => Some(false),
            SealMatch::Absent => None,
        },
        seal_number: line.map(|line| line.number),
        time: line.map(|line| line.time.to_string()),
        peer,
        port,
        user: line.and_then(|line| line.user.as_deref()).map(user_of),
        sha256: record
            .hash
            .or_else(|| line.and_then(|line| line.hash))
            .map(|hash| hash.to_string()),
        server: line.and_then(|line| line.server.as_deref()),
        version: line
            .and_then(|line| line.version.as_ref())
            .map(ToString::to_string),
        decoded: (extra == Extra::Decoded).then(|| decoded().into()),
        revision: match extra {
            Extra::Revision(revision) => Some(revision.into()),
            Extra::Nothing | Extra::Decoded => None,
        },
    })
}

/// The name of a user that a word stands for.
fn user_of(word: &str) -> String {
    match word {
        "%" => String::new(),
        word => String::from_utf8_lossy(&decode_name(word)).into_owned(),
    }
}
