//! Accepting in rounds while connections come thick and fast.

use std::time::{Duration, Instant};

/// Whether connections come so fast that it pays to accept them in rounds.
///
/// Each that is accepted by itself costs two thread switches, to this thread and to a worker, and it comes before its
/// request does, so that the worker meets an empty socket. In a rush this thread sleeps between two rounds; the
/// connections of one share the switches, and find their requests there.
#[derive(Debug, Default)]
pub(super) struct Rush {
    /// Rounds in a row that were soon after the one before.
    quick: u32,
    last: Option<Instant>,
}

/// How long a round gathers connections. They may wait as long; a client would hardly notice.
pub(super) const ROUND: Duration = Duration::from_micros(100);

/// So many wake-ups in a row, each within a round's time of the one before, make a rush.
const QUICK: u32 = 32;

/// A round with fewer connections ends the rush: a few clients, who wait for each other's turn, are not to be slowed down.
const FEW: u64 = 6;

impl Rush {
    pub(super) fn is_on(&self) -> bool {
        self.quick >= QUICK
    }

    /// Takes note of a round that has accepted so many connections by this moment.
    pub(super) fn note(&mut self, accepted: u64, now: Instant) {
        let quick = self
            .last
            .is_some_and(|last| now.duration_since(last) < ROUND);
        self.last = Some(now);
        self.quick = match (self.is_on(), quick && accepted > 0) {
            (true, _) if accepted >= FEW => QUICK,
            (false, true) => self.quick + 1,
            _ => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rush after so many rounds, one every `pause`, that accept `connections` each.
    fn rounds(count: u32, pause: Duration, connections: u64) -> Rush {
        let mut rush = Rush::default();
        let start = Instant::now();
        for number in 0..count {
            rush.note(connections, start + pause * number);
        }
        rush
    }

    #[test]
    fn a_rush_begins_after_many_quick_rounds() {
        let quick = ROUND / 2;
        assert!(!rounds(QUICK, quick, 1).is_on());
        assert!(rounds(QUICK + 1, quick, 1).is_on());
        assert!(!rounds(QUICK + 1, ROUND * 2, 1).is_on());
        assert!(!rounds(QUICK + 1, quick, 0).is_on());
    }

    #[test]
    fn a_round_with_few_connections_ends_it() {
        for (connections, stays) in [(FEW, true), (FEW - 1, false), (0, false)] {
            let mut rush = rounds(QUICK + 1, ROUND / 2, 1);
            rush.note(connections, Instant::now() + Duration::from_secs(9));
            assert_eq!(rush.is_on(), stays, "{connections}");
        }
    }
}
