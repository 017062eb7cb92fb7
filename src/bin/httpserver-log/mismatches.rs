//! The mismatches of a log and its seal: each kind is described once and then counted.

use crate::failure::Failure;
use crate::seal_entries::{SealEntries, SealedEntry};
use crate::text::count;
use std::collections::VecDeque;

/// The mismatches, for messages.
#[derive(Debug, Default)]
pub(crate) struct Mismatches {
    pub(crate) texts: VecDeque<String>,
    unmatched: u64,
    /// Entries of the seal that are not in the log.
    missing: u64,
    /// Entries beyond the end of the log.
    pub(crate) behind_end: u64,
}

impl Mismatches {
    /// Whether there are any.
    pub(crate) fn is_any(&self) -> bool {
        self.unmatched + self.missing > 0
    }

    /// Skips lines of entries with an offset before `offset`.
    pub(crate) fn pass_missing(
        &mut self,
        log: &str,
        seal: &mut SealEntries<'_>,
        offset: u64,
    ) -> Result<(), Failure> {
        while let Some(line) = seal.peek()?.filter(|line| line.offset < offset) {
            self.missing += 1;
            if self.missing == 1 {
                let SealedEntry {
                    number,
                    offset,
                    first_line,
                    ..
                } = line;
                let text = format!(
                    "{log}: no entry begins at byte {offset}, where the seal has its entry {number}, `{first_line}`; {CHECK}"
                );
                self.texts.push_back(text);
            }
            seal.take();
        }
        Ok(())
    }

    pub(crate) fn unmatched(&mut self, log: &str, offset: u64, objection: &str) {
        self.unmatched += 1;
        if self.unmatched == 1 {
            self.texts.push_back(format!(
                "{log}: entry at byte {offset}: {objection}; it is shown without time, peer and user; {CHECK}"
            ));
        }
    }

    /// The counts.
    pub(crate) fn sum_up(&mut self, log: &str, seal: &str) {
        if self.behind_end > 0 {
            let entries = count(self.behind_end, "entry", "entries");
            self.texts.push_back(format!(
                "{log}: it ends before the last {entries} of {seal}: cut off, or not written yet, or never written \
                 because the server was killed"
            ));
        }
        if self.unmatched > 1 {
            let entries = count(self.unmatched, "entry", "entries");
            self.texts.push_back(format!(
                "{log}: {entries} do not match their lines in {seal}"
            ));
        }
        if self.missing > 1 {
            let entries = count(self.missing, "entry", "entries");
            self.texts.push_back(format!(
                "{log}: {entries} of {seal} are not in their places"
            ));
        }
    }
}

const CHECK: &str = "`httpserver-log check` shows what was altered";
