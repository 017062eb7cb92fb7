//! Lines of the seal that have their order, and are not in the chain yet.
//!
//! They are made under the mutex that gives entries their places, so that both have one order. [`super::seal_file`]
//! does the longer work outside the mutex: the chain and the write.

use std::time::SystemTime;

use super::space_file::Area;
use crate::change_version::ChangeVersion;
use crate::requester::{Answered, Requester};
use crate::seal::chain::Hash;
use crate::seal::clock::Clock;
use crate::seal::line_group::LineGroup;
use crate::seal::text::{
    CLOCK_LENGTH, ENTRY_START_LENGTH, ESCAPED, MAC_LENGTH, WORD_LIMIT, push_clock, push_entry_end,
    push_entry_start,
};
use crate::seal::time::{Moment, MomentWriter};

/// See the module's description.
pub(super) struct SealLines {
    /// The end of the seal once they are written. Lines are counted with the most that they can take.
    pub(super) area: Area,
    group: LineGroup,
    /// The bytes that the area counts for these lines.
    counted: u64,
    /// Lines so far, from the start of the server.
    made: u64,
    /// The number of the last entry.
    entries: u64,
    clock: Clock,
    writer: MomentWriter,
}

/// The most bytes of the known part of a line without names and the first line of its entry: an IPv6 peer and its port, a
/// status, a hash, and the spaces between them.
const KNOWN: usize = 192;

/// The most bytes that [`push_known`] appends for the entry of a change of this name.
pub(super) fn most_known(requester: &Requester, first_line: &[u8], name: &[u8]) -> usize {
    let user = requester.user.as_deref().map_or(0, str::len);
    let version = ChangeVersion::longest(name);
    KNOWN + WORD_LIMIT.min(ESCAPED * user) + version + first_line.len()
}

/// Appends the part of an entry's line that is known before the entry has its place.
pub(super) fn push_known(
    out: &mut Vec<u8>,
    answered: &Answered<'_>,
    hash: Option<&Hash>,
    version: Option<&ChangeVersion>,
    first_line: &[u8],
) {
    let Requester { source, user, .. } = answered.requester;
    let push_peer = |out: &mut Vec<u8>| source.push(out);
    push_entry_end(
        out,
        push_peer,
        user.as_deref(),
        answered.status,
        hash,
        version,
        first_line,
    );
}

/// The most bytes that an entry can add to the seal, if `known` bytes of its line are known.
pub(super) fn most(known: usize) -> u64 {
    (ENTRY_START_LENGTH + known + CLOCK_LENGTH + MAC_LENGTH) as u64
}

impl SealLines {
    pub(super) fn new(area: Area, entries: u64, clock: Clock) -> Self {
        Self {
            area,
            group: LineGroup::default(),
            counted: 0,
            made: 0,
            entries,
            clock,
            writer: MomentWriter::default(),
        }
    }

    /// Lines so far.
    pub(super) fn made(&self) -> u64 {
        self.made
    }

    /// Takes the time for the entries that get their places now.
    pub(super) fn read_clock(&mut self) -> Moment {
        let reading = self.clock.read(SystemTime::now().into());
        if let Some(system) = reading.set_back {
            self.group
                .push(|text| push_clock(text, reading.time, system));
            self.made += 1;
        }
        reading.time
    }

    /// Appends the line of an entry that has this place; `known` is the part that [`push_known`] made.
    pub(super) fn push_entry(&mut self, time: Moment, offset: u64, length: u64, known: &[u8]) {
        self.entries += 1;
        let number = self.entries;
        let writer = &mut self.writer;
        self.group.push(|text| {
            push_entry_start(text, number, offset, length, time, writer);
            text.extend_from_slice(known);
        });
        self.count(known.len());
    }

    /// Appends another line, which `push` makes.
    pub(super) fn push_other(&mut self, push: impl FnOnce(&mut Vec<u8>, Moment)) {
        let time = self.read_clock();
        let length = self.group.push(|text| push(text, time));
        self.count(length);
    }

    fn count(&mut self, known: usize) {
        self.made += 1;
        let most = most(known);
        self.area.end += most;
        self.counted += most;
    }

    /// Moves all lines behind those of `group`, and returns the number of lines made so far. The seal ends at `end` with
    /// the lines that were taken before.
    pub(super) fn take(&mut self, group: &mut LineGroup, end: u64) -> u64 {
        group.append(&mut self.group);
        self.area.end = end + std::mem::take(&mut self.counted);
        self.made
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use super::*;
    use crate::requester::RequestSource;

    #[test]
    fn no_line_has_more_than_was_reserved_for_it() {
        let peer = |text: &str| RequestSource::Peer(text.parse::<SocketAddr>().unwrap().into());
        let longest = "[1111:2222:3333:4444:5555:6666:7777:8888]:65535";
        let proxied = RequestSource::Client("2001:db8::1".parse::<IpAddr>().unwrap().into());
        for source in [peer("192.0.2.1:1"), peer(longest), proxied] {
            for user in [None, Some(""), Some("-"), Some("ann"), Some("\u{fc}")] {
                for repeated in [1, 400, 2_000] {
                    let requester = Requester {
                        user: user.map(|user| user.repeat(repeated).into()),
                        ..Requester::anonymous(source)
                    };
                    let answered = Answered {
                        requester: &requester,
                        status: 201,
                    };
                    let first_line = b"PUT a length 0";
                    let mut known = Vec::new();
                    let version = ChangeVersion::Name(i64::MAX.unsigned_abs());
                    let hash = Some(&Hash::ZERO);
                    push_known(&mut known, &answered, hash, Some(&version), first_line);
                    assert!(
                        known.len() <= most_known(&requester, first_line, b"a"),
                        "{user:?}"
                    );
                }
            }
        }
    }
}
