//! Accepting in rounds while connections come thick and fast.

use std::time::{Duration, Instant};

/// Whether connections come so fast that it pays to accept them in rounds.
///
/// Each that is accepted by itself costs two thread switches, to this thread and to a worker, and it comes before its
/// request does, so that the worker meets an empty socket. In a rush this thread sleeps between two rounds; the
/// connections of one share the switches, and find their requests there.
#[derive(Debug, Default)]
pub(crate) struct AcceptBatching {
    is_on: bool,
    /// What is counted since its beginning.
    window: Option<Instant>,
    rounds: u64,
    accepted: u64,
    /// Windows before another rush may begin.
    rest: u32,
}

/// How long a round gathers connections. They may wait as long; a client would hardly notice.
pub(crate) const BATCH_INTERVAL: Duration = Duration::from_micros(200);

/// How long is counted before it is judged: some dozens of rounds.
const WINDOW: Duration = Duration::from_millis(5);

/// Connections that are no further apart than this, over a window, make a rush: two thirds of what the machine this
/// was measured on can take one by one.
const APART: Duration = Duration::from_micros(75);

/// Fewer connections in a round, over a window, end it: a few clients, who wait for their answers before they connect
/// again, are not to be slowed down.
const FEW: u64 = 5;

/// Windows without a rush after one that was ended: what a few clients lose by trials is a hundredth.
const REST: u32 = 30;

impl AcceptBatching {
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Takes note of a round that has accepted so many connections by this moment.
    pub(crate) fn note(&mut self, accepted: u64, now: Instant) {
        self.rounds += 1;
        self.accepted += accepted;
        let since = *self.window.get_or_insert(now);
        let elapsed = now.duration_since(since);
        if elapsed < WINDOW {
            return;
        }
        if self.is_on {
            self.is_on = self.accepted >= self.rounds * FEW;
            self.rest = REST;
        } else if self.rest > 0 {
            self.rest -= 1;
        } else {
            let accepted = u32::try_from(self.accepted).unwrap_or(u32::MAX);
            let apart = elapsed.checked_div(accepted);
            self.is_on = apart.is_some_and(|apart| apart <= APART);
        }
        (self.window, self.rounds, self.accepted) = (Some(now), 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a rush that is or is not on becomes in a window with a round every `pause`, each with so many connections.
    fn after(mut batching: AcceptBatching, pause: Duration, connections: u64) -> AcceptBatching {
        let mut now = Instant::now();
        batching.window = Some(now);
        let end = now + WINDOW;
        while now < end {
            now += pause;
            batching.note(connections, now);
        }
        batching
    }

    fn on() -> AcceptBatching {
        AcceptBatching {
            is_on: true,
            ..AcceptBatching::default()
        }
    }

    #[test]
    fn it_begins_when_connections_are_close_together() {
        for (pause, connections, begins) in [
            (APART, 1, true),
            (APART * 2, 1, false),
            (APART * 2, 2, true),
            (APART / 2, 0, false),
            (WINDOW * 100, 1, false),
            (WINDOW * 100, 64, false),
        ] {
            let batching = after(AcceptBatching::default(), pause, connections);
            assert_eq!(batching.is_on(), begins, "{connections} every {pause:?}");
        }
    }

    #[test]
    fn it_lasts_as_long_as_rounds_are_worth_it() {
        for (pause, connections, lasts) in [
            (BATCH_INTERVAL, FEW, true),
            (BATCH_INTERVAL, FEW - 1, false),
            (BATCH_INTERVAL, 0, false),
            (WINDOW * 100, 1, false),
        ] {
            let batching = after(on(), pause, connections);
            assert_eq!(batching.is_on(), lasts, "{connections} every {pause:?}");
        }
    }

    #[test]
    fn one_thin_round_does_not_end_it() {
        let mut batching = on();
        let start = Instant::now();
        for number in 0..200 {
            let connections = if number % 5 == 0 { 1 } else { FEW * 2 };
            batching.note(connections, start + BATCH_INTERVAL * number);
            assert!(batching.is_on());
        }
    }
}
