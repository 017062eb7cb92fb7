//! The log of a connection, read back strictly: any fault in it is a failure.

use httpserver::request_log::format::layout::decode_name;
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::read::Reader;

/// The content of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A file was requested, or nothing.
    Get(String),
    /// A file was stored.
    Put(String, Vec<u8>),
    /// A request was refused with this status.
    Failure(u16),
}

/// Reads all entries of `log`.
pub(crate) fn read(log: &[u8]) -> Vec<Entry> {
    let mut reader = Reader::new(log);
    let mut entries = Vec::new();
    while let Some(head) = reader.next_entry().expect("an entry") {
        let mut content = Vec::new();
        while let Some(piece) = reader.content().expect("rows") {
            content.extend_from_slice(piece);
        }
        entries.push(match head.kind {
            LoggedRequest::Success { method, name, .. } => {
                let name = String::from_utf8(decode_name(&name)).expect("a name in ASCII");
                match method {
                    "GET" => Entry::Get(name),
                    "PUT" => Entry::Put(name, content),
                    other => panic!("{other} cannot succeed"),
                }
            }
            LoggedRequest::Failure { status, .. } => Entry::Failure(status),
        });
    }
    assert_eq!(
        reader.position(),
        log.len() as u64,
        "the entries do not tile"
    );
    entries
}
