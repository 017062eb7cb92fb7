//! The lines of a seal: what each says, as it is written and as it is read.
//!
//! ```text
//! begin 1 IDENTITY FILE LINES START PREVIOUS TIME NAME CHAIN
//! entry NUMBER OFFSET LENGTH TIME PEER USER STATUS HASH SERVER VERSION FIRST LINE OF THE ENTRY CHAIN
//! torn NUMBER TIME left|cut CHAIN
//! clock TIME SYSTEM CHAIN
//! mac EPOCH CODE CHAIN
//! next TIME NAME CHAIN
//! ```
//!
//! Words are separated by one space. What is not there is `-`. No word that a client or a name of a file has a part in
//! holds a space, a line feed or another byte outside 0x21–0x7E.
//!
//! The chain value at the end of a line is not written here, since many threads make lines, and one puts them into the
//! chain: see [`push_chain`].

use std::fmt::{self, Write as _};
use std::io::Write;

use super::chain::{HEX, Hash};
use super::time::{Moment, MomentWriter};

/// The number of this format.
pub const FORMAT: u64 = 1;

/// Bytes of the longest line, its line feed included: the longest first line of an entry, and the rest.
pub const LINE_LIMIT: usize = 64 * 1024 + FIXED_LIMIT;

/// Most bytes of an entry's line besides the first line of the entry, the names in it and its line feed.
const FIXED_LIMIT: usize = 4 * 1024;

/// Bytes of the longest word that names a user, a server or a file, as written. A longer one is cut.
pub const WORD_LIMIT: usize = 1024;

/// Bytes that a chain value and what is around it take in a line.
pub const CHAIN_LENGTH: usize = HEX + 2;

/// Bytes of the longest `mac` line.
pub const MAC_LENGTH: usize = "mac 18446744073709551615 ".len() + HEX + CHAIN_LENGTH;

/// What a line says. Words are as they stand in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'l> {
    /// The first line of a file.
    Begin(Begin<'l>),
    /// An entry of the log.
    Entry(Entry<'l>),
    /// An entry that a server found torn when it started.
    Torn(Torn),
    /// The system's clock was set back.
    Clock {
        /// The time of the seal.
        time: Moment,
        /// What the system's clock said.
        system: Moment,
    },
    /// An authentication code of all lines before it.
    Mac {
        /// How often the key was replaced.
        epoch: u64,
        /// The code.
        code: Hash,
    },
    /// The last line of a file.
    Next {
        /// When.
        time: Moment,
        /// The name of the log that follows.
        name: &'l str,
    },
}

/// The first line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin<'l> {
    /// Random; the same in all files that follow each other.
    pub identity: u64,
    /// The number of this file, from 1.
    pub file: u64,
    /// How many lines all files before it have together.
    pub lines: u64,
    /// Where the first sealed entry is in the log, in bytes.
    pub start: u64,
    /// The chain value of the last line of the file before it; [`Hash::ZERO`] if there is none.
    pub previous: Hash,
    /// When.
    pub time: Moment,
    /// The name of the log.
    pub name: &'l str,
}

/// The line of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'l> {
    /// Its number in this file, from 1.
    pub number: u64,
    /// Where the entry begins in the log, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// When it took its place.
    pub time: Moment,
    /// Who made the request.
    pub origin: Origin<'l>,
    /// The status of the response.
    pub status: u16,
    /// SHA-256 of the content that was stored, if any was.
    pub hash: Option<Hash>,
    /// Which of several servers of one store received it.
    pub server: Option<&'l str>,
    /// Which version of the store it made.
    pub version: Option<&'l str>,
    /// The first line of the entry, without its line feed.
    pub first_line: &'l str,
}

/// Who made a request, as words of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'l> {
    /// Address and port, or an address that a trusted proxy named.
    pub peer: &'l str,
    /// The user who logged in.
    pub user: Option<&'l str>,
}

/// An entry that a server found torn when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// Its number.
    pub number: u64,
    /// When it was found.
    pub time: Moment,
    /// What became of it.
    pub place: Place,
}

/// What became of a torn entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is in the log, as it was.
    Left,
    /// It was at the end of the log and was cut off. The next entry has its place.
    Cut,
}

/// Why a text is no line of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotALine(&'static str);

