//! Space in the log for the entry of an upload that has not taken effect yet.

use super::entry::EntryWriter;
use super::reservation::Reservation;
use super::seal_lines::push_known;
use crate::durable::Durability;
use crate::requester::{Answered, Requester};
use crate::seal::chain::Hash;

/// Bytes of what is known of a line in the seal besides the first line of its entry, most often.
const KNOWN: usize = 128;

/// Space for the entry of one upload.
#[must_use = "an upload that takes effect must be placed in the log"]
pub struct EntryReservation {
    reservation: Reservation,
    header: Vec<u8>,
    /// Room for what is known of its line in the seal; empty if there is no seal.
    known: Vec<u8>,
    length: u64,
    durability: Durability,
}

impl EntryReservation {
    pub(super) fn new(
        reservation: Reservation,
        header: Vec<u8>,
        known: Vec<u8>,
        length: u64,
        durability: Durability,
    ) -> Self {
        Self {
            reservation,
            header,
            known,
            length,
            durability,
        }
    }

    /// Room for what will be known of the line of an entry with this header, and as long as that will be: a status has
    /// three digits, and a hash is the longest that can stand in its place.
    pub(super) fn room_for_line(requester: &Requester, header: &[u8]) -> Vec<u8> {
        let mut known = Vec::with_capacity(header.len() + KNOWN);
        let answered = Answered {
            requester,
            status: 200,
        };
        push_known(
            &mut known,
            &answered,
            Some(&Hash::ZERO),
            without_newline(header),
        );
        known
    }

    /// Takes the entry's place; to be called in the instant in which the upload takes effect. `hash` is that of its
    /// content, if it has any.
    pub fn commit(mut self, answered: &Answered<'_>, hash: Option<&Hash>) -> EntryWriter {
        if !self.known.is_empty() {
            self.known.clear();
            let first_line = without_newline(&self.header);
            push_known(&mut self.known, answered, hash, first_line);
        }
        EntryWriter::new(
            self.reservation.commit(&self.known),
            self.header,
            self.length,
            self.durability,
        )
    }
}

fn without_newline(header: &[u8]) -> &[u8] {
    header.strip_suffix(b"\n").unwrap_or(header)
}
