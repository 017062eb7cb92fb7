//! Decides what happened to entries that are not in their places: moved, removed, cut off or added.

use super::finding::{EntryName, LogFault};
use super::logged::{Logged, LoggedEntry};
use super::matching::Matching;
use super::pairing::is_same;
use super::seal_report::Matched;

impl Matching {
    /// Distinguishes moved entries from removed and added ones.
    pub(super) fn finish(mut self) -> Matched {
        let mut added: Vec<Logged> = Vec::new();
        for logged in std::mem::take(&mut self.added) {
            match self.take_moved(&logged) {
                Some(entry) => self.findings.push(LogFault::Moved {
                    entry,
                    offset: logged.offset,
                }),
                None => added.push(logged),
            }
        }
        for run in self
            .missing
            .chunk_by(|one, next| one.name.number + 1 == next.name.number)
        {
            if let [from, ..] = run
                && let [.., to] = run
            {
                self.findings.push(LogFault::Removed {
                    from: from.name.clone(),
                    to: to.name.clone(),
                });
            }
        }
        if let [from, ..] = &self.missing_at_end[..]
            && let [.., to] = &self.missing_at_end[..]
        {
            self.findings.push(LogFault::MissingAtEnd {
                from: from.name.clone(),
                to: to.name.clone(),
            });
        }
        for logged in added {
            self.findings.push(match logged.what {
                LoggedEntry::Corrupt(fault) => LogFault::Corrupt {
                    entry: None,
                    fault: fault.to_string(),
                },
                LoggedEntry::Whole { first_line, .. }
                | LoggedEntry::Torn {
                    first_line: Some(first_line),
                } => LogFault::NotSealed {
                    offset: logged.offset,
                    logged: first_line,
                },
                LoggedEntry::Torn { first_line: None } => LogFault::NotSealed {
                    offset: logged.offset,
                    logged: "(torn)".into(),
                },
            });
        }
        Matched {
            findings: self.findings,
            torn: self.torn,
            whole_end: self.whole_end,
        }
    }

    /// A missing entry that equals this one.
    fn take_moved(&mut self, logged: &Logged) -> Option<EntryName> {
        for missing in [&mut self.missing, &mut self.missing_at_end] {
            if let Some(place) = missing.iter().position(|sealed| is_same(sealed, logged)) {
                return Some(missing.remove(place).name);
            }
        }
        None
    }
}
