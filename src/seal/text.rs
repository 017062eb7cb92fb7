//! The lines of a seal as text, for a writer. [`super::line`] reads the text.
//!
//! The chain value at the end of a line is not part of these texts: [`super::line_group`] adds it.

use std::fmt::{self, Write as _};
use std::io::Write;

use super::chain::{BASE64, Hash};
use super::line::{Begin, FORMAT, HASH_PREFIX, Torn, TornOutcome, VERSION_PREFIX};
use super::time::{self, Moment, MomentWriter};
use crate::change_version::ChangeVersion;

/// Bytes of the longest word that names a user, a server or a file, as written. A longer one is cut.
pub const WORD_LIMIT: usize = 1024;

/// Bytes that one byte of a name takes in a word, at most.
pub const ESCAPED: usize = "%FF".len();

/// Bytes of a chain value in a line, with the space before it and the line feed after it.
pub const CHAIN_LENGTH: usize = BASE64 + 2;

/// Bytes of the longest `mac` line.
pub const MAC_LENGTH: usize = "mac 18446744073709551615 ".len() + BASE64 + CHAIN_LENGTH;

/// Appends `begin …`.
pub fn push_begin(out: &mut Vec<u8>, begin: &Begin<'_>) {
    push_all(out, format_args!("begin {FORMAT} {:016x}", begin.identity));
    push_all(
        out,
        format_args!(" {} {} {} ", begin.file, begin.lines, begin.start),
    );
    begin.previous.push_base64(out);
    let server = begin.server.unwrap_or("-");
    push_all(out, format_args!(" {} {} {server}", begin.time, begin.name));
}

/// Appends the part of an entry's line that is known before the entry has its place:
/// `[USER@]PEER STATUS [sha256:HASH] [version:VERSION] FIRST LINE`.
///
/// `push_peer` appends the peer; `user` is a name, not yet a word.
pub fn push_entry_end(
    out: &mut Vec<u8>,
    push_peer: impl FnOnce(&mut Vec<u8>),
    user: Option<&str>,
    status: u16,
    hash: Option<&Hash>,
    version: Option<&ChangeVersion>,
    first_line: &[u8],
) {
    if let Some(user) = user {
        out.extend_from_slice(word(user.as_bytes()).as_bytes());
        out.push(b'@');
    }
    push_peer(out);
    let digit = |number: u16| b'0' + (number % 10) as u8;
    let [hundreds, tens, ones] = [status / 100, status / 10, status].map(digit);
    out.extend_from_slice(&[b' ', hundreds, tens, ones, b' ']);
    if let Some(hash) = hash {
        out.extend_from_slice(HASH_PREFIX.as_bytes());
        hash.push(out);
        out.push(b' ');
    }
    if let Some(version) = version {
        out.extend_from_slice(VERSION_PREFIX.as_bytes());
        version.push(out);
        out.push(b' ');
    }
    out.extend_from_slice(first_line);
}

/// Appends the part of an entry's line that is known when the entry has its place: `NUMBER OFFSET LENGTH TIME `.
pub fn push_entry_start(
    out: &mut Vec<u8>,
    number: u64,
    offset: u64,
    length: u64,
    time: Moment,
    writer: &mut MomentWriter,
) {
    for number in [number, offset, length] {
        push_number(out, number);
        out.push(b' ');
    }
    writer.push_short(out, time);
    out.push(b' ');
}

/// The most bytes that [`push_entry_start`] appends, and the chain value after the line.
pub const ENTRY_START_LENGTH: usize =
    3 * "18446744073709551615 ".len() + time::LENGTH + 1 + CHAIN_LENGTH;

/// Bytes of a `clock` line.
pub const CLOCK_LENGTH: usize = "clock ".len() + 2 * time::LENGTH + " ".len() + CHAIN_LENGTH;

/// Appends `torn …`.
pub fn push_torn(out: &mut Vec<u8>, torn: &Torn) {
    let place = match torn.place {
        TornOutcome::Left => "left",
        TornOutcome::Cut => "cut",
    };
    push_all(
        out,
        format_args!("torn {} {} {place}", torn.number, torn.time),
    );
}

/// Appends `clock …`.
pub fn push_clock(out: &mut Vec<u8>, time: Moment, system: Moment) {
    push_all(out, format_args!("clock {time} {system}"));
}

/// Appends `mac …`.
pub fn push_mac(out: &mut Vec<u8>, epoch: u64, code: &Hash) {
    out.extend_from_slice(b"mac ");
    push_number(out, epoch);
    out.push(b' ');
    code.push_base64(out);
}

/// Appends `next …`.
pub fn push_next(out: &mut Vec<u8>, time: Moment, name: &str) {
    push_all(out, format_args!("next {time} {name}"));
}

/// Ends a line: appends its chain value and a line feed.
pub fn push_chain(out: &mut Vec<u8>, chain: &Hash) {
    out.push(b' ');
    chain.push_base64(out);
    out.push(b'\n');
}

