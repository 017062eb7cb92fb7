//! The counts: requests by method and status, their durations, bytes, turns. The status and the summary use them.
//!
//! Each worker has its own counters (`worker_tally`). `tallies` adds them up on request.

use std::array;
use std::collections::BTreeMap;
use std::time::Duration;

use super::handshake::HandshakeResult;
use super::turn_time::TurnTime;
use crate::access_log::Record;

/// The upper bounds of the buckets of durations, in microseconds.
pub const BUCKETS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// The method of a request. Unknown methods are counted together, since a client can invent any number of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MethodLabel {
    /// GET
    Get,
    /// HEAD
    Head,
    /// PUT
    Put,
    /// DELETE
    Delete,
    /// OPTIONS
    Options,
    /// Any other method, or none.
    Other,
}

/// The durations of requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    /// The number of durations by bucket: above the bound before, and up to its own. The last has no bound.
    pub counts: [u64; BUCKETS.len() + 1],
    /// All durations together.
    pub sum: Duration,
}

/// Counts of requests that have ended, of bytes, and of turns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests by method and status; requests without a status had no response, since their clients left.
    pub requests: BTreeMap<(MethodLabel, Option<u16>), u64>,
    /// From the first byte of a request to the last byte of its response.
    pub durations: [Durations; MethodLabel::ALL.len()],
    /// Bytes of these requests and of their responses.
    pub exchanged: Moved,
    /// Entries in the request log.
    pub entries: u64,
    /// All bytes of connections, those of requests in progress among them.
    pub moved: Moved,
    /// Turns of connections.
    pub turns: u64,
    /// The longest turn so far.
    pub longest_turn: TurnTime,
    /// TLS handshakes that have ended, by version, if one was agreed on, and by result.
    pub handshakes: BTreeMap<(Option<&'static str>, HandshakeResult), u64>,
}

/// Bytes that were moved, as they were on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes received.
    pub received: u64,
    /// Bytes sent.
    pub sent: u64,
}

impl MethodLabel {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Get,
        Self::Head,
        Self::Put,
        Self::Delete,
        Self::Options,
        Self::Other,
    ];

    /// Its name; `other` for unknown methods.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other => "other",
        }
    }

    /// The label of a method as it was received.
    pub(crate) fn of(received: Option<&[u8]>) -> Self {
        match received {
            Some(b"GET") => Self::Get,
            Some(b"HEAD") => Self::Head,
            Some(b"PUT") => Self::Put,
            Some(b"DELETE") => Self::Delete,
            Some(b"OPTIONS") => Self::Options,
            _ => Self::Other,
        }
    }
}

impl Durations {
    /// The number of durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn plus(&self, more: &Self) -> Self {
        Self {
            counts: array::from_fn(|at| self.counts[at] + more.counts[at]),
            sum: self.sum + more.sum,
        }
    }
}

impl Moved {
    fn add(&mut self, more: Self) {
        self.received += more.received;
        self.sent += more.sent;
    }
}

impl Tally {
    /// Requests that have ended.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.values().sum()
    }

    /// Those with a status of 500 or more.
    #[must_use]
    pub fn server_errors(&self) -> u64 {
        let all = self.requests.iter();
        all.filter(|((_, status), _)| status.is_some_and(|status| status >= 500))
            .map(|(_, count)| count)
            .sum()
    }

    /// Counts a request that has ended.
    pub(super) fn add_request(&mut self, record: &Record<'_>) {
        let method = MethodLabel::of(record.method);
        *self.requests.entry((method, record.status)).or_default() += 1;
        let durations = &mut self.durations[method as usize];
        durations.counts[bucket(nanoseconds(record.duration))] += 1;
        durations.sum += record.duration;
        self.exchanged.add(Moved {
            received: record.bytes_in,
            sent: record.bytes_out,
        });
        self.entries += u64::from(record.entry.is_some());
    }

    pub(super) fn add(&mut self, more: &Self) {
        for (key, count) in &more.requests {
            *self.requests.entry(*key).or_default() += count;
        }
        self.durations = array::from_fn(|at| self.durations[at].plus(&more.durations[at]));
        self.exchanged.add(more.exchanged);
        self.entries += more.entries;
        self.moved.add(more.moved);
        self.turns += more.turns;
        self.longest_turn = self.longest_turn.max(more.longest_turn);
        for (key, count) in &more.handshakes {
            *self.handshakes.entry(*key).or_default() += count;
        }
    }
}

/// The bucket of a duration in nanoseconds.
pub(super) fn bucket(nanoseconds: u64) -> usize {
    // Most requests are in one of the first buckets.
    let is_above = |bound: &&u64| **bound * 1_000 < nanoseconds;
    BUCKETS.iter().take_while(is_above).count()
}

/// A duration in nanoseconds; longer ones than 584 years are cut to that.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_up_to_the_bound_of_their_bucket() {
        for (nanoseconds, expected) in [
            (0, 0),
            (100_000, 0),
            (100_001, 1),
            (10_000_000_000, BUCKETS.len() - 1),
            (10_000_000_001, BUCKETS.len()),
            (u64::MAX, BUCKETS.len()),
        ] {
            assert_eq!(bucket(nanoseconds), expected, "{nanoseconds}");
        }
    }

    #[test]
    fn longest_duration_is_the_largest_number_of_nanoseconds() {
        assert_eq!(nanoseconds(Duration::from_micros(1_500_001)), 1_500_001_000);
        assert_eq!(nanoseconds(Duration::MAX), u64::MAX);
    }
}
