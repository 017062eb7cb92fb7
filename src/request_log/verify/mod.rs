//! Verification: a log is compared with its seal, and what was altered is named.
//!
//! The seal is read line by line (`sealed`) and the log entry by entry (`logged`); `matching` finds for each entry of
//! the one the entry of the other, also where some were removed, added or moved. It streams: memory is constant while both
//! agree, and bounded where they do not. It knows no files.

mod audit;
mod conclusion;
mod evidence;
mod finding;
mod logged;
mod matching;
mod pairing;
mod report;
mod resync;
mod sealed;

use std::io::{self, Read};

pub use self::evidence::Evidence;
pub use self::finding::{EntryName, Finding, LogFault, SealFault};
use self::logged::LoggedEntries;
use self::matching::Matching;
pub use self::report::{Beginning, Report, TornEntry};
use self::sealed::SealedEntries;
pub use self::sealed::torn_entries;

/// Compares a log with its seal, both from their first bytes.
///
/// # Errors
/// If one of them cannot be read.
pub fn verify(seal: impl Read, log: impl Read, evidence: Evidence) -> io::Result<Report> {
    let mut sealed = SealedEntries::new(seal, evidence);
    let mut logged = LoggedEntries::new(log);
    let start = sealed.begin()?;
    logged.skip_to(start)?;
    let mut matching = Matching::new(start);
    matching.run(&mut sealed, &mut logged)?;
    Ok(sealed.report(matching.finish()))
}