/// A name as a word: bytes outside 0x21–0x7E, and `%`, are written `%XX`. `-` alone is written `%2D`, and an empty name
/// is written `%`.
#[must_use]
pub fn word(name: &[u8]) -> String {
    match name {
        b"" => "%".to_owned(),
        b"-" => "%2D".to_owned(),
        _ => {
            let mut word = String::with_capacity(name.len());
            for &byte in name {
                if word.len() + ESCAPED > WORD_LIMIT {
                    break;
                }
                if matches!(byte, 0x21..=0x7E) && byte != b'%' {
                    word.push(char::from(byte));
                } else {
                    // Writing into a string cannot fail.
                    let _ = write!(word, "%{byte:02X}");
                }
            }
            word
        }
    }
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn push_all(out: &mut Vec<u8>, arguments: fmt::Arguments<'_>) {
    // Writing into a vector cannot fail.
    let _ = out.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::line::{EntryLine, LineContent, Origin};
    use crate::seal::time::EntryTime;

    type Push<'p> = &'p dyn Fn(&mut Vec<u8>);

    const TIME: &str = "2026-11-27T12:00:00.123456Z";

    fn time() -> Moment {
        Moment::from_microseconds(1_795_780_800_123_456)
    }

    #[test]
    fn lines_are_read_as_they_are_written() {
        let zero = Hash::ZERO.to_base64();
        let hash = Hash::of(b"");
        let code = hash.to_base64();
        let begin = Begin {
            identity: 0xABC,
            file: 2,
            lines: 17,
            start: 5,
            previous: Hash::ZERO,
            time: time(),
            name: "log.txt",
            server: Some("web-1"),
        };
        let torn = Torn {
            number: 7,
            time: time(),
            place: TornOutcome::Cut,
        };
        let push_entry = |out: &mut Vec<u8>| {
            push_entry_start(out, 3, 100, 50, time(), &mut MomentWriter::default());
            let push_peer = |out: &mut Vec<u8>| out.extend_from_slice(b"[::1]:40000");
            push_entry_end(
                out,
                push_peer,
                Some("ann"),
                201,
                Some(&hash),
                Some(&ChangeVersion::Name(17)),
                b"PUT a length 0",
            );
        };
        let entry = EntryLine {
            number: 3,
            offset: 100,
            length: 50,
            time: EntryTime {
                moment: time(),
                is_whole: true,
            },
            origin: Origin {
                peer: "[::1]:40000",
                user: Some("ann"),
            },
            status: 201,
            hash: Some(hash),
            version: Some("17"),
            first_line: "PUT a length 0",
        };
        let rows: [(Push<'_>, String, LineContent<'_>); 6] = [
            (
                &|out| push_begin(out, &begin),
                format!("begin 1 0000000000000abc 2 17 5 {zero} {TIME} log.txt web-1"),
                LineContent::Begin(begin),
            ),
            (
                &push_entry,
                format!(
                    "3 100 50 {TIME} ann@[::1]:40000 201 sha256:{hash} version:17 PUT a length 0"
                ),
                LineContent::Entry(entry),
            ),
            (
                &|out| push_torn(out, &torn),
                format!("torn 7 {TIME} cut"),
                LineContent::Torn(torn),
            ),
            (
                &|out| push_clock(out, time(), Moment::default()),
                format!("clock {TIME} 1970-01-01T00:00:00.000000Z"),
                LineContent::Clock {
                    time: time(),
                    system: Moment::default(),
                },
            ),
            (
                &|out| push_mac(out, 9, &hash),
                format!("mac 9 {code}"),
                LineContent::Mac {
                    epoch: 9,
                    code: hash,
                },
            ),
            (
                &|out| push_next(out, time(), "log.txt"),
                format!("next {TIME} log.txt"),
                LineContent::Next {
                    time: time(),
                    name: "log.txt",
                },
            ),
        ];
        for (push, text, line) in rows {
            let mut out = Vec::new();
            push(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
            assert_eq!(LineContent::parse(&text, Moment::default()), Ok(line));
        }
    }

    #[test]
    fn stated_maximum_lengths_are_right() {
        let mut out = Vec::new();
        push_mac(&mut out, u64::MAX, &Hash::ZERO);
        push_chain(&mut out, &Hash::ZERO);
        assert_eq!(out.len(), MAC_LENGTH);
        let mut out = Vec::new();
        let writer = &mut MomentWriter::default();
        push_entry_start(&mut out, u64::MAX, u64::MAX, u64::MAX, time(), writer);
        push_chain(&mut out, &Hash::ZERO);
        assert_eq!(out.len(), ENTRY_START_LENGTH);
        let mut out = Vec::new();
        push_clock(&mut out, time(), time());
        push_chain(&mut out, &Hash::ZERO);
        assert_eq!(out.len(), CLOCK_LENGTH);
    }

    #[test]
    fn words_have_no_byte_that_ends_them() {
        for (name, expected) in [
            (&b"ann"[..], "ann"),
            (b"", "%"),
            (b"-", "%2D"),
            (b"a-b", "a-b"),
            (b"a b\n", "a%20b%0A"),
            ("caf\u{e9}%".as_bytes(), "caf%C3%A9%25"),
        ] {
            assert_eq!(word(name), expected);
        }
        assert!(word(&[b' '; 5_000]).len() <= WORD_LIMIT);
    }
}
