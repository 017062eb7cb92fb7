//! A reader of logs of this test's own: from the text alone, with nothing of the program's.

use std::collections::BTreeMap;
use std::fmt::Write;

/// One entry of a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entry {
    /// `GET name`
    Get(String),
    /// `PUT name`, with the content of its rows.
    Put(String, Vec<u8>),
    /// The line of a request that failed.
    Failure(String),
}

/// Reads a log from its first byte to its last; panics where it is not made of entries.
#[track_caller]
pub(crate) fn parse(log: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut lines = log.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let header = line.strip_suffix('\n').expect("the last line ends");
        let mut words = header.split(' ');
        let entry = match words.next() {
            Some("FAIL:") => Entry::Failure(header.to_owned()),
            Some(method @ ("GET" | "PUT")) => {
                let name = words.next().expect("a name").to_owned();
                assert_eq!(words.next(), Some("length"), "{header}");
                let length: usize = words.next().and_then(|word| word.parse().ok()).unwrap();
                assert_eq!(words.next(), None, "{header}");
                let mut content = Vec::with_capacity(length);
                while content.len() < length {
                    read_row(lines.next().expect("a row"), length, &mut content);
                }
                match method {
                    "GET" => Entry::Get(name),
                    _ => Entry::Put(name, content),
                }
            }
            _ => panic!("no entry begins with {header:?}"),
        };
        assert_eq!(lines.next(), Some("========\n"), "after {header}");
        entries.push(entry);
    }
    entries
}

/// Reads one row of a content of `length` bytes, behind what was read of it before.
fn read_row(row: &str, length: usize, content: &mut Vec<u8>) {
    let from = content.len();
    let (_, cells) = row.split_once(' ').expect("an offset");
    for cell in cells.trim_end().split(' ') {
        content.push(u8::from_str_radix(cell, 16).expect("two hex digits"));
    }
    assert_eq!(content.len(), length.min(from + 20), "bytes by {row:?}");
    // Every byte of the row must be as it is written here.
    let mut expected = format!("{from:08}");
    for byte in &content[from..] {
        write!(expected, " {byte:02x}").unwrap();
    }
    assert_eq!(row, expected + "\n");
}

/// The files that a directory must hold by this log: for each name the content of its last PUT.
pub(crate) fn replay(entries: &[Entry]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in entries {
        if let Entry::Put(name, content) = entry {
            files.insert(name.clone(), content.clone());
        }
    }
    files
}

#[test]
#[should_panic(expected = "00000020")]
fn row_at_a_wrong_offset_is_found() {
    parse(
        "PUT a length 21\n00000000 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61\n00000021 61\n========\n",
    );
}

#[test]
#[should_panic(expected = "after GET a length 0")]
fn gap_is_found() {
    parse("GET a length 0\n\0\0\0\0\0\0\0\0\n");
}
