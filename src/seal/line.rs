//! The lines of a seal: their values, and their parser.
//!
//! ```text
//! begin 1 IDENTITY FILE LINES START PREVIOUS TIME NAME SERVER CHAIN
//! NUMBER OFFSET LENGTH TIME [USER@]PEER STATUS [sha256:HASH] [version:VERSION] FIRST LINE OF THE ENTRY CHAIN
//! torn NUMBER TIME left|cut CHAIN
//! clock TIME SYSTEM CHAIN
//! mac EPOCH CODE CHAIN
//! next TIME NAME CHAIN
//! ```
//!
//! Most lines are those of entries, so these are short: they have no word for their kind, and only the part of the time
//! that differs from the line before (see [`EntryTime`]). Words are separated by one space. A missing server is `-`.
//! Words from clients and file names are escaped: they contain only bytes 0x21–0x7E, and thus no space or line feed.
//!
//! [`super::text`] writes lines.

use super::chain::Hash;
use super::time::{EntryTime, Moment};
pub use super::words::NotALine;
use super::words::Words;
use crate::change_version::ChangeVersion;

/// The version of this format.
pub const FORMAT: u64 = 1;

/// Bytes of the longest line, its line feed included: the longest first line of an entry, and the rest.
pub const LINE_LIMIT: usize = 64 * 1024 + FIXED_LIMIT;

/// The most bytes of an entry's line without the first line of the entry.
const FIXED_LIMIT: usize = 4 * 1024;

/// The beginning of the word that has the hash of an entry's content.
pub(super) const HASH_PREFIX: &str = "sha256:";

/// The beginning of the word that has the version of an entry's change.
pub(super) const VERSION_PREFIX: &str = "version:";

/// A parsed line. Words are as in the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineContent<'l> {
    /// The first line of a file.
    Begin(Begin<'l>),
    /// An entry of the log.
    Entry(EntryLine<'l>),
    /// An entry that a server found torn when it started.
    Torn(Torn),
    /// The system's clock was set back.
    Clock {
        /// The time of the seal.
        time: Moment,
        /// The time of the system's clock.
        system: Moment,
    },
    /// An authentication code of all lines before it.
    Mac {
        /// The number of times that the key was replaced.
        epoch: u64,
        /// The code.
        code: Hash,
    },
    /// The last line of a file.
    Next {
        /// The time of the line.
        time: Moment,
        /// The name of the log that follows.
        name: &'l str,
    },
}

/// The first line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin<'l> {
    /// Random, and the same in all consecutive files.
    pub identity: u64,
    /// The number of this file, from 1.
    pub file: u64,
    /// The number of lines in all files before it.
    pub lines: u64,
    /// The offset of the first sealed entry in the log, in bytes.
    pub start: u64,
    /// The chain value of the last line of the file before it; [`Hash::ZERO`] if there is none.
    pub previous: Hash,
    /// The time of the line.
    pub time: Moment,
    /// The name of the log.
    pub name: &'l str,
    /// The name of the server that writes the log, if several servers share a root.
    pub server: Option<&'l str>,
}

/// The line of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryLine<'l> {
    /// Its number in this file, from 1.
    pub number: u64,
    /// The offset of the entry in the log, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// The time at which it got its place.
    pub time: EntryTime,
    /// The requester.
    pub origin: Origin<'l>,
    /// The status of the response.
    pub status: u16,
    /// SHA-256 of the stored content, if there is any.
    pub hash: Option<Hash>,
    /// The version of the change that it made, if several servers share the root: a [`ChangeVersion`].
    pub version: Option<&'l str>,
    /// The first line of the entry, without its line feed.
    pub first_line: &'l str,
}

/// The requester, as words of a line.
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
    /// The time at which it was found.
    pub time: Moment,
    /// The server's action.
    pub place: TornOutcome,
}

/// The action of a server on a torn entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TornOutcome {
    /// It is unchanged in the log.
    Left,
    /// It was at the end of the log and was cut off, so the next entry has its place.
    Cut,
}

