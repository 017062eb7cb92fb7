//! Verification: compares a log with its seal, and names every alteration.
//!
//! The seal is read line by line (`sealed`) and the log entry by entry (`logged`); `matching` pairs their entries, even
//! if some were removed, added or moved. It streams: memory is constant while both agree, and bounded where they
//! differ. It does not open files.

mod audit;
mod conclusion;
mod evidence;
mod finding;
mod logged;
mod matching;
mod pairing;
mod resync;
mod seal_report;
mod sealed;

use std::io::{self, Read};

pub use self::evidence::Evidence;
pub use self::finding::{EntryName, Finding, LogFault, SealFault};
use self::logged::LoggedEntries;
use self::matching::Matching;
pub use self::seal_report::{SealReport, SealStart, TornEntry};
use self::sealed::SealedEntries;
pub use self::sealed::torn_entries;

/// Compares a log with its seal, both from their first bytes.
///
/// # Errors
/// If one of them cannot be read.
pub fn verify(seal: impl Read, log: impl Read, evidence: Evidence) -> io::Result<SealReport> {
    let mut sealed = SealedEntries::new(seal, evidence);
    let mut logged = LoggedEntries::new(log);
    let start = sealed.begin()?;
    logged.skip_to(start)?;
    let mut matching = Matching::new(start);
    matching.run(&mut sealed, &mut logged)?;
    Ok(sealed.report(matching.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::chain::Hash;
    use crate::seal::text::push_chain;

    #[test]
    fn largest_numbers_are_findings() {
        let most = i64::MAX;
        let zero = Hash::ZERO.to_base64();
        let time = "2026-11-27T12:00:00.000000Z";
        let entry = format!("{most} {most} {most} {time} a 200 GET a length 0");
        let mut seal = Vec::new();
        let mut chain = Hash::ZERO;
        for line in [
            format!("begin 1 0000000000000001 {most} {most} {most} {zero} {time} log"),
            entry.clone(),
            format!("mac {most} {zero}"),
            entry,
            format!("mac {most} {zero}"),
        ] {
            chain = chain.chained(line.as_bytes());
            seal.extend_from_slice(line.as_bytes());
            push_chain(&mut seal, &chain);
        }
        let log = b"GET a length 0\n========\n";
        let report = verify(&seal[..], &log[..], Evidence::default()).unwrap();
        assert_eq!(report.entries, 2);
        assert!(
            report
                .findings
                .contains(&Finding::Seal(SealFault::LinesRemoved {
                    from: 1,
                    to: 9_223_372_036_854_775_806,
                }))
        );
    }
}