impl NotALine {
    pub(super) const NO_CHAIN: Self = Self("it does not end with a chain value");
    pub(super) const NOT_ASCII: Self = Self("it has a byte that is not printable ASCII");
}

/// Appends `begin …`.
pub fn push_begin(out: &mut Vec<u8>, begin: &Begin<'_>) {
    push_all(out, format_args!("begin {FORMAT} {:016x}", begin.identity));
    push_all(
        out,
        format_args!(" {} {} {} ", begin.file, begin.lines, begin.start),
    );
    begin.previous.push(out);
    push_all(out, format_args!(" {} {}", begin.time, begin.name));
}

/// Appends what of an entry's line is known before the entry has its place: `PEER USER STATUS HASH SERVER VERSION FIRST
/// LINE`.
pub fn push_entry_end(
    out: &mut Vec<u8>,
    origin: Origin<'_>,
    status: u16,
    hash: Option<&Hash>,
    first_line: &[u8],
) {
    out.extend_from_slice(origin.peer.as_bytes());
    out.push(b' ');
    out.extend_from_slice(origin.user.unwrap_or("-").as_bytes());
    out.push(b' ');
    push_number(out, u64::from(status));
    out.push(b' ');
    match hash {
        Some(hash) => hash.push(out),
        None => out.push(b'-'),
    }
    // Several servers of one store are not there yet.
    out.extend_from_slice(b" - - ");
    out.extend_from_slice(first_line);
}

/// Appends what of an entry's line is known when the entry has its place: `entry NUMBER OFFSET LENGTH TIME `.
pub fn push_entry_start(
    out: &mut Vec<u8>,
    number: u64,
    offset: u64,
    length: u64,
    time: Moment,
    writer: &mut MomentWriter,
) {
    out.extend_from_slice(b"entry ");
    for number in [number, offset, length] {
        push_number(out, number);
        out.push(b' ');
    }
    writer.push(out, time);
    out.push(b' ');
}

/// The longest that [`push_entry_start`] appends, with the chain value behind the line.
pub const ENTRY_START_LENGTH: usize =
    "entry ".len() + 3 * "18446744073709551615 ".len() + super::time::LENGTH + 1 + CHAIN_LENGTH;

/// Appends `torn …`.
pub fn push_torn(out: &mut Vec<u8>, torn: &Torn) {
    let place = match torn.place {
        Place::Left => "left",
        Place::Cut => "cut",
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
    code.push(out);
}

/// Appends `next …`.
pub fn push_next(out: &mut Vec<u8>, time: Moment, name: &str) {
    push_all(out, format_args!("next {time} {name}"));
}

/// Ends a line: appends its chain value and a line feed.
pub fn push_chain(out: &mut Vec<u8>, chain: &Hash) {
    out.push(b' ');
    chain.push(out);
    out.push(b'\n');
}

/// A name as a word: bytes outside 0x21–0x7E, and `%`, are written `%XX`. `-` alone is written `%2D`, and nothing is
/// written `%`.
#[must_use]
pub fn word(name: &[u8]) -> String {
    match name {
        b"" => "%".to_owned(),
        b"-" => "%2D".to_owned(),
        _ => {
            let mut word = String::with_capacity(name.len());
            for &byte in name {
                if word.len() + 3 > WORD_LIMIT {
                    break;
                }
                if matches!(byte, 0x21..=0x7E) && byte != b'%' {
                    word.push(char::from(byte));
                } else {
                    // A string takes everything.
                    let _ = write!(word, "%{byte:02X}");
                }
            }
            word
        }
    }
}

impl<'l> Line<'l> {
    /// Reads a line without its chain value and the space before it.
    ///
    /// # Errors
    /// If it is none that is written here.
    pub fn parse(text: &'l str) -> Result<Self, NotALine> {
        if let Some(other) = text.bytes().find(|&byte| !matches!(byte, 0x20..=0x7E)) {
            return Err(match other {
                0 => NotALine("it has a NUL byte"),
                _ => NotALine::NOT_ASCII,
            });
        }
        let mut words = Words(Some(text));
        let line = match words.next()? {
            "begin" => Self::Begin(begin(&mut words)?),
            "entry" => return entry(&mut words).map(Self::Entry),
            "torn" => Self::Torn(Torn {
                number: words.number()?,
                time: words.time()?,
                place: match words.next()? {
                    "left" => Place::Left,
                    "cut" => Place::Cut,
                    _ => return Err(NotALine("what became of a torn entry is `left` or `cut`")),
                },
            }),
            "clock" => Self::Clock {
                time: words.time()?,
                system: words.time()?,
            },
            "mac" => Self::Mac {
                epoch: words.number()?,
                code: words.hash()?,
            },
            "next" => Self::Next {
                time: words.time()?,
                name: words.next()?,
            },
            _ => return Err(NotALine("it begins with no kind of line that is known")),
        };
        match words.0 {
            None => Ok(line),
            Some(_) => Err(NotALine("it has a word too many")),
        }
    }
}

fn begin<'l>(words: &mut Words<'l>) -> Result<Begin<'l>, NotALine> {
    if words.number()? != FORMAT {
        return Err(NotALine("its format has another number"));
    }
    let identity = words.next()?;
    let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let identity = Some(identity)
        .filter(|text| text.len() == 16 && text.bytes().all(is_hex))
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or(NotALine("an identity has 16 hex digits"))?;
    Ok(Begin {
        identity,
        file: words.number()?,
        lines: words.number()?,
        start: words.number()?,
        previous: words.hash()?,
        time: words.time()?,
        name: words.next()?,
    })
}

