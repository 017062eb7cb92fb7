//! The findings of a verification, each described in one sentence.

use std::fmt;

use crate::seal::chain::Hash;
use crate::seal::time::Moment;

/// The most findings that are listed, each of a log and of a seal. With more, the files are beyond a useful list.
pub(super) const MOST: usize = 1_000;

/// The text in place of unlisted findings.
const MORE: &str = "more is wrong; only the first faults are listed";

/// The entry of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryName {
    /// Its number in the seal.
    pub number: u64,
    /// Its time in the seal.
    pub time: Moment,
    /// Its first line in the seal.
    pub first_line: Box<str>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// In the seal itself.
    Seal(SealFault),
    /// In the log.
    Log(LogFault),
}

/// A fault of the seal itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealFault {
    /// The first line of the seal is missing.
    NoBeginning,
    /// A line of the seal is invalid.
    NotALine {
        /// The error in words, with the line's number.
        reason: String,
    },
    /// The last line of the seal is incomplete.
    TornLine {
        /// Its number in the file.
        line: u64,
    },
    /// The chain value of an entry's line does not follow from the line before.
    LineAltered(EntryName),
    /// The chain value of another line does not follow from the line before.
    OtherLineAltered {
        /// Its number in the file.
        line: u64,
    },
    /// Lines of entries are missing from the seal.
    LinesRemoved {
        /// The first number that is missing.
        from: u64,
        /// The last.
        to: u64,
    },
    /// The line of an entry is out of order by its number.
    LineMoved(EntryName),
    /// A line has a time before that of the line before it.
    TimeReversed(EntryName),
    /// A line follows the one that ends the file.
    AfterEnd {
        /// Its number in the file.
        line: u64,
    },
    /// Authentication codes are wrong from here on.
    WrongCode {
        /// The line of the first wrong one in the file.
        line: u64,
        /// The last entry before it.
        entry: u64,
        /// The last entry before the last code that is right; 0 if there is none.
        after: u64,
    },
    /// Authentication codes are missing.
    CodesMissing {
        /// The number of the first key without a code.
        from: u64,
        /// The number of the last one.
        to: u64,
    },
    /// There are more faults.
    More,
}

/// A fault of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFault {
    /// The first line of an entry differs in the log.
    FirstLineAltered {
        /// The entry as the seal has it.
        entry: EntryName,
        /// The line in the log.
        logged: Box<str>,
    },
    /// The content of an entry differs from the sealed content.
    ContentAltered {
        /// The entry.
        entry: EntryName,
        /// The hash of the content in the log.
        logged: Option<Hash>,
    },
    /// The bytes in the place of an entry are not a valid entry.
    Corrupt {
        /// The entry with this place, if there is one.
        entry: Option<EntryName>,
        /// The fault and its position.
        fault: String,
    },
    /// Entries were removed from the log.
    Removed {
        /// The first.
        from: EntryName,
        /// The last.
        to: EntryName,
    },
    /// Entries at the end of the log are missing.
    MissingAtEnd {
        /// The first.
        from: EntryName,
        /// The last.
        to: EntryName,
    },
    /// An entry of the log is not in the seal.
    NotSealed {
        /// Its offset in the log.
        offset: u64,
        /// Its first line.
        logged: Box<str>,
    },
    /// An entry was moved.
    Moved {
        /// The entry.
        entry: EntryName,
        /// Its present offset in the log.
        offset: u64,
    },
    /// More faults may follow: the rest was not checked.
    More,
}

impl fmt::Display for EntryName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            time,
            first_line,
        } = self;
        write!(formatter, "entry {number} ({time}, {first_line})")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seal(fault) => fault.fmt(formatter),
            Self::Log(fault) => fault.fmt(formatter),
        }
    }
}

impl fmt::Display for SealFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBeginning => write!(
                formatter,
                "the head of the seal was cut: its first line is missing"
            ),
            Self::NotALine { reason } => write!(formatter, "the seal was altered: {reason}"),
            Self::TornLine { line } => write!(
                formatter,
                "line {line} of the seal is torn: the server was killed while it wrote it, or the seal was cut"
            ),
            Self::LineAltered(entry) => write!(
                formatter,
                "{entry}: its line in the seal was altered, or a line before it was removed: the chain breaks here"
            ),
            Self::OtherLineAltered { line } => write!(
                formatter,
                "line {line} of the seal was altered, or one before it was removed: the chain breaks here"
            ),
            Self::LinesRemoved { from, to } => {
                write!(
                    formatter,
                    "{} removed from the seal",
                    numbers("line", *from, *to)
                )
            }
            Self::LineMoved(entry) => {
                write!(
                    formatter,
                    "{entry}: its line was moved: its number does not belong here"
                )
            }
            Self::TimeReversed(entry) => {
                write!(
                    formatter,
                    "{entry}: its time is before that of the line before it"
                )
            }
            Self::AfterEnd { line } => {
                write!(formatter, "line {line} was added after the end of the seal")
            }
            Self::WrongCode { line, entry, after } => write!(
                formatter,
                "the authentication code in line {line} of the seal is wrong: something after entry {after}, \
                 up to entry {entry}, was altered, and the chain was recomputed"
            ),
            Self::CodesMissing { from, to } => write!(
                formatter,
                "lines with authentication codes were removed: those of the keys {from} to {to} are missing"
            ),
            Self::More => formatter.write_str(MORE),
        }
    }
}

impl fmt::Display for LogFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstLineAltered { entry, logged } => {
                write!(
                    formatter,
                    "{entry} was altered: its first line in the log is `{logged}`"
                )
            }
            Self::ContentAltered { entry, logged } => match logged {
                Some(hash) => write!(
                    formatter,
                    "{entry} was altered: its content has SHA-256 {hash} now"
                ),
                None => write!(formatter, "{entry} was altered: it has no content now"),
            },
            Self::Corrupt { entry, fault } => match entry {
                Some(entry) => write!(formatter, "{entry} was altered: {fault}"),
                None => write!(formatter, "the log was altered: {fault}"),
            },
            Self::Removed { from, to } => write_range(formatter, from, to, "removed from the log"),
            Self::MissingAtEnd { from, to } => write_range(
                formatter,
                from,
                to,
                "cut off the end of the log, or never written because the server was killed",
            ),
            Self::NotSealed { offset, logged } => {
                write!(
                    formatter,
                    "an entry was added to the log at byte {offset}: `{logged}`"
                )
            }
            Self::Moved { entry, offset } => {
                write!(
                    formatter,
                    "{entry} was moved: it is at byte {offset} of the log"
                )
            }
            Self::More => formatter.write_str(MORE),
        }
    }
}

fn write_range(
    formatter: &mut fmt::Formatter<'_>,
    from: &EntryName,
    to: &EntryName,
    what: &str,
) -> fmt::Result {
    if from.number == to.number {
        write!(formatter, "{from} was {what}")
    } else {
        let count = to.number.abs_diff(from.number) + 1;
        write!(
            formatter,
            "{count} entries were {what}: from {from} to {to}"
        )
    }
}

/// `the line of entry 3 was`, `the lines of entries 3 to 5 were`.
fn numbers(what: &str, from: u64, to: u64) -> String {
    if from == to {
        format!("the {what} of entry {from} was")
    } else {
        format!("the {what}s of entries {from} to {to} were")
    }
}
