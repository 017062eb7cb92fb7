//! Finds the place where log and seal agree again: it compares a stretch of both, and continues at the nearest pair
//! that agrees. Unpaired entries of the seal were removed and unpaired entries of the log were added, unless they were
//! altered in place.

use std::collections::HashMap;
use std::io::{self, Read};

use super::finding::LogFault;
use super::logged::{Logged, LoggedEntries, LoggedEntry};
use super::matching::Matching;
use super::pairing::{EntryContent, content_of, push_capped};
use super::sealed::{Sealed, SealedEntries};

/// Entries of a stretch after a difference.
const STRETCH: usize = 16 * 1024;

impl Matching {
    /// Finds the place where log and seal agree again.
    pub(super) fn resync<S: Read, L: Read>(
        &mut self,
        seal: &mut SealedEntries<S>,
        log: &mut LoggedEntries<L>,
    ) -> io::Result<()> {
        self.fill(seal, log, STRETCH)?;
        let mut places: HashMap<EntryContent<'_>, usize> = HashMap::new();
        for (place, sealed) in self.sealed.iter().enumerate() {
            places.entry(content_of(sealed)).or_insert(place);
        }
        let mut best: Option<(usize, usize)> = None;
        for (in_log, logged) in self.logged.iter().enumerate() {
            if best.is_some_and(|(one, other)| in_log >= one + other) {
                break;
            }
            let LoggedEntry::Whole { first_line, hash } = &logged.what else {
                continue;
            };
            if let Some(&in_seal) = places.get(&(&**first_line, *hash))
                && best.is_none_or(|(one, other)| in_log + in_seal < one + other)
            {
                best = Some((in_log, in_seal));
            }
        }
        let (in_log, in_seal) = best.unwrap_or((self.logged.len(), self.sealed.len()));
        // Equal counts on both sides with the same bounds: these entries were altered in place.
        let (logged, sealed) = (
            self.logged.iter().take(in_log),
            self.sealed.iter().take(in_seal),
        );
        let is_in_place = in_log == in_seal
            && logged.zip(sealed).all(|(logged, sealed)| {
                matches!(logged.what, LoggedEntry::Whole { .. })
                    && logged.offset == self.place_of(sealed)
                    && logged.end - logged.offset == sealed.length
            });
        if is_in_place {
            for _ in 0..in_log {
                if let (Some(logged), Some(sealed)) =
                    (self.logged.pop_front(), self.sealed.pop_front())
                {
                    self.whole_end = logged.end;
                    self.note_altered(sealed, logged);
                }
            }
        } else {
            for sealed in self.sealed.drain(..in_seal) {
                push_capped(&mut self.missing, sealed);
            }
            for logged in self.logged.drain(..in_log) {
                push_capped(&mut self.added, logged);
            }
        }
        Ok(())
    }

    fn note_altered(&mut self, sealed: Sealed, logged: Logged) {
        let LoggedEntry::Whole { first_line, hash } = logged.what else {
            return;
        };
        let entry = sealed.name;
        self.findings.push(if first_line == entry.first_line {
            LogFault::ContentAltered {
                entry,
                logged: hash,
            }
        } else {
            LogFault::FirstLineAltered {
                entry,
                logged: first_line,
            }
        });
    }
}