fn entry<'l>(words: &mut Words<'l>) -> Result<Entry<'l>, NotALine> {
    Ok(Entry {
        number: words.number()?,
        offset: words.number()?,
        length: words.number()?,
        time: words.time()?,
        origin: Origin {
            peer: words.next()?,
            user: words.optional()?,
        },
        status: match words.next()?.as_bytes() {
            &[a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')
            }
            _ => return Err(NotALine("a status has three digits")),
        },
        hash: match words.optional()? {
            None => None,
            Some(text) => Some(Hash::parse(text.as_bytes()).ok_or(NO_HASH)?),
        },
        server: words.optional()?,
        version: words.optional()?,
        first_line: words.0.take().ok_or(NotALine("it has no first line"))?,
    })
}

const NO_HASH: NotALine = NotALine("a hash has 64 lower-case hex digits");

/// What is left of a line; `None` behind its last word.
struct Words<'l>(Option<&'l str>);

impl<'l> Words<'l> {
    fn next(&mut self) -> Result<&'l str, NotALine> {
        let text = self.0.ok_or(NotALine("it ends too early"))?;
        let (word, rest) = match text.split_once(' ') {
            Some((word, rest)) => (word, Some(rest)),
            None => (text, None),
        };
        self.0 = rest;
        if word.is_empty() {
            return Err(NotALine("it has a space too many"));
        }
        Ok(word)
    }

    fn optional(&mut self) -> Result<Option<&'l str>, NotALine> {
        Ok(Some(self.next()?).filter(|word| *word != "-"))
    }

    /// A decimal number without leading zeros.
    fn number(&mut self) -> Result<u64, NotALine> {
        const WRONG: NotALine = NotALine("a number is decimal, and below 2^64");
        let word = self.next()?;
        let has_form = word.bytes().all(|byte| byte.is_ascii_digit())
            && (word == "0" || !word.starts_with('0'));
        if !has_form {
            return Err(WRONG);
        }
        word.parse().map_err(|_| WRONG)
    }

    fn time(&mut self) -> Result<Moment, NotALine> {
        let word = self.next()?;
        Moment::parse(word).ok_or(NotALine("a time is YYYY-MM-DDTHH:MM:SS.ffffffZ"))
    }

    fn hash(&mut self) -> Result<Hash, NotALine> {
        let word = self.next()?;
        Hash::parse(word.as_bytes()).ok_or(NO_HASH)
    }
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn push_all(out: &mut Vec<u8>, arguments: fmt::Arguments<'_>) {
    // A vector takes everything.
    let _ = out.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    type Push<'p> = &'p dyn Fn(&mut Vec<u8>);

    const TIME: &str = "2026-11-27T12:00:00.123456Z";

    fn time() -> Moment {
        Moment::from_microseconds(1_795_780_800_123_456)
    }

    #[test]
    fn lines_are_read_as_they_are_written() {
        let zero = Hash::ZERO.to_string();
        let hash = Hash::of(b"");
        let begin = Begin {
            identity: 0xABC,
            file: 2,
            lines: 17,
            start: 5,
            previous: Hash::ZERO,
            time: time(),
            name: "log.txt",
        };
        let torn = Torn {
            number: 7,
            time: time(),
            place: Place::Cut,
        };
        let push_entry = |out: &mut Vec<u8>| {
            push_entry_start(out, 3, 100, 50, time(), &mut MomentWriter::default());
            let origin = Origin {
                peer: "[::1]:40000",
                user: Some("ann"),
            };
            push_entry_end(out, origin, 201, Some(&hash), b"PUT a length 0");
        };
        let entry = Entry {
            number: 3,
            offset: 100,
            length: 50,
            time: time(),
            origin: Origin {
                peer: "[::1]:40000",
                user: Some("ann"),
            },
            status: 201,
            hash: Some(hash),
            server: None,
            version: None,
            first_line: "PUT a length 0",
        };
        let rows: [(Push<'_>, String, Line<'_>); 6] = [
            (
                &|out| push_begin(out, &begin),
                format!("begin 1 0000000000000abc 2 17 5 {zero} {TIME} log.txt"),
                Line::Begin(begin),
            ),
            (
                &push_entry,
                format!("entry 3 100 50 {TIME} [::1]:40000 ann 201 {hash} - - PUT a length 0"),
                Line::Entry(entry),
            ),
            (
                &|out| push_torn(out, &torn),
                format!("torn 7 {TIME} cut"),
                Line::Torn(torn),
            ),
            (
                &|out| push_clock(out, time(), Moment::default()),
                format!("clock {TIME} 1970-01-01T00:00:00.000000Z"),
                Line::Clock {
                    time: time(),
                    system: Moment::default(),
                },
            ),
            (
                &|out| push_mac(out, 9, &hash),
                format!("mac 9 {hash}"),
                Line::Mac {
                    epoch: 9,
                    code: hash,
                },
            ),
            (
                &|out| push_next(out, time(), "log.txt"),
                format!("next {TIME} log.txt"),
                Line::Next {
                    time: time(),
                    name: "log.txt",
                },
            ),
        ];
        for (push, text, line) in rows {
            let mut out = Vec::new();
            push(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
            assert_eq!(Line::parse(&text), Ok(line));
        }
    }

    #[test]
    fn other_texts_are_no_lines() {
        let hash = Hash::ZERO.to_string();
        for text in [
            String::new(),
            "entry".to_owned(),
            "mac".to_owned(),
            "tear 1".to_owned(),
            format!("mac 1  {hash}"),
            format!("mac 01 {hash}"),
            format!("mac +1 {hash}"),
            format!("mac 18446744073709551616 {hash}"),
            format!("mac 1 {hash} "),
            format!("mac 1 {hash} x"),
            format!("mac 1 {}", &hash[1..]),
            format!("torn 1 {TIME} gone"),
            format!("begin 2 0000000000000abc 2 17 5 {hash} {TIME} log.txt"),
            format!("begin 1 abc 2 17 5 {hash} {TIME} log.txt"),
            format!("begin 1 +000000000000abc 2 17 5 {hash} {TIME} log.txt"),
            format!("entry 3 100 50 {TIME} a - 99 - - - GET a length 0"),
            format!("entry 3 100 50 {TIME} a - 2000 - - - GET a length 0"),
            format!("entry 3 100 50 {TIME} a - 200 - - -"),
            format!("next {TIME} a\nb"),
            format!("next {TIME} caf\u{e9}"),
        ] {
            assert!(Line::parse(&text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_the_longest() {
        let mut out = Vec::new();
        push_mac(&mut out, u64::MAX, &Hash::ZERO);
        push_chain(&mut out, &Hash::ZERO);
        assert_eq!(out.len(), MAC_LENGTH);
        let mut out = Vec::new();
        let writer = &mut MomentWriter::default();
        push_entry_start(&mut out, u64::MAX, u64::MAX, u64::MAX, time(), writer);
        push_chain(&mut out, &Hash::ZERO);
        assert_eq!(out.len(), ENTRY_START_LENGTH);
    }

    #[test]
    fn words_hold_nothing_that_ends_them() {
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