impl<'l> LineContent<'l> {
    /// Reads a line without its chain value and the space before it. `last` is the last time of the lines before it.
    ///
    /// # Errors
    /// If a server does not write such a line.
    pub fn parse(text: &'l str, last: Moment) -> Result<Self, NotALine> {
        if let Some(other) = text.bytes().find(|&byte| !matches!(byte, 0x20..=0x7E)) {
            return Err(match other {
                0 => NotALine::new("it has a NUL byte"),
                _ => NotALine::NOT_ASCII,
            });
        }
        let mut words = Words(Some(text));
        if text.starts_with(|first: char| first.is_ascii_digit()) {
            return entry(&mut words, last).map(Self::Entry);
        }
        let line = match words.next()? {
            "begin" => Self::Begin(begin(&mut words)?),
            "torn" => Self::Torn(Torn {
                number: words.number()?,
                time: words.time()?,
                place: match words.next()? {
                    "left" => TornOutcome::Left,
                    "cut" => TornOutcome::Cut,
                    _ => {
                        return Err(NotALine::new(
                            "what became of a torn entry is `left` or `cut`",
                        ));
                    }
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
            _ => {
                return Err(NotALine::new(
                    "it begins with no kind of line that is known",
                ));
            }
        };
        match words.0 {
            None => Ok(line),
            Some(_) => Err(NotALine::new("it has a word too many")),
        }
    }
}

fn begin<'l>(words: &mut Words<'l>) -> Result<Begin<'l>, NotALine> {
    if words.number()? != FORMAT {
        return Err(NotALine::new("its format has another number"));
    }
    let identity = words.next()?;
    let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let identity = Some(identity)
        .filter(|text| text.len() == 16 && text.bytes().all(is_hex))
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or(NotALine::new("an identity has 16 hex digits"))?;
    Ok(Begin {
        identity,
        file: words.number()?,
        lines: words.number()?,
        start: words.number()?,
        previous: words.hash()?,
        time: words.time()?,
        name: words.next()?,
        server: words.optional()?,
    })
}

fn entry<'l>(words: &mut Words<'l>, last: Moment) -> Result<EntryLine<'l>, NotALine> {
    Ok(EntryLine {
        number: words.number()?,
        offset: words.number()?,
        length: words.number()?,
        time: EntryTime::parse(words.next()?, last).ok_or(NotALine::new(
            "a time is YYYY-MM-DDTHH:MM:SS.ffffffZ, .ffffff or =",
        ))?,
        origin: origin(words.next()?)?,
        status: match words.next()?.as_bytes() {
            &[a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')
            }
            _ => return Err(NotALine::new("a status has three digits")),
        },
        hash: match words.with_prefix(HASH_PREFIX)? {
            None => None,
            Some(text) => Some(Hash::parse(text.as_bytes()).ok_or(NotALine::new(
                "a hash of content has 64 lower-case hex digits",
            ))?),
        },
        version: version(words)?,
        first_line: words
            .0
            .take()
            .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
            .ok_or(NotALine::new("it has no first line of an entry"))?,
    })
}

fn origin(word: &str) -> Result<Origin<'_>, NotALine> {
    // No peer has an `@`, but the name of a user may.
    let (user, peer) = match word.rsplit_once('@') {
        Some((user, peer)) => (Some(user), peer),
        None => (None, word),
    };
    if peer.is_empty() || user == Some("") {
        return Err(NotALine::new("a peer or a user has no name"));
    }
    Ok(Origin { peer, user })
}

fn version<'l>(words: &mut Words<'l>) -> Result<Option<&'l str>, NotALine> {
    let word = words.with_prefix(VERSION_PREFIX)?;
    match word.filter(|word| ChangeVersion::parse(word).is_none()) {
        None => Ok(word),
        Some(_) => Err(NotALine::new(
            "a version is a number of 1 or more, or 64 of them",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "2026-11-27T12:00:00.123456Z";

    #[test]
    fn other_texts_are_not_lines() {
        let hash = Hash::ZERO.to_base64();
        let hex = Hash::ZERO;
        for text in [
            String::new(),
            "1".to_owned(),
            "entry 1".to_owned(),
            "mac".to_owned(),
            "tear 1".to_owned(),
            format!("mac 1  {hash}"),
            format!("mac 01 {hash}"),
            format!("mac +1 {hash}"),
            format!("mac 9223372036854775808 {hash}"),
            format!("mac 1 {hash} "),
            format!("mac 1 {hash} x"),
            format!("mac 1 {}", &hash[1..]),
            format!("torn 1 {TIME} gone"),
            format!("begin 2 0000000000000abc 2 17 5 {hash} {TIME} log.txt -"),
            format!("begin 1 0000000000000abc 2 17 5 {hash} {TIME} log.txt"),
            format!("begin 1 abc 2 17 5 {hash} {TIME} log.txt -"),
            format!("begin 1 +000000000000abc 2 17 5 {hash} {TIME} log.txt -"),
            format!("mac 1 {hex}"),
            format!("03 100 50 {TIME} a 200 GET a length 0"),
            format!("3 100 50 {TIME} a 99 GET a length 0"),
            format!("3 100 50 {TIME} a 2000 GET a length 0"),
            format!("3 100 50 {TIME} a 200  GET a length 0"),
            format!("3 100 50 {TIME} a 200 version:0 GET a length 0"),
            format!("3 100 50 {TIME} a 200 version:1,2 GET a length 0"),
            format!("3 100 50 {TIME} a 200 version:1 version:2 GET a length 0"),
            format!("3 100 50 {TIME} a 200 sha256:{hash} PUT a length 0"),
            format!("3 100 50 {TIME} a 200 version:1 sha256:{hex} PUT a length 0"),
            format!("3 100 50 {TIME} a 200 - GET a length 0"),
            format!("3 100 50 {TIME} a 200"),
            format!("3 100 50 {TIME} a 200 "),
            format!("3 100 50 {TIME} @a 200 GET a length 0"),
            format!("3 100 50 {TIME} a@ 200 GET a length 0"),
            "3 100 50 == a 200 GET a length 0".to_owned(),
            "3 100 50 .12345 a 200 GET a length 0".to_owned(),
            format!("next {TIME} a\nb"),
            format!("next {TIME} caf\u{e9}"),
        ] {
            let parsed = LineContent::parse(&text, Moment::default());
            assert!(parsed.is_err(), "{text:?}");
        }
    }
}
