//! Prints the mismatches of a log and its seal on stderr, and determines the exit status.

use crate::pairing::Pairing;
use crate::text::count;
use crate::verdict::Verdict;

/// The notes printed so far.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    verdict: Verdict,
}

impl Notes {
    /// Prints the mismatches found since the last call.
    pub(crate) fn say(&mut self, pairing: &mut Pairing<'_>) {
        while let Some(note) = pairing.take_note() {
            eprintln!("httpserver-log: {note}");
        }
        if pairing.has_mismatch() {
            self.verdict = Verdict::Faulty;
        }
    }

    /// Says which versions are missing between those of several servers.
    pub(crate) fn say_holes(&mut self, holes: &[String]) {
        for hole in holes {
            eprintln!("httpserver-log: {hole}");
            self.verdict = Verdict::Faulty;
        }
    }

    /// Says how many entries a selection could not judge.
    pub(crate) fn say_unknown(log: &str, entries: u64) {
        if entries > 0 {
            let entries = count(entries, "entry was", "entries were");
            eprintln!(
                "httpserver-log: {log}: {entries} left out: no line of the seal has their time, peer and user"
            );
        }
    }

    /// Faulty if a log did not match its seal.
    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }
}
