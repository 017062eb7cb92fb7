//! Space in the log for the entry of an upload that has not taken effect yet.

use super::entry::EntryWriter;
use super::reservation::Reservation;
use super::seal_lines::push_known;
use crate::change_version::ChangeVersion;
use crate::durable::Durability;
use crate::requester::Answered;
use crate::seal::chain::Hash;

/// Space for the entry of one upload.
#[must_use = "an upload that takes effect must be placed in the log"]
pub struct EntryReservation {
    reservation: Reservation,
    header: Vec<u8>,
    /// The most bytes of the known part of its line in the seal; `None` if there is no seal.
    most_known: Option<usize>,
    length: u64,
    durability: Durability,
}

impl EntryReservation {
    pub(super) fn new(
        reservation: Reservation,
        header: Vec<u8>,
        most_known: Option<usize>,
        length: u64,
        durability: Durability,
    ) -> Self {
        Self {
            reservation,
            header,
            most_known,
            length,
            durability,
        }
    }

    /// Takes the entry's place. The caller does this at the instant at which the change takes effect. `hash` is the
    /// hash of its content, if it has any; `version` is the version of the change, if other servers share the root.
    pub fn commit(
        self,
        answered: &Answered<'_>,
        hash: Option<&Hash>,
        version: Option<&ChangeVersion>,
    ) -> EntryWriter {
        let mut known = Vec::new();
        if let Some(most) = self.most_known {
            known.reserve(most);
            let first_line = without_newline(&self.header);
            push_known(&mut known, answered, hash, version, first_line);
            debug_assert!(known.len() <= most, "more than was reserved");
        }
        EntryWriter::new(
            self.reservation.commit(&known),
            self.header,
            self.length,
            self.durability,
        )
    }
}

fn without_newline(header: &[u8]) -> &[u8] {
    header.strip_suffix(b"\n").unwrap_or(header)
}
