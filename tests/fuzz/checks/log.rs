//! The log's reader: it ends, the sizes of its reads do not matter, and it accepts only entries as the server writes
//! them.

use httpserver::request_log::format::hex::push_rows;
use httpserver::request_log::format::layout::{SEPARATOR, decode_name, push_header};
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::read::fault::ReadError;
use httpserver::request_log::read::{EntryHead, Reader};
use std::io::{self, Read};

/// Checks a log. The first byte is the size of the reads.
pub(crate) fn check(data: &[u8]) {
    let Some((&size, log)) = data.split_first() else {
        return;
    };
    let whole = read(
        Pieces {
            rest: log,
            size: usize::MAX,
        },
        log.len(),
    );
    let pieces = read(
        Pieces {
            rest: log,
            size: usize::from(size).max(1),
        },
        log.len(),
    );
    assert_eq!(pieces, whole, "the reads matter");
    for found in whole.iter().flatten() {
        check_written(log, found);
    }
}

/// An entry with its content, or a fault.
type Found = Result<(EntryHead, Vec<u8>), String>;

fn read(input: impl Read, length: usize) -> Vec<Found> {
    let mut reader = Reader::new(input);
    let mut all: Vec<Found> = Vec::new();
    let mut before = 0;
    loop {
        match next(&mut reader) {
            Ok(None) => return all,
            Ok(Some(found)) => all.push(Ok(found)),
            Err(fault) => all.push(Err(fault.to_string())),
        }
        assert!(reader.position() >= before, "goes back");
        before = reader.position();
        assert!(before <= length as u64);
        // The shortest entry is longer than this, and a fault takes a byte at least.
        assert!(all.len() <= length + 1, "finds more than there is");
    }
}

fn next<R: Read>(reader: &mut Reader<R>) -> Result<Option<(EntryHead, Vec<u8>)>, ReadError> {
    let Some(head) = reader.next_entry()? else {
        return Ok(None);
    };
    let mut content = Vec::new();
    while let Some(piece) = reader.content()? {
        content.extend_from_slice(piece);
    }
    Ok(Some((head, content)))
}

/// Checks that the log has this entry as the server writes it.
fn check_written(log: &[u8], (head, content): &(EntryHead, Vec<u8>)) {
    let mut text = Vec::new();
    match &head.kind {
        LoggedRequest::Success {
            method,
            name,
            length,
        } => {
            assert_eq!(*length, content.len() as u64);
            push_header(&mut text, method, &decode_name(name), *length);
            push_rows(&mut text, 0, content);
        }
        LoggedRequest::Failure {
            method,
            name,
            version,
            status,
        } => {
            let line = format!("FAIL: {method} {name} {version} --- response {status}\n");
            text.extend_from_slice(line.as_bytes());
        }
    }
    text.extend_from_slice(SEPARATOR);
    let at = usize::try_from(head.offset).expect("an offset in memory");
    assert!(
        log[at..].starts_with(&text),
        "accepts bytes that the server does not write"
    );
}

/// A reader that returns a few bytes at a time.
struct Pieces<'d> {
    rest: &'d [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.size.min(out.len());
        self.rest.read(&mut out[..count])
    }
}
